/* Line mode in a rehearsal: outcomes are asked for, or everything comes from a file of answers. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/line_state.h"

#define TURNS_MOST 200000 /* more without a person, and it goes round in circles */

int line_rehearse_open(struct line_mode *m, const struct engine_run *view, const struct line_script *script,
                       struct err *e)
{
    struct str bytes = {0};
    if (!script)
        return 0;
    m->rehearsal.alone = script->alone;
    if (!view->rehearsed)
        return err_set(e, ERR_USAGE, "run %lld is no rehearsal: a person answers it", (long long)m->id);
    int code = script->answers ? file_read(script->answers, ANSWERS_BYTES_MAX, &bytes, e) : 0;
    if (code == 0 && script->answers) {
        m->rehearsal.answers = answers_parse(view->book, script->answers, str_text(&bytes), bytes.len, e);
        code = m->rehearsal.answers ? 0 : e->code;
    }
    str_fini(&bytes);
    return code;
}

static struct run_input input_of(const struct line_mode *m, enum run_input_kind kind, int step)
{
    return (struct run_input){.kind = kind, .step = step, .actor = engine_actor(m->engine)};
}

/* ---- what is missing ---- */

/* Told on stderr, where a program that runs belay finds it. */
static void give_up(struct line_mode *m, struct str *why)
{
    struct str clean = {0};
    struct run_input stop = input_of(m, INPUT_STOP, STEP_NONE);
    utf8_clean(&clean, str_text(why), why->len, false);
    fflush(stdout);
    fprintf(stderr, "belay: no answer: %s\n", str_text(&clean));
    stop.reason = "the answers do not say how it goes on";
    m->rehearsal.stopping = true;
    line_input(m, &stop);
    str_fini(&clean);
    str_fini(why);
}

static void missing_value(const struct engine_run *view, struct str *why)
{
    for (size_t i = 0; i < run_value_count(view->run); i++) {
        struct run_value value;
        run_value_at(view->run, i, &value);
        if (value.missing)
            str_addf(why, "%s%s = VALUE (%s)", why->len ? "; " : "", value.name, value.ask);
    }
}

static void missing(struct line_mode *m, const struct engine_run *view, int step, const struct run_step *s)
{
    const char *id = line_step(view, step)->id;
    struct str why = {0};
    bool executes = answers_executes(m->rehearsal.answers, step);
    if (s->ask == ASK_VALUE)
        missing_value(view, &why);
    else if (s->ask == ASK_CONFIRM && executes)
        str_addf(&why, "%s then: retry, skip or stop (a check before it did not pass)", id);
    else if (s->ask == ASK_OPEN || s->ask == ASK_CONFIRM)
        str_addf(&why, "%s: OUTCOME, or %s: skip because REASON%s%s", id, id,
                 s->reason[0] ? "; it says: " : "", s->reason);
    else if (s->ask == ASK_ANSWER)
        str_addf(&why, "%s: %s because REASON", id,
                 line_step(view, step)->kind == STEP_MANUAL ? "done" : "VALUE");
    else
        str_addf(&why, "%s then: CHOICE because REASON (%s)", id, s->reason);
    give_up(m, &why);
}

/* ---- what comes of an execution ---- */

static void show_execution(const struct line_mode *m, const struct engine_run *view,
                           const struct run_ticket *t)
{
    char incident[24], run[24];
    struct run_command command = {0};
    struct str text = {0}, part = {0};
    snprintf(incident, sizeof incident, "INC-%lld", (long long)view->incident);
    snprintf(run, sizeof run, "%lld", (long long)view->id);
    struct run_context context = {.incident = view->incident ? incident : NULL,
                                  .run = run,
                                  .operator= engine_actor(m->engine),
                                  .person = engine_person(m->engine),
                                  .where = engine_target(m->engine)};
    run_part_text(view->run, t->step, t->part, &part);
    line_say("%srehearsal, not run: %s of %s%s%s\n", t->part > 0 ? "" : "\n", run_role_text(t->role),
             line_step(view, t->step)->title, part.len ? ", " : "", str_text(&part));
    if (run_ticket_command(view->run, t->ticket, &context, &command, NULL) == 0) {
        run_command_text(&command, &text);
        if (t->part <= 0) /* of further parts only what differs */
            line_say("  %s\n", str_text(&text));
        for (size_t i = 0; i < command.env.len; i++)
            if (command.env.data[i].interesting)
                line_say("  %s=%s\n", command.env.data[i].name, command.env.data[i].value);
    }
    run_command_fini(&command);
    str_fini(&text);
    str_fini(&part);
}

static void submit_outcome(struct line_mode *m, const struct made_up *made_up)
{
    struct engine_request request = {.kind = REQUEST_OUTCOME,
                                     .run = m->id,
                                     .ticket = m->rehearsal.ticket,
                                     .made_up = made_up,
                                     .variables =
                                         m->rehearsal.answers ? answers_values(m->rehearsal.answers) : NULL};
    line_submit(m, &request);
}

void line_rehearse_typed(struct line_mode *m, const char *text)
{
    struct made_up made_up;
    struct err e = {0};
    m->question = NO_QUESTION;
    if (made_up_parse(text, &made_up, &e) < 0)
        line_say("  %s\n", e.msg);
    else
        submit_outcome(m, &made_up);
}

static void outcome(struct line_mode *m, const struct engine_run *view, const struct run_ticket *t,
                    bool scripted)
{
    struct made_up made_up = {.kind = MADE_UP_UNKNOWN};
    if (m->rehearsal.stopping) {
        m->rehearsal.ticket = t->ticket;
        submit_outcome(m, &made_up);
        return;
    }
    if (m->rehearsal.ticket != t->ticket)
        show_execution(m, view, t);
    m->rehearsal.ticket = t->ticket;
    if (scripted && answers_outcome(m->rehearsal.answers, t->step, t->nth, &made_up)) {
        struct str text = {0};
        made_up_text(&made_up, &text);
        line_say("  it is said to end: %s\n", str_text(&text));
        str_fini(&text);
        submit_outcome(m, &made_up);
    } else if (m->rehearsal.alone) {
        struct str why = {0};
        const struct step *what = line_step(view, t->step);
        str_addf(&why, "%s: %s", what->id, what->exports ? "output TEXT" : "OUTCOME");
        give_up(m, &why);
    } else {
        line_forget(m);
        line_say("  What comes of it? ok, failed, unknown, timed-out, exit N, output TEXT%s: ",
                 t->part != PART_NONE ? "; with \"all\" before it: of every one" : "");
        line_ask(m, ASKED_OUTCOME, t->step);
    }
}

static bool waits(const struct engine_run *view, struct run_ticket *ticket)
{
    struct run_ticket tickets[STEP_PARALLEL_MAX];
    size_t count = run_tickets(view->run, tickets, STEP_PARALLEL_MAX);
    for (size_t i = 0; i < count && i < STEP_PARALLEL_MAX; i++)
        if (!tickets[i].cancelled) {
            *ticket = tickets[i];
            return true;
        }
    return false;
}

/* ---- what a person would say ---- */

static void choose(struct line_mode *m, int step, const struct said *answer)
{
    struct run_input input = input_of(m, answer->kind == ANSWER_RESOLVE ? INPUT_RESOLVE : INPUT_CHOOSE, step);
    input.reason = answer->reason;
    input.choice = answer->choice;
    input.resolved = answer->resolved;
    line_say("  chosen: %s, %s\n",
             answer->kind == ANSWER_RESOLVE ? run_outcome_text(answer->resolved)
                                            : run_choice_text(answer->choice),
             answer->reason);
    line_input(m, &input);
}

/* A check before it did not pass: its page can't be confirmed. Again, or what `then` says instead. */
static bool turned_away(struct line_mode *m, int step)
{
    struct said answer;
    struct run_input leave = input_of(m, INPUT_LEAVE, step);
    if (!answers_then(m->rehearsal.answers, step, &answer))
        return false;
    struct engine_request request = {.kind = REQUEST_RUN_INPUT, .run = m->id, .input = &leave};
    bool again = answer.kind == ANSWER_CHOOSE && answer.choice == CHOICE_RETRY;
    if (again) {
        line_submit(m, &request);
        return true;
    }
    engine_submit(m->engine, &request, NULL, NULL);
    choose(m, step, &answer);
    return true;
}

static bool confirm(struct line_mode *m, const struct engine_run *view, int step)
{
    struct run_context context = {.person = engine_person(m->engine), .where = engine_target(m->engine)};
    struct run_page page;
    bool done = true;
    if (!answers_executes(m->rehearsal.answers, step) || run_page(view->run, step, &context, &page, NULL) < 0)
        return false;
    if (page.before_failed) {
        done = turned_away(m, step);
    } else if (!page.before_pending) {
        struct run_input input = input_of(m, INPUT_CONFIRM, step);
        input.value = page.confirm_text ? page.confirm_text : "yes";
        line_page_show(m, view, &page);
        line_say("  typed: %s\n", input.value);
        line_input(m, &input);
    }
    run_page_fini(&page);
    return done;
}

static bool answer_step(struct line_mode *m, const struct engine_run *view, int step)
{
    struct said answer;
    struct run_page page = {0};
    if (!answers_say(m->rehearsal.answers, step, &answer))
        return false;
    line_say("\n%s\n", line_step(view, step)->title);
    if (answer.kind != ANSWER_VALUE) {
        choose(m, step, &answer);
        return true;
    }
    struct run_input input = input_of(m, INPUT_ANSWER, step);
    bool asks =
        line_step(view, step)->confirm != CONFIRM_NONE && run_page(view->run, step, NULL, &page, NULL) == 0;
    input.value = answer.value;
    input.reason = answer.reason;
    input.typed = asks ? page.confirm_text : NULL;
    line_say("  answered: %s, %s\n", answer.value, answer.reason);
    line_input(m, &input);
    if (asks)
        run_page_fini(&page);
    return true;
}

static bool give_value(struct line_mode *m, const struct engine_run *view, int step)
{
    for (size_t i = 0; i < run_value_count(view->run); i++) {
        struct run_value value;
        run_value_at(view->run, i, &value);
        size_t length = strlen(value.name);
        for (char *const *pair = answers_values(m->rehearsal.answers); value.missing && pair && *pair;
             pair++) {
            if (strncmp(*pair, value.name, length) != 0 || (*pair)[length] != '=')
                continue;
            struct run_input input = input_of(m, INPUT_SET, step);
            input.name = value.name;
            input.value = *pair + length + 1;
            line_say("  %s\n", *pair);
            line_input(m, &input);
            return true;
        }
    }
    return false;
}

static bool open_or_skip(struct line_mode *m, const struct engine_run *view, int step)
{
    struct run_input open = input_of(m, INPUT_OPEN, step);
    if (!answers_executes(m->rehearsal.answers, step))
        return answer_step(m, view, step);
    line_input(m, &open);
    return true;
}

static bool answered(struct line_mode *m, const struct engine_run *view, int step, enum run_ask ask)
{
    struct said answer;
    switch (ask) {
    case ASK_NOTHING:
        return true;
    case ASK_VALUE:
        return give_value(m, view, step);
    case ASK_OPEN:
        return open_or_skip(m, view, step);
    case ASK_CONFIRM:
        return confirm(m, view, step);
    case ASK_ANSWER:
        return answer_step(m, view, step);
    default:
        if (!answers_then(m->rehearsal.answers, step, &answer))
            return false;
        choose(m, step, &answer);
        return true;
    }
}

/* ---- one turn ---- */

bool line_rehearse(struct line_mode *m, const struct engine_run *view)
{
    struct run_ticket ticket;
    struct run_step s;
    if (!view->rehearsed)
        return false;
    bool refused = m->rehearsal.refused, scripted = m->rehearsal.answers && !refused;
    m->rehearsal.refused = false;
    bool lost = m->rehearsal.alone && (refused || m->rehearsal.turns++ > TURNS_MOST);
    if (lost && !m->rehearsal.stopping) {
        struct str why = {0};
        str_add(&why, "what the file says is not possible there");
        give_up(m, &why);
        return true;
    }
    if (waits(view, &ticket)) {
        outcome(m, view, &ticket, scripted);
        return true;
    }
    if (m->rehearsal.stopping || view->current_step < 0)
        return true;
    run_step_at(view->run, view->current_step, &s);
    if (s.ask == ASK_NOTHING || (scripted && answered(m, view, view->current_step, s.ask)))
        return true;
    if (!m->rehearsal.alone)
        return false;
    missing(m, view, view->current_step, &s);
    return true;
}

/* ---- its end ---- */

static void show_unvisited(const struct engine_run *view)
{
    struct str text = {0};
    for (size_t i = 0; i < view->book->steps.len; i++) {
        struct run_step s;
        run_step_at(view->run, (int)i, &s);
        if (s.outcome == OUTCOME_PENDING || s.outcome == OUTCOME_SKIPPED)
            str_addf(&text, "%s%s", text.len ? ", " : "", view->book->steps.data[i].id);
    }
    if (text.len)
        line_say("not visited: %s\n", str_text(&text));
    str_fini(&text);
}

int line_rehearse_end(struct line_mode *m, const struct engine_run *view, enum run_outcome ended)
{
    struct str unused = {0};
    enum run_outcome wanted = ended;
    int status = line_mode_status(ended);
    show_unvisited(view);
    if (m->rehearsal.answers && answers_unused(m->rehearsal.answers, &unused) > 0)
        line_say("answers that nothing asked for:\n%s", str_text(&unused));
    if (m->rehearsal.answers && answers_end(m->rehearsal.answers, &wanted)) {
        status = wanted == ended ? 0 : 1;
        if (status)
            line_say("it should have ended %s\n", run_outcome_text(wanted));
    }
    line_say("A rehearsal that passes does not promise that the real run will.\n");
    str_fini(&unused);
    return m->rehearsal.stopping ? 2 : status;
}
