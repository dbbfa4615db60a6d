/* Who acts here, and where acts would land. */
#include "engine/state.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define OBSERVE_LIMIT_US (5 * US_PER_S)
#define OBSERVE_BYTES    4096
#define SHOWN_BYTES      80 /* of each, so that both are seen */

/* The uid is the kernel's word, the key the session's own (see ssh_key.h), a claimed name only a claim. */
static void actor_open(struct engine *engine, uid_t uid)
{
    struct str key = {0};
    char fingerprint[SSH_FINGERPRINT_SIZE];
    if (ssh_key_of_session(getenv("SSH_USER_AUTH"), &key, NULL) == 0 &&
        ssh_key_fingerprint(str_text(&key), fingerprint, NULL) == 0)
        engine->identity.key = xstrdup(fingerprint);
    str_fini(&key);
    engine->identity.person =
        xasprintf("%s (uid %u%s%s)", engine->identity.actor, (unsigned)uid,
                  engine->identity.key ? ", key " : "", engine->identity.key ? engine->identity.key : "");
}

static char *signing_text(const char *key, bool checked)
{
    if (key)
        return xasprintf("signed through the agent by this session's key, %s%s", key,
                         checked ? "" : " (nobody checks it: no approvers: are configured)");
    return xstrdup(checked
                       ? "not signed, so it does not count: this session has no SSH key. :approve RUN STEP "
                         "--key FILE names one"
                       : "not signed: it counts only from another account");
}

void identity_open(struct engine *engine)
{
    uid_t uid = getuid();
    const struct passwd *entry = getpwuid(uid);
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    engine->identity.actor = entry ? xstrdup(entry->pw_name) : xasprintf("uid-%u", (unsigned)uid);
    const char *claim = engine->identity.claim;
    actor_open(engine, uid);
    engine->identity.actor_line = xasprintf("%s%s%s on %s", engine->identity.person,
                                            claim ? ", says to be " : "", claim ? claim : "", host);
    engine->identity.signing = signing_text(engine->identity.key, engine->config->approvers != NULL);
    const char *expect = engine->config->identity.expect;
    engine->identity.target =
        xasprintf("%s%s%s", engine->config->platform, expect ? ": " : "", expect ? expect : "");
}

void identity_close(struct engine *engine)
{
    process_cancel(engine->identity.process);
    vec_fini(&engine->identity.waiters);
    free(engine->identity.actor);
    free(engine->identity.actor_line);
    free(engine->identity.person);
    free(engine->identity.key);
    free(engine->identity.signing);
    free(engine->identity.claim);
    free(engine->identity.where);
    free(engine->identity.target);
}

const char *engine_actor(const struct engine *engine)
{
    return engine->identity.actor;
}

const char *engine_target(const struct engine *engine)
{
    return engine->identity.target;
}

const char *engine_person(const struct engine *engine)
{
    return engine->identity.person;
}

const char *engine_actor_line(const struct engine *engine)
{
    return engine->identity.actor_line;
}

static void waiters_tell(struct engine *engine, int code, const char *message)
{
    VEC(struct where_waiter) waiting = {0};
    waiting.data = engine->identity.waiters.data;
    waiting.len = engine->identity.waiters.len;
    engine->identity.waiters.data = NULL;
    engine->identity.waiters.len = engine->identity.waiters.cap = 0;
    for (size_t i = 0; i < waiting.len; i++)
        if (waiting.data[i].done)
            waiting.data[i].done(waiting.data[i].context, code, message);
    free(waiting.data);
}

/* What it printed, without the blanks around it. */
static void words_clean(const struct str *out, struct str *words)
{
    size_t from = 0, to = out->len;
    while (to > from && strchr(" \t\r\n", out->data[to - 1]))
        to--;
    while (from < to && strchr(" \t\r\n", out->data[from]))
        from++;
    if (to > from)
        utf8_clean(words, out->data + from, to - from, false);
}

static void observed(void *data, struct process_result *result)
{
    struct engine *engine = data;
    const char *expect = engine->config->identity.expect;
    struct str said = {0};
    struct err e = {0};
    engine->identity.process = NULL;
    engine->identity.observed_us = loop_now_us(engine->loop);
    words_clean(&result->out, &said);
    free(engine->identity.where);
    if (result->error || result->exit_status != 0) {
        err_set(&e, ERR_DENIED, "where this would land can't be observed: %s: nothing was run",
                result->reason);
        engine->identity.where = xasprintf("unknown: %s", result->reason);
    } else if (expect && !str_eq(expect, str_text(&said))) {
        const char *what = said.len ? str_text(&said) : "(nothing was printed)";
        err_set(&e, ERR_DENIED, "this would land in %.*s, the configuration expects %.*s: nothing was run",
                SHOWN_BYTES, what, SHOWN_BYTES, expect);
        engine->identity.where =
            xasprintf("%.*s, NOT %.*s as configured", SHOWN_BYTES, what, SHOWN_BYTES, expect);
    } else {
        engine->identity.where = xasprintf("%s", str_text(&said));
    }
    engine->identity.matches = e.code == 0;
    str_fini(&said);
    engine_changed(engine, ENGINE_RUNS);
    waiters_tell(engine, e.code, e.msg);
}

void identity_observe(struct engine *engine, where_done *done, void *context)
{
    if (!engine->config->identity.command) {
        if (done)
            done(context, 0, "");
        return;
    }
    *vec_push(&engine->identity.waiters) = (struct where_waiter){done, context};
    if (engine->identity.process)
        return;
    int64_t limit = engine->config->identity.timeout_us;
    struct process_request request = {
        .argv = engine->config->identity.command,
        .timeout_us = limit > 0 ? limit : OBSERVE_LIMIT_US,
        .max_out = OBSERVE_BYTES,
        .done = observed,
        .data = engine,
    };
    engine->identity.process = process_start(engine->loop, &request);
}

void engine_where(const struct engine *engine, struct engine_where *where)
{
    bool configured = engine->config->identity.command != NULL;
    *where = (struct engine_where){
        .text = !configured              ? "this host (no identity: is configured to observe it)"
                : engine->identity.where ? engine->identity.where
                                         : "being observed",
        .configured = configured,
        .matches = configured ? engine->identity.matches : true,
        .observed_us = engine->identity.observed_us,
    };
}
