#include "engine/journal/chain.h"

#include <stdlib.h>

struct chain {
    struct sha256 *digest;
    struct str fields;
};

struct chain *chain_new(void)
{
    struct chain *c = xcalloc(1, sizeof *c);
    c->digest = sha256_new();
    return c;
}

void chain_free(struct chain *c)
{
    if (!c)
        return;
    sha256_free(c->digest);
    str_fini(&c->fields);
    free(c);
}

static void put_big_endian(uint8_t *to, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)value;
}

static void add_bytes(struct chain *c, const void *bytes, size_t length)
{
    uint8_t prefix[8];
    put_big_endian(prefix, length);
    str_add_bytes(&c->fields, prefix, sizeof prefix);
    str_add_bytes(&c->fields, bytes, length);
}

static void add_text(struct chain *c, const char *text)
{
    add_bytes(c, text, strlen(text));
}

static void add_number(struct chain *c, int64_t value)
{
    uint8_t bytes[8];
    put_big_endian(bytes, (uint64_t)value);
    add_bytes(c, bytes, sizeof bytes);
}

/* One buffer and one update: libcrypto's calls cost more than copying a few hundred bytes. */
void chain_hash(struct chain *c, const struct event *event, uint8_t hash[static SHA256_SIZE])
{
    str_clear(&c->fields);
    add_text(c, "belay event 1");
    add_number(c, event->seq);
    add_number(c, event->at_us);
    add_number(c, event->incident);
    add_number(c, event->run);
    add_text(c, event->kind_name);
    add_text(c, event->actor);
    add_text(c, event->subject);
    add_text(c, event->outcome);
    add_text(c, event->summary);
    add_text(c, event->data);
    add_bytes(c, event->prev_hash, SHA256_SIZE);
    sha256_add(c->digest, c->fields.data, c->fields.len);
    sha256_finish(c->digest, hash);
}

void event_hash(const struct event *event, uint8_t hash[static SHA256_SIZE])
{
    struct chain *c = chain_new();
    chain_hash(c, event, hash);
    chain_free(c);
}
