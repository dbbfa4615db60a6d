/* Mirrored heads: lines `belay-head PLATFORM SEQ HASH` that left the host while the journal was written. Only
 * they show that its end was cut off, or that all of it was written anew. */
#ifndef BELAY_JOURNAL_HEADS_H
#define BELAY_JOURNAL_HEADS_H

#include "engine/journal/journal.h"

struct heads;

/* Finds the lines of the platform in any text (a syslog file puts its own words in front). NULL: none. */
struct heads *heads_new(const char *text, const char *platform);
void heads_free(struct heads *h); /* NULL is fine */

/* The event with this number, in rising order: ERR_CORRUPT when a mirrored line says otherwise. */
int heads_check(struct heads *h, int64_t seq, const uint8_t hash[static SHA256_SIZE], struct err *e);
/* After the last event: ERR_CORRUPT when the mirror has seen a later one. */
int heads_check_end(const struct heads *h, int64_t last_seq, struct err *e);
int64_t heads_agreed(const struct heads *h);

#endif
