/* A step while it runs, after it, and when it waits for a choice or an answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/follow.h"
#include "tui/outcome_page.h"
#include "tui/passage.h"
#include "tui/powers.h"
#include "tui/step.h"

#define CHANGES_SHOWN 6

void step_draw_title(struct page *page, const struct step_view *view, struct canvas *c)
{
    struct str danger = {0}, place = {0};
    int width = canvas_width(c), at = 0, total = 0;
    step_danger(page, view, &danger);
    run_progress(view->run.run, &at, &total);
    int own_place = view->what->place > 0 ? view->what->place : at;
    str_addf(&place, "step %d of %d, run %lld", own_place, total, (long long)view->run.id);
    if (width < 100) {
        str_clear(&place); /* the title needs the room */
        str_addf(&place, "%d of %d, run %lld", own_place, total, (long long)view->run.id);
    } else if (view->run.incident > 0) {
        str_addf(&place, ", INC-%lld", (long long)view->run.incident);
    }
    int end = width - 1;
    if (danger.len > 0) {
        char text[80];
        snprintf(text, sizeof text, " %.70s ", str_text(&danger));
        bool demo = strstr(text, "DEMO") != NULL;
        end = canvas_put_right(c, 0, 0, end, demo ? ROLE_DEMO : ROLE_DANGER, text) - 3;
    }
    if (width >= 70) {
        end = canvas_put_right(c, 0, 0, end, ROLE_TEXT, str_text(&place)) - 2;
    }
    canvas_put_cut(c, 1, 0, end - 1, ROLE_TITLE, view->what->title);
    str_fini(&danger);
    str_fini(&place);
}

/* ---- output ---- */

static void refresh_output(struct step_page *own, const char *text)
{
    size_t length = strlen(text);
    uint64_t sum = checksum64(text, length);
    if (sum != own->output_sum) {
        text_view_clear(own->output);
        text_view_add_bytes(own->output, ROLE_TEXT, text, length);
        own->output_sum = sum;
    }
}

static void draw_output(struct page *page, struct canvas *c, int y, bool elsewhere)
{
    struct step_page *own = page->state;
    int height = canvas_height(c);
    refresh_output(own, engine_step_output(console_engine(page->console), own->run, own->step));
    if (y + 1 >= height) {
        return;
    }
    bool none = own->output_sum == checksum64("", 0);
    canvas_put(c, 1, y, ROLE_FAINT,
               !none       ? "output"
               : elsewhere ? "no output yet that could be read along here; the timeline has it afterwards"
                           : "no output yet");
    struct canvas area = canvas_sub(c, (struct rect){1, y + 1, canvas_width(c) - 2, height - y - 1});
    text_view_draw(own->output, &area, page->filter);
}

/* ---- while it runs ---- */

static int draw_command(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    struct step_page *own = page->state;
    struct run_context context;
    struct run_command command = {0};
    struct err e = {0};
    char incident[24], run[24];
    if (view->what->script == NULL) {
        return y;
    }
    step_context(page->console, view, &context, incident, run);
    if (run_command(view->run.run, own->step, &context, &command, &e) == 0) {
        struct str text = {0};
        run_command_text(&command, &text);
        /* Read in full before it ran; three rows remind of it. */
        struct canvas area = canvas_sub(c, (struct rect){1, y, canvas_width(c) - 2, 3});
        int rows = canvas_put_wrapped(&area, 0, 0, canvas_width(&area), ROLE_FAINT, str_text(&text));
        y += rows < 3 ? rows : 3;
        str_fini(&text);
    }
    run_command_fini(&command);
    return y;
}

/* ---- its verifications ---- */

/* The last line that a verification printed, which may go on for hours; NULL (the caller frees). */
static char *said_last(const struct page *page, int64_t run, int step)
{
    const char *text = engine_step_output(console_engine(page->console), run, step);
    size_t end = strlen(text), start;
    while (end > 0 && text[end - 1] == '\n') {
        end--;
    }
    for (start = end; start > 0 && text[start - 1] != '\n';) {
        start--;
    }
    return end > start ? xstrndup(text + start, end - start) : NULL;
}

#define VERIFY_INDENT 11

/* What it says is more than what it is called: it has a row of its own, where both don't fit. */
static int draw_verify(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    const struct step_page *own = page->state;
    struct run_context context;
    struct run_page data = {0};
    char incident[24], run[24];
    step_context(page->console, view, &context, incident, run);
    if (run_page(view->run.run, own->step, &context, &data, NULL) == 0) {
        for (size_t i = 0; i < data.after.len; i++) {
            const struct run_page_item *item = &data.after.data[i];
            const struct step *what = &view->run.book->steps.data[item->step];
            const char *word = step_outcome_text(what, item->outcome);
            const struct mark *mark = mark_find(item->outcome == OUTCOME_OK ? "done" : word);
            int x = canvas_put(c, 1, y, ROLE_TITLE, "verify") + 2;
            x = canvas_put_glyph(c, x, y, mark->role, mark->glyph) + 1;
            x = canvas_put(c, x, y, ROLE_TEXT, what->title) + 2;
            bool never = item->outcome == OUTCOME_PENDING && view->step.outcome >= OUTCOME_OK;
            bool polled = item->outcome == OUTCOME_RUNNING && what->items == NULL;
            char *said = polled ? said_last(page, own->run, item->step) : NULL;
            const char *text = said != NULL                                      ? said
                               : item->reason != NULL && item->reason[0] != '\0' ? item->reason
                               : never                                           ? "not run"
                                                                                 : word;
            if (x + canvas_columns(c, text) > canvas_width(c) - 1) {
                x = VERIFY_INDENT;
                y++;
            }
            canvas_put_cut(c, x, y, canvas_width(c) - x - 1, mark->role, text);
            free(said);
            y++;
        }
    }
    run_page_fini(&data);
    return y;
}

static void draw_running(struct page *page, const struct step_view *view, struct canvas *c)
{
    struct step_page *own = page->state;
    int64_t now_ms = engine_run_clock_ms(console_engine(page->console), own->run);
    char elapsed[DURATION_TEXT_SIZE];
    int64_t since = view->step.since_ms >= 0 ? now_ms - view->step.since_ms : 0;
    duration_format((since < 0 ? 0 : since) * US_PER_MS, elapsed);
    int x = canvas_put_glyph(c, 1, 2, ROLE_ACTIVE, GLYPH_RUNNING) + 1;
    x = canvas_putf(c, x, 2, ROLE_ACTIVE, "%s",
                    view->step.phase == PHASE_IDLE ? "running" : run_phase_text(view->step.phase));
    x = canvas_putf(c, x + 2, 2, ROLE_STRONG, "%s", elapsed);
    if (view->step.limit_ms > 0) {
        char limit[DURATION_TEXT_SIZE];
        duration_format(view->step.limit_ms * US_PER_MS, limit);
        x = canvas_putf(c, x + 1, 2, ROLE_TEXT, "of %s", limit);
    }
    bool parted = view->what->items != NULL || view->what->rungs != NULL || view->step.tries_max > 1;
    if (view->step.attempts > 1 && !parted) { /* those say it in rows of their own */
        x = canvas_putf(c, x + 2, 2, ROLE_TEXT, "attempt %u", view->step.attempts);
    }
    if (view->step.next_ms >= 0 && view->step.next_ms > now_ms && !parted) {
        char next[DURATION_TEXT_SIZE];
        duration_format((view->step.next_ms - now_ms) * US_PER_MS, next);
        x = canvas_putf(c, x + 2, 2, ROLE_TEXT, "again in %s", next);
    }
    bool on_terminal = passage_is_of(page->console->passage, own->run);
    canvas_put_cut(c, x + 3, 2, canvas_width(c) - x - 4, ROLE_FAINT,
                   view->run.elsewhere   ? ""
                   : view->run.rehearsed ? "Enter says what comes of it   b background"
                   : on_terminal         ? "Ctrl-C back to its terminal, cancel or background"
                                         : "b background   Ctrl-C cancel, background or leave");
    int y = draw_command(page, view, c, 3);
    y = powers_draw(page, view, c, y);
    if (view->step.phase == PHASE_VERIFYING) {
        y = draw_verify(page, view, c, y);
    }
    draw_output(page, c, y + 1, view->run.elsewhere);
    if (own->questioned) {
        struct canvas inside = popup_draw(c, 58, 7, "The step is running");
        canvas_put(&inside, 1, 1, ROLE_KEY, "c");
        canvas_put(&inside, 4, 1, ROLE_POPUP, "cancel it: TERM, after its grace period KILL");
        canvas_put(&inside, 1, 2, ROLE_KEY, "b");
        canvas_put(&inside, 4, 2, ROLE_POPUP, "background: it goes on, back to the dashboard");
        canvas_put(&inside, 1, 3, ROLE_KEY, "l");
        canvas_put(&inside, 4, 3, ROLE_POPUP,
                   on_terminal ? "leave the question, back to its terminal"
                               : "leave the question, stay here");
    }
}

/* ---- after it ---- */

static int draw_outcome(const struct step_view *view, struct canvas *c, int y)
{
    const struct run_step *step = &view->step;
    const char *word = step_outcome_text(view->what, step->outcome);
    const struct mark *mark = mark_find(step->outcome == OUTCOME_OK ? "done" : word);
    int x = canvas_put_glyph(c, 1, y, mark->role, mark->glyph) + 1;
    x = canvas_put(c, x, y, mark->role | STYLE_BOLD, word);
    if (step->answer[0] != '\0') {
        x = canvas_putf(c, x + 2, y, ROLE_STRONG, "%s", step->answer);
    }
    if (step->executed) {
        if (step->end == END_EXITED) {
            x = canvas_putf(c, x + 2, y, ROLE_TEXT, "exit %d", step->exit);
        } else {
            x = canvas_putf(c, x + 2, y, ROLE_TEXT, "%s", run_end_text(step->end));
        }
        if (step->end == END_SIGNALLED) {
            x = canvas_putf(c, x + 1, y, ROLE_TEXT, "by signal %d", step->signal);
        }
    }
    if (step->ended_ms >= 0 && step->started_ms >= 0 && step->ended_ms >= step->started_ms) {
        char took[DURATION_TEXT_SIZE];
        duration_format((step->ended_ms - step->started_ms) * US_PER_MS, took);
        x = canvas_putf(c, x + 2, y, ROLE_FAINT, "after %s", took);
    }
    char plain[24];
    snprintf(plain, sizeof plain, "exit %d", step->exit);
    bool said = step->executed && str_eq(step->reason, plain);
    if (step->reason[0] != '\0' && !said) {
        return canvas_put_wrapped(c, 3, y + 1, canvas_width(c) - 4, mark->role, step->reason);
    }
    return y + 1;
}

/* What changed on the dashboard since the step began. */
static int draw_changes(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    if (view->step.started_ms < 0) {
        return y;
    }
    const struct timeline *timeline = engine_timeline(console_engine(page->console));
    int64_t from_us = view->run.started_us + view->step.started_ms * US_PER_MS;
    size_t shown = 0;
    for (size_t i = timeline_count(timeline); i-- > 0 && shown < CHANGES_SHOWN;) {
        const struct timeline_line *line = timeline_at(timeline, i);
        if (line->at_us < from_us) {
            break;
        }
        if (line->kind != EVENT_TRANSITION) {
            continue;
        }
        if (shown++ == 0) {
            canvas_put(c, 1, y++, ROLE_TITLE, "Changed since it began, newest first");
        }
        char time[SCENE_TEXT_SIZE];
        scene_time(console_scene(page->console), line->at_us, true, time);
        int x = canvas_put(c, 3, y, ROLE_FAINT, time) + 1;
        canvas_put_cut(c, x, y++, canvas_width(c) - x - 1, ROLE_TEXT, line->text);
    }
    return y;
}

static int draw_next(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    const struct step_page *own = page->state;
    enum run_outcome outcome = OUTCOME_PENDING;
    int current = view->run.current_step, x = canvas_put(c, 1, y, ROLE_TITLE, "Next") + 2;
    if (run_ended(view->run.run, &outcome)) {
        struct str why = {0};
        str_add(&why, "the run has ended: ");
        run_verdict_text(view->run.run, &why);
        str_add(&why, view->run.rehearsed ? REHEARSAL_IS_NO_PROMISE : "");
        y = canvas_put_wrapped(c, x, y, canvas_width(c) - x - 1, mark_find(run_outcome_text(outcome))->role,
                               str_text(&why)) -
            1;
        str_fini(&why);
    } else if (current >= 0 && current != own->step) {
        x = canvas_put_cut(c, x, y, canvas_width(c) - x - 20, ROLE_STRONG,
                           view->run.book->steps.data[current].title) +
            2;
        canvas_put_cut(c, x, y, canvas_width(c) - x, ROLE_KEY_LABEL, "Enter goes there");
    } else {
        canvas_put(c, x, y, ROLE_FAINT, "the run goes on by itself");
    }
    return y + 1;
}

/* ---- choices ---- */

static const struct {
    enum run_choice choice;
    const char *key;
} choice_keys[] = {{CHOICE_RETRY, "r"}, {CHOICE_ROLLBACK, "b"}, {CHOICE_CONTINUE, "c"},
                   {CHOICE_STOP, "s"},  {CHOICE_SKIP, "x"},     {CHOICE_VERIFY, "v"}};

/* Another's choice is shown dimmed: its keys are pressed there. */
static int put_choice(const struct step_view *view, struct canvas *c, int y, const char *key,
                      const char *word, const char *help)
{
    bool dimmed = view->run.elsewhere;
    int x = canvas_put(c, 3, y, dimmed ? ROLE_DISABLED : ROLE_KEY, key) + 2;
    x = canvas_put(c, x, y, dimmed ? ROLE_DISABLED : ROLE_STRONG, word);
    canvas_put_cut(c, x < 17 ? 17 : x + 2, y, canvas_width(c) - (x < 17 ? 18 : x + 3),
                   dimmed ? ROLE_DISABLED : ROLE_TEXT, help);
    return y + 1;
}

static int draw_choices(const struct step_view *view, struct canvas *c, int y)
{
    static const char *const questions[] = {
        [ASK_WHEN] = "Its condition rests on an outcome that nobody knows. Do it?",
        [ASK_EVIDENCE] = "Its evidence could not be saved. Going on without it needs a reason.",
        [ASK_FAILED] = "It failed. What now?",
        [ASK_UNKNOWN] = "Nobody knows whether it worked. Find out, then say so with a reason.",
    };
    if (view->step.ask >= ASK_WHEN) {
        canvas_put_cut(c, 1, y++, canvas_width(c) - 2, ROLE_STRONG,
                       step_says_no(view->what, view->step.outcome) ? "It says no. What now?"
                                                                    : questions[view->step.ask]);
    }
    if (view->step.ask == ASK_UNKNOWN) {
        y = put_choice(view, c, y, "o", "it worked", "it is known now that it worked; with a reason");
        y = put_choice(view, c, y, "f", "it failed", "it is known now that it failed; with a reason");
    }
    for (size_t i = 0; i < sizeof choice_keys / sizeof choice_keys[0]; i++) {
        enum run_choice choice = choice_keys[i].choice;
        if (view->step.choices & 1u << choice) {
            y = put_choice(view, c, y, choice_keys[i].key, run_choice_text(choice),
                           run_choice_help(choice, view->what, &view->step));
        }
    }
    return y;
}

static int draw_answers(const struct step_view *view, struct canvas *c, int y)
{
    const struct step *what = view->what;
    canvas_put_cut(c, 1, y++, canvas_width(c) - 2, ROLE_STRONG,
                   what->kind == STEP_MANUAL ? "To be done by hand:"
                                             : "To be decided; the answer is recorded with a reason:");
    if (what->source[0] != '\0' && what->kind == STEP_MANUAL) {
        y = canvas_put_wrapped(c, 3, y, canvas_width(c) - 4, ROLE_TEXT, what->source);
    }
    if (what->kind == STEP_MANUAL) {
        y = put_choice(view, c, y, "1", "done", "");
        return put_choice(view, c, y, "2", "failed", "it could not be done");
    }
    for (size_t i = 0; i < what->answers.len && i < 9; i++) {
        char key[12];
        snprintf(key, sizeof key, "%zu", i + 1);
        y = put_choice(view, c, y, key, what->answers.data[i].value, what->answers.data[i].text);
    }
    return y;
}

static int draw_prose(const struct step_view *view, struct canvas *c, int y)
{
    if (view->what->prose[0] == '\0') {
        return y;
    }
    return canvas_put_wrapped(c, 1, y, canvas_width(c) - 2, ROLE_TEXT, view->what->prose) + 1;
}

static void draw_result(struct page *page, const struct step_view *view, struct canvas *c)
{
    bool choosing = view->mode == STEP_MODE_CHOICE, answering = view->mode == STEP_MODE_ANSWER;
    int y = 2;
    if (answering || view->step.outcome == OUTCOME_PENDING) {
        y = draw_prose(view, c, y);
    } else {
        y = draw_outcome(view, c, y);
        y = powers_draw(page, view, c, y);
        y = draw_verify(page, view, c, y);
    }
    if (choosing) {
        y = draw_choices(view, c, y + 1);
    } else if (answering) {
        y = draw_answers(view, c, y);
    }
    if (view->step.outcome == OUTCOME_PENDING && !answering) {
        y = draw_command(page, view, c, y);
    }
    y = draw_changes(page, view, c, y + 1);
    if (!choosing && !answering) {
        y = draw_next(page, view, c, y);
    }
    if (view->what->script != NULL && view->step.outcome != OUTCOME_PENDING) {
        draw_output(page, c, y + 1, view->run.elsewhere);
    }
}

void step_draw(struct page *page, const struct step_view *view, struct canvas *c)
{
    int width = canvas_width(c), height = follow_foot(page->console, &view->run, c);
    step_draw_title(page, view, c);
    canvas_line(c, 1, 1, width - 2, ROLE_FRAME);
    rehearsal_mark(&view->run, c, 1);
    struct canvas body = canvas_sub(c, (struct rect){0, 0, width, height});
    if (view->mode == STEP_MODE_RUNNING) {
        draw_running(page, view, &body);
    } else {
        draw_result(page, view, &body);
    }
}
