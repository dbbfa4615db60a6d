/* Items: the file, so many at a time, what they come to, and those that failed alone again. */
#include "tests/unit/runbook/walker.h"

#define FIVE  "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n{\"id\":5}\n"
#define ITEMS "items=five.jsonl"

/* ---- The file ---- */

static void refused(const char *lines, const char *text)
{
    struct err e = {0};
    struct items *items = items_parse("f.jsonl", lines, strlen(lines), &e);
    if (items)
        fail_msg("taken: %s", lines);
    if (!strstr(e.msg, text))
        fail_msg("%s: %s", lines, e.msg);
}

static void test_the_file_is_checked_line_by_line(void **state)
{
    (void)state;
    refused("{\"id\":1}\n{\"id\":}\n", "f.jsonl:2: not JSON");
    refused("[1]\n", "f.jsonl:1: each line");
    refused("{}\n", "f.jsonl:1: each line");
    refused("\n{\"a\":{\"b\":1}}", "f.jsonl:2: \"a\" is neither");
    refused("{\"a b\":1}", "can't be a field");
    refused("{\"a=b\":1}", "can't be a field");
    refused("{\"\":1}", "can't be a field");
    refused("{\"a-b\":1,\"A_B\":2}", "two fields become ITEM_A_B");
    refused("{\"a\":1,\"a\":2}", "not JSON");
    refused("{\"a\":\"\xff\"}", "not JSON");
    refused("{\"a\":null}", "neither");
    struct str line = {0};
    str_add(&line, "{\"a\":\"");
    for (int i = 0; i <= RUNBOOK_VALUE_MAX; i++)
        str_add_char(&line, 'x');
    str_add(&line, "\"}");
    refused(str_text(&line), "more than 4096 bytes");
    str_fini(&line);
}

static void test_fields_become_variables(void **state)
{
    (void)state;
    struct items *items =
        items_of("\xef\xbb\xbf{\"q\":\"what is \\\"x\\\"?\",\"doc-id\":\"d/7\",\"n\":3,\"sure\":true}\r\n\n  "
                 "\n{\"id\":\"b\"}");
    assert_int_equal(items_count(items), 2);
    char **fields = items_fields(items, 0);
    assert_int_equal(strv_count(fields), 4);
    assert_string_equal(fields[0], "ITEM_Q=what is \"x\"?");
    assert_string_equal(fields[1], "ITEM_DOC_ID=d/7");
    assert_string_equal(fields[2], "ITEM_N=3");
    assert_string_equal(fields[3], "ITEM_SURE=true");
    strv_free(fields);
    struct str label = {0};
    items_label(items, 0, &label);
    assert_string_equal(str_text(&label), "what is \"x\"?");
    str_clear(&label);
    items_label(items, 1, &label);
    assert_string_equal(str_text(&label), "b");
    str_fini(&label);
    items_free(items);
}

static void test_the_pin_must_fit(void **state)
{
    (void)state;
    struct walker w = walk_document(BLOCK("name=a " ITEMS));
    assert_refused(begin(&w, NULL, NULL, (struct run_input){0}), &w, "have not been read");
    struct items *items = items_of(FIVE);
    run_set_items(w.run, 0, items);
    struct run_pin pin = {.step = 0, .digest = items_digest(items), .count = 4};
    struct run_input start = {.kind = INPUT_START, .pins = &pin, .pin_count = 1};
    assert_refused(give(&w, start), &w, "not those that were pinned");
    pin.count = 5;
    assert_int_equal(give(&w, start), 0);
    walked(&w);
    items_free(items);
}

/* ---- Execution ---- */

static void test_one_after_another(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a " ITEMS), NULL, FIVE);
    act(&w, "a");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(run_tickets(w.run, NULL, 0), 1);
        char *id = ticket_env(&w, part_ticket(&w, "a", i), "ITEM_ID"), *expected = xasprintf("%d", i + 1);
        assert_string_equal(id, expected);
        free(id);
        free(expected);
        assert_int_equal(parts_of(&w, "a").ok, i);
        part_exits(&w, "a", i, 0);
    }
    assert_outcome(&w, "a", WARN);
    assert_string_equal(see(&w, "a").reason, "5 of 5 ok, unverified");
    walked(&w);
}

static void test_so_many_at_a_time(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a " ITEMS " parallel=3"), NULL, FIVE);
    act(&w, "a");
    assert_int_equal(parts_of(&w, "a").running, 3);
    part_exits(&w, "a", 1, 0);
    assert_int_equal(parts_of(&w, "a").running, 3);
    assert_int_not_equal(part_ticket(&w, "a", 3), 0);
    part_exits(&w, "a", 0, 0);
    part_exits(&w, "a", 2, 0);
    assert_int_equal(parts_of(&w, "a").running, 2);
    part_exits(&w, "a", 4, 0);
    assert_outcome(&w, "a", RUNNING);
    part_exits(&w, "a", 3, 0);
    assert_outcome(&w, "a", WARN);
    walked(&w);
}

static void finish_items(struct walker *w, const char *id, const int *exits)
{
    for (int i = 0; i < 5; i++)
        part_exits(w, id, i, exits[i]);
}

static void test_the_threshold_decides(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a " ITEMS " threshold=0.8"), NULL, FIVE);
    act(&w, "a");
    finish_items(&w, "a", (int[]){0, 1, 0, 0, 0});
    assert_outcome(&w, "a", WARN);
    assert_non_null(strstr(see(&w, "a").reason, "4 of 5 ok, first item 2 of 5: 2: exit 1"));
    walked(&w);
    w = walk_with(BLOCK("name=a " ITEMS " threshold=0.81"), NULL, FIVE);
    act(&w, "a");
    finish_items(&w, "a", (int[]){0, 1, 0, 0, 0});
    assert_outcome(&w, "a", FAILED);
    assert_ask(&w, "a", FAILED);
    walked(&w);
}

static void test_fewer_than_the_minimum_fail_and_nothing_runs(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a " ITEMS " minimum=6"), NULL, FIVE);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(execs(&w), 0);
    assert_non_null(strstr(see(&w, "a").reason, "fewer than the minimum of 6"));
    walked(&w);
    w = walk_with(BLOCK("name=c kind=check items=none.jsonl minimum=0"), NULL, "\n");
    assert_outcome(&w, "c", UNKNOWN); /* never a false ok: nothing was looked at */
    walked(&w);
    w = walk_with(BLOCK("name=a items=none.jsonl minimum=0"), NULL, "\n");
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    assert_outcome(&w, "a", WARN);
    assert_true(run_ended(w.run, NULL));
    walked(&w);
}

static void test_failed_items_alone_again(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a " ITEMS), NULL, FIVE);
    act(&w, "a");
    finish_items(&w, "a", (int[]){0, 1, 0, 1, 0});
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(parts_of(&w, "a").failed, 2);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    assert_int_equal(parts_of(&w, "a").ok, 3);
    act(&w, "a");
    assert_int_not_equal(part_ticket(&w, "a", 1), 0);
    part_exits(&w, "a", 1, 0);
    part_exits(&w, "a", 3, 0);
    assert_outcome(&w, "a", WARN);
    assert_int_equal(part_of(&w, "a", 0).attempts, 1);
    assert_int_equal(part_of(&w, "a", 3).attempts, 2);
    walked(&w);
}

static void test_an_unknown_item_makes_the_act_unknown(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a " ITEMS " threshold=0.2"), NULL, FIVE);
    act(&w, "a");
    part_ends(&w, "a", 0, (struct run_result){.end = END_LOST});
    for (int i = 1; i < 5; i++)
        part_exits(&w, "a", i, 0);
    assert_outcome(&w, "a", UNKNOWN);
    assert_ask(&w, "a", UNKNOWN);
    assert_int_equal(parts_of(&w, "a").unknown, 1);
    assert_refused(choose(&w, "a", CHOICE_RETRY, NULL), &w, "needs a reason");
    walked(&w);
}

/* Where it may be repeated, an unknown item matters only when the threshold hangs on it. */
static void test_unknown_items_of_what_is_idempotent(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a idempotent=true threshold=0.8 " ITEMS), NULL, FIVE);
    act(&w, "a");
    part_ends(&w, "a", 0, (struct run_result){.end = END_LOST});
    for (int i = 1; i < 5; i++)
        part_exits(&w, "a", i, 0);
    assert_outcome(&w, "a", WARN);
    walked(&w);
    w = walk_with(BLOCK("name=a idempotent=true " ITEMS), NULL, FIVE);
    act(&w, "a");
    part_ends(&w, "a", 0, (struct run_result){.end = END_LOST});
    for (int i = 1; i < 5; i++)
        part_exits(&w, "a", i, 0);
    assert_outcome(&w, "a", UNKNOWN);
    walked(&w);
    w = walk_with(BLOCK("name=a idempotent=true threshold=0.6 " ITEMS), NULL, FIVE);
    act(&w, "a");
    part_ends(&w, "a", 0, (struct run_result){.end = END_LOST});
    for (int i = 1; i < 5; i++)
        part_exits(&w, "a", i, 1);
    assert_outcome(&w, "a", FAILED); /* it would have been so in any case */
    walked(&w);
}

static void test_cancel_skips_the_rest(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a parallel=2 " ITEMS), NULL, FIVE);
    act(&w, "a");
    part_exits(&w, "a", 0, 0);
    assert_int_equal(cancel(&w, "a"), 0);
    assert_int_not_equal(cancel(&w, "a"), 0);
    part_ends(&w, "a", 1, (struct run_result){.end = END_CANCELLED});
    assert_outcome(&w, "a", RUNNING);
    part_exits(&w, "a", 2, 0); /* it was quicker than the signal */
    assert_outcome(&w, "a", UNKNOWN);
    struct run_parts parts = parts_of(&w, "a");
    assert_int_equal(parts.ok, 2);
    assert_int_equal(parts.unknown, 1);
    assert_int_equal(parts.skipped, 2);
    walked(&w);
}

static void test_a_stop_lets_finish_what_runs_and_begins_no_more(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a parallel=2 threshold=0.1 " ITEMS), NULL, FIVE);
    act(&w, "a");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    part_exits(&w, "a", 0, 0);
    part_exits(&w, "a", 1, 0);
    assert_outcome(&w, "a", FAILED);
    assert_non_null(strstr(see(&w, "a").reason, "3 not run"));
    ended(&w);
    walked(&w);
}

static void test_what_cannot_begin_ends_the_rest(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a parallel=2 " ITEMS), NULL, FIVE);
    act(&w, "a");
    part_ends(&w, "a", 0, (struct run_result){.end = END_NOT_STARTED, .text = "elsewhere"});
    part_ends(&w, "a", 1, (struct run_result){.end = END_NOT_STARTED, .text = "elsewhere"});
    assert_outcome(&w, "a", PENDING);
    assert_ask(&w, "a", OPEN);
    act(&w, "a");
    part_exits(&w, "a", 0, 0);
    part_ends(&w, "a", 1, (struct run_result){.end = END_NOT_STARTED, .text = "elsewhere"});
    part_exits(&w, "a", 2, 0);
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(parts_of(&w, "a").ok, 2);
    assert_int_equal(parts_of(&w, "a").skipped, 3);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    act(&w, "a");
    part_exits(&w, "a", 1, 0);
    part_exits(&w, "a", 3, 0);
    part_exits(&w, "a", 4, 0);
    assert_outcome(&w, "a", WARN);
    walked(&w);
}

/* Golden queries: a verification with items, that polls with all of them. */
static void test_a_verification_with_items(void **state)
{
    (void)state;
    struct walker w = walk_with(
        BLOCK("name=a verify=golden")
            BLOCK("name=golden kind=verify items=golden.jsonl threshold=0.8 parallel=5 until=60s every=5s"),
        NULL, FIVE);
    act(&w, "a");
    exits(&w, "a", 0);
    finish_items(&w, "golden", (int[]){0, 1, 1, 0, 0});
    assert_outcome(&w, "golden", RUNNING);
    tick(&w, 6000);
    finish_items(&w, "golden", (int[]){0, 1, 0, 0, 0});
    assert_outcome(&w, "golden", OK);
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_a_check_with_unknown_items(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=c kind=check threshold=0.8 " ITEMS), NULL, FIVE);
    finish_items(&w, "c", (int[]){0, 0, 2, 0, 0});
    assert_outcome(&w, "c", OK); /* whatever the third would have said */
    walked(&w);
    w = walk_with(BLOCK("name=c kind=check threshold=0.8 " ITEMS), NULL, FIVE);
    finish_items(&w, "c", (int[]){0, 1, 2, 0, 0});
    assert_outcome(&w, "c", UNKNOWN);
    walked(&w);
    w = walk_with(BLOCK("name=c kind=check threshold=0.8 " ITEMS), NULL, FIVE);
    finish_items(&w, "c", (int[]){1, 1, 2, 0, 0});
    assert_outcome(&w, "c", FAILED);
    walked(&w);
}

/* What was taken back is done again as a whole. */
static void test_a_rollback_makes_all_of_it_pending_again(void **state)
{
    (void)state;
    struct walker w = walk_with(BLOCK("name=a rollback=r " ITEMS) BLOCK("name=r kind=rollback"), NULL, FIVE);
    act(&w, "a");
    finish_items(&w, "a", (int[]){0, 0, 0, 0, 1});
    assert_int_equal(choose(&w, "a", CHOICE_ROLLBACK, NULL), 0);
    act(&w, "r");
    exits(&w, "r", 0);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    assert_int_equal(parts_of(&w, "a").pending, 5);
    walked(&w);
}

static void test_ten_thousand_items_in_no_time(void **state)
{
    (void)state;
    struct str lines = {0};
    const int count = 10000;
    for (int i = 0; i < count; i++)
        str_addf(&lines, "{\"id\":%d}\n", i);
    struct walker w = walk_with(BLOCK("name=a parallel=32 " ITEMS), NULL, str_text(&lines));
    int64_t before = cpu_us();
    act(&w, "a");
    for (int i = 0; i < count; i++)
        part_exits(&w, "a", i, i % 100 == 0);
    int64_t spent = cpu_us() - before;
    assert_outcome(&w, "a", FAILED);
    assert_int_equal(parts_of(&w, "a").failed, count / 100);
    printf("%d items: %lld us each\n", count, (long long)(spent / count));
    assert_true(spent / count <
                200); /* with sanitizers, on a loaded machine; a quadratic one takes thousands */
    str_fini(&lines);
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_is_checked_line_by_line),
        cmocka_unit_test(test_fields_become_variables),
        cmocka_unit_test(test_the_pin_must_fit),
        cmocka_unit_test(test_one_after_another),
        cmocka_unit_test(test_so_many_at_a_time),
        cmocka_unit_test(test_the_threshold_decides),
        cmocka_unit_test(test_fewer_than_the_minimum_fail_and_nothing_runs),
        cmocka_unit_test(test_failed_items_alone_again),
        cmocka_unit_test(test_an_unknown_item_makes_the_act_unknown),
        cmocka_unit_test(test_unknown_items_of_what_is_idempotent),
        cmocka_unit_test(test_cancel_skips_the_rest),
        cmocka_unit_test(test_a_stop_lets_finish_what_runs_and_begins_no_more),
        cmocka_unit_test(test_what_cannot_begin_ends_the_rest),
        cmocka_unit_test(test_a_verification_with_items),
        cmocka_unit_test(test_a_check_with_unknown_items),
        cmocka_unit_test(test_a_rollback_makes_all_of_it_pending_again),
        cmocka_unit_test(test_ten_thousand_items_in_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
