/* What is told of changes, and since when: from the journal, over restarts and kill -9. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/engine/stage.h"

#define WATCHED                                                                                              \
    "sources:\n  - {name: store, kind: command, command: [cat, %s/state.json], every: 100ms, timeout: 30s, " \
    "stale_after: 1h, map: {kind: shard, rows: /*, name: '{n}', state: /s}}\n"

#define CODED                                                                                                \
    "sources:\n  - {name: store, kind: command, command: [cat, %s/state.json], every: 100ms, timeout: 30s, " \
    "map: {kind: shard, rows: /*, name: '{n}', state: {from: /s, '1': ok, '0.5': degraded, wrong: down}}}\n"

static void state_write(struct stage *s, const char *word)
{
    char *path = path_join(s->folder, "state.json");
    char *text = xasprintf("[{\"n\":\"docs/5\",\"s\":\"%s\"}]", word);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
    free(text);
    free(path);
}

static const struct entity *shard(struct stage *s)
{
    return platform_find(engine_platform(s->engine), ENTITY_SHARD, NULL, "docs/5");
}

static void until_raw(struct stage *s, const char *word)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (!shard(s) || !str_eq(shard(s)->raw, word)) {
        if (clock_monotonic_us() > end)
            fail_msg("docs/5 never was %s", word);
        loop_run_once(s->loop, 20 * US_PER_MS);
    }
}

/* ---- the transitions in the journal ---- */

struct newest {
    size_t count;
    int64_t at_us;
    char summary[128];
};

static int on_event(const struct event *event, void *data)
{
    struct newest *n = data;
    n->count++;
    n->at_us = event->at_us;
    snprintf(n->summary, sizeof n->summary, "%s", event->summary);
    return 0;
}

static struct newest transitions(struct stage *s)
{
    static const enum event_kind kinds[] = {EVENT_TRANSITION};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 1};
    struct newest n = {0};
    assert_int_equal(
        journal_read(engine_journal(s->engine), 1, JOURNAL_FORWARD, &filter, 0, on_event, &n, NULL), 0);
    return n;
}

static struct newest until_transitions(struct stage *s, size_t count)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    for (;;) {
        struct newest n = transitions(s);
        if (n.count >= count)
            return n;
        if (clock_monotonic_us() > end)
            fail_msg("%zu transitions of %zu, the newest '%s'", n.count, count, n.summary);
        loop_run_once(s->loop, 20 * US_PER_MS);
    }
}

static int64_t answers(struct stage *s)
{
    return (int64_t)platform_source(engine_platform(s->engine), 0)->answers;
}

/* So many more answers, all the same: what is no news is not journaled with any of them. */
static void let_it_watch(struct stage *s)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US, wanted = answers(s) + 3;
    while (answers(s) < wanted && clock_monotonic_us() < end)
        loop_run_once(s->loop, 20 * US_PER_MS);
    assert_true(answers(s) >= wanted);
}

static struct newest dies_watching(struct stage *s)
{
    struct newest n;
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        state_write(s, "Active");
        stage_open(s);
        until_raw(s, "Active");
        state_write(s, "Dead");
        n = until_transitions(s, 1);
        if (write(ends[1], &n, sizeof n) != sizeof n)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &n, sizeof n), sizeof n);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return n;
}

static void dead_since_then_after_a_kill(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s, WATCHED);
    struct newest died = dies_watching(&s);
    assert_string_equal(died.summary, "shard docs/5 Active → Dead");
    for (int i = 0; i < 3; i++) { /* and again and again: a restart is no change */
        stage_open(&s);
        until_raw(&s, "Dead");
        assert_int_equal(shard(&s)->since_us, died.at_us);
        let_it_watch(&s);
        stage_close(&s);
    }
    /* what changed while nobody watched is journaled when it is seen */
    state_write(&s, "Active");
    int64_t before_us = clock_wall_us();
    stage_open(&s);
    until_raw(&s, "Active");
    struct newest back = until_transitions(&s, 2);
    assert_int_equal(back.count, 2);
    assert_string_equal(back.summary, "shard docs/5 Dead → Active");
    assert_true(shard(&s)->since_us >= before_us);
    assert_int_equal(shard(&s)->since_us, back.at_us);
    stage_close(&s);
    stage_strike(&s);
}

/* From "flapping" on nothing was journaled of it: whoever opens next tells how it is, once. */
static void what_was_flapping_settles_with_the_next_console(void **state)
{
    (void)state;
    static const char *const found[] = {"Active", "Dead"};
    for (size_t i = 0; i < 2; i++) {
        struct stage s;
        stage_set(&s, WATCHED);
        state_write(&s, "Active");
        stage_open(&s);
        until_raw(&s, "Active");
        for (int change = 1; change <= PLATFORM_FLAP_CHANGES; change++) {
            state_write(&s, change % 2 == 1 ? "Dead" : "Active");
            until_raw(&s, change % 2 == 1 ? "Dead" : "Active");
        }
        struct newest flapping = until_transitions(&s, PLATFORM_FLAP_CHANGES);
        assert_string_equal(flapping.summary, "shard docs/5 flapping: 5 changes, now Dead");
        stage_close(&s);
        state_write(&s, found[i]);
        for (int opened = 0; opened < 2; opened++) {
            stage_open(&s);
            until_raw(&s, found[i]);
            struct newest settled = until_transitions(&s, flapping.count + 1);
            char *said = xasprintf("shard docs/5 settled, now %s", i == 0 ? "Active" : "down");
            assert_string_equal(settled.summary, said);
            assert_int_equal(settled.count, flapping.count + 1);
            free(said);
            let_it_watch(&s);
            assert_int_equal(transitions(&s).count, flapping.count + 1);
            stage_close(&s);
        }
        stage_strike(&s);
    }
}

static void the_look_back_is_bounded(void **state)
{
    (void)state;
    struct stage s;
    struct event_draft noise[64];
    stage_set(&s, WATCHED);
    struct newest died = dies_watching(&s);
    for (size_t i = 0; i < 64; i++)
        noise[i] = (struct event_draft){.kind = EVENT_MIRROR_FAILED, .actor = "test", .summary = "noise"};
    stage_open(&s);
    for (size_t i = 0; i < 20000 / 64 + 1; i++) /* what waits is bounded, too: one group after the other */
        assert_int_equal(journal_append_wait(engine_journal(s.engine), noise, 64, NULL, NULL), 0);
    stage_close(&s);
    int64_t before_us = clock_wall_us();
    stage_open(&s);
    until_raw(&s, "Dead");
    assert_true(shard(&s)->since_us >= before_us && shard(&s)->since_us > died.at_us);
    stage_close(&s);
    stage_strike(&s);
}

static void a_number_is_told_by_what_it_means(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *said;
    } then[] = {{"wrong", "shard docs/5 ok → wrong"},
                {"0.5", "shard docs/5 wrong → degraded"},
                {"1", "shard docs/5 degraded → ok"}};
    struct stage s;
    stage_set(&s, CODED);
    state_write(&s, "1");
    stage_open(&s);
    until_raw(&s, "1");
    for (size_t i = 0; i < 3; i++) {
        state_write(&s, then[i].raw);
        assert_string_equal(until_transitions(&s, i + 1).summary, then[i].said);
    }
    stage_close(&s);
    stage_strike(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_since_then_after_a_kill),
        cmocka_unit_test(what_was_flapping_settles_with_the_next_console),
        cmocka_unit_test(the_look_back_is_bounded),
        cmocka_unit_test(a_number_is_told_by_what_it_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
