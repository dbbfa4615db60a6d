/* The keys that a Redis source has found so far. Finding them all may take several polls of a large database:
 * each goes on where the one before stopped. */
#ifndef BELAY_SOURCES_REDIS_SCAN_H
#define BELAY_SOURCES_REDIS_SCAN_H

#include "engine/base/base.h"
#include "engine/sources/redis_keys.h"

struct key_entry {
    char *key;
    char *group;    /* what the first capture took */
    cJSON *row;     /* what was read; NULL: not yet */
    uint64_t cycle; /* the pass over the database that saw it last */
    uint64_t bytes; /* of the value when it was read */
    uint64_t print; /* checksum of its ends when it was read */
};

struct key_set {
    struct key_pattern pattern;
    struct map *entries;
    char cursor[24];
    uint64_t cycle; /* counts whole passes */
    size_t turn;    /* where the re-reading of old keys goes on */
    bool overflow;  /* more keys match than are kept */
    bool complete;  /* at least one pass is whole */
};

int key_set_init(struct key_set *s, const char *pattern, struct err *e);
void key_set_fini(struct key_set *s);
void key_set_add(struct key_set *s, const char *key, size_t length);
/* The cursor came back to 0: what this pass didn't see is gone. */
void key_set_end_pass(struct key_set *s);
void key_set_remove(struct key_set *s, const char *key);
/* The keys to read now, the likely newest of each group first; NULL-terminated, strv_free. */
char **key_set_due(struct key_set *s);
/* All rows, as references into the entries; cJSON_Delete leaves those alone. *unread counts the keys without
 * one. */
cJSON *key_set_rows(const struct key_set *s, size_t *unread);

#endif
