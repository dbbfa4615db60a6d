/* What a source of kind journal tells of a runbook's runs: real ones that ended well and acted. */
#include <unistd.h>

#include "engine/journal/journal.h"
#include "tests/unit/sources/run.h"

#define DAY_US (86400LL * US_PER_S)

struct scene {
    char folder[64];
    struct journal *journal;
    struct run run;
    int64_t runs;
};

static void scene_open(struct scene *s, const char *yaml)
{
    struct err e = {0};
    *s = (struct scene){.folder = "/tmp/belay-sources-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    s->journal =
        journal_open(&(struct journal_options){.folder = s->folder, .platform = "test", .create = true}, &e);
    if (!s->journal)
        fail_msg("%s", e.msg);
    run_start(&s->run, yaml, NULL);
    sources_set_journal(s->run.sources, s->journal, NULL);
}

static void scene_close(struct scene *s)
{
    run_stop(&s->run);
    journal_close(s->journal);
    assert_int_equal(folder_remove(s->folder, NULL), 0);
}

static void append(struct scene *s, const struct event_draft *draft)
{
    struct err e = {0};
    if (journal_append_wait(s->journal, draft, 1, NULL, &e) < 0)
        fail_msg("%s", e.msg);
}

static int64_t begin(struct scene *s, const char *runbook, const char *more, int64_t ago_us)
{
    char *data = xasprintf("{\"runbook\":\"%s\"%s}", runbook, more);
    struct event_draft draft = {.kind = EVENT_RUN_STARTED,
                                .at_us = clock_wall_us() - ago_us,
                                .actor = "alice",
                                .subject = "run",
                                .data = data,
                                .run = ++s->runs};
    append(s, &draft);
    free(data);
    return s->runs;
}

static void end(struct scene *s, int64_t run, const char *outcome, int acted, int64_t ago_us)
{
    char *data = xasprintf("{\"acted\":%d}", acted);
    struct event_draft draft = {.kind = EVENT_RUN_ENDED,
                                .at_us = clock_wall_us() - ago_us,
                                .actor = "belay",
                                .subject = "run",
                                .outcome = outcome,
                                .data = acted < 0 ? NULL : data,
                                .run = run};
    append(s, &draft);
    free(data);
}

static void walked(struct scene *s, const char *more, const char *outcome, int acted, int64_t ago_us)
{
    end(s, begin(s, "restore-drill", more, ago_us), outcome, acted, ago_us);
}

/* One pass, and what the drill is then. */
static const struct entity *look(struct scene *s)
{
    s->run.done = 0;
    run_once(&s->run);
    const struct entity *e = platform_find(s->run.platform, ENTITY_SNAPSHOT, NULL, "drill");
    if (!e)
        fail_msg("no drill; seen\n%s", str_text(&s->run.seen));
    return e;
}

static void drill_is(struct scene *s, enum condition condition, const char *raw, const char *run)
{
    const struct entity *e = look(s);
    if (e->condition != condition || !str_eq(e->raw, raw) || !str_eq(entity_attribute(e, "run"), run))
        fail_msg("%s '%s' of run '%s', wanted %s '%s' of '%s'", condition_name(e->condition), e->raw,
                 entity_attribute(e, "run"), condition_name(condition), raw, run);
}

static const char *const drill = "  - {name: drill, kind: journal, preset: restore-drill}\n";

static void test_what_counts(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, drill);
    drill_is(&s, CONDITION_DOWN, "never", "");
    walked(&s, ",\"rehearsed\":true", "ok", 2, 0);
    walked(&s, ",\"checks_only\":true", "ok", 0, 0);
    end(&s, begin(&s, "another", "", 0), "ok", 2, 0);
    drill_is(&s, CONDITION_DOWN, "never", ""); /* nothing of it was tried */
    walked(&s, "", "failed", 1, 0);
    walked(&s, "", "unknown", 2, 0);
    walked(&s, "", "warn", 2, 0);
    walked(&s, "", "ok", 0, 0);  /* all that acts was skipped */
    walked(&s, "", "ok", -1, 0); /* by a belay that did not count */
    drill_is(&s, CONDITION_DOWN, "never", "");
    assert_string_equal(entity_attribute(look(&s), "last run"), "8");
    int64_t open = begin(&s, "restore-drill", "", 0);
    drill_is(&s, CONDITION_DOWN, "never", ""); /* it goes on */
    end(&s, open, "ok", 2, 0);
    drill_is(&s, CONDITION_OK, "", "9");
    walked(&s, "", "failed", 1, 0); /* a later failure does not undo what was shown, but it is told */
    drill_is(&s, CONDITION_OK, "", "9");
    assert_string_equal(entity_attribute(look(&s), "last run"), "10");
    assert_string_equal(entity_attribute(look(&s), "last outcome"), "failed");
    assert_string_equal(entity_attribute(look(&s), "by"), "alice");
    scene_close(&s);
}

/* An emergency journal that is imported tells of what was before. */
static void test_told_late(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, drill);
    walked(&s, "", "ok", 1, DAY_US);
    drill_is(&s, CONDITION_OK, "", "1");
    walked(&s, "", "ok", 1, 3 * DAY_US);
    drill_is(&s, CONDITION_OK, "", "1");
    assert_string_equal(entity_attribute(look(&s), "last run"), "1");
    scene_close(&s);
}

static void test_age(void **state)
{
    (void)state;
    static const struct {
        int64_t ago_us;
        enum condition condition;
    } cases[] = {{30 * DAY_US - 60 * US_PER_S, CONDITION_OK},
                 {30 * DAY_US + US_PER_S, CONDITION_DEGRADED},
                 {60 * DAY_US - 60 * US_PER_S, CONDITION_DEGRADED},
                 {60 * DAY_US + US_PER_S, CONDITION_DOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene s;
        scene_open(&s, drill);
        walked(&s, "", "ok", 1, cases[i].ago_us);
        drill_is(&s, cases[i].condition, cases[i].condition == CONDITION_OK ? "" : "late", "1");
        scene_close(&s);
    }
}

/* What was done before belay kept the journal is said in the configuration, and a newer run counts before it.
 */
static void test_said_by_hand(void **state)
{
    (void)state;
    struct scene s;
    char at[CLOCK_TEXT_SIZE];
    clock_format(clock_wall_us() - 12 * DAY_US, at);
    char *yaml =
        xasprintf("  - {name: drill, kind: journal, preset: restore-drill, vars: {last: \"%s\"}}\n", at);
    scene_open(&s, yaml);
    drill_is(&s, CONDITION_OK, "", "");
    assert_string_equal(entity_attribute(look(&s), "by"), "belay.yaml");
    assert_int_equal(entity_measure(look(&s), "age_s") / 86400, 12);
    walked(&s, "", "ok", 1, 20 * DAY_US);
    drill_is(&s, CONDITION_OK, "", ""); /* an older one */
    walked(&s, "", "ok", 1, DAY_US);
    drill_is(&s, CONDITION_OK, "", "2");
    scene_close(&s);
    free(yaml);
}

static void test_without_a_journal(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s, drill);
    sources_set_journal(s.run.sources, NULL, NULL);
    drill_is(&s, CONDITION_DOWN, "never", "");
    scene_close(&s);
    scene_open(&s, drill);
    sources_set_journal(s.run.sources, NULL, "it is another program's");
    run_once(&s.run);
    expect_seen(&s.run, "drill: error the journal can't be read: it is another program's");
    scene_close(&s);
}

/* The pool reads while the sources go: nobody reads a closed journal. */
static void test_freed_while_it_reads(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct scene s;
        scene_open(&s, drill);
        walked(&s, "", "ok", 1, 0);
        sources_start(s.run.sources);
        loop_run_once(s.run.loop, 0);
        scene_close(&s);
    }
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } wrong[] = {
        {"{name: d, kind: journal, map: {kind: snapshot, name: x}}", "needs vars: {runbook: ...}"},
        {"{name: d, kind: journal, preset: restore-drill, vars: {last: monday}}", "\"monday\" is no time"},
        {"{name: d, kind: journal, preset: restore-drill, url: 'http://h'}", "takes neither url nor command"},
        {"{name: d, kind: http, url: 'http://h', preset: restore-drill}",
         "is not for kind http, but for journal"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        char *text = xasprintf("sources:\n  - %s\n", wrong[i].yaml);
        struct config *c = config_parse(text, strlen(text), "belay.yaml", "/tmp", NULL, &e);
        if (!c)
            fail_msg("%s", e.msg);
        assert_true(sources_check(c, NULL, &e) < 0);
        if (!strstr(e.msg, wrong[i].message))
            fail_msg("%s: %s", wrong[i].yaml, e.msg);
        config_free(c);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_counts),
        cmocka_unit_test(test_told_late),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_said_by_hand),
        cmocka_unit_test(test_without_a_journal),
        cmocka_unit_test(test_freed_while_it_reads),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
