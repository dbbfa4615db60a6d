#include "engine/sources/arena.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

#define BLOCK_BYTES 32768
#define ALIGN       16

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) char bytes[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!a->block || a->block->size - a->block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct arena_block *block = xcalloc(1, sizeof *block + room);
        block->next = a->block;
        block->size = room;
        a->block = block;
    }
    void *memory = a->block->bytes + a->block->used;
    a->block->used += size;
    return memory;
}

char *arena_bytes(struct arena *a, const char *bytes, size_t length)
{
    char *copy = arena_alloc(a, length + 1);
    if (length)
        memcpy(copy, bytes, length);
    return copy;
}

char *arena_text(struct arena *a, const char *text)
{
    return text ? arena_bytes(a, text, strlen(text)) : NULL;
}

void arena_fini(struct arena *a)
{
    while (a->block) {
        struct arena_block *next = a->block->next;
        free(a->block);
        a->block = next;
    }
}
