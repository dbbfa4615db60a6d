#include "engine/platform/platform.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/platform/model.h"

static const char *const kind_texts[] = {
#define X(name, text, plural) text,
    ENTITY_KINDS(X)
#undef X
        "any",
};

static const char *const kind_plurals[] = {
#define X(name, text, plural) plural,
    ENTITY_KINDS(X)
#undef X
        "entities",
};

static const char *const condition_names[] = {
#define X(name, text) text,
    CONDITIONS(X)
#undef X
};

const char *entity_kind_text(enum entity_kind kind)
{
    return kind_texts[kind];
}

const char *entity_kind_plural(enum entity_kind kind)
{
    return kind_plurals[kind];
}

bool entity_kind_parse(const char *text, enum entity_kind *kind)
{
    for (int i = 0; i < ENTITY_KIND_COUNT; i++) {
        if (strcmp(text, kind_texts[i]) == 0) {
            *kind = (enum entity_kind)i;
            return true;
        }
    }
    return false;
}

const char *condition_name(enum condition condition)
{
    return condition_names[condition];
}

bool condition_name_parse(const char *text, enum condition *condition)
{
    for (int i = CONDITION_OK; i < CONDITION_COUNT; i++) {
        if (strcasecmp(text, condition_names[i]) == 0) {
            *condition = (enum condition)i;
            return true;
        }
    }
    return false;
}

struct platform *platform_new(const struct platform_events *events)
{
    struct platform *p = xcalloc(1, sizeof *p);
    if (events)
        p->events = *events;
    p->orders = xcalloc(ENTITY_KIND_COUNT + 1, sizeof *p->orders);
    interns_init(&p->interns);
    p->recollections = map_new();
    p->next_us = INT64_MAX;
    return p;
}

static void tracked_free(struct platform *p, struct tracked *t)
{
    struct entity *e = &t->view;
    struct measure *measures = (struct measure *)(uintptr_t)e->measures;
    for (uint32_t i = 0; i < e->measure_count; i++) {
        intern_put(&p->interns, measures[i].name);
        history_free(&measures[i]);
    }
    free(measures);
    for (uint32_t i = 0; i < e->attribute_count; i++) {
        intern_put(&p->interns, e->attributes[i].name);
        intern_put(&p->interns, e->attributes[i].value);
    }
    free((void *)(uintptr_t)e->attributes);
    free((void *)(uintptr_t)e->snippet);
    free((void *)(uintptr_t)e->name);
    intern_put(&p->interns, e->group);
    intern_put(&p->interns, e->raw);
    intern_put(&p->interns, e->reason);
    free(t);
}

static void source_free(struct platform *p, struct source *s)
{
    for (size_t i = 0; i < s->entities.len; i++)
        tracked_free(p, s->entities.data[i]);
    vec_fini(&s->entities);
    map_free(s->by_name);
    free(s->name);
    free(s->kind);
    free(s->error);
    free(s);
}

void platform_free(struct platform *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->sources.len; i++)
        source_free(p, p->sources.data[i]);
    vec_fini(&p->sources);
    vec_fini(&p->by_id);
    orders_free(p->orders);
    recollections_free(p);
    interns_fini(&p->interns);
    free(p);
}

/* ---- Sources ---- */

struct source *source_find(const struct platform *p, const char *name)
{
    for (size_t i = 0; i < p->sources.len; i++)
        if (strcmp(p->sources.data[i]->name, name) == 0)
            return p->sources.data[i];
    return NULL;
}

void platform_source_add(struct platform *p, const char *name, const char *kind, int64_t every_us,
                         int64_t stale_after_us, int64_t now_us)
{
    struct source *s = source_find(p, name);
    if (!s) {
        s = xcalloc(1, sizeof *s);
        s->name = xstrdup(name);
        s->view.name = s->name;
        s->view.error = s->error = xstrdup("");
        s->by_name = map_new();
        s->heard_us = now_us;
        *vec_push(&p->sources) = s;
    }
    free(s->kind);
    s->view.kind = s->kind = xstrdup(kind);
    s->own = strcmp(kind, PLATFORM_OWN) == 0;
    s->view.every_us = every_us;
    s->stale_after_us = stale_after_us > 0 ? stale_after_us : PLATFORM_LATE_INTERVALS * every_us;
    platform_due(p, s->heard_us + s->stale_after_us);
    platform_touch(p, ENTITY_ANY);
}

size_t platform_source_count(const struct platform *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->sources.len; i++)
        count += !p->sources.data[i]->own;
    return count;
}

const struct source_view *platform_source(const struct platform *p, size_t index)
{
    for (size_t i = 0; i < p->sources.len; i++)
        if (!p->sources.data[i]->own && index-- == 0)
            return &p->sources.data[i]->view;
    return NULL;
}

const struct source_view *platform_source_find(const struct platform *p, const char *name)
{
    const struct source *s = source_find(p, name);
    return s ? &s->view : NULL;
}

bool platform_all_silent(const struct platform *p, int64_t *last_good_us)
{
    int64_t newest = 0;
    bool any = false;
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct source_view *view = &p->sources.data[i]->view;
        if (p->sources.data[i]->own)
            continue;
        any = true;
        if (view->state != SOURCE_SILENT)
            return false;
        if (view->last_good_us > newest)
            newest = view->last_good_us;
    }
    if (last_good_us)
        *last_good_us = newest;
    return any;
}

enum condition platform_condition(const struct platform *p)
{
    struct condition_counts counts = platform_counts(p, ENTITY_ANY);
    bool watches = platform_source_count(p) > 0 || counts.total > counts.idle + counts.gone;
    enum condition worst = watches ? CONDITION_OK : CONDITION_UNKNOWN;
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct source_view *view = &p->sources.data[i]->view;
        bool known = p->sources.data[i]->own ||
                     (view->answers > 0 && view->state != SOURCE_SILENT && view->state != SOURCE_UNCLEAR);
        if (!known && worst < CONDITION_UNKNOWN)
            worst = CONDITION_UNKNOWN;
    }
    for (enum condition c = CONDITION_DOWN; c > worst; c--)
        if (counts.by[c] > counts.beside[c])
            return c;
    return worst;
}

/* ---- Entities ---- */

/* Names are unique for kind and source: the kind is the key's first letter. */
static void key_write(char key[static PLATFORM_NAME_LIMIT + 2], enum entity_kind kind, const char *name)
{
    key[0] = (char)('a' + (int)kind);
    size_t length = strnlen(name, PLATFORM_NAME_LIMIT);
    memcpy(key + 1, name, length);
    key[1 + length] = '\0';
}

struct tracked *tracked_find(const struct source *s, enum entity_kind kind, const char *name)
{
    char key[PLATFORM_NAME_LIMIT + 2];
    if (strnlen(name, PLATFORM_NAME_LIMIT + 1) > PLATFORM_NAME_LIMIT)
        return NULL;
    key_write(key, kind, name);
    return map_get(s->by_name, key);
}

struct tracked *tracked_new(struct platform *p, struct source *s, enum entity_kind kind, const char *name,
                            const char *group, int64_t wall_us)
{
    struct tracked *t = xcalloc(1, sizeof *t);
    char key[PLATFORM_NAME_LIMIT + 2];
    key_write(key, kind, name);
    t->source = s;
    t->place = s->entities.len;
    t->heard_us = s->heard_us;
    t->calls = NAN;
    for (int i = 0; i < PLATFORM_FLAP_CHANGES; i++)
        t->changes_us[i] = INT64_MIN;
    *vec_push(&s->entities) = t;
    map_set(s->by_name, key, t);
    struct entity *e = &t->view;
    e->id = ++p->last_id;
    *vec_push(&p->by_id) = (struct numbered){e->id, t};
    e->kind = kind;
    e->condition = CONDITION_UNKNOWN;
    e->source = s->name;
    e->name = xstrdup(name);
    e->group = intern_get(&p->interns, group, PLATFORM_NAME_LIMIT);
    e->raw = e->reason = "";
    e->since_us = e->first_seen_us = wall_us;
    p->entity_count++;
    s->view.entity_count++;
    order_add(&p->orders[kind], e);
    order_add(&p->orders[ENTITY_ANY], e);
    platform_reorder(p, kind);
    return t;
}

static struct numbered *number_find(const struct platform *p, uint32_t id)
{
    size_t low = 0, high = p->by_id.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->by_id.data[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->by_id.len && p->by_id.data[low].id == id ? &p->by_id.data[low] : NULL;
}

static void numbers_compact(struct platform *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->by_id.len; i++)
        if (p->by_id.data[i].tracked)
            p->by_id.data[kept++] = p->by_id.data[i];
    p->by_id.len = kept;
    p->forgotten_count = 0;
}

void tracked_forget(struct platform *p, struct tracked *t)
{
    struct source *s = t->source;
    char key[PLATFORM_NAME_LIMIT + 2];
    key_write(key, t->view.kind, t->view.name);
    map_remove(s->by_name, key);
    struct tracked *last = s->entities.data[--s->entities.len];
    s->entities.data[t->place] = last;
    last->place = t->place;
    s->cursor = 0;
    if (!(t->view.flags & ENTITY_GONE))
        s->view.entity_count--;
    number_find(p, t->view.id)->tracked = NULL;
    if (++p->forgotten_count > p->by_id.len / 2)
        numbers_compact(p);
    p->entity_count--;
    order_remove(&p->orders[t->view.kind], &t->view);
    order_remove(&p->orders[ENTITY_ANY], &t->view);
    platform_reorder(p, t->view.kind);
    tracked_free(p, t);
}

void platform_expect(struct platform *p, const char *source, enum entity_kind kind, const char *name,
                     const char *group, int64_t wall_us)
{
    struct source *s = source_find(p, source);
    if (!s || !*name || strnlen(name, PLATFORM_NAME_LIMIT + 1) > PLATFORM_NAME_LIMIT)
        return;
    struct tracked *t = tracked_find(s, kind, name);
    if (!t && p->entity_count < PLATFORM_ENTITY_LIMIT) {
        t = tracked_new(p, s, kind, name, group, wall_us);
        intern_set(&p->interns, &t->view.reason, "not seen yet", PLATFORM_TEXT_LIMIT);
    }
    if (t)
        tracked_flag(p, t, ENTITY_EXPECTED, true);
}

const struct entity *platform_entity(const struct platform *p, uint32_t id)
{
    const struct numbered *found = number_find(p, id);
    return found && found->tracked ? &found->tracked->view : NULL;
}

const struct entity *platform_find(const struct platform *p, enum entity_kind kind, const char *source,
                                   const char *name)
{
    const struct entity *worst = NULL;
    for (size_t i = 0; i < p->sources.len; i++) {
        const struct source *s = p->sources.data[i];
        if (source && strcmp(source, s->name) != 0)
            continue;
        const struct tracked *t = tracked_find(s, kind, name);
        if (t && (!worst || t->view.condition > worst->condition))
            worst = &t->view;
    }
    return worst;
}

const struct entity *platform_find_key(const struct platform *p, const char *key)
{
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        size_t length = strlen(kind_texts[kind]);
        if (strncmp(key, kind_texts[kind], length) != 0 || key[length] != ':')
            continue;
        for (size_t i = 0; i < p->sources.len; i++) {
            const struct source *s = p->sources.data[i];
            const char *rest = key + length + 1;
            size_t name_length = strlen(s->name);
            if (strncmp(rest, s->name, name_length) != 0 || rest[name_length] != ':')
                continue;
            const struct tracked *t = tracked_find(s, (enum entity_kind)kind, rest + name_length + 1);
            if (t)
                return &t->view;
        }
    }
    return NULL;
}

/* ---- What changed ---- */

uint64_t platform_version(const struct platform *p, enum entity_kind kind)
{
    return p->versions[kind];
}

void platform_touch(struct platform *p, enum entity_kind kind)
{
    if (kind != ENTITY_ANY)
        p->versions[kind]++;
    p->versions[ENTITY_ANY]++;
}

void platform_reorder(struct platform *p, enum entity_kind kind)
{
    p->orders[kind].worst_stale = p->orders[ENTITY_ANY].worst_stale = true;
    platform_touch(p, kind);
}

void tracked_flag(struct platform *p, struct tracked *t, unsigned flag, bool set)
{
    unsigned flags = set ? t->view.flags | flag : t->view.flags & ~flag;
    if (flags == t->view.flags)
        return;
    t->view.flags = flags;
    platform_reorder(p, t->view.kind);
}

int64_t platform_next_us(const struct platform *p)
{
    return p->next_us;
}

void platform_due(struct platform *p, int64_t at_us)
{
    if (at_us < p->next_us)
        p->next_us = at_us;
}
