/* What a Redis source knows of its keys between polls: their names, taken apart by the pattern, and what
 * their values said when they were last read. Values become small JSON documents: long lists are emptied,
 * long texts cut. What can't be read (compressed, pickled, another type) is kept as a row with the reason.
 * Pure but for the memory. */
#ifndef BELAY_SOURCES_REDIS_KEYS_H
#define BELAY_SOURCES_REDIS_KEYS_H

#include "engine/base/base.h"

#define KEY_LIMIT        10000 /* keys of one source */
#define KEY_BYTES        512   /* of a key's name */
#define KEY_CAPTURES     4
#define VALUE_LIMIT      (8u << 20) /* larger values are read in part */
#define VALUE_PART_BYTES (64u << 10)

/* "checkpoint:{run_id}:{checkpoint_id}" */
struct key_pattern {
    char *literals[KEY_CAPTURES + 1]; /* before, between and behind the captures */
    char *names[KEY_CAPTURES];
    size_t count; /* captures */
    char *glob;   /* for SCAN MATCH */
};

int key_pattern_compile(struct key_pattern *p, const char *text, struct err *e);
void key_pattern_fini(struct key_pattern *p);
/* False when the key doesn't fit. The first capture takes as much as it can. */
bool key_pattern_match(const struct key_pattern *p, const char *key, char *captures[static KEY_CAPTURES]);

/* Makes the row of an entry: the names that the pattern gives, type, bytes, and the value or the problem.
 * Takes value. */
cJSON *key_row(const struct key_pattern *p, const char *key, const char *type, uint64_t bytes, cJSON *value,
               const char *problem);

/* The value of a string: its JSON, pruned; NULL with the problem. whole is false when only its beginning was
 * read. */
cJSON *key_value_read(const char *bytes, size_t length, bool whole, struct err *problem);

#endif
