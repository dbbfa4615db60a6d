/* belay export: the timeline of an incident as a document. The same journal gives the same bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

static int export_write(const struct command_line *line, const struct str *text, struct err *e)
{
    const char *path = command_value(line, "output", NULL);
    if (!path) {
        fwrite(str_text(text), 1, text->len, stdout);
        return 0;
    }
    if (file_write_atomic(path, str_text(text), text->len, 0600, e) < 0)
        return e->code;
    if (!command_has(line, "quiet"))
        fprintf(stderr, "wrote %s (%zu bytes)\n", path, text->len);
    return 0;
}

static int export_run(const struct command_line *line)
{
    struct err e = {0};
    struct str text = {0};
    int64_t incident = 0;
    int status = EXIT_FELL_SHORT;
    struct journal *journal = NULL;
    const char *name = command_value(line, "format", "md");
    int format = export_format_find(name);
    if (format < 0) {
        err_set(&e, ERR_USAGE, "--format %s: there are md and json", name);
        status = EXIT_USAGE;
    } else {
        journal = session_journal(line, false, &e);
    }
    if (journal &&
        session_incident(journal, line->word_count > 0 ? line->words[0] : NULL, &incident, &e) == 0 &&
        postmortem_export(journal, incident, (enum export_format)format, &text, &e) == 0)
        export_write(line, &text, &e);
    journal_close(journal);
    str_fini(&text);
    return e.code ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : status, &e) : EXIT_DONE;
}

static const struct command_option export_options[] = {
    {"format", "md|json", "Markdown for people (default), JSON for programs", false},
    {"output", "FILE", "write to FILE instead of printing (also -o FILE)", false},
    {0},
};

const struct command command_export = {
    .name = "export",
    .usage = "[INCIDENT] [--format md|json] [-o FILE]",
    .help = "the timeline, steps and evidence of an incident as one document",
    .options = export_options,
    .flags = COMMAND_ONE_WORD,
    .run = export_run,
};
