/* belay approve: what another operator is about to run is shown exactly, and approved from here. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/approvals.h"
#include "tui/commands/commands.h"
#include "tui/commands/session.h"

static int step_named(const struct engine_run *run, const char *name)
{
    for (size_t i = 0; name && i < run->book->steps.len; i++)
        if (str_eq(run->book->steps.data[i].id, name))
            return (int)i;
    return name ? STEP_NONE : run->current_step;
}

/* "alice (uid 1004, key SHA256:k3...)"; who has the run, where nothing is to be given from here. */
static const char *asked_by(const struct engine *engine, const struct engine_run *run, int step)
{
    struct engine_approval asked;
    for (size_t i = 0; engine_approval_at(engine, i, &asked); i++)
        if (asked.run == run->id && asked.step == step)
            return asked.by;
    return run->owner ? run->owner : "";
}

/* What, where, by whom, and the digest that all of it is bound by. */
static int show(const struct engine *engine, const struct engine_run *run, int step, struct str *digest,
                struct err *e)
{
    struct run_context context = {.person = engine_person(engine), .where = engine_target(engine)};
    struct run_page page;
    struct str text = {0}, clean = {0};
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)run->id);
    context.run = number;
    if (run_page(run->run, step, &context, &page, e) < 0)
        return e->code;
    if (page.command_error == 0)
        run_command_text(&page.command, &text);
    utf8_clean(&clean, str_text(&text), text.len, true);
    const char *by = asked_by(engine, run, step);
    printf("%s\n  What      %s\n  Where     %s, as %s\n  Asked by  %s\n  Reach     %s\n  Digest    %s\n",
           run->book->steps.data[step].title, str_text(&clean), engine_target(engine), by, by,
           page.scope == SCOPE_NONE ? "not declared" : step_scope_text(page.scope), page.digest);
    str_add(digest, page.digest);
    run_page_fini(&page);
    str_fini(&text);
    str_fini(&clean);
    return 0;
}

static int ask(const struct command_line *line, const char *digest, struct err *e)
{
    const char *given = command_value(line, "digest", NULL);
    char typed[16] = "";
    if (given)
        return str_eq(given, digest)
                   ? 0
                   : err_set(e, ERR_DENIED, "the command's digest is another: look at it again");
    if (!isatty(STDIN_FILENO))
        return err_set(e, ERR_USAGE, "there is no terminal to ask on: --digest says what is approved");
    printf("Type yes to approve exactly this: ");
    fflush(stdout);
    if (!fgets(typed, sizeof typed, stdin) || !str_eq(typed, "yes\n"))
        return err_set(e, ERR_CANCELLED, "not approved");
    return 0;
}

static int approve(const struct command_line *line, struct loop *loop, struct engine *engine, struct err *e)
{
    struct engine_run run;
    struct str digest = {0};
    int64_t id = strtoll(line->words[0], NULL, 10);
    if (!engine_run_by_id(engine, id, &run) || run.ended)
        return err_set(e, ERR_NOT_FOUND, "there is no open run %s", line->words[0]);
    int step = step_named(&run, line->words[1]);
    if (step == STEP_NONE)
        return err_set(e, ERR_NOT_FOUND, "run %lld has no step %s", (long long)id, line->words[1]);
    int code = show(engine, &run, step, &digest, e);
    if (code == 0)
        code = ask(line, str_text(&digest), e);
    struct engine_request request = {.kind = REQUEST_APPROVE,
                                     .run = id,
                                     .text = run.book->steps.data[step].id,
                                     .path = command_value(line, "key", NULL),
                                     .digest = str_text(&digest)};
    if (code == 0) {
        char *message;
        session_submit(loop, engine, &request, &message, e);
        code = e->code;
        if (code == 0)
            puts(message);
        free(message);
    }
    str_fini(&digest);
    return code;
}

static int approve_run(const struct command_line *line)
{
    struct err e = {0};
    struct session s;
    if (line->word_count < 1 || line->word_count > 2) {
        err_set(&e, ERR_USAGE, "which run and step? belay approve 12 restore");
        return command_fail(EXIT_USAGE, &e);
    }
    if (session_writes(line, "approve", &e) < 0)
        return command_fail(EXIT_USAGE, &e);
    if (session_open(&s, line, 0, &e) == 0)
        approve(line, s.loop, s.engine, &e);
    session_close(&s);
    return e.code ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT, &e) : EXIT_DONE;
}

const struct command command_approve = {
    .name = "approve",
    .usage = "RUN [STEP] [--key FILE]",
    .help = "approve the exact command of another operator's step",
    .options = approve_options,
    .flags = COMMAND_ACTS | COMMAND_JOURNALS,
    .run = approve_run,
};
