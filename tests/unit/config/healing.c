#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/config/config.h"

static void test_every_option_reaches_its_field(void **state)
{
    (void)state;
    const char text[] = "chains:\n"
                        "- {name: answers, tiers: [{name: t, command: [x]}]}\n"
                        "heal:\n"
                        "  enabled: true\n"
                        "  attempts: 3\n"
                        "  rest: 5m\n"
                        "  confidence: 0.75\n"
                        "  diagnose:\n"
                        "  - {name: brain, chain: answers, timeout: 30s}\n"
                        "  - {name: script, command: [./diagnose, --fast]}\n"
                        "  rules:\n"
                        "  - {name: loop, when: \"component.state == down\", for: 30s, error: \"*crash*\",\n"
                        "     resource: \"component r*\", issue: crash_loop, fix: restart-pod#restart,\n"
                        "     confidence: 0.95, policy: auto}\n"
                        "  - {name: slow, error: \"*timeout*\", fix: scale-out}\n";
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/conf", NULL, &e);
    if (!c)
        fail_msg("%s", e.msg);
    const struct config_heal *h = &c->heal;
    assert_int_equal(h->enabled, 1);
    assert_int_equal(h->attempts, 3);
    assert_int_equal(h->rest_us, 300 * US_PER_S);
    assert_int_equal(h->confidence_milli, 750);
    assert_int_equal(h->diagnoser_count, 2);
    assert_string_equal(h->diagnosers[0].chain, "answers");
    assert_int_equal(h->diagnosers[0].timeout_us, 30 * US_PER_S);
    assert_string_equal(h->diagnosers[1].command[1], "--fast");
    assert_int_equal(h->diagnosers[1].timeout_us, 20 * US_PER_S);
    assert_int_equal(h->rule_count, 2);
    const struct config_heal_rule *r = &h->rules[0];
    assert_string_equal(r->when, "component.state == down");
    assert_int_equal(r->for_us, 30 * US_PER_S);
    assert_string_equal(r->error, "*crash*");
    assert_string_equal(r->resource, "component r*");
    assert_string_equal(r->issue, "crash_loop");
    assert_string_equal(r->fix, "restart-pod#restart");
    assert_int_equal(r->confidence_milli, 950);
    assert_string_equal(r->policy, "auto");
    assert_null(h->rules[1].when);
    assert_int_equal(h->rules[1].confidence_milli, 900);
    config_free(c);
}

static void test_nothing_heals_unless_it_is_said(void **state)
{
    (void)state;
    struct config *c = config_new();
    assert_int_equal(c->heal.enabled, 0);
    assert_int_equal(c->heal.attempts, 2);
    assert_int_equal(c->heal.confidence_milli, 800);
    config_free(c);
}

static void test_each_mistake_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"heal: {rules: [{name: a, fix: x}]}",
         "belay.yaml:1:16: heal rule a: needs when, error or resource: it would be the answer to everything"},
        {"heal:\n  rules:\n  - {name: a, error: x, fix: \"#s\"}",
         "belay.yaml:3:5: heal rule a: fix is RUNBOOK or RUNBOOK#STEP"},
        {"heal:\n  rules:\n  - {name: a, error: x, fix: \"b#\"}",
         "belay.yaml:3:5: heal rule a: fix is RUNBOOK or RUNBOOK#STEP"},
        {"heal:\n  rules:\n  - {name: a, error: x, fix: b, for: 3s}",
         "belay.yaml:3:5: heal rule a: for belongs to when"},
        {"heal:\n  rules:\n  - {name: a, error: x, fix: b}\n  - {name: a, error: y, fix: b}",
         "belay.yaml:4:5: heal rule a: the name stands there twice"},
        {"heal:\n  diagnose:\n  - {name: d}",
         "belay.yaml:3:5: heal.diagnose d: needs a command or a chain, one of them"},
        {"heal:\n  diagnose:\n  - {name: d, command: [x], chain: c}",
         "belay.yaml:3:5: heal.diagnose d: needs a command or a chain, one of them"},
        {"heal:\n  diagnose:\n  - {name: d, chain: c}",
         "belay.yaml:3:5: heal.diagnose d: there is no such chain under chains:"},
        {"heal:\n  diagnose:\n  - {name: d, command: [x]}\n  - {name: d, command: [y]}",
         "belay.yaml:4:5: heal.diagnose d: the name stands there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        struct config_findings findings = {0};
        struct config *c =
            config_parse(cases[i].text, strlen(cases[i].text), "belay.yaml", "/conf", &findings, &e);
        config_findings_fini(&findings);
        assert_null(c);
        assert_string_equal(e.msg, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_reaches_its_field),
        cmocka_unit_test(test_nothing_heals_unless_it_is_said),
        cmocka_unit_test(test_each_mistake_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
