/* belay timeline: the lines of an incident, or of everything, for a terminal or for jq. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

#define FOLLOW_US (500 * US_PER_MS)

struct printing {
    bool json;
    struct timeline_filter filter;
    int64_t last;
};

static int print_event(const struct event *event, void *data)
{
    struct printing *p = data;
    struct str text = {0};
    p->last = event->seq > p->last ? event->seq : p->last;
    if (p->json) {
        event_json(event, &text);
        puts(str_text(&text));
    } else {
        struct timeline_line line;
        timeline_line_init(&line, event);
        if (timeline_shows(&line, &p->filter)) {
            timeline_format(&line, &text);
            puts(str_text(&text));
        }
        timeline_line_fini(&line);
    }
    str_fini(&text);
    return ferror(stdout) ? 1 : 0;
}

struct following {
    struct loop *loop;
    struct journal *journal;
    struct printing *printing;
    struct err *e;
};

static void on_follow(void *data)
{
    struct following *f = data;
    int code = journal_read(f->journal, f->printing->last + 1, JOURNAL_FORWARD, NULL, 0, print_event,
                            f->printing, f->e);
    fflush(stdout);
    if (code != 0 || ferror(stdout))
        loop_stop(f->loop);
}

static void on_signal(void *data, int number)
{
    (void)number;
    struct following *f = data;
    loop_stop(f->loop);
}

static int follow(struct journal *journal, struct printing *printing, struct err *e)
{
    struct following f = {loop_new(e), journal, printing, e};
    if (!f.loop)
        return e->code;
    if (journal_last_seq(journal, &printing->last, e) == 0) {
        struct loop_timer *timer = loop_timer_new(f.loop, on_follow, &f);
        struct loop_signal *interrupt = loop_signal_new(f.loop, SIGINT, on_signal, &f);
        struct loop_signal *terminate = loop_signal_new(f.loop, SIGTERM, on_signal, &f);
        fflush(stdout);
        loop_timer_start(timer, 0, FOLLOW_US);
        loop_run(f.loop);
        loop_timer_free(timer);
        loop_signal_free(interrupt);
        loop_signal_free(terminate);
    }
    loop_free(f.loop);
    return e->code;
}

static int timeline_run(const struct command_line *line)
{
    struct err e = {0};
    struct printing printing = {.json = command_has(line, "json")};
    struct journal *journal = session_journal(line, false, &e);
    int64_t incident = 0;
    printing.filter.minimum = command_has(line, "all") ? TIMELINE_DETAIL : TIMELINE_INFO;
    if (journal && line->word_count > 0)
        session_incident(journal, line->words[0], &incident, &e);
    else if (journal && !command_has(line, "all"))
        journal_incident_current(journal, true, &incident, &e);
    if (journal && e.code == 0)
        (printing.json ? timeline_read : timeline_tell)(journal, incident, print_event, &printing, &e);
    if (journal && e.code == 0 && command_has(line, "follow"))
        follow(journal, &printing, &e);
    journal_close(journal);
    return e.code ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT, &e) : EXIT_DONE;
}

static const struct command_option timeline_options[] = {
    {"follow", NULL, "go on printing what is added", false},
    {"json", NULL, "one event a line, as stored, with hashes", false},
    {"all", NULL, "every event of the journal, bookkeeping too", false},
    {0},
};

const struct command command_timeline = {
    .name = "timeline",
    .usage = "[INCIDENT] [--follow] [--json] [--all]",
    .help = "what happened, line by line (the newest open incident without a name)",
    .options = timeline_options,
    .flags = COMMAND_ONE_WORD,
    .run = timeline_run,
};
