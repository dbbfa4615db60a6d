#include "panels/spans.h"

#include "panels/entity.h"

#include <math.h>
#include <stdio.h>

/* What one cell shows of a span. */
typedef void cell(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE]);

static void put_count(uint64_t count, char text[static SCENE_TEXT_SIZE])
{
    scene_count((double)count, text);
}

static void put_share(double share, char text[static SCENE_TEXT_SIZE])
{
    if (isnan(share)) {
        memcpy(text, "-", 2);
    } else { /* 99.96 % is not all of them */
        double percent = share < 1 ? floor(share * 1000) / 10 : 100;
        snprintf(text, SCENE_TEXT_SIZE, percent < 100 && percent >= 99 ? "%.1f%%" : "%.0f%%", percent);
    }
}

static void put_time(double seconds, char text[static SCENE_TEXT_SIZE])
{
    if (isnan(seconds)) {
        memcpy(text, "-", 2);
    } else if (seconds < 1) {
        snprintf(text, SCENE_TEXT_SIZE, "%.0fms", ceil(seconds * 1000));
    } else {
        snprintf(text, SCENE_TEXT_SIZE, "%.1fs", seconds);
    }
}

static void operations(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_count(s->ok + s->failed + s->cancelled, text);
}

static void success(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_share(measures_success_rate(s), text);
}

static void attempts(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    double average = measures_average_attempts(s);
    snprintf(text, SCENE_TEXT_SIZE, isnan(average) ? "-" : "%.2f", average);
}

static void retried(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_share(measures_retry_rate(s), text);
}

static void median(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_time(measures_quantile_s(s, 0.5), text);
}

static void slow(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_time(measures_quantile_s(s, 0.95), text);
}

static void rejected(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_count(s->rejected, text);
}

static void trips(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_count(s->trips, text);
}

static void hits(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    put_count(s->hits, text);
}

static void cost(const struct measures_sums *s, char text[static SCENE_TEXT_SIZE])
{
    snprintf(text, SCENE_TEXT_SIZE, "%.4g", s->cost);
}

static const struct {
    const char *name;
    cell *put;
    bool always; /* else only where it was ever other than 0 */
} rows[] = {{"operations", operations, true},   {"succeeded", success, true},
            {"attempts each", attempts, true},  {"retried", retried, true},
            {"took, median", median, true},     {"took, 95 %", slow, true},
            {"not permitted", rejected, false}, {"trips", trips, false},
            {"answers given", hits, false},     {"cost", cost, false}};

static void write_failures(struct text_view *page,
                           const struct measures_sums spans[static MEASURES_SPAN_COUNT])
{
    for (int class = 0; class < FAILURE_CLASS_COUNT; class ++) {
        if (spans[MEASURES_LIFE].by_class[class] == 0) {
            continue;
        }
        text_view_addf(page, ROLE_TEXT, "failed: %-11s", failure_class_text((enum failure_class) class));
        for (int span = 0; span < MEASURES_SPAN_COUNT; span++) {
            char text[SCENE_TEXT_SIZE];
            put_count(spans[span].by_class[class], text);
            text_view_addf(page, ROLE_TEXT, " %9s", text);
        }
        text_view_add(page, ROLE_TEXT, "\n");
    }
}

void spans_write(struct text_view *page, const struct measures_sums spans[static MEASURES_SPAN_COUNT])
{
    const struct measures_sums *life = &spans[MEASURES_LIFE];
    text_view_add(page, ROLE_TEXT, "\n");
    if (life->ok + life->failed + life->cancelled + life->rejected + life->hits == 0) {
        text_view_add(page, ROLE_TITLE, "How it has been going: not called yet\n");
        return;
    }
    text_view_addf(page, ROLE_TITLE, "%-19s", "How it went");
    for (int span = 0; span < MEASURES_SPAN_COUNT; span++) {
        text_view_addf(page, ROLE_TITLE, " %9s", measures_span_text((enum measures_span)span));
    }
    text_view_add(page, ROLE_TITLE, "\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SCENE_TEXT_SIZE];
        rows[i].put(life, text);
        if (!rows[i].always && str_eq(text, "0")) {
            continue;
        }
        text_view_addf(page, ROLE_TEXT, "%-19s", rows[i].name);
        for (int span = 0; span < MEASURES_SPAN_COUNT; span++) {
            rows[i].put(&spans[span], text);
            text_view_addf(page, ROLE_TEXT, " %9s", text);
        }
        text_view_add(page, ROLE_TEXT, "\n");
    }
    write_failures(page, spans);
}
