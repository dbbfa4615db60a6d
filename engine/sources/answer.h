/* What a source said: the bytes, and what reading them gave. Reading is pure and may run in the pool. */
#ifndef BELAY_SOURCES_ANSWER_H
#define BELAY_SOURCES_ANSWER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/sources/arena.h"
#include "engine/sources/exposition.h"

#define ANSWER_SAMPLE_LIMIT 200000 /* samples kept of one exposition */

/* How the bytes are read. */
enum answer_form {
    FORM_JSON,
    FORM_EXPOSITION,
    FORM_CSV,  /* each line becomes an object of columns: as JSON from there on */
    FORM_NONE, /* not at all: only the status counts */
};

struct sample_label {
    const char *name, *value;
};

/* A sample that the mapping wants. */
struct sample {
    size_t metric; /* index of its name among the wanted ones */
    const struct sample_label *labels;
    size_t label_count;
    double value;
    bool has_time;
    int64_t time_ms;
    struct sample *next; /* the next one of the same metric, in the order of the text */
};

/* "" when it has no such label. */
const char *sample_label(const struct sample *s, const char *name);

/* The names of the metrics that a mapping wants, found again in no time. */
struct metric_names {
    VEC(char *) names;
    size_t *slots; /* index + 1, by hash */
    size_t slot_count;
};

/* The index of the name, added when it is new. */
size_t metric_names_add(struct metric_names *m, const char *name);
void metric_names_fini(struct metric_names *m);

struct answer {
    struct str body;
    enum exposition_format format;
    int status;              /* HTTP; 0 where there is none */
    int64_t now_us, wall_us; /* when it came */
    int64_t latency_us;
    uint64_t bytes;          /* what it cost on the wire */
    cJSON *root;             /* FORM_JSON, FORM_CSV */
    struct sample **metrics; /* FORM_EXPOSITION: the samples of each wanted metric */
    size_t metric_count;
    bool incomplete; /* not all that there is was looked at, and the note says why: the rest is unknown */
    struct arena arena;
};

/* Reads the body. ERR_SYNTAX for what isn't well-formed, ERR_RANGE for too much. */
int answer_read(struct answer *a, enum answer_form form, const struct metric_names *wanted, struct err *e);
/* Frees body and tree once they are mapped; what is known of the answer stays. */
void answer_drop(struct answer *a);
void answer_fini(struct answer *a);

#endif
