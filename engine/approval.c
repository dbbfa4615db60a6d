/* Two persons: a step asks, in the journal, for the approval of its exact command; another operator gives it
 * from a console of their own, signed where there is a key; the console that walks the run checks it and
 * tells the machine. With the configuration's `approvers:` a signature by another key that it allows counts,
 * once and for a while, and nothing else. Without it another account's word counts, as far as those who may
 * write the journal are trusted. A session's environment is no proof: it can be forged. */
#include "engine/signature.h"
#include "engine/walk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- asking ------------------------------------------------------------------------------------------- */

void approval_request(struct walk *w, const struct run_effect *effect)
{
    const struct step *step = &w->book->steps.data[effect->step];
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "step", step->id);
    cJSON_AddStringToObject(data, "title", step->title);
    cJSON_AddStringToObject(data, "digest", effect->text);
    cJSON_AddStringToObject(data, "where", w->engine->identity.target);
    cJSON_AddStringToObject(data, "by", w->engine->identity.person);
    json_add_int(data, "needs", step->approvals);
    struct run_event event = {
        .draft = {.kind = EVENT_APPROVAL_REQUESTED, .claim = walk_claim(w, CLAIM_CHECK)},
        .summary = xasprintf("%s needs %d approval%s: belay approve %lld %s", step->title, step->approvals,
                             step->approvals == 1 ? "" : "s", (long long)w->id, step->id),
        .data = data};
    walk_append(w, event, NULL, NULL, NULL);
}

/* ---- giving ------------------------------------------------------------------------------------------- */

struct giving {
    struct engine *engine;
    int64_t run, incident;
    char *step, *title, *digest, *text, *why_unsigned;
    char key_file[64]; /* the session's public key, for the agent to find its other half; "" when not made */
    engine_done *done;
    void *context;
};

/* What is signed. Any change of it is another approval. */
static char *approval_text(const struct engine *engine, int64_t run, const char *step, const char *digest)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format(clock_wall_us(), now);
    return xasprintf("belay approval 1\nplatform %s\nwhere %s\nrun %lld\nstep %s\ncommand %s\nat %s\n",
                     engine->config->platform, engine->identity.target, (long long)run, step, digest, now);
}

static void giving_end(struct giving *g, int code, const char *message)
{
    if (g->key_file[0])
        unlink(g->key_file);
    if (g->done)
        g->done(g->context, code, message, g->run);
    free(g->step);
    free(g->title);
    free(g->digest);
    free(g->text);
    free(g->why_unsigned);
    free(g);
}

static void on_given(void *context, const struct journal_result *result)
{
    struct giving *g = context;
    char *message =
        g->why_unsigned
            ? xasprintf("approved, unsigned (%s): counts only from another account", g->why_unsigned)
        : g->engine->config->approvers
            ? xstrdup("approved and signed")
            : xstrdup("approved and signed; without approvers: nobody checks it, and it counts only "
                      "from another account");
    giving_end(g, result->code, result->code ? result->reason : message);
    free(message);
}

static void giving_append(struct giving *g, const char *signature)
{
    const struct engine *engine = g->engine;
    struct err e = {0};
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "step", g->step);
    cJSON_AddStringToObject(data, "digest", g->digest);
    cJSON_AddStringToObject(data, "where", engine->identity.target);
    cJSON_AddStringToObject(data, "by", engine->identity.person);
    json_add_int(data, "uid", (int64_t)getuid());
    cJSON_AddStringToObject(data, "text", g->text);
    if (signature)
        cJSON_AddStringToObject(data, "signature", signature);
    struct run_event event = {.draft = {.kind = EVENT_APPROVAL_GIVEN, .incident = g->incident, .run = g->run},
                              .summary =
                                  xasprintf("approves: %s%s", g->title, signature ? "" : " (unsigned)"),
                              .data = data};
    if (run_append(g->engine, event, on_given, g, &e) < 0)
        giving_end(g, e.code, e.msg);
}

static void on_signed(void *context, int code, const char *text)
{
    struct giving *g = context;
    if (g->engine->closing) {
        giving_end(g, ERR_CANCELLED, "the console is being closed");
        return;
    }
    if (code < 0)
        g->why_unsigned = xstrdup(text);
    giving_append(g, code < 0 ? NULL : text);
}

/* The public half that sshd let in, in a file, so that ssh-keygen finds the private one in the agent. */
static bool session_key_write(struct giving *g)
{
    struct str key = {0};
    bool written = false;
    if (ssh_key_of_session(getenv("SSH_USER_AUTH"), &key, NULL) == 0) {
        str_add_char(&key, '\n');
        snprintf(g->key_file, sizeof g->key_file, "/tmp/belay-key-XXXXXX");
        int fd = mkostemp(g->key_file, O_CLOEXEC);
        written = fd >= 0 && write(fd, key.data, key.len) == (ssize_t)key.len;
        if (fd < 0)
            g->key_file[0] = '\0';
        else
            close(fd);
    }
    str_fini(&key);
    return written;
}

static int giving_check(const struct walk *w, const struct engine_request *request, int *step,
                        char digest[static SHA256_HEX_SIZE], struct err *e)
{
    const struct engine *engine = w->engine;
    *step = request->text && request->text[0] ? runbook_find(w->book, request->text) : run_current(w->run);
    if (*step == STEP_NONE)
        return err_set(e, ERR_NOT_FOUND, "run %lld has no step %s", (long long)w->id,
                       request->text ? request->text : "that waits");
    if (!w->elsewhere)
        return err_set(e, ERR_DENIED, "you walk run %lld yourself: somebody else must approve",
                       (long long)w->id);
    if (run_approvals_missing(w->run, *step, NULL, engine->identity.target) <= 0)
        return err_set(e, ERR_USAGE, "step %s of run %lld waits for no approval",
                       w->book->steps.data[*step].id, (long long)w->id);
    if (w->asked.step && !request->path && str_eq(w->asked.by, engine->identity.person))
        return err_set(e, ERR_DENIED, "you asked for it yourself: somebody else must approve");
    int code = run_command_digest(w->run, *step, engine->identity.target, digest, e);
    if (code == 0 && request->digest && !str_eq(request->digest, digest))
        code = err_set(e, ERR_DENIED, "the command is another by now: read it again");
    if (code == 0 && w->asked.step && !str_eq(w->asked.digest, digest))
        code = err_set(e, ERR_DENIED,
                       "what is asked for is another command, or lands elsewhere, than what is seen here: it "
                       "would not count");
    return code;
}

void approval_grant(struct walk *w, const struct engine_request *request, engine_done *done, void *context)
{
    struct err e = {0};
    char digest[SHA256_HEX_SIZE];
    int step;
    if (giving_check(w, request, &step, digest, &e) < 0) {
        if (done)
            done(context, e.code, e.msg, 0);
        return;
    }
    struct giving *g = xcalloc(1, sizeof *g);
    *g = (struct giving){.engine = w->engine,
                         .run = w->id,
                         .incident = w->incident,
                         .step = xstrdup(w->book->steps.data[step].id),
                         .title = xstrdup(w->book->steps.data[step].title),
                         .digest = xstrdup(digest),
                         .text = approval_text(w->engine, w->id, w->book->steps.data[step].id, digest),
                         .done = done,
                         .context = context};
    if (request->path)
        signature_make(w->engine->loop, request->path, g->text, on_signed, g);
    else if (session_key_write(g))
        signature_make(w->engine->loop, g->key_file, g->text, on_signed, g);
    else
        on_signed(g, ERR_NOT_FOUND, "no key: the session was not let in by one; --key FILE names one");
}

/* ---- counting ----------------------------------------------------------------------------------------- */

struct counting {
    struct engine *engine;
    int64_t run;
    int step;
    char *digest, *by;
    char *given_by; /* as the event of the approval has it */
    bool has_signature;
};

static void counting_free(struct counting *c)
{
    free(c->digest);
    free(c->by);
    free(c->given_by);
    free(c);
}

static void counting_refuse(const struct counting *c, const char *why)
{
    const struct walk *w = walk_find(c->engine, c->run);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "digest", c->digest);
    cJSON_AddStringToObject(data, "by", c->given_by);
    cJSON_AddStringToObject(data, "reason", why);
    struct run_event event = {.draft = {.kind = EVENT_APPROVAL_REFUSED,
                                        .actor = "belay",
                                        .incident = w ? w->incident : 0,
                                        .run = c->run},
                              .summary = xasprintf("the approval by %s does not count: %s", c->by, why),
                              .data = data};
    run_append(c->engine, event, NULL, NULL, NULL);
}

static void on_counted(void *context, int code, const char *message, int64_t id)
{
    (void)id;
    struct counting *c = context;
    if (code < 0 && !c->engine->closing)
        counting_refuse(c, message);
    counting_free(c);
}

static void counting_go(struct counting *c)
{
    struct walk *w = walk_find(c->engine, c->run);
    struct run_input input = {.kind = INPUT_APPROVE,
                              .step = c->step,
                              .actor = c->by,
                              .value = c->digest,
                              .where = c->engine->identity.target,
                              .has_signature = c->has_signature};
    if (!w || w->elsewhere)
        counting_free(c);
    else
        walk_input(w, &input, on_counted, c);
}

static void on_checked(void *context, int code, const struct signer *signer)
{
    struct counting *c = context;
    if (c->engine->closing) {
        counting_free(c);
        return;
    }
    const char *own = c->engine->identity.key;
    if (code == 0 && own && str_eq(own, signer->fingerprint)) {
        counting_refuse(c, "it is signed by the key of who asked");
        counting_free(c);
    } else if (code < 0) {
        counting_refuse(c, signer->reason);
        counting_free(c);
    } else {
        free(c->by);
        c->by = xasprintf("%s (key %s)", signer->principal, signer->fingerprint);
        c->has_signature = true;
        counting_go(c);
    }
}

/* What a signature is worth: its text is about this very step and command, was signed within the time that an
 * approval is good for, and has not been in the journal before. NULL, or why it is worth nothing. */
static const char *text_fault(const struct walk *w, const char *text, const char *step, const char *digest)
{
    char *wanted =
        xasprintf("belay approval 1\nplatform %s\nwhere %s\nrun %lld\nstep %s\ncommand %s\nat ",
                  w->engine->config->platform, w->engine->identity.target, (long long)w->id, step, digest);
    char *at = str_starts(text, wanted)
                   ? xstrndup(text + strlen(wanted), strcspn(text + strlen(wanted), "\n"))
                   : NULL;
    int64_t signed_us = 0, age_us;
    const char *fault = NULL;
    if (!at || clock_parse(at, &signed_us, NULL) < 0)
        fault = "what is signed is another approval";
    age_us = clock_wall_us() - signed_us;
    if (!fault && (age_us > RUN_APPROVAL_MS * US_PER_MS || age_us < -RUN_APPROVAL_MS * US_PER_MS))
        fault = "it was signed too long ago";
    for (char **seen = w->approvals_seen; !fault && seen && *seen; seen++)
        if (str_eq(*seen, text))
            fault = "it has been given before";
    free(wanted);
    free(at);
    return fault;
}

void approval_count(struct walk *w, const cJSON *data)
{
    struct engine *engine = w->engine;
    const char *signature = json_string(data, "signature", NULL), *text = json_string(data, "text", "");
    bool same_account = json_int(data, "uid", -1) == (int64_t)getuid();
    struct counting *c = xcalloc(1, sizeof *c);
    *c = (struct counting){.engine = engine,
                           .run = w->id,
                           .step = runbook_find(w->book, json_string(data, "step", "")),
                           .digest = xstrdup(json_string(data, "digest", "")),
                           .by = xstrdup(json_string(data, "by", "somebody")),
                           .given_by = xstrdup(json_string(data, "by", ""))};
    const char *why = NULL;
    if (c->step == STEP_NONE)
        why = "the run has no such step";
    else if (!engine->config->approvers && same_account)
        why = "it comes from the same account, and no approvers: are configured to check a signature with";
    else if (engine->config->approvers && !signature)
        why = "it is not signed";
    else if (engine->config->approvers && same_account && !engine->identity.key)
        why = "on a shared account who asks must have come with a key of their own (ExposeAuthInfo)";
    else if (engine->config->approvers)
        why = text_fault(w, text, json_string(data, "step", ""), c->digest);
    strv_add(&w->approvals_seen, text);
    if (why) {
        counting_refuse(c, why);
        counting_free(c);
    } else if (engine->config->approvers) {
        signature_check(engine->loop, engine->config->approvers, signature, text, on_checked, c);
    } else {
        counting_go(c);
    }
}
