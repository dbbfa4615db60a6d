/* What the model costs with 10,000 entities: taking an answer in, ticking, and everything that a key's frame
 * asks of it. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/base.h"
#include "engine/platform/platform.h"

enum { ENTITIES = 10000, ROUNDS = 200 };

static struct observation rows[ENTITIES];
static struct measurement measures[ENTITIES][3];
static int64_t samples[ROUNDS];

static void rows_make(void)
{
    static const enum entity_kind kinds[] = {ENTITY_BREAKER, ENTITY_SHARD, ENTITY_COMPONENT, ENTITY_SIGNAL};
    for (size_t i = 0; i < ENTITIES; i++) {
        rows[i] = (struct observation){
            .kind = kinds[i % 4],
            .name = xasprintf("docs/entity-%zu", i),
            .group = "docs",
            .raw = "CLOSED",
            .condition = CONDITION_OK,
            .measures = measures[i],
            .measure_count = 3,
        };
        measures[i][0].name = "value";
        measures[i][1].name = "calls";
        measures[i][2].name = "constant";
    }
}

static int ascending(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static void report(const char *what)
{
    qsort(samples, ROUNDS, sizeof *samples, ascending);
    printf("%-44s median %7.3f ms   p99 %7.3f ms\n", what, (double)samples[ROUNDS / 2] / 1e3,
           (double)samples[ROUNDS * 99 / 100] / 1e3);
}

/* A tick's answer; `changes` of the rows have another condition than before. */
static void answer(struct platform *p, struct rng *rng, int64_t round, int changes)
{
    for (size_t i = 0; i < ENTITIES; i++) {
        measures[i][0].value = (double)((round + (int64_t)i) % 17);
        measures[i][1].value = (double)round * 100;
    }
    for (int i = 0; i < changes; i++) {
        struct observation *o = &rows[rng_below(rng, ENTITIES)];
        o->condition = o->condition == CONDITION_OK ? CONDITION_DOWN : CONDITION_OK;
        o->raw = o->condition == CONDITION_OK ? "CLOSED" : "OPEN";
    }
    struct batch b = {.source = "s", .observations = rows, .observation_count = ENTITIES};
    platform_apply(p, &b, round * US_PER_S, round * US_PER_S);
}

/* What a frame asks: the lists, the counts, the problems. */
static size_t frame(const struct platform *p)
{
    size_t count, sum = 0;
    const struct entity *problems[3];
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        platform_list(p, (enum entity_kind)kind, &count);
        sum += count + platform_counts(p, (enum entity_kind)kind).total;
    }
    return sum + platform_problems(p, problems, 3, NULL) + (size_t)platform_condition(p);
}

int main(void)
{
    struct rng rng;
    rng_seed(&rng, 1);
    rows_make();
    size_t before = mallinfo2().uordblks;
    struct platform *p = platform_new(NULL);
    platform_source_add(p, "s", "http", US_PER_S, 0, 0);
    struct offers *offers = offers_new();
    static const char *const conditions[] = {"shard.state in (down, degraded)", "breaker.state == down",
                                             "signal.golden-canary.state == down", "breaker.value > 50%"};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        offers_add(offers, condition_parse(conditions[i], NULL), 30 * US_PER_S);
    size_t seen = 0;
    int64_t frames[ROUNDS], ticks[ROUNDS], judged[ROUNDS];
    for (int64_t round = 0; round < ROUNDS; round++) {
        int64_t t0 = clock_monotonic_us();
        answer(p, &rng, round + 1, 10);
        int64_t t1 = clock_monotonic_us();
        platform_tick(p, (round + 1) * US_PER_S, (round + 1) * US_PER_S);
        int64_t t2 = clock_monotonic_us();
        offers_update(offers, p, (round + 1) * US_PER_S, (round + 1) * US_PER_S);
        int64_t t3 = clock_monotonic_us();
        seen += frame(p);
        int64_t t4 = clock_monotonic_us();
        samples[round] = t1 - t0;
        ticks[round] = t2 - t1;
        judged[round] = t3 - t2;
        frames[round] = t4 - t3;
    }
    printf("model, %d entities with 3 measures, 10 of them changing state a tick (%zu seen)\n", ENTITIES,
           seen);
    report("an answer taken in");
    memcpy(samples, ticks, sizeof samples);
    report("a tick");
    memcpy(samples, judged, sizeof samples);
    report("four conditions of offers judged");
    memcpy(samples, frames, sizeof samples);
    report("lists, counts and problems for a frame");
    printf("%-44s %.1f MB\n", "memory with history", (double)(mallinfo2().uordblks - before) / 1e6);
    offers_free(offers);
    platform_free(p);
    for (size_t i = 0; i < ENTITIES; i++)
        free((void *)(uintptr_t)rows[i].name);
    return 0;
}
