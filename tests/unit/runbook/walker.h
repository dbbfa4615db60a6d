/* A person and a platform in the hands of a test: inputs in one line each. */
#ifndef BELAY_TESTS_WALKER_H
#define BELAY_TESTS_WALKER_H

#include "tests/unit/runbook/book.h"

struct walker {
    struct runbook *book;
    struct run *run;
    struct run_effects effects; /* of the newest input */
    int64_t now_ms;
    struct err e;
    struct items *items; /* of the one step that has some; NULL */
};

/* Any input; the code. Time passes by 1 ms. */
static inline int give(struct walker *w, struct run_input in)
{
    in.at_ms = ++w->now_ms;
    if (!in.actor)
        in.actor = "alice";
    w->effects.len = 0;
    memset(&w->e, 0, sizeof w->e);
    return run_apply(w->run, &in, &w->effects, &w->e);
}

static inline struct walker walk_document(const char *document)
{
    struct walker w = {.book = book_of(document)};
    struct err e = {0};
    if (runbook_runnable(w.book, &e))
        fail_msg("%s", e.msg);
    w.run = run_new(w.book);
    return w;
}

static inline struct walker walk(const char *document)
{
    struct walker w = walk_document(document);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_START}), 0);
    return w;
}

static inline struct items *items_of(const char *lines)
{
    struct err e = {0};
    struct items *items = items_parse("items.jsonl", lines, strlen(lines), &e);
    if (!items)
        fail_msg("%s", e.msg);
    return items;
}

/* START with what the engine would have found out: the policies of a configuration in YAML, the lines of the
 * step that has items; NULL for neither. */
static inline int begin(struct walker *w, const char *yaml, const char *lines, struct run_input start)
{
    struct err e = {0};
    struct config *config = yaml ? config_parse(yaml, strlen(yaml), "test.yaml", NULL, NULL, &e) : NULL;
    struct run_policy *policies;
    struct run_pin pin;
    if ((yaml && !config) || runbook_policies(w->book, config, &policies, &start.policy_count, &e))
        fail_msg("%s", e.msg);
    start.kind = INPUT_START;
    start.policies = policies;
    for (size_t i = 0; lines && i < w->book->steps.len; i++)
        if (w->book->steps.data[i].items) {
            w->items = items_of(lines);
            run_set_items(w->run, (int)i, w->items);
            pin = (struct run_pin){
                .step = (int)i, .digest = items_digest(w->items), .count = (int64_t)items_count(w->items)};
            start.pins = &pin;
            start.pin_count = 1;
        }
    int code = give(w, start);
    free(policies);
    config_free(config);
    return code;
}

static inline struct walker walk_with(const char *document, const char *yaml, const char *lines)
{
    struct walker w = walk_document(document);
    if (begin(&w, yaml, lines, (struct run_input){.seed = 7}))
        fail_msg("%s", w.e.msg);
    return w;
}

static inline void walked(struct walker *w)
{
    items_free(w->items);
    run_free(w->run);
    runbook_free(w->book);
    vec_fini(&w->effects);
}

static inline int number(const struct walker *w, const char *id)
{
    step_of(w->book, id);
    return runbook_find(w->book, id);
}

static inline struct run_step see(const struct walker *w, const char *id)
{
    struct run_step s;
    run_step_at(w->run, number(w, id), &s);
    return s;
}

/* The execution of a step that is under way; 0 for none. */
static inline uint64_t ticket_of(const struct walker *w, const char *id)
{
    struct run_ticket tickets[64];
    size_t count = run_tickets(w->run, tickets, 64);
    for (size_t i = 0; i < count; i++)
        if (tickets[i].step == number(w, id))
            return tickets[i].ticket;
    return 0;
}

static inline int finish(struct walker *w, const char *id, struct run_result result)
{
    uint64_t ticket = ticket_of(w, id);
    if (ticket == 0)
        fail_msg("%s doesn't run", id);
    return give(w, (struct run_input){.kind = INPUT_FINISHED, .ticket = ticket, .result = result});
}

static inline void exits(struct walker *w, const char *id, int status)
{
    assert_int_equal(finish(w, id, (struct run_result){.end = END_EXITED, .exit = status}), 0);
}

static inline void ends(struct walker *w, const char *id, enum run_end end)
{
    assert_int_equal(finish(w, id, (struct run_result){.end = end, .signal = end == END_SIGNALLED ? 9 : 0}),
                     0);
}

static inline int open_page(struct walker *w, const char *id)
{
    return give(w, (struct run_input){.kind = INPUT_OPEN, .step = number(w, id)});
}

/* A second later, what the page asks for, or another text. */
static inline int confirm(struct walker *w, const char *id, const char *text)
{
    w->now_ms += 1000;
    return give(w, (struct run_input){.kind = INPUT_CONFIRM, .step = number(w, id), .value = text});
}

static inline int choose(struct walker *w, const char *id, enum run_choice choice, const char *reason)
{
    return give(w, (struct run_input){
                       .kind = INPUT_CHOOSE, .step = number(w, id), .choice = choice, .reason = reason});
}

static inline int resolve(struct walker *w, const char *id, enum run_outcome outcome, const char *reason)
{
    return give(w, (struct run_input){
                       .kind = INPUT_RESOLVE, .step = number(w, id), .resolved = outcome, .reason = reason});
}

static inline int answer(struct walker *w, const char *id, const char *value, const char *reason)
{
    return give(
        w, (struct run_input){.kind = INPUT_ANSWER, .step = number(w, id), .value = value, .reason = reason});
}

static inline int cancel(struct walker *w, const char *id)
{
    return give(w, (struct run_input){.kind = INPUT_CANCEL, .step = number(w, id)});
}

static inline void tick(struct walker *w, int64_t ms)
{
    w->now_ms += ms;
    assert_int_equal(give(w, (struct run_input){.kind = INPUT_TICK}), 0);
}

/* Opened, confirmed with `yes`, acting. */
static inline void act(struct walker *w, const char *id)
{
    assert_int_equal(open_page(w, id), 0);
    if (confirm(w, id, "yes"))
        fail_msg("%s", w->e.msg);
    assert_int_not_equal(ticket_of(w, id), 0);
}

/* The execution of one part of a step; 0 for none. */
static inline uint64_t part_ticket(const struct walker *w, const char *id, int part)
{
    struct run_ticket tickets[64];
    size_t count = run_tickets(w->run, tickets, 64);
    for (size_t i = 0; i < count; i++)
        if (tickets[i].step == number(w, id) && tickets[i].part == part)
            return tickets[i].ticket;
    return 0;
}

static inline void part_ends(struct walker *w, const char *id, int part, struct run_result result)
{
    uint64_t ticket = part_ticket(w, id, part);
    if (ticket == 0)
        fail_msg("part %d of %s doesn't run", part, id);
    if (give(w, (struct run_input){.kind = INPUT_FINISHED, .ticket = ticket, .result = result}))
        fail_msg("%s", w->e.msg);
}

static inline void part_exits(struct walker *w, const char *id, int part, int status)
{
    part_ends(w, id, part, (struct run_result){.end = END_EXITED, .exit = status});
}

static inline struct run_parts parts_of(const struct walker *w, const char *id)
{
    struct run_parts parts;
    run_parts_at(w->run, number(w, id), &parts);
    assert_int_equal(parts.total, parts.pending + parts.running + parts.ok + parts.failed + parts.skipped +
                                      parts.cancelled + parts.unknown);
    return parts;
}

static inline struct run_part part_of(const struct walker *w, const char *id, int part)
{
    struct run_part view;
    run_part_at(w->run, number(w, id), part, &view);
    return view;
}

/* The note among the effects of the newest input that holds the text. */
static inline bool noted(const struct walker *w, const char *text)
{
    for (size_t i = 0; i < w->effects.len; i++)
        if (w->effects.data[i].kind == EFFECT_NOTE && strstr(w->effects.data[i].text, text))
            return true;
    return false;
}

/* The value of a variable of an execution's environment; the caller frees. NULL: it has none. */
static inline char *ticket_env(const struct walker *w, uint64_t ticket, const char *name)
{
    struct run_command command;
    struct err e = {0};
    char *value = NULL;
    if (run_ticket_command(w->run, ticket, NULL, &command, &e))
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < command.env.len; i++)
        if (str_eq(command.env.data[i].name, name)) {
            assert_null(value); /* once only: which of two would count is anybody's guess */
            value = xstrdup(command.env.data[i].value);
        }
    run_command_fini(&command);
    return value;
}

static inline size_t execs(const struct walker *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->effects.len; i++)
        count += w->effects.data[i].kind == EFFECT_EXEC;
    return count;
}

static inline enum run_outcome ended(const struct walker *w)
{
    enum run_outcome outcome = OUTCOME_PENDING;
    assert_true(run_ended(w->run, &outcome));
    return outcome;
}

#define assert_outcome(w, id, expected)                                                                      \
    do {                                                                                                     \
        struct run_step seen = see((w), (id));                                                               \
        if (seen.outcome != OUTCOME_##expected)                                                              \
            fail_msg("%s is %s (%s), not %s", (id), run_outcome_text(seen.outcome), seen.reason,             \
                     run_outcome_text(OUTCOME_##expected));                                                  \
    } while (0)
#define assert_ask(w, id, expected)                                                                          \
    do {                                                                                                     \
        struct run_step seen = see((w), (id));                                                               \
        if (seen.ask != ASK_##expected)                                                                      \
            fail_msg("%s asks for %s (%s), not %s", (id), run_ask_text(seen.ask), seen.reason,               \
                     run_ask_text(ASK_##expected));                                                          \
    } while (0)
#define assert_refused(code, w, text)                                                                        \
    do {                                                                                                     \
        assert_int_not_equal((code), 0);                                                                     \
        if (!strstr((w)->e.msg, (text)))                                                                     \
            fail_msg("refused with: %s", (w)->e.msg);                                                        \
    } while (0)
#define BLOCK(annotation) "```sh {" annotation "}\nrun\n```\n"

#endif
