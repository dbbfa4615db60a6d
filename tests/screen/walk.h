/* Walking a runbook on the real screen and in line mode. The steps of the documents used keep the oracle
 * themselves: each appends to $ORACLE when it begins and when it ends, and waits for the file $GATE. */
#ifndef BELAY_TEST_WALK_H
#define BELAY_TEST_WALK_H

#include <signal.h>
#include <unistd.h>

#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

#define WALK_MS 60000

struct walk {
    struct rig rig;
    char oracle[96], gate[96];
};

/* The rig with one runbook, runbooks/act.md; the current folder is its folder. */
static inline void walk_open(struct walk *w, const char *document)
{
    rig_open(&w->rig);
    rig_configure(&w->rig, "runbooks: [runbooks/]\n");
    snprintf(w->oracle, sizeof w->oracle, "%s/oracle", w->rig.folder);
    snprintf(w->gate, sizeof w->gate, "%s/gate", w->rig.folder);
    setenv("ORACLE", w->oracle, 1);
    setenv("GATE", w->gate, 1);
    rig_write(&w->rig, "runbooks/act.md", document);
    if (chdir(w->rig.folder) != 0)
        fail_msg("chdir %s", w->rig.folder);
}

static inline void walk_close(struct walk *w)
{
    rig_write(&w->rig, "gate", ""); /* nothing waits on for ever */
    if (chdir("/") != 0)
        fail_msg("chdir /");
    rig_close(&w->rig);
}

static inline void walk_open_gate(struct walk *w)
{
    rig_write(&w->rig, "gate", "");
}

/* Of a file whose tests walk one document, each on a rig of its own: `walk`, setup and teardown. */
#define WALK_FIXTURE(document)                                                                               \
    static struct walk walk;                                                                                 \
    static int setup(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        walk_open(&walk, document);                                                                          \
        return 0;                                                                                            \
    }                                                                                                        \
    static int teardown(void **state)                                                                        \
    {                                                                                                        \
        (void)state;                                                                                         \
        walk_close(&walk);                                                                                   \
        return 0;                                                                                            \
    }

/* Lines of a step: it waits, at most a minute, until the gate is open. */
#define WALK_AT_GATE "for i in $(seq 600); do test -e \"$GATE\" && break; sleep 0.1; done\n"

/* ---- the oracle */

static inline void walk_oracle_read(const struct walk *w, struct str *text)
{
    str_clear(text);
    file_read(w->oracle, 1u << 16, text, NULL);
}

static inline void walk_oracle_await(const struct walk *w, struct pty *p, const char *wanted)
{
    struct str text = {0};
    int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS;
    for (walk_oracle_read(w, &text); !str_eq(str_text(&text), wanted) && clock_monotonic_us() < end;
         walk_oracle_read(w, &text))
        pty_run(p, 50);
    if (!str_eq(str_text(&text), wanted))
        fail_with_screen(p, "the steps wrote: %s", str_text(&text));
    str_fini(&text);
}

static inline void walk_oracle_is(const struct walk *w, const char *wanted)
{
    struct str text = {0};
    walk_oracle_read(w, &text);
    assert_string_equal(str_text(&text), wanted);
    str_fini(&text);
}

/* ---- the program */

static inline void walk_sees(struct pty *p, const char *pattern)
{
    if (!pty_wait(p, pattern, WALK_MS))
        fail_with_screen(p, "never on the screen: %s", pattern);
}

static inline void walk_sees_gone(struct pty *p, const char *pattern)
{
    if (!pty_wait_gone(p, pattern, WALK_MS))
        fail_with_screen(p, "still on the screen: %s", pattern);
}

static inline void walk_ends(struct pty *p, int status)
{
    int seen = pty_wait_end(p, WALK_MS);
    if (seen != status)
        fail_with_screen(p, "ended with %d, wanted %d (-1: still runs)", seen, status);
    pty_free(p);
}

static inline void walk_verify(struct walk *w, const char *belay)
{
    const char *words[] = {"verify", "--config", "belay.yaml", NULL};
    walk_ends(rig_run(&w->rig, belay, &(struct rig_start){.arguments = words}), 0);
}

static inline struct pty *walk_console(struct walk *w, const char *belay)
{
    struct pty *p = rig_run(&w->rig, belay, &(struct rig_start){.width = 120, .height = 36});
    walk_sees(p, "2 ok|1 half|llm-primary");
    return p;
}

/* verb: run (of the document) or resume. */
static inline struct pty *walk_line_mode(struct walk *w, const char *belay, const char *verb)
{
    const char *words[] = {"runbook", verb, "--line", str_eq(verb, "run") ? "runbooks/act.md" : NULL, NULL};
    return rig_run(&w->rig, belay, &(struct rig_start){.arguments = words, .width = 120, .height = 36});
}

/* ---- the console's keys */

static inline void walk_escape(struct pty *p, int times)
{
    for (int i = 0; i < times; i++) {
        pty_type(p, ESCAPE);
        pty_run(p, 50);
    }
}

/* It asks while a step runs. */
static inline void walk_quit(struct pty *p)
{
    walk_escape(p, 3);
    pty_type(p, "q");
    if (pty_wait(p, "q again", WALK_MS))
        pty_type(p, "q");
    walk_ends(p, 0);
}

/* To the page of the step that waits. */
static inline void walk_to_page(struct pty *p, const char *prompt)
{
    for (int tries = 0; tries < 60 && !pty_matches(p, prompt); tries++) {
        if (pty_matches(p, "Enter to read|goes there|waits|arms this page"))
            pty_type(p, "\r");
        pty_wait(p, prompt, 500);
    }
    walk_sees(p, prompt);
}

static inline void walk_start(struct pty *p, const char *title, const char *prompt)
{
    pty_type(p, "r");
    walk_sees(p, title);
    pty_type(p, "\r");
    walk_sees(p, "Enter starts a run");
    pty_type(p, "\r");
    walk_to_page(p, prompt);
}

/* On the page of the console, or in line mode, which takes a line as soon as it has asked for one. */
static inline void walk_confirm(struct pty *p, const char *typed)
{
    if (pty_alternate(p)) {
        type_confirmation(p, typed);
        return;
    }
    pty_wait_quiet(p, 500, WALK_MS);
    pty_type(p, typed);
}

/* Line mode: Enter shows the page as it is now. What is typed before it has asked again would be forgotten.
 */
static inline void walk_page_again(struct pty *p)
{
    static const char asks[] = "to leave it out, stop to end the run here: ";
    size_t length, before = 0, now = 0;
    int64_t end = clock_monotonic_us() + WALK_MS * US_PER_MS;
    for (bool typed = false; now <= before && clock_monotonic_us() < end; typed = true) {
        if (typed)
            pty_run(p, 50);
        const char *bytes = pty_bytes(p, &length), *at = bytes;
        for (now = 0; (at = memmem(at, length - (size_t)(at - bytes), asks, strlen(asks))); at++)
            now++;
        if (!typed) {
            before = now;
            pty_type(p, "\r");
        }
    }
    if (now <= before)
        fail_with_screen(p, "it does not ask again");
}

#endif
