/* What people add to an incident, in the timeline and in the exports: late notes, roles, action items, the
 * parts of a postmortem; and several incidents at one time. */
#include "told.h"

static int64_t change(struct told *t, int64_t incident, const struct incident_change *c)
{
    struct incident_file file;
    struct event_draft draft;
    struct draft_texts texts = {0};
    struct journal_result result;
    struct err e = {0};
    if (incident_file_read(t->journal, incident, &file, &e) < 0 ||
        incident_change_draft(&file, c, &draft, &texts, &e) < 0)
        fail_msg("%s", e.msg);
    draft.actor = "carol";
    draft.at_us = t->now_us += 10 * US_PER_S;
    if (journal_append_wait(t->journal, &draft, 1, &result, &e) < 0)
        fail_msg("%s", e.msg);
    draft_texts_fini(&texts);
    incident_file_fini(&file);
    return result.seq;
}

#define CHANGE(t, ...) change(t, 1, &(struct incident_change){__VA_ARGS__})

static char *exported(struct told *t, int64_t incident, enum export_format format)
{
    struct str text = {0};
    struct err e = {0};
    if (postmortem_export(t->journal, incident, format, &text, &e) < 0)
        fail_msg("%s", e.msg);
    return str_take(&text);
}

static void has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("\"%s\" is not in:\n%s", wanted, text);
}

static void everything_that_people_wrote(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_incident(&t);
    CHANGE(&t, .verb = INCIDENT_SET_ROLE, .role = "commander", .person = "carol");
    CHANGE(&t, .verb = INCIDENT_SET_ACTION, .text = "alert on a full | disk", .owner = "bob",
           .due = "2001-12-01", .ticket = "OPS-7", .test = "fill the disk in staging");
    CHANGE(&t, .verb = INCIDENT_SET_ACTION, .text = "rehearse the restore");
    CHANGE(&t, .verb = INCIDENT_WRITE, .field = "root-cause",
           .text = "The disk was *full*.\n\n- nobody looked\n# no heading\n---\n```\n<b>not bold");
    CHANGE(&t, .verb = INCIDENT_WRITE, .field = "notified", .text = "support, 02:10, by phone");
    CHANGE(&t, .verb = INCIDENT_WRITE, .field = "summary", .text = "Answers were empty for four minutes.");
    char *md = exported(&t, 1, EXPORT_MARKDOWN), *json = exported(&t, 1, EXPORT_JSON);
    has(md, "| Role: commander | carol |");
    has(md, "## Summary\n\nAnswers were empty for four minutes.\n\nOpened 2001-11-22");
    has(md, "## Root cause\n\nThe disk was *full*.\n\n- nobody looked\n\\# no "
            "heading\n\\---\n\\```\n\\<b>not bold\n\n");
    has(md, "| 1 | alert on a full \\| disk | bob | 2001-12-01 | OPS-7 | fill the disk in staging | open |");
    has(md, "| 2 | rehearse the restore | nobody |");
    has(md, "## Runbook changes\n\nNobody has written it yet.");
    has(md, "## Stakeholders notified\n\nsupport, 02:10, by phone");
    assert_null(strstr(md, "## Detection"));
    cJSON *tree = json_parse(json, strlen(json), NULL);
    assert_non_null(tree);
    assert_string_equal(json_string(json_at(tree, "/incident/roles"), "commander", ""), "carol");
    assert_string_equal(json_string(json_at(tree, "/incident/actions/0"), "test", ""),
                        "fill the disk in staging");
    assert_string_equal(json_string(json_at(tree, "/incident/postmortem"), "notified", ""),
                        "support, 02:10, by phone");
    cJSON_Delete(tree);
    free(md);
    free(json);
    told_close(&t);
}

/* Whatever stands in a field, what follows it stays what it is: every heading of the document is there. */
static void prose_ends_where_it_ends(void **state)
{
    (void)state;
    static const char *const nasty[] = {"```\nopen fence", "~~~~ x",    "<!-- open comment", "<script>",
                                        "text\n===",       "text\n---", "    ```",           "\t```",
                                        "- a\n  ```\n  b", "> ```",     "&lt; [x]: y",       "\xe2\x80\xae<b",
                                        "   # h"};
    for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++) {
        struct told t;
        told_open(&t, "");
        tell_incident(&t);
        CHANGE(&t, .verb = INCIDENT_WRITE, .field = "impact", .text = nasty[i]);
        char *md = exported(&t, 1, EXPORT_MARKDOWN);
        const char *from = strstr(md, "## Impact"), *to = strstr(md, "| What | Worst |");
        assert_true(from && to && to > from);
        for (const char *line = from; line < to; line += strcspn(line, "\n") + 1) {
            const char *text = line + strspn(line, " \t");
            if (line != from &&
                (str_starts(text, "#") || str_starts(text, "```") || str_starts(text, "~~~") ||
                 str_starts(text, "===") || str_starts(text, "---") || str_starts(text, "<")))
                fail_msg("%s: %.*s", nasty[i], (int)strcspn(line, "\n"), line);
        }
        free(md);
        told_close(&t);
    }
}

struct seen {
    struct str seqs;
};

static int see(const struct event *event, void *data)
{
    if (event->kind == EVENT_INCIDENT_NOTED || event->kind == EVENT_INCIDENT_OPENED)
        str_addf(&((struct seen *)data)->seqs, "%lld ", (long long)event->seq);
    return 0;
}

static int take(const struct event *event, void *data)
{
    timeline_add(data, event);
    return 0;
}

static void late_notes_in_their_places(void **state)
{
    (void)state;
    struct told t;
    struct err e = {0};
    told_open(&t, "");
    int64_t opened = tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "dead", NULL),
            start = t.now_us;
    int64_t first = tell(&t, EVENT_INCIDENT_NOTED, "bob", "", 1, 0, "first", NULL);
    int64_t second = tell(&t, EVENT_INCIDENT_NOTED, "bob", "", 1, 0, "second", NULL);
    int64_t before =
        CHANGE(&t, .verb = INCIDENT_NOTE, .text = "before all", .said_us = start - 60 * US_PER_S);
    int64_t between = CHANGE(&t, .verb = INCIDENT_NOTE, .text = "between", .said_us = start + 15 * US_PER_S);
    int64_t last = tell(&t, EVENT_INCIDENT_NOTED, "bob", "", 1, 0, "last", NULL);
    char *told = xasprintf("%lld %lld %lld %lld %lld %lld ", (long long)before, (long long)opened,
                           (long long)first, (long long)between, (long long)second, (long long)last);
    struct seen seen = {0}, chain = {0};
    assert_int_equal(timeline_tell(t.journal, 1, see, &seen, &e), 0);
    assert_string_equal(str_text(&seen.seqs), told);
    assert_int_equal(timeline_read(t.journal, 1, see, &chain, &e), 0);
    assert_string_equal(str_text(&chain.seqs), "1 2 3 4 5 6 ");

    /* The console's own list, however the events come in. */
    static const int orders[][6] = {
        {1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1}, {4, 5, 1, 6, 2, 3}, {3, 1, 2, 6, 5, 4}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct timeline *timeline = timeline_new(50);
        struct str got = {0};
        for (size_t k = 0; k < 6; k++) {
            assert_int_equal(
                journal_read(t.journal, orders[i][k], JOURNAL_FORWARD, NULL, 1, take, timeline, &e), 0);
        }
        for (size_t k = 0; k < timeline_count(timeline); k++)
            str_addf(&got, "%lld ", (long long)timeline_at(timeline, k)->seq);
        assert_string_equal(str_text(&got), told);
        assert_int_equal(timeline_last_seq(timeline), 6);
        str_fini(&got);
        timeline_free(timeline);
    }
    char *md = exported(&t, 1, EXPORT_MARKDOWN);
    const char *a = strstr(md, "first"), *b = strstr(md, "between"), *c = strstr(md, "second");
    assert_true(a && b && c && a < b && b < c);
    has(md, "| 01:00:25 | carol | note \"between\" (written 25s later) |");
    free(md);
    free(told);
    str_fini(&seen.seqs);
    str_fini(&chain.seqs);
    told_close(&t);
}

/* Two at one time: what happens to the entity of one isn't told with the other; what belongs to nobody, with
 * both. */
static void several_at_once(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "store",
         DATA("entity", "shard docs/shard-5"));
    tell(&t, EVENT_RUN_STARTED, "bob", "", 0, 2, "starts", DATA("entity", "chain answers"));
    tell(&t, EVENT_INCIDENT_OPENED, "bob", "", JOURNAL_NEW, 2, "provider", NULL);
    tell_change(&t, "shard", "docs/shard-5", "ok", "down", "Dead");
    tell_change(&t, "chain", "answers", "ok", "down", "OPEN");
    tell_change(&t, "breaker", "retriever", "ok", "down", "OPEN");
    char *store = exported(&t, 1, EXPORT_MARKDOWN), *provider = exported(&t, 2, EXPORT_MARKDOWN);
    has(store, "| shard docs/shard-5 | down");
    has(store, "| breaker retriever | down");
    assert_null(strstr(store, "chain answers"));
    has(provider, "| chain answers | down");
    has(provider, "| breaker retriever | down");
    assert_null(strstr(provider, "| shard docs/shard-5 | down"));
    free(store);
    free(provider);
    told_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_people_wrote),
        cmocka_unit_test(prose_ends_where_it_ends),
        cmocka_unit_test(late_notes_in_their_places),
        cmocka_unit_test(several_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
