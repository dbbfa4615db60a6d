/* Healing end to end: `belay serve` watches a component whose state is a file, and a runbook that would mend
 * it. What the steps themselves wrote down is the oracle: what ran, and how often. */
#include "tests/integration/healing.h"

static void test_a_fix_that_helps(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n  enabled: true\n  rest: 20s\n" RULE "auto}\n", "scope=pod idempotent=true",
               "printf '" WELL "' > ../state.json");
    journal_until(&b, "\"outcome\":\"healed\"", 1);
    trace_is(&b, "restart retriever\n"); /* and not the wider step of the same runbook */
    verified(&b);
    bench_close(&b);
}

static void test_a_fix_that_does_not_help_is_given_up(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n  enabled: true\n  attempts: 2\n  rest: 1s\n" RULE "auto}\n",
               "scope=pod idempotent=true", "true");
    journal_until(&b, "heal.escalated", 1);
    trace_is(&b, "restart retriever\nrestart retriever\n");
    /* Another process starts: it was given up, and stays so. */
    serve_stop(&b);
    serve_start(&b);
    journal_until(&b, "watch.started", 2);
    struct str said = {0};
    output_of(&b, "heal list", &said);
    assert_non_null(strstr(str_text(&said), "given up"));
    str_fini(&said);
    text_write(b.folder, "state.json", WELL);
    journal_until(&b, "heal.ended", 1);
    trace_is(&b, "restart retriever\nrestart retriever\n");
    verified(&b);
    bench_close(&b);
}

/* Well after each fix, and down again: its attempts are those of one case, also for another process. */
static void test_what_flaps_is_not_healed_for_ever(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n  enabled: true\n  attempts: 1\n  rest: 120s\n" RULE "auto}\n",
               "scope=pod idempotent=true", "printf '" WELL "' > ../state.json");
    journal_until(&b, "\"outcome\":\"healed\"", 1);
    serve_stop(&b);
    text_write(b.folder, "state.json", DOWN);
    serve_start(&b);
    journal_until(&b, "heal.escalated", 1);
    trace_is(&b, "restart retriever\n");
    struct str said = {0};
    output_of(&b, "heal list", &said);
    assert_non_null(strstr(str_text(&said), "given up"));
    str_fini(&said);
    verified(&b);
    bench_close(&b);
}

static void test_what_may_not_run_by_itself_is_proposed(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *annotations;
    } cases[] = {
        {"propose}\n", "scope=pod idempotent=true"},
        {"auto}\n", "scope=pod"},
        {"auto}\n", "scope=service idempotent=true"},
        {"auto}\n", "scope=pod idempotent=true approvals=1"},
        {"auto}\n", "scope=pod idempotent=true interactive=true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        char *heal = xasprintf("heal:\n  enabled: true\n  rest: 1s\n" RULE "%s", cases[i].policy);
        bench_open(&b, heal, cases[i].annotations, "true");
        journal_until(&b, "heal.proposed", 1);
        text_write(b.folder, "state.json", WELL);
        journal_until(&b, "\"outcome\":\"withdrawn\"", 1);
        journal_lacks(&b, "heal.started");
        trace_is(&b, "");
        bench_close(&b);
        free(heal);
    }
}

/* A person's step fails, its policy says heal: whoever watches diagnoses, and the fix runs by itself. */
static struct pty *walk(const struct bench *b, const char *name)
{
    char *document = path_join(b->folder, name), *config = path_join(b->folder, "belay.yaml"),
         *runtime = xasprintf("XDG_RUNTIME_DIR=%s", b->folder);
    struct pty *p = pty_start(&(struct pty_options){
        .argv = (const char *const[]){belay, "runbook", "run", "--line", "--config", config, document, NULL},
        .environment = (const char *const[]){runtime, NULL},
        .width = 160,
        .height = 50});
    free(document);
    free(config);
    free(runtime);
    return p;
}

/* What is typed while a page is new is no answer: typed until it says so. */
static void type_until(struct pty *p, const char *text, const char *said)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (!pty_wait(p, said, 1000)) {
        if (clock_monotonic_us() > end)
            fail_with_screen(p, "never: %s", said);
        pty_type(p, text);
    }
}

#define MISSING                                                                                              \
    "heal:\n  enabled: true\n  rules:\n  - {name: missing, error: \"*exit 1*\", fix: make#make, policy: "    \
    "auto}\n"

static void test_a_failed_step(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, MISSING, "scope=pod idempotent=true", "true");
    serve_stop(&b);
    char *rb = path_join(b.folder, "rb");
    text_write(rb, "make.md",
               "# Make\n\n```sh {name=make scope=process idempotent=true}\necho made >> ../trace\ntouch "
               "../there\n```\n");
    text_write(rb, "work.md",
               "# Work\n\n```sh {name=work scope=pod idempotent=true policy=mend confirm=key}\ntest -e "
               "../there\n```\n");
    serve_start(&b);
    struct pty *p = walk(&b, "rb/work.md");
    type_until(p, "y\n", "Work: exit 1");
    journal_until(&b, "heal.tried", 1);
    trace_is(&b, "made\n");
    pty_type(p, "retry\n");
    type_until(p, "y\n", "Work: exit 0");
    journal_until(&b, "\"outcome\":\"healed\"", 1);
    pty_free(p);
    free(rb);
    bench_close(&b);
}

/* The fixes of the shipped rules, as the examples have them: a file that is named by its entity. */
static void test_the_fixes_of_the_shipped_rules(void **state)
{
    (void)state;
    static const struct {
        const char *fix, *before, *after;
    } cases[] = {
        {"repair-encoding", "caf\xe9\n", "caf\xc3\xa9\n"},
        {"preprocess-image", "dark\n", "-auto-orient bright\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        struct str text = {0};
        char *heal = xasprintf(
            "heal:\n  enabled: true\n  rest: 20s\n  rules:\n  - {name: own, when: \"component.state "
            "== down\", fix: %s, policy: auto}\n",
            cases[i].fix);
        bench_open(&b, heal, "scope=pod", "true");
        serve_stop(&b);
        char *file = path_join(b.folder, "input"), *bin = path_join(b.folder, "bin"),
             *fixed = xasprintf("PATH=%s:%s", bin, getenv("PATH")),
             *was = xasprintf("PATH=%s", getenv("PATH")),
             *yaml = xasprintf(
                 "platform: healing\nrunbooks: [" SOURCE_DIR "/assets/examples/healing]\nsources:\n"
                 "- {name: files, kind: command, every: 1s, command: [cat, state.json],\n"
                 "   map: {kind: component, rows: /files/*, name: \"{/name}\", attributes: {file: /file},\n"
                 "         state: {from: /state, unreadable: down}}}\n%s",
                 heal),
             *rows = xasprintf("{\"files\":[{\"name\":\"scan\",\"state\":\"unreadable\",\"file\":\"%s\"}]}",
                               file);
        assert_int_equal(mkdir(bin, 0700), 0);
        text_write(bin, "convert",
                   "#!/bin/sh\nfor last; do :; done\ntest -e \"$1\" && echo \"$2 bright\" >\"$last\"\n");
        char *convert = path_join(bin, "convert");
        assert_int_equal(chmod(convert, 0700), 0);
        text_write(b.folder, "belay.yaml", yaml);
        text_write(b.folder, "state.json", rows);
        text_write(b.folder, "input", cases[i].before);
        putenv(fixed);
        serve_start(&b);
        journal_until(&b, "heal.tried", 1);
        assert_int_equal(file_read(file, 1u << 16, &text, NULL), 0);
        assert_string_equal(str_text(&text), cases[i].after);
        putenv(was);
        free(fixed);
        bench_close(&b);
        str_fini(&text);
        free(convert);
        free(file);
        free(bin);
        free(yaml);
        free(rows);
        free(heal);
    }
}

static void test_nothing_is_looked_for_unless_enabled(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n" RULE "auto}\n", "scope=pod idempotent=true", "true");
    journal_until(&b, "CrashLoopBackOff", 1);
    text_write(b.folder, "state.json", WELL);
    journal_until(&b, "component retriever CrashLoopBackOff", 1);
    journal_lacks(&b, "heal.");
    trace_is(&b, "");
    bench_close(&b);
}

/* Killed while the fix runs: the next one does not run it again, a person is asked for. */
static void test_the_one_that_heals_is_killed(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "heal:\n  enabled: true\n  rest: 1s\n" RULE "auto}\n", "scope=pod idempotent=true",
               "while [ -e ../log ] && [ ! -e ../go ]; do sleep 0.1; done");
    journal_until(&b, "step.intent", 1);
    struct str trace = {0};
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (trace_of(&b, &trace), trace.len == 0 && clock_monotonic_us() < end)
        usleep(20000);
    kill(b.serve, SIGKILL);
    waitpid(b.serve, NULL, 0);
    serve_start(&b);
    journal_until(&b, "heal.escalated", 1);
    text_write(b.folder, "go", "");
    journal_until(&b, "step.outcome", 1); /* the step has seen it: nothing is left behind */
    trace_is(&b, "restart retriever\n");
    str_fini(&trace);
    bench_close(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fix_that_helps),
        cmocka_unit_test(test_a_fix_that_does_not_help_is_given_up),
        cmocka_unit_test(test_what_flaps_is_not_healed_for_ever),
        cmocka_unit_test(test_what_may_not_run_by_itself_is_proposed),
        cmocka_unit_test(test_a_failed_step),
        cmocka_unit_test(test_the_fixes_of_the_shipped_rules),
        cmocka_unit_test(test_nothing_is_looked_for_unless_enabled),
        cmocka_unit_test(test_the_one_that_heals_is_killed),
    };
    if (argc < 2)
        return 2;
    belay = argv[1];
    unsetenv("BELAY_ASSETS");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
