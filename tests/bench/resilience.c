/* What a call through a breaker costs, and how one behaves where others go wrong. Started by
 * tests/bench/resilience/run, which measures the peers in the same run.
 *
 *   bench_resilience speed       lines "KEY VALUE": nanoseconds and bytes
 *   bench_resilience behaviours  lines "NUMBER pass|fail WHAT WAS SEEN": the five, in real time */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/resilience/resilience.h"

/* ---- A wall clock that can be set wrong, for this process alone ---- */

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int64_t wall_offset_s;

__attribute__((constructor)) static void find_clock(void)
{
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    int result = real_clock_gettime(clock, t);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        t->tv_sec += wall_offset_s;
    return result;
}

static int64_t now_ms(void)
{
    return clock_monotonic_us() / US_PER_MS;
}

/* ---- Speed ---- */

#define SLICES 101

static volatile unsigned called;

/* What the calls do: nothing, but the compiler doesn't know. */
__attribute__((noinline)) static void callee(void)
{
    called++;
}

static double seconds(void)
{
    struct timespec t;
    real_clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median of slices, so that other work on the machine spoils few of them. */
static double median_ns(void (*slice)(long count), long count)
{
    double ns[SLICES];
    slice(count);
    for (int i = 0; i < SLICES; i++) {
        double start = seconds();
        slice(count);
        ns[i] = (seconds() - start) / (double)count * 1e9;
    }
    qsort(ns, SLICES, sizeof *ns, by_size);
    return ns[SLICES / 2];
}

static struct breaker one;
static struct breaker_rules rules;

static void closed_cached(long count)
{
    int64_t cached_ms = now_ms();
    for (long i = 0; i < count; i++) {
        struct breaker_token token;
        if (breaker_admit(&one, &rules, cached_ms, &token, NULL)) {
            callee();
            breaker_resolve(&one, &rules, &token, BREAKER_SUCCESS, 0, cached_ms);
        }
    }
}

static void closed_clock(long count)
{
    for (long i = 0; i < count; i++) {
        struct breaker_token token;
        int64_t at_ms = now_ms();
        if (breaker_admit(&one, &rules, at_ms, &token, NULL)) {
            callee();
            breaker_resolve(&one, &rules, &token, BREAKER_SUCCESS, 0, at_ms);
        }
    }
}

static void refusal(long count)
{
    int64_t cached_ms = now_ms();
    for (long i = 0; i < count; i++) {
        struct breaker_token token;
        struct breaker_refusal why;
        if (breaker_admit(&one, &rules, cached_ms, &token, &why))
            abort();
        called += (unsigned)why.retry_after_ms;
    }
}

static void bare(long count)
{
    for (long i = 0; i < count; i++)
        callee();
}

static void fresh(const char *text)
{
    struct err e = {0};
    rules = breaker_rules_default();
    if (*text && breaker_rules_parse(text, &rules, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    breaker_init(&one, &rules, 1, now_ms());
}

static void trip(struct breaker *b, int64_t at_ms)
{
    for (unsigned i = 0; i < rules.failures; i++) {
        struct breaker_token token;
        if (!breaker_admit(b, &rules, at_ms, &token, NULL))
            abort();
        breaker_resolve(b, &rules, &token, BREAKER_FAILURE, 0, at_ms);
    }
}

#define MANY 100000
static struct breaker *many;
static struct deadlines due;
static int64_t virtual_ms = 1000;

/* Closed calls over all of them, in an order that the cache can't foresee. */
static void many_closed(long count)
{
    uint32_t at = 1;
    for (long i = 0; i < count; i++) {
        struct breaker_token token;
        at = at * 1664525u + 1013904223u;
        struct breaker *b = &many[(uint64_t)at * MANY >> 32];
        if (breaker_admit(b, &rules, virtual_ms, &token, NULL)) {
            callee();
            breaker_resolve(b, &rules, &token, BREAKER_SUCCESS, 0, virtual_ms);
        }
    }
}

/* All are open: the one that is due next is taken off the heap, its probe fails, it goes back. */
static void many_due(long count)
{
    for (long i = 0; i < count; i++) {
        struct deadline first;
        struct breaker_token token;
        if (!deadlines_first(&due, &first))
            abort();
        virtual_ms = first.at_ms;
        if (!breaker_admit(&many[first.id], &rules, virtual_ms, &token, NULL))
            abort();
        breaker_resolve(&many[first.id], &rules, &token, BREAKER_FAILURE, 0, virtual_ms);
        deadlines_set(&due, first.id, virtual_ms + breaker_due_ms(&many[first.id], virtual_ms));
    }
}

/* The same question answered by looking at all of them. */
static void many_scan(long count)
{
    for (long i = 0; i < count; i++) {
        int64_t least = INT64_MAX;
        for (uint32_t k = 0; k < MANY; k++) {
            int64_t ms = breaker_due_ms(&many[k], virtual_ms);
            if (ms >= 0 && ms < least)
                least = ms;
        }
        called += (unsigned)least;
    }
}

static void print(const char *key, double value)
{
    printf("%s %.2f\n", key, value);
    fflush(stdout);
}

static int speed(void)
{
    print("bare", median_ns(bare, 200000));
    fresh("");
    print("closed_cached", median_ns(closed_cached, 100000));
    fresh("");
    print("closed_clock", median_ns(closed_clock, 50000));
    fresh("rate=0.5,slow-rate=0.5,slow=1s,window=1024");
    print("closed_rates", median_ns(closed_cached, 100000));
    fresh("");
    trip(&one, now_ms());
    print("refusal", median_ns(refusal, 200000));
    print("bytes", sizeof(struct breaker));
    print("token_bytes", sizeof(struct breaker_token));
    many = xcalloc(MANY, sizeof *many);
    fresh("");
    for (uint32_t i = 0; i < MANY; i++)
        breaker_init(&many[i], &rules, i, virtual_ms);
    print("many_closed", median_ns(many_closed, 50000));
    for (uint32_t i = 0; i < MANY; i++) {
        trip(&many[i], virtual_ms + i % 1000);
        deadlines_set(&due, i, virtual_ms + i % 1000 + breaker_due_ms(&many[i], virtual_ms + i % 1000));
    }
    print("many_due", median_ns(many_due, 10000));
    print("many_scan", median_ns(many_scan, 1));
    print("many_bytes",
          (double)(MANY * sizeof *many + due.room * sizeof *due.heap + due.ids * sizeof *due.places) / MANY);
    free(many);
    deadlines_fini(&due);
    return 0;
}

/* ---- The five behaviours, as the peers' program has them: in real time ---- */

#define COOL_DOWN_MS 300

static void sleep_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void begin(void)
{
    fresh("failures=3,cool-down=300ms,jitter=0");
    trip(&one, now_ms());
}

static bool admit(struct breaker_token *token)
{
    return breaker_admit(&one, &rules, now_ms(), token, NULL);
}

static void resolve(struct breaker_token *token, enum breaker_result result)
{
    breaker_resolve(&one, &rules, token, result, 1, now_ms());
}

static const char *state_now(void)
{
    return breaker_state_text(breaker_state(&one, now_ms()));
}

static void verdict(int number, bool pass, const char *seen, const char *detail)
{
    printf("%d %s %s%s\n", number, pass ? "pass" : "fail", seen, detail);
    fflush(stdout);
}

static void late_success(void)
{
    struct breaker_token early, probe;
    fresh("failures=3,cool-down=300ms,jitter=0");
    bool admitted = admit(&early);
    trip(&one, now_ms());
    sleep_ms(COOL_DOWN_MS + 50);
    admitted = admitted && admit(&probe);
    resolve(&early, BREAKER_SUCCESS);
    const char *state = state_now();
    verdict(1, admitted && str_eq(state, "HALF_OPEN"), "after it: ", state);
}

static void twenty_at_once(void)
{
    struct breaker_token tokens[20];
    char seen[40];
    int admitted = 0;
    begin();
    sleep_ms(COOL_DOWN_MS + 50);
    for (int i = 0; i < 20; i++)
        admitted += admit(&tokens[i]);
    snprintf(seen, sizeof seen, "%d", admitted);
    verdict(2, admitted == 1, "admitted: ", seen);
}

static void lost_probe(void)
{
    struct breaker_token token;
    begin();
    sleep_ms(COOL_DOWN_MS + 50);
    bool first = admit(&token), again = false;
    for (int i = 0; i < 60 && !again; i++) {
        sleep_ms(50);
        again = admit(&token);
    }
    if (again)
        resolve(&token, BREAKER_SUCCESS);
    const char *state = state_now();
    verdict(3, first && again && str_eq(state, "CLOSED"),
            again ? "another probe, then " : "no other probe in 3 s, ", state);
}

static void ignored_probe(void)
{
    struct breaker_token token, next;
    begin();
    sleep_ms(COOL_DOWN_MS + 50);
    bool first = admit(&token);
    resolve(&token, BREAKER_IGNORED);
    const char *state = state_now();
    bool again = admit(&next);
    verdict(4, first && str_eq(state, "HALF_OPEN") && again, "after it: ", state);
}

static void wall_jumps(void)
{
    struct breaker_token token;
    begin();
    sleep_ms(50);
    wall_offset_s = 3600;
    bool early = admit(&token);
    begin();
    wall_offset_s = 0; /* an hour back */
    sleep_ms(COOL_DOWN_MS + 50);
    bool late = admit(&token);
    verdict(5, !early && late, early ? "probed at once when it jumped ahead" : "",
            late    ? ""
            : early ? ", never when it jumped back"
                    : "no probe when it jumped back");
}

int main(int argc, char **argv)
{
    if (argc == 2 && str_eq(argv[1], "speed"))
        return speed();
    if (argc != 2 || !str_eq(argv[1], "behaviours")) {
        fprintf(stderr, "usage: bench_resilience speed|behaviours\n");
        return 2;
    }
    late_success();
    twenty_at_once();
    lost_probe();
    ignored_probe();
    wall_jumps();
    return 0;
}
