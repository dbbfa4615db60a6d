/* The lasting changes of the incident in focus, counted by what another console journals. */
#include "engine/state.h"
#include "tests/unit/engine/stage.h"

static void append(struct stage *s, const struct event_draft *draft)
{
    struct err e = {0};
    if (journal_append_wait(s->engine->chronicle.journal, draft, 1, NULL, &e) < 0)
        fail_msg("%s", e.msg);
}

static void step(struct stage *s, const char *id, const char *role, const char *undo, int ticket)
{
    char *data = xasprintf("{\"step\":\"%s\",\"ticket\":%d,\"role\":\"%s\",\"acts\":true,\"undo\":\"%s\"}",
                           id, ticket, role, undo);
    struct event_draft draft = {
        .kind = EVENT_STEP_INTENT, .actor = "alice", .incident = 1, .run = 1, .data = data};
    append(s, &draft);
    draft.kind = EVENT_STEP_OUTCOME;
    draft.outcome = "ok";
    append(s, &draft);
    free(data);
}

static void await_changes(struct stage *s, size_t wanted)
{
    for (int64_t end = clock_monotonic_us() + PATIENCE_US; engine_changes(s->engine) != wanted;) {
        if (clock_monotonic_us() > end)
            fail_msg("%zu changes are counted, not %zu", engine_changes(s->engine), wanted);
        loop_run_once(s->loop, 100 * US_PER_MS);
    }
}

static void what_is_changed_and_not_undone_is_counted(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s, "runbooks: []\n");
    stage_open(&s);
    append(&s, &(struct event_draft){.kind = EVENT_INCIDENT_OPENED,
                                     .actor = "alice",
                                     .incident = JOURNAL_NEW,
                                     .data = "{\"title\":\"shard-5 is down\",\"severity\":\"SEV2\"}"});
    append(&s, &(struct event_draft){
                   .kind = EVENT_RUN_STARTED, .actor = "alice", .incident = 1, .run = JOURNAL_NEW});
    step(&s, "mark", "act", "unmark", 1);
    step(&s, "drain", "act", "", 2);
    await_changes(&s, 2);
    step(&s, "unmark", "rollback", "", 3);
    await_changes(&s, 1);
    stage_close(&s);
    stage_open(&s); /* and by a console that comes later */
    await_changes(&s, 1);
    stage_close(&s);
    stage_strike(&s);
}

/* Its timer is armed when it ends. */
static void an_engine_ends_before_it_has_counted(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s, "runbooks: []\n");
    stage_open(&s);
    s.engine->chronicle.focused = 7;
    lasting_refresh(s.engine);
    assert_true(s.engine->lasting.due);
    stage_close(&s);
    stage_strike(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_changed_and_not_undone_is_counted),
                                       cmocka_unit_test(an_engine_ends_before_it_has_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
