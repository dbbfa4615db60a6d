/* How a mapping points into an answer, and texts made of such references.
 *
 *   /status          JSON Pointer from the row
 *   ^/nodes/{1}/id   JSON Pointer from the root of the answer; {1} is what the row's first wildcard matched
 *   @value           the sample's value; @metric its name, @time its own time, @status the HTTP status,
 *                    @latency_s, @bytes of the answer; @kept how many rows `newest` chose among, @oldest
 *                    the time of the oldest of them
 *   name             a sample's label or the row's member of that name
 *   1                what the row's first wildcard matched: the key or the index
 *
 * A template is a text with references in braces: "{collection}/shard-{/shard_id}"; {{ is a brace. A text
 * that begins with /, ^/ or @ is one reference; a backslash before those makes it a plain text. */
#ifndef BELAY_SOURCES_REFERENCE_H
#define BELAY_SOURCES_REFERENCE_H

#include "engine/sources/answer.h"

struct row {
    const struct answer *answer;
    const cJSON *item; /* NULL for samples */
    const struct sample
        *sample;        /* NULL for JSON, and for the one row of a rule that names its metrics itself */
    const char *metric; /* the sample's name */
    const char *captures[4];
    size_t capture_count;
    size_t kept;        /* `newest` chose it among so many; 0 without one */
    const char *oldest; /* and what the oldest of them is ordered by; NULL */
};

enum reference_kind {
    REFERENCE_LITERAL,
    REFERENCE_POINTER,
    REFERENCE_ROOT,
    REFERENCE_CAPTURE,
    REFERENCE_WORD,
    REFERENCE_SPECIAL,
};

struct reference {
    enum reference_kind kind;
    char *text;    /* the literal, pointer or word */
    size_t number; /* of a capture from 0, of a special */
};

struct template
{
    struct reference *parts;
    size_t count;
};

/* A template; with bare, a text without braces is one reference even when it is a plain word. */
int template_compile(struct template *t, const char *text, bool bare, struct err *e);
void template_fini(struct template *t);
bool template_given(const struct template *t);

/* Appends the text. False (with out as it was) when a reference leads nowhere or to no scalar. */
bool template_text(const struct template *t, const struct row *row, struct str *out);
/* The same in the arena, cleaned of nothing; NULL when absent. */
const char *template_arena(const struct template *t, const struct row *row, struct arena *arena);
/* As a number: "50.0%", "true", "NaN" are read. False when absent or no number. */
bool template_number(const struct template *t, const struct row *row, double *value);
/* As a wall-clock time: RFC 3339, or seconds, milliseconds or microseconds since 1970 by their size. False
 * when absent, no time, or before 1970 (0001-01-01 means "none" in many answers). */
bool template_time(const struct template *t, const struct row *row, int64_t *wall_us);
/* The JSON item that a single pointer leads to; NULL otherwise. */
const cJSON *template_item(const struct template *t, const struct row *row);

/* Only the HTTP status and the like is asked for: the body needn't be read. */
bool template_needs_body(const struct template *t);
bool template_uses_status(const struct template *t);

#endif
