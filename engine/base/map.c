#include "engine/base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rng.h"
#include "engine/base/str.h"

/* Entries stand in order of insertion; `slots` is an open-addressed index into them (0 empty, else index +
 * 1). A removed entry keeps its place with key NULL until the next rebuild. */
struct entry {
    char *key;
    void *value;
    uint64_t hash;
};

struct map {
    struct entry *entries;
    size_t used;  /* entries in use or removed */
    size_t count; /* entries in use */
    size_t capacity;
    uint32_t *slots;
    size_t slot_count; /* a power of two */
};

static uint64_t hash_key[2];

static void hash_key_draw(void)
{
    hash_key[0] = rng_entropy();
    hash_key[1] = rng_entropy();
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein). */
static uint64_t hash(const char *key)
{
    size_t length = strlen(key);
    uint64_t v[4] = {hash_key[0] ^ 0x736f6d6570736575ULL, hash_key[1] ^ 0x646f72616e646f6dULL,
                     hash_key[0] ^ 0x6c7967656e657261ULL, hash_key[1] ^ 0x7465646279746573ULL};
    uint64_t word;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        memcpy(&word, key + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)length << 56;
    for (size_t j = 0; i + j < length; j++)
        word |= (uint64_t)(unsigned char)key[i + j] << (8 * j);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, hash_key_draw);
    return xcalloc(1, sizeof(struct map));
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->used; i++)
        free(m->entries[i].key);
    free(m->entries);
    free(m->slots);
    free(m);
}

static const struct entry *find(const struct map *m, const char *key)
{
    if (m->count == 0)
        return NULL;
    uint64_t h = hash(key);
    for (size_t slot = h & (m->slot_count - 1); m->slots[slot]; slot = (slot + 1) & (m->slot_count - 1)) {
        const struct entry *entry = &m->entries[m->slots[slot] - 1];
        if (entry->key && entry->hash == h && strcmp(entry->key, key) == 0)
            return entry;
    }
    return NULL;
}

static void slot_fill(struct map *m, size_t index)
{
    size_t slot = m->entries[index].hash & (m->slot_count - 1);
    while (m->slots[slot])
        slot = (slot + 1) & (m->slot_count - 1);
    m->slots[slot] = (uint32_t)index + 1;
}

/* Room for one more: drops removed entries, and doubles when the map is truly more than half full. */
static void rebuild(struct map *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key)
            m->entries[kept++] = m->entries[i];
    m->used = kept;
    size_t slots = 16;
    while (slots < 4 * (kept + 1))
        slots *= 2;
    if (slots > UINT32_MAX)
        abort();
    m->capacity = slots / 2;
    m->entries = xrealloc(m->entries, m->capacity * sizeof *m->entries);
    free(m->slots);
    m->slot_count = slots;
    m->slots = xcalloc(slots, sizeof *m->slots);
    for (size_t i = 0; i < kept; i++)
        slot_fill(m, i);
}

void *map_get(const struct map *m, const char *key)
{
    const struct entry *entry = find(m, key);
    return entry ? entry->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
    return find(m, key) != NULL;
}

void *map_set(struct map *m, const char *key, void *value)
{
    const struct entry *found = find(m, key);
    if (found) {
        struct entry *entry = &m->entries[found - m->entries];
        void *before = entry->value;
        entry->value = value;
        return before;
    }
    if (m->used == m->capacity)
        rebuild(m);
    m->entries[m->used] = (struct entry){.key = xstrdup(key), .value = value, .hash = hash(key)};
    slot_fill(m, m->used++);
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, const char *key)
{
    const struct entry *found = find(m, key);
    if (!found)
        return NULL;
    struct entry *entry = &m->entries[found - m->entries];
    void *before = entry->value;
    free(entry->key);
    entry->key = NULL;
    m->count--;
    return before;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

bool map_next(const struct map *m, size_t *cursor, const char **key, void **value)
{
    while (*cursor < m->used) {
        const struct entry *entry = &m->entries[(*cursor)++];
        if (!entry->key)
            continue;
        *key = entry->key;
        if (value)
            *value = entry->value;
        return true;
    }
    return false;
}
