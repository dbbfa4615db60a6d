/* belay emergency, and belay import: there and back when the journal can't be written. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/writing.h"

/* ---- there ---- */

static int emergency_make(const struct command_line *line, struct loop *loop, struct engine *engine,
                          struct err *e)
{
    struct engine_request request = {.kind = REQUEST_EMERGENCY,
                                     .text = line->word_count > 0 ? line->words[0] : NULL};
    session_submit(loop, engine, &request, NULL, e);
    if (e->code)
        return e->code;
    printf("an emergency journal is ready; act with:\n"
           "    belay --journal emergency:%s\n"
           "and once the main one can be written again:\n"
           "    belay import\n",
           engine_emergency_made(engine));
    return 0;
}

static int emergency_command(const struct command_line *line)
{
    struct err e = {0};
    struct session s;
    if (line->word_count > 1 || (line->word_count == 1 && !str_eq(line->words[0], "leave"))) {
        err_set(&e, ERR_USAGE, "belay emergency, or belay emergency leave");
        return command_fail(EXIT_USAGE, &e);
    }
    if (session_open(&s, line, 0, &e) == 0)
        emergency_make(line, s.loop, s.engine, &e);
    session_close(&s);
    return e.code ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT, &e) : EXIT_DONE;
}

static const char *const emergency_words[] = {"leave", NULL};

const struct command command_emergency = {
    .name = "emergency",
    .usage = "[leave]",
    .help = "a journal elsewhere, while the main one can't be written",
    .words = emergency_words,
    .details =
        "Makes an emergency journal on another disk (emergency: in the configuration, else /var/tmp, else\n"
        "/dev/shm) and takes the open runs and incidents along, as far as the main journal can be read. A "
        "run\n"
        "whose step still runs can't come along: \"leave\" leaves it behind. In the console: :emergency.",
    .flags = COMMAND_JOURNALS,
    .run = emergency_command,
};

/* ---- and back ---- */

static int take_path(const struct journal_waiting *waiting, void *data)
{
    strv_add(data, waiting->path);
    return 0;
}

static int import_one(const struct command_line *line, struct journal *into, const char *folder,
                      struct err *e)
{
    struct journal_import report;
    struct config *config = session_config(line, e);
    int code = config ? engine_import(config, into, folder, session_actor(), &report, e) : e->code;
    config_free(config);
    if (code < 0)
        return code;
    printf("imported %lld events of %s behind event %lld\n", (long long)report.events, folder,
           (long long)report.seq);
    if (report.kept_runs)
        printf(
            "%lld of its runs went on in the main journal all the same: what was done in the emergency one "
            "is kept as a record\n",
            (long long)report.kept_runs);
    printf("it is kept as %s.imported-%lld; belay verify checks both chains\n", folder,
           (long long)report.seq);
    return 0;
}

/* Absolute, without a slash at the end: it gets another name. */
static char *folder_meant(const char *word, struct err *e)
{
    char *folder = realpath(word, NULL);
    if (!folder)
        err_errno(e, "%s", word);
    return folder;
}

static int import_all(const struct command_line *line, struct journal *into, struct err *e)
{
    char **folders = NULL;
    int code = 0;
    if (line->word_count == 1) {
        char *folder = folder_meant(line->words[0], e);
        code = folder ? 0 : e->code;
        strv_add(&folders, folder ? folder : "");
        free(folder);
    } else {
        code = journal_waiting(into, take_path, &folders, e);
        if (code == 0 && !folders)
            printf("no emergency journal of this journal waits on this host\n");
    }
    for (char **folder = folders; folder && *folder && code == 0; folder++)
        code = import_one(line, into, *folder, e);
    strv_free(folders);
    return code;
}

static int import_command(const struct command_line *line)
{
    struct err e = {0};
    if (line->word_count > 1) {
        err_set(&e, ERR_USAGE, "belay import, or belay import FOLDER (that of an emergency journal)");
        return command_fail(EXIT_USAGE, &e);
    }
    struct writing *writing = writing_open(line, &e);
    if (writing)
        import_all(line, writing_journal(writing), &e);
    writing_close(writing);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

const struct command command_import = {
    .name = "import",
    .usage = "[FOLDER]",
    .help = "bring an emergency journal into the main one",
    .details =
        "Appends what was recorded there, with its times and people, as events of the main journal, "
        "output and\n"
        "evidence included: all of it or nothing, and never twice. Without FOLDER: every one on this host "
        "that waits.",
    .flags = COMMAND_JOURNALS,
    .run = import_command,
};
