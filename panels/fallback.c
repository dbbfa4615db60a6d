/* Panel 2: fallback chains, an entity a tier: who answers now, what it costs, how good it is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "panels/list.h"

#define CHAINS_SHOWN 16
#define TIERS_SHOWN  32

static const struct list_column columns[] = {
    {{"", 1, 0, ALIGN_LEFT, 0}, COLUMN_MARK, NULL, FORM_NUMBER},
    {{"chain", 8, 1, ALIGN_LEFT, 3}, COLUMN_GROUP, NULL, FORM_NUMBER},
    {{"tier", 4, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "tier", FORM_COUNT},
    {{"name", 14, 3, ALIGN_LEFT, 0}, COLUMN_NAME, NULL, FORM_NUMBER},
    {{"state", 10, 0, ALIGN_LEFT, 0}, COLUMN_STATE, NULL, FORM_NUMBER},
    {{"since", 5, 0, ALIGN_RIGHT, 4}, COLUMN_SINCE, NULL, FORM_NUMBER},
    {{"hits/s", 7, 0, ALIGN_RIGHT, 1}, COLUMN_MEASURE, "hits_rate", FORM_NUMBER},
    {{"hits", 10, 0, ALIGN_RIGHT, 2}, COLUMN_MEASURE, "hits", FORM_COUNT},
    {{"cost", 6, 0, ALIGN_RIGHT, 3}, COLUMN_MEASURE, "cost", FORM_MONEY},
    {{"accuracy", 8, 0, ALIGN_RIGHT, 3}, COLUMN_MEASURE, "accuracy", FORM_NUMBER},
    {{"1h", 6, 0, ALIGN_RIGHT, 4}, COLUMN_MEASURE, "hits_hour", FORM_COUNT},
    {{"cost 1h", 7, 0, ALIGN_RIGHT, 8}, COLUMN_MEASURE, "cost_hour", FORM_MONEY},
    {{"again in", 8, 0, ALIGN_RIGHT, 7}, COLUMN_MEASURE, "cool_down_s", FORM_SECONDS},
    {{"source", 7, 1, ALIGN_LEFT, 3}, COLUMN_SOURCE, NULL, FORM_NUMBER},
    {{"why", 10, 4, ALIGN_LEFT, 2}, COLUMN_WHY, NULL, FORM_NUMBER},
};

struct chain_row {
    const char *name;
    struct chain_summary sum;
};

/* The chains, worst first. */
static size_t read_chains(const struct panel_scene *scene, struct chain_row chains[static CHAINS_SHOWN])
{
    const char *names[CHAINS_SHOWN];
    size_t count = platform_groups(scene->platform, ENTITY_CHAIN, names, CHAINS_SHOWN);
    size_t found = 0;
    for (size_t i = 0; i < count && i < CHAINS_SHOWN; i++) {
        struct chain_row chain = {.name = names[i]};
        if (!platform_chain(scene->platform, names[i], &chain.sum)) {
            continue;
        }
        size_t place = found++;
        while (place > 0 && chains[place - 1].sum.condition < chain.sum.condition) {
            chains[place] = chains[place - 1];
            place--;
        }
        chains[place] = chain;
    }
    return found;
}

static void chain_word(const struct chain_row *chain, struct str *out)
{
    if (chain->sum.condition == CONDITION_DOWN) {
        str_addf(out, "%s: nothing serves", chain->name);
    } else if (chain->sum.serving == NULL) {
        str_addf(out, "%s: %s", chain->name,
                 chain->sum.condition == CONDITION_OK ? "nobody asks" : "no traffic seen");
    } else {
        str_addf(out, "%s: tier %zu of %zu serves", chain->name, chain->sum.serving_tier,
                 chain->sum.tier_count);
    }
}

static const char *tier_name(const struct entity *e)
{
    size_t length = strlen(e->group);
    bool prefixed = length > 0 && strncmp(e->name, e->group, length) == 0 && e->name[length] == '/';
    return prefixed ? e->name + length + 1 : e->name;
}

static void draw_tier(const struct panel_scene *scene, const struct entity *e, struct canvas *c, int y,
                      int name_width)
{
    int width = canvas_width(c);
    char text[SCENE_TEXT_SIZE];
    mark_put(entity_mark(e), c, 1, y);
    double tier = entity_measure(e, "tier");
    if (isfinite(tier)) {
        canvas_putf(c, 3, y, ROLE_FAINT, "%.0f", tier);
    }
    canvas_put_cut(c, 5, y, name_width, ROLE_TEXT, tier_name(e));
    int x = 5 + name_width + 1;
    if (isfinite(entity_measure(e, "cost"))) {
        entity_value(scene, e, "cost", FORM_MONEY, text);
        canvas_put_right(c, x, y, 5, ROLE_TEXT, text);
    }
    x += 6;
    if (isfinite(entity_measure(e, "accuracy"))) {
        entity_value(scene, e, "accuracy", FORM_NUMBER, text);
        canvas_put_right(c, x, y, 4, ROLE_TEXT, text);
    }
    x += 6;
    int spark = width - x - 22;
    spark = spark > 24 ? 24 : spark;
    if (spark >= 4) {
        entity_spark(scene, e, "hits_rate", c, x, y, spark, ROLE_PLOT);
        x += spark + 1;
    }
    entity_value(scene, e, "hits_rate", FORM_RATE, text);
    canvas_put_right(c, x, y, 7, ROLE_TEXT, text);
    x = entity_put_state(e, c, x + 9, y, width - x - 10) + 1;
    double cool_down = entity_measure(e, "cool_down_s");
    if (cool_down > 0 && x + 4 < width) {
        value_write(scene, cool_down, FORM_SECONDS, text);
        canvas_put_cut(c, x, y, width - x - 1, ROLE_FAINT, text);
    }
}

/* What an own chain did in the hour past: counted, not sampled. False for one that is read. */
static bool hour_of(const struct panel_scene *scene, const struct chain_row *chain, double *hits,
                    double *cost, double *accuracy)
{
    const struct entity *tiers[TIERS_SHOWN];
    size_t count = platform_group(scene->platform, ENTITY_CHAIN, chain->name, tiers, TIERS_SHOWN);
    double weighed = 0, weight = 0;
    bool own = false;
    *hits = *cost = 0;
    for (size_t i = 0; i < count && i < TIERS_SHOWN; i++) {
        double hit = entity_measure(tiers[i], "hits_hour"), paid = entity_measure(tiers[i], "cost_hour");
        double share = entity_measure(tiers[i], "accuracy");
        own |= isfinite(hit);
        *hits += isfinite(hit) ? hit : 0;
        *cost += isfinite(paid) ? paid : 0;
        if (isfinite(hit) && isfinite(share)) {
            weighed += hit * share;
            weight += hit;
        }
    }
    *accuracy = weight > 0 ? weighed / weight : (double)NAN;
    return own;
}

/* Hits and cost over the time that the history covers. */
static void window_of(const struct panel_scene *scene, const struct chain_row *chain, double *hits,
                      double *cost, int64_t *span_us)
{
    const struct entity *tiers[TIERS_SHOWN];
    size_t count = platform_group(scene->platform, ENTITY_CHAIN, chain->name, tiers, TIERS_SHOWN);
    *hits = *cost = 0;
    *span_us = 0;
    for (size_t i = 0; i < count && i < TIERS_SHOWN; i++) {
        float values[PLATFORM_HISTORY];
        int64_t times[PLATFORM_HISTORY];
        size_t samples = entity_history(scene->platform, tiers[i], "hits", values, times, PLATFORM_HISTORY);
        double grown = 0;
        for (size_t k = 1; k < samples; k++) {
            double step = (double)values[k] - (double)values[k - 1];
            grown += step > 0 ? step : 0; /* a counter that began anew, or a gap, adds nothing */
        }
        if (samples > 1 && times[samples - 1] - times[0] > *span_us) {
            *span_us = times[samples - 1] - times[0];
        }
        double each = entity_measure(tiers[i], "cost");
        *hits += grown;
        *cost += isfinite(each) ? grown * each : 0;
    }
}

static void draw_totals(const struct panel_scene *scene, const struct chain_row *chain, struct canvas *c,
                        int y)
{
    double hits, cost, share = chain->sum.accuracy;
    int64_t span_us = 3600 * US_PER_S;
    bool own = hour_of(scene, chain, &hits, &cost, &share);
    if (!own) {
        share = chain->sum.accuracy;
        window_of(scene, chain, &hits, &cost, &span_us);
    }
    char span[DURATION_TEXT_SIZE], count[SCENE_TEXT_SIZE], money[SCENE_TEXT_SIZE], accuracy[SCENE_TEXT_SIZE];
    duration_format_minutes(span_us, span);
    scene_count(hits, count);
    scene_money(cost, money);
    int x = canvas_putf(c, 1, y, ROLE_FAINT, "hits %s %s", span, count);
    if (cost > 0) {
        x = canvas_putf(c, x + 3, y, ROLE_FAINT, "cost %s %s", span, money);
    }
    if (isfinite(share)) {
        scene_number(share, NULL, accuracy);
        x = canvas_putf(c, x + 3, y, ROLE_FAINT, "accuracy %s", accuracy);
    }
    if (own) {
        canvas_put_cut(c, x + 3, y, canvas_width(c) - x - 4, ROLE_FAINT, "own");
    }
}

static void tile(const struct panel_scene *scene, struct canvas *c)
{
    struct chain_row chains[CHAINS_SHOWN];
    size_t count = read_chains(scene, chains);
    int y = 0, height = canvas_height(c);
    for (size_t i = 0; i < count && y < height; i++) {
        const struct entity *tiers[TIERS_SHOWN];
        size_t tier_count = platform_group(scene->platform, ENTITY_CHAIN, chains[i].name, tiers, TIERS_SHOWN);
        int name_width = 8;
        for (size_t k = 0; k < tier_count && k < TIERS_SHOWN; k++) {
            int wanted = canvas_columns(c, tier_name(tiers[k]));
            name_width = wanted > name_width ? wanted : name_width;
        }
        int most = canvas_width(c) / 4;
        name_width = name_width > most ? most : name_width;
        for (size_t k = 0; k < tier_count && k < TIERS_SHOWN && y < height; k++) {
            draw_tier(scene, tiers[k], c, y++, name_width);
        }
        if (y < height) {
            draw_totals(scene, &chains[i], c, y++);
        }
    }
    if (count == 0) {
        canvas_put_cut(c, 1, 0, canvas_width(c) - 2, ROLE_FAINT, "no fallback chain is watched");
    }
}

static void note(void *state, const struct panel_scene *scene, struct str *out)
{
    (void)state;
    struct chain_row chains[CHAINS_SHOWN];
    size_t count = read_chains(scene, chains);
    if (count > 0) {
        chain_word(&chains[0], out);
    }
    if (count > 1) {
        note_part(out, "%zu more", count - 1);
    }
}

static void summary(void *state, const struct panel_scene *scene, struct canvas *row)
{
    (void)state;
    struct chain_row chains[CHAINS_SHOWN];
    size_t count = read_chains(scene, chains);
    int x = 0, width = canvas_width(row);
    for (size_t i = 0; i < count && x < width; i++) {
        struct str out = {0};
        chain_word(&chains[i], &out);
        const struct mark *mark = mark_find(condition_name(chains[i].sum.condition));
        x = mark_put(mark, row, x, 0) + 1;
        x = canvas_put_cut(row, x, 0, width - x, ROLE_TEXT, str_text(&out)) + 1;
        str_fini(&out);
        if (chains[i].sum.serving != NULL) {
            char rate[SCENE_TEXT_SIZE];
            scene_number(chains[i].sum.hits_rate, "/s", rate);
            x = canvas_putf(row, x, 0, ROLE_FAINT, "%s %s", tier_name(chains[i].sum.serving), rate) + 2;
        }
    }
    if (count == 0) {
        canvas_put_cut(row, 0, 0, width, ROLE_FAINT, "none");
    }
}

static int worst(void *state, const struct panel_scene *scene)
{
    (void)state;
    struct chain_row chains[CHAINS_SHOWN];
    if (read_chains(scene, chains) == 0) {
        return 0; /* one closed tier of a chain that serves is not a fault of the chain */
    }
    enum condition condition = chains[0].sum.condition;
    return condition == CONDITION_DOWN ? 3 : condition == CONDITION_UNKNOWN ? 2 : condition != CONDITION_OK;
}

static const struct list_type type = {
    .kinds = 1u << ENTITY_CHAIN,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .tile = tile,
    .nothing =
        "No fallback chain is watched. A source with `kind: chain` in its mapping brings its tiers here.",
};

const struct panel panel_fallback = {
    .name = "fallback",
    .title = "Fallback hits",
    .digit = '2',
    .help = "fallback chains: which tier answers, its hits, cost and accuracy",
    LIST_PANEL(type),
    .note = note,
    .corner = list_corner,
    .worst = worst,
    .summary = summary,
};
