/* How an entity's condition changes, and what is said about it: singly, as flapping, or not at all. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/platform/model.h"

static const char *const transition_texts[] = {
    [TRANSITION_APPEARED] = "appeared", [TRANSITION_CHANGED] = "changed",   [TRANSITION_GONE] = "gone",
    [TRANSITION_RETURNED] = "returned", [TRANSITION_FLAPPING] = "flapping", [TRANSITION_SETTLED] = "settled",
    [TRANSITION_SILENT] = "silent",     [TRANSITION_HEARD] = "heard",
};

static const char *const source_texts[] = {
    [SOURCE_NEW] = "new",         [SOURCE_OK] = "ok",         [SOURCE_UNCLEAR] = "unclear",
    [SOURCE_FAILING] = "failing", [SOURCE_SILENT] = "silent",
};

const char *transition_kind_text(enum transition_kind kind)
{
    return transition_texts[kind];
}

const char *source_state_text(enum source_state state)
{
    return source_texts[state];
}

static void transition_emit(const struct platform *p, const struct transition *t)
{
    if (p->events.transition)
        p->events.transition(t, p->events.data);
}

void source_set_state(struct platform *p, struct source *s, enum source_state state, int64_t wall_us)
{
    if (s->view.state == state)
        return;
    struct source_change change = {.source = &s->view, .from = s->view.state, .to = state, .at_us = wall_us};
    s->view.state = state;
    platform_touch(p, ENTITY_ANY);
    if (p->events.source)
        p->events.source(&change, p->events.data);
}

/* The kinds whose own words are states; the others' carry values, and those change all the time. */
static bool raw_counts(enum entity_kind kind)
{
    return kind != ENTITY_SIGNAL && kind != ENTITY_SNAPSHOT;
}

static bool raw_same(const char *kept, const char *raw)
{
    size_t length = text_cut(raw, strnlen(raw, PLATFORM_TEXT_LIMIT + 1), PLATFORM_TEXT_LIMIT);
    return strlen(kept) == length && memcmp(kept, raw, length) == 0;
}

bool state_same(enum entity_kind kind, enum condition a, const char *raw_a, enum condition b,
                const char *raw_b)
{
    return a == b && (!raw_counts(kind) || raw_same(raw_a, raw_b));
}

static void tracked_set_gone(struct platform *p, struct tracked *t, bool gone)
{
    if (gone == !!(t->view.flags & ENTITY_GONE))
        return;
    tracked_flag(p, t, ENTITY_GONE, gone);
    t->source->view.entity_count += gone ? (size_t)-1 : 1;
    t->gone_at_us = p->now_us;
}

/* A rate takes two answers: what a source's first one leaves unknown is not judged yet, and what an earlier
 * process knew of it still stands. */
static bool judged(const struct tracked *t, const struct change *c)
{
    return c->condition != CONDITION_UNKNOWN || t->source->view.answers > 1;
}

/* Takes the condition and the raw state over. since starts anew unless the source knows better. */
static void tracked_take(struct platform *p, struct tracked *t, const struct change *c, bool anew,
                         int64_t wall_us)
{
    struct entity *e = &t->view;
    if (e->condition != c->condition) {
        e->condition = c->condition;
        platform_reorder(p, e->kind);
    }
    if (intern_set(&p->interns, &e->raw, c->raw, PLATFORM_TEXT_LIMIT))
        platform_touch(p, e->kind);
    t->original = !t->told || (t->original && !anew);
    t->told |= judged(t, c);
    t->ever_known |= c->condition != CONDITION_UNKNOWN;
    int64_t since = c->since_us ? c->since_us : anew ? wall_us : e->since_us;
    tracked_flag(p, t, ENTITY_SINCE_OWN, c->since_us || (!anew && e->flags & ENTITY_SINCE_OWN));
    if (since != e->since_us) {
        e->since_us = since;
        platform_touch(p, e->kind);
    }
}

/* How a state that is told for the first time goes on with what an earlier process knew. */
static void recall(struct platform *p, struct tracked *t, struct recollection *r, struct transition *said)
{
    if (!r)
        return;
    const struct entity *e = &t->view;
    bool flapping = r->since_us == 0;
    said->recalled = !flapping && state_same(e->kind, r->condition, r->raw, e->condition, e->raw);
    if (said->recalled) {
        tracked_since(p, t, r->since_us);
        return;
    }
    said->kind = flapping ? TRANSITION_SETTLED : TRANSITION_CHANGED;
    said->count = flapping ? 0 : 1;
    said->from = r->condition;
    said->raw_from = r->raw;
    said->first_answer = false;
}

void tracked_appear(struct platform *p, struct tracked *t, const struct change *c, int64_t wall_us)
{
    struct recollection *r = judged(t, c) ? recollection_take(p, t) : NULL;
    tracked_take(p, t, c, true, wall_us);
    struct transition said = {
        .kind = TRANSITION_APPEARED,
        .entity = &t->view,
        .from = CONDITION_NONE,
        .to = t->view.condition,
        .raw_from = "",
        .raw_to = t->view.raw,
        .count = 1,
        .first_answer = t->source->view.answers == 1,
        .at_us = wall_us,
    };
    recall(p, t, r, &said);
    transition_emit(p, &said);
    free(r);
}

static bool within_window(int64_t at_us, int64_t now_us)
{
    return at_us != INT64_MIN && now_us - at_us < PLATFORM_FLAP_WINDOW_US;
}

/* Counts a change. Returns the kind that is to be said, -1 for none. */
static int flap_count(struct platform *p, struct tracked *t, enum transition_kind kind, int64_t now_us)
{
    int64_t *changes = t->changes_us;
    memmove(changes + 1, changes, (PLATFORM_FLAP_CHANGES - 1) * sizeof *changes);
    changes[0] = now_us;
    t->view.change_count++;
    if (t->view.flags & ENTITY_FLAPPING) {
        t->flap_count++;
        platform_due(p, tracked_settles_us(t));
        return -1;
    }
    if (!within_window(changes[PLATFORM_FLAP_CHANGES - 1], now_us))
        return (int)kind;
    t->flap_count = PLATFORM_FLAP_CHANGES;
    t->flap_from = t->view.condition;
    tracked_flag(p, t, ENTITY_FLAPPING, true);
    platform_due(p, tracked_settles_us(t));
    return TRANSITION_FLAPPING;
}

int64_t tracked_settles_us(const struct tracked *t)
{
    return t->changes_us[1] + PLATFORM_FLAP_WINDOW_US;
}

void tracked_settle(struct platform *p, struct tracked *t, int64_t now_us, int64_t wall_us)
{
    if (!(t->view.flags & ENTITY_FLAPPING) || now_us < tracked_settles_us(t))
        return;
    tracked_flag(p, t, ENTITY_FLAPPING, false);
    struct transition said = {
        .kind = TRANSITION_SETTLED,
        .entity = &t->view,
        .from = t->flap_from,
        .to = t->view.condition,
        .raw_from = t->view.raw,
        .raw_to = t->view.raw,
        .count = t->flap_count,
        .at_us = wall_us,
    };
    t->flap_count = 0;
    transition_emit(p, &said);
}

void tracked_change(struct platform *p, struct tracked *t, const struct change *c, int64_t now_us,
                    int64_t wall_us)
{
    struct entity *e = &t->view;
    bool silent = e->flags & ENTITY_SILENT;
    bool returned = e->flags & ENTITY_GONE && !c->gone;
    bool went = c->gone && !(e->flags & ENTITY_GONE);
    enum condition from = silent ? t->known : e->condition;
    bool never_known = !t->ever_known;
    const char *raw = c->raw ? c->raw : "";
    bool same = state_same(e->kind, from, e->raw, c->condition, raw) && !returned && !went;

    if (c->goes_on && !silent && !returned && from != CONDITION_OK && c->condition != CONDITION_OK) {
        tracked_take(p, t, c, false, wall_us);
        return;
    }
    struct recollection *r = judged(t, c) ? recollection_take(p, t) : NULL;
    char raw_from[PLATFORM_TEXT_LIMIT + 1];
    snprintf(raw_from, sizeof raw_from, "%s", e->raw);
    if (silent) {
        tracked_flag(p, t, ENTITY_SILENT, false);
        if (same)
            e->since_us = t->known_since_us;
    }
    tracked_set_gone(p, t, c->gone);
    tracked_take(p, t, c, !same, wall_us);

    struct transition said = {
        .kind = returned ? TRANSITION_RETURNED
                : went   ? TRANSITION_GONE
                         : TRANSITION_CHANGED,
        .entity = e,
        .from = from,
        .to = e->condition,
        .raw_from = raw_from,
        .raw_to = e->raw,
        .count = 1,
        .first_answer = never_known && t->source->view.answers <= 3 && !returned,
        .at_us = wall_us,
    };
    recall(p, t, r, &said);
    if (same && (!r || said.recalled)) {
        said.kind = TRANSITION_HEARD;
        if (silent)
            transition_emit(p, &said);
        free(r);
        return;
    }
    int kind = flap_count(p, t, said.kind, now_us);
    if (kind == TRANSITION_FLAPPING)
        said.count = t->flap_count;
    said.kind = (enum transition_kind)kind;
    if (kind >= 0)
        transition_emit(p, &said);
    free(r);
}

void tracked_silence(struct platform *p, struct tracked *t, int64_t wall_us)
{
    struct entity *e = &t->view;
    struct transition said = {
        .kind = TRANSITION_SILENT,
        .entity = e,
        .from = e->condition,
        .to = CONDITION_UNKNOWN,
        .raw_from = e->raw,
        .raw_to = e->raw,
        .count = 1,
        .at_us = wall_us,
    };
    t->known = e->condition;
    t->known_since_us = e->since_us;
    e->condition = CONDITION_UNKNOWN;
    e->since_us = wall_us;
    tracked_flag(p, t, ENTITY_IDLE, false);
    tracked_flag(p, t, ENTITY_SILENT, true);
    platform_reorder(p, e->kind);
    transition_emit(p, &said);
}
