/* The hash chain. An event's hash is the SHA-256 of these fields, each with its length (8 bytes, big-endian)
 * in front: the domain tag "belay event 1"; seq, at_us, incident and run as 8 bytes, big-endian; kind, actor,
 * subject, outcome, summary and data as UTF-8; the predecessor's hash (32 zero bytes for the first event). */
#ifndef BELAY_JOURNAL_CHAIN_H
#define BELAY_JOURNAL_CHAIN_H

#include "engine/journal/journal.h"

struct chain; /* a hasher with its buffer, reused from event to event */

struct chain *chain_new(void);
void chain_free(struct chain *c); /* NULL is fine */

/* The hash that the event ought to have; its own hash field is not looked at. */
void chain_hash(struct chain *c, const struct event *event, uint8_t hash[static SHA256_SIZE]);

#endif
