#include "engine/signature.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_US (20 * US_PER_S) /* an agent may ask for a touch */

/* ---- making ------------------------------------------------------------------------------------------- */

struct making {
    signature_made *done;
    void *context;
};

static void on_made(void *data, struct process_result *result)
{
    struct making *m = data;
    bool ok = !result->error && result->exit_status == 0 && result->out.len > 0;
    m->done(m->context, ok ? 0 : ERR_DENIED, ok ? str_text(&result->out) : result->reason);
    free(m);
}

void signature_make(struct loop *loop, const char *key, const char *text, signature_made *done, void *context)
{
    struct making *m = xmalloc(sizeof *m);
    char *file = xstrdup(key);
    char *argv[] = {"ssh-keygen", "-Y", "sign", "-f", file, "-n", SIGNATURE_NAMESPACE, NULL};
    *m = (struct making){done, context};
    process_start(loop, &(struct process_request){.argv = argv,
                                                  .input = text,
                                                  .input_length = strlen(text),
                                                  .timeout_us = LIMIT_US,
                                                  .max_out = SIGNATURE_MAX,
                                                  .done = on_made,
                                                  .data = m});
    free(file);
}

/* ---- checking ----------------------------------------------------------------------------------------- */

struct checking {
    struct loop *loop;
    char *allowed, *text, *principal;
    char file[64]; /* of the signature: ssh-keygen takes it by name alone */
    signature_checked *done;
    void *context;
};

static void checking_end(struct checking *c, int code, const char *fingerprint, const char *reason)
{
    struct signer signer = {c->principal, fingerprint, reason};
    unlink(c->file);
    c->done(c->context, code, &signer);
    free(c->allowed);
    free(c->text);
    free(c->principal);
    free(c);
}

/* Good "belay-approval" signature for alice with ED25519 key SHA256:k3... */
static void on_verified(void *data, struct process_result *result)
{
    struct checking *c = data;
    const char *key = strstr(str_text(&result->out), " key SHA256:");
    if (result->error || result->exit_status != 0 || !key) {
        checking_end(c, ERR_DENIED, NULL, result->reason[0] ? result->reason : "the signature is not good");
        return;
    }
    key += strlen(" key ");
    char *fingerprint = xstrndup(key, strcspn(key, " \r\n"));
    checking_end(c, 0, fingerprint, "");
    free(fingerprint);
}

static void on_principals(void *data, struct process_result *result)
{
    struct checking *c = data;
    size_t length = strcspn(str_text(&result->out), "\r\n");
    if (result->error || result->exit_status != 0 || length == 0) {
        checking_end(c, ERR_DENIED, NULL, "signed by a key that is not among the approvers");
        return;
    }
    c->principal = xstrndup(str_text(&result->out), length);
    char *argv[] = {"ssh-keygen",        "-Y", "verify", "-f", c->allowed, "-I", c->principal, "-n",
                    SIGNATURE_NAMESPACE, "-s", c->file,  NULL};
    process_start(c->loop, &(struct process_request){.argv = argv,
                                                     .input = c->text,
                                                     .input_length = strlen(c->text),
                                                     .timeout_us = LIMIT_US,
                                                     .max_out = SIGNATURE_MAX,
                                                     .done = on_verified,
                                                     .data = c});
}

void signature_check(struct loop *loop, const char *allowed, const char *signature, const char *text,
                     signature_checked *done, void *context)
{
    struct checking *c = xcalloc(1, sizeof *c);
    *c = (struct checking){.loop = loop,
                           .allowed = xstrdup(allowed),
                           .text = xstrdup(text),
                           .file = "/tmp/belay-signature-XXXXXX",
                           .done = done,
                           .context = context};
    int fd = mkostemp(c->file, O_CLOEXEC);
    size_t length = strlen(signature);
    bool written = fd >= 0 && length <= SIGNATURE_MAX && write(fd, signature, length) == (ssize_t)length;
    if (fd >= 0)
        close(fd);
    /* A command that can't be written fails as one that finds nobody does: with a reason, later. */
    char *argv[] = {"ssh-keygen", "-Y", "find-principals", "-s", written ? c->file : "/nonexistent", "-f",
                    c->allowed,   NULL};
    process_start(loop, &(struct process_request){.argv = argv,
                                                  .timeout_us = LIMIT_US,
                                                  .max_out = SIGNATURE_MAX,
                                                  .done = on_principals,
                                                  .data = c});
}
