/* Every key of the table does what its row says, in the console of the release. A row that nobody expects
 * anything of fails the test: whoever adds a key says here what is seen. */
#include "tui/keys.h"
#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

static struct rig rig;

/* Longer than a screen, so that there is something to scroll. */
static const char state[] =
    "{\"breakers\":[{\"name\":\"llm-primary\",\"state\":\"CLOSED\",\"rate\":0.01,\"calls\":100},"
    "{\"name\":\"reranker\",\"state\":\"HALF_OPEN\",\"rate\":0.22,\"said\":\"%s\"}],"
    "\"shards\":[],\"jobs\":[{\"name\":\"run_sc05\",\"state\":\"running\",\"done\":30000,\"total\":50000}],"
    "\"signals\":[],\"components\":[]}\n";
static const char runbook_keys[] = "---\n"
                                   "runbook:\n"
                                   "  id: keys\n"
                                   "  title: Every key\n"
                                   "---\n"
                                   "# Every key\n\n"
                                   "```sh { name=look kind=check expect=fine }\necho fine\n```\n\n"
                                   "## Take your time\n\n"
                                   "```sh { name=long kind=action confirm=key timeout=5m }\n"
                                   "echo begun; timeout 99 tail -f /dev/null\n```\n";
static const char runbook_word[] = "---\n"
                                   "runbook:\n"
                                   "  id: word\n"
                                   "  title: A word\n"
                                   "---\n"
                                   "# A word\n\n"
                                   "```sh { name=long kind=action confirm=yes timeout=5m }\n"
                                   "echo begun; %stimeout 99 tail -f /dev/null\n```\n";
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

/* Writes a text that has something repeated in its middle. */
static void write_long(const char *name, const char *text, const char *part, int times)
{
    struct str middle = {0}, whole = {0};
    for (int i = 0; i < times; i++)
        str_add(&middle, part);
    const char *hole = strstr(text, "%s");
    str_add_bytes(&whole, text, (size_t)(hole - text));
    str_addf(&whole, "%s%s", str_text(&middle), hole + 2);
    rig_write(&rig, name, str_text(&whole));
    str_fini(&middle);
    str_fini(&whole);
}

static void open_rig(void)
{
    rig_open(&rig);
    write_long("state.json", state, "so many words ", 60);
    write_long("word.md", runbook_word, ":\n", 40);
    rig_write(&rig, "keys.md", runbook_keys);
    rig_write(&rig, "ask.md", runbook_ask);
    char more[240];
    snprintf(more, sizeof more, "runbooks: [%s/keys.md, %s/word.md, %s/ask.md]\n", rig.folder, rig.folder,
             rig.folder);
    rig_configure(&rig, more);
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

static struct pty *open_console(int height)
{
    static const char *const environment[] = {"TZ=ABC-5:30", NULL};
    struct pty *p =
        rig_run(&rig, BELAY, &(struct rig_start){.width = 120, .height = height, .environment = environment});
    expect_screen(p, "breaker reranker HALF_OPEN");
    expect_screen(p, "q quit");
    return p;
}

static void to_dashboard(struct pty *p)
{
    (void)p;
}

static void to_incident(struct pty *p)
{
    pty_type(p, ":incident open it is down\r");
    expect_screen(p, "INC-1 active");
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
    expect_screen(p, "w wrap");
    expect_screen(p, "degraded since");
}

static void to_run(struct pty *p)
{
    pty_type(p, ":runbook run ask\r");
    expect_screen(p, "waits");
}

/* The page opens by itself once the checks before it have run; if not, Enter opens it. A long command is
 * looked through, because it can't be confirmed before, and the page is then at its beginning again. */
static void to_page(struct pty *p, const char *name, const char *prompt)
{
    char line[64], either[96];
    snprintf(line, sizeof line, ":runbook run %s\r", name);
    snprintf(either, sizeof either, "%s|waits|lines of it to be seen", prompt);
    pty_type(p, line);
    expect_screen(p, either);
    if (!pty_wait(p, "lines of it to be seen|Type|Press", 1000))
        pty_type(p, "\r");
    snprintf(either, sizeof either, "%s|lines of it to be seen", prompt);
    expect_screen(p, either);
    int pages = 0;
    for (; !pty_matches(p, prompt) && pages < 20; pages++) {
        pty_type(p, "\x1b[6~");
        pty_wait(p, prompt, 300);
    }
    for (; pages > 0; pages--)
        pty_type(p, "\x1b[5~");
    expect_screen(p, prompt);
    pty_run(p, 700); /* keys typed at a page younger than half a second are thrown away */
}

static void to_confirm(struct pty *p)
{
    to_page(p, "keys", "Press  y");
}

/* A command that is longer than the screen, at its beginning. */
static void to_long(struct pty *p)
{
    to_page(p, "word", "lines of it to be seen");
}

/* Read to its end: only then it can be confirmed. */
static void to_word(struct pty *p)
{
    to_long(p);
    for (int i = 0; i < 20 && !pty_matches(p, "Type  yes"); i++) {
        pty_type(p, "\x1b[6~");
        pty_wait(p, "Type  yes", 300);
    }
    expect_screen(p, "Type  yes");
}

static void to_running(struct pty *p)
{
    to_confirm(p);
    pty_type(p, "y");
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

static void to_document(struct pty *p)
{
    pty_type(p, ":runbook show keys\r");
    expect_screen(p, "Enter starts a run");
}

static void to_outcome(struct pty *p)
{
    pty_type(p, ":runbook rehearse keys\r");
    expect_screen(p, "REHEARSAL: nothing is run(.|\n)*What comes of it");
}

static void to_question(struct pty *p)
{
    to_run(p);
    pty_type(p, "\r");
    expect_screen(p, "To be decided");
}

/* Another console walks the run; it is ended with this one's rig. */
static struct pty *walker;

static void to_follow(struct pty *p)
{
    walker = open_console(24);
    to_run(walker);
    pty_type(p, "5");
    expect_screen(p, "elsewhere");
    pty_type(p, "\r");
    expect_screen(p, "walks this run");
}

static void to_editor(struct pty *p)
{
    pty_type(p, ":theme dark\r");
    expect_screen(p, "q quit");
    pty_type(p, ":incident op");
    expect_screen(p, "^ ?:incident op");
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
    {CONTEXT_LIST, "page-down", to_list, "", SHOWS, "breaker llm-primary", "\r"},
    {CONTEXT_LIST, "top", to_list, "j", SHOWS, "breaker reranker", "\r"},
    {CONTEXT_LIST, "bottom", to_list, "", SHOWS, "breaker llm-primary", "\r"},
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
