/* A hash map from strings to pointers. Keys are copied; values stay the caller's. Iteration is in order of
 * insertion. Hashing is keyed (SipHash-like, per process), so that hostile keys can't slow it. */
#ifndef BELAY_BASE_MAP_H
#define BELAY_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
void map_free(struct map *m);                                /* NULL is fine */
void *map_get(const struct map *m, const char *key);         /* NULL when absent */
bool map_has(const struct map *m, const char *key);
void *map_set(struct map *m, const char *key, void *value);  /* the value that was there before, or NULL */
void *map_remove(struct map *m, const char *key);            /* the value removed, or NULL */
size_t map_count(const struct map *m);

/* for (size_t i = 0; map_next(m, &i, &key, &value);) ...; the map may not change meanwhile. */
bool map_next(const struct map *m, size_t *cursor, const char **key, void **value);

#endif
