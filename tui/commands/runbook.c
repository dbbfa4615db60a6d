/* belay runbook: list, show, run. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/walking.h"

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
        return err_set(e, ERR_USAGE, "which one? belay runbook show FILE.md");
    struct runbook *book = book_load(line->words[1], e);
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

static int runbook_list(const struct command_line *line, struct err *e)
{
    struct engine_options options;
    struct config *config = session_config(line, e);
    struct loop *loop = config ? loop_new(e) : NULL;
    struct engine *engine = NULL;
    if (loop) {
        session_engine_options(line, config, &options);
        options.read_only = true;
        engine = engine_open(loop, &options, e);
    }
    while (engine && !engine_settled(engine))
        loop_run_once(loop, US_PER_S);
    for (size_t i = 0; engine && i < engine_runbook_count(engine); i++) {
        struct engine_runbook view;
        char last[CLOCK_TEXT_SIZE] = "never run";
        engine_runbook_at(engine, i, &view);
        if (view.last_run_us)
            clock_format(view.last_run_us, last);
        struct str text = {0};
        str_addf(&text, "%-40s %-20.20s %s", view.book ? view.book->title : "(unreadable)", last, view.path);
        if (view.error)
            str_addf(&text, "  does not run: %s", view.error);
        print_clean(str_text(&text));
        str_fini(&text);
    }
    if (engine && engine_runbook_count(engine) == 0)
        puts("no runbooks are configured (runbooks: in belay.yaml); any Markdown runs: belay runbook run "
             "FILE.md");
    engine_close(engine);
    if (loop)
        loop_free(loop);
    config_free(config);
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
static int run_precheck(const char *path, bool tty, struct err *e)
{
    struct runbook *book = book_load(path, e);
    int code = book ? runbook_runnable(book, e) : e->code;
    if (code == 0 && !tty && asks_a_person(book))
        code = err_set(
            e, ERR_USAGE,
            "%s has steps that a person confirms, and there is no terminal to ask on: nothing was run "
            "(--checks-only runs its checks)",
            path);
    runbook_free(book);
    return code;
}

static int64_t run_begin(const struct command_line *line, struct loop *loop, struct engine *engine,
                         struct err *e)
{
    int64_t run = 0;
    const char *incident = command_value(line, "incident", NULL);
    /* Whole, because the run may be taken up from another folder. */
    char *path = realpath(line->words[1], NULL);
    struct engine_request request = {.kind = REQUEST_RUN_START,
                                     .path = path ? path : line->words[1],
                                     .variables = command_value_list(line, "var"),
                                     .checks_only = command_has(line, "checks-only")};
    if (!incident || incident_number_parse(incident, &request.incident, e) == 0)
        run = walking_submit(loop, engine, &request, e);
    free(path);
    return run;
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
        if (view.elsewhere)
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
    for (size_t i = 2; i < line->word_count; i++)
        str_addf(&reason, "%s%s", i > 2 ? " " : "", line->words[i]);
    struct engine_request request = {.kind = REQUEST_RUN_TAKE,
                                     .run = line->word_count > 1 ? strtoll(line->words[1], NULL, 10) : 0,
                                     .text = str_text(&reason)};
    int64_t run = walking_submit(loop, engine, &request, e);
    str_fini(&reason);
    return run;
}

enum walk_verb { WALK_RUN, WALK_RESUME, WALK_TAKE };

static int runbook_walk(const struct command_line *line, enum walk_verb verb, struct err *e)
{
    bool tty = walking_has_terminal(), checks_only = command_has(line, "checks-only");
    int status = EXIT_USAGE;
    struct walking walking = {.line = line, .screen = tty && !checks_only && !command_has(line, "line")};
    if (verb == WALK_TAKE && line->word_count < 3)
        return err_set(e, ERR_USAGE, "which one, and why? belay runbook take 12 alice lost her link"), status;
    if (verb == WALK_RUN && line->word_count != 2)
        return err_set(e, ERR_USAGE, "which one? belay runbook run FILE.md"), status;
    if (verb != WALK_RUN && !tty)
        return err_set(e, ERR_USAGE, "there is no terminal to ask on: nothing was done"), status;
    if (verb != WALK_RUN && checks_only)
        return err_set(e, ERR_USAGE, "--checks-only goes with run: a person goes on with what was begun"),
               status;
    if (verb == WALK_RUN && run_precheck(line->words[1], tty || checks_only, e) < 0)
        return status;
    walking.begin = verb == WALK_RUN ? run_begin : verb == WALK_RESUME ? run_find : run_take;
    walking.fresh = verb == WALK_RUN;
    walking.checks_only = checks_only;
    return walking_go(&walking, e);
}

static int runbook_command(const struct command_line *line)
{
    struct err e = {0};
    const char *verb = line->word_count > 0 ? line->words[0] : "";
    bool takes = str_eq(verb, "take"), walks = takes || str_eq(verb, "run") || str_eq(verb, "resume");
    int status = EXIT_DONE;
    if (str_eq(verb, "show"))
        runbook_show(line, &e);
    else if (str_eq(verb, "list"))
        runbook_list(line, &e);
    else if (walks && command_has(line, "read-only"))
        err_set(&e, ERR_USAGE, "runbook %s acts and --read-only is set: leave one of them out", verb);
    else if (walks)
        status = runbook_walk(line, takes ? WALK_TAKE : str_eq(verb, "resume") ? WALK_RESUME : WALK_RUN, &e);
    else
        err_set(&e, ERR_USAGE,
                "belay runbook needs one of: list, show FILE.md, run FILE.md, resume [RUN], take RUN REASON");
    if (e.code && status == EXIT_DONE)
        status = e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT;
    return e.code ? command_fail(status, &e) : status;
}

static const char *const runbook_words[] = {"list", "show", "run", "resume", "take", NULL};

static const struct command_option runbook_options[] = {
    {"var", "NAME=VALUE", "run: a variable of the document", true},
    {"incident", "ID", "run: the incident it belongs to", false},
    {"line", NULL, "run: questions as plain lines, no screen", false},
    {"checks-only", NULL, "run: unattended; checks run, and it ends before what would change something",
     false},
    {0},
};

const struct command command_runbook = {
    .name = "runbook",
    .usage = "list | show FILE.md | run FILE.md [--var NAME=VALUE] | resume [RUN] | take RUN REASON",
    .help = "list, show and walk runbooks; any Markdown works",
    .options = runbook_options,
    .words = runbook_words,
    .run = runbook_command,
};
