/* Who says what is wrong, and how that decides what runs: rules, a command, a chain of models. */
#include "tests/integration/healing.h"

static void test_an_unsure_diagnosis_is_proposed(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n  enabled: true\n  confidence: 0.99\n" RULE "auto}\n", "scope=pod idempotent=true",
               "true");
    journal_until(&b, "heal.proposed", 1);
    text_write(b.folder, "state.json", WELL);
    journal_until(&b, "heal.ended", 1);
    trace_is(&b, "");
    bench_close(&b);
}

/* What finds it may be mended by itself; the fix that was chosen for it may not. */
static void test_a_choice_gives_no_permission(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b,
               "heal:\n  enabled: true\n  diagnose:\n"
               "  - {name: bold, command: [echo, "
               "'{\"issue\":\"x\",\"fix\":\"restart-pod#second\",\"confidence\":1}']}\n" RULE "auto}\n"
               "  - {name: second, error: \"*disk*\", fix: restart-pod#second, policy: propose}\n",
               "scope=pod idempotent=true",
               "true\n```\n\n```sh {name=second scope=pod idempotent=true}\necho second >> ../trace");
    journal_until(&b, "heal.proposed", 1);
    journal_until(&b, "fix: restart-pod#second", 1);
    text_write(b.folder, "state.json", WELL);
    journal_until(&b, "\"outcome\":\"withdrawn\"", 1);
    journal_lacks(&b, "heal.started");
    trace_is(&b, "");
    bench_close(&b);
}

/* A diagnoser's answer only chooses: what it names besides is no fix, and the rules are asked. */
static void test_a_command_that_diagnoses(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b,
               "heal:\n  enabled: true\n  diagnose:\n"
               "  - {name: broken, command: [sh, -c, 'exit 3']}\n"
               "  - {name: chatty, command: [sh, -c, 'echo I think it is DNS']}\n"
               "  - {name: wild, command: [sh, -c, \"echo "
               "'{\\\"issue\\\":\\\"x\\\",\\\"fix\\\":\\\"drop-database\\\",\\\"confidence\\\":1}'\"]}\n"
               "  - {name: wise, command: [sh, -c, \"cat > question; echo "
               "'{\\\"issue\\\":\\\"oom\\\",\\\"fix\\\":\\\"restart-pod#restart\\\","
               "\\\"confidence\\\":0.6,\\\"evidence\\\":\\\"killed\\\"}'\"]}\n" RULE "propose}\n",
               "scope=pod idempotent=true", "true");
    journal_until(&b, "heal.proposed", 1);
    struct str said = {0};
    output_of(&b, "heal list --json", &said);
    assert_non_null(strstr(str_text(&said), "\"issue\":\"oom\""));
    assert_non_null(strstr(str_text(&said), "\"by\":\"command wise\""));
    assert_null(strstr(str_text(&said), "drop-database"));
    char *question = path_join(b.folder, "question");
    str_clear(&said);
    assert_int_equal(file_read(question, 1u << 16, &said, NULL), 0);
    assert_non_null(strstr(str_text(&said), "\"resource\":\"component retriever\""));
    assert_non_null(strstr(str_text(&said), "\"restart-pod#restart\""));
    str_fini(&said);
    free(question);
    bench_close(&b);
}

/* A chat's answer that is no diagnosis is no fix; the chain's next tier, and at last the rules, say. */
static void test_a_chain_that_diagnoses(void **state)
{
    (void)state;
    static const struct {
        const char *script, *tier, *by;
    } cases[] = {
        {"ok", "", "\"by\":\"rule loop\""},
        {"500",
         "  - {name: script, command: [echo, "
         "'{\"issue\":\"oom\",\"fix\":\"restart-pod#restart\",\"confidence\":0.5}']}\n",
         "\"by\":\"chain brain\""},
        {"never", "", "\"by\":\"rule loop\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upstream u;
        struct bench b;
        upstream_start(&u);
        upstream_script(&u, "/v1", cases[i].script);
        char *heal = xasprintf(
            "chains:\n- name: diagnosis\n  tiers:\n  - {name: chat, openai: {url: "
            "\"http://127.0.0.1:%d/v1\", model: m}}\n%s"
            "heal:\n  enabled: true\n  diagnose: [{name: brain, chain: diagnosis, timeout: 2s}]\n" RULE
            "propose}\n",
            u.peer.port, cases[i].tier);
        bench_open(&b, heal, "scope=pod idempotent=true", "true");
        journal_until(&b, "heal.proposed", 1);
        journal_until(&b, cases[i].by, 1);
        bench_close(&b);
        upstream_stop(&u);
        free(heal);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unsure_diagnosis_is_proposed),
        cmocka_unit_test(test_a_choice_gives_no_permission),
        cmocka_unit_test(test_a_command_that_diagnoses),
        cmocka_unit_test(test_a_chain_that_diagnoses),
    };
    if (argc < 2)
        return 2;
    belay = argv[1];
    unsetenv("BELAY_ASSETS");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
