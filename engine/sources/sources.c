/* The life of the sources and their schedule. */
#include "engine/sources/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/running.h"

#define FEW_SOURCES    16       /* so many are polled at once at the start */
#define SECOND_POLL_US US_PER_S /* one-pass mode: where a value needs two answers */

/* ---- What a kind may see ---- */

struct loop *source_loop(const struct source *s)
{
    return s->owner->loop;
}

struct http *source_http(struct source *s)
{
    if (!s->owner->http)
        s->owner->http = http_new(s->owner->loop, s->owner->count, NULL);
    return s->owner->http;
}

const struct config_source *source_config(const struct source *s)
{
    return s->config;
}

const char *source_url(const struct source *s)
{
    return s->plan.url;
}

int64_t source_timeout_us(const struct source *s)
{
    return s->plan.timing.timeout_us;
}

enum answer_form source_form(const struct source *s)
{
    return s->plan.form;
}

const struct mapping *source_mapping(const struct source *s)
{
    return s->plan.mapping;
}

const struct secrets *source_secrets(const struct source *s)
{
    return s->secrets;
}

struct journal *source_journal(const struct source *s, const char **why)
{
    *why = s->owner->journal_trouble;
    return s->owner->journal;
}

const char *source_variable(const struct source *s, const char *name)
{
    return json_string(s->plan.vars, name, "");
}

void sources_set_journal(struct sources *all, struct journal *journal, const char *why)
{
    all->journal = journal;
    snprintf(all->journal_trouble, sizeof all->journal_trouble, "%s", why ? why : "");
}

/* ---- Polling ---- */

static void wait_for_turn(struct source *s)
{
    loop_timer_start(s->timer, s->next_us - loop_now_us(s->owner->loop), 0);
}

/* start + k * every: a slow answer or a late timer shifts nothing; what was missed is skipped. */
static void next_turn(struct source *s, int64_t earliest_us)
{
    int64_t every = s->plan.timing.every_us;
    s->next_us += every;
    if (s->next_us < earliest_us)
        s->next_us = s->start_us + ((earliest_us - s->start_us) / every + 1) * every;
    wait_for_turn(s);
}

static void status_changed(struct source *s)
{
    if (s->owner->events.status)
        s->owner->events.status(s->owner->events.data, s->index);
}

static void poll_now(struct source *s);

static void on_secrets(void *data, const struct err *error)
{
    struct source *s = data;
    if (error)
        source_failed(s, 0, "a secret can't be read: %s", error->msg);
    else
        s->plan.kind->poll(s->state);
}

static void poll_now(struct source *s)
{
    if (s->polling)
        return;
    s->polling = true;
    s->poll_us = loop_now_us(s->owner->loop);
    s->last_try_wall_us = clock_wall_us();
    if (!s->open) {
        s->state = s->plan.kind->open(s);
        s->open = true;
    }
    if (secrets_ready(s->secrets, s->poll_us))
        s->plan.kind->poll(s->state);
    else
        secrets_resolve(s->secrets, s->owner->loop, on_secrets, s);
}

static void on_once_timer(void *data)
{
    struct sources *all = data;
    all->once = false;
    all->once_done(all->once_data);
}

/* Refused by its breaker: no request is made, that turn is skipped. One pass asks all the same: a person
 * wants to know. */
static bool may_poll(struct source *s)
{
    return s->owner->once || (!s->polling && kept_admit(&s->kept));
}

static void on_timer(void *data)
{
    struct source *s = data;
    if (may_poll(s))
        poll_now(s);
    if (!s->owner->once) /* a poll that is still under way then is not overtaken: that turn is skipped */
        next_turn(s, loop_now_us(s->owner->loop));
}

void source_poll_ended(struct source *s)
{
    struct sources *all = s->owner;
    s->polling = false;
    status_changed(s);
    if (!all->once)
        return;
    if (--s->once_left > 0)
        loop_timer_start(s->timer, SECOND_POLL_US, 0);
    else if (--all->once_waiting == 0)
        loop_timer_start(all->once_timer, 0, 0);
}

void sources_start(struct sources *all)
{
    int64_t now = loop_now_us(all->loop);
    for (size_t i = 0; i < all->count; i++) {
        struct source *s = &all->list[i];
        int64_t spread =
            all->count <= FEW_SOURCES ? 0 : s->plan.timing.every_us / 2 / (int64_t)all->count * (int64_t)i;
        s->start_us = s->next_us = now + spread;
        loop_timer_start(s->timer, spread, 0);
    }
}

void sources_once(struct sources *all, void (*done)(void *data), void *data)
{
    all->once = true;
    all->once_done = done;
    all->once_data = data;
    all->once_waiting = all->count;
    if (!all->count)
        loop_timer_start(all->once_timer, 0, 0);
    for (size_t i = 0; i < all->count; i++) {
        struct source *s = &all->list[i];
        s->once_left = mapping_needs_history(s->plan.mapping) ? 2 : 1;
        loop_timer_start(s->timer, 0, 0);
    }
}

/* ---- Life ---- */

int sources_check(const struct config *c, struct config_findings *findings, struct err *e)
{
    int status = 0;
    for (size_t i = 0; i < c->source_count; i++) {
        struct source_plan plan;
        struct err one;
        int code = source_plan_make(&plan, c, &c->sources[i], findings, &one);
        if (!code)
            source_plan_fini(&plan);
        if (code && !status) {
            status = code;
            if (e)
                *e = one;
        }
    }
    return status;
}

static void breaker_make(struct source *s)
{
    struct breaker_rules rules = kept_rules(s->plan.timing.every_us);
    char *name = xasprintf("source/%s", s->config->name);
    kept_init(&s->kept, "source", name, &rules);
    free(name);
}

void sources_keep(struct sources *all, struct keeper *keeper)
{
    for (size_t i = 0; i < all->count; i++)
        keeper_add(keeper, &all->list[i].kept);
}

static int source_init(struct source *s, struct sources *all, size_t index, struct err *e)
{
    s->owner = all;
    s->index = index;
    s->config = &all->config->sources[index];
    s->next_us = -1;
    int status = source_plan_make(&s->plan, all->config, s->config, NULL, e);
    if (status)
        return status;
    s->memory = mapping_memory_new(s->plan.mapping);
    s->secrets =
        secrets_new(s->config->headers, s->config->header_count, s->config->user, s->config->password);
    s->timer = loop_timer_new(all->loop, on_timer, s);
    breaker_make(s);
    return 0;
}

struct sources *sources_new(struct loop *l, const struct config *c, const struct sources_events *events,
                            struct err *e)
{
    struct sources *all = xcalloc(1, sizeof *all);
    size_t count = c ? c->source_count : 0;
    all->loop = l;
    all->config = c;
    all->events = *events;
    all->once_timer = loop_timer_new(l, on_once_timer, all);
    all->list = xcalloc(count + 1, sizeof *all->list);
    for (size_t i = 0; i < count; i++) {
        if (source_init(&all->list[i], all, i, e)) {
            sources_free(all);
            return NULL;
        }
        all->count++;
    }
    return all;
}

static void source_fini(struct source *s)
{
    if (s->open) {
        s->plan.kind->cancel(s->state);
        s->plan.kind->close(s->state);
    }
    source_job_drop(s);
    secrets_free(s->secrets);
    mapping_memory_free(s->memory);
    source_plan_fini(&s->plan);
    loop_timer_free(s->timer);
    kept_fini(&s->kept);
    free(s->mishaps);
}

void sources_free(struct sources *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->count; i++)
        source_fini(&all->list[i]);
    http_free(all->http);
    loop_timer_free(all->once_timer);
    free(all->list);
    free(all);
}

void sources_register(const struct sources *all, struct platform *p, int64_t now_us, int64_t wall_us)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct source *s = &all->list[i];
        platform_source_add(p, s->config->name, s->plan.kind->name, s->plan.timing.every_us,
                            s->config->stale_after_us, now_us);
        mapping_expect(s->plan.mapping, s->config->name, p, wall_us);
    }
}

/* ---- Looking ---- */

size_t sources_count(const struct sources *all)
{
    return all->count;
}

int sources_find(const struct sources *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (str_eq(all->list[i].config->name, name))
            return (int)i;
    return -1;
}

static double success_rate(const struct source *s)
{
    struct measures_sums sums;
    kept_measures(&s->kept, MEASURES_1H, &sums);
    return measures_success_rate(&sums);
}

void sources_status(struct sources *all, size_t index, struct source_status *status)
{
    const struct source *s = &all->list[index];
    int64_t now = loop_now_us(all->loop);
    *status = (struct source_status){
        .name = s->config->name,
        .kind = s->plan.kind->name,
        .preset = s->plan.preset ? s->plan.preset->name : "",
        .target = s->plan.target,
        .answered = s->answered,
        .polling = s->polling,
        .error = s->error,
        .note = s->note,
        .every_us = s->plan.timing.every_us,
        .timeout_us = s->plan.timing.timeout_us,
        .last_good_us = s->last_good_wall_us,
        .last_try_us = s->last_try_wall_us,
        .age_us = s->answered ? now - s->last_good_us : -1,
        .next_us = s->next_us < 0     ? -1
                   : s->next_us > now ? s->next_us - now
                                      : 0,
        .latency_us = s->latency_us,
        .bytes = s->bytes,
        .bytes_total = s->bytes_total,
        .answers = s->answers,
        .failures = s->failures,
        .failures_in_a_row = s->failures_in_a_row,
        .rows = s->rows,
        .failure = failure_class_text(s->failure),
        .breaker = breaker_state_text(kept_state(&s->kept)),
        .failed_before = s->failed_before,
        .success_rate = success_rate(s),
    };
    int64_t wait_ms = status->next_us >= 0 ? kept_wait_ms(&s->kept) : 0;
    if (wait_ms > 0 && wait_ms * US_PER_MS > status->next_us)
        status->next_us = wait_ms * US_PER_MS;
}

size_t sources_mishaps(const struct sources *all, size_t index,
                       struct source_mishap out[static SOURCE_MISHAPS])
{
    const struct source *s = &all->list[index];
    size_t count = s->mishap_count < SOURCE_MISHAPS ? s->mishap_count : SOURCE_MISHAPS;
    for (size_t i = 0; i < count; i++)
        out[i] = s->mishaps[(s->mishap_count - 1 - i) % SOURCE_MISHAPS];
    return count;
}
