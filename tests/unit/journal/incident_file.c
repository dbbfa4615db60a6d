/* The file of an incident: what people change, what is refused, and what can be read again. */
#include "scratch.h"

static int change(struct journal *j, int64_t incident, const struct incident_change *c, struct err *e)
{
    struct incident_file file;
    struct event_draft draft;
    struct draft_texts texts = {0};
    int code = incident_file_read(j, incident, &file, e);
    if (code == 0)
        code = incident_change_draft(&file, c, &draft, &texts, e);
    draft.actor = "alice";
    if (code == 0)
        code = journal_append_wait(j, &draft, 1, NULL, e);
    draft_texts_fini(&texts);
    incident_file_fini(&file);
    return code;
}

static struct journal *opened(char **folder)
{
    *folder = scratch_folder();
    struct journal *j = scratch_open(*folder);
    struct event_draft draft = {.kind = EVENT_INCIDENT_OPENED,
                                .actor = "alice",
                                .summary = "empty answers",
                                .data = "{\"title\":\"empty answers\",\"entity\":\"shard docs/shard-5\"}",
                                .incident = JOURNAL_NEW};
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
    return j;
}

#define CHANGE(j, ...) change(j, 1, &(struct incident_change){__VA_ARGS__}, &e)
#define MUST(j, ...)                                                                                         \
    do {                                                                                                     \
        if (CHANGE(j, __VA_ARGS__) != 0)                                                                     \
            fail_msg("%s", e.msg);                                                                           \
    } while (0)

static void roles(void **state)
{
    (void)state;
    char *folder;
    struct err e = {0};
    struct journal *j = opened(&folder);
    struct incident_file file;
    MUST(j, .verb = INCIDENT_SET_ROLE, .role = "commander", .person = "alice");
    MUST(j, .verb = INCIDENT_SET_ROLE, .role = "scribe", .person = "bob");
    MUST(j, .verb = INCIDENT_SET_ROLE, .role = "commander", .person = "carol of the other shift");
    MUST(j, .verb = INCIDENT_SET_ROLE, .role = "scribe", .person = "nobody");
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ROLE, .role = "the boss", .person = "x"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ROLE, .role = "scribe"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ROLE), ERR_USAGE);
    assert_int_equal(incident_file_read(j, 1, &file, &e), 0);
    assert_int_equal(file.roles.len, 1);
    assert_string_equal(file.roles.data[0].role, "commander");
    assert_string_equal(file.roles.data[0].person, "carol of the other shift");
    assert_string_equal(file.incident.commander, "carol of the other shift");
    assert_string_equal(file.entity, "shard docs/shard-5");
    incident_file_fini(&file);
    journal_close(j);
    scratch_remove(folder);
}

static void actions(void **state)
{
    (void)state;
    char *folder;
    struct err e = {0};
    struct journal *j = opened(&folder);
    struct incident_file file;
    MUST(j, .verb = INCIDENT_SET_ACTION, .text = "alert on free disk", .owner = "bob", .due = "2026-12-01",
         .ticket = "OPS-7", .test = "fill the disk in staging");
    MUST(j, .verb = INCIDENT_SET_ACTION, .text = "document the restore");
    MUST(j, .verb = INCIDENT_SET_ACTION, .text = "buy a bigger disk");
    MUST(j, .verb = INCIDENT_SET_ACTION, .action = 2, .owner = "carol");
    MUST(j, .verb = INCIDENT_SET_ACTION, .action = 1, .state = "done");
    MUST(j, .verb = INCIDENT_SET_ACTION, .action = 3, .state = "dropped", .text = "the alert is enough");
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION, .action = 4, .state = "done"), ERR_NOT_FOUND);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION, .action = 1), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION, .action = 1, .state = "dropped"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION, .action = 1, .due = "2026-02-30"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION, .action = 1, .due = "soon"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_SET_ACTION, .action = 1, .state = "later"), ERR_USAGE);
    assert_int_equal(incident_file_read(j, 1, &file, &e), 0);
    assert_int_equal(file.actions.len, 3);
    const struct incident_action *a = file.actions.data;
    assert_string_equal(a[0].text, "alert on free disk");
    assert_string_equal(a[0].owner, "bob");
    assert_string_equal(a[0].due, "2026-12-01");
    assert_string_equal(a[0].ticket, "OPS-7");
    assert_string_equal(a[0].test, "fill the disk in staging");
    assert_string_equal(a[0].state, "done");
    assert_string_equal(a[1].owner, "carol");
    assert_string_equal(a[1].text, "document the restore");
    assert_string_equal(a[2].state, "dropped");
    assert_string_equal(a[2].reason, "the alert is enough");
    assert_string_equal(a[2].text, "buy a bigger disk");
    incident_file_fini(&file);
    journal_close(j);
    scratch_remove(folder);
}

static void writing(void **state)
{
    (void)state;
    char *folder, *big = xcalloc(1, INCIDENT_TEXT_MAX + 2);
    struct err e = {0};
    struct journal *j = opened(&folder);
    struct incident_file file;
    memset(big, 'x', INCIDENT_TEXT_MAX + 1);
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++) {
        assert_int_equal(incident_field_find(incident_field_name((enum incident_field)i)), i);
        MUST(j, .verb = INCIDENT_WRITE, .field = incident_field_name((enum incident_field)i), .text = "once");
    }
    MUST(j, .verb = INCIDENT_WRITE, .field = "root-cause", .text = "the disk was full\n\n- since March\n \n");
    MUST(j, .verb = INCIDENT_WRITE, .field = "lucky", .text = " ");
    assert_int_equal(CHANGE(j, .verb = INCIDENT_WRITE, .field = "blame", .text = "bob"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_WRITE, .text = "x"), ERR_USAGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_WRITE, .field = "summary", .text = big), ERR_RANGE);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_WRITE, .field = "summary", .text = "\xff"), ERR_SYNTAX);
    assert_int_equal(incident_file_read(j, 1, &file, &e), 0);
    assert_string_equal(file.fields[INCIDENT_FIELD_ROOT_CAUSE].text, "the disk was full\n\n- since March");
    assert_string_equal(file.fields[INCIDENT_FIELD_ROOT_CAUSE].who, "alice");
    assert_null(file.fields[INCIDENT_FIELD_LUCKY].text);
    assert_string_equal(file.fields[INCIDENT_FIELD_SUMMARY].text, "once");
    incident_file_fini(&file);
    free(big);
    journal_close(j);
    scratch_remove(folder);
}

static void closing(void **state)
{
    (void)state;
    char *folder, *left[] = {"run 12: shard-5 stays marked", "an unknown step", NULL};
    struct err e = {0};
    struct journal *j = opened(&folder);
    struct incident_file file;
    MUST(j, .verb = INCIDENT_RESOLVE, .text = "restored");
    assert_int_equal(CHANGE(j, .verb = INCIDENT_MITIGATE), ERR_EXISTS);
    assert_int_equal(CHANGE(j, .verb = INCIDENT_CLOSE, .left = left), ERR_USAGE);
    MUST(j, .verb = INCIDENT_CLOSE, .left = left, .text = "the day shift knows");
    assert_int_equal(CHANGE(j, .verb = INCIDENT_CLOSE), ERR_EXISTS);
    assert_int_equal(incident_file_read(j, 1, &file, &e), 0);
    assert_int_equal(strv_count(file.left), 2);
    assert_string_equal(file.left[0], left[0]);
    assert_string_equal(file.closed_reason, "the day shift knows");
    incident_file_fini(&file);
    journal_close(j);
    scratch_remove(folder);
}

/* Data that nobody would write, and everything a member can be instead of a text. */
static void odd_events(void **state)
{
    (void)state;
    static const char *const odd[] = {"[]",
                                      "{}",
                                      "7",
                                      "{\"role\":7,\"person\":[]}",
                                      "{\"action\":-1,\"text\":\"x\"}",
                                      "{\"action\":9e99}",
                                      "{\"new\":true,\"text\":{},\"owner\":null}",
                                      "{\"field\":\"summary\",\"text\":7}",
                                      "{\"left\":{\"a\":1}}",
                                      "{\"left\":[1,null,[]]}"};
    static const enum event_kind kinds[] = {EVENT_INCIDENT_ROLE, EVENT_INCIDENT_ACTION,
                                            EVENT_INCIDENT_WRITTEN, EVENT_INCIDENT_SEVERITY,
                                            EVENT_INCIDENT_CLOSED};
    char *folder;
    struct err e = {0};
    struct journal *j = opened(&folder);
    struct incident_file file;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            struct event_draft draft = {
                .kind = kinds[k], .actor = "mallory", .summary = "odd", .data = odd[i], .incident = 1};
            assert_int_equal(journal_append_wait(j, &draft, 1, NULL, &e), 0);
        }
    assert_int_equal(incident_file_read(j, 1, &file, &e), 0);
    assert_int_equal(file.actions.len, 1); /* the one that says it is new */
    assert_string_equal(file.actions.data[0].text, "");
    assert_int_equal(file.roles.len, 0);
    assert_null(file.fields[INCIDENT_FIELD_SUMMARY].text);
    incident_file_fini(&file);
    assert_int_equal(incident_file_read(j, 2, &file, &e), ERR_NOT_FOUND);
    incident_file_fini(&file);
    journal_close(j);
    scratch_remove(folder);
}

static int told(const struct event *event, void *data)
{
    *(int64_t *)data = event_told_us(event);
    return 1;
}

static void late_notes(void **state)
{
    (void)state;
    char *folder;
    struct err e = {0};
    struct journal *j = opened(&folder);
    int64_t then = clock_wall_us() - 600 * US_PER_S, seen = 0;
    MUST(j, .verb = INCIDENT_NOTE, .text = "customers called", .said_us = then);
    assert_int_equal(journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, NULL, 1, told, &seen, &e), 0);
    assert_int_equal(seen, then);
    /* A note from the future, or from nowhere, is told when it was written. */
    static const char *const bad[] = {"{\"at\":\"2999-01-01T00:00:00Z\"}", "{\"at\":\"then\"}", "{\"at\":7}"};
    for (size_t i = 0; i < 3; i++) {
        struct event_draft draft = {
            .kind = EVENT_INCIDENT_NOTED, .data = bad[i], .incident = 1, .at_us = 1000};
        assert_int_equal(journal_append_wait(j, &draft, 1, NULL, &e), 0);
        assert_int_equal(journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, NULL, 1, told, &seen, &e), 0);
        assert_int_equal(seen, 1000);
    }
    journal_close(j);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles),   cmocka_unit_test(actions),    cmocka_unit_test(writing),
        cmocka_unit_test(closing), cmocka_unit_test(odd_events), cmocka_unit_test(late_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
