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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_heal_once),
    };
    if (argc < 2)
        return 2;
    belay = argv[1];
    unsetenv("BELAY_ASSETS");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
