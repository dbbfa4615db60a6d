/* The Prometheus exposition formats, read sample by sample: text 0.0.4 and OpenMetrics 1.0, with the quoted
 * names of Prometheus 3. Pure, no allocation a sample, one pass. A body is good or bad as a whole: the first
 * thing that is not well-formed ends it with its line and column, because half a scrape would look like
 * vanished rows. After prometheus/docs exposition_formats.md and the OpenMetrics specification. */
#ifndef BELAY_SOURCES_EXPOSITION_H
#define BELAY_SOURCES_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

#define EXPOSITION_LABEL_LIMIT 64

struct exposition_text {
    const char *bytes; /* not terminated, escapes resolved */
    size_t length;
};

struct exposition_label {
    struct exposition_text name, value;
};

struct exposition_sample {
    struct exposition_text name;
    const struct exposition_label *labels; /* in the order of the text */
    size_t label_count;
    double value; /* may be NaN or infinite */
    bool has_time;
    int64_t time_ms; /* wall clock, as sent */
};

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };

/* By the Content-Type header: OpenMetrics when it says so, else text. */
enum exposition_format exposition_format_of(const char *content_type);

/* Calls sample for each; it is borrowed for the call. A non-zero result stops the reading and is returned.
 * text[length] must be readable and NUL. ERR_SYNTAX with line and column for what is not well-formed;
 * OpenMetrics without its
 * `# EOF` was cut off on the way. */
int exposition_parse(const char *text, size_t length, enum exposition_format format,
                     int (*sample)(const struct exposition_sample *s, void *data), void *data, struct err *e);

#endif
