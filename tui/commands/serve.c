/* belay serve: the engine without a screen. It watches, journals what changes, feeds the mirror, and tells
 * whoever asks over HTTP how things are; what it has to say is a line each, for a service's log. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/serve/serve.h"
#include "tui/commands/commands.h"
#include "tui/commands/session.h"

#define LINE_LIMIT 4000 /* bytes: what a pipe that can be written takes at once */

struct serving {
    struct loop *loop;
    struct engine *engine;
    bool quiet;
    char *holder, *trouble, *mirror; /* as they were said last */
    uint64_t *failures;              /* of each source, said so far */
    int64_t last_seq;                /* of the timeline, printed */
    uint64_t lost;                   /* lines that nobody took */
};

/* A reader who has stopped (Ctrl-S, a full pipe) loses lines; the engine waits for nobody. */
static void put_line(struct serving *s, int fd, const char *text)
{
    struct str line = {0};
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (s->lost > 0)
        str_addf(&line, "(%llu lines were lost)\n", (unsigned long long)s->lost);
    utf8_clean(&line, text, strnlen(text, LINE_LIMIT), false);
    str_add_char(&line, '\n');
    bool taken = poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) && write(fd, line.data, line.len) > 0;
    s->lost = taken ? 0 : s->lost + 1;
    str_fini(&line);
}

/* Errors go to stderr, all else to stdout: "2026-11-22 03:14:21Z  serve  text". */
static void say(struct serving *s, bool bad, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct serving *s, bool bad, const char *format, ...)
{
    va_list args;
    char at[CLOCK_TEXT_SIZE];
    struct str text = {0};
    if (!bad && s->quiet)
        return;
    clock_format(clock_wall_us(), at);
    str_addf(&text, "%.10s %.8sZ  serve  ", at, at + 11);
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    put_line(s, bad ? STDERR_FILENO : STDOUT_FILENO, str_text(&text));
    str_fini(&text);
}

/* ---- what changed ----------------------------------------------------------------------------------- */

static bool differs(char **said, const char *now)
{
    if (str_eq(*said, now))
        return false;
    free(*said);
    *said = xstrdup(now);
    return true;
}

static void say_holder(struct serving *s)
{
    const char *holder = engine_watch_holder(s->engine);
    if (str_eq(holder, "nobody yet") || !differs(&s->holder, holder ? holder : "this process"))
        return;
    if (!holder)
        say(s, false, "journals what changes");
    else
        say(s, str_starts(holder, "nobody:"), "does not journal what changes: %s does", holder);
}

/* Every failed poll is a line: the journal has the transitions alone. */
static void say_failures(struct serving *s)
{
    for (size_t i = 0; i < engine_source_count(s->engine); i++) {
        struct source_status status;
        engine_source_status(s->engine, i, &status);
        if (status.failures == s->failures[i])
            continue;
        s->failures[i] = status.failures;
        say(s, true, "source %s failed: %s (%u in a row)", status.name, status.error,
            status.failures_in_a_row);
    }
}

static void say_trouble(struct serving *s)
{
    struct source_status row = {.error = ""};
    engine_mirror_status(s->engine, &row);
    const char *trouble = engine_trouble(s->engine), *mirror = row.error[0] ? row.error : NULL;
    if (differs(&s->trouble, trouble))
        say(s, trouble != NULL, "the journal %s%s", trouble ? "can't be written: " : "is well again",
            trouble ? trouble : "");
    if (differs(&s->mirror, mirror))
        say(s, mirror != NULL, "events %s%s", mirror ? "don't reach the mirror: " : "reach the mirror again",
            mirror ? mirror : "");
}

static void print_timeline(struct serving *s)
{
    const struct timeline *t = engine_timeline(s->engine);
    struct timeline_filter filter = {.minimum = TIMELINE_INFO};
    struct str text = {0};
    for (size_t i = 0; i < timeline_count(t); i++) {
        const struct timeline_line *line = timeline_at(t, i);
        if (line->seq <= s->last_seq || s->quiet || !timeline_shows(line, &filter))
            continue;
        str_clear(&text);
        timeline_format(line, &text);
        put_line(s, STDOUT_FILENO, str_text(&text));
    }
    s->last_seq = timeline_last_seq(t) > s->last_seq ? timeline_last_seq(t) : s->last_seq;
    str_fini(&text);
}

static void on_change(void *context, unsigned mask)
{
    struct serving *s = context;
    if (mask & ENGINE_SOURCES) {
        say_holder(s);
        say_failures(s);
    }
    if (mask & (ENGINE_TROUBLE | ENGINE_TIMELINE))
        say_trouble(s);
    if (mask & ENGINE_TIMELINE)
        print_timeline(s);
}

/* ---- life ------------------------------------------------------------------------------------------- */

static void on_signal(void *data, int number)
{
    struct serving *s = data;
    if (number != SIGHUP) /* the terminal that it was started from may go */
        loop_stop(s->loop);
}

static int listen_at(struct serving *s, const char *address, struct err *e)
{
    struct engine_listening where;
    if (!address)
        return 0;
    if (engine_listen(s->engine, address, &where, e) < 0)
        return e->code;
    say(s, false, "answers at http://%s/metrics and /healthz", where.address);
    if (!where.loopback)
        say(s, true,
            "%s is no loopback address: whoever can reach it reads the names and states of this "
            "platform, without a password",
            where.address);
    return 0;
}

static int serve_on(struct serving *s, const struct command_line *line, const struct config *config,
                    struct err *e)
{
    struct engine_options options;
    session_engine_options(line, config, &options);
    options.watch = true;
    options.attend = true;
    s->engine = engine_open(s->loop, &options, e);
    if (!s->engine)
        return e->code;
    s->failures = xcalloc(engine_source_count(s->engine) + 1, sizeof *s->failures);
    if (engine_journal(s->engine))
        (void)journal_last_seq(engine_journal(s->engine), &s->last_seq, NULL);
    engine_subscribe(s->engine, on_change, s);
    say(s, false, "belay %s watches %s: %zu source%s", BELAY_VERSION, config->platform,
        engine_source_count(s->engine), engine_source_count(s->engine) == 1 ? "" : "s");
    say_trouble(s);
    if (listen_at(s, command_value(line, "listen", NULL), e) == 0) {
        static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
        struct loop_signal *signals[3];
        for (size_t i = 0; i < 3; i++)
            signals[i] = loop_signal_new(s->loop, numbers[i], on_signal, s);
        loop_run(s->loop);
        for (size_t i = 0; i < 3; i++)
            loop_signal_free(signals[i]);
        say(s, false, "ends");
    }
    engine_unsubscribe(s->engine, s);
    engine_close(s->engine);
    return e->code;
}

static int serve_run(const struct command_line *line)
{
    struct err e = {0};
    struct serving s = {.quiet = command_has(line, "quiet")};
    struct config *config = session_config(line, &e);
    if (config && config->source_count == 0 && config->chain_count == 0)
        err_set(&e, ERR_USAGE, "there is nothing to watch: %s names no sources",
                config->path ? config->path : "no belay.yaml was found, and the default configuration");
    struct listener_address address; /* a mistake is told before anything begins */
    if (e.code == 0 && command_has(line, "listen"))
        listener_address_parse(command_value(line, "listen", ""), &address, &e);
    if (e.code == 0 && (s.loop = loop_new(&e)) != NULL) {
        serve_on(&s, line, config, &e);
        loop_free(s.loop);
    }
    free(s.holder);
    free(s.trouble);
    free(s.mirror);
    free(s.failures);
    config_free(config);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

static const struct command_option serve_options[] = {
    {"listen", "ADDRESS[:PORT]",
     "answer /metrics and /healthz there, over HTTP (port 9847 when none is said)", false},
    {0},
};

const struct command command_serve = {
    .name = "serve",
    .usage = "[--listen ADDRESS[:PORT]]",
    .help = "watch without a screen: journal what changes, answer /metrics and /healthz",
    .options = serve_options,
    .details =
        "It runs until SIGTERM or SIGINT (exit 0) and ignores SIGHUP; a changed configuration needs a "
        "restart.\n"
        "Consoles beside it show and act as ever; it acts by itself only with --join. Failures go to the\n"
        "standard error, a line each, all else to the standard output.\n"
        "--listen 127.0.0.1, --listen :9100 and --listen [::1]:9100 listen on the loopback interface; any\n"
        "other address must be named, and everybody who reaches it can read it.\n",
    .flags = COMMAND_NO_WORD,
    .run = serve_run,
};
