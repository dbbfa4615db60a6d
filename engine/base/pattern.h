/* Regular expressions that somebody wrote, in a document or at a filter: POSIX extended, over the whole text
 * (`^` and `$` are its ends, not a line's). What would take unbounded time or memory to compile, or means
 * something else than its author thinks (\d, back references, a++), is refused. */
#ifndef BELAY_BASE_PATTERN_H
#define BELAY_BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

struct pattern;

/* Nodes that it expands to, 0 when pattern_new refuses it: compiling costs their square. */
size_t pattern_size(const char *text);
struct pattern *pattern_new(const char *text, struct err *e); /* NULL: ERR_SYNTAX or ERR_RANGE, says what */
struct pattern *pattern_new_caseless(const char *text, struct err *e); /* "a" finds "A" too */
void pattern_free(struct pattern *p);                                  /* NULL is fine */

bool pattern_found(const struct pattern *p, const char *bytes, size_t length); /* somewhere in it */
bool pattern_covers(const struct pattern *p, const char *text);                /* the whole of it */
/* The first group, or the whole match when there is none; NULL when it isn't found. The caller frees. */
char *pattern_extract(const struct pattern *p, const char *text);

/* Matches RUNBOOK_SAFE_VALUE, without compiling anything. */
bool value_is_safe(const char *text);
/* Appends text so that it stands for itself in a pattern. */
void pattern_quote(struct str *out, const char *text);

#endif
