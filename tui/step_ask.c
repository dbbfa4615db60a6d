/* What a step asks of a person in words: values, answers, choices, reasons; each becomes one input of the
 * run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/step.h"

struct question {
    int64_t run;
    struct run_input input;
    char value[256];
    char name[256];
    char reason[RUNBOOK_VALUE_MAX + 1];
    bool wants_reason, typed;
};

static struct question *question_new(const struct step_view *view, enum run_input_kind kind)
{
    struct question *q = xcalloc(1, sizeof *q);
    q->run = view->run.id;
    q->input.kind = kind;
    q->input.step = view->index;
    return q;
}

static void question_send(struct console *console, struct question *q)
{
    q->input.reason = q->reason[0] != '\0' ? q->reason : NULL;
    console_input(console, q->run, &q->input, 0, NULL);
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

/* At most `limit` bytes, no character cut. */
static void add_cut(struct str *out, const char *text, size_t limit)
{
    size_t length = strnlen(text, limit + 1);
    if (length > limit) {
        for (length = limit; length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80; length--) {
        }
    }
    str_add_bytes(out, text, length);
}

bool step_ask_value(struct console *console, const struct step_view *view)
{
    for (size_t i = 0; i < run_value_count(view->run.run); i++) {
        struct run_value value;
        run_value_at(view->run.run, i, &value);
        if (!value.missing) {
            continue;
        }
        struct question *q = question_new(view, INPUT_SET);
        snprintf(q->name, sizeof q->name, "%s", value.name);
        struct str prompt = {0};
        add_cut(&prompt, value.ask, 100);
        str_add(&prompt, " (");
        add_cut(&prompt, value.name, 60);
        str_add(&prompt, "):");
        console_ask(console, str_text(&prompt), false, value_answer, q);
        str_fini(&prompt);
        return true;
    }
    return false;
}

static void ask_reason(struct console *console, struct question *q, const char *prompt, bool needed)
{
    q->wants_reason = needed;
    console_ask(console, prompt, false, reason_answer, q);
}

void step_choose(struct console *console, const struct step_view *view, const char *word)
{
    enum run_choice choice;
    if (!run_choice_parse(word, &choice) || (view->step.choices & 1u << choice) == 0) {
        console_say(console, SAY_BAD, "%s is not possible now", word);
        return;
    }
    bool needs = (view->step.reasons & 1u << choice) != 0;
    struct question *q = question_new(view, INPUT_CHOOSE);
    q->input.choice = choice;
    if (needs) {
        char prompt[64];
        snprintf(prompt, sizeof prompt, "%s, because:", word);
        ask_reason(console, q, prompt, true);
    } else {
        question_send(console, q);
        free(q);
    }
}

void step_resolve(struct console *console, const struct step_view *view, const char *word)
{
    if (view->step.ask != ASK_UNKNOWN) {
        console_say(console, SAY_BAD, "its outcome is not unknown");
        return;
    }
    struct question *q = question_new(view, INPUT_RESOLVE);
    q->input.resolved = str_eq(word, "ok") ? OUTCOME_OK : OUTCOME_FAILED;
    ask_reason(console, q, str_eq(word, "ok") ? "it worked, known from:" : "it failed, known from:", true);
}

void step_answer(struct console *console, const struct step_view *view, size_t index)
{
    struct question *q = question_new(view, INPUT_ANSWER);
    bool manual = view->what->kind == STEP_MANUAL;
    size_t count = manual ? 2 : view->what->answers.len;
    if (index >= count) {
        console_say(console, SAY_BAD, "there is no answer %zu", index + 1);
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
        step_context(console, view, &context, incident, run);
        run_page(view->run.run, view->index, &context, &data, NULL);
        snprintf(q->name, sizeof q->name, "%s", data.confirm_text != NULL ? data.confirm_text : "yes");
        q->typed = true;
        run_page_fini(&data);
    }
    char prompt[300];
    snprintf(prompt, sizeof prompt, "%s, because%s:", q->value,
             manual && index == 0 ? " (Enter for none)" : "");
    ask_reason(console, q, prompt, !(manual && index == 0));
}

void step_stop(struct console *console, const struct step_view *view)
{
    ask_reason(console, question_new(view, INPUT_STOP), "end the run, because:", true);
}
