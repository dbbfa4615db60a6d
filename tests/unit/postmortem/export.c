/* The exports: the same journal gives the same bytes, whatever the texts in it try. The expected documents
 * stand beside this file; BELAY_GOLDEN=write writes them anew. */
#include <cmark.h>

#include "told.h"

static char *export_of(struct told *t, int64_t incident, enum export_format format)
{
    struct str out = {0};
    struct err e = {0};
    if (postmortem_export(t->journal, incident, format, &out, &e) < 0)
        fail_msg("%s", e.msg);
    return str_take(&out);
}

/* What a clock or a hash over it decides is left out: times of manifests (not of 2001), digests. */
static char *settled(const char *text)
{
    struct str out = {0};
    while (*text) {
        size_t hex = strspn(text, "0123456789abcdef");
        if (hex >= 64) {
            str_add(&out, "HASH");
            text += hex;
        } else if (str_starts(text, "\"at\":\"20") && !str_starts(text, "\"at\":\"2001")) {
            str_add(&out, "\"at\":\"TIME\"");
            text += strlen("\"at\":\"") + 28;
        } else {
            str_add_bytes(&out, text, hex ? hex : 1);
            text += hex ? hex : 1;
        }
    }
    return str_take(&out);
}

static void check_golden(const char *name, const char *text)
{
    char *found = settled(text);
    char *path = path_join(SOURCE_DIR "/tests/unit/postmortem", name);
    struct str expected = {0};
    if (str_eq(getenv("BELAY_GOLDEN"), "write"))
        assert_int_equal(file_write_atomic(path, found, strlen(found), 0644, NULL), 0);
    assert_int_equal(file_read(path, 1 << 20, &expected, NULL), 0);
    if (!str_eq(str_text(&expected), found))
        fail_msg("%s is different now:\n%s", name, found);
    str_fini(&expected);
    free(found);
    free(path);
}

static void documents_as_expected(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_incident(&t);
    char *markdown = export_of(&t, 1, EXPORT_MARKDOWN), *json = export_of(&t, 1, EXPORT_JSON);
    check_golden("incident.md", markdown);
    check_golden("incident.json", json);
    free(markdown);
    free(json);
    told_close(&t);
}

/* A check's answer is no failure; one that could not answer is an error. JSON keeps the machine's words. */
static void a_check_says_no(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "opened", NULL);
    tell(&t, EVENT_RUN_STARTED, "alice", "", 1, JOURNAL_NEW, "starts", DATA("title", "Book"));
    for (int i = 1; i <= 2; i++) {
        const char *id = i == 1 ? "there" : "reachable", *exit = i == 1 ? "1" : "2";
        tell(&t, EVENT_STEP_OUTCOME, "belay", "failed", 1, 1, "check",
             DATA("step", id, "title", id, "ticket", exit, "role", "check", "acts", "false", "exit", exit));
        tell(&t, EVENT_STEP_CONCLUDED, "belay", i == 1 ? "failed" : "unknown", 1, 1, "concluded",
             DATA("step", id, "title", id));
    }
    char *markdown = export_of(&t, 1, EXPORT_MARKDOWN), *json = export_of(&t, 1, EXPORT_JSON);
    assert_non_null(strstr(markdown, "| 1 | there | no | 1 |"));
    assert_non_null(strstr(markdown, "#### there: no\n"));
    assert_non_null(strstr(markdown, "- check: no, exit 1"));
    assert_non_null(strstr(markdown, "| 2 | reachable | unknown | 1 |"));
    assert_non_null(strstr(markdown, "- check: error, exit 2"));
    assert_non_null(strstr(json, "\"step\":\"there\",\"title\":\"there\",\"outcome\":\"failed\""));
    free(markdown);
    free(json);
    told_close(&t);
}

static void the_same_bytes(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_incident(&t);
    for (int format = 0; format < 2; format++) {
        char *first = export_of(&t, 1, (enum export_format)format);
        /* Exporting is journaled, other things go on: the incident is closed, its export stays. */
        tell(&t, EVENT_EXPORT_WRITTEN, "bob", "", 1, 0, "wrote it again", NULL);
        tell_change(&t, "shard", "docs/shard-8", "ok", "down", "Dead");
        setenv("TZ", "Asia/Kathmandu", 1);
        setenv("LC_ALL", "de_DE.UTF-8", 1);
        char *second = export_of(&t, 1, (enum export_format)format);
        assert_string_equal(first, second);
        free(first);
        free(second);
    }
    told_close(&t);
}

static void the_document_of_design(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_incident(&t);
    for (int64_t incident = 0; incident < 2; incident++) {
        char *json = export_of(&t, incident, EXPORT_JSON);
        cJSON *tree = json_parse(json, strlen(json), NULL);
        assert_non_null(tree);
        static const char *const keys[] = {"incident", "events", "runs", "entities", "evidence", "chain"};
        const cJSON *item = tree->child;
        for (size_t i = 0; i < 6; i++, item = item->next)
            assert_string_equal(item->string, keys[i]);
        assert_null(item);
        assert_true(json_bool(json_at(tree, "/chain"), "intact", false));
        int events = cJSON_GetArraySize(json_at(tree, "/events"));
        assert_true(incident ? events > 15 : events > 18);
        cJSON_Delete(tree);
        free(json);
    }
    struct str out = {0};
    struct err e;
    assert_int_equal(postmortem_export(t.journal, 7, EXPORT_JSON, &out, &e), ERR_NOT_FOUND);
    assert_int_equal(out.len, 0);
    str_fini(&out);
    assert_int_equal(export_format_find("md"), EXPORT_MARKDOWN);
    assert_int_equal(export_format_find("json"), EXPORT_JSON);
    assert_int_equal(export_format_find("html"), -1);
    assert_string_equal(export_format_name(EXPORT_MARKDOWN), "md");
    told_close(&t);
}

/* --- hostile texts
 * --------------------------------------------------------------------------------------------------- */

struct shape {
    int count[32];
};

static void shape_of(const char *markdown, struct shape *shape)
{
    cmark_node *root = cmark_parse_document(markdown, strlen(markdown), CMARK_OPT_DEFAULT);
    cmark_iter *iter = cmark_iter_new(root);
    *shape = (struct shape){0};
    while (cmark_iter_next(iter) != CMARK_EVENT_DONE) {
        cmark_node_type type = cmark_node_get_type(cmark_iter_get_node(iter));
        if (type < 32 && type != CMARK_NODE_TEXT && type != CMARK_NODE_SOFTBREAK)
            shape->count[type]++;
    }
    cmark_iter_free(iter);
    cmark_node_free(root);
}

/* Every text of the journal carries it: the document keeps its shape, nothing becomes a link, markup or
 * control. */
static void hostile_texts_stay_text(void **state)
{
    (void)state;
    static const char *const spices[] = {
        " *a* **b** _c_ `d` ~~e~~ [f](http://evil) ![g](x) <b>h</b> <script> &lt; &#60; $x$ | i | # j",
        "\n\n# a heading\n\n- a list\n\n```\nnot a fence\n",
        "``` ```` ````` `",
        "\\",
        "|---|---|",
        "\n| a | b |\n|---|---|\n",
        "<!-- ",
        "--> ]]> <![CDATA[ <?php",
        "\r\n    code\r\n\t\tcode",
        "\x1b[2J\x1b]0;title\x07 \xc2\x9b \xe2\x80\xae \xe2\x80\x8b \xef\xbb\xbf",
        "\n---\n===\n***\n> quote\n1. one\n2) two\n+ plus\n",
        "https://evil.example/ www.evil.example mallory@evil.example",
    };
    struct told plain;
    struct shape expected;
    told_open(&plain, " x");
    tell_incident(&plain);
    char *markdown = export_of(&plain, 1, EXPORT_MARKDOWN);
    shape_of(markdown, &expected);
    assert_int_equal(expected.count[CMARK_NODE_LINK], 0);
    assert_int_equal(expected.count[CMARK_NODE_EMPH], 0);
    assert_true(expected.count[CMARK_NODE_CODE_BLOCK] >= 5);
    free(markdown);
    told_close(&plain);
    for (size_t i = 0; i < sizeof spices / sizeof *spices; i++) {
        struct told t;
        struct shape found;
        told_open(&t, spices[i]);
        tell_incident(&t);
        markdown = export_of(&t, 1, EXPORT_MARKDOWN);
        shape_of(markdown, &found);
        for (int type = 0; type < 32; type++)
            if (found.count[type] != expected.count[type])
                fail_msg("spice %zu: %d nodes of type %d instead of %d:\n%s", i, found.count[type], type,
                         expected.count[type], markdown);
        for (const char *p = markdown; *p; p++)
            assert_true((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
        free(markdown);
        char *json = export_of(&t, 1, EXPORT_JSON);
        cJSON *tree = json_parse(json, strlen(json), NULL);
        assert_non_null(tree);
        cJSON_Delete(tree);
        for (const char *p = json; *p; p++)
            assert_true((unsigned char)*p >= ' ' || *p == '\n');
        free(json);
        told_close(&t);
    }
}

/* Data of any shape: members missing, of other types, not objects, kinds of the future. */
static void careless_data(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "{}",
        "[]",
        "null",
        "7",
        "\"x\"",
        "nonsense",
        "{\"step\":7,\"title\":[],\"ticket\":\"x\",\"argv\":{},\"env\":[1,{}],\"stdout\":3,\"vars\":\"x\","
        "\"kind\":{},"
        "\"input\":[],\"from\":1,\"to\":{}}",
        "{\"argv\":[1,null,[\"x\"]],\"env\":\"A=1\",\"stdout\":{\"digest\":\"zz\"},\"input\":{\"input\":7}}",
        "{\"stdout\":{\"digest\":\"1111111111111111111111111111111111111111111111111111111111111111\"},"
        "\"input\":"
        "{\"input\":\"answer\",\"step\":null,\"reason\":{}},\"exit\":\"x\",\"ms\":-5,\"signal\":{}}",
    };
    struct told t;
    told_open(&t, "");
    tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "careless", NULL);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int kind = EVENT_UNKNOWN + 1; kind < EVENT_KIND_COUNT; kind++) {
            if (kind == EVENT_BLOB_STORED || kind == EVENT_INCIDENT_CLOSED)
                continue;
            struct event_draft draft = {.kind = (enum event_kind)kind,
                                        .at_us = t.now_us += US_PER_S,
                                        .data = shapes[i],
                                        .incident = 1,
                                        .run = 1 + (int64_t)i};
            assert_int_equal(journal_append(t.journal, &draft, NULL, NULL, NULL), 0);
        }
    tell(&t, EVENT_INCIDENT_CLOSED, "alice", "", 1, 0, "closed", NULL);
    char *markdown = export_of(&t, 1, EXPORT_MARKDOWN), *json = export_of(&t, 1, EXPORT_JSON);
    assert_non_null(strstr(markdown, "not in the journal"));
    cJSON *tree = json_parse(json, strlen(json), NULL);
    assert_non_null(tree);
    cJSON_Delete(tree);
    free(markdown);
    free(json);
    told_close(&t);
}

static void changes_that_were_undone(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_incident(&t);
    char *before = export_of(&t, 1, EXPORT_MARKDOWN);
    const char *section = strstr(before, "## Changed and not undone");
    assert_non_null(strstr(section, "Restore the latest snapshot: ok; can be taken back by drop"));
    assert_non_null(strstr(section, "Drain the queue: unknown; no way back is declared"));
    tell(&t, EVENT_STEP_INTENT, "alice", "", 1, 1, "Drop: rollback begins",
         DATA("step", "drop", "title", "Drop it", "ticket", "5", "role", "rollback", "acts", "true", "argv",
              "[\"drop\"]"));
    tell(&t, EVENT_STEP_OUTCOME, "alice", "ok", 1, 1, "Drop: rollback exit 0",
         DATA("step", "drop", "title", "Drop it", "ticket", "5", "role", "rollback", "acts", "true", "exit",
              "0"));
    char *after = export_of(&t, 1, EXPORT_MARKDOWN);
    section = strstr(after, "## Changed and not undone");
    assert_null(strstr(section, "Restore the latest snapshot"));
    assert_null(strstr(section, "Drop it"));
    assert_non_null(strstr(section, "Drain the queue"));
    free(before);
    free(after);
    told_close(&t);
}

/* Before the confirmation that opens the incident, and of that incident all the same. */
static void breaking_the_glass_is_a_decision(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell(&t, EVENT_RUN_STARTED, "alice", "", 0, 1, "starts the runbook Drop it", DATA("title", "Drop it"));
    tell(&t, EVENT_RUN_INPUT, "alice", "", 0, 1, "breaks the glass: Drop it: nobody is awake",
         DATA("input", "{\"input\":\"break-glass\",\"at_ms\":900,\"actor\":\"alice\",\"step\":\"drop\","
                       "\"reason\":\"nobody is awake\"}"));
    tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 1, "docs/shard-5 is dead",
         DATA("title", "docs/shard-5 is dead", "severity", "SEV2"));
    char *markdown = export_of(&t, 1, EXPORT_MARKDOWN);
    const char *section = strstr(markdown, "## Decisions");
    assert_non_null(section);
    assert_non_null(strstr(section, "breaks the glass: Drop it: nobody is awake"));
    free(markdown);
    told_close(&t);
}

static void an_empty_journal(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    char *markdown = export_of(&t, 0, EXPORT_MARKDOWN), *json = export_of(&t, 0, EXPORT_JSON);
    assert_non_null(strstr(markdown, "The journal is empty."));
    cJSON *tree = json_parse(json, strlen(json), NULL);
    assert_non_null(tree);
    cJSON_Delete(tree);
    free(markdown);
    free(json);
    told_close(&t);
}

static void expect_in(const char *text, const char *wanted, bool there)
{
    if ((strstr(text, wanted) != NULL) != there)
        fail_msg("%s %s in\n%s", there ? "no" : "there is", wanted, text);
}

/* While an entity flaps its changes are not journaled: nobody can say that it is not ok, nor that it is. */
static void flapping_is_not_known(void **state)
{
    (void)state;
    static const char *const words[] = {"ok", "down"};
    for (int settled = 0; settled < 3; settled++) {
        struct told t;
        told_open(&t, "");
        tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "flaps", DATA("title", "flaps"));
        for (int i = 0; i < 4; i++)
            tell_change(&t, "breaker", "retriever", words[i % 2], words[1 - i % 2], "X");
        tell_transition(&t, "flapping", "breaker", "retriever", "ok", "down", "OPEN");
        tell_transition(&t, "silent", "breaker", "retriever", "down", "unknown", "OPEN");
        tell_transition(&t, "heard", "breaker", "retriever", "down", "down", "OPEN");
        if (settled)
            tell_transition(&t, "settled", "breaker", "retriever", "down", settled == 1 ? "ok" : "down", "X");
        char *markdown = export_of(&t, 1, EXPORT_MARKDOWN), *json = export_of(&t, 1, EXPORT_JSON);
        expect_in(markdown, "| not known: flapping |", settled == 0);
        expect_in(markdown, "not yet |", settled == 2);
        expect_in(markdown, "0 still are not, and 1 was flapping", settled == 0);
        expect_in(markdown, "breaker retriever was flapping: how it ended", settled == 0);
        expect_in(markdown, "breaker retriever was last seen down", settled == 2);
        expect_in(json, "\"state\":\"unknown\",\"flapping\":true", settled == 0);
        expect_in(json, "\"state\":\"ok\",\"flapping\":false", settled == 1);
        expect_in(json, "\"state\":\"down\",\"flapping\":false", settled == 2);
        free(markdown);
        free(json);
        told_close(&t);
    }
}

/* Ill twice and well between: the hour between hurt nobody. */
static void only_the_time_that_it_was_ill_counts(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "comes back", DATA("title", "comes back"));
    tell_change(&t, "signal", "canary", "ok", "down", "wrong");
    tell_change(&t, "signal", "canary", "down", "ok", "right");
    t.now_us += 3600 * US_PER_S;
    tell_change(&t, "signal", "canary", "ok", "degraded", "late");
    tell_change(&t, "signal", "canary", "degraded", "down", "wrong");
    tell_change(&t, "signal", "canary", "down", "ok", "right");
    char *markdown = export_of(&t, 1, EXPORT_MARKDOWN);
    expect_in(markdown, "| 30s in 2 spells |", true);
    free(markdown);
    told_close(&t);
}

/* An incident that is opened late tells of what was wrong by then from its own beginning, and of nothing
 * else. */
static void ill_before_it_was_opened(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_change(&t, "component", "fortnight", "ok", "down", "Stuck");
    t.now_us += 14LL * 24 * 3600 * US_PER_S;
    tell_change(&t, "component", "healed", "ok", "down", "Crashed");
    tell_change(&t, "component", "healed", "down", "ok", "Running");
    tell_change(&t, "component", "replaced", "ok", "down", "Crashed");
    tell_transition(&t, "gone", "component", "replaced", "down", "unknown", "");
    tell_change(&t, "component", "api", "ok", "down", "OldTrouble");
    tell_change(&t, "component", "api", "down", "ok", "Running");
    tell_change(&t, "component", "api", "ok", "degraded", "Pending");
    tell_change(&t, "component", "api", "degraded", "down", "CrashLoopBackOff");
    tell_change(&t, "component", "db", "ok", "down", "Lost");
    tell_change(&t, "breaker", "llm", "ok", "down", "OPEN");
    tell_transition(&t, "flapping", "breaker", "llm", "down", "ok", "CLOSED");
    t.now_us += 3600 * US_PER_S;
    tell(&t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 0, "late", DATA("title", "late"));
    tell_change(&t, "component", "api", "down", "ok", "Running");
    char *markdown = export_of(&t, 1, EXPORT_MARKDOWN), *json = export_of(&t, 1, EXPORT_JSON);
    expect_in(markdown,
              "3 watched entities were not ok; at the end of this record 1 still is not, and 1 was flapping",
              true);
    expect_in(
        markdown,
        "| component api | down (CrashLoopBackOff) | 2001-12-06 01:01:20Z | 2001-12-06 02:02:20Z | 1h 1m |",
        true);
    expect_in(markdown, "| component db | down (Lost) | 2001-12-06 01:01:40Z | not yet |", true);
    expect_in(markdown, "| breaker llm | down (OPEN) | 2001-12-06 01:01:50Z | not known: flapping", true);
    const char *const absent[] = {"fortnight", "healed", "replaced", "OldTrouble"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        expect_in(markdown, absent[i], false);
    cJSON *tree = json_parse(json, strlen(json), NULL);
    assert_true(json_bool(json_at(tree, "/chain"), "intact", false));
    cJSON_Delete(tree);
    free(markdown);
    free(json);
    told_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_as_expected),
        cmocka_unit_test(a_check_says_no),
        cmocka_unit_test(flapping_is_not_known),
        cmocka_unit_test(the_same_bytes),
        cmocka_unit_test(the_document_of_design),
        cmocka_unit_test(hostile_texts_stay_text),
        cmocka_unit_test(careless_data),
        cmocka_unit_test(changes_that_were_undone),
        cmocka_unit_test(breaking_the_glass_is_a_decision),
        cmocka_unit_test(an_empty_journal),
        cmocka_unit_test(only_the_time_that_it_was_ill_counts),
        cmocka_unit_test(ill_before_it_was_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
