/* Memory that is given back all at once: what one answer of a source turns into. Zeroed, never NULL. */
#ifndef BELAY_SOURCES_ARENA_H
#define BELAY_SOURCES_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *block; /* the newest; {0} is empty */
};

void *arena_alloc(struct arena *a, size_t size);
/* A copy with a NUL behind it. */
char *arena_bytes(struct arena *a, const char *bytes, size_t length);
char *arena_text(struct arena *a, const char *text); /* NULL stays NULL */
void arena_fini(struct arena *a);

#endif
