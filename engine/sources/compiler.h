/* What the parts of a mapping need while it is compiled: where they are, the variables, and one way to
 * complain. */
#ifndef BELAY_SOURCES_COMPILER_H
#define BELAY_SOURCES_COMPILER_H

#include "engine/base/base.h"
#include "engine/config/config.h"
#include "engine/sources/answer.h"

struct compiler {
    const char *file;  /* for messages; may be NULL */
    const cJSON *vars; /* NAME: text, every variable with its value */
    enum answer_form form;
    struct metric_names *metrics;     /* what the mapping will want */
    size_t expressions;               /* how many have been numbered */
    bool needs_history;               /* some value needs two answers */
    struct config_findings *findings; /* may be NULL */
    struct err *first;                /* the first error's text with its place; code 0 so far */
};

/* Notes what is wrong at the item (or its key) and returns a negative code. */
int compiler_error(struct compiler *c, const cJSON *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Complains about every key of the object that isn't among the names (NULL-terminated), and about an item
 * that is no object. */
int compiler_keys(struct compiler *c, const cJSON *object, const char *what, const char *const *names);

/* A scalar's text with the variables put in for {NAME}; NULL with a complaint when it isn't one. The caller
 * frees. */
char *compiler_text(struct compiler *c, const cJSON *item);
/* The same for the items of a list, or for one scalar as a list of one; *list is NULL-terminated (strv_free).
 */
int compiler_list(struct compiler *c, const cJSON *item, char ***list);
/* "12.5", "50%", "1h" (seconds). */
bool number_read(const char *text, double *value);
int compiler_number(struct compiler *c, const cJSON *item, double *value);
int compiler_duration(struct compiler *c, const cJSON *item, int64_t *us);
int compiler_bool(struct compiler *c, const cJSON *item, bool *value);

const cJSON *compiler_get(const cJSON *object, const char *key);

/* How a variable's value is put into a text: made fit for a URL, or with its braces doubled so that a
 * template takes them as they are. */
enum expansion { EXPAND_URL, EXPAND_TEMPLATE };

/* Puts the variables in for {NAME}. NULL with e when the text names one that isn't there, if strict; else
 * such braces stay. */
char *variables_expand(const cJSON *vars, const char *text, bool strict, enum expansion expansion,
                       struct err *e);

#endif
