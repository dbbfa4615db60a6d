/* A still picture of the model, for a console that has frozen it: everything that can be looked at, under the
 * same ids. */
#include <string.h>

#include "engine/platform/model.h"

static void copy_source(struct platform *copy, const struct source *from)
{
    platform_source_add(copy, from->name, from->kind, from->view.every_us, from->stale_after_us,
                        from->heard_us);
    struct source *to = source_find(copy, from->name);
    struct source_view view = from->view;
    view.name = to->name;
    view.kind = to->kind;
    view.entity_count = 0; /* counted again as they come */
    free(to->error);
    view.error = to->error = xstrdup(from->error);
    to->view = view;
    to->sequence = from->sequence;
    memcpy(to->times_us, from->times_us, sizeof to->times_us);
    memcpy(to->answered, from->answered, sizeof to->answered);
}

static struct measure *copy_measures(struct platform *copy, const struct entity *from)
{
    struct measure *measures = xcalloc(from->measure_count, sizeof *measures);
    for (uint32_t i = 0; i < from->measure_count; i++) {
        measures[i] = from->measures[i];
        measures[i].name = intern_get(&copy->interns, from->measures[i].name, PLATFORM_NAME_LIMIT);
        if (from->measures[i].history != NULL) {
            measures[i].history = xmalloc(PLATFORM_HISTORY * sizeof *measures[i].history);
            memcpy(measures[i].history, from->measures[i].history,
                   PLATFORM_HISTORY * sizeof *measures[i].history);
        }
    }
    return measures;
}

static struct attribute *copy_attributes(struct platform *copy, const struct entity *from)
{
    struct attribute *attributes = xcalloc(from->attribute_count, sizeof *attributes);
    for (uint32_t i = 0; i < from->attribute_count; i++) {
        attributes[i].name = intern_get(&copy->interns, from->attributes[i].name, PLATFORM_NAME_LIMIT);
        attributes[i].value = intern_get(&copy->interns, from->attributes[i].value, PLATFORM_TEXT_LIMIT);
    }
    return attributes;
}

static void copy_entity(struct platform *copy, const struct tracked *tracked)
{
    const struct entity *from = &tracked->view;
    struct source *source = source_find(copy, from->source);
    copy->last_id = from->id - 1; /* tracked_new gives the next one */
    struct entity *to =
        &tracked_new(copy, source, from->kind, from->name, from->group, from->first_seen_us)->view;
    to->condition = from->condition;
    to->flags = from->flags;
    to->raw = intern_get(&copy->interns, from->raw, PLATFORM_TEXT_LIMIT);
    to->reason = intern_get(&copy->interns, from->reason, PLATFORM_TEXT_LIMIT);
    to->since_us = from->since_us;
    to->last_seen_us = from->last_seen_us;
    to->change_count = from->change_count;
    to->attribute_count = from->attribute_count;
    to->attributes = from->attribute_count > 0 ? copy_attributes(copy, from) : NULL;
    to->measure_count = from->measure_count;
    to->measures = from->measure_count > 0 ? copy_measures(copy, from) : NULL;
    if (from->snippet != NULL) {
        char *snippet = xmalloc(from->snippet_length + 1);
        memcpy(snippet, from->snippet, from->snippet_length);
        to->snippet = snippet;
        to->snippet_length = from->snippet_length;
    }
    if (from->flags & ENTITY_GONE) {
        source->view.entity_count--;
    }
}

struct platform *platform_copy(const struct platform *p)
{
    struct platform *copy = platform_new(NULL);
    for (size_t i = 0; i < p->sources.len; i++) {
        copy_source(copy, p->sources.data[i]);
    }
    for (size_t i = 0; i < p->by_id.len; i++) {
        if (p->by_id.data[i].tracked != NULL) {
            copy_entity(copy, p->by_id.data[i].tracked);
        }
    }
    copy->last_id = p->last_id;
    copy->now_us = p->now_us;
    copy->next_us = p->next_us;
    memcpy(copy->versions, p->versions, sizeof copy->versions);
    return copy;
}
