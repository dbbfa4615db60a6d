/* The manifest of a blob, as the data of its blob.stored event:
 * {"digest","bytes","what","dropped_at","dropped_bytes", "pieces":[{"digest","at","bytes"}]}. Read with
 * distrust: a manifest may come from a damaged file. */
#ifndef BELAY_JOURNAL_MANIFEST_H
#define BELAY_JOURNAL_MANIFEST_H

#include "engine/journal/journal.h"

struct manifest_piece {
    uint8_t digest[SHA256_SIZE];
    int64_t at;
    size_t bytes;
};

struct manifest {
    struct journal_blob_info info;
    struct manifest_piece *pieces; /* in order, gapless but for the dropped span */
    size_t count;
};

/* ERR_CORRUPT when pieces and lengths don't add up. */
int manifest_parse(const char *data, int64_t seq, struct manifest *m, struct err *e);
void manifest_fini(struct manifest *m);

/* Unpacks into raw (JOURNAL_PIECE_BYTES) and compares length and digest. */
int piece_unpack(const struct manifest_piece *piece, const void *zstd, size_t length, void *raw,
                 struct err *e);

#endif
