#include "tui/commands/writing.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/serve/serve.h"
#include "tui/commands/session.h"

struct writing {
    struct config *config;
    struct loop *loop;
    struct journal *journal;
    struct mirror *mirror; /* NULL: none is configured */
};

static void on_commit(void *context, const struct event *const *events, size_t count)
{
    struct writing *w = context;
    mirror_events(w->mirror, events, count);
}

static int mirror_open(struct writing *w, struct err *e)
{
    if (!w->config->mirror.syslog && !w->config->mirror.command)
        return 0;
    w->mirror = mirror_new(w->loop, w->journal, w->config, e);
    if (!w->mirror)
        return e->code;
    journal_on_commit(w->journal, on_commit, w);
    return 0;
}

struct writing *writing_open(const struct command_line *line, struct err *e)
{
    struct writing *w = xcalloc(1, sizeof *w);
    w->config = session_config(line, e);
    if (w->config)
        w->loop = loop_new(e);
    if (w->loop)
        w->journal = session_journal_on(w->config, true, w->loop, e);
    if (!w->journal || mirror_open(w, e) < 0) {
        writing_close(w);
        return NULL;
    }
    return w;
}

struct journal *writing_journal(const struct writing *w)
{
    return w->journal;
}

static bool is_in_trouble(const struct writing *w)
{
    struct journal_health health = {.ok = true};
    if (w->journal)
        journal_health(w->journal, &health);
    return !health.ok && w->config->journal != CONFIG_JOURNAL_EMERGENCY;
}

void writing_close(struct writing *w)
{
    struct err e = {0};
    if (!w)
        return;
    if (is_in_trouble(w))
        fprintf(stderr, "belay: while the journal can't be written, belay emergency makes one elsewhere\n");
    journal_close(w->journal); /* what it committed is in the mirror's queue now */
    if (w->loop)
        loop_run_once(w->loop, 0);
    if (mirror_close(w->mirror, &e) < 0)
        fprintf(stderr, "belay: it is in the journal, but %s\n", e.msg);
    if (w->loop)
        loop_free(w->loop);
    config_free(w->config);
    free(w);
}
