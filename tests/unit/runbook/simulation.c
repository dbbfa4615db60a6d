/* Seeded simulation of the run machine: random documents, random people, random ends of what runs, crashes.
 * Oracles (semantics.md, "Steps" and "Runs") know the inputs that went in and the effects that came out, not
 * the machine's insides. Wrong machines, kept here, must be caught. BELAY_SEED=N runs one seed, BELAY_RUNS=N
 * so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/runbook/onlooker.h"
#include "tests/unit/runbook/random_document.h"

/* ---- One input into the machine, right or wrong ---- */

static void wrong_turn(struct world *w, const struct run_input *in)
{
    int now = run_current(w->run);
    struct run_step s;
    if (now == STEP_NONE)
        return;
    run_step_at(w->run, now, &s);
    struct run_input own = {.at_ms = in->at_ms, .step = now, .actor = "nobody", .reason = "by itself"};
    bool unknown = acts(w, now) && s.ask == ASK_UNKNOWN && in->kind == INPUT_FINISHED;
    if (w->wrong == WRONG_CONFIRMS && s.ask == ASK_CONFIRM) {
        struct run_page page;
        run_page(w->run, now, NULL, &page, NULL);
        own.kind = INPUT_CONFIRM;
        own.value = page.confirm_text;
        run_apply(w->run, &own, &w->effects, NULL);
        run_page_fini(&page);
    } else if (w->wrong == WRONG_REPEATS && unknown) {
        own.kind = INPUT_CHOOSE;
        own.choice = CHOICE_RETRY;
        run_apply(w->run, &own, &w->effects, NULL);
    } else if (w->wrong == WRONG_GOES_ON && unknown) {
        own.kind = INPUT_CHOOSE;
        own.choice = CHOICE_CONTINUE;
        run_apply(w->run, &own, &w->effects, NULL);
    }
}

static bool feed(struct world *w, struct run_input *in)
{
    in->at_ms = w->now_ms;
    struct err admits = {0}, applies = {0};
    bool watched = rng_below(&w->rng, 8) == 0;
    uint64_t before = watched ? picture(w->run) : 0;
    int current = run_current(w->run), code = run_admits(w->run, in, &admits);
    struct run_ticket ticket = {.step = STEP_NONE}, tickets[64];
    size_t count = run_tickets(w->run, tickets, 64);
    for (size_t i = 0; i < count; i++)
        if (in->kind == INPUT_FINISHED && tickets[i].ticket == in->ticket)
            ticket = tickets[i];
    char *json = code ? NULL : run_input_to_json(w->book, in);
    w->effects.len = 0;
    blame(w, run_apply(w->run, in, &w->effects, &applies) == code, "admits and apply disagree");
    if (code && watched)
        blame(w, picture(w->run) == before, "a refused input left a trace");
    if (code) {
        w->counts[SEEN_REFUSALS]++;
        blame(w, admits.msg[0] != '\0', "a refusal without a word");
        return false;
    }
    *vec_push(&w->journal) = json;
    see_input(w, in);
    if (ticket.step != STEP_NONE)
        see_result(w, in, ticket.step, ticket.role);
    wrong_turn(w, in);
    see_effects(w);
    see_unknown(w, in, current);
    return true;
}

/* ---- People, ends, faults ---- */

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
                      : what < 92 ? END_LOST
                                  : END_NOT_STARTED;
    if (t->cancelled && chance(r, 80))
        result->end = END_CANCELLED;
    if (result->end == END_SIGNALLED)
        result->signal = 9;
    if (w->book->steps.data[t->step].expect && result->end == END_EXITED)
        result->match = chance(r, 70) ? MATCH_YES : chance(r, 70) ? MATCH_NO : MATCH_UNDECIDED;
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

static void confirm(struct world *w, int step)
{
    struct run_page page;
    run_page(w->run, step, NULL, &page, NULL);
    struct run_input in = {.kind = INPUT_CONFIRM, .step = step, .actor = "alice", .value = page.confirm_text};
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
    in.value = chance(&w->rng, 50) ? "yes" : "rag2";
    in.reason = chance(&w->rng, 50) ? "why" : "";
    if (feed(w, &in) && in.kind == INPUT_CHOOSE && in.choice == CHOICE_STOP)
        w->stopped = true;
}

/* The console dies: all that is left is the journal. The state that it gives is the state that was there. */
static void crash(struct world *w)
{
    struct run *again = run_new(w->book);
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
    }
    blame(w, picture(w->run) == picture(again), "the restored run differs");
    run_free(w->run);
    w->run = again;
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
    if (what < 40 && run_tickets(w->run, NULL, 0) > 0) {
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
    }
}

/* Every run can end: a stop, and the ends of what runs. */
static void end_it(struct world *w)
{
    struct run_input in = {.kind = INPUT_STOP, .step = STEP_NONE, .actor = "alice", .reason = "enough"};
    if (!run_ended(w->run, NULL) && !run_stopping(w->run))
        blame(w, feed(w, &in), "a run can't be stopped");
    for (int i = 0; i < 200 && !run_ended(w->run, NULL); i++)
        finish_one(w, false);
    blame(w, run_ended(w->run, NULL) && w->ended == 1, "a run doesn't end, or more than once");
    in.kind = INPUT_TICK;
    blame(w, run_admits(w->run, &in, NULL) != 0, "a run takes inputs after its end");
    enum run_outcome outcome = OUTCOME_PENDING;
    bool unknown = false;
    run_ended(w->run, &outcome);
    for (size_t i = 0; i < w->book->steps.len; i++) {
        struct run_step s;
        run_step_at(w->run, (int)i, &s);
        unknown |= acts(w, (int)i) && s.outcome == OUTCOME_UNKNOWN;
        blame(w, s.outcome != OUTCOME_RUNNING && s.outcome != OUTCOME_ARMED && s.ask == ASK_NOTHING,
              "something is under way after the end");
    }
    blame(w, unknown == (outcome == OUTCOME_UNKNOWN), "a run's outcome hides an unknown step");
    if (w->wrong != RIGHT || chance(&w->rng, 25))
        crash(w);
}

/* NULL, or what went wrong. */
static const char *simulate(const struct runbook *book, uint64_t seed, enum wrong wrong,
                            unsigned long *counts)
{
    struct world w = {
        .book = book, .wrong = wrong, .known = xcalloc(book->steps.len + 1, sizeof(struct known))};
    rng_seed(&w.rng, seed);
    w.run = run_new(book);
    for (size_t i = 0; i < book->steps.len; i++)
        w.known[i].passed_ms = w.known[i].saved_ms = -1;
    struct run_input start = {.kind = INPUT_START, .step = STEP_NONE, .actor = "alice"};
    blame(&w, feed(&w, &start), "it can't be started");
    for (int i = 0; i < 120 && !run_ended(w.run, NULL) && !w.broken; i++)
        turn(&w);
    w.counts[SEEN_NATURAL] += run_ended(w.run, NULL) && !w.stopped;
    if (!w.broken)
        end_it(&w);
    for (int i = 0; counts && i < SEEN_COUNT; i++)
        counts[i] += w.counts[i];
    for (size_t i = 0; i < w.journal.len; i++)
        free(w.journal.data[i]);
    vec_fini(&w.journal);
    vec_fini(&w.started);
    vec_fini(&w.effects);
    run_free(w.run);
    free(w.known);
    return w.broken;
}

static long env_number(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

#define RUNS_PER_DOCUMENT 50

static struct runbook *document_of(uint64_t seed)
{
    char *text;
    struct err e = {0};
    struct runbook *book = random_document(seed, &text, &e);
    if (!book)
        fail_msg("document seed %llu: %s\n%s", (unsigned long long)seed, e.msg, text);
    free(text);
    return book;
}

static void test_random_runs_keep_every_promise(void **state)
{
    (void)state;
    unsigned long counts[SEEN_COUNT] = {0};
    long runs = env_number("BELAY_RUNS", getenv("BELAY_PROOF") ? 100000 : 10000),
         first = env_number("BELAY_SEED", 1);
    struct runbook *book = NULL;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < (getenv("BELAY_SEED") ? 1 : runs); i++) {
        uint64_t seed = (uint64_t)(first + i);
        if (!book || seed % RUNS_PER_DOCUMENT == 0) {
            runbook_free(book);
            book = document_of(seed / RUNS_PER_DOCUMENT);
        }
        const char *broken = simulate(book, seed, RIGHT, counts);
        if (broken)
            fail_msg("seed %llu: %s (BELAY_SEED=%llu runs it again)", (unsigned long long)seed, broken,
                     (unsigned long long)seed);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    runbook_free(book);
    printf("%ld runs from seed %ld in %.2f s\n", runs, first,
           (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
#define X(name, text)                                                                                        \
    printf("  %lu %s\n", counts[SEEN_##name], text);                                                         \
    assert_true(runs<1000 || counts[SEEN_##name]> 0);
    SEEN(X)
#undef X
}

static void test_wrong_machines_are_caught(void **state)
{
    (void)state;
    static const char *const names[] = {"right", "confirms by itself", "repeats after unknown",
                                        "goes on after unknown", "forgets an input"};
    for (enum wrong wrong = RIGHT + 1; wrong < WRONG_COUNT; wrong++) {
        const char *broken = NULL;
        uint64_t seed = 0;
        struct runbook *book = NULL;
        while (!broken && seed < 2000) {
            if (seed++ % RUNS_PER_DOCUMENT == 0) {
                runbook_free(book);
                book = document_of(seed / RUNS_PER_DOCUMENT);
            }
            broken = simulate(book, seed, wrong, NULL);
        }
        runbook_free(book);
        if (!broken)
            fail_msg("the machine that %s was not caught in %llu runs", names[wrong],
                     (unsigned long long)seed);
        printf("%s: caught at seed %llu: %s\n", names[wrong], (unsigned long long)seed, broken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_runs_keep_every_promise),
        cmocka_unit_test(test_wrong_machines_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
