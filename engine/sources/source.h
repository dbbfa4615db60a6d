/* One source, and what its kind has to do. Private to the room. A kind is one file and one row of
 * source_table. */
#ifndef BELAY_SOURCES_SOURCE_H
#define BELAY_SOURCES_SOURCE_H

#include "engine/sources/mapping.h"
#include "engine/sources/preset.h"
#include "engine/sources/sources.h"
#include "engine/targets/targets.h"

struct source;

struct source_kind {
    const char *name;
    enum answer_form form; /* how its answers are read when nothing else is said */
    bool keys;             /* its mapping names keys: redis */
    bool command;          /* it has a command, not a URL */
    /* It has neither: variables say what to look for. That in words, or NULL with the error; else NULL. */
    char *(*lookup)(const cJSON *vars, struct err *e);
    int (*check_url)(const char *url, struct err *e); /* NULL without a URL */
    void *(*open)(struct source *s);
    /* Starts one poll, which ends with one call of source_answered or source_failed; never inside poll. */
    void (*poll)(void *state);
    void (*cancel)(void *state); /* the poll under way will not end; nothing when there is none */
    void (*close)(void *state);  /* after cancel */
};

extern const struct source_kind *const source_table[]; /* ends with NULL */
const struct source_kind *source_kind_find(const char *name);

/* What a kind may see of its source. */
struct loop *source_loop(const struct source *s);
struct http *source_http(struct source *s); /* shared by all sources; made when first asked for */
const struct config_source *source_config(const struct source *s);
const char *source_url(const struct source *s); /* with the preset's path */
int64_t source_timeout_us(const struct source *s);
enum answer_form source_form(const struct source *s);
const struct mapping *source_mapping(const struct source *s);
const struct secrets *source_secrets(const struct source *s); /* resolved by the time of a poll */
/* NULL: nothing was journaled yet, or *why, which is "" else. */
struct journal *source_journal(const struct source *s, const char **why);
const char *source_variable(const struct source *s, const char *name);

/* The answer of a poll: takes the body (or the JSON root) out of a. note is what was odd, may be NULL.
 * partial: rows may be missing without being gone. */
void source_answered(struct source *s, struct answer *a, const char *note, bool partial);
/* code as of enum err_code, 0: nothing says how. DENIED makes the secrets be read again. */
void source_failed(struct source *s, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same of a failure that is classified already; its text is replaced. */
void source_refused(struct source *s, struct failure *f, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Compiling what the configuration says of one source, in check.c. */
struct source_plan {
    const struct source_kind *kind;
    struct preset *preset; /* NULL without one */
    struct mapping *mapping;
    cJSON *vars;
    char *url;    /* NULL without one */
    char *target; /* for people: no password */
    enum answer_form form;
    struct config_source timing; /* a shallow copy with every_us, timeout_us as they will be */
};
int source_plan_make(struct source_plan *p, const struct config *c, const struct config_source *s,
                     struct config_findings *findings, struct err *e);
void source_plan_fini(struct source_plan *p);

#endif
