/* What others have asked to be approved, seen from the console of who may approve it. */
#include "engine/walk.h"

#include <stdlib.h>

void asked_fini(struct asked *a)
{
    free(a->step);
    free(a->by);
    free(a->digest);
    free(a->refused);
    *a = (struct asked){0};
}

static bool is_about(const struct asked *a, const cJSON *data, const char *person)
{
    return a->step && str_eq(json_string(data, "digest", ""), a->digest) &&
           str_eq(json_string(data, "by", ""), person);
}

void asked_take(struct asked *a, const struct event *event, const cJSON *data, const char *person)
{
    if (event->kind == EVENT_APPROVAL_REQUESTED) {
        asked_fini(a);
        *a = (struct asked){.step = xstrdup(json_string(data, "step", "")),
                            .by = xstrdup(json_string(data, "by", "")),
                            .digest = xstrdup(json_string(data, "digest", "")),
                            .at_us = event->at_us};
    } else if (event->kind == EVENT_APPROVAL_GIVEN && is_about(a, data, person)) {
        free(a->refused);
        a->refused = NULL;
        a->given = true;
    } else if (event->kind == EVENT_APPROVAL_REFUSED && is_about(a, data, person)) {
        free(a->refused);
        a->refused = xstrdup(json_string(data, "reason", ""));
        a->given = false;
    }
}

/* Counted by the console that walks it: under the name of the account, or of the key. */
static bool is_counted(const struct walk *w, int step)
{
    struct run_approval there[STEP_APPROVALS_MAX * 2];
    const char *person = w->engine->identity.person, *key = w->engine->identity.key;
    size_t count = run_approvals(w->run, there, sizeof there / sizeof there[0]);
    for (size_t i = 0; i < count && i < sizeof there / sizeof there[0]; i++)
        if (there[i].step == step && str_eq(there[i].digest, w->asked.digest) &&
            (str_eq(there[i].actor, person) || (key && strstr(there[i].actor, key))))
            return true;
    return false;
}

static bool view_fill(const struct walk *w, struct engine_approval *view)
{
    const struct asked *a = &w->asked;
    int step =
        a->step && w->elsewhere && !w->ended && !w->abandoned ? runbook_find(w->book, a->step) : STEP_NONE;
    int64_t expires_us = a->at_us + RUN_APPROVAL_MS * US_PER_MS;
    struct run_step now;
    if (step == STEP_NONE || clock_wall_us() >= expires_us || str_eq(a->by, w->engine->identity.person))
        return false;
    run_step_at(w->run, step, &now);
    int missing = run_approvals_missing(w->run, step, NULL, w->engine->identity.target);
    if (missing == 0 || (now.outcome != OUTCOME_PENDING && now.outcome != OUTCOME_ARMED))
        return false;
    *view = (struct engine_approval){.run = w->id,
                                     .step = step,
                                     .by = a->by,
                                     .asked_us = a->at_us,
                                     .expires_us = expires_us,
                                     .digest = a->digest,
                                     .missing = missing,
                                     .needed = w->book->steps.data[step].approvals,
                                     .given = a->given || is_counted(w, step),
                                     .refused = a->refused};
    return true;
}

size_t engine_approval_count(const struct engine *engine)
{
    struct engine_approval view;
    size_t count = 0;
    while (engine_approval_at(engine, count, &view))
        count++;
    return count;
}

bool engine_approval_at(const struct engine *engine, size_t index, struct engine_approval *view)
{
    for (size_t i = 0; i < engine->runs.walks.len; i++)
        if (view_fill(engine->runs.walks.data[i], view) && index-- == 0)
            return true;
    return false;
}

const char *engine_signing(const struct engine *engine)
{
    return engine->identity.signing;
}
