/* belay [CONFIG]: the console. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

static int console_open(const struct command_line *line, struct config *config, struct err *e)
{
    struct engine_options options;
    struct console_options screen = {0};
    struct loop *loop = loop_new(e);
    if (!loop)
        return EXIT_FELL_SHORT;
    session_engine_options(line, config, &options);
    session_console_options(line, &screen);
    options.watch = true;
    int code = session_console(loop, config, &options, &screen, e);
    loop_free(loop);
    return code == ERR_NOT_FOUND || code == ERR_UNSUPPORTED ? EXIT_USAGE
           : code < 0                                       ? EXIT_FELL_SHORT
                                                            : EXIT_DONE;
}

/* What `belay runbook run` left here without a configuration; it is looked for, and nothing is made. */
static void interrupted_print(const struct command_line *line)
{
    struct err e = {0};
    struct session s;
    struct engine_run run;
    if (session_open(&s, line, SESSION_LOOKS, &e) == 0)
        for (size_t i = 0; engine_run_at(s.engine, i, &run); i++)
            if (!run.ended && (run.interrupted || run.abandoned))
                printf("\nInterrupted: run %lld, %s. It goes on with: belay runbook resume %lld\n",
                       (long long)run.id, run.book->title, (long long)run.id);
    session_close(&s);
}

static int console_command(const struct command_line *line)
{
    struct err e = {0};
    int status = EXIT_USAGE;
    const char *path = line->word_count > 0 ? line->words[0] : command_value(line, "config", NULL);
    struct config_findings findings = {0};
    struct config *config = line->word_count > 1 ? NULL : config_load(path, &findings, &e);
    if (path && !config && (str_ends(path, ".md") || str_ends(path, ".markdown")))
        err_set(&e, ERR_USAGE, "%s is a document, not a configuration: belay runbook run %s", path, path);
    else if (line->word_count > 1)
        err_set(&e, ERR_USAGE, "one configuration at a time: %s", line->words[1]);
    for (size_t i = 1; !config && e.code != ERR_USAGE && i < findings.len; i++)
        fprintf(stderr, "belay: %s:%d:%d: %s\n", findings.data[i].file, findings.data[i].line,
                findings.data[i].column, findings.data[i].message);
    if (!config && !path && e.code == ERR_NOT_FOUND) {
        char *welcome = console_welcome();
        fputs(welcome, stdout);
        free(welcome);
        interrupted_print(line);
        e = (struct err){0};
        status = EXIT_USAGE;
    } else if (config) {
        const char *journal = command_value(line, "journal", NULL);
        if (!journal || config_set(config, "journal", journal, &e) == 0)
            status = console_open(line, config, &e);
    }
    if (e.code)
        command_fail(status, &e);
    config_findings_fini(&findings);
    config_free(config);
    return status;
}

const struct command command_console = {
    .name = "console",
    .usage = "[CONFIG]",
    .help = "the console (the same as belay [CONFIG])",
    .run = console_command,
};
