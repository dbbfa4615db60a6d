/* What waits for the writer: a group of events that is committed together, or one piece of a blob. One block
 * of memory each, made by whoever appends, filled in by the writer, freed after its completion has run. */
#ifndef BELAY_JOURNAL_ITEM_H
#define BELAY_JOURNAL_ITEM_H

#include "engine/journal/claim.h"
#include "engine/journal/journal.h"

enum item_kind { ITEM_EVENTS, ITEM_PIECE };

struct item {
    struct item *next;
    enum item_kind kind;
    size_t weight;     /* bytes that it takes in the queue, and about in the WAL */
    int64_t queued_us; /* monotonic */
    journal_done done;
    void *ctx;
    bool on_writer;                  /* done runs on the writer's thread: somebody waits there */
    bool durable;                    /* commit at once */
    bool unless_stored;              /* a manifest: nothing to do if its blob has one */
    bool imported;                   /* of an emergency journal: past the check for those that wait */
    int64_t next_incident, next_run; /* imported: only while these are the next numbers; 0: don't ask */
    uint64_t troubles;               /* a manifest: how many there had been when its blob began */
    bool check_pieces;               /* set by the writer: there has been one since */

    /* The result. */
    int code;
    const char *reason; /* of this item alone, else NULL: that of its batch */
    int64_t first_seq, added;
    int64_t new_incident, new_run;

    size_t count; /* ITEM_EVENTS */
    struct event *events;
    struct item_label {
        char incident[32], run[32]; /* "INC-7", "run 12" */
    } * labels;                     /* of each event: its subject, the name of its claim */
    struct claim *claims;           /* of each event */
    char refusal[CLAIM_REASON_MAX];

    uint8_t digest[SHA256_SIZE]; /* ITEM_PIECE */
    size_t raw_bytes, zstd_bytes;
    void *zstd;
};

#define ITEM_EVENTS_MAX 64

/* Copies the drafts: texts as UTF-8, cut to their limits; at_us 0 becomes now. More than ITEM_EVENTS_MAX only
 * when they are imported. ERR_RANGE, ERR_USAGE. */
int item_from_drafts(const struct event_draft *drafts, size_t count, struct item **item, struct err *e);
/* Takes zstd. */
struct item *item_from_piece(const uint8_t digest[static SHA256_SIZE], size_t raw_bytes, void *zstd,
                             size_t zstd_bytes);
void item_free(struct item *item); /* NULL is fine */

#endif
