/* The page of one step: what it waits for decides what the page is and what the keys mean. Everything that it
 * does is one input of the run's machine, which journals it before it acts. */
#include "tui/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/follow.h"
#include "tui/outcome_page.h"

/* ---- what there is ---- */

static bool is_asked(struct console *console, int64_t run, int step, struct engine_approval *asked)
{
    for (size_t i = 0; engine_approval_at(console_engine(console), i, asked); i++) {
        if (asked->run == run && asked->step == step) {
            return true;
        }
    }
    return false;
}

static enum step_mode mode_of(const struct step_view *view, int step)
{
    if (view->run.ended || view->run.current_step != step) {
        return STEP_MODE_READ;
    }
    switch (view->step.ask) {
    case ASK_VALUE:
        return STEP_MODE_VALUE;
    case ASK_OPEN:
    case ASK_CONFIRM:
        return view->is_asked && !view->asked.given                ? STEP_MODE_APPROVE
               : view->step.ask == ASK_OPEN || view->run.elsewhere ? STEP_MODE_CLOSED
                                                                   : STEP_MODE_CONFIRM;
    case ASK_ANSWER:
        return STEP_MODE_ANSWER;
    case ASK_WHEN:
    case ASK_EVIDENCE:
    case ASK_FAILED:
    case ASK_UNKNOWN:
        return STEP_MODE_CHOICE;
    case ASK_NOTHING:
        break;
    }
    return view->step.outcome == OUTCOME_RUNNING ? STEP_MODE_RUNNING : STEP_MODE_READ;
}

void step_look_at(struct console *console, int64_t run, int step, struct step_view *view)
{
    memset(view, 0, sizeof *view);
    if (!engine_run_by_id(console_engine(console), run, &view->run) || step < 0 ||
        (size_t)step >= view->run.book->steps.len) {
        return;
    }
    view->index = step;
    view->what = &view->run.book->steps.data[step];
    run_step_at(view->run.run, step, &view->step);
    view->is_asked = is_asked(console, run, step, &view->asked);
    view->mode = mode_of(view, step);
}

void step_look(struct page *page, struct step_view *view)
{
    const struct step_page *own = page->state;
    step_look_at(page->console, own->run, own->step, view);
}

/* ---- inputs ---- */

static void send(struct page *page, struct run_input input, console_then *then)
{
    const struct step_page *own = page->state;
    input.step = own->step;
    console_input(page->console, own->run, &input, page->id, then);
}

static void arm(struct page *page)
{
    struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    if (view.mode != STEP_MODE_CLOSED || view.run.elsewhere || console_refuses_to_act(page->console)) {
        return;
    }
    own->disarmed = false;
    own->scroll = 0;
    send(page, (struct run_input){.kind = INPUT_OPEN}, NULL);
}

static void make_guard(struct page *page, const struct step_view *view)
{
    struct step_page *own = page->state;
    struct run_context context;
    struct run_page data = {0};
    char incident[24], run[24];
    step_context(page->console, view, &context, incident, run);
    if (run_page(view->run.run, own->step, &context, &data, NULL) == 0) {
        const char *word = data.confirm_text != NULL ? data.confirm_text : "yes";
        confirm_init(&own->confirm, word, data.confirm == CONFIRM_KEY && str_eq(word, "y"));
        own->guarded_ms = view->step.opened_ms;
    }
    run_page_fini(&data);
}

/* A machine that has just been armed gets a new guard; one that grew too old is closed. */
static void keep_guard(struct page *page, const struct step_view *view)
{
    struct step_page *own = page->state;
    if (view->mode == STEP_MODE_APPROVE) {
        approve_guard(page, view);
        return;
    }
    if (view->mode != STEP_MODE_CONFIRM) {
        own->guarded_ms = -1;
        return;
    }
    if (own->guarded_ms != view->step.opened_ms || own->guarded_ms < 0) {
        make_guard(page, view);
    }
    if (confirm_disarmed(&own->confirm, page->console->now_us()) && !own->disarmed) {
        own->disarmed = true;
        send(page, (struct run_input){.kind = INPUT_LEAVE}, NULL);
    }
}

static void confirmed(struct console *console, struct page *page, int code, int64_t id)
{
    (void)id;
    if (code != 0 && page != NULL) {
        struct step_page *own = page->state;
        own->guarded_ms = -1; /* refused: typed anew, with all guards */
        console_dirty(console);
    }
}

/* ---- commands ---- */

/* The page of another step takes the place of this one. */
static void go_to(struct page *page, int step)
{
    const struct step_page *own = page->state;
    struct console *console = page->console;
    int64_t run = own->run;
    console_pop(console);
    page_open_step(console, run, step);
    struct step_page *next = console_top(console)->state;
    next->passing = true;
}

static bool update(struct page *page, unsigned changes)
{
    const struct step_page *own = page->state;
    struct step_view view, waiting;
    step_look(page, &view);
    int current = view.run.current_step;
    if ((changes & ENGINE_RUNS) != 0 && view.what != NULL && outcome_ask(page->console, &view.run)) {
        return true;
    }
    if ((changes & ENGINE_RUNS) == 0 || !own->passing || view.mode != STEP_MODE_READ || view.what == NULL ||
        view.what->kind != STEP_CHECK || view.run.ended || current < 0 || current == own->step) {
        return true;
    }
    step_look_at(page->console, own->run, current, &waiting);
    if (waiting.mode != STEP_MODE_READ) {
        go_to(page, current);
    }
    return true;
}

static void go_on(struct page *page)
{
    struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    if (view.mode == STEP_MODE_VALUE && !view.run.elsewhere) {
        step_ask_value(page->console, &view);
    } else if (view.mode == STEP_MODE_READ && view.what != NULL && !view.run.ended &&
               view.run.current_step >= 0 && view.run.current_step != own->step) {
        go_to(page, view.run.current_step);
    } else if (view.mode == STEP_MODE_READ) {
        console_pop(page->console);
    }
}

/* Where nothing is typed a colon begins a command: while others have to approve (what does without them is
 * one), and on a closed page, unless it goes on with what was being typed when the page closed itself. */
static bool colon_command(struct page *page, const struct step_view *view, const struct key *key)
{
    const struct step_page *own = page->state;
    struct engine *engine = console_engine(page->console);
    if (!key_is_text(key) || key->code != ':' ||
        (view->mode == STEP_MODE_CLOSED
             ? own->confirm.length > 0
             : view->mode != STEP_MODE_CONFIRM ||
                   run_approvals_missing(view->run.run, view->run.current_step, engine_person(engine),
                                         engine_target(engine)) == 0)) {
        return false;
    }
    prompt_command(page->console);
    return true;
}

enum confirm_answer step_confirm_key(struct page *page, const struct key *key, const char *name,
                                     const char *instead, const char *mismatch)
{
    struct step_page *own = page->state;
    if (page->console->painted_page != page->id) {
        confirm_away(&own->confirm); /* it comes back from a suspension */
    }
    enum confirm_answer answer = confirm_key(&own->confirm, key, name, page->console->now_us());
    if (answer == CONFIRM_TOO_EARLY) {
        console_say(page->console, SAY_INFO, "thrown away: the page is younger than half a second");
    } else if (answer == CONFIRM_PASTE_REFUSED) {
        console_say(page->console, SAY_BAD, "a paste is refused here: %s", instead);
    } else if (answer == CONFIRM_MISMATCH) {
        console_say(page->console, SAY_BAD, "%s", mismatch);
    }
    return answer;
}

static bool confirm_command(struct page *page, const struct step_view *view, const struct key *key,
                            const char *name)
{
    struct step_page *own = page->state;
    if (confirm_scroll(page, name) || (name == NULL && colon_command(page, view, key))) {
        return true;
    }
    if (view->mode == STEP_MODE_CLOSED) {
        if (str_eq(name, "confirm-accept")) {
            arm(page);
        }
        return name == NULL; /* what is typed for a page that has just disarmed itself goes nowhere else */
    }
    bool answers = name == NULL || str_eq(name, "confirm-accept");
    if (answers && confirm_unread(page)) {
        return true;
    }
    char *mismatch = xasprintf("not run: %s has to be typed", own->confirm.word);
    enum confirm_answer answer = step_confirm_key(page, key, name, "type it", mismatch);
    free(mismatch);
    if (answer == CONFIRM_GO) {
        struct run_input input = {.kind = INPUT_CONFIRM, .value = own->confirm.typed};
        send(page, input, confirmed);
    }
    return answer != CONFIRM_IGNORED;
}

/* Another's: it is read, and it may be taken over. */
static bool follow_command(struct page *page, const struct step_view *view, const char *name)
{
    struct step_page *own = page->state;
    if (str_eq(name, "take-over")) {
        follow_take(page->console, own->run);
    } else if (str_eq(name, "step-open")) {
        go_on(page);
    } else if (view->mode == STEP_MODE_CLOSED && confirm_scroll(page, name)) {
        return true;
    } else {
        return name != NULL && text_view_command(own->output, name);
    }
    return true;
}

static bool running_command(struct page *page, const char *name)
{
    struct step_page *own = page->state;
    if (str_eq(name, "background")) {
        console_home(page->console);
    } else if (str_eq(name, "interrupt")) {
        own->questioned = true;
    } else if (str_eq(name, "leave")) {
        own->questioned = false;
        interactive_return(page->console, own->run);
    } else if (str_eq(name, "cancel-step")) {
        own->questioned = false;
        send(page, (struct run_input){.kind = INPUT_CANCEL}, NULL);
    } else {
        return text_view_command(own->output, name);
    }
    return true;
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    bool goes_on = str_eq(name, "step-open") || str_eq(name, "open") || str_eq(name, "confirm-accept");
    if (goes_on && view.what != NULL && outcome_ask(page->console, &view.run)) {
        return true;
    }
    keep_guard(page, &view);
    if (view.mode == STEP_MODE_APPROVE) {
        return approve_command(page, &view, key, name);
    }
    if (view.run.elsewhere) {
        return follow_command(page, &view, name);
    }
    if (view.mode == STEP_MODE_CONFIRM || view.mode == STEP_MODE_CLOSED) {
        return confirm_command(page, &view, key, name);
    }
    if (name == NULL) {
        return false;
    }
    if (view.mode == STEP_MODE_RUNNING) {
        return running_command(page, name);
    }
    own->questioned = false;
    if (str_eq(name, "step-open") || str_eq(name, "open")) {
        go_on(page);
    } else if (str_starts(name, "choose ")) {
        step_choose(page->console, &view, name + 7);
    } else if (str_eq(name, "step-skip")) {
        step_choose(page->console, &view, "skip");
    } else if (str_starts(name, "resolve ")) {
        step_resolve(page->console, &view, name + 8);
    } else if (str_starts(name, "answer ")) {
        if (view.mode == STEP_MODE_ANSWER) {
            step_answer(page->console, &view, (size_t)(name[7] - '1'));
        }
    } else if (str_eq(name, "run-stop")) {
        step_stop(page->console, &view);
    } else {
        return text_view_command(own->output, name);
    }
    return true;
}

/* ---- the page ---- */

static size_t contexts(struct page *page, enum key_context *stack)
{
    const struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    if (view.run.elsewhere && !view.run.ended && view.mode != STEP_MODE_APPROVE) {
        stack[0] = CONTEXT_FOLLOW;
        stack[1] = CONTEXT_RUN;
        stack[2] = CONTEXT_TEXT;
        return 3;
    }
    if (view.run.ended) { /* it is read: there is nothing to leave out or to stop */
        stack[0] = CONTEXT_TEXT;
        return 1;
    }
    switch (view.mode) {
    case STEP_MODE_CLOSED:
    case STEP_MODE_CONFIRM:
    case STEP_MODE_APPROVE:
        stack[0] = CONTEXT_CONFIRM;
        return 1;
    case STEP_MODE_RUNNING:
        stack[0] = own->questioned ? CONTEXT_POPUP : CONTEXT_RUNNING;
        stack[1] = CONTEXT_TEXT;
        return own->questioned ? 1 : 2;
    case STEP_MODE_CHOICE:
        stack[0] = CONTEXT_CHOICE;
        break;
    case STEP_MODE_ANSWER:
        stack[0] = CONTEXT_ANSWER;
        break;
    default:
        stack[0] = CONTEXT_RUN;
        break;
    }
    stack[1] = CONTEXT_TEXT;
    return 2;
}

static bool modal(struct page *page)
{
    const struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    if (view.mode == STEP_MODE_APPROVE || view.run.elsewhere) {
        return view.mode == STEP_MODE_APPROVE;
    }
    return view.mode == STEP_MODE_CONFIRM || view.mode == STEP_MODE_CLOSED ||
           (view.mode == STEP_MODE_RUNNING && own->questioned);
}

static bool follows(struct page *page)
{
    struct step_view view;
    step_look(page, &view);
    return view.run.elsewhere && !view.run.ended && view.mode != STEP_MODE_APPROVE;
}

static bool ticks(struct page *page)
{
    struct step_view view;
    step_look(page, &view);
    return view.mode == STEP_MODE_CONFIRM || view.mode == STEP_MODE_RUNNING || view.is_asked;
}

static void draw(struct page *page, struct canvas *c)
{
    struct step_view view;
    step_look(page, &view);
    if (view.what == NULL) {
        canvas_put_wrapped(c, 1, 1, canvas_width(c) - 2, ROLE_FAINT,
                           "This run is no longer in memory: the timeline has what it did.");
        return;
    }
    keep_guard(page, &view);
    bool closed =
        view.mode == STEP_MODE_CLOSED || view.mode == STEP_MODE_CONFIRM || view.mode == STEP_MODE_APPROVE;
    if (closed) {
        confirm_draw(page, &view, c);
    } else {
        step_draw(page, &view, c);
    }
}

static void painted(struct page *page, int64_t now_us, bool anew)
{
    struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    if (view.mode == STEP_MODE_CONFIRM || view.mode == STEP_MODE_CLOSED || view.mode == STEP_MODE_APPROVE) {
        own->command.seen = own->command.rows - confirm_unseen(own);
    }
    if ((view.mode == STEP_MODE_CONFIRM && own->guarded_ms >= 0) ||
        (view.mode == STEP_MODE_APPROVE && own->approved[0] != '\0' && !own->disarmed)) {
        confirm_shown(&own->confirm, now_us, anew);
    }
    if (view.mode == STEP_MODE_RUNNING && !own->questioned && page->console->prompt.editor == NULL &&
        engine_terminal_wanted(console_engine(page->console), own->run) != STEP_NONE) {
        interactive_begin(page->console, own->run);
    }
}

static void close(struct page *page)
{
    struct step_page *own = page->state;
    struct step_view view;
    step_look(page, &view);
    if (view.mode == STEP_MODE_CONFIRM && !own->confirm.done && !page->console->quitting) {
        struct run_input input = {.kind = INPUT_LEAVE, .step = own->step};
        console_input(page->console, own->run, &input, 0, NULL);
    }
    text_view_free(own->output);
    free(own->key);
    free(own);
}

static const struct page_type type = {
    .name = "step",
    .live = true,
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
    .painted = painted,
    .ticks = ticks,
    .modal = modal,
    .follows = follows,
};

void page_open_step(struct console *console, int64_t run, int step)
{
    struct step_page *own = xcalloc(1, sizeof *own);
    *own = (struct step_page){.run = run, .step = step, .guarded_ms = -1, .output = text_view_new()};
    own->output_sum = checksum64("", 0);
    text_view_follow(own->output, true);
    struct page *page = console_push(console, &type, own);
    struct step_view view;
    step_look(page, &view);
    bool acting =
        !engine_is_observer(console_engine(console)) && engine_trouble(console_engine(console)) == NULL;
    if (view.mode == STEP_MODE_CLOSED && !view.run.elsewhere && acting) {
        arm(page);
    } else if (view.mode == STEP_MODE_VALUE && !view.run.elsewhere && acting) {
        step_ask_value(page->console, &view);
    }
}

void page_open_approval(struct console *console, int64_t run, int step, const char *key)
{
    page_open_step(console, run, step);
    struct step_page *own = console_top(console)->state;
    own->key = xstrdup(key);
}
