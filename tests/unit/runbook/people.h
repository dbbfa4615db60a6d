/* Who moves the simulation: people who mostly do what is asked for, executions that end in all ways, consoles
 * that die, clocks that jump, holders of locks. Included by simulation.c alone, which has the machine's door.
 */
#ifndef BELAY_TESTS_PEOPLE_H
#define BELAY_TESTS_PEOPLE_H

#include "tests/unit/runbook/random_document.h"
#include "tests/unit/runbook/world.h"

static bool feed(struct world *w, struct run_input *in);

static void random_result(struct world *w, const struct run_ticket *t, struct run_result *result)
{
    struct rng *r = &w->rng;
    unsigned what = (unsigned)rng_below(r, 100);
    *result = (struct run_result){.end = END_EXITED,
                                  .exit = what < 55   ? 0
                                          : what < 75 ? 1
                                                      : 2 + (int)rng_below(r, 3)};
    if (what >= 80)
        result->end = what < 84   ? END_SIGNALLED
                      : what < 88 ? END_TIMED_OUT
                      : what < 90 ? END_LOST
                      : what < 92 ? END_HUNG_UP
                                  : END_NOT_STARTED;
    if (t->cancelled && chance(r, 80))
        result->end = END_CANCELLED;
    if (result->end == END_SIGNALLED)
        result->signal = 9;
    if (w->book->steps.data[t->step].expect && result->end == END_EXITED)
        result->match = chance(r, 70) ? MATCH_YES : chance(r, 70) ? MATCH_NO : MATCH_UNDECIDED;
    static const char *const measures[] = {"0.88", "0.88", "0.88", "0.9", "0.85", "0.5", "1", NULL};
    if (t->role == ROLE_GUARD)
        result->output = measures[rng_below(r, sizeof measures / sizeof *measures)];
}

static void finish_one(struct world *w, bool any_end)
{
    struct run_ticket tickets[64];
    size_t count = run_tickets(w->run, tickets, 64);
    if (count == 0)
        return;
    const struct run_ticket *t = &tickets[rng_below(&w->rng, count)];
    struct run_input in = {.kind = INPUT_FINISHED, .step = STEP_NONE, .ticket = t->ticket};
    if (any_end && !t->started && chance(&w->rng, 50))
        in.kind = INPUT_STARTED;
    random_result(w, t, &in.result);
    blame(w, feed(w, &in), "a report of an execution under way was refused");
}

static const char *somebody(struct world *w)
{
    static const char *const people[ACTORS_MAX] = {"alice", "bob", "carol", "dave"};
    return chance(&w->rng, 60) ? people[0] : people[rng_below(&w->rng, ACTORS_MAX)];
}

static const char *somewhere(struct world *w)
{
    return chance(&w->rng, 97) ? HERE : "elsewhere";
}

/* Others approve, or somebody breaks the glass; rightly or not. */
static void approve(struct world *w, int step, const char *digest)
{
    struct run_input in = {.kind = chance(&w->rng, 90) ? INPUT_APPROVE : INPUT_BREAK_GLASS,
                           .step = step,
                           .actor = somebody(w),
                           .where = somewhere(w),
                           .value = digest,
                           .has_signature = chance(&w->rng, 50),
                           .reason = chance(&w->rng, 70) ? "it burns" : NULL};
    if (chance(&w->rng, 5))
        in.value = "0000";
    feed(w, &in);
}

static void confirm(struct world *w, int step)
{
    struct run_page page;
    struct run_context context = {.where = HERE};
    run_page(w->run, step, &context, &page, NULL);
    if (page.approvals_missing > 0 && chance(&w->rng, 90)) {
        approve(w, step, page.digest);
        run_page_fini(&page);
        return;
    }
    struct run_input in = {.kind = INPUT_CONFIRM,
                           .step = step,
                           .actor = somebody(w),
                           .where = somewhere(w),
                           .value = page.confirm_text};
    if (chance(&w->rng, 10))
        in.value = "n";
    if (chance(&w->rng, 80))
        w->now_ms += 400 + (int64_t)rng_below(&w->rng, 3000);
    bool untried = page.untried.len > 0;
    blame(w, !untried || strstr(page.confirm_text, step_scope_text(page.scope)),
          "wider than something untried, and the confirmation is no stronger");
    feed(w, &in);
    run_page_fini(&page);
}

static void choose(struct world *w, int step, unsigned choices)
{
    struct run_input in = {.kind = INPUT_CHOOSE, .step = step, .actor = "alice"};
    if (choices == 0)
        return;
    do
        in.choice = (enum run_choice)rng_below(&w->rng, CHOICE_VERIFY + 1);
    while (!(choices & 1u << in.choice));
    if (in.choice == CHOICE_STOP && chance(&w->rng, 93))
        return;
    in.reason = chance(&w->rng, 80) ? "because" : NULL;
    bool stops = in.choice == CHOICE_STOP;
    if (feed(w, &in) && stops)
        w->stopped = true;
}

/* What the machine asks for, mostly. */
static void person(struct world *w)
{
    int step = run_current(w->run);
    struct run_step s;
    if (step == STEP_NONE)
        return;
    run_step_at(w->run, step, &s);
    struct run_input in = {.step = step, .actor = "alice", .value = "x", .reason = "seen"};
    switch (s.ask) {
    case ASK_VALUE:
        in.kind = INPUT_SET;
        in.name = "PLACE";
        in.value = chance(&w->rng, 80) ? "there" : "no good";
        break;
    case ASK_OPEN:
        in.kind = INPUT_OPEN;
        in.actor = somebody(w);
        in.where = somewhere(w);
        break;
    case ASK_CONFIRM:
        confirm(w, step);
        return;
    case ASK_ANSWER:
        in.kind = INPUT_ANSWER;
        in.value = w->book->steps.data[step].kind == STEP_DECISION ? (chance(&w->rng, 50) ? "left" : "right")
                   : chance(&w->rng, 80)                           ? "done"
                                                                   : "failed";
        in.typed = "SURE";
        break;
    case ASK_UNKNOWN:
        in.kind = INPUT_RESOLVE;
        in.resolved = chance(&w->rng, 50) ? OUTCOME_OK : OUTCOME_FAILED;
        break;
    default:
        choose(w, step, s.choices);
        return;
    }
    if (s.choices && chance(&w->rng, 25))
        choose(w, step, s.choices);
    else
        feed(w, &in);
}

/* Anything at all, at any step. */
static void nonsense(struct world *w)
{
    struct run_input in = {.kind = (enum run_input_kind)rng_below(&w->rng, INPUT_STOP), .actor = "bob"};
    in.step = (int)rng_below(&w->rng, w->book->steps.len + 1) - (chance(&w->rng, 5) ? 1 : 0);
    in.ticket = rng_below(&w->rng, 40) + 1000000;
    in.choice = (enum run_choice)rng_below(&w->rng, CHOICE_VERIFY + 2);
    in.resolved = (enum run_outcome)rng_below(&w->rng, OUTCOME_UNKNOWN + 1);
    in.name = chance(&w->rng, 50) ? "NS" : "NONE";
    in.where = chance(&w->rng, 50) ? HERE : NULL;
    in.value = chance(&w->rng, 50) ? "yes" : "rag2";
    in.reason = chance(&w->rng, 50) ? "why" : "";
    if (feed(w, &in) && in.kind == INPUT_CHOOSE && in.choice == CHOICE_STOP)
        w->stopped = true;
}

/* Whoever keeps the locks answers: a lock is ours, or somebody has it. Late answers are nobody's. */
static void answer_lock(struct world *w)
{
    struct run_input in = {.kind = chance(&w->rng, 80) ? INPUT_LOCKED : INPUT_REFUSED,
                           .value = "bob, run 13"};
    for (size_t i = 0; i < w->locks.len; i++)
        if (!w->locks.data[i].held) {
            in.ticket = w->locks.data[i].ticket;
            blame(w, feed(w, &in), "the answer to a lock was refused");
            return;
        }
    if (w->dropped.len == 0)
        return;
    in.ticket = w->dropped.data[w->dropped.len - 1].ticket;
    w->dropped.len--;
    blame(w, !feed(w, &in), "the answer to a lock that was given up was taken");
}

static struct run *fresh_run(const struct world *w)
{
    struct run *run = run_new(w->doctored ? w->doctored : w->book);
    for (size_t i = 0; i < w->book->steps.len; i++)
        if (w->book->steps.data[i].items)
            run_set_items(run, (int)i, w->items[w->book->steps.data[i].items[1] - '0']);
    return run;
}

/* The console dies: all that is left is the journal. The state that it gives is the state that was there. */
static void crash(struct world *w)
{
    struct run *again = fresh_run(w);
    bool prefixes = w->pictures.len == w->journal.len && w->wrong == RIGHT;
    w->counts[SEEN_REPLAYS] += prefixes;
    w->counts[SEEN_CRASHES]++;
    size_t count = w->journal.len;
    if (w->wrong == WRONG_FORGETS && count > 3)
        count--;
    for (size_t i = 0; i < count; i++) {
        struct run_input in;
        struct err e = {0};
        int code = run_input_from_json(w->book, w->journal.data[i], strlen(w->journal.data[i]), &in, &e);
        blame(w, code == 0 && run_apply(again, &in, NULL, &e) == 0, "an input of the journal is refused");
        run_input_fini(&in);
        if (prefixes)
            blame(w, picture(w->book, again) == w->pictures.data[i],
                  "a prefix of the journal gives another state");
    }
    blame(w, picture(w->book, w->run) == picture(w->book, again), "the restored run differs");
    run_free(w->run);
    w->run = again;
    struct run_input adopt = {.kind = INPUT_ADOPT, .step = STEP_NONE, .actor = "bob"};
    if (!run_ended(again, NULL) && chance(&w->rng, 80))
        blame(w, feed(w, &adopt), "a restored run can't be adopted");
}

static void tick(struct world *w)
{
    int64_t wake = run_wake_ms(w->run);
    if (wake > w->now_ms)
        w->now_ms = wake;
    struct run_input in = {.kind = INPUT_TICK, .step = STEP_NONE};
    feed(w, &in);
    blame(w, run_wake_ms(w->run) < 0 || run_wake_ms(w->run) > w->now_ms, "what is due is not done");
}

static void turn(struct world *w)
{
    unsigned what = (unsigned)rng_below(&w->rng, 100);
    w->now_ms += (int64_t)rng_below(&w->rng, chance(&w->rng, 5) ? 90000 : 2000);
    int current = run_current(w->run);
    if (chance(&w->rng, 1))
        w->now_ms += RUN_APPROVAL_MS;
    if (chance(&w->rng, 20))
        answer_lock(w);
    else if (what < 40 && run_tickets(w->run, NULL, 0) > 0) {
        finish_one(w, true);
    } else if (what < 75) {
        person(w);
    } else if (what < 88) {
        if (run_wake_ms(w->run) >= 0)
            tick(w);
    } else if (what < 92) {
        nonsense(w);
    } else if (what < 95 && current != STEP_NONE) {
        struct run_input in = {
            .kind = chance(&w->rng, 50) ? INPUT_CANCEL : INPUT_LEAVE, .step = current, .actor = "bob"};
        feed(w, &in);
    } else if (what < 96 && w->book->steps.len > 0) { /* an undo, whenever there is one to open */
        struct run_input in = {.kind = INPUT_OPEN, .step = runbook_find(w->book, "u0"), .actor = "bob"};
        feed(w, &in);
    } else if (what < 97) {
        crash(w);
    } else if (what < 99 && current != STEP_NONE) { /* a value, whenever it may change */
        struct run_input in = {.kind = INPUT_SET,
                               .step = STEP_NONE,
                               .actor = "bob",
                               .name = "NS",
                               .value = chance(&w->rng, 50) ? "rag" : "rag2"};
        feed(w, &in);
    }
}

#endif
