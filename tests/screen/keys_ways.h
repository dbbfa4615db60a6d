/* The ways to every context of the key table, in the console of the release: which keys lead there, and what
 * is seen then. */
#ifndef BELAY_TEST_KEYS_WAYS_H
#define BELAY_TEST_KEYS_WAYS_H

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
}

/* Old enough to take keys: those of its first half second are thrown away. */
static void settle(struct pty *p, const char *taken)
{
    for (int tries = 0; tries < 40 && !pty_matches(p, taken); tries++) {
        pty_type(p, "\x15x");
        pty_wait(p, taken, 500);
    }
    expect_screen(p, taken);
    pty_type(p, "\x15");
}

static void to_confirm(struct pty *p)
{
    to_page(p, "keys", "Press  y");
    settle(p, "y has to be typed");
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
    settle(p, "> x$");
    expect_gone(p, "> x$");
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

#endif
