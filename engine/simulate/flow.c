/* Breakers and fallback chains. */
#include <math.h>

#include "engine/simulate/world.h"

#define LONG_COOL_DOWN_US  (150 * US_PER_S)
#define SHORT_COOL_DOWN_US (30 * US_PER_S)
#define PROBE_US           (2 * US_PER_S)
#define EARLY_US           (3 * US_PER_S)
#define NOISE_FLOOR        .0011 /* so many calls always fail */

enum { BREAKER_RETRIEVER, BREAKER_FIRST_PROVIDER = 3 };

void flow_tables(struct world *w)
{
    static const struct breaker breakers[WORLD_BREAKERS] = {
        {.name = "retriever", .rate = 42, .cool_down_us = LONG_COOL_DOWN_US},
        {.name = "reranker", .rate = 42, .cool_down_us = SHORT_COOL_DOWN_US},
        {.name = "embedder", .rate = 44, .cool_down_us = SHORT_COOL_DOWN_US},
        {.name = "llm-gpt-4", .rate = 41, .cool_down_us = SHORT_COOL_DOWN_US},
        {.name = "llm-claude", .rate = .2, .cool_down_us = SHORT_COOL_DOWN_US},
        {.name = "llm-local", .rate = .1, .cool_down_us = SHORT_COOL_DOWN_US},
        {.name = "doc-cache", .rate = 120, .cool_down_us = SHORT_COOL_DOWN_US},
        {.name = "auth", .rate = 50, .cool_down_us = SHORT_COOL_DOWN_US},
    };
    static const struct tier tiers[WORLD_TIERS] = {
        {.chain = "retrieval", .name = "vector-store", .number = 1, .cost = .002, .accuracy = .94},
        {.chain = "retrieval", .name = "keyword", .number = 2, .cost = .001, .accuracy = .78},
        {.chain = "retrieval", .name = "cached", .number = 3, .cost = 0, .accuracy = .70},
        {.chain = "answers", .name = "gpt-4", .number = 1, .cost = .10, .accuracy = .99},
        {.chain = "answers", .name = "claude", .number = 2, .cost = .05, .accuracy = .95},
        {.chain = "answers", .name = "local", .number = 3, .cost = .01, .accuracy = .85},
        {.chain = "answers", .name = "cached", .number = 4, .cost = 0, .accuracy = .70},
    };
    memcpy(w->breakers, breakers, sizeof breakers);
    memcpy(w->tiers, tiers, sizeof tiers);
    for (int i = 0; i < WORLD_BREAKERS; i++) {
        w->breakers[i].calls_ok = floor(w->breakers[i].rate * 40000);
        w->breakers[i].calls_failed = floor(w->breakers[i].calls_ok / 900);
    }
    for (int i = 0; i < PROVIDERS; i++)
        w->errors_by_provider[i] = w->breakers[BREAKER_FIRST_PROVIDER + i].calls_failed;
    for (int i = 0; i < WORLD_TIERS; i++)
        w->tiers[i].hits = w->tiers[i].number == 1   ? WORLD_REQUESTS_PER_S * 40000
                           : w->tiers[i].number == 2 ? 8204
                                                     : 97;
}

static void breaker_trip(struct breaker *b, int64_t now_us)
{
    b->state = BREAKER_OPEN;
    b->trips++;
    b->until_us = now_us + (b->cool_down_us << (b->reopens < 3 ? b->reopens : 3));
    b->reopens++;
}

/* target: the share of its calls that fail now. trouble: what a probe meets, 0 none. */
static void breaker_step(struct breaker *b, int64_t now_us, double step_s, double target, double trouble)
{
    double calls = b->rate * step_s;
    switch (b->state) {
    case BREAKER_CLOSED:
        b->failing += (target - b->failing) * (1 - exp(-step_s / 2));
        b->failure_rate = b->failing;
        b->calls_failed += calls * b->failing;
        b->calls_ok += calls * (1 - b->failing);
        if (b->failing > .5)
            breaker_trip(b, now_us);
        break;
    case BREAKER_OPEN:
        b->not_permitted += calls;
        /* A change of endpoints makes the caller probe early. */
        if (trouble < .5 && b->until_us > now_us + EARLY_US)
            b->until_us = now_us + EARLY_US;
        if (now_us >= b->until_us) {
            b->state = BREAKER_HALF_OPEN;
            b->until_us = now_us + PROBE_US;
        }
        break;
    case BREAKER_HALF_OPEN:
        if (now_us < b->until_us)
            break;
        if (trouble > 0) {
            b->calls_failed++;
            breaker_trip(b, now_us);
            break;
        }
        b->calls_ok++;
        b->state = BREAKER_CLOSED;
        b->failure_rate = b->failing = 0;
        b->reopens = 0;
        break;
    }
}

static void breakers_step(struct world *w, double step_s)
{
    const struct service *s = &w->service;
    bool retriever = s->behind;
    double shares[PROVIDERS] = {s->primary, s->backup, 0};
    for (int i = 0; i < WORLD_BREAKERS; i++) {
        struct breaker *b = &w->breakers[i];
        double target = NOISE_FLOOR, trouble = 0;
        int provider = i - BREAKER_FIRST_PROVIDER;
        if (i == BREAKER_RETRIEVER) {
            target = retriever ? .62 * w->bad : 1;
            trouble = retriever ? w->bad : 1;
        } else if (provider >= 0 && provider < PROVIDERS) {
            double failing = provider_failing(w, (enum provider)provider);
            target = shares[provider] > 0 && failing > .01 ? failing : NOISE_FLOOR;
            trouble = failing > .01 ? failing : 0;
            b->rate = fmax(WORLD_REQUESTS_PER_S * (1 - s->safe) * shares[provider], .1);
        }
        breaker_step(b, w->now_us, step_s, target, trouble);
    }
}

static void chains_step(struct world *w, double step_s)
{
    const struct service *s = &w->service;
    const struct breaker *retriever = &w->breakers[BREAKER_RETRIEVER];
    double asked = s->up ? WORLD_REQUESTS_PER_S : 0, live = asked * (1 - s->safe) * s->behind;
    if (s->max_rps > 0)
        live = fmin(live, s->max_rps * (1 - s->safe));
    bool closed = retriever->state == BREAKER_CLOSED;
    w->tiers[0].rate = closed ? live : retriever->state == BREAKER_HALF_OPEN ? fmin(live, 1) : 0;
    w->tiers[1].rate = closed ? 0 : fmax(live * .93 - w->tiers[0].rate, 0);
    w->tiers[2].rate = closed ? 0 : live * .07;
    w->tiers[3].rate = live * s->primary * (1 - provider_failing(w, PROVIDER_PRIMARY));
    w->tiers[4].rate = live * s->backup * (1 - provider_failing(w, PROVIDER_BACKUP));
    w->tiers[5].rate = 0;
    w->tiers[6].rate = live * s->cached + asked * s->safe;
    for (int i = 0; i < WORLD_TIERS; i++)
        w->tiers[i].hits += world_noisy(w, w->tiers[i].rate, .05) * step_s;
}

void flow_step(struct world *w, double step_s)
{
    breakers_step(w, step_s);
    chains_step(w, step_s);
}
