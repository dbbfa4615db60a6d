/* What comes of a poll: the answer is read, mapped, and handed on as a batch; large ones in the pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/running.h"

#define POOL_BYTES (256u << 10) /* a body larger than this is read in the pool */

/* One answer on its way. While it is in the pool it owns what the reading needs, should the source go
 * meanwhile. */
struct pool_job {
    struct source *source; /* NULL: the source has gone */
    const struct mapping *mapping;
    struct mapping_memory *memory;
    enum answer_form form;
    struct answer answer;
    struct mapped mapped;
    struct err error;
    int status;
    bool partial;
    char note[200];
    struct source_plan orphaned_plan;
};

static void job_free(struct pool_job *j)
{
    answer_fini(&j->answer);
    mapped_fini(&j->mapped);
    free(j);
}

/* Pure: also on a thread of the pool. There, too, the tree of a large answer is freed: that takes
 * milliseconds, for which no key should wait. A body that can't be read is kept, to say what it is. */
static void job_read(void *data)
{
    struct pool_job *j = data;
    j->status = answer_read(&j->answer, j->form, mapping_metrics(j->mapping), &j->error);
    if (!j->status)
        j->status = mapping_apply(j->mapping, j->memory, &j->answer, &j->mapped, &j->error);
    if (!j->status)
        answer_drop(&j->answer);
}

static void hand_on(struct source *s, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    /* In the one-pass mode a source that needs two answers is shown by its second one. */
    if (s->owner->once && s->once_left > 1 && !b->error)
        return;
    s->owner->events.batch(s->owner->events.data, b, now_us, wall_us);
}

static void set_error(struct source *s, const char *message)
{
    struct str clean = {0};
    utf8_clean(&clean, message, strlen(message), false);
    snprintf(s->error, sizeof s->error, "%s", str_text(&clean));
    str_fini(&clean);
}

static int64_t took_ms(const struct source *s)
{
    return (loop_now_us(s->owner->loop) - s->poll_us) / US_PER_MS;
}

/* What the source asked for is honoured, but never for so long that a platform which is back is not seen. */
static int64_t rest_ms(const struct source *s, const struct failure *f)
{
    int64_t most_ms = s->kept.rules.cool_down_ms;
    return f->retry_after_ms <= 0 || s->owner->once ? 0
           : f->retry_after_ms < most_ms            ? f->retry_after_ms
                                                    : most_ms;
}

static void note_mishap(struct source *s, const struct failure *f)
{
    if (!s->mishaps)
        s->mishaps = xcalloc(SOURCE_MISHAPS, sizeof *s->mishaps);
    struct source_mishap *m = &s->mishaps[s->mishap_count++ % SOURCE_MISHAPS];
    *m = (struct source_mishap){.at_us = clock_wall_us(), .class = failure_class_text(f->class)};
    snprintf(m->text, sizeof m->text, "%.*s", (int)sizeof m->text - 1, s->error);
}

static void fail(struct source *s, const struct failure *f, const char *message)
{
    set_error(s, message);
    s->failure = f->class;
    kept_end(&s->kept, f, took_ms(s), rest_ms(s, f));
    note_mishap(s, f);
    s->failures++;
    s->failures_in_a_row++;
    if (s->owner->once)
        s->once_left = 1;
    struct batch b = {.source = s->config->name, .error = s->error};
    hand_on(s, &b, loop_now_us(s->owner->loop), clock_wall_us());
    source_poll_ended(s);
}

static const char *form_text(enum answer_form form)
{
    return form == FORM_JSON ? "JSON" : form == FORM_CSV ? "CSV" : "metrics";
}

/* "an HTML page" says more than the first character that doesn't fit. */
static void fail_reading(struct source *s, const struct pool_job *j)
{
    const char *text = str_text(&j->answer.body);
    char message[sizeof(struct err) + 32];
    bool html = j->answer.body.len &&
                (strncasecmp(text, "<!doctype html", 14) == 0 || strncasecmp(text, "<html", 5) == 0);
    if (html)
        snprintf(message, sizeof message, "the answer is an HTML page, not %s", form_text(j->form));
    else if (!j->answer.body.len && j->form != FORM_EXPOSITION)
        snprintf(message, sizeof message, "the answer is empty, not %s", form_text(j->form));
    else
        snprintf(message, sizeof message, "the answer can't be read: %s", j->error.msg);
    struct failure f = {.class = FAILURE_OTHER, .retry_after_ms = -1};
    snprintf(f.text, sizeof f.text, "%.150s", message);
    fail(s, &f, message);
}

static void succeed(struct source *s, struct pool_job *j)
{
    const struct answer *a = &j->answer;
    s->answered = true;
    const char *unclear = a->incomplete ? j->note : j->mapped.unclear;
    set_error(s, unclear);
    snprintf(s->note, sizeof s->note, "%s", a->incomplete ? "" : j->note[0] ? j->note : j->mapped.note);
    s->last_good_us = a->now_us;
    s->last_good_wall_us = a->wall_us;
    s->latency_us = a->latency_us;
    s->answers++;
    s->failed_before = s->failures_in_a_row;
    s->failures_in_a_row = 0;
    s->failure = FAILURE_NONE;
    kept_end(&s->kept, NULL, a->latency_us / US_PER_MS, 0);
    s->rows = j->mapped.observations.len;
    struct batch b = {.source = s->config->name,
                      .unclear = s->error[0] ? s->error : NULL,
                      .partial = j->partial || j->mapped.partial,
                      .took_us = a->latency_us,
                      .observations = j->mapped.observations.data,
                      .observation_count = j->mapped.observations.len};
    hand_on(s, &b, a->now_us, a->wall_us);
    source_poll_ended(s);
}

static void job_finish(void *data)
{
    struct pool_job *j = data;
    struct source *s = j->source;
    if (!s) {
        mapping_memory_free(j->memory);
        source_plan_fini(&j->orphaned_plan);
    } else {
        s->job = NULL;
        if (j->status)
            fail_reading(s, j);
        else
            succeed(s, j);
    }
    job_free(j);
}

void source_job_drop(struct source *s)
{
    if (!s->job)
        return;
    s->job->source = NULL;
    s->job->orphaned_plan = s->plan; /* the pool still reads them */
    s->plan = (struct source_plan){0};
    s->memory = NULL;
    s->job = NULL;
}

void source_answered(struct source *s, struct answer *a, const char *note, bool partial)
{
    struct pool_job *j = xcalloc(1, sizeof *j);
    *j = (struct pool_job){.source = s,
                           .mapping = s->plan.mapping,
                           .memory = s->memory,
                           .form = mapping_form(s->plan.mapping) == FORM_NONE ? FORM_NONE : s->plan.form,
                           .answer = *a,
                           .partial = partial};
    *a = (struct answer){0};
    snprintf(j->note, sizeof j->note, "%s", note ? note : "");
    j->answer.now_us = loop_now_us(s->owner->loop);
    j->answer.wall_us = clock_wall_us();
    s->bytes = j->answer.bytes;
    s->bytes_total += j->answer.bytes;
    s->job = j;
    if (j->answer.body.len > POOL_BYTES) {
        loop_work(s->owner->loop, job_read, job_finish, j);
        return;
    }
    job_read(j);
    job_finish(j);
}

static void refused(struct source *s, struct failure *f, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void refused(struct source *s, struct failure *f, const char *format, va_list args)
{
    char message[400];
    vsnprintf(message, sizeof message, format, args);
    snprintf(f->text, sizeof f->text, "%.150s", message);
    if (f->class == FAILURE_AUTH)
        secrets_forget(s->secrets);
    fail(s, f, message);
}

void source_refused(struct source *s, struct failure *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    refused(s, f, format, args);
    va_end(args);
}

void source_failed(struct source *s, int code, const char *format, ...)
{
    struct failure f = {.class = FAILURE_OTHER, .retry_after_ms = -1};
    va_list args;
    if (code)
        failure_of_error(code, true, NULL, &f);
    va_start(args, format);
    refused(s, &f, format, args);
    va_end(args);
}
