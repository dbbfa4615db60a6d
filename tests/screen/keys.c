/* Every key of the table does what its row says, in the console of the release. A row that nobody expects
 * anything of fails the test: whoever adds a key says here what is seen. */
#include "tui/keys.h"
#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

static struct rig rig;

static const char runbook_keys[] =
    "---\n"
    "runbook:\n"
    "  id: keys\n"
    "  title: Every key\n"
    "---\n"
    "# Every key\n\n"
    "```sh { name=look kind=check expect=fine }\necho fine\n```\n\n"
    "## Take your time\n\n"
    "```sh { name=long kind=action confirm=key timeout=5m }\necho begun; timeout 9 tail -f /dev/null\n```\n";
static const char runbook_ask[] =
    "---\n"
    "runbook:\n"
    "  id: ask\n"
    "  title: Questions\n"
    "---\n"
    "# Questions\n\n"
    "```text { name=which kind=decision }\nleft: go left\nright: go right\n```\n\n"
    "## After it\n\n"
    "```sh { name=after kind=action confirm=key timeout=1m }\ntrue\n```\n";

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    rig_write(&rig, "keys.md", runbook_keys);
    rig_write(&rig, "ask.md", runbook_ask);
    char more[160];
    snprintf(more, sizeof more, "runbooks: [%s/keys.md, %s/ask.md]\n", rig.folder, rig.folder);
    rig_configure(&rig, more);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- from the name in the table to what a terminal sends */

static void bytes_of(const char *name, size_t length, char bytes[16])
{
    static const struct {
        uint32_t code;
        const char *bytes;
    } symbols[] = {{SYM_ENTER, "\r"},          {SYM_TAB, "\t"},
                   {SYM_ESCAPE, "\x1b"},       {SYM_BACKSPACE, "\x7f"},
                   {SYM_DELETE, "\x1b[3~"},    {SYM_UP, "\x1b[A"},
                   {SYM_DOWN, "\x1b[B"},       {SYM_LEFT, "\x1b[D"},
                   {SYM_RIGHT, "\x1b[C"},      {SYM_PAGE_UP, "\x1b[5~"},
                   {SYM_PAGE_DOWN, "\x1b[6~"}, {SYM_HOME, "\x1b[H"},
                   {SYM_END, "\x1b[F"},        {SYM_F1, "\x1bOP"}};
    struct key key;
    assert_true(key_parse(name, length, &key));
    size_t used = 0;
    if (key.modifiers == MOD_SHIFT && key.code == SYM_TAB) {
        strcpy(bytes, "\x1b[Z");
        return;
    }
    if (key.modifiers & MOD_ALT)
        bytes[used++] = 0x1b;
    if (key.modifiers & MOD_CONTROL) {
        assert_true(key.code >= 'a' && key.code <= 'z');
        bytes[used++] = (char)(key.code - 'a' + 1);
        bytes[used] = '\0';
        return;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (symbols[i].code == key.code) {
            strcpy(bytes + used, symbols[i].bytes);
            return;
        }
    }
    if (key.code >= SYM_NONE)
        fail_msg("what does a terminal send for %.*s?", (int)length, name);
    used += utf8_encode(key.code, bytes + used);
    bytes[used] = '\0';
}

/* ---- ways to a context */

static struct pty *open_console(void)
{
    struct pty *p = rig_run(&rig, BELAY, &(struct rig_start){.width = 120, .height = 36});
    expect_screen(p, "run_sc05");
    return p;
}

static void to_list(struct pty *p)
{
    pty_type(p, "1");
    expect_screen(p, "^ 1 Breakers");
    expect_screen(p, "reranker");
}

static void to_text(struct pty *p)
{
    to_list(p);
    pty_type(p, "\r");
    expect_screen(p, "wrap");
}

static void to_run(struct pty *p)
{
    pty_type(p, ":runbook run ask\r");
    expect_screen(p, "waits");
}

static void to_confirm(struct pty *p)
{
    pty_type(p, ":runbook run keys\r");
    expect_screen(p, "Press  y");
    pty_run(p, 700); /* keys typed at a page younger than half a second are thrown away */
}

static void to_running(struct pty *p)
{
    to_confirm(p);
    pty_type(p, "y\r");
    expect_screen(p, "begun$");
}

static void to_popup(struct pty *p)
{
    to_running(p);
    pty_type(p, "\x03");
    expect_screen(p, "The step is running");
}

static void to_choice(struct pty *p)
{
    to_popup(p);
    pty_type(p, "c");
    expect_screen(p, "Nobody knows");
}

static void to_question(struct pty *p)
{
    to_run(p);
    pty_type(p, "\r");
    expect_screen(p, "go left");
}

static void to_editor(struct pty *p)
{
    pty_type(p, ":theme dark\r");
    expect_screen(p, "q quit");
    pty_type(p, ":incident op");
    expect_screen(p, "^ ?:incident op");
}

static void to_dashboard(struct pty *p)
{
    (void)p;
}

/* ---- what each command shows */

enum outcome {
    SHOWS, /* the pattern */
    STAYS, /* the screen goes on showing the pattern */
    ENDS,
    STOPS,
};

struct expectation {
    enum key_context context;
    const char *command;
    void (*route)(struct pty *p);
    enum outcome outcome;
    const char *pattern;
};

#define ANY   CONTEXT_ANYWHERE
#define BOARD CONTEXT_DASHBOARD

static const struct expectation expectations[] = {
    {ANY, "help", to_dashboard, SHOWS, "Keys everywhere"},
    {ANY, "filter", to_list, SHOWS, "^ ?/"},
    {ANY, "command", to_dashboard, SHOWS, "^ ?:"},
    {ANY, "panel-next", to_dashboard, STAYS, "PROBLEMS"},
    {ANY, "panel-previous", to_dashboard, STAYS, "PROBLEMS"},
    {ANY, "open", to_list, SHOWS, "w wrap"},
    {ANY, "back", to_list, SHOWS, "PROBLEMS"},
    {ANY, "panel 1", to_dashboard, SHOWS, "^ 1 Breakers"},
    {ANY, "panel 2", to_dashboard, SHOWS, "^ 2 Fallback"},
    {ANY, "panel 3", to_dashboard, SHOWS, "^ 3 Shards"},
    {ANY, "panel 4", to_dashboard, SHOWS, "^ 4 Checkpoints"},
    {ANY, "panel 5", to_dashboard, SHOWS, "^ 5 R"},
    {ANY, "panel 6", to_dashboard, SHOWS, "^ 6 Timeline"},
    {ANY, "panel 7", to_dashboard, SHOWS, "^ 7 Alerts"},
    {ANY, "panel 8", to_dashboard, SHOWS, "^ 8 Signals"},
    {ANY, "panel 9", to_dashboard, SHOWS, "^ 9 Sources"},
    {ANY, "runbooks", to_dashboard, SHOWS, "Every key"},
    {ANY, "note", to_dashboard, SHOWS, "[Nn]ote"},
    {ANY, "incidents", to_dashboard, SHOWS, "Incidents"},
    {ANY, "freeze", to_dashboard, SHOWS, "FROZEN"},
    {ANY, "time", to_dashboard, STAYS, "PROBLEMS"},
    {ANY, "redraw", to_dashboard, STAYS, "PROBLEMS"},
    {ANY, "suspend", to_dashboard, STOPS, NULL},
    {ANY, "interrupt", to_dashboard, STAYS, "PROBLEMS"},
    {ANY, "quit", to_dashboard, ENDS, NULL},

    {BOARD, "focus-up", to_dashboard, STAYS, "PROBLEMS"},
    {BOARD, "focus-down", to_dashboard, STAYS, "PROBLEMS"},
    {BOARD, "focus-left", to_dashboard, STAYS, "PROBLEMS"},
    {BOARD, "focus-right", to_dashboard, STAYS, "PROBLEMS"},

    {CONTEXT_LIST, "up", to_list, STAYS, "^ 1 Breakers"},
    {CONTEXT_LIST, "down", to_list, STAYS, "^ 1 Breakers"},
    {CONTEXT_LIST, "page-up", to_list, STAYS, "^ 1 Breakers"},
    {CONTEXT_LIST, "page-down", to_list, STAYS, "^ 1 Breakers"},
    {CONTEXT_LIST, "top", to_list, STAYS, "^ 1 Breakers"},
    {CONTEXT_LIST, "bottom", to_list, STAYS, "^ 1 Breakers"},
    {CONTEXT_LIST, "sort", to_list, SHOWS, "\xE2\x86\x91|\xE2\x86\x93"},
    {CONTEXT_LIST, "sort-reverse", to_list, STAYS, "^ 1 Breakers"},

    {CONTEXT_TEXT, "up", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "down", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "left", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "right", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "page-up", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "page-down", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "top", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "bottom", to_text, STAYS, "w wrap"},
    {CONTEXT_TEXT, "wrap", to_text, STAYS, "w wrap"},

    {CONTEXT_RUN, "step-open", to_run, SHOWS, "go left"},
    {CONTEXT_RUN, "step-skip", to_run, SHOWS, "skip, because:"},
    {CONTEXT_RUN, "run-stop", to_run, SHOWS, "end the run, because:"},

    {CONTEXT_CONFIRM, "confirm-leave", to_confirm, SHOWS, "waits"},
    {CONTEXT_CONFIRM, "confirm-accept", to_confirm, STAYS, "Press  y"}, /* Enter alone never confirms */
    {CONTEXT_CONFIRM, "confirm-erase", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "confirm-clear", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "up", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "down", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "page-up", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "page-down", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "redraw", to_confirm, STAYS, "Press  y"},
    {CONTEXT_CONFIRM, "suspend", to_confirm, STOPS, NULL},
    {CONTEXT_CONFIRM, "help", to_confirm, SHOWS, "Keys on a confirmation page"},

    {CONTEXT_RUNNING, "background", to_running, SHOWS, "PROBLEMS|acting|running"},
    {CONTEXT_RUNNING, "interrupt", to_running, SHOWS, "The step is running"},

    {CONTEXT_POPUP, "cancel-step", to_popup, SHOWS, "Nobody knows"},
    {CONTEXT_POPUP, "background", to_popup, SHOWS, "PROBLEMS"},
    {CONTEXT_POPUP, "leave", to_popup, SHOWS, "acting"},

    {CONTEXT_CHOICE, "choose retry", to_choice, SHOWS, "retry, because:"},
    {CONTEXT_CHOICE, "choose rollback", to_choice, STAYS, "Nobody knows"}, /* it has none */
    {CONTEXT_CHOICE, "choose continue", to_choice, SHOWS, "continue, because:"},
    {CONTEXT_CHOICE, "choose stop", to_choice, SHOWS, "run has ended"},
    {CONTEXT_CHOICE, "choose skip", to_choice, SHOWS, "not possible"},
    {CONTEXT_CHOICE, "choose verify", to_choice, STAYS, "Nobody knows"}, /* it has none */
    {CONTEXT_CHOICE, "resolve ok", to_choice, SHOWS, "[Rr]eason|why"},
    {CONTEXT_CHOICE, "resolve failed", to_choice, SHOWS, "[Rr]eason|why"},
    {CONTEXT_ANSWER, "answer 1", to_question, SHOWS, "left"},
    {CONTEXT_ANSWER, "answer 2", to_question, SHOWS, "right"},
    {CONTEXT_ANSWER, "answer 3", to_question, STAYS, "Questions"},
    {CONTEXT_ANSWER, "answer 4", to_question, STAYS, "Questions"},
    {CONTEXT_ANSWER, "answer 5", to_question, STAYS, "Questions"},
    {CONTEXT_ANSWER, "answer 6", to_question, STAYS, "Questions"},
    {CONTEXT_ANSWER, "answer 7", to_question, STAYS, "Questions"},
    {CONTEXT_ANSWER, "answer 8", to_question, STAYS, "Questions"},
    {CONTEXT_ANSWER, "answer 9", to_question, STAYS, "Questions"},

    {CONTEXT_EDITOR, "accept", to_editor, SHOWS, "incident op"}, /* no such command: it says so */
    {CONTEXT_EDITOR, "cancel", to_editor, SHOWS, "q quit"},
    {CONTEXT_EDITOR, "cursor-left", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "cursor-right", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "word-left", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "word-right", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "line-start", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "line-end", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "erase-left", to_editor, SHOWS, ":incident o$"},
    {CONTEXT_EDITOR, "erase-right", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "erase-word", to_editor, SHOWS, ":incident$"},
    {CONTEXT_EDITOR, "erase-line", to_editor, SHOWS, "^ ?:$"},
    {CONTEXT_EDITOR, "erase-to-end", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "history-back", to_editor, SHOWS, ":theme dark"},
    {CONTEXT_EDITOR, "history-forward", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "complete", to_editor, SHOWS, ":incident open"},
    {CONTEXT_EDITOR, "redraw", to_editor, STAYS, ":incident op"},
    {CONTEXT_EDITOR, "suspend", to_editor, STOPS, NULL},
};

static const struct expectation *find_expectation(const struct key_binding *row)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        if (expectations[i].context == row->context && str_eq(expectations[i].command, row->command))
            return &expectations[i];
    return NULL;
}

static bool as_expected(struct pty *p, const struct expectation *wanted)
{
    if (wanted->outcome == ENDS)
        return pty_wait_end(p, EXPECT_MS) == 0;
    if (wanted->outcome == STOPS)
        return pty_wait_stopped(p, EXPECT_MS);
    if (wanted->outcome == STAYS)
        pty_run(p, 100);
    return pty_wait(p, wanted->pattern, EXPECT_MS) && pty_wait_end(p, 0) < 0;
}

/* In a console and a rig of its own: what another key has left can't be found. False, and says why, when the
 * key does something else. */
static bool check_key(const struct key_binding *row, const struct expectation *wanted, const char *name,
                      size_t length)
{
    char bytes[16];
    bytes_of(name, length, bytes);
    setup(NULL);
    struct pty *p = open_console();
    wanted->route(p);
    pty_type(p, bytes);
    bool met = as_expected(p, wanted);
    if (!met)
        fprintf(stderr, "screen:\n%s\n%.*s (%s: %s) was expected to show %s\n", pty_screen(p), (int)length,
                name, row->command, row->help, wanted->pattern ? wanted->pattern : "the end");
    pty_free(p);
    teardown(NULL);
    return met;
}

static void test_every_key(void **state)
{
    (void)state;
    size_t wrong = 0, keys = 0;
    for (const struct key_binding *row = key_table; row->keys; row++) {
        const struct expectation *wanted = find_expectation(row);
        if (!wanted)
            fail_msg("%s (%s): what is it expected to show?", row->keys, row->command);
        for (const char *name = row->keys; *name; name += strspn(name, " ")) {
            size_t length = strcspn(name, " ");
            wrong += !check_key(row, wanted, name, length);
            name += length;
            keys++;
        }
    }
    print_message("%zu keys\n", keys);
    assert_int_equal(wrong, 0);
}

static void test_table(void **state)
{
    (void)state;
    struct err e = {0};
    if (keymap_check(key_table, &e) < 0)
        fail_msg("%s", e.msg);
}

static void test_no_expectation_without_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const struct key_binding *row = key_table;
        while (row->keys && find_expectation(row) != &expectations[i])
            row++;
        if (!row->keys)
            fail_msg("%s is expected, but no key does it", expectations[i].command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_no_expectation_without_a_key),
        cmocka_unit_test(test_every_key),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
