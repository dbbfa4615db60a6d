/* How far a step is and how a run ended, in words. */
#include "tests/unit/runbook/walker.h"

static void verdict_is(struct walker *w, const char *wanted)
{
    struct str text = {0};
    run_verdict_text(w->run, &text);
    assert_string_equal(str_text(&text), wanted);
    str_fini(&text);
    walked(w);
}

static void test_an_ok_run_needs_no_words(void **state)
{
    (void)state;
    struct walker w = walk("# T\n\n## Look\n\n```sh {name=a kind=check}\nlook\n```\n");
    exits(&w, "a", 0);
    assert_int_equal(ended(&w), OUTCOME_OK);
    verdict_is(&w, "ok");
}

/* One failed step: the run ends warn, and says because of which. */
static void test_why_a_run_ended_warn(void **state)
{
    (void)state;
    struct walker w =
        walk("# T\n\n## Re-open it\n\n```sh {name=a onfail=continue}\nrun\n```\n\n## Look at it\n\n"
             "```sh {name=b kind=check}\nlook\n```\n\n## Mark it\n\n```sh {name=c}\nrun\n```\n");
    act(&w, "a");
    exits(&w, "a", 1);
    exits(&w, "b", 0);
    act(&w, "c");
    exits(&w, "c", 0);
    assert_int_equal(ended(&w), OUTCOME_WARN);
    verdict_is(&w, "warn: Re-open it failed; Mark it: exit 0, unverified");
}

/* A check that fails has answered; one that can't answer is unknown. */
static void test_a_check_says_no(void **state)
{
    (void)state;
    struct walker w = walk("# T\n\n## Is it there\n\n```sh {name=a kind=check onfail=continue}\nlook\n```\n");
    const struct step *check = &w.book->steps.data[0];
    exits(&w, "a", 1);
    ended(&w);
    assert_string_equal(step_outcome_text(check, OUTCOME_FAILED), "no");
    assert_string_equal(step_outcome_text(check, OUTCOME_UNKNOWN), "unknown");
    verdict_is(&w, "warn: Is it there says no");
}

static void test_many_reasons_are_counted(void **state)
{
    (void)state;
    struct str text = {0};
    for (int i = 0; i < 5; i++)
        str_addf(&text, "## S%d\n\n```sh {name=s%d}\nrun\n```\n\n", i, i);
    struct walker w = walk(str_text(&text));
    for (int i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", i);
        act(&w, id);
        exits(&w, id, 0);
    }
    verdict_is(&w,
               "warn: S0: exit 0, unverified; S1: exit 0, unverified; S2: exit 0, unverified; and 2 more");
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_ok_run_needs_no_words),
        cmocka_unit_test(test_why_a_run_ended_warn),
        cmocka_unit_test(test_a_check_says_no),
        cmocka_unit_test(test_many_reasons_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
