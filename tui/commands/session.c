#include "tui/commands/session.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void findings_print(const struct config_findings *findings, size_t from)
{
    for (size_t i = from; i < findings->len; i++) {
        const struct config_finding *f = &findings->data[i];
        struct str clean = {0};
        utf8_clean(&clean, f->message, strlen(f->message), false);
        fprintf(stderr, "belay: %s:%d:%d: %s\n", f->file ? f->file : "configuration", f->line, f->column,
                str_text(&clean));
        str_fini(&clean);
    }
}

struct config *session_config(const struct command_line *line, struct err *e)
{
    struct config_findings findings = {0};
    const char *path = command_value(line, "config", NULL);
    struct config *config = config_load(path, &findings, e);
    if (!config && !path && e->code == ERR_NOT_FOUND) {
        *e = (struct err){0};
        config = config_new();
    }
    if (!config)
        findings_print(&findings, 1);
    else if (!command_has(line, "quiet"))
        findings_print(&findings, 0);
    config_findings_fini(&findings);
    const char *journal = command_value(line, "journal", NULL);
    if (config && journal && config_set(config, "journal", journal, e) < 0) {
        config_free(config);
        return NULL;
    }
    return config;
}

struct journal *session_journal(const struct command_line *line, bool write, struct err *e)
{
    struct config *config = session_config(line, e);
    struct journal *journal = config ? session_journal_of(config, write, e) : NULL;
    config_free(config);
    return journal;
}

struct journal *session_journal_of(const struct config *config, bool write, struct err *e)
{
    return session_journal_on(config, write, NULL, e);
}

struct journal *session_journal_on(const struct config *config, bool write, struct loop *loop, struct err *e)
{
    char *state = config_state_folder(config), *folder = path_join(state, "journal");
    char *platform = config_journal_name(config);
    struct journal_options options = {
        .folder = folder,
        .platform = platform,
        .emergency = config->emergency,
        .shared = config_is_shared(config),
        .create = write && config->journal != CONFIG_JOURNAL_EMERGENCY,
        .read_only = !write,
        .post = loop ? loop_poster : NULL,
        .post_ctx = loop,
    };
    bool emergency = write && config->journal == CONFIG_JOURNAL_EMERGENCY;
    struct journal *journal =
        emergency && journal_emergency_open(state, e) < 0 ? NULL : journal_open(&options, e);
    if (!journal && !write && e->code == ERR_NOT_FOUND)
        err_set(e, ERR_NOT_FOUND, "nothing was journaled for platform %s yet (%s)", config->platform, folder);
    free(state);
    free(folder);
    free(platform);
    return journal;
}

int session_incident(struct journal *j, const char *word, int64_t *number, struct err *e)
{
    struct journal_incident incident;
    if (!word) {
        if (journal_incident_current(j, true, number, e) < 0)
            return e->code;
        return *number ? 0
                       : err_set(e, ERR_NOT_FOUND,
                                 "there is no incident yet: belay incident open TITLE opens one");
    }
    if (incident_number_parse(word, number, e) < 0)
        return e->code = ERR_USAGE;
    return journal_incident(j, *number, &incident, e);
}

void session_engine_options(const struct command_line *line, const struct config *config,
                            struct engine_options *options)
{
    *options = (struct engine_options){
        .config = config,
        .operator_claim = command_value(line, "operator", NULL),
        .read_only = command_has(line, "read-only"),
        .join = command_has(line, "join"),
    };
}

void session_console_options(const struct command_line *line, struct console_options *options)
{
    options->theme = command_value(line, "theme", NULL);
    options->ascii = command_has(line, "ascii");
    options->mono = command_has(line, "no-color");
}

const char *session_actor(void)
{
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : "unknown";
}

int session_acts(const struct command_line *line, const char *what, struct err *e)
{
    struct err ignored = {0};
    if (command_has(line, "join"))
        return 0;
    /* What is wrong with it is said where it is used. */
    struct config *config = config_load(command_value(line, "config", NULL), NULL, &ignored);
    if (config && config_observer(config))
        err_set(e, ERR_USAGE, "%s acts, and you are an observer here: --join acts as an operator", what);
    config_free(config);
    return e->code;
}

int session_writes(const struct command_line *line, const char *what, struct err *e)
{
    if (command_has(line, "read-only"))
        return err_set(e, ERR_USAGE, "%s writes to the journal and --read-only is set: leave one of them out",
                       what);
    return session_acts(line, what, e);
}

int session_status(const struct err *e)
{
    return e->code == ERR_USAGE || e->code == ERR_SYNTAX ? EXIT_USAGE : EXIT_FELL_SHORT;
}

int words_from_line(struct words *w, const struct command_line *line, size_t from, struct err *e)
{
    int code = 0;
    *w = (struct words){0};
    for (size_t i = from; i < line->word_count && code == 0; i++)
        code = words_add(w, line->words[i], e);
    for (char *const *word = line->rest; word && *word && code == 0; word++)
        code = words_add(w, *word, e);
    for (const struct command_option *o = line->command->options; o && o->name && code == 0; o++)
        for (char *const *value = command_value_list(line, o->name); *value && code == 0; value++)
            code = words_give(w, o->name, *value, e);
    return code;
}

int session_console_on(struct loop *loop, struct config *config, const struct engine_options *options,
                       const struct console_options *screen, struct engine **engine, struct err *e)
{
    struct engine_options next = *options;
    struct console_options there = *screen;
    int code = console_run(loop, *engine, &there, e);
    while (code == CONSOLE_MOVED) {
        char *journal = xasprintf("emergency:%s", engine_emergency_made(*engine));
        engine_close(*engine);
        *engine = NULL;
        next.state_folder = NULL;
        next.watch = true;
        there.run = 0;
        there.fresh = false;
        there.greeting = "acting is possible again, recorded in the emergency journal; r goes on with a run";
        code = config_set(config, "journal", journal, e);
        free(journal);
        if (code == 0)
            *engine = engine_open(loop, &next, e);
        code = *engine ? console_run(loop, *engine, &there, e) : e->code;
    }
    return code;
}

int session_open(struct session *s, const struct command_line *line, unsigned flags, struct err *e)
{
    *s = (struct session){.config = session_config(line, e)};
    s->loop = s->config ? loop_new(e) : NULL;
    if (s->loop) {
        session_engine_options(line, s->config, &s->options);
        s->options.read_only |= (flags & SESSION_LOOKS) != 0;
        s->options.watch = (flags & SESSION_WATCHES) != 0;
        s->engine = engine_open(s->loop, &s->options, e);
    }
    while (s->engine && !engine_settled(s->engine))
        loop_run_once(s->loop, US_PER_S);
    return s->engine ? 0 : e->code;
}

void session_close(struct session *s)
{
    engine_close(s->engine);
    if (s->loop)
        loop_free(s->loop);
    config_free(s->config);
}

struct answer {
    bool given;
    int64_t id;
    char *message;
    struct err *e;
};

static void on_answer(void *context, int code, const char *message, int64_t id)
{
    struct answer *a = context;
    a->given = true;
    a->id = id;
    a->message = xstrdup(message);
    if (code < 0)
        err_set(a->e, code, "%s", message);
}

int64_t session_submit(struct loop *loop, struct engine *engine, const struct engine_request *request,
                       char **message, struct err *e)
{
    struct answer answer = {.e = e};
    engine_submit(engine, request, on_answer, &answer);
    while (!answer.given)
        loop_run_once(loop, US_PER_S);
    if (message)
        *message = answer.message;
    else
        free(answer.message);
    return answer.id;
}

int session_console(struct loop *loop, struct config *config, const struct engine_options *options,
                    const struct console_options *screen, struct err *e)
{
    struct engine *engine = engine_open(loop, options, e);
    int code = engine ? session_console_on(loop, config, options, screen, &engine, e) : e->code;
    engine_close(engine);
    return code;
}
