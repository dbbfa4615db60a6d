/* One rule of a mapping, compiled. Private to the files of the mapping. */
#ifndef BELAY_SOURCES_RULE_H
#define BELAY_SOURCES_RULE_H

#include "engine/sources/mapping.h"
#include "engine/sources/state.h"

enum combine { COMBINE_NONE, COMBINE_WORST, COMBINE_QUORUM, COMBINE_ANY_HEALTHY };

struct row_pointer {
    char *pointer;
    char *base; /* what stands before the first wildcard and must be there */
    bool wild, optional;
};

struct named_expression {
    char *name;
    struct expression value;
};

struct named_template {
    char *name;
    struct template value;
};

struct rule {
    enum entity_kind kind;
    VEC(struct row_pointer) pointers; /* JSON; none: the root is the one row */
    VEC(size_t) metrics;              /* exposition; none: one row without a sample */
    VEC(char *) metric_texts;
    struct condition_list where;
    char **by;
    struct template newest_of, newest_by;
    struct template name, group, reason, since, at;
    int64_t stale_after_us; /* of `at`; 0: not asked */
    struct state state;
    VEC(struct named_expression) measures;
    VEC(char *) measure_names; /* the same names, for the scope of expressions */
    VEC(struct named_template) attributes;
    bool all_attributes; /* every label, or every member of all_from */
    struct template all_from;
    char **drop;
    enum combine combine;
    size_t quorum;
    char **expected;        /* names; NULL */
    int64_t expected_count; /* -1: not said */
    bool optional;
    const char *file; /* borrowed; NULL: of no file */
    int line;
};

struct mapping {
    VEC(struct rule) rules;
    struct metric_names metrics;
    enum answer_form form;
    bool uses_status, needs_history, has_signals;
    char *keys;
};

struct rule_memory {
    bool seen;         /* it has had a value */
    bool complained;   /* a missing row has been reported */
    struct map *names; /* of every row ever seen, when some are expected */
};

struct mapping_memory {
    struct series_table *series;
    struct rule_memory *rules;
    size_t rule_count;
};

int rule_compile(struct rule *r, struct compiler *c, const cJSON *item, bool keys, char **key_pattern);
void rule_fini(struct rule *r);

/* Rows, in rows.c. */
struct rule_row {
    struct row row;
    size_t hot_count;
};
struct rule_rows {
    VEC(struct rule_row) rows;
    size_t left_out; /* by where: */
};
int rule_rows_collect(const struct rule *r, const struct answer *answer, struct arena *arena,
                      struct rule_rows *out, struct err *e);

/* What is copied of a row without being named, in excerpt.c: never the labels and members on the drop-lists.
 */
bool excerpt_dropped(char *const *drop, const char *name);
void excerpt_attributes(const struct rule *r, const struct row *row, struct arena *arena,
                        struct attribute *attributes, size_t *count, size_t room);
const char *excerpt_snippet(const struct rule *r, const struct row *row, struct arena *arena, size_t *length);

#endif
