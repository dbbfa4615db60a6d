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

static void apply_own(struct world *w, struct run_input own)
{
    own.at_ms = w->now_ms;
    run_apply(w->run, &own, &w->effects, NULL);
}

static void wrong_turn(struct world *w, const struct run_input *in)
{
    int now = run_current(w->run);
    struct run_step s;
    char digest[SHA256_HEX_SIZE];
    if (now == STEP_NONE)
        return;
    run_step_at(w->run, now, &s);
    struct run_input own = {.step = now, .actor = "nobody", .reason = "by itself", .where = HERE};
    bool unknown = acts(w, now) && s.ask == ASK_UNKNOWN && in->kind == INPUT_FINISHED;
    if (w->wrong == WRONG_CONFIRMS && s.ask == ASK_CONFIRM) {
        struct run_page page;
        run_page(w->run, now, NULL, &page, NULL);
        own.kind = INPUT_CONFIRM;
        own.value = page.confirm_text;
        apply_own(w, own);
        run_page_fini(&page);
    } else if (w->wrong == WRONG_APPROVES && in->kind == INPUT_OPEN &&
               run_command_digest(w->run, now, HERE, digest, NULL) == 0) {
        own.kind = INPUT_APPROVE;
        own.value = digest;
        apply_own(w, own);
    } else if (w->wrong == WRONG_REPEATS && unknown) {
        own.kind = INPUT_CHOOSE;
        own.choice = CHOICE_RETRY;
        apply_own(w, own);
    } else if (w->wrong == WRONG_GOES_ON && unknown) {
        own.kind = INPUT_CHOOSE;
        own.choice = CHOICE_CONTINUE;
        apply_own(w, own);
    }
}

static struct run_ticket ticket_named(const struct world *w, const struct run_input *in)
{
    struct run_ticket tickets[64];
    size_t count = run_tickets(w->run, tickets, 64);
    for (size_t i = 0; i < count; i++)
        if (in->kind == INPUT_FINISHED && tickets[i].ticket == in->ticket)
            return tickets[i];
    return (struct run_ticket){.step = STEP_NONE};
}

static bool feed(struct world *w, struct run_input *in)
{
    in->at_ms = w->now_ms;
    struct err admits = {0}, applies = {0};
    bool watched = rng_below(&w->rng, 8) == 0;
    uint64_t before = watched ? picture(w->book, w->run) : 0;
    int current = run_current(w->run), code = run_admits(w->run, in, &admits);
    struct run_ticket ticket = ticket_named(w, in);
    char *json = code ? NULL : run_input_to_json(w->book, in);
    w->effects.len = 0;
    blame(w, run_apply(w->run, in, &w->effects, &applies) == code, "admits and apply disagree");
    if (code && watched)
        blame(w, picture(w->book, w->run) == before, "a refused input left a trace");
    if (code) {
        w->counts[SEEN_REFUSALS]++;
        blame(w, admits.msg[0] != '\0', "a refusal without a word");
        return false;
    }
    *vec_push(&w->journal) = json;
    see_input(w, in);
    if (ticket.step != STEP_NONE)
        see_result(w, in, &ticket);
    wrong_turn(w, in);
    see_effects(w);
    see_unknown(w, in, current);
    see_parts(w, current, in->kind != INPUT_FINISHED && in->kind != INPUT_TICK);
    see_void(w);
    if (w->every_prefix)
        *vec_push(&w->pictures) = picture(w->book, w->run);
    return true;
}

#include "tests/unit/runbook/people.h"

/* ---- Runs ---- */

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
        struct run_parts parts;
        run_parts_at(w->run, (int)i, &parts);
        blame(w, parts.running == 0, "a part is under way after the end");
        blame(w, s.outcome != OUTCOME_RUNNING && s.outcome != OUTCOME_ARMED && s.ask == ASK_NOTHING,
              "something is under way after the end");
    }
    blame(w, unknown == (outcome == OUTCOME_UNKNOWN), "a run's outcome hides an unknown step");
    if (w->wrong != RIGHT || chance(&w->rng, 25))
        crash(w);
}

/* A document that is not quite the right one: who walks it breaks a promise. NULL: this one can't be. */
static struct runbook *doctored(const struct world *w, const char *text)
{
    struct runbook *book = runbook_parse("random.md", text, strlen(text), NULL);
    bool changed = false;
    for (size_t i = 0; i < book->steps.len; i++) {
        struct step *s = &book->steps.data[i];
        struct step was = *s;
        if (w->wrong == WRONG_ONE_LESS && s->approvals > 0)
            s->approvals--;
        if (w->wrong == WRONG_NO_LOCK && s->lock)
            s->lock[0] = 'x';
        if (w->wrong == WRONG_TRIES_ALL && step_kind_acts(s->kind) && !s->policy && !s->idempotent) {
            s->policy = xstrdup("p0");
            s->idempotent = true;
        }
        if (w->wrong == WRONG_CROWDS && s->items)
            s->parallel++;
        if (w->wrong == WRONG_LENIENT && s->items && step_kind_acts(s->kind))
            s->threshold /= 2;
        if (w->wrong == WRONG_FEW && s->items)
            s->minimum = 0;
        if (w->wrong == WRONG_HASTY && s->rungs)
            s->rung_hold.ms = 0;
        if (w->wrong == WRONG_BLIND && s->rungs)
            s->guard_slack = INT64_C(1) << 40;
        if (w->wrong == WRONG_UPWARD && s->rungs)
            s->guard_lower = !s->guard_lower;
        changed |= memcmp(&was, s, sizeof was) != 0 || (w->wrong == WRONG_NO_LOCK && s->lock);
    }
    if (changed)
        return book;
    runbook_free(book);
    return NULL;
}

static bool begin(struct world *w)
{
    struct run_policy policies[2] = {{.name = "p0", .rules = w->policies[0]},
                                     {.name = "p1", .checks = w->seed % 4 == 0, .rules = w->policies[1]}};
    VEC(struct run_pin) pins = {0};
    for (size_t i = 0; i < w->book->steps.len; i++) {
        const char *name = w->book->steps.data[i].items;
        const struct items *items = name ? w->items[name[1] - '0'] : NULL;
        if (items)
            *vec_push(&pins) = (struct run_pin){(int)i, items_digest(items), (int64_t)items_count(items)};
    }
    for (int i = 0; i < 2; i++) {
        policies[i].rules.backoff.attempts += w->wrong == WRONG_TRIES_ON;
        policies[i].rules.backoff.base_ms *= w->wrong != WRONG_AT_ONCE;
    }
    struct run_input start = {.kind = INPUT_START,
                              .step = STEP_NONE,
                              .actor = "alice",
                              .seed = w->seed,
                              .policies = policies,
                              .policy_count = 2,
                              .pins = pins.data,
                              .pin_count = pins.len};
    bool begun = feed(w, &start);
    vec_fini(&pins);
    return begun;
}

static void world_fini(struct world *w)
{
    for (size_t i = 0; i < w->journal.len; i++)
        free(w->journal.data[i]);
    vec_fini(&w->journal);
    vec_fini(&w->pictures);
    vec_fini(&w->approvals);
    vec_fini(&w->locks);
    vec_fini(&w->dropped);
    vec_fini(&w->effects);
    run_free(w->run);
    runbook_free(w->doctored);
    free(w->known);
}

/* What all runs share. */
static struct stage {
    struct runbook *book;
    char *text;
    struct items *items[DRAFT_ITEMS_MAX + 1];
    struct policy policies[2];
} stage;

/* NULL, or what went wrong. */
static const char *simulate(uint64_t seed, enum wrong wrong, unsigned long *counts)
{
    const struct runbook *book = stage.book;
    struct world w = {.book = book,
                      .wrong = wrong,
                      .seed = seed,
                      .policies = stage.policies,
                      .items = stage.items,
                      .every_prefix = seed % 16 == 0,
                      .known = xcalloc(book->steps.len + 1, sizeof(struct known))};
    rng_seed(&w.rng, seed);
    w.doctored = wrong >= WRONG_ONE_LESS ? doctored(&w, stage.text) : NULL;
    w.run = fresh_run(&w);
    for (size_t i = 0; i < book->steps.len; i++) {
        w.known[i].passed_ms = w.known[i].saved_ms = w.known[i].rung_ms = -1;
        w.known[i].rung = w.known[i].raised = w.known[i].wanted = PART_NONE;
    }
    blame(&w, begin(&w), "it can't be started");
    for (int i = 0; i < 160 && !run_ended(w.run, NULL) && !w.broken; i++)
        turn(&w);
    w.counts[SEEN_NATURAL] += run_ended(w.run, NULL) && !w.stopped;
    if (!w.broken)
        end_it(&w);
    for (int i = 0; counts && i < SEEN_COUNT; i++)
        counts[i] += w.counts[i];
    for (size_t i = 0; w.broken && wrong == RIGHT && getenv("BELAY_SEED") && i < w.journal.len; i++)
        printf("%s\n", w.journal.data[i]);
    const char *broken = w.broken;
    world_fini(&w);
    return broken;
}

static long env_number(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

#define RUNS_PER_DOCUMENT 50
#define RUNS_PER_WRONG    10

static void set_stage(uint64_t seed)
{
    struct err e = {0};
    runbook_free(stage.book);
    free(stage.text);
    stage.book = random_document(seed, &stage.text, &e);
    if (!stage.book)
        fail_msg("document seed %llu: %s\n%s", (unsigned long long)seed, e.msg, stage.text);
}

static int stage_up(void **state)
{
    (void)state;
    struct str lines = {0};
    for (int i = 0; i <= DRAFT_ITEMS_MAX; i++) {
        stage.items[i] = items_parse("n.jsonl", str_text(&lines), lines.len, NULL);
        str_addf(&lines, "{\"id\":%d}\n", i);
    }
    str_fini(&lines);
    stage.policies[0] = policy_default();
    stage.policies[0].backoff.base_ms = 1000;
    stage.policies[1] = stage.policies[0];
    stage.policies[1].backoff.attempts = 2;
    stage.policies[1].backoff.jitter = BACKOFF_NONE;
    stage.policies[1].backoff.deadline_ms = 20000;
    stage.policies[1].end = POLICY_SKIP;
    return 0;
}

static int stage_down(void **state)
{
    (void)state;
    for (int i = 0; i <= DRAFT_ITEMS_MAX; i++)
        items_free(stage.items[i]);
    runbook_free(stage.book);
    free(stage.text);
    return 0;
}

static void test_random_runs_keep_every_promise(void **state)
{
    (void)state;
    unsigned long counts[SEEN_COUNT] = {0};
    long runs = env_number("BELAY_RUNS", getenv("BELAY_PROOF") ? 100000 : 6000),
         first = env_number("BELAY_SEED", 1);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (long i = 0; i < (getenv("BELAY_SEED") ? 1 : runs); i++) {
        uint64_t seed = (uint64_t)(first + i);
        if (i == 0 || seed % RUNS_PER_DOCUMENT == 0)
            set_stage(seed / RUNS_PER_DOCUMENT);
        const char *broken = simulate(seed, RIGHT, counts);
        if (broken && getenv("BELAY_SEED"))
            printf("%s", stage.text);
        if (broken)
            fail_msg("seed %llu: %s (BELAY_SEED=%llu runs it again)", (unsigned long long)seed, broken,
                     (unsigned long long)seed);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
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
    static const char *const names[] = {"right",
#define X(name, text) text,
                                        WRONGS(X)
#undef X
    };
    for (enum wrong wrong = RIGHT + 1; wrong < WRONG_COUNT; wrong++) {
        const char *broken = NULL;
        uint64_t seed = 0;
        while (!broken && seed < 4000) {
            if (seed++ % RUNS_PER_WRONG == 0)
                set_stage(seed / RUNS_PER_WRONG);
            broken = simulate(seed, wrong, NULL);
        }
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
    return cmocka_run_group_tests(tests, stage_up, stage_down);
}
