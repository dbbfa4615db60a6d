/* A platform with a clock of its own and a record of what it reported. */
#ifndef BELAY_TESTS_PLATFORM_RIG_H
#define BELAY_TESTS_PLATFORM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/base.h"
#include "engine/platform/platform.h"

#define WALL_ZERO 1800000000000000LL /* wall time when the monotonic clock is 0 */

struct rig {
    struct platform *platform;
    int64_t now_us;
    VEC(char *) said; /* "changed shard:store:docs/1 ok->down x1" */
};

static inline void rig_say(struct rig *r, char *line)
{
    *vec_push(&r->said) = line;
}

static inline void rig_transition(const struct transition *t, void *data)
{
    struct rig *r = data;
    struct str key = {0};
    entity_key(t->entity, &key);
    rig_say(r, xasprintf("%s %s %s->%s '%s'->'%s' x%u%s%s", transition_kind_text(t->kind), str_text(&key),
                         condition_name(t->from), condition_name(t->to), t->raw_from, t->raw_to, t->count,
                         t->first_answer ? " first" : "", t->recalled ? " recalled" : ""));
    str_fini(&key);
}

static inline void rig_source(const struct source_change *c, void *data)
{
    rig_say(data, xasprintf("source %s %s->%s", c->source->name, source_state_text(c->from),
                            source_state_text(c->to)));
}

static inline void rig_open(struct rig *r)
{
    *r = (struct rig){.now_us = 1000};
    struct platform_events events = {.transition = rig_transition, .source = rig_source, .data = r};
    r->platform = platform_new(&events);
}

static inline void rig_forget(struct rig *r)
{
    for (size_t i = 0; i < r->said.len; i++)
        free(r->said.data[i]);
    r->said.len = 0;
}

static inline void rig_close(struct rig *r)
{
    rig_forget(r);
    vec_fini(&r->said);
    platform_free(r->platform);
}

static inline void rig_add(struct rig *r, const char *name, int64_t every_s)
{
    platform_source_add(r->platform, name, "http", every_s * US_PER_S, 0, r->now_us);
}

/* Lets time pass in one piece, and ticks at its end. */
static inline void rig_pass(struct rig *r, double seconds)
{
    r->now_us += (int64_t)(seconds * 1e6);
    platform_tick(r->platform, r->now_us, WALL_ZERO + r->now_us);
}

static inline void rig_batch(struct rig *r, const struct batch *b)
{
    assert_true(platform_apply(r->platform, b, r->now_us, WALL_ZERO + r->now_us));
}

static inline void rig_rows(struct rig *r, const char *source, const struct observation *rows, size_t count)
{
    struct batch b = {.source = source, .observations = rows, .observation_count = count};
    rig_batch(r, &b);
}

static inline void rig_error(struct rig *r, const char *source, const char *error)
{
    struct batch b = {.source = source, .error = error};
    rig_batch(r, &b);
}

/* One shard of the source "store" with this raw state. */
static inline void rig_shard(struct rig *r, const char *raw)
{
    struct observation o = {.kind = ENTITY_SHARD, .name = "docs/5", .group = "docs", .raw = raw};
    rig_rows(r, "store", &o, 1);
}

static inline const struct entity *rig_find(struct rig *r, enum entity_kind kind, const char *name)
{
    return platform_find(r->platform, kind, NULL, name);
}

static inline void rig_expect_said(struct rig *r, const char *const *lines, size_t count)
{
    for (size_t i = 0; i < r->said.len || i < count; i++) {
        const char *said = i < r->said.len ? r->said.data[i] : "(nothing)";
        const char *line = i < count ? lines[i] : "(nothing)";
        if (strcmp(said, line) != 0)
            fail_msg("report %zu\n  said:   %s\n  wanted: %s", i, said, line);
    }
    rig_forget(r);
}

#define RIG_SAID(r, ...)                                                                                     \
    rig_expect_said((r), (const char *const[]){__VA_ARGS__},                                                 \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define RIG_QUIET(r) rig_expect_said((r), NULL, 0)

#endif
