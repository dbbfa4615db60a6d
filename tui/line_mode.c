#include "tui/line_mode.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "tui/line_state.h"

#define TURN_US (200 * US_PER_MS)

/* ---- asking ---- */

void line_forget(struct line_mode *m)
{
    if (m->input < 0)
        return;
    tcflush(m->input, TCIFLUSH);
    str_clear(&m->typed);
}

void line_ask(struct line_mode *m, enum question question, int step)
{
    m->question = question;
    m->step = step;
}

static void on_done(void *context, int code, const char *message, int64_t id)
{
    (void)id;
    struct line_mode *m = context;
    m->waiting = false;
    m->rehearsal.refused = code < 0;
    if (code < 0)
        line_say("  not done: %s\n", message);
}

void line_submit(struct line_mode *m, const struct engine_request *request)
{
    m->question = NO_QUESTION;
    m->waiting = true;
    engine_submit(m->engine, request, on_done, m);
}

void line_input(struct line_mode *m, const struct run_input *input)
{
    struct engine_request request = {.kind = REQUEST_RUN_INPUT, .run = m->id, .input = input};
    line_submit(m, &request);
}

static void submit_step(struct line_mode *m, enum run_input_kind kind, const char *value, const char *typed)
{
    struct run_input input = {
        .kind = kind, .step = m->step, .value = value, .typed = typed, .actor = engine_actor(m->engine)};
    line_input(m, &input);
}

static void ask_value(struct line_mode *m, const struct engine_run *view, int step)
{
    for (size_t i = 0; i < run_value_count(view->run); i++) {
        struct run_value value;
        run_value_at(view->run, i, &value);
        if (!value.missing)
            continue;
        free(m->variable);
        m->variable = xstrdup(value.name);
        line_forget(m);
        line_say("%s (%s): ", value.ask, value.name);
        line_ask(m, ASKED_VALUE, step);
        return;
    }
}

static void ask_page(struct line_mode *m, const struct engine_run *view, int step)
{
    struct run_page page;
    struct err e = {0};
    char run[24], incident[24];
    snprintf(run, sizeof run, "%lld", (long long)view->id);
    snprintf(incident, sizeof incident, "INC-%lld", (long long)view->incident);
    struct run_context context = {.person = engine_person(m->engine),
                                  .where = engine_target(m->engine),
                                  .incident = view->incident > 0 ? incident : NULL,
                                  .run = run,
                                  .operator= engine_actor(m->engine)};
    if (run_page(view->run, step, &context, &page, &e) < 0) {
        line_say("  %s\n", e.msg);
        m->left = true;
        return;
    }
    struct engine_where where;
    engine_where(m->engine, &where);
    bool observed = !where.configured || where.observed_us > 0 || view->rehearsed;
    if (!page.before_pending && observed) {
        line_forget(m);
        line_page_show(m, view, &page);
        line_say("Type %s to run it, skip to leave it out, stop to end the run here: ",
                 page.confirm_text ? page.confirm_text : "yes");
        line_ask(m, ASKED_CONFIRM, step);
    }
    run_page_fini(&page);
}

static void ask_answer(struct line_mode *m, const struct engine_run *view, int step)
{
    const struct step *s = line_step(view, step);
    line_forget(m);
    line_say("\n%s\n", s->title);
    if (s->prose[0])
        line_say("%s\n", s->prose);
    if (s->kind == STEP_DECISION)
        for (size_t i = 0; i < s->answers.len; i++)
            line_say("  %s: %s\n", s->answers.data[i].value, s->answers.data[i].text);
    line_say(s->kind == STEP_DECISION ? "Your answer, then why: " : "done or failed, then a word about it: ");
    line_ask(m, ASKED_ANSWER, step);
}

static void ask_choice(struct line_mode *m, const struct engine_run *view, int step, const struct run_step *s)
{
    line_forget(m);
    line_say("\n%s: %s\n", line_step(view, step)->title, s->reason);
    if (s->ask == ASK_UNKNOWN)
        line_say(
            "  ok        it did what it should, with the reason why you know\n  failed    it did not, with "
            "the reason\n");
    for (enum run_choice choice = 0; choice <= CHOICE_VERIFY; choice++)
        if (s->choices & (1u << choice))
            line_say("  %-9s %s\n", run_choice_text(choice),
                     run_choice_help(choice, line_step(view, step), s));
    line_say("Your choice%s: ", s->reasons ? ", then the reason" : "");
    line_ask(m, ASKED_CHOICE, step);
}

static void ask_next(struct line_mode *m, const struct engine_run *view)
{
    int step = run_current(view->run);
    struct run_step s;
    if (step == STEP_NONE)
        return;
    run_step_at(view->run, step, &s);
    m->step = step;
    switch (s.ask) {
    case ASK_NOTHING:
        break;
    case ASK_VALUE:
        ask_value(m, view, step);
        break;
    case ASK_OPEN:
        if (s.reason[0])
            line_say("[%s] %s: %s\n", step_outcome_text(line_step(view, step), s.outcome),
                     line_step(view, step)->title, s.reason);
        if (line_step(view, step)->prose[0])
            line_say("\n%s\n", line_step(view, step)->prose);
        submit_step(m, INPUT_OPEN, NULL, NULL);
        break;
    case ASK_CONFIRM:
        ask_page(m, view, step);
        break;
    case ASK_ANSWER:
        ask_answer(m, view, step);
        break;
    default:
        ask_choice(m, view, step, &s);
        break;
    }
}

/* ---- answers ---- */

static void answer_choice(struct line_mode *m, const char *word, const char *rest)
{
    struct run_input input = {
        .step = m->step, .reason = rest[0] ? rest : NULL, .actor = engine_actor(m->engine)};
    if (str_eq(word, "ok") || str_eq(word, "failed")) {
        input.kind = INPUT_RESOLVE;
        input.resolved = str_eq(word, "ok") ? OUTCOME_OK : OUTCOME_FAILED;
    } else if (run_choice_parse(word, &input.choice)) {
        input.kind = INPUT_CHOOSE;
    } else {
        line_say("  that is none of them\n");
        m->question = NO_QUESTION;
        return;
    }
    line_input(m, &input);
}

/* What is left out has no page: it is closed first. */
static void skip(struct line_mode *m, const char *why)
{
    struct run_input leave = {.kind = INPUT_LEAVE, .step = m->step, .actor = engine_actor(m->engine)};
    struct run_input input = {.kind = INPUT_CHOOSE,
                              .step = m->step,
                              .reason = why,
                              .choice = CHOICE_SKIP,
                              .actor = engine_actor(m->engine)};
    struct engine_request request = {.kind = REQUEST_RUN_INPUT, .run = m->id, .input = &leave};
    engine_submit(m->engine, &request, NULL, NULL);
    line_input(m, &input);
}

/* Nobody is there to approve: the reason is recorded, and mirrored. */
static void break_glass(struct line_mode *m, const char *reason)
{
    struct run_input input = {
        .kind = INPUT_BREAK_GLASS, .step = m->step, .reason = reason, .actor = engine_actor(m->engine)};
    line_input(m, &input);
}

static void stop(struct line_mode *m, const char *why)
{
    struct run_input input = {
        .kind = INPUT_STOP, .step = STEP_NONE, .reason = why, .actor = engine_actor(m->engine)};
    line_input(m, &input);
}

/* "skip", "skip the queue is empty": where the reason begins, a word of its own without one; NULL: neither.
 */
static const char *reason_after(const char *text, const char *word)
{
    if (!str_starts(text, word) || (text[strlen(word)] != ' ' && text[strlen(word)] != '\0'))
        return NULL;
    text += strlen(word) + strspn(text + strlen(word), " ");
    return text[0] ? text : "said so in line mode";
}

static void answer_confirm(struct line_mode *m, const char *text)
{
    const char *why;
    if ((why = reason_after(text, "skip")) != NULL)
        skip(m, why);
    else if ((why = reason_after(text, "stop")) != NULL)
        stop(m, why);
    else if (str_starts(text, "break-glass "))
        break_glass(m, text + strlen("break-glass "));
    else if (!text[0])
        m->question = NO_QUESTION;
    else
        submit_step(m, INPUT_CONFIRM, text, NULL);
}

static void answer_interrupt(struct line_mode *m, const char *word)
{
    m->question = NO_QUESTION;
    if (str_eq(word, "cancel"))
        submit_step(m, INPUT_CANCEL, NULL, NULL);
    else if (str_eq(word, "leave"))
        m->left = true;
    else
        line_returns(m);
}

static void answer_manual(struct line_mode *m, const char *word, const char *rest)
{
    struct run_input input = {.kind = INPUT_ANSWER,
                              .step = m->step,
                              .value = word,
                              .reason = rest[0] ? rest : NULL,
                              .actor = engine_actor(m->engine)};
    line_input(m, &input);
}

static void answered(struct line_mode *m, char *text)
{
    size_t split = strcspn(text, " \t:");
    char *word = xstrndup(text, split);
    const char *rest = text + split + strspn(text + split, " \t:");
    switch (m->question) {
    case ASKED_VALUE: {
        struct run_input input = {.kind = INPUT_SET,
                                  .step = m->step,
                                  .name = m->variable,
                                  .value = text,
                                  .actor = engine_actor(m->engine)};
        line_input(m, &input);
        break;
    }
    case ASKED_CONFIRM:
        answer_confirm(m, text);
        break;
    case ASKED_ANSWER:
        answer_manual(m, word, rest);
        break;
    case ASKED_CHOICE:
        answer_choice(m, word, rest);
        break;
    case ASKED_INTERRUPT:
        answer_interrupt(m, word);
        break;
    case ASKED_OUTCOME:
        line_rehearse_typed(m, text);
        break;
    case NO_QUESTION:
        break;
    }
    free(word);
}

static void on_stdin(void *data, int events)
{
    (void)events;
    struct line_mode *m = data;
    char bytes[1024];
    ssize_t n = read(m->input, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        m->left = true;
        return;
    }
    str_add_bytes(&m->typed, bytes, (size_t)n);
    char *end = memchr(m->typed.data, '\n', m->typed.len);
    if (!end)
        return;
    char *line = xstrndup(m->typed.data, (size_t)(end - m->typed.data));
    str_clear(&m->typed);
    answered(m, line);
    free(line);
}

void line_ask_interrupt(struct line_mode *m, int step)
{
    line_forget(m);
    line_say(m->passage ? "\ncancel: stop the step; leave: it is hung up; Enter: back to its terminal: "
                        : "\ncancel: stop the step; leave: it goes on without you; Enter: wait on: ");
    line_ask(m, ASKED_INTERRUPT, step);
}

static void on_interrupt(void *data, int number)
{
    struct line_mode *m = data;
    struct engine_run view;
    if (number == SIGINT && m->question == NO_QUESTION && engine_run_by_id(m->engine, m->id, &view) &&
        view.current_step >= 0) {
        line_ask_interrupt(m, view.current_step);
        return;
    }
    m->left = true;
}

/* ---- the walk ---- */

int line_mode_status(enum run_outcome outcome)
{
    if (outcome == OUTCOME_OK || outcome == OUTCOME_WARN)
        return 0;
    return outcome == OUTCOME_UNKNOWN ? 3 : 1;
}

/* While the journal can't be written nothing is asked: no answer could be taken. What runs goes on. */
static void trouble_show(struct line_mode *m)
{
    const char *trouble = engine_trouble(m->engine);
    if (trouble && !m->trouble) {
        line_say("\nthe journal can't be written, so nothing acts: %s\nwaiting for that to pass (or: belay "
                 "emergency); what runs goes "
                 "on\n",
                 trouble);
        m->question = NO_QUESTION;
    } else if (!trouble && m->trouble) {
        line_say("the journal can be written again\n");
    }
    m->trouble = trouble != NULL;
}

/* Between two questions. */
static void edited_show(struct line_mode *m, const struct engine_run *view)
{
    if (view->edited && !m->edited && m->question == NO_QUESTION) {
        line_say("%s\n", view->edited);
        m->edited = true;
    }
}

/* An approval that comes, or goes, while its page is shown. */
static void approvals_await(struct line_mode *m, const struct engine_run *view)
{
    int missing =
        m->question == ASKED_CONFIRM
            ? run_approvals_missing(view->run, m->step, engine_person(m->engine), engine_target(m->engine))
            : m->missing;
    if (missing == m->missing)
        return;
    m->missing = missing;
    line_say("\n  %-9s %s: ", "Approvals",
             missing > 0 ? "another one is needed" : "all are here: now it can be run");
}

static bool walk_turn(struct line_mode *m)
{
    struct engine_run view;
    enum run_outcome outcome;
    if (!engine_run_by_id(m->engine, m->id, &view)) {
        line_say("run %lld is gone\n", (long long)m->id);
        m->status = 1;
        return false;
    }
    if (view.elsewhere && view.owner) {
        line_say("\nrun %lld was taken over by %s: it goes on there\n", (long long)m->id, view.owner);
        m->status = 1;
        return false;
    }
    if (view.elsewhere || line_lends(m, &view))
        return true;
    line_outcomes_show(m, &view);
    if (run_ended(view.run, &outcome) && view.ended) {
        if (view.book->closing[0])
            line_say("\n%s\n\n", view.book->closing);
        struct str why = {0};
        run_verdict_text(view.run, &why);
        line_say("%s %lld ended: %s\n", view.rehearsed ? "rehearsal" : "run", (long long)m->id,
                 str_text(&why));
        str_fini(&why);
        m->status = view.rehearsed ? line_rehearse_end(m, &view, outcome) : line_mode_status(outcome);
        return false;
    }
    if (m->left) {
        line_terminal_close(m);
        line_say("\nrun %lld stays open: the console (belay) finds it under r\n", (long long)m->id);
        m->status = 130;
        return false;
    }
    if (view.current_step >= 0) {
        line_output_show(m, view.current_step, false);
        line_progress_show(m, &view);
    }
    approvals_await(m, &view);
    edited_show(m, &view);
    trouble_show(m);
    if (m->trouble && m->rehearsal.alone) {
        m->status = 1;
        return false;
    }
    bool idle = !m->waiting && !m->trouble && m->question == NO_QUESTION;
    if (idle && !line_rehearse(m, &view))
        ask_next(m, &view);
    return true;
}

/* Opened anew: the loop makes it non-blocking, and stdin is often the same open file as stdout, which would
 * then lose what the terminal doesn't take at once; so would the shell, later. */
static void listen_to_person(struct line_mode *m)
{
    struct err e = {0};
    m->input = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (m->input < 0)
        m->input = dup(STDIN_FILENO);
    m->watch = loop_watch_new(m->loop, m->input, LOOP_READ, on_stdin, m, &e);
}

int line_mode_walk(struct loop *loop, struct engine *engine, int64_t run, const struct line_script *script)
{
    struct line_mode m = {.loop = loop, .engine = engine, .id = run};
    struct engine_run view;
    struct err e = {0};
    if (!engine_run_by_id(engine, run, &view))
        return 1;
    m.shown = xcalloc(view.book->steps.len + 1, sizeof *m.shown);
    m.printed = xcalloc(view.book->steps.len + 1, sizeof *m.printed);
    m.input = -1;
    if (line_rehearse_open(&m, &view, script, &e) < 0) {
        line_say("belay: %s\n", e.msg);
        m.status = 2;
    } else if (!m.rehearsal.alone) {
        listen_to_person(&m);
    }
    struct loop_signal *interrupt = loop_signal_new(loop, SIGINT, on_interrupt, &m);
    struct loop_signal *terminate = loop_signal_new(loop, SIGTERM, on_interrupt, &m);
    struct loop_signal *hangup = loop_signal_new(loop, SIGHUP, on_interrupt, &m);
    line_say("%s%s\n", view.rehearsed ? "REHEARSAL, nothing is run: " : "", view.book->title);
    if (engine_lifetime_warning(engine) && !view.rehearsed)
        line_say("note: %s\n", engine_lifetime_warning(engine));
    while (m.status == 0 && walk_turn(&m))
        loop_run_once(loop, TURN_US);
    line_terminal_close(&m);
    if (m.watch)
        loop_watch_free(m.watch);
    if (m.input >= 0)
        close(m.input);
    loop_signal_free(interrupt);
    loop_signal_free(terminate);
    loop_signal_free(hangup);
    answers_free(m.rehearsal.answers);
    str_fini(&m.typed);
    free(m.variable);
    free(m.shown);
    free(m.printed);
    free(m.progress);
    return m.status;
}
