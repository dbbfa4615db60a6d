/* One event as a line of JSON, and the table of kinds. */
#include "scratch.h"

/* Whatever was stored as data: one line of JSON comes out, with a value where data is. */
static void every_data_makes_a_line_of_json(void **state)
{
    (void)state;
    static const struct {
        const char *data, *expected;
    } cases[] = {
        {"{ \"a\" : 1 }", "{ \"a\" : 1 }"}, /* as it was stored */
        {"{\"a\":\n1}", "{\"a\":1}"},
        {"\xef\xbb\xbf{\"a\":1}", "{\"a\":1}"}, /* a byte order mark may only stand at the beginning */
        {" [1,2]", "[1,2]"},
        {"not JSON", "\"not JSON\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct event event = {.seq = 1,
                              .kind_name = "run.input",
                              .actor = "",
                              .subject = "",
                              .outcome = "",
                              .summary = "",
                              .data = cases[i].data};
        struct str line = {0};
        char *expected = xasprintf("\"data\":%s,\"hash\":", cases[i].expected);
        event_json(&event, &line);
        assert_null(strpbrk(line.data, "\r\n"));
        if (!strstr(line.data, expected))
            fail_msg("%s: %s", cases[i].data, line.data);
        cJSON *tree = json_parse(line.data, line.len, NULL);
        assert_non_null(tree);
        cJSON_Delete(tree);
        free(expected);
        str_fini(&line);
    }
}

static void kinds_have_names(void **state)
{
    (void)state;
    for (int i = EVENT_UNKNOWN + 1; i < EVENT_KIND_COUNT; i++) {
        enum event_kind kind = (enum event_kind)i;
        assert_int_equal(event_kind_find(event_kind_name(kind)), kind);
    }
    assert_int_equal(event_kind_find("no.such"), EVENT_UNKNOWN);
    assert_true(event_kind_durable(EVENT_STEP_INTENT) && event_kind_durable(EVENT_STEP_OUTCOME));
    assert_false(event_kind_durable(EVENT_TRANSITION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_data_makes_a_line_of_json),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
