/* A run: its steps, and what the selected one says. Enter goes to the step that waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/follow.h"
#include "tui/outcome_page.h"
#include "tui/powers.h"
#include "tui/step.h"

#define SIDE_BY_SIDE 100 /* columns from which list and step stand beside each other */

struct run_view {
    int64_t run;
    int selected; /* a place of the walk, from 0 */
    bool moved;   /* by the reader: else it stays with the step that waits */
    int rows;     /* of the list, as drawn last */
    bool asking;  /* values, one after the other */
    bool fresh;   /* just started: its first page opens by itself */
};

static bool look(struct page *page, struct engine_run *run)
{
    const struct run_view *own = page->state;
    return engine_run_by_id(console_engine(page->console), own->run, run);
}

static int place_of(const struct engine_run *run)
{
    int place = 0, total = 0;
    run_progress(run->run, &place, &total);
    return place > 0 ? place - 1 : 0;
}

static const char *word_of(const struct engine_run *run, int step)
{
    struct run_step view;
    run_step_at(run->run, step, &view);
    bool waits =
        view.ask != ASK_NOTHING && (view.outcome == OUTCOME_PENDING || view.outcome == OUTCOME_ARMED);
    return waits                        ? "next"
           : view.outcome == OUTCOME_OK ? "done"
                                        : step_outcome_text(&run->book->steps.data[step], view.outcome);
}

static void draw_list(struct page *page, const struct engine_run *run, struct canvas *c)
{
    struct run_view *own = page->state;
    int count = (int)run->book->walk.len, height = canvas_height(c), width = canvas_width(c);
    int digits = count > 999 ? 4 : count > 99 ? 3 : 2;
    own->rows = height;
    own->selected = own->moved ? own->selected : place_of(run);
    own->selected = own->selected >= count ? count - 1 : own->selected;
    int first = own->selected - height / 2, most = count - height;
    first = first > most ? most : first;
    first = first < 0 ? 0 : first;
    for (int y = 0; y < height && first + y < count; y++) {
        int step = run->book->walk.data[first + y];
        const char *word = word_of(run, step);
        const struct mark *mark = mark_find(word);
        canvas_put_glyph(c, 1, y, mark->role, mark->glyph);
        int end = canvas_put_right(c, width / 2, y, width - width / 2 - 1, mark->role,
                                   str_eq(word, "next") ? "waits" : word);
        canvas_putf(c, 3, y, ROLE_FAINT, "%*d", digits, first + y + 1);
        canvas_put_cut(c, 4 + digits, y, end - 5 - digits,
                       step == run->current_step ? ROLE_STRONG : ROLE_TEXT,
                       run->book->steps.data[step].title);
        if (first + y == own->selected) {
            canvas_restyle(c, (struct rect){0, y, width, 1}, ROLE_SELECTION);
        }
    }
}

/* What the step says; exactly what would run is on its page. */
static void draw_step(struct page *page, const struct engine_run *run, struct canvas *c)
{
    const struct run_view *own = page->state;
    if (own->selected < 0 || (size_t)own->selected >= run->book->walk.len) {
        return;
    }
    int index = run->book->walk.data[own->selected], width = canvas_width(c) - 2, y = 0;
    const struct step *what = &run->book->steps.data[index];
    struct run_step step;
    run_step_at(run->run, index, &step);
    y = canvas_put_wrapped(c, 1, y, width, ROLE_TITLE, what->title);
    int x = canvas_put(c, 1, y, step_kind_acts(what->kind) ? ROLE_DEGRADED : ROLE_FAINT,
                       step_kind_text(what->kind));
    if (what->scope != SCOPE_NONE) {
        x = canvas_putf(c, x, y, ROLE_FAINT, ", reaches %s", step_scope_text(what->scope));
    }
    if (step.reason[0] != '\0') {
        canvas_put_cut(c, x + 2, y, width - x, mark_find(step_outcome_text(what, step.outcome))->role,
                       step.reason);
    }
    struct step_view view;
    step_look_at(page->console, own->run, index, &view);
    y = powers_draw(page, &view, c, y + 1);
    if (what->prose[0] != '\0') {
        y = canvas_put_wrapped(c, 1, y + 1, width, ROLE_TEXT, what->prose);
    }
    y = canvas_put_wrapped(c, 1, y + 1, width, ROLE_STRONG,
                           what->script != NULL ? what->script : what->source);
    const char *output = engine_step_output(console_engine(page->console), own->run, index);
    if (output[0] != '\0') {
        canvas_put(c, 1, y + 1, ROLE_FAINT, "output");
        canvas_put_wrapped(c, 1, y + 2, width, ROLE_TEXT, output);
    }
}

static void draw_title(const struct engine_run *run, struct canvas *c)
{
    int width = canvas_width(c), place = 0, total = 0;
    enum run_outcome outcome = OUTCOME_PENDING;
    char text[240];
    run_progress(run->run, &place, &total);
    if (run_ended(run->run, &outcome)) {
        struct str why = {0};
        run_verdict_text(run->run, &why);
        snprintf(text, sizeof text, "run %lld ended %.160s%s", (long long)run->id, str_text(&why),
                 run->rehearsed ? REHEARSAL_IS_NO_PROMISE : "");
        str_fini(&why);
    } else if (run->elsewhere) {
        snprintf(text, sizeof text, "run %lld, step %d of %d, walked elsewhere by %.60s", (long long)run->id,
                 place, total, run->owner != NULL ? run->owner : run->actor);
    } else {
        snprintf(text, sizeof text, "run %lld, step %d of %d", (long long)run->id, place, total);
    }
    int end = canvas_put_right(c, width / 3, 0, width - width / 3 - 1, ROLE_TEXT, text);
    canvas_put_cut(c, 1, 0, end - 2, ROLE_TITLE, run->book->title);
}

static bool follows(struct page *page)
{
    struct engine_run run;
    return look(page, &run) && run.elsewhere && !run.ended;
}

static void draw(struct page *page, struct canvas *c)
{
    struct engine_run run;
    int width = canvas_width(c);
    if (!look(page, &run)) {
        canvas_put_wrapped(c, 1, 1, width - 2, ROLE_FAINT,
                           "This run is no longer in memory: the timeline has what it did.");
        return;
    }
    draw_title(&run, c);
    int height = follow_foot(page->console, &run, c);
    rehearsal_mark(&run, c, 1);
    struct rect list, step;
    if (width >= SIDE_BY_SIDE) {
        list = (struct rect){0, 2, width * 2 / 5, height - 2};
        step = (struct rect){list.width + 1, 2, width - list.width - 1, height - 2};
    } else {
        int top = run.rehearsed ? 2 : 1, room = height / 2;
        int rows = (int)run.book->walk.len < room ? (int)run.book->walk.len : room;
        list = (struct rect){0, top, width, rows};
        step = (struct rect){0, top + rows + 1, width, height - top - rows - 1};
        canvas_line(c, 1, top + rows, width - 2, ROLE_FRAME);
    }
    struct canvas left = canvas_sub(c, list), right = canvas_sub(c, step);
    draw_list(page, &run, &left);
    draw_step(page, &run, &right);
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    struct engine_run run;
    size_t depth = 0;
    if (follows(page)) {
        stack[depth++] = CONTEXT_FOLLOW;
    }
    if (!look(page, &run) || !run.ended) { /* nothing of it can be left out or stopped any more */
        stack[depth++] = CONTEXT_RUN;
    }
    stack[depth++] = CONTEXT_LIST;
    return depth;
}

static void look_current(struct page *page, struct step_view *view)
{
    const struct run_view *own = page->state;
    struct engine_run run;
    int step = look(page, &run) ? run.current_step : STEP_NONE;
    step_look_at(page->console, own->run, step, view);
}

/* Enter: the step that waits or runs; a step that is over is read. */
static void open_step(struct page *page)
{
    struct run_view *own = page->state;
    struct engine_run run;
    if (!look(page, &run)) {
        return;
    }
    if (outcome_ask(page->console, &run)) {
        return;
    }
    int step = own->selected >= 0 && (size_t)own->selected < run.book->walk.len
                   ? run.book->walk.data[own->selected]
                   : -1;
    if (!own->moved && run.current_step >= 0) {
        step = run.current_step;
    }
    struct step_view view;
    step_look_at(page->console, own->run, step, &view);
    if (view.mode == STEP_MODE_VALUE && !view.run.elsewhere && !console_refuses_to_act(page->console)) {
        own->asking = step_ask_value(page->console, &view);
    } else if (step >= 0) {
        own->moved = false;
        page_open_step(page->console, own->run, step);
    }
}

/* After the start, and after an answer: the next value is asked for, the first page is opened, while nobody
 * types anything else. */
static bool update(struct page *page, unsigned changes)
{
    struct run_view *own = page->state;
    struct step_view view;
    look_current(page, &view);
    if ((changes & ENGINE_RUNS) == 0 || page->console->prompt.editor != NULL || view.what == NULL) {
        return true;
    }
    bool acts = !engine_is_observer(console_engine(page->console)) && !view.run.elsewhere;
    if (outcome_ask(page->console, &view.run)) {
        return true;
    }
    if ((own->asking || own->fresh) && acts && view.mode == STEP_MODE_VALUE) {
        own->asking = step_ask_value(page->console, &view);
    } else if (own->fresh && acts && view.mode == STEP_MODE_CLOSED) {
        own->fresh = own->asking = false;
        page_open_step(page->console, own->run, view.index);
    }
    return true;
}

static bool move(struct run_view *own, const char *name)
{
    static const struct {
        const char *name;
        int step, pages;
    } moves[] = {{"up", -1, 0},       {"down", 1, 0},      {"page-up", 0, -1},
                 {"page-down", 0, 1}, {"top", -100000, 0}, {"bottom", 100000, 0}};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (str_eq(moves[i].name, name)) {
            own->selected += moves[i].step + moves[i].pages * (own->rows > 1 ? own->rows - 1 : 1);
            own->selected = own->selected < 0 ? 0 : own->selected;
            own->moved = true;
            return true;
        }
    }
    return false;
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    struct run_view *own = page->state;
    struct step_view view;
    look_current(page, &view);
    bool waiting = view.what != NULL;
    if (!waiting && (str_eq(name, "step-skip") || str_eq(name, "run-stop"))) {
        console_say(page->console, SAY_INFO, "nothing waits in this run");
    } else if (str_eq(name, "step-open") || str_eq(name, "open")) {
        open_step(page);
    } else if (str_eq(name, "step-skip")) {
        step_choose(page->console, &view, "skip");
    } else if (str_eq(name, "take-over")) {
        follow_take(page->console, own->run);
    } else if (str_eq(name, "run-stop")) {
        step_stop(page->console, &view);
    } else {
        return name != NULL && move(own, name);
    }
    return true;
}

static bool ticks(struct page *page)
{
    struct engine_run run;
    struct run_step step;
    if (!look(page, &run) || run.ended || run.current_step < 0) {
        return false;
    }
    run_step_at(run.run, run.current_step, &step);
    return step.outcome == OUTCOME_RUNNING;
}

static void close(struct page *page)
{
    free(page->state);
}

static const struct page_type type = {
    .name = "run",
    .live = true,
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
    .ticks = ticks,
    .follows = follows,
};

/* An interrupted run is taken up by whoever opens it to act. */
static void take_up(struct console *console, int64_t run)
{
    struct engine_run view;
    if (engine_run_by_id(console_engine(console), run, &view) && view.interrupted &&
        !engine_is_observer(console_engine(console))) {
        struct engine_request request = {.kind = REQUEST_RUN_RESUME, .run = run};
        console_submit(console, &request, 0, NULL);
    }
}

void page_open_run(struct console *console, int64_t run, bool fresh)
{
    struct run_view *own = xcalloc(1, sizeof *own);
    own->run = run;
    own->fresh = fresh;
    console_push(console, &type, own);
    take_up(console, run);
}
