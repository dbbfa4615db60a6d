/* belay runbook: list, show, run, rehearse. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/walking.h"
#include "tui/runbook_name.h"

static void print_clean(const char *text)
{
    struct str clean = {0};
    utf8_clean(&clean, text, strlen(text), true);
    puts(str_text(&clean));
    str_fini(&clean);
}

static struct runbook *book_load(const char *path, struct err *e)
{
    struct str bytes = {0};
    struct runbook *book = NULL;
    if (file_read(path, RUNBOOK_BYTES_MAX, &bytes, e) == 0)
        book = runbook_parse(path, str_text(&bytes), bytes.len, e);
    str_fini(&bytes);
    return book;
}

/* A file is loaded as it is; what is none may be the id of a runbook that the configuration knows. */
static struct runbook *book_named(const struct command_line *line, const char *name, struct err *e)
{
    struct session s;
    char *path = NULL;
    if (access(name, F_OK) == 0 || strchr(name, '/'))
        return book_load(name, e);
    if (session_open(&s, line, SESSION_LOOKS, e) == 0)
        path = runbook_name_path(s.engine, name, e);
    session_close(&s);
    struct runbook *book = path ? book_load(path, e) : NULL;
    free(path);
    return book;
}

/* ---- show -------------------------------------------------------------------------------------------------
 */

static void step_show(const struct step *step)
{
    struct str text = {0};
    char place[16] = " -";
    if (step->place)
        snprintf(place, sizeof place, "%2d", step->place);
    str_addf(&text, "%s  %-8s  %s  [%s, line %d]", place, step_kind_text(step->kind), step->title, step->id,
             step->line);
    if (step->confirm != CONFIRM_NONE)
        str_addf(&text, " confirm %s%s%s", step_confirm_text(step->confirm), step->confirm_text ? ":" : "",
                 step->confirm_text ? step->confirm_text : "");
    if (step->scope != SCOPE_NONE)
        str_addf(&text, " scope %s", step_scope_text(step->scope));
    if (step->approvals > 0)
        str_addf(&text, " approvals %d", step->approvals);
    if (step->lock)
        str_addf(&text, " lock %s", step->lock);
    if (step->policy)
        str_addf(&text, " policy %s", step->policy);
    if (step->items)
        str_addf(&text, " items %s", step->items);
    for (size_t i = 0; step->rungs && step->rungs[i]; i++)
        str_addf(&text, "%s%s", i == 0 ? " rungs " : ",", step->rungs[i]);
    if (step->follow)
        str_addf(&text, " follow job:%s", step->follow);
    if (step->interactive)
        str_add(&text, " interactive");
    print_clean(str_text(&text));
    str_fini(&text);
}

static int runbook_show(const struct command_line *line, struct err *e)
{
    if (line->word_count != 2)
        return err_set(e, ERR_USAGE, "which one? belay runbook show FILE.md, or an id");
    struct runbook *book = book_named(line, line->words[1], e);
    if (!book)
        return e->code;
    print_clean(book->title);
    for (size_t i = 0; i < book->steps.len; i++)
        step_show(&book->steps.data[i]);
    for (size_t i = 0; i < book->offers.len; i++)
        printf("offered if %s\n", book->offers.data[i].condition);
    struct err why = {0};
    if (runbook_runnable(book, &why) < 0)
        printf("does not run: %s\n", why.msg);
    runbook_free(book);
    return 0;
}

/* ---- list
 * --------------------------------------------------------------------------------------------------- */

static void add_time(cJSON *object, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_us, text);
    if (at_us)
        cJSON_AddStringToObject(object, name, text);
    else
        cJSON_AddNullToObject(object, name);
}

static void list_json(const struct engine_runbook *view)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "id", view->book ? view->book->id : "");
    cJSON_AddStringToObject(object, "title", view->book ? view->book->title : "");
    cJSON_AddStringToObject(object, "path", view->path);
    add_time(object, "last_run", view->last_run_us);
    add_time(object, "last_rehearsed", view->last_rehearsed_us);
    cJSON_AddStringToObject(object, "error", view->error ? view->error : "");
    char *text = json_print(object);
    print_clean(text);
    free(text);
    cJSON_Delete(object);
}

/* To the minute: whoever wants the second has --json. */
static void put_time(int64_t at_us, char text[static CLOCK_TEXT_SIZE])
{
    snprintf(text, CLOCK_TEXT_SIZE, "never");
    if (at_us)
        clock_format(at_us, text);
    text[at_us ? 16 : 5] = '\0';
}

static void list_line(const struct engine_runbook *view)
{
    char run[CLOCK_TEXT_SIZE], rehearsed[CLOCK_TEXT_SIZE];
    struct str text = {0};
    put_time(view->last_run_us, run);
    put_time(view->last_rehearsed_us, rehearsed);
    str_addf(&text, "%-40s run %-16s rehearsed %-16s  %s", view->book ? view->book->title : "(unreadable)",
             run, rehearsed, view->path);
    if (view->error)
        str_addf(&text, "  does not run: %s", view->error);
    print_clean(str_text(&text));
    str_fini(&text);
}

static int runbook_list(const struct command_line *line, struct err *e)
{
    struct session s;
    bool json = command_has(line, "json");
    session_open(&s, line, SESSION_LOOKS, e);
    for (size_t i = 0; s.engine && i < engine_runbook_count(s.engine); i++) {
        struct engine_runbook view;
        engine_runbook_at(s.engine, i, &view);
        json ? list_json(&view) : list_line(&view);
    }
    if (s.engine && engine_runbook_count(s.engine) == 0 && !json)
        puts("no runbooks are configured (runbooks: in belay.yaml); any Markdown runs: belay runbook run "
             "FILE.md");
    session_close(&s);
    return e->code;
}

/* ---- run
 * ---------------------------------------------------------------------------------------------------- */

static bool asks_a_person(const struct runbook *book)
{
    for (size_t i = 0; i < book->walk.len; i++) {
        enum step_kind kind = book->steps.data[book->walk.data[i]].kind;
        if (step_kind_acts(kind) || kind == STEP_MANUAL || kind == STEP_DECISION)
            return true;
    }
    return false;
}

/* Before anything is journaled: a document that can't be run, or that needs a person where there is none. */
static int run_precheck(const struct command_line *line, bool checks_only, struct err *e)
{
    const char *name = line->words[1];
    struct runbook *book = book_named(line, name, e);
    int code = book ? runbook_runnable(book, e) : e->code;
    if (code == 0 && !checks_only && asks_a_person(book))
        code = err_set(
            e, ERR_USAGE,
            "%s has steps that a person confirms, and there is no terminal to ask on: nothing was run "
            "(--checks-only runs its checks)",
            name);
    runbook_free(book);
    return code;
}

static int64_t run_begin(const struct command_line *line, struct loop *loop, struct engine *engine,
                         struct err *e)
{
    int64_t run = 0;
    const char *incident = command_value(line, "incident", NULL);
    /* Whole, because the run may be taken up from another folder. */
    char *path = runbook_name_path(engine, line->words[1], e);
    struct engine_request request = {.kind = REQUEST_RUN_START,
                                     .path = path,
                                     .variables = command_value_list(line, "var"),
                                     .checks_only = command_has(line, "checks-only")};
    if (path && (!incident || incident_number_parse(incident, &request.incident, e) == 0))
        run = walking_submit(loop, engine, &request, e);
    free(path);
    return run;
}

/* ---- rehearse
 * ----------------------------------------------------------------------------------------------- */

/* The file's mistakes are told before anything is journaled, and its variables belong to the start. */
static char **variables_of(const struct command_line *line, const char *path, struct err *e)
{
    const char *file = command_value(line, "answers", NULL);
    char **variables = strv_copy(command_value_list(line, "var"));
    struct runbook *book = book_load(path, e);
    struct str bytes = {0};
    struct answers *answers = NULL;
    if (book && file && file_read(file, ANSWERS_BYTES_MAX, &bytes, e) == 0)
        answers = answers_parse(book, file, str_text(&bytes), bytes.len, e);
    for (char *const *pair = answers ? answers_start_values(answers) : NULL; pair && *pair; pair++)
        strv_add(&variables, *pair); /* --var stands before them, and counts */
    answers_free(answers);
    str_fini(&bytes);
    runbook_free(book);
    return variables;
}

static int64_t rehearse_begin(const struct command_line *line, struct loop *loop, struct engine *engine,
                              struct err *e)
{
    int64_t run = 0;
    const char *incident = command_value(line, "incident", NULL);
    char *path = runbook_name_path(engine, line->words[1], e);
    char **variables = path ? variables_of(line, path, e) : NULL;
    struct engine_request request = {.kind = REQUEST_REHEARSE, .path = path, .variables = variables};
    if (incident && !e->code)
        incident_number_parse(incident, &request.incident, e);
    if (!e->code)
        run = walking_submit(loop, engine, &request, e);
    strv_free(variables);
    free(path);
    return run;
}

/* ---- answers
 * ------------------------------------------------------------------------------------------------ */

/* A run that was, as a file to rehearse with. */
static int runbook_answers(const struct command_line *line, struct err *e)
{
    struct str text = {0};
    if (line->word_count != 2)
        return err_set(e, ERR_USAGE, "of which run? belay runbook answers 12");
    struct journal *journal = session_journal(line, false, e);
    if (journal && postmortem_answers(journal, strtoll(line->words[1], NULL, 10), &text, e) == 0)
        fputs(str_text(&text), stdout);
    journal_close(journal);
    str_fini(&text);
    return e->code;
}

/* The run that a number names, or the only one that stands still. */
static int64_t run_find(const struct command_line *line, struct loop *loop, struct engine *engine,
                        struct err *e)
{
    (void)loop;
    int64_t wanted = line->word_count > 1 ? strtoll(line->words[1], NULL, 10) : 0, found = 0;
    for (size_t i = 0; i < engine_run_count(engine); i++) {
        struct engine_run view;
        engine_run_at(engine, i, &view);
        if (view.ended || (wanted && view.id != wanted))
            continue;
        if (view.emergency)
            err_set(e, ERR_CLAIMED, "run %lld went on in the emergency journal %s: belay import",
                    (long long)view.id, view.emergency);
        else if (view.elsewhere)
            err_set(e, ERR_CLAIMED, "run %lld is walked by %s; belay runbook take %lld REASON takes it over",
                    (long long)view.id, view.owner ? view.owner : "another console", (long long)view.id);
        else if (found)
            err_set(e, ERR_USAGE, "there are several open runs: belay runbook resume %lld, or %lld",
                    (long long)found, (long long)view.id);
        else
            found = view.id;
    }
    if (!found && !e->code)
        err_set(e, ERR_NOT_FOUND, "there is no open run to go on with");
    return e->code ? 0 : found;
}

/* From a console that is there: recorded with the reason, and that one only watches from now on. */
static int64_t run_take(const struct command_line *line, struct loop *loop, struct engine *engine,
                        struct err *e)
{
    struct str reason = {0};
    struct engine_run view;
    int64_t wanted = line->word_count > 1 ? strtoll(line->words[1], NULL, 10) : 0;
    if (engine_run_by_id(engine, wanted, &view) && !view.elsewhere && !view.ended)
        return wanted; /* its console was gone: this one has it already */
    for (size_t i = 2; i < line->word_count; i++)
        str_addf(&reason, "%s%s", i > 2 ? " " : "", line->words[i]);
    struct engine_request request = {.kind = REQUEST_RUN_TAKE, .run = wanted, .text = str_text(&reason)};
    int64_t run = walking_submit(loop, engine, &request, e);
    str_fini(&reason);
    return run;
}

enum walk_verb { WALK_RUN, WALK_REHEARSE, WALK_RESUME, WALK_TAKE, WALK_VERBS };

static const struct {
    const char *word;
    int64_t (*begin)(const struct command_line *line, struct loop *loop, struct engine *engine,
                     struct err *e);
} verbs[] = {
    [WALK_RUN] = {"run", run_begin},
    [WALK_REHEARSE] = {"rehearse", rehearse_begin},
    [WALK_RESUME] = {"resume", run_find},
    [WALK_TAKE] = {"take", run_take},
};

static int walk_check(const struct command_line *line, enum walk_verb verb, bool tty, struct err *e)
{
    bool checks_only = command_has(line, "checks-only"), answers = command_has(line, "answers");
    bool fresh = verb == WALK_RUN || verb == WALK_REHEARSE;
    if (verb == WALK_TAKE && line->word_count < 3)
        return err_set(e, ERR_USAGE, "which one, and why? belay runbook take 12 alice lost her link");
    if (fresh && line->word_count != 2)
        return err_set(e, ERR_USAGE, "which one? belay runbook %s FILE.md, or an id", verbs[verb].word);
    if (answers && (verb == WALK_RUN || verb == WALK_TAKE))
        return err_set(e, ERR_USAGE, "--answers goes with rehearse: a person answers a real run");
    if (verb != WALK_RUN && checks_only)
        return err_set(e, ERR_USAGE, "--checks-only goes with run: a person goes on with what was begun");
    if (verb == WALK_REHEARSE && !tty && !answers)
        return err_set(e, ERR_USAGE,
                       "there is no terminal to ask on: --answers FILE says what would come of each step");
    if (!fresh && !tty && !answers)
        return err_set(e, ERR_USAGE, "there is no terminal to ask on: nothing was done");
    /* With a terminal the start itself says so: a long document is not parsed twice. */
    return verb == WALK_RUN && !tty ? run_precheck(line, checks_only, e) : 0;
}

static int runbook_walk(const struct command_line *line, enum walk_verb verb, struct err *e)
{
    bool tty = walking_has_terminal(), checks_only = command_has(line, "checks-only");
    bool answers = command_has(line, "answers");
    if (walk_check(line, verb, tty, e) < 0)
        return EXIT_USAGE;
    struct walking walking = {.line = line,
                              .begin = verbs[verb].begin,
                              .screen = tty && !checks_only && !answers && !command_has(line, "line"),
                              .fresh = verb == WALK_RUN || verb == WALK_REHEARSE,
                              .checks_only = checks_only,
                              .script = {.answers = command_value(line, "answers", NULL), .alone = !tty}};
    return walking_go(&walking, e);
}

static int runbook_command(const struct command_line *line)
{
    struct err e = {0};
    const char *verb = line->word_count > 0 ? line->words[0] : "";
    enum walk_verb walk = WALK_RUN;
    int status = EXIT_DONE;
    while (walk < WALK_VERBS && !str_eq(verb, verbs[walk].word))
        walk++;
    if (str_eq(verb, "show"))
        runbook_show(line, &e);
    else if (str_eq(verb, "list"))
        runbook_list(line, &e);
    else if (str_eq(verb, "answers"))
        runbook_answers(line, &e);
    else if (walk < WALK_VERBS && command_has(line, "read-only"))
        err_set(&e, ERR_USAGE, "runbook %s %s and --read-only is set: leave one of them out", verb,
                walk == WALK_REHEARSE ? "writes to the journal" : "acts");
    else if (walk < WALK_VERBS)
        status = runbook_walk(line, walk, &e);
    else
        err_set(&e, ERR_USAGE,
                "belay runbook needs one of: list, show NAME, run NAME, rehearse NAME (a file or an id), "
                "answers RUN, "
                "resume [RUN], take RUN REASON");
    if (e.code && status == EXIT_DONE)
        status = e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT;
    return e.code ? command_fail(status, &e) : status;
}

static const char *const runbook_words[] = {"list",    "show",   "run",  "rehearse",
                                            "answers", "resume", "take", NULL};

static const struct command_option runbook_options[] = {
    {"var", "NAME=VALUE", "run, rehearse: a variable of the document", true},
    {"incident", "ID", "run, rehearse: the incident it belongs to; a rehearsal's is none", false},
    {"line", NULL, "run, rehearse: questions as plain lines, no screen", false},
    {"answers", "FILE", "rehearse, resume: what would come of each step, as plain lines; asks for the rest",
     false},
    {"checks-only", NULL, "run: unattended; checks run, and it ends before what would change something",
     false},
    {"json", NULL, "list: one runbook a line", false},
    {0},
};

const struct command command_runbook = {
    .name = "runbook",
    .usage = "list | show FILE|ID | run FILE|ID [--var NAME=VALUE] | rehearse FILE|ID [--answers FILE] | "
             "answers RUN | resume [RUN] | take RUN REASON",
    .help = "list, show and walk runbooks; any Markdown works",
    .options = runbook_options,
    .words = runbook_words,
    .run = runbook_command,
};
