/* room: runbook */
/* Any bytes as a document: parsed, looked at as a screen would, and walked a little. Nothing may crash, hang,
 * or run without a confirmation. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/runbook/runbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void look(const struct run *run, const struct runbook *book)
{
    for (int i = 0; i < (int)book->steps.len; i++) {
        struct run_step step;
        struct run_page page;
        struct err e;
        run_step_at(run, i, &step);
        run_page(run, i, NULL, &page, &e);
        run_page_fini(&page);
    }
    for (size_t i = 0; i < run_value_count(run); i++) {
        struct run_value value;
        run_value_at(run, i, &value);
    }
}

/* As far as nothing but looking goes: whatever acts must wait. */
static void walk(const struct runbook *book)
{
    struct run *run = run_new(book);
    struct run_effects effects = {0};
    struct run_input in = {.kind = INPUT_START};
    run_apply(run, &in, &effects, NULL);
    look(run, book);
    for (int turn = 0; turn < 8 && !run_ended(run, NULL); turn++) {
        struct run_ticket ticket;
        in = (struct run_input){.kind = INPUT_TICK, .at_ms = turn * 100000, .step = STEP_NONE};
        if (run_tickets(run, &ticket, 1) > 0) {
            if (run_role_acts(ticket.role))
                abort();
            in.kind = INPUT_FINISHED;
            in.ticket = ticket.ticket;
            in.result =
                (struct run_result){.end = END_EXITED, .exit = turn & 1, .match = MATCH_YES, .output = "x"};
        } else if (run_current(run) != STEP_NONE) {
            in.kind = INPUT_CHOOSE;
            in.step = run_current(run);
            in.choice = CHOICE_SKIP;
            in.reason = "fuzz";
        }
        char *json = run_input_to_json(book, &in);
        struct run_input back;
        struct err e;
        if (run_input_from_json(book, json, strlen(json), &back, &e) == 0)
            run_input_fini(&back);
        free(json);
        run_apply(run, &in, &effects, NULL);
    }
    look(run, book);
    vec_fini(&effects);
    run_free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    struct runbook *book = runbook_parse("fuzz/book.md", (const char *)bytes, length, &e);
    if (!book) {
        if (!e.msg[0])
            abort(); /* a refusal says why */
        return 0;
    }
    runbook_runnable(book, &e);
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        if (runbook_find(book, s->id) != (int)i || !*s->title || s->line < 1)
            abort(); /* ids are unique, every step can be named */
    }
    walk(book);
    runbook_free(book);
    return 0;
}
