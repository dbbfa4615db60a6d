/* Batches in, and what only time brings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/platform/model.h"

static bool observation_acceptable(const struct observation *o)
{
    return (unsigned)o->kind < ENTITY_KIND_COUNT && (unsigned)o->condition < CONDITION_COUNT && o->name &&
           *o->name && strnlen(o->name, PLATFORM_NAME_LIMIT + 1) <= PLATFORM_NAME_LIMIT &&
           (!o->group || strnlen(o->group, PLATFORM_NAME_LIMIT + 1) <= PLATFORM_NAME_LIMIT);
}

/* Rows tend to come in the same order each time: most are found beside the one before. */
static struct tracked *tracked_look_up(struct source *s, const struct observation *o)
{
    if (s->cursor < s->entities.len) {
        struct tracked *guess = s->entities.data[s->cursor];
        if (guess->view.kind == o->kind && strcmp(guess->view.name, o->name) == 0) {
            s->cursor++;
            return guess;
        }
    }
    struct tracked *found = tracked_find(s, o->kind, o->name);
    if (found)
        s->cursor = found->place + 1;
    return found;
}

static struct measure *measure_slot(struct platform *p, struct entity *e, const char *name, size_t hint)
{
    struct measure *measures = (struct measure *)(uintptr_t)e->measures;
    if (hint < e->measure_count && strcmp(measures[hint].name, name) == 0)
        return &measures[hint];
    for (uint32_t i = 0; i < e->measure_count; i++)
        if (strcmp(measures[i].name, name) == 0)
            return &measures[i];
    if (e->measure_count >= PLATFORM_MEASURE_LIMIT ||
        strnlen(name, PLATFORM_NAME_LIMIT + 1) > PLATFORM_NAME_LIMIT)
        return NULL;
    measures = xrealloc(measures, (e->measure_count + 1) * sizeof *measures);
    e->measures = measures;
    struct measure *m = &measures[e->measure_count++];
    *m = (struct measure){.name = intern_get(&p->interns, name, PLATFORM_NAME_LIMIT), .value = NAN};
    return m;
}

static void measures_take(struct platform *p, struct tracked *t, const struct observation *o)
{
    struct entity *e = &t->view;
    bool given[PLATFORM_MEASURE_LIMIT] = {false};
    bool changed = false;
    for (size_t i = 0; i < o->measure_count; i++) {
        struct measure *m = measure_slot(p, e, o->measures[i].name, i);
        if (!m || given[m - e->measures])
            continue;
        given[m - e->measures] = true;
        changed |= history_record(t->source, m, o->measures[i].value);
    }
    struct measure *measures = (struct measure *)(uintptr_t)e->measures;
    for (uint32_t i = 0; i < e->measure_count; i++)
        if (!given[i])
            changed |= history_record(t->source, &measures[i], NAN);
    if (changed)
        platform_touch(p, e->kind);
}

static void attributes_take(struct platform *p, struct entity *e, const struct observation *o)
{
    struct attribute *kept = (struct attribute *)(uintptr_t)e->attributes;
    size_t count =
        o->attribute_count < PLATFORM_ATTRIBUTE_LIMIT ? o->attribute_count : PLATFORM_ATTRIBUTE_LIMIT;
    bool changed = count != e->attribute_count;
    for (size_t i = count; i < e->attribute_count; i++) {
        intern_put(&p->interns, kept[i].name);
        intern_put(&p->interns, kept[i].value);
    }
    if (changed)
        kept = xrealloc(kept, (count ? count : 1) * sizeof *kept);
    for (size_t i = e->attribute_count; i < count; i++)
        kept[i] = (struct attribute){"", ""};
    for (size_t i = 0; i < count; i++) {
        changed |= intern_set(&p->interns, &kept[i].name, o->attributes[i].name, PLATFORM_NAME_LIMIT);
        changed |= intern_set(&p->interns, &kept[i].value, o->attributes[i].value, PLATFORM_TEXT_LIMIT);
    }
    e->attributes = kept;
    e->attribute_count = (uint32_t)count;
    if (changed)
        platform_touch(p, e->kind);
}

static void snippet_take(struct entity *e, const struct observation *o)
{
    if (!o->snippet)
        return;
    size_t length = text_cut(o->snippet, o->snippet_length, PLATFORM_SNIPPET_LIMIT);
    if (length == e->snippet_length && e->snippet && memcmp(e->snippet, o->snippet, length) == 0)
        return;
    char *kept = length == e->snippet_length && e->snippet
                     ? (char *)(uintptr_t)e->snippet
                     : xrealloc((void *)(uintptr_t)e->snippet, length ? length : 1);
    memcpy(kept, o->snippet, length);
    e->snippet = kept;
    e->snippet_length = (uint32_t)length;
}

/* Nobody calls it: the source says so, a chain's tier gets no hits, a closed breaker's count of calls stands
 * still. */
static void idle_judge(struct platform *p, struct tracked *t, int64_t now_us)
{
    struct entity *e = &t->view;
    bool idle = t->idle_said;
    if (e->kind == ENTITY_CHAIN && entity_measure(e, "hits_rate") == 0)
        idle = true;
    double calls = e->kind == ENTITY_BREAKER ? entity_measure(e, "calls") : (double)NAN;
    if (!isnan(calls)) {
        if (calls != t->calls) {
            bool first = isnan(t->calls);
            t->calls = calls;
            t->calls_grew_us = first && calls == 0 ? now_us - PLATFORM_IDLE_AFTER_US : now_us;
        }
        if (e->condition == CONDITION_OK) {
            idle |= now_us - t->calls_grew_us >= PLATFORM_IDLE_AFTER_US;
            if (!idle)
                platform_due(p, t->calls_grew_us + PLATFORM_IDLE_AFTER_US);
        }
    }
    tracked_flag(p, t, ENTITY_IDLE, idle && !(e->flags & (ENTITY_GONE | ENTITY_SILENT)));
}

static void observation_apply(struct platform *p, struct tracked *t, const struct observation *o,
                              enum condition condition, int64_t now_us, int64_t wall_us)
{
    struct entity *e = &t->view;
    struct change change = {.condition = condition,
                            .raw = o->raw,
                            .since_us = o->goes_on && !t->fresh ? 0 : o->since_us,
                            .goes_on = o->goes_on};
    t->heard_us = now_us;
    e->last_seen_us = wall_us;
    t->idle_said = o->idle;
    tracked_flag(p, t, ENTITY_BESIDE, o->beside);
    if (o->expected)
        tracked_flag(p, t, ENTITY_EXPECTED, true);
    char why[PLATFORM_TEXT_LIMIT];
    bool judged = o->kind == ENTITY_SNAPSHOT && o->condition == CONDITION_NONE;
    const char *word = judged ? snapshot_reason(o, why) : NULL,
               *reason = word && !o->reason ? why : o->reason;
    if (word)
        change.raw = word;
    if (intern_set(&p->interns, &e->group, o->group, PLATFORM_NAME_LIMIT) |
        intern_set(&p->interns, &e->reason, reason, PLATFORM_TEXT_LIMIT))
        platform_touch(p, e->kind);
    measures_take(p, t, o);
    attributes_take(p, e, o);
    snippet_take(e, o);
    if (t->fresh)
        tracked_appear(p, t, &change, wall_us);
    else
        tracked_change(p, t, &change, now_us, wall_us);
    t->fresh = false;
    idle_judge(p, t, now_us);
}

/* The answer does not have it, any more or still. */
static void tracked_vanish(struct platform *p, struct tracked *t, int64_t now_us, int64_t wall_us)
{
    struct entity *e = &t->view;
    t->heard_us = now_us;
    if (e->flags & ENTITY_GONE && !(e->flags & ENTITY_SILENT))
        return;
    struct change change = {.condition = CONDITION_UNKNOWN, .raw = "gone", .gone = true};
    const char *reason = "no longer reported";
    if (e->flags & ENTITY_EXPECTED) {
        change.condition = CONDITION_DOWN;
        reason = e->last_seen_us ? "gone, and it is expected" : "never seen, and it is expected";
    } else if (e->kind == ENTITY_ALERT) {
        change.condition = CONDITION_OK;
        change.raw = "resolved";
        reason = "";
    }
    intern_set(&p->interns, &e->reason, reason, PLATFORM_TEXT_LIMIT);
    tracked_change(p, t, &change, now_us, wall_us);
    tracked_flag(p, t, ENTITY_IDLE, false);
    platform_due(p, t->gone_at_us + PLATFORM_FORGET_US);
}

static bool tracked_forgettable(const struct tracked *t, int64_t now_us)
{
    unsigned flags = t->view.flags;
    if (!(flags & ENTITY_GONE) || flags & ENTITY_EXPECTED)
        return false;
    return now_us - t->gone_at_us >= PLATFORM_FORGET_US;
}

/* Room for one more entity: what is gone makes way before anything is refused. */
static bool room_make(struct platform *p, const struct source *answering, bool *swept)
{
    if (p->entity_count < PLATFORM_ENTITY_LIMIT)
        return true;
    if (*swept)
        return false;
    *swept = true;
    for (size_t i = 0; i < p->sources.len; i++) {
        struct source *s = p->sources.data[i];
        for (size_t j = s->entities.len; j-- > 0;) {
            struct tracked *t = s->entities.data[j];
            bool returning = s == answering && t->seen == s->sequence;
            if ((t->view.flags & (ENTITY_GONE | ENTITY_EXPECTED)) == ENTITY_GONE && !returning)
                tracked_forget(p, t);
        }
    }
    return p->entity_count < PLATFORM_ENTITY_LIMIT;
}

static void source_error_set(struct source *s, const char *error)
{
    if (strcmp(s->error, error) == 0)
        return;
    free(s->error);
    s->error = xstrndup(error, text_cut(error, strlen(error), PLATFORM_TEXT_LIMIT));
    s->view.error = s->error;
}

static void source_fail(struct platform *p, struct source *s, const char *error, int64_t wall_us)
{
    history_advance(s, false, wall_us);
    source_error_set(s, *error ? error : "failed without a reason");
    s->view.failures++;
    s->view.failures_in_a_row++;
    if (s->view.state != SOURCE_SILENT &&
        s->view.state != SOURCE_UNCLEAR) /* to fail is no better than either */
        source_set_state(p, s, SOURCE_FAILING, wall_us);
    platform_touch(p, ENTITY_ANY);
}

/* The entity that a row speaks about; of two rows about the same one the worse counts (t->row). NULL:
 * refused. */
static struct tracked *row_claim(struct platform *p, struct source *s, const struct observation *o,
                                 size_t row, const enum condition *conditions, bool *swept, int64_t wall_us)
{
    if (!observation_acceptable(o))
        return NULL;
    struct tracked *t = tracked_look_up(s, o);
    if (!t) {
        if (!room_make(p, s, swept))
            return NULL;
        t = tracked_new(p, s, o->kind, o->name, o->group, wall_us);
        t->fresh = true;
        s->cursor = t->place + 1;
    } else if (t->seen == s->sequence && conditions[row] <= conditions[t->row]) {
        return t;
    }
    t->seen = s->sequence;
    t->row = row;
    return t;
}

static void rows_apply(struct platform *p, struct source *s, const struct batch *b,
                       const enum condition *conditions, int64_t now_us, int64_t wall_us)
{
    struct tracked **claimed = xmalloc((b->observation_count + 1) * sizeof *claimed);
    bool swept = false;
    s->cursor = 0;
    for (size_t i = 0; i < b->observation_count; i++) {
        claimed[i] = row_claim(p, s, &b->observations[i], i, conditions, &swept, wall_us);
        if (!claimed[i])
            s->view.refused_count++;
    }
    for (size_t i = 0; i < b->observation_count; i++)
        if (claimed[i] && claimed[i]->row == i)
            observation_apply(p, claimed[i], &b->observations[i], conditions[i], now_us, wall_us);
    free(claimed);
}

static void source_judge(struct platform *p, struct source *s, const char *unclear, int64_t wall_us)
{
    source_error_set(s, unclear ? unclear : "");
    source_set_state(p, s, unclear ? SOURCE_UNCLEAR : SOURCE_OK, wall_us);
}

/* Rows that were refused may hide what is broken: such an answer is never ok. */
static void refused_judge(struct platform *p, struct source *s, int64_t wall_us)
{
    char text[PLATFORM_TEXT_LIMIT];
    snprintf(text, sizeof text,
             "%zu rows are left out: a name longer than %d bytes, or more than %d entities in all",
             s->view.refused_count, PLATFORM_NAME_LIMIT, PLATFORM_ENTITY_LIMIT);
    source_judge(p, s, s->view.refused_count ? text : NULL, wall_us);
}

bool platform_apply(struct platform *p, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct source *s = source_find(p, b->source);
    if (!s)
        return false;
    p->now_us = now_us;
    s->view.last_try_us = wall_us;
    s->view.took_us = b->took_us;
    if (b->error) {
        source_fail(p, s, b->error, wall_us);
        return true;
    }
    history_advance(s, true, wall_us);
    s->view.answers++;
    s->view.failures_in_a_row = 0;
    s->view.last_good_us = wall_us;
    s->view.silent_for_us = 0;
    s->view.refused_count = 0;
    s->heard_us = now_us;
    platform_due(p, now_us + s->stale_after_us);
    if (b->unclear || s->view.state != SOURCE_UNCLEAR) /* before its rows say what changed */
        source_judge(p, s, b->unclear, wall_us);

    enum condition *conditions = xmalloc((b->observation_count + 1) * sizeof *conditions);
    for (size_t i = 0; i < b->observation_count; i++) {
        const struct observation *o = &b->observations[i];
        bool derive = o->condition == CONDITION_NONE && observation_acceptable(o);
        conditions[i] = derive ? condition_derive(o) : o->condition;
    }
    chain_judge(b, conditions);
    rows_apply(p, s, b, conditions, now_us, wall_us);
    free(conditions);
    if (!b->unclear)
        refused_judge(p, s, wall_us);
    for (size_t i = 0; !b->partial && i < s->entities.len; i++)
        if (s->entities.data[i]->seen != s->sequence)
            tracked_vanish(p, s->entities.data[i], now_us, wall_us);
    return true;
}

static void tracked_quieten(struct platform *p, struct tracked *t, int64_t wall_us)
{
    if (t->view.kind == ENTITY_ALERT && (t->view.flags & (ENTITY_GONE | ENTITY_EXPECTED)) == ENTITY_GONE)
        tracked_forget(p, t); /* resolved, and nobody can say any more whether it still is */
    else
        tracked_silence(p, t, wall_us);
}

static void tracked_tick(struct platform *p, struct tracked *t, int64_t now_us, int64_t wall_us)
{
    unsigned flags = t->view.flags;
    tracked_settle(p, t, now_us, wall_us);
    if (t->view.flags & ENTITY_FLAPPING)
        platform_due(p, tracked_settles_us(t));
    if (flags & ENTITY_GONE && !(flags & ENTITY_EXPECTED))
        platform_due(p, t->gone_at_us + PLATFORM_FORGET_US);
    if (t->view.kind == ENTITY_BREAKER && !(flags & (ENTITY_GONE | ENTITY_SILENT)))
        idle_judge(p, t, now_us);
}

static void entities_tick(struct platform *p, struct source *s, int64_t now_us, int64_t wall_us)
{
    for (size_t i = s->entities.len; i-- > 0;) {
        struct tracked *t = s->entities.data[i];
        if (tracked_forgettable(t, now_us)) {
            tracked_forget(p, t);
            continue;
        }
        tracked_tick(p, t, now_us, wall_us);
        if (t->view.flags & ENTITY_SILENT || t->heard_us >= s->heard_us)
            continue;
        /* its source answers, but in parts that leave this one out */
        if (now_us - t->heard_us >= s->stale_after_us)
            tracked_quieten(p, t, wall_us);
        else
            platform_due(p, t->heard_us + s->stale_after_us);
    }
}

static void source_tick(struct platform *p, struct source *s, int64_t now_us, int64_t wall_us)
{
    int64_t late_us = s->heard_us + s->stale_after_us;
    s->view.silent_for_us = now_us - s->heard_us;
    if (s->view.state == SOURCE_SILENT)
        return;
    if (now_us < late_us) {
        platform_due(p, late_us);
        return;
    }
    source_set_state(p, s, SOURCE_SILENT, wall_us);
    for (size_t i = s->entities.len; i-- > 0;)
        if (!(s->entities.data[i]->view.flags & ENTITY_SILENT))
            tracked_quieten(p, s->entities.data[i], wall_us);
}

void platform_tick(struct platform *p, int64_t now_us, int64_t wall_us)
{
    p->now_us = now_us;
    p->next_us = INT64_MAX;
    for (size_t i = 0; i < p->sources.len; i++) {
        source_tick(p, p->sources.data[i], now_us, wall_us);
        entities_tick(p, p->sources.data[i], now_us, wall_us);
    }
}
