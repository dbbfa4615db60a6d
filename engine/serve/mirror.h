/* The mirror: every committed event's line, and the chain's head after it, sent off this host, so that a
 * cut-off tail can be told later. To syslog (one datagram a line, RFC 3164's form, as the local daemon reads
 * it from /dev/log, cut at 8 KiB) or to a command that gets a batch of lines on stdin and exits 0 when they
 * have arrived. Never waits on the loop: what can't be sent stays in a bounded queue and is tried again (then
 * some lines may arrive twice); what doesn't fit is counted, and the journal says so. Included through
 * serve.h.
 */
#ifndef BELAY_SERVE_MIRROR_H
#define BELAY_SERVE_MIRROR_H

#include "engine/base/base.h"
#include "engine/config/config.h"
#include "engine/io/io.h"
#include "engine/journal/journal.h"
#include "engine/targets/targets.h"

#define MIRROR_QUEUE_BYTES (4u << 20)
#define MIRROR_BATCH_BYTES (256u << 10) /* at a time, so that a slow target gets on */
#define MIRROR_BATCH_US    (200 * US_PER_MS)

struct mirror;

/* ERR_RANGE: no such syslog facility. journal and config are borrowed. */
struct mirror *mirror_new(struct loop *loop, struct journal *journal, const struct config *config,
                          struct err *e);
/* Events of one commit, in order; on the loop. */
void mirror_events(struct mirror *m, const struct event *const *events, size_t count);
/* Its breaker, for whoever shares those. */
struct kept *mirror_kept(struct mirror *m);
struct mirror_status {
    const char *kind;                  /* "syslog" or "command" */
    const char *trouble;               /* NULL while lines arrive, or why they don't */
    int64_t last_good_us, last_try_us; /* wall; 0 never */
    uint64_t batches, failures;
    size_t waiting_bytes;
    uint64_t dropped; /* lines that found no room, since it fails */
};
/* The texts are borrowed until the next loop turn. */
void mirror_status(const struct mirror *m, struct mirror_status *status);
/* Sends what is queued (at most 2 s; nothing when the mirror was failing already), then frees; the journal
 * may be closed already. ERR_IO: some lines didn't get there. NULL is fine. */
int mirror_close(struct mirror *m, struct err *e);

#endif
