/* Every key of the table does what its row says, in the console of the release. A row that nobody expects
 * anything of fails the test: whoever adds a key says here what is seen. */
#include "tui/keys.h"
#include "tests/screen/keys_ways.h"

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

/* ---- what each command does */

enum outcome {
    SHOWS,   /* the pattern, which was not there before */
    LEAVES,  /* the pattern, which was there before, goes */
    STAYS,   /* the pattern is there before and after: the key does nothing here */
    REDRAWS, /* the whole screen is written */
    ENDS,
    STOPS,
};

struct expectation {
    enum key_context context;
    const char *command;
    void (*route)(struct pty *p);
    const char *before; /* typed before the key */
    enum outcome outcome;
    const char *pattern;
    const char *then; /* typed after the key, to find out what it did */
};

#define ANY   CONTEXT_ANYWHERE
#define BOARD CONTEXT_DASHBOARD
#define LEFT  "\x1b[D"
#define START "\x01"

static const struct expectation expectations[] = {
    {ANY, "help", to_dashboard, "", SHOWS, "Keys everywhere", ""},
    {ANY, "filter", to_list, "", SHOWS, "^ ?/", ""},
    {ANY, "command", to_dashboard, "", SHOWS, "^ ?:", ""},
    {ANY, "panel-next", to_dashboard, "", SHOWS, "^ 1 Breakers", "\r"},
    {ANY, "panel-next", to_list, "", SHOWS, "^ 2 Fallback", ""},
    {ANY, "panel-previous", to_dashboard, "", SHOWS, "^ 6 Timeline", "\r"},
    {ANY, "panel-previous", to_list, "", SHOWS, "^ 9 Sources", ""},
    {ANY, "open", to_list, "", SHOWS, "w wrap", ""},
    {ANY, "back", to_list, "", SHOWS, "PROBLEMS", ""},
    {ANY, "panel 1", to_dashboard, "", SHOWS, "^ 1 Breakers", ""},
    {ANY, "panel 2", to_dashboard, "", SHOWS, "^ 2 Fallback", ""},
    {ANY, "panel 3", to_dashboard, "", SHOWS, "^ 3 Shards", ""},
    {ANY, "panel 4", to_dashboard, "", SHOWS, "^ 4 Checkpoints", ""},
    {ANY, "panel 5", to_dashboard, "", SHOWS, "^ 5 R", ""},
    {ANY, "panel 6", to_dashboard, "", SHOWS, "^ 6 Timeline", ""},
    {ANY, "panel 7", to_dashboard, "", SHOWS, "^ 7 Alerts", ""},
    {ANY, "panel 8", to_dashboard, "", SHOWS, "^ 8 Signals", ""},
    {ANY, "panel 9", to_dashboard, "", SHOWS, "^ 9 Sources", ""},
    {ANY, "runbooks", to_dashboard, "", SHOWS, "Every key", ""},
    {ANY, "note", to_dashboard, "", SHOWS, "[Nn]ote:", ""},
    {ANY, "incidents", to_dashboard, "", SHOWS, "Incidents", ""},
    {ANY, "approvals", to_dashboard, "", SHOWS, "Nobody waits for your approval", ""},
    {ANY, "update", to_dashboard, "", SHOWS, "no incident is open", ""},
    {ANY, "update", to_incident, "", SHOWS, "^What users feel", ""},
    {ANY, "copy", to_dashboard, "", LEAVES, "┌", ""},
    {ANY, "logs", to_dashboard, "", SHOWS, "select a thing first", ""},
    {ANY, "logs", to_list, "", SHOWS, "no logs: are configured", ""},
    {ANY, "freeze", to_dashboard, "", SHOWS, "FROZEN", ""},
    {ANY, "freeze", to_dashboard, "Z", LEAVES, "FROZEN", ""},
    {ANY, "time", to_dashboard, "", LEAVES, "[0-9]Z$", ""},
    {ANY, "redraw", to_dashboard, "", REDRAWS, NULL, ""},
    {ANY, "suspend", to_dashboard, "", STOPS, NULL, ""},
    {ANY, "interrupt", to_dashboard, "", STAYS, "PROBLEMS", ""},
    {ANY, "quit", to_dashboard, "", ENDS, NULL, ""},

    {BOARD, "focus-up", to_dashboard, "jj", SHOWS, "^ 1 Breakers", "\r"},
    {BOARD, "focus-down", to_dashboard, "j", SHOWS, "^ 3 Shards", "\r"},
    {BOARD, "focus-left", to_dashboard, "jl", SHOWS, "^ 1 Breakers", "\r"},
    {BOARD, "focus-right", to_dashboard, "j", SHOWS, "^ 2 Fallback", "\r"},

    {CONTEXT_LIST, "up", to_list, "j", SHOWS, "breaker reranker", "\r"},
    {CONTEXT_LIST, "down", to_list, "", SHOWS, "breaker llm-primary", "\r"},
    {CONTEXT_LIST, "page-up", to_list, "j", SHOWS, "breaker reranker", "\r"},
    {CONTEXT_LIST, "page-down", to_list, "", SHOWS, "breaker source/", "\r"},
    {CONTEXT_LIST, "top", to_list, "j", SHOWS, "breaker reranker", "\r"},
    {CONTEXT_LIST, "bottom", to_list, "", SHOWS, "breaker source/", "\r"},
    {CONTEXT_LIST, "override", to_list, "", SHOWS, "is read from source", ""},
    {CONTEXT_LIST, "sort", to_list, "", SHOWS, "↑ breaker", ""},
    {CONTEXT_LIST, "sort", to_list, "s", SHOWS, "breaker↑", ""},
    {CONTEXT_LIST, "sort-reverse", to_list, "ss", SHOWS, "breaker↓", ""},

    {CONTEXT_TEXT, "up", to_text, "j", SHOWS, "degraded since", ""},
    {CONTEXT_TEXT, "down", to_text, "", LEAVES, "degraded since", ""},
    {CONTEXT_TEXT, "left", to_text, "wl", SHOWS, "degraded since", ""},
    {CONTEXT_TEXT, "right", to_text, "w", LEAVES, "degraded since", ""},
    {CONTEXT_TEXT, "page-up", to_text, " ", SHOWS, "degraded since", ""},
    {CONTEXT_TEXT, "page-down", to_text, "", LEAVES, "degraded since", ""},
    {CONTEXT_TEXT, "top", to_text, "G", SHOWS, "degraded since", ""},
    {CONTEXT_TEXT, "bottom", to_text, "", SHOWS, "words \"\\}", ""},
    {CONTEXT_TEXT, "override", to_text, "", SHOWS, "is read from source", ""},
    {CONTEXT_TEXT, "wrap", to_text, "G", LEAVES, "words \"\\}", ""},

    {CONTEXT_FOLLOW, "take-over", to_follow, "", SHOWS, "take it over, because:", ""},

    {CONTEXT_RUN, "step-open", to_run, "", SHOWS, "To be decided", ""},
    {CONTEXT_RUN, "step-skip", to_run, "", SHOWS, "skip, because:", ""},
    {CONTEXT_RUN, "run-stop", to_run, "", SHOWS, "end the run, because:", ""},

    {CONTEXT_CONFIRM, "confirm-leave", to_confirm, "", LEAVES, "Press  y", ""},
    {CONTEXT_CONFIRM, "confirm-accept", to_confirm, "", STAYS, "Press  y", ""}, /* alone it never does */
    {CONTEXT_CONFIRM, "confirm-accept", to_word, "", STAYS, "Type  yes", ""},
    {CONTEXT_CONFIRM, "confirm-accept", to_word, "yes", SHOWS, "begun$", ""},
    {CONTEXT_CONFIRM, "confirm-erase", to_word, "yex", SHOWS, "begun$", "s\r"},
    {CONTEXT_CONFIRM, "confirm-clear", to_word, "nonono", SHOWS, "begun$", "yes\r"},
    {CONTEXT_CONFIRM, "up", to_long, "\x1b[B\x1b[B", SHOWS, " 1 above", ""},
    {CONTEXT_CONFIRM, "down", to_long, "", SHOWS, " 1 above", ""},
    {CONTEXT_CONFIRM, "page-up", to_long, "\x1b[6~", SHOWS, " 0 above", ""},
    {CONTEXT_CONFIRM, "page-down", to_long, "", LEAVES, " 0 above", ""},
    {CONTEXT_CONFIRM, "redraw", to_confirm, "", REDRAWS, NULL, ""},
    {CONTEXT_CONFIRM, "suspend", to_confirm, "", STOPS, NULL, ""},
    {CONTEXT_CONFIRM, "help", to_confirm, "", SHOWS, "Keys on a confirmation page", ""},

    {CONTEXT_RUNNING, "background", to_running, "", SHOWS, "PROBLEMS", ""},
    {CONTEXT_RUNNING, "interrupt", to_running, "", SHOWS, "The step is running", ""},

    {CONTEXT_POPUP, "cancel-step", to_popup, "", SHOWS, "Nobody knows", ""},
    {CONTEXT_POPUP, "background", to_popup, "", SHOWS, "PROBLEMS", ""},
    {CONTEXT_POPUP, "leave", to_popup, "", LEAVES, "The step is running", ""},

    {CONTEXT_CHOICE, "choose retry", to_choice, "", SHOWS, "retry, because:", ""},
    {CONTEXT_CHOICE, "choose rollback", to_choice, "", SHOWS, "rollback is not possible", ""},
    {CONTEXT_CHOICE, "choose continue", to_choice, "", SHOWS, "continue, because:", ""},
    {CONTEXT_CHOICE, "choose stop", to_choice, "", SHOWS, "run has ended", ""},
    {CONTEXT_CHOICE, "choose skip", to_choice, "", SHOWS, "skip is not possible", ""},
    {CONTEXT_CHOICE, "choose verify", to_choice, "", SHOWS, "verify is not possible", ""},
    {CONTEXT_CHOICE, "resolve ok", to_choice, "", SHOWS, "it worked, known from:", ""},
    {CONTEXT_CHOICE, "resolve failed", to_choice, "", SHOWS, "it failed, known from:", ""},
    {CONTEXT_ANSWER, "answer 1", to_question, "", SHOWS, "left, because:", ""},
    {CONTEXT_ANSWER, "answer 2", to_question, "", SHOWS, "right, because:", ""},
    {CONTEXT_ANSWER, "answer 3", to_question, "", SHOWS, "no answer 3", ""},
    {CONTEXT_ANSWER, "answer 4", to_question, "", SHOWS, "no answer 4", ""},
    {CONTEXT_ANSWER, "answer 5", to_question, "", SHOWS, "no answer 5", ""},
    {CONTEXT_ANSWER, "answer 6", to_question, "", SHOWS, "no answer 6", ""},
    {CONTEXT_ANSWER, "answer 7", to_question, "", SHOWS, "no answer 7", ""},
    {CONTEXT_ANSWER, "answer 8", to_question, "", SHOWS, "no answer 8", ""},
    {CONTEXT_ANSWER, "answer 9", to_question, "", SHOWS, "no answer 9", ""},

    {CONTEXT_OUTCOME, "outcome ok", to_outcome, "", SHOWS, "to go on, nothing is run", ""},
    {CONTEXT_OUTCOME, "outcome failed", to_outcome, "", SHOWS, "not what was expected", ""},
    {CONTEXT_OUTCOME, "outcome unknown", to_outcome, "", SHOWS, "nobody knows how it ended", ""},
    {CONTEXT_OUTCOME, "outcome timed-out", to_outcome, "", SHOWS, "timed out after", ""},
    {CONTEXT_OUTCOME, "outcome exit", to_outcome, "", SHOWS, "its output decides nothing", "3\r"},
    {CONTEXT_OUTCOME, "outcome output", to_outcome, "", SHOWS, "to go on, nothing is run", "fine\r"},
    {CONTEXT_OUTCOME, "outcome all", to_outcome, "", SHOWS, "there is only this one", ""},
    {CONTEXT_DOCUMENT, "rehearse", to_document, "", SHOWS, "REHEARSAL: nothing is run", ""},

    {CONTEXT_EDITOR, "accept", to_editor, "", SHOWS, "no such command: incident op", ""},
    {CONTEXT_EDITOR, "cancel", to_editor, "", LEAVES, ":incident op", ""},
    {CONTEXT_EDITOR, "cursor-left", to_editor, "", SHOWS, ":incident oXp", "X"},
    {CONTEXT_EDITOR, "cursor-right", to_editor, LEFT LEFT, SHOWS, ":incident oXp", "X"},
    {CONTEXT_EDITOR, "word-left", to_editor, "", SHOWS, ":incident Xop", "X"},
    {CONTEXT_EDITOR, "word-right", to_editor, START, SHOWS, ":incident ?X ?op", "X"},
    {CONTEXT_EDITOR, "line-start", to_editor, "", SHOWS, ":Xincident op", "X"},
    {CONTEXT_EDITOR, "line-end", to_editor, START, SHOWS, ":incident opX", "X"},
    {CONTEXT_EDITOR, "erase-left", to_editor, "", SHOWS, ":incident o$", ""},
    {CONTEXT_EDITOR, "erase-right", to_editor, LEFT, SHOWS, ":incident o$", ""},
    {CONTEXT_EDITOR, "erase-word", to_editor, "", SHOWS, ":incident$", ""},
    {CONTEXT_EDITOR, "erase-line", to_editor, "", SHOWS, "^ ?:$", ""},
    {CONTEXT_EDITOR, "erase-to-end", to_editor, START, SHOWS, "^ ?:$", ""},
    {CONTEXT_EDITOR, "history-back", to_editor, "", SHOWS, ":theme dark", ""},
    {CONTEXT_EDITOR, "history-forward", to_editor, "\x1b[A", SHOWS, ":incident op", ""},
    {CONTEXT_EDITOR, "complete", to_editor, "", SHOWS, ":incident open", ""},
    {CONTEXT_EDITOR, "redraw", to_editor, "", REDRAWS, NULL, ""},
    {CONTEXT_EDITOR, "suspend", to_editor, "", STOPS, NULL, ""},
};

#define EXPECTATIONS (sizeof expectations / sizeof *expectations)

static bool is_about(const struct expectation *e, const struct key_binding *row)
{
    return e->context == row->context && str_eq(e->command, row->command);
}

/* Before the key: what it is to show isn't there yet, what it is to take away is. */
static bool ready(struct pty *p, const struct expectation *wanted)
{
    if (wanted->outcome == SHOWS)
        return pty_wait_gone(p, wanted->pattern, EXPECT_MS);
    if (wanted->outcome == LEAVES || wanted->outcome == STAYS)
        return pty_wait(p, wanted->pattern, EXPECT_MS);
    return true;
}

static bool done(struct pty *p, const struct expectation *wanted, uint64_t bytes)
{
    switch (wanted->outcome) {
    case SHOWS:
        return pty_wait(p, wanted->pattern, EXPECT_MS);
    case LEAVES:
        return pty_wait_gone(p, wanted->pattern, EXPECT_MS) && pty_wait_end(p, 0) < 0;
    case STAYS:
        pty_run(p, 100);
        return pty_matches(p, wanted->pattern) && pty_wait_end(p, 0) < 0;
    case REDRAWS:
        for (int i = 0; i < EXPECT_MS / 10 && pty_byte_count(p) < bytes + 1000; i++)
            pty_run(p, 10);
        return pty_byte_count(p) >= bytes + 1000;
    case ENDS:
        return pty_wait_end(p, EXPECT_MS) == 0;
    case STOPS:
        return pty_wait_stopped(p, EXPECT_MS);
    }
    return false;
}

/* In a console and a rig of its own: what another key has left can't be found. False, and says why, when the
 * key does something else. */
static bool check_key(const struct key_binding *row, const struct expectation *wanted, const char *name,
                      size_t length)
{
    char bytes[16];
    bytes_of(name, length, bytes);
    open_rig();
    /* Where something is to scroll there is little room. */
    struct pty *p = open_console(wanted->route == to_text ? 16 : wanted->route == to_word ? 24 : 36);
    wanted->route(p);
    pty_type(p, wanted->before);
    bool met = ready(p, wanted);
    uint64_t count = pty_byte_count(p);
    pty_type(p, bytes);
    pty_type(p, wanted->then);
    met = met && done(p, wanted, count);
    if (!met)
        fprintf(stderr, "screen:\n%s\n%.*s (%s: %s) did something else: %s\n", pty_screen(p), (int)length,
                name, row->command, row->help, wanted->pattern ? wanted->pattern : "");
    pty_free(p);
    if (walker)
        pty_free(walker);
    walker = NULL;
    rig_close(&rig);
    return met;
}

static struct {
    size_t part, parts;
} share = {0, 1};

static void test_every_key(void **test_state)
{
    (void)test_state;
    size_t wrong = 0, checked = 0, all = 0;
    for (const struct key_binding *row = key_table; row->keys; row++) {
        size_t before = all;
        for (size_t i = 0; i < EXPECTATIONS; i++) {
            if (!is_about(&expectations[i], row))
                continue;
            for (const char *name = row->keys; *name; name += strspn(name, " ")) {
                size_t length = strcspn(name, " ");
                if (all++ % share.parts == share.part) {
                    wrong += !check_key(row, &expectations[i], name, length);
                    checked++;
                }
                name += length;
            }
        }
        if (all == before)
            fail_msg("%s (%s): what is it expected to do?", row->keys, row->command);
    }
    print_message("%zu of %zu\n", checked, all);
    assert_int_equal(wrong, 0);
}

static void test_table(void **test_state)
{
    (void)test_state;
    struct err e = {0};
    if (keymap_check(key_table, &e) < 0)
        fail_msg("%s", e.msg);
}

static void test_no_expectation_without_a_key(void **test_state)
{
    (void)test_state;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        const struct key_binding *row = key_table;
        while (row->keys && !is_about(&expectations[i], row))
            row++;
        if (!row->keys)
            fail_msg("%s is expected, but no key does it", expectations[i].command);
    }
}

/* screen_keys [PART PARTS]: consoles wait more than they work, so the parts run side by side. */
int main(int argc, char **argv)
{
    if (argc == 3) {
        share.part = (size_t)atoi(argv[1]) - 1;
        share.parts = (size_t)atoi(argv[2]);
    }
    if (share.parts == 0 || share.part >= share.parts)
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_no_expectation_without_a_key),
        cmocka_unit_test(test_every_key),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
