/* The lines of a step's `items` file: JSON objects, one a line, whose fields a block sees as ITEM_NAME.
 * Included through runbook.h. */
#ifndef BELAY_RUNBOOK_ITEMS_H
#define BELAY_RUNBOOK_ITEMS_H

#include "engine/runbook/document.h"

#define ITEMS_BYTES_MAX (16 * 1024 * 1024)
#define ITEMS_MAX       100000
#define ITEMS_LINE_MAX  (16 * 1024)
#define ITEMS_FIELDS    64

struct items; /* opaque */

/* Every line is checked: an object of texts, numbers and booleans, whose names make environment variables
 * (letters, digits, `_`, `-`). Empty lines don't count. NULL and ERR_SYNTAX or ERR_RANGE with name:line. */
struct items *items_parse(const char *name, const char *bytes, size_t length, struct err *e);
void items_free(struct items *items); /* NULL is fine */
size_t items_count(const struct items *items);
const char *items_digest(const struct items *items); /* SHA-256 of the file's bytes, in hex */
/* What a person calls an item: its field `name`, `id` or `title`, else its first one. At most 80 bytes,
 * cleaned. Appended. */
void items_label(const struct items *items, size_t index, struct str *out);
/* ITEM_NAME=VALUE, NULL-terminated; the caller frees (strv_free). */
char **items_fields(const struct items *items, size_t index);

/* Where the step's file is: below the document's folder, or absolute. The caller frees. NULL: it has none. */
char *runbook_items_path(const struct runbook *book, int step);

#endif
