/* Healing where two may act on one journal: each thing is healed once. */
#include "tests/integration/healing.h"

static void log_until(const struct bench *b, const char *part)
{
    char *path = path_join(b->folder, "log");
    struct str said = {0};
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (file_read(path, 1u << 16, &said, NULL) < 0 || !strstr(str_text(&said), part)) {
        if (clock_monotonic_us() > end)
            fail_msg("never: %s\n%s", part, str_text(&said));
        usleep(20000);
        str_clear(&said);
    }
    str_fini(&said);
    free(path);
}

static void journal_has(const struct bench *b, const char *part, size_t times)
{
    struct str said = {0};
    output_of(b, "timeline --all --json", &said);
    assert_int_equal(count_of(str_text(&said), part), times);
    str_fini(&said);
}

/* In place of those that all tests have. */
static void policies(const struct bench *b, const char *policy)
{
    struct str yaml = {0};
    char *path = path_join(b->folder, "belay.yaml");
    assert_int_equal(file_read(path, 1u << 16, &yaml, NULL), 0);
    const char *from = strstr(str_text(&yaml), "policies: ["), *to = from ? strchr(from, '\n') : NULL;
    assert_non_null(to);
    char *text =
        xasprintf("%.*spolicies: [%s]%s", (int)(from - str_text(&yaml)), str_text(&yaml), policy, to);
    text_write(b->folder, "belay.yaml", text);
    free(text);
    free(path);
    str_fini(&yaml);
}

static void output_until(const struct bench *b, const char *arguments, const char *part)
{
    struct str said = {0};
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (output_of(b, arguments, &said), !strstr(str_text(&said), part)) {
        if (clock_monotonic_us() > end)
            fail_msg("never: %s\n%s", part, str_text(&said));
        usleep(100000);
    }
    str_fini(&said);
}

/* Both know the rule and both may act: the one that watches does. It goes once that is journaled; the other
 * one watches then, and knows from the journal what was done. */
static void test_two_heal_once(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n  enabled: true\n  rest: 120s\n" RULE "auto}\n", "scope=pod idempotent=true",
               "while [ -e ../log ] && [ ! -e ../go ]; do sleep 0.1; done\nprintf '" WELL
               "' > ../state.json");
    journal_until(&b, "step.intent", 1); /* it heals, and does not end before the other one has seen it */
    pid_t first = b.serve;
    serve_start(&b);
    log_until(&b, "does not journal what changes");
    text_write(b.folder, "go", "");
    journal_until(&b, "\"outcome\":\"healed\"", 1);
    server_stop(first);
    journal_until(&b, "watch.started", 2);
    journal_has(&b, "heal.started", 1);
    trace_is(&b, "restart retriever\n");
    verified(&b);
    bench_close(&b);
}

/* The healer is killed while its fix runs: whoever takes it up tells the fix's breaker and measures, once. */
static void test_what_was_taken_up_is_told_once(void **state)
{
    (void)state;
    struct bench b;
    struct str said = {0};
    bench_open(&b, "", "scope=pod idempotent=true policy=mend", "");
    serve_stop(&b);
    configure(&b, "heal:\n  enabled: true\n" RULE "auto}\n");
    policies(&b, "{name: mend, attempts: 1, breaker: {name: pods}}");
    document(&b, "scope=pod idempotent=true policy=mend",
             "while [ -e ../log ] && [ ! -e ../go ]; do sleep 0.1; done\nexit 9");
    serve_start(&b);
    journal_until(&b, "step.intent", 1);
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (trace_of(&b, &said), said.len == 0 && clock_monotonic_us() < end)
        usleep(20000);
    kill(b.serve, SIGKILL);
    waitpid(b.serve, NULL, 0);
    text_write(b.folder, "go", "");
    serve_start(&b);
    journal_until(&b, "step.outcome", 1);
    output_until(&b, "breaker", "calls 1  failed 1 ");
    output_until(&b, "status --json", "\"ok\":0,\"failed\":1,\"rejected\":0,\"cancelled\":0,\"attempts\":1,");
    serve_stop(&b); /* and not at its end either */
    output_until(&b, "breaker", "calls 1  failed 1 ");
    trace_is(&b, "restart retriever\n");
    str_fini(&said);
    bench_close(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_heal_once),
        cmocka_unit_test(test_what_was_taken_up_is_told_once),
    };
    if (argc < 2)
        return 2;
    belay = argv[1];
    unsetenv("BELAY_ASSETS");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
