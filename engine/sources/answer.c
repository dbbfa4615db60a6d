#include "engine/sources/answer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sources/csv.h"

/* ---- Wanted names ---- */

static size_t name_hash(const char *bytes, size_t length)
{
    /* The names come from the configuration: a cheap hash will do, and every sample of an exposition pays for
     * it. */
    uint64_t hash = length;
    for (size_t i = 0; i < length; i++)
        hash = hash * 31 + (unsigned char)bytes[i];
    return (size_t)(hash ^ hash >> 17);
}

static void rehash(struct metric_names *m)
{
    m->slot_count = 16;
    while (m->slot_count < m->names.len * 4)
        m->slot_count *= 2;
    free(m->slots);
    m->slots = xcalloc(m->slot_count, sizeof *m->slots);
    for (size_t i = 0; i < m->names.len; i++) {
        size_t slot = name_hash(m->names.data[i], strlen(m->names.data[i])) & (m->slot_count - 1);
        while (m->slots[slot])
            slot = (slot + 1) & (m->slot_count - 1);
        m->slots[slot] = i + 1;
    }
}

/* The index, or -1. */
static ptrdiff_t metric_find(const struct metric_names *m, const char *bytes, size_t length)
{
    if (!m->slot_count)
        return -1;
    for (size_t slot = name_hash(bytes, length) & (m->slot_count - 1); m->slots[slot];
         slot = (slot + 1) & (m->slot_count - 1)) {
        const char *name = m->names.data[m->slots[slot] - 1];
        if (strncmp(name, bytes, length) == 0 && !name[length])
            return (ptrdiff_t)m->slots[slot] - 1;
    }
    return -1;
}

size_t metric_names_add(struct metric_names *m, const char *name)
{
    ptrdiff_t found = metric_find(m, name, strlen(name));
    if (found >= 0)
        return (size_t)found;
    *vec_push(&m->names) = xstrdup(name);
    rehash(m);
    return m->names.len - 1;
}

void metric_names_fini(struct metric_names *m)
{
    for (size_t i = 0; i < m->names.len; i++)
        free(m->names.data[i]);
    vec_fini(&m->names);
    free(m->slots);
    m->slots = NULL;
    m->slot_count = 0;
}

/* ---- Samples ---- */

const char *sample_label(const struct sample *s, const char *name)
{
    for (size_t i = 0; i < s->label_count; i++)
        if (strcmp(s->labels[i].name, name) == 0)
            return s->labels[i].value;
    return "";
}

struct collecting {
    struct answer *answer;
    const struct metric_names *wanted;
    struct sample ***ends;
    size_t count;
    struct err *e;
};

static int collect(const struct exposition_sample *s, void *data)
{
    struct collecting *c = data;
    ptrdiff_t metric = metric_find(c->wanted, s->name.bytes, s->name.length);
    if (metric < 0)
        return 0;
    if (c->count++ == ANSWER_SAMPLE_LIMIT)
        return err_set(c->e, ERR_RANGE, "more than %d samples of the metrics that are wanted",
                       ANSWER_SAMPLE_LIMIT);
    struct arena *arena = &c->answer->arena;
    struct sample_label *labels = arena_alloc(arena, s->label_count * sizeof *labels);
    for (size_t i = 0; i < s->label_count; i++) {
        labels[i].name = arena_bytes(arena, s->labels[i].name.bytes, s->labels[i].name.length);
        labels[i].value = arena_bytes(arena, s->labels[i].value.bytes, s->labels[i].value.length);
    }
    struct sample *kept = arena_alloc(arena, sizeof *kept);
    *kept = (struct sample){.metric = (size_t)metric,
                            .labels = labels,
                            .label_count = s->label_count,
                            .value = s->value,
                            .has_time = s->has_time,
                            .time_ms = s->time_ms};
    *c->ends[metric] = kept;
    c->ends[metric] = &kept->next;
    return 0;
}

static int read_exposition(struct answer *a, const struct metric_names *wanted, struct err *e)
{
    a->metric_count = wanted->names.len;
    a->metrics = arena_alloc(&a->arena, a->metric_count * sizeof *a->metrics);
    struct collecting c = {.answer = a, .wanted = wanted, .e = e};
    c.ends = arena_alloc(&a->arena, a->metric_count * sizeof *c.ends);
    for (size_t i = 0; i < a->metric_count; i++)
        c.ends[i] = &a->metrics[i];
    return exposition_parse(str_text(&a->body), a->body.len, a->format, collect, &c, e);
}

int answer_read(struct answer *a, enum answer_form form, const struct metric_names *wanted, struct err *e)
{
    switch (form) {
    case FORM_JSON:
        if (!a->root)
            a->root = json_parse(str_text(&a->body), a->body.len, e);
        return a->root ? 0 : e->code;
    case FORM_EXPOSITION:
        return read_exposition(a, wanted, e);
    case FORM_CSV:
        a->root = csv_read(str_text(&a->body), a->body.len, &a->arena, e);
        return a->root ? 0 : e->code;
    case FORM_NONE:
        break;
    }
    return 0;
}

void answer_drop(struct answer *a)
{
    str_fini(&a->body);
    cJSON_Delete(a->root);
    a->root = NULL;
    arena_fini(&a->arena);
    a->metrics = NULL;
    a->metric_count = 0;
}

void answer_fini(struct answer *a)
{
    answer_drop(a);
    *a = (struct answer){0};
}
