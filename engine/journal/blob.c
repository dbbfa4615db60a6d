#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "engine/journal/handle.h"

#define ZSTD_LEVEL 3

/* A sealed piece: where it stood, and what the manifest says of it. */
struct piece {
    int64_t at;
    size_t bytes;
    char digest[SHA256_HEX_SIZE];
    struct item *item; /* in the tail: not submitted yet */
};

struct journal_blob {
    struct journal *journal;
    struct journal_blob_origin origin; /* its texts are copies */
    struct sha256 *whole;              /* from the second piece on: of one piece the digest is the blob's */
    uint8_t last_digest[SHA256_SIZE];
    uint64_t troubles;
    ZSTD_CCtx *zstd;
    char *open; /* the piece that is being filled */
    size_t open_bytes, open_room;
    int64_t total;
    VEC(struct piece) head; /* in the manifest for good */
    VEC(struct piece) tail; /* the end, as long as nobody knows where that is */
    size_t tail_first;      /* what stands before it was dropped */
    size_t tail_bytes;
    struct item *pending, **pending_end; /* found no room in the queue yet */
};

struct journal_blob *journal_blob_begin(struct journal *j, const struct journal_blob_origin *origin)
{
    struct journal_blob *b = xcalloc(1, sizeof *b);
    b->journal = j;
    b->origin = *origin;
    b->origin.actor = xstrdup(origin->actor);
    b->origin.what = xstrdup(origin->what);
    b->troubles = j->writer ? writer_troubles(j->writer) : 0;
    b->zstd = atomic_exchange(&j->zstd, NULL);
    if (!b->zstd)
        b->zstd = ZSTD_createCCtx();
    b->pending_end = &b->pending;
    if (!b->zstd)
        abort();
    return b;
}

static void items_free(struct item *items)
{
    for (struct item *next; items; items = next) {
        next = items->next;
        item_free(items);
    }
}

void journal_blob_abandon(struct journal_blob *b)
{
    if (!b)
        return;
    items_free(b->pending);
    for (size_t i = b->tail_first; i < b->tail.len; i++)
        item_free(b->tail.data[i].item);
    vec_fini(&b->head);
    vec_fini(&b->tail);
    sha256_free(b->whole);
    ZSTD_freeCCtx(atomic_exchange(&b->journal->zstd, b->zstd));
    free(b->open);
    free((char *)b->origin.actor);
    free((char *)b->origin.what);
    free(b);
}

static void pend(struct journal_blob *b, struct item *item)
{
    *b->pending_end = item;
    b->pending_end = &item->next;
}

static struct item *compress(struct journal_blob *b, const uint8_t digest[static SHA256_SIZE])
{
    size_t room = ZSTD_compressBound(b->open_bytes);
    char *out = xmalloc(room);
    size_t size = ZSTD_compressCCtx(b->zstd, out, room, b->open, b->open_bytes, ZSTD_LEVEL);
    if (ZSTD_isError(size)) /* out of memory: with room for the bound there is nothing else */
        abort();
    return item_from_piece(digest, b->open_bytes, xrealloc(out, size), size);
}

/* The beginning goes to the writer at once; of the rest the last pieces are kept until the end is known.
 * `last`: nothing follows. */
static void seal(struct journal_blob *b, bool last)
{
    uint8_t *digest = b->last_digest;
    struct piece piece = {.at = b->total - (int64_t)b->open_bytes, .bytes = b->open_bytes};
    sha256_bytes(b->open, b->open_bytes, digest);
    sha256_to_hex(digest, piece.digest);
    if (!b->whole && !(last && piece.at == 0))
        b->whole = sha256_new();
    if (b->whole)
        sha256_add(b->whole, b->open, b->open_bytes);
    struct item *item = compress(b, digest);
    b->open_bytes = 0;
    if (piece.at < JOURNAL_BLOB_HEAD_BYTES) {
        pend(b, item);
        *vec_push(&b->head) = piece;
        return;
    }
    piece.item = item;
    *vec_push(&b->tail) = piece;
    b->tail_bytes += piece.bytes;
    while (b->tail_bytes - b->tail.data[b->tail_first].bytes >= JOURNAL_BLOB_TAIL_BYTES) {
        struct piece *dropped = &b->tail.data[b->tail_first++];
        b->tail_bytes -= dropped->bytes;
        item_free(dropped->item);
    }
    if (b->tail_first >= 64) { /* however long the output: what was dropped takes no memory */
        b->tail.len -= b->tail_first;
        memmove(b->tail.data, b->tail.data + b->tail_first, b->tail.len * sizeof *b->tail.data);
        b->tail_first = 0;
    }
}

/* All that waits, in one go: 0 or the reason; then it goes on waiting here. */
static int submit_pending(struct journal_blob *b, int64_t wait_us, struct err *e)
{
    if (!b->pending)
        return 0;
    struct journal *j = b->journal;
    int code = j->writer ? writer_submit(j->writer, b->pending, wait_us, e)
                         : err_set(e, ERR_DENIED, "%s: opened for reading alone", j->path);
    if (code == 0) {
        b->pending = NULL;
        b->pending_end = &b->pending;
    }
    return code;
}

/* Most blobs are a few lines; a whole piece would come from the kernel page by page. */
static void open_reserve(struct journal_blob *b, size_t bytes)
{
    if (bytes <= b->open_room)
        return;
    b->open_room = bytes <= 4096 ? 4096 : bytes <= 65536 ? 65536 : JOURNAL_PIECE_BYTES;
    b->open = xrealloc(b->open, b->open_room);
}

int journal_blob_add(struct journal_blob *b, const void *bytes, size_t length, int64_t wait_us, struct err *e)
{
    int code = submit_pending(b, wait_us, e);
    if (code < 0)
        return code;
    const char *from = bytes;
    while (length > 0) {
        size_t part = JOURNAL_PIECE_BYTES - b->open_bytes;
        part = part < length ? part : length;
        open_reserve(b, b->open_bytes + part);
        memcpy(b->open + b->open_bytes, from, part);
        b->open_bytes += part;
        b->total += (int64_t)part;
        from += part;
        length -= part;
        if (b->open_bytes == JOURNAL_PIECE_BYTES)
            seal(b, false);
    }
    /* What finds no room now is tried again by the next call. */
    code = submit_pending(b, 0, e);
    return code == ERR_BUSY ? 0 : code;
}

static void manifest_piece(struct str *data, const struct piece *piece, bool first)
{
    str_addf(data, "%s{\"digest\":\"%s\",\"at\":%lld,\"bytes\":%zu}", first ? "" : ",", piece->digest,
             (long long)piece->at, piece->bytes);
}

static char *manifest(const struct journal_blob *b, const char *digest)
{
    const struct piece *head_end = b->head.len ? &b->head.data[b->head.len - 1] : NULL;
    int64_t dropped_at = head_end ? head_end->at + (int64_t)head_end->bytes : 0;
    int64_t dropped = b->tail_first < b->tail.len ? b->tail.data[b->tail_first].at - dropped_at : 0;
    struct str data = {0};
    str_addf(&data, "{\"digest\":\"%s\",\"bytes\":%lld,\"what\":", digest, (long long)b->total);
    json_quote(&data, b->origin.what ? b->origin.what : "");
    if (dropped > 0)
        str_addf(&data, ",\"dropped_at\":%lld,\"dropped_bytes\":%lld", (long long)dropped_at,
                 (long long)dropped);
    str_add(&data, ",\"pieces\":[");
    for (size_t i = 0; i < b->head.len; i++)
        manifest_piece(&data, &b->head.data[i], i == 0);
    for (size_t i = b->tail_first; i < b->tail.len; i++)
        manifest_piece(&data, &b->tail.data[i], b->head.len == 0 && i == b->tail_first);
    str_add(&data, "]}");
    return str_take(&data);
}

static struct item *manifest_item(const struct journal_blob *b, const char *digest)
{
    char *data = manifest(b, digest);
    char *summary =
        xasprintf("%s: %lld bytes", b->origin.what ? b->origin.what : "blob", (long long)b->total);
    struct event_draft draft = {.kind = EVENT_BLOB_STORED,
                                .actor = b->origin.actor,
                                .subject = digest,
                                .summary = summary,
                                .data = data,
                                .incident = b->origin.incident,
                                .run = b->origin.run};
    struct item *item = NULL;
    (void)item_from_drafts(&draft, 1, &item, NULL); /* at most 65 pieces: far below the limit */
    item->unless_stored = true;
    item->troubles = b->troubles;
    free(summary);
    free(data);
    return item;
}

int journal_blob_finish(struct journal_blob *b, char digest[static SHA256_HEX_SIZE], journal_done done,
                        void *ctx, struct err *e)
{
    if (b->open_bytes > 0)
        seal(b, true);
    if (b->whole)
        sha256_finish(b->whole, b->last_digest);
    else if (b->total == 0)
        sha256_bytes("", 0, b->last_digest);
    sha256_to_hex(b->last_digest, digest);
    struct item *last = manifest_item(b, digest);
    last->done = done;
    last->ctx = ctx;
    for (size_t i = b->tail_first; i < b->tail.len; i++) {
        pend(b, b->tail.data[i].item);
        b->tail.data[i].item = NULL;
    }
    pend(b, last);
    int code = submit_pending(b, 0, e);
    journal_blob_abandon(b);
    return code;
}

int journal_blob_put(struct journal *j, const struct journal_blob_origin *origin, const void *bytes,
                     size_t length, char digest[static SHA256_HEX_SIZE], journal_done done, void *ctx,
                     struct err *e)
{
    struct journal_blob *b = journal_blob_begin(j, origin);
    int code = journal_blob_add(b, bytes, length, 0, e);
    if (code == 0)
        return journal_blob_finish(b, digest, done, ctx, e);
    journal_blob_abandon(b);
    return code;
}
