/* belay logs, belay links: what the configuration knows about an entity besides its sources. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/pass.h"
#include "tui/commands/session.h"

/* One pass, and the entity that the words name. NULL and e. */
static const struct entity *find(const struct command_line *line, const struct config *config,
                                 struct pass *pass, struct err *e)
{
    struct str title = {0};
    const struct entity *entity = NULL;
    for (size_t i = 0; i < line->word_count; i++)
        str_addf(&title, "%s%s", i ? " " : "", line->words[i]);
    if (title.len == 0)
        err_set(e, ERR_USAGE, "of what? belay %s shard docs/shard-5", line->command->name);
    else if (config->source_count == 0)
        err_set(e, ERR_NOT_FOUND, "there is nothing to watch: no sources are configured");
    else if (pass_run(pass, config, NULL, e) == 0)
        entity = pass_entity(pass, str_text(&title), e);
    str_fini(&title);
    return entity;
}

static void print_clean(const char *text)
{
    struct str clean = {0};
    utf8_clean(&clean, text, strlen(text), false);
    puts(str_text(&clean));
    str_fini(&clean);
}

static int links_run(const struct command_line *line)
{
    struct err e = {0};
    struct pass pass = {0};
    struct str url = {0};
    const char *title;
    size_t shown = 0;
    struct config *config = session_config(line, &e);
    const struct entity *entity = config ? find(line, config, &pass, &e) : NULL;
    for (; entity && entity_link(config, entity, shown, &title, &url); shown++) {
        print_clean(title);
        print_clean(str_text(&url));
    }
    if (entity && shown == 0)
        err_set(&e, ERR_NOT_FOUND, "no links: are configured for it");
    str_fini(&url);
    pass_fini(&pass);
    config_free(config);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

/* Becomes the command: its output and its exit status are what is wanted. */
static int become(const struct entity_logs *logs, struct err *e)
{
    fflush(stdout);
    signal(SIGPIPE, SIG_DFL); /* ours is ignored, and would be inherited */
    execvp(logs->argv[0], logs->argv);
    return err_errno(e, "%s: %s", logs->title, logs->argv[0]);
}

static int logs_run(const struct command_line *line)
{
    struct err e = {0};
    struct pass pass = {0};
    struct entity_logs logs = {0};
    const char *wanted = command_value(line, "title", NULL);
    struct config *config = session_config(line, &e);
    const struct entity *entity = config ? find(line, config, &pass, &e) : NULL;
    bool found = false;
    for (size_t i = 0; entity && !found && entity_logs(config, entity, i, &logs); i++) {
        found = !wanted || str_eq(wanted, logs.title);
        if (found && logs.e.code)
            err_set(&e, logs.e.code, "%s: %s", logs.title, logs.e.msg);
        else if (found)
            become(&logs, &e);
        entity_logs_fini(&logs);
    }
    if (entity && !found)
        err_set(&e, ERR_NOT_FOUND,
                wanted ? "it has no logs of that title" : "no logs: are configured for it");
    pass_fini(&pass);
    config_free(config);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

static const struct command_option logs_options[] = {
    {"title", "TITLE", "which of them; the first otherwise", false},
    {0},
};

const struct command command_logs = {
    .name = "logs",
    .usage = "ENTITY [--title TITLE]",
    .help = "the logs of an entity, by the command that the configuration names",
    .options = logs_options,
    .run = logs_run,
};

const struct command command_links = {
    .name = "links",
    .usage = "ENTITY",
    .help = "the pages that the configuration names for an entity",
    .run = links_run,
};
