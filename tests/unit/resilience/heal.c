#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/resilience/resilience.h"

static void test_the_two_pairs_of_the_reference(void **state)
{
    (void)state;
    struct heal_diagnosis d;
    assert_true(heal_diagnose(NULL, 0, "receipt-7", "OCR failed: Image_Quality 0.3", &d));
    assert_string_equal(d.issue, "image_quality");
    assert_string_equal(d.fix, "preprocess-image");
    assert_string_equal(d.by, "rule image quality");
    assert_true(heal_diagnose(NULL, 0, "receipt-7", "bad encoding in line 3", &d));
    assert_string_equal(d.issue, "encoding");
    assert_string_equal(d.fix, "repair-encoding");
    assert_string_equal(d.evidence, "bad encoding in line 3");
    assert_false(heal_diagnose(NULL, 0, "receipt-7", "disk full", &d));
    assert_string_equal(d.fix, "");
    assert_false(heal_diagnose(NULL, 0, NULL, NULL, &d));
}

static void test_own_rules_come_first_in_their_order(void **state)
{
    (void)state;
    static const struct heal_rule rules[] = {
        {.name = "pods", .issue = "crash", .resource = "pod/*", .fix = "restart#1", .confidence = 0.9},
        {.name = "a", .issue = "x", .match = "*encod?ng*", .fix = "own", .confidence = 0.5},
        {.name = "b", .issue = "y", .match = "*", .resource = "queue", .fix = "drain", .confidence = 0.4},
    };
    struct heal_diagnosis d;
    assert_true(heal_diagnose(rules, 3, "pod/api-1", "encoding", &d));
    assert_string_equal(d.fix, "restart#1");
    assert_true(heal_diagnose(rules, 3, "queue", "ENCODING", &d));
    assert_string_equal(d.fix, "own");
    assert_true(heal_diagnose(rules, 3, "Queue", "", &d));
    assert_string_equal(d.fix, "drain");
    assert_true(heal_diagnose(rules, 3, "queues", "an image of low image quality", &d));
    assert_string_equal(d.by, "rule image quality");
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool covers;
    } pairs[] = {
        {"", "", true},       {"", "a", false},          {"*", "", true},
        {"?", "", false},     {"a*b*c", "aXbYc", true},  {"a*b*c", "acb", false},
        {"*ab", "aab", true}, {"*ab*ab*", "abab", true}, {"*ab*ab*", "aba", false},
        {"a?c", "abc", true}, {"a?c", "ac", false},      {"**?", "x", true},
        {"A*", "abc", true},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct heal_rule rule = {.name = "r", .issue = "i", .match = pairs[i].pattern, .fix = "f"};
        struct heal_diagnosis d;
        if (heal_diagnose(&rule, 1, "", pairs[i].text, &d) != pairs[i].covers)
            fail_msg("\"%s\" over \"%s\"", pairs[i].pattern, pairs[i].text);
    }
    /* Many stars over a long text: not exponential. */
    char text[20001];
    memset(text, 'a', 20000);
    text[20000] = '\0';
    struct heal_rule rule = {.name = "r", .issue = "i", .match = "*a*a*a*a*a*a*a*a*a*a*b", .fix = "f"};
    struct heal_diagnosis d;
    assert_false(heal_diagnose(&rule, 1, "", text, &d));
}

static int answer(const char *text, struct heal_diagnosis *d, struct err *e)
{
    static const char *const names[] = {"restart-pod", "drain#2", NULL};
    return heal_read_answer(text, strlen(text), names, d, e);
}

static void test_an_answer_chooses_among_named_fixes(void **state)
{
    (void)state;
    struct heal_diagnosis d;
    struct err e;
    assert_int_equal(answer("```json\n{\"issue\":\"oom\",\"fix\":\"restart-pod\",\"confidence\":0.7,"
                            "\"evidence\":\"OOMKilled\\n3 times\\u001b[2J\"}\n```\n",
                            &d, &e),
                     0);
    assert_string_equal(d.issue, "oom");
    assert_string_equal(d.fix, "restart-pod");
    assert_true(d.confidence == 0.7);
    assert_string_equal(d.evidence, "OOMKilled 3 times<U+001B>[2J");
    assert_string_equal(d.by, "");
    assert_int_equal(answer("{\"issue\":\"x\",\"fix\":\"drain#2\"}", &d, &e), 0);
    assert_true(d.confidence == 0);
    static const struct {
        const char *text;
        int code;
    } wrong[] = {
        {"", ERR_SYNTAX},
        {"I think you should rm -rf /", ERR_SYNTAX},
        {"}{", ERR_SYNTAX},
        {"{\"issue\":\"x\",\"fix\":\"rm -rf /\"}", ERR_NOT_FOUND},
        {"{\"issue\":\"x\",\"fix\":\"restart-pod; reboot\"}", ERR_NOT_FOUND},
        {"{\"issue\":\"x\",\"fix\":\"\"}", ERR_NOT_FOUND},
        {"{\"issue\":\"x\",\"fix\":null}", ERR_NOT_FOUND},
        {"{\"issue\":\"x\",\"fix\":[\"restart-pod\"]}", ERR_NOT_FOUND},
        {"{\"fix\":\"restart-pod\"}", ERR_SYNTAX},
        {"{\"issue\":\"x\",\"fix\":\"restart-pod\",\"confidence\":95}", ERR_SYNTAX},
        {"{\"issue\":\"x\",\"fix\":\"restart-pod\",\"confidence\":-0.1}", ERR_SYNTAX},
        {"{\"issue\":\"x\",\"fix\":\"restart-pod\",\"confidence\":\"NaN\"}", ERR_SYNTAX},
        {"{\"issue\":\"x\",\"fix\":\"drain#2\",\"fix\":\"restart-pod\"}", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        e.msg[0] = '\0';
        if (answer(wrong[i].text, &d, &e) != wrong[i].code || !e.msg[0] || d.fix[0])
            fail_msg("%s", wrong[i].text);
    }
}

static void test_long_texts_are_cut_at_a_whole_character(void **state)
{
    (void)state;
    struct str text = {0};
    struct heal_diagnosis d;
    struct err e;
    str_add(&text, "{\"issue\":\"");
    for (int i = 0; i < 1000; i++)
        str_add(&text, "\xe2\x82\xac");
    str_add(&text, "\",\"fix\":\"restart-pod\"}");
    assert_int_equal(answer(str_text(&text), &d, &e), 0);
    assert_int_equal(strlen(d.issue), 63);
    assert_true(utf8_valid(d.issue, 63, NULL));
    str_fini(&text);
}

static struct heal_permission everything(void)
{
    return (struct heal_permission){
        .enabled = true, .automatic = true, .idempotent = true, .narrow = true, .confidence_least = 0.6};
}

static void test_unattended_only_with_every_permission(void **state)
{
    (void)state;
    struct heal_diagnosis d = {.fix = "restart-pod", .confidence = 0.8};
    for (int missing = 0; missing < 6; missing++) {
        struct heal_permission p = everything();
        struct heal_case c = {.attempts_most = 2};
        if (missing == 0)
            p.enabled = false;
        if (missing == 1)
            p.automatic = false;
        if (missing == 2)
            p.idempotent = false;
        if (missing == 3)
            p.narrow = false;
        if (missing == 4)
            p.confidence_least = 0.81;
        enum heal_verdict want = missing == 0 ? HEAL_REST : missing == 5 ? HEAL_RUN : HEAL_PROPOSE;
        assert_int_equal(heal_decide(&c, &p, &d, 1000), want);
        assert_int_equal(c.attempts, want == HEAL_RUN);
    }
}

static void test_attempts_are_bounded_and_then_a_person_is_asked(void **state)
{
    (void)state;
    struct heal_permission p = everything();
    struct heal_diagnosis d = {.fix = "restart-pod", .confidence = 0.8};
    struct heal_case c = {.attempts_most = 2};
    assert_int_equal(heal_decide(&c, &p, &d, 0), HEAL_RUN);
    assert_int_equal(heal_decide(&c, &p, &d, 10), HEAL_REST); /* it is running */
    heal_ended(&c, 20, 100);
    assert_int_equal(heal_decide(&c, &p, &d, 119), HEAL_REST);
    assert_int_equal(heal_decide(&c, &p, &d, 120), HEAL_RUN);
    heal_ended(&c, 130, 100);
    assert_int_equal(heal_decide(&c, &p, &d, 131), HEAL_ESCALATE);
    assert_int_equal(heal_decide(&c, &p, &d, 100000), HEAL_ESCALATE);
    heal_ended(&c, 100001, 100); /* of nothing that was run */
    assert_int_equal(heal_decide(&c, &p, &d, 200000), HEAL_ESCALATE);
}

static void test_what_comes_back_at_once_was_not_healed(void **state)
{
    (void)state;
    struct heal_permission p = everything();
    struct heal_diagnosis d = {.fix = "restart-pod", .confidence = 0.8};
    struct heal_case c = {.attempts_most = 2};
    assert_int_equal(heal_decide(&c, &p, &d, 1000), HEAL_RUN);
    heal_ended(&c, 1900, 100);
    heal_well(&c, 2000, 100);
    assert_int_equal(heal_decide(&c, &p, &d, 2099), HEAL_REST); /* it is back: not at once again */
    assert_int_equal(heal_decide(&c, &p, &d, 2100), HEAL_RUN);
    heal_ended(&c, 2200, 100);
    heal_well(&c, 3000, 100);
    assert_false(heal_is_calm(&c, 3999));
    assert_int_equal(heal_decide(&c, &p, &d, 3999), HEAL_ESCALATE);
    assert_int_equal(heal_decide(&c, &p, &d, 99999), HEAL_ESCALATE); /* and goes on being a person's */
    c = (struct heal_case){.attempts_most = 1};
    assert_false(heal_is_calm(&c, 1000));
    assert_int_equal(heal_decide(&c, &p, &d, 1000), HEAL_RUN);
    heal_ended(&c, 1900, 100);
    heal_well(&c, 2000, 100);
    assert_true(heal_is_calm(&c, 3000));
    assert_int_equal(heal_decide(&c, &p, &d, 3000), HEAL_RUN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_two_pairs_of_the_reference),
        cmocka_unit_test(test_own_rules_come_first_in_their_order),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_an_answer_chooses_among_named_fixes),
        cmocka_unit_test(test_long_texts_are_cut_at_a_whole_character),
        cmocka_unit_test(test_unattended_only_with_every_permission),
        cmocka_unit_test(test_attempts_are_bounded_and_then_a_person_is_asked),
        cmocka_unit_test(test_what_comes_back_at_once_was_not_healed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
