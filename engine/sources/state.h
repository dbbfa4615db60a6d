/* From a row to a condition, with the field's own word kept beside it.
 *
 *   state: /status                                 the word alone; the platform knows the usual ones
 *   state: {from: FIELD, Active: ok, Dead: down}   a map; what it doesn't list is unknown
 *   state: {from: @status, 200: ok, 5xx: down}     HTTP status, also by class
 *   state: {one_hot: LABEL, closed: ok, open: down OPEN}
 *                                                  of samples that differ in a label: its value where the
 * sample is 1 state: {one_hot: /state, closed: ok, ...}      of an object: the member that is true state:
 * {of: NUMBER, warn: 0.5, crit: 1}        thresholds; with crit below warn low values are the bad ones state:
 * [..., ...]                              the first that decides; each may also be {when: [NUMBER, ">=",
 * NUMBER], is: down stalled}
 *
 * A condition is ok, degraded, down or unknown, and may be followed by the word to show instead of the
 * field's own.
 * "*" can only be unknown: what a mapping doesn't know is never ok. */
#ifndef BELAY_SOURCES_STATE_H
#define BELAY_SOURCES_STATE_H

#include "engine/platform/platform.h"
#include "engine/sources/expression.h"

enum state_form { STATE_WORD, STATE_MAP, STATE_ONE_HOT, STATE_THRESHOLDS, STATE_WHEN };
enum comparison { COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE, COMPARE_EQ, COMPARE_NE };

struct state_value {
    char *text;
    enum condition condition;
    char *show; /* NULL: the field's own word */
};

struct state_rule {
    enum state_form form;
    struct template from; /* WORD, MAP, ONE_HOT over an object */
    char *label;          /* ONE_HOT over samples, else NULL */
    VEC(struct state_value) values;
    struct expression left, right; /* THRESHOLDS: left; WHEN */
    double warn, crit;
    enum comparison comparison;
    struct state_value is; /* WHEN */
};

struct state {
    VEC(struct state_rule) rules;
};

int state_compile(struct state *s, struct compiler *c, const cJSON *item,
                  const struct expression_scope *scope);
void state_fini(struct state *s);
bool state_given(const struct state *s);
bool state_needs_body(const struct state *s);
bool state_uses_status(const struct state *s);
/* The label of a one-hot state over samples; NULL when it has none. */
const char *state_one_hot(const struct state *s);

struct state_result {
    enum condition condition; /* NONE: a word that the platform may know */
    const char *raw;          /* in the arena; NULL: none */
    const char *reason;       /* in the arena or constant; NULL: none */
};

/* hot_count: of a one-hot state over samples, how many of them are 1 (the row is one of those). */
struct state_result state_evaluate(const struct state *s, struct evaluation *v, size_t hot_count,
                                   struct arena *arena);

#endif
