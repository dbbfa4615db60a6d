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
        struct run_parts parts;
        struct str text = {0};
        run_parts_at(run, i, &parts);
        run_part_text(run, i, 0, &text);
        if (parts.total != parts.pending + parts.running + parts.ok + parts.failed + parts.skipped +
                               parts.cancelled + parts.unknown)
            abort();
        str_fini(&text);
        free(run_follow(run, i, NULL));
    }
    for (size_t i = 0; i < run_value_count(run); i++) {
        struct run_value value;
        run_value_at(run, i, &value);
    }
}

static const char lines[] = "{\"id\":1}\n{\"id\":\"two\",\"x\":\"$(id)\"}\n{\"id\":3}\n";

/* What the engine would have found out: the lines of all items, a policy for each name. */
static struct run_input begin(const struct runbook *book, struct run *run, const struct items *items)
{
    struct run_input in = {.kind = INPUT_START, .seed = 7};
    struct run_pin *pins = calloc(book->steps.len + 1, sizeof *pins);
    struct run_policy *policies = calloc(book->steps.len + 1, sizeof *policies);
    if (!pins || !policies)
        abort();
    for (int i = 0; i < (int)book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        if (s->policy)
            policies[in.policy_count++] = (struct run_policy){.name = s->policy, .rules = policy_default()};
        if (!s->items)
            continue;
        pins[in.pin_count++] = (struct run_pin){i, items_digest(items), (int64_t)items_count(items)};
        run_set_items(run, i, items);
    }
    in.pins = pins;
    in.policies = policies;
    return in;
}

/* As far as nothing but looking goes: whatever acts must wait. */
static void walk(const struct runbook *book)
{
    struct run *run = run_new(book);
    struct run_effects effects = {0};
    struct items *items = items_parse("fuzz.jsonl", lines, sizeof lines - 1, NULL);
    struct run_input in = begin(book, run, items);
    struct err why;
    run_apply(run, &in, &effects, &why);
    free((void *)in.pins);
    free((void *)in.policies);
    look(run, book);
    for (int turn = 0; turn < 12 && !run_ended(run, NULL); turn++) {
        struct run_ticket ticket;
        in = (struct run_input){.kind = INPUT_TICK, .at_ms = turn * 100000, .step = STEP_NONE};
        if (run_tickets(run, &ticket, 1) > 0) {
            struct run_command command;
            if (run_role_acts(ticket.role))
                abort();
            run_ticket_command(run, ticket.ticket, NULL, &command, &why);
            run_command_fini(&command);
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
    items_free(items);
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
