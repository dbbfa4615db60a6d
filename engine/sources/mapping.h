/* The mapping language: from the answer of a source to observations. A mapping is one rule or a list of them,
 * compiled once from the configuration or a preset; every mistake is named with file:line:column. Pure: time
 * is in the answer, and what has to be remembered between answers is in a struct mapping_memory.
 *
 * The language is described for users in docs/mapping.md; references in reference.h, numbers in expression.h,
 * states in state.h. */
#ifndef BELAY_SOURCES_MAPPING_H
#define BELAY_SOURCES_MAPPING_H

#include "engine/base/base.h"
#include "engine/config/config.h"
#include "engine/platform/platform.h"
#include "engine/sources/answer.h"

#define MAPPING_ROW_LIMIT 10000 /* rows of one answer */

struct mapping;
struct mapping_memory;

/* A rule or a list of rules, with positions, and the file where they stand (for messages; may be NULL). */
struct mapping_part {
    const cJSON *map;
    const char *file;
};

struct mapping_options {
    const struct mapping_part *parts; /* a preset's rules, one's own, or both */
    size_t part_count;
    const cJSON *vars;     /* NAME: text, all of them; may be NULL */
    enum answer_form form; /* how answers are read; FORM_NONE isn't asked for: it is found out */
    bool keys;             /* rules may have keys: (redis) */
    int64_t expected;      /* rows of the first rule that must be there; -1: not said */
};

/* NULL when something is wrong: all of it is in findings (may be NULL), the first in e. */
struct mapping *mapping_compile(const struct mapping_options *o, struct config_findings *findings,
                                struct err *e);
void mapping_free(struct mapping *m);

enum answer_form mapping_form(const struct mapping *m); /* FORM_NONE when no rule looks into the body */
const struct metric_names *mapping_metrics(const struct mapping *m);
bool mapping_uses_status(const struct mapping *m);   /* an HTTP error is an answer */
bool mapping_needs_history(const struct mapping *m); /* some values need two answers */
bool mapping_has_signals(const struct mapping *m);
/* redis: the pattern of the keys to read, "checkpoint:{run_id}:{checkpoint_id}"; NULL without one. */
const char *mapping_keys(const struct mapping *m);

struct mapping_memory *mapping_memory_new(const struct mapping *m);
void mapping_memory_free(struct mapping_memory *memory);

/* What one answer turned into. */
struct mapped {
    struct arena arena; /* of all texts */
    VEC(struct observation) observations;
    bool partial;      /* some rows need one more answer */
    char note[160];    /* what was odd though it could be read; "" */
    char unclear[240]; /* why it does not tell what the mapping asks for; "" when it does */
};

/* Applies the mapping to an answer that has been read. An answer of the wrong shape is an error: it is not
 * the same as no rows. No rows are unclear too: only alerts, and rules with optional: or expected:, may find
 * none. */
int mapping_apply(const struct mapping *m, struct mapping_memory *memory, const struct answer *answer,
                  struct mapped *out, struct err *e);
void mapped_fini(struct mapped *out);

/* The entities that a mapping expects by name, from the start. */
void mapping_expect(const struct mapping *m, const char *source, struct platform *p, int64_t wall_us);

#endif
