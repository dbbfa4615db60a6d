/* What a step asks of a person in words: values, answers, choices, reasons; each becomes one input of the
 * run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/step.h"

/* ---- a prompt about the step; the page may be gone when it is answered ---- */

struct question {
    uint32_t page;
    struct run_input input;
    char value[256];
    char name[256];
    char reason[RUNBOOK_VALUE_MAX + 1];
    bool wants_reason, typed;
};

static struct question *question_new(struct page *page, enum run_input_kind kind)
{
    struct question *q = xcalloc(1, sizeof *q);
    q->page = page->id;
    q->input.kind = kind;
    return q;
}

static void question_send(struct console *console, struct question *q)
{
    struct page *page = console_page(console, q->page);
    if (page == NULL) {
        return;
    }
    q->input.reason = q->reason[0] != '\0' ? q->reason : NULL;
    step_send(page, q->input, NULL);
}

static void typed_answer(struct console *console, void *context, const char *text, bool accepted)
{
    struct question *q = context;
    if (accepted) {
        q->input.typed = text;
        question_send(console, q);
    }
}

static void reason_answer(struct console *console, void *context, const char *text, bool accepted)
{
    struct question *q = context;
    if (!accepted) {
        return;
    }
    if (q->wants_reason && text[strspn(text, " ")] == '\0') {
        console_say(console, SAY_BAD, "it needs a reason");
        return;
    }
    snprintf(q->reason, sizeof q->reason, "%s", text);
    if (!q->typed) {
        question_send(console, q);
        return;
    }
    struct question *next = xmalloc(sizeof *next);
    *next = *q;
    next->input.value = next->input.value != NULL ? next->value : NULL;
    char prompt[320];
    snprintf(prompt, sizeof prompt, "type %s to confirm:", next->name);
    console_ask(console, prompt, true, typed_answer, next);
}

static void value_answer(struct console *console, void *context, const char *text, bool accepted)
{
    struct question *q = context;
    if (accepted) {
        q->input.name = q->name;
        q->input.value = text;
        question_send(console, q);
    }
}

void step_ask_value(struct page *page, const struct step_view *view)
{
    for (size_t i = 0; i < run_value_count(view->run.run); i++) {
        struct run_value value;
        run_value_at(view->run.run, i, &value);
        if (value.missing) {
            struct question *q = question_new(page, INPUT_SET);
            snprintf(q->name, sizeof q->name, "%s", value.name);
            char prompt[200];
            snprintf(prompt, sizeof prompt, "%.100s (%.60s):", value.ask, value.name);
            console_ask(page->console, prompt, false, value_answer, q);
            return;
        }
    }
}

static void ask_reason(struct page *page, struct question *q, const char *prompt, bool needed)
{
    q->wants_reason = needed;
    console_ask(page->console, prompt, false, reason_answer, q);
}

void step_choose(struct page *page, const struct step_view *view, const char *word)
{
    enum run_choice choice;
    if (!run_choice_parse(word, &choice) || (view->step.choices & 1u << choice) == 0) {
        console_say(page->console, SAY_BAD, "%s is not possible now", word);
        return;
    }
    bool needs = (view->step.reasons & 1u << choice) != 0;
    struct question *q = question_new(page, INPUT_CHOOSE);
    q->input.choice = choice;
    if (needs) {
        char prompt[64];
        snprintf(prompt, sizeof prompt, "%s, because:", word);
        ask_reason(page, q, prompt, true);
    } else {
        question_send(page->console, q);
        free(q);
    }
}

void step_resolve(struct page *page, const struct step_view *view, const char *word)
{
    if (view->step.ask != ASK_UNKNOWN) {
        console_say(page->console, SAY_BAD, "its outcome is not unknown");
        return;
    }
    struct question *q = question_new(page, INPUT_RESOLVE);
    q->input.resolved = str_eq(word, "ok") ? OUTCOME_OK : OUTCOME_FAILED;
    ask_reason(page, q, str_eq(word, "ok") ? "it worked, known from:" : "it failed, known from:", true);
}

void step_answer(struct page *page, const struct step_view *view, size_t index)
{
    struct question *q = question_new(page, INPUT_ANSWER);
    bool manual = view->what->kind == STEP_MANUAL;
    size_t count = manual ? 2 : view->what->answers.len;
    if (index >= count) {
        free(q);
        return;
    }
    const char *value = manual ? (index == 0 ? "done" : "failed") : view->what->answers.data[index].value;
    snprintf(q->value, sizeof q->value, "%s", value);
    q->input.value = q->value;
    if (view->what->confirm != CONFIRM_NONE) {
        struct run_context context;
        struct run_page data = {0};
        char incident[24], run[24];
        step_context(page, view, &context, incident, run);
        run_page(view->run.run, ((struct step_page *)page->state)->step, &context, &data, NULL);
        snprintf(q->name, sizeof q->name, "%s", data.confirm_text != NULL ? data.confirm_text : "yes");
        q->typed = true;
        run_page_fini(&data);
    }
    char prompt[300];
    snprintf(prompt, sizeof prompt, "%s, because%s:", q->value,
             manual && index == 0 ? " (Enter for none)" : "");
    ask_reason(page, q, prompt, !(manual && index == 0));
}

void step_stop(struct page *page)
{
    ask_reason(page, question_new(page, INPUT_STOP), "end the run, because:", true);
}
