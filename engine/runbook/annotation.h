/* The annotation in a fence's info string: flat keys and values between the first `{` and the first `}`, as a
 * JSON object or as { key=value }. Read from the source line itself, for cmark unescapes info strings. */
#ifndef BELAY_RUNBOOK_ANNOTATION_H
#define BELAY_RUNBOOK_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/base.h"

#define ANNOTATION_LIMIT 64 /* keys of one fence */

struct annotation {
    char *key;
    char *value; /* "" for a bare word in the second form */
    bool bare;
    int column; /* of the key, from 1 */
};

struct annotations {
    VEC(struct annotation) list;
    bool present;   /* there was a `{` */
    bool json;      /* in the first form */
    bool cut;       /* something stands after the first `}`: perhaps a value held one */
    int column;     /* of the `{`, or of what is wrong after an error */
    char *language; /* the info string's first word */
};

/* info is the text after the fence's marks; column is where it begins. 0, or ERR_SYNTAX with out->column at
 * what is wrong; out is to be freed either way. */
int annotations_parse(const char *info, size_t length, int column, struct annotations *out, struct err *e);
void annotations_fini(struct annotations *out);
const struct annotation *annotations_find(const struct annotations *out, const char *key); /* NULL */

#endif
