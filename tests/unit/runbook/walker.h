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
};

/* Any input; the code. Time passes by 1 ms. */
static inline int give(struct walker *w, struct run_input in)
{
    in.at_ms = ++w->now_ms;
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

static inline void walked(struct walker *w)
{
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
