/* Acts outside runbooks: what was given is what runs, and what is shown is what a shell makes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/runbook/walker.h"

#define ACTS  400
#define WORDS 6

static struct runbook *act_book(const struct runbook_act *act)
{
    struct str bytes = {0};
    struct err e = {0};
    if (runbook_act_write(act, &bytes, &e) < 0)
        fail_msg("%s", e.msg);
    struct runbook *book = runbook_act_parse(str_text(&bytes), bytes.len, &e);
    if (!book)
        fail_msg("%s: %s", str_text(&bytes), e.msg);
    str_fini(&bytes);
    return book;
}

static struct run_command act_command(struct runbook *book, char *const *variables)
{
    struct run *run = run_new(book);
    struct run_command command;
    struct err e = {0};
    if (run_apply(run, &(struct run_input){.kind = INPUT_START, .step = STEP_NONE, .variables = variables},
                  NULL, &e) < 0 ||
        run_command(run, 0, NULL, &command, &e) < 0)
        fail_msg("%s", e.msg);
    run_free(run);
    return command;
}

/* What markup, shells, JSON and formats take for something else. */
static const char *const nasty[] = {
    "",        " ",
    "\t",      "\n",
    "'",       "\"",
    "\\",      "\\n",
    "`",       "```",
    "~~~",     "$",
    "$(x)",    "$HOME",
    "<x>",     "<NAME>",
    "{}",      "}",
    "*",       "?",
    "[a-z]",   "-",
    "--",      "%s",
    "#",       "!",
    "&&",      "|",
    ";",       "=",
    "A=b",     "~",
    "\r",      "\x01",
    "\x7f",    "\x1b",
    "\u202e",  "é",
    "\u4f60",  "---",
    "$ ls",    "> q",
    "- [ ]",   "]]>",
    "\u00a0",  "\xef\xbb\xbf",
    "(",       ")",
    "kubectl", "exec",
};

static char *nasty_word(struct rng *rng)
{
    struct str word = {0};
    size_t parts = rng_below(rng, 4);
    for (size_t i = 0; i < parts; i++)
        str_add(&word, nasty[rng_below(rng, sizeof nasty / sizeof *nasty)]);
    return str_take(&word);
}

static char **nasty_argv(struct rng *rng)
{
    char **argv = NULL;
    size_t count = 1 + rng_below(rng, WORDS);
    strv_add(&argv, "printf");
    for (size_t i = 0; i < count; i++) {
        char *word = nasty_word(rng);
        strv_add(&argv, word);
        free(word);
    }
    return argv;
}

static void test_argv_runs_as_given(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng rng;
    rng_seed(&rng, seed);
    for (int i = 0; i < ACTS; i++) {
        char **argv = nasty_argv(&rng);
        struct runbook *book = act_book(&(struct runbook_act){.argv = argv, .cwd = "/tmp/$HOME x"});
        struct run_command command = act_command(book, NULL);
        for (size_t k = 0; argv[k] || command.argv[k]; k++)
            if (!str_eq(argv[k], command.argv[k]))
                fail_msg("seed %llu: word %zu is \"%s\", was \"%s\"", (unsigned long long)seed, k,
                         command.argv[k] ? command.argv[k] : "(none)", argv[k] ? argv[k] : "(none)");
        assert_string_equal(command.cwd, "/tmp/$HOME x");
        run_command_fini(&command);
        runbook_free(book);
        strv_free(argv);
    }
}

/* The shown line, given to bash, has the same words. */
static void test_shown_line_is_the_command(void **state)
{
    (void)state;
    uint64_t seed = rng_entropy();
    struct rng rng;
    rng_seed(&rng, seed);
    struct str script = {0}, wanted = {0}, seen = {0};
    for (int i = 0; i < ACTS; i++) {
        char **argv = nasty_argv(&rng);
        str_add(&script, "printf '<%s>' ");
        runbook_act_quote(argv, &script);
        str_add_char(&script, '\n');
        for (char **word = argv; *word; word++)
            str_addf(&wanted, "<%s>", *word);
        strv_free(argv);
    }
    char path[] = "/tmp/belay-act-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, script.data, script.len), script.len);
    close(file);
    char *line = xasprintf("bash %s", path);
    FILE *shell = popen(line, "r");
    assert_non_null(shell);
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, shell)) > 0;)
        str_add_bytes(&seen, bytes, n);
    assert_int_equal(pclose(shell), 0);
    unlink(path);
    free(line);
    size_t common = 0;
    while (common < wanted.len && common < seen.len && wanted.data[common] == seen.data[common])
        common++;
    if (common < wanted.len || common < seen.len)
        fail_msg("seed %llu: differs at %zu: wanted %.60s", (unsigned long long)seed, common,
                 wanted.data + (common > 20 ? common - 20 : 0));
    str_fini(&script);
    str_fini(&wanted);
    str_fini(&seen);
}

/* `:do` takes one text for the shell; nothing in it is markup, a prompt or a placeholder. */
static void test_text_is_for_the_shell(void **state)
{
    (void)state;
    const char *text = "$ echo <NAME> ```\n~~~\n---\n- [ ] 'x'";
    char *variables[] = {"NAME=two words", NULL};
    struct runbook *book =
        act_book(&(struct runbook_act){.text = text, .reason = "why not", .variables = variables});
    struct run_command command = act_command(book, variables);
    struct str shown = {0};
    const char *wanted[] = {"bash", "-eo", "pipefail", "-c", text};
    assert_int_equal(strv_count(command.argv), 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(command.argv[i], wanted[i]);
    run_command_text(&command, &shown);
    assert_true(str_starts(str_text(&shown), "bash -eo pipefail: $ echo <NAME> ```\n"));
    assert_string_equal(command.env.data[0].name, "NAME");
    assert_string_equal(command.env.data[0].value, "two words");
    assert_true(command.env.data[0].interesting);
    assert_string_equal(book->steps.data[0].prose, "why not");
    assert_true(book->act);
    assert_null(command.cwd);
    str_fini(&shown);
    run_command_fini(&command);
    runbook_free(book);
}

/* An act is confirmed with a word and ends as what has no verify ends. */
static void test_it_is_an_action(void **state)
{
    (void)state;
    char *argv[] = {"true", NULL};
    struct runbook *book = act_book(&(struct runbook_act){.argv = argv});
    const struct step *step = &book->steps.data[0];
    assert_int_equal(step->kind, STEP_ACTION);
    assert_int_equal(step->confirm, CONFIRM_YES);
    assert_int_equal(book->walk.len, 1);
    assert_int_equal(step->verify.len + step->evidence.len + step->pre.len, 0);
    assert_string_equal(step->title, "true");
    runbook_free(book);
}

static void refused(const struct runbook_act *act, const char *why)
{
    struct str bytes = {0};
    struct err e = {0};
    assert_true(runbook_act_write(act, &bytes, &e) < 0);
    if (!strstr(e.msg, why))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, why);
    str_fini(&bytes);
}

static void test_refusals(void **state)
{
    (void)state;
    char *none[] = {NULL}, *empty[] = {"", NULL}, *odd[] = {"echo", "\xff", NULL}, *fine[] = {"true", NULL};
    char *names[][2] = {{"1A=b", NULL}, {"A", NULL}, {"=b", NULL}, {"A-B=c", NULL}};
    refused(&(struct runbook_act){.argv = none}, "nothing to run");
    refused(&(struct runbook_act){.argv = empty}, "nothing to run");
    refused(&(struct runbook_act){.text = " \n"}, "nothing to run");
    refused(&(struct runbook_act){.argv = odd}, "not UTF-8");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        refused(&(struct runbook_act){.argv = fine, .variables = names[i]}, "NAME=VALUE");
    char *long_word = xcalloc(RUNBOOK_SCRIPT_MAX + 2, 1);
    memset(long_word, 'x', RUNBOOK_SCRIPT_MAX + 1);
    refused(&(struct runbook_act){.text = long_word}, "at most");
    free(long_word);
    struct err e = {0};
    assert_null(runbook_act_parse("{}", 2, &e));
    assert_null(runbook_act_parse("nonsense", 8, &e));
    assert_null(runbook_act_parse("{\"argv\":[1]}", 12, &e));
    assert_null(runbook_act_parse("{\"argv\":[\"a\"],\"variables\":[\"}\\n- \"]}", 37, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argv_runs_as_given),
        cmocka_unit_test(test_shown_line_is_the_command),
        cmocka_unit_test(test_text_is_for_the_shell),
        cmocka_unit_test(test_it_is_an_action),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
