#include "engine/journal/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

static int wrong(const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "its manifest is damaged (%s)", what);
}

static int take_piece(const cJSON *item, struct manifest_piece *piece, struct err *e)
{
    piece->at = json_int(item, "at", -1);
    int64_t bytes = json_int(item, "bytes", -1);
    if (piece->at < 0 || bytes < 1 || bytes > JOURNAL_PIECE_BYTES ||
        sha256_from_hex(json_string(item, "digest", ""), piece->digest, NULL) < 0)
        return wrong("a piece", e);
    piece->bytes = (size_t)bytes;
    return 0;
}

/* Every byte of the blob is in exactly one piece, or in the dropped span. */
static int check_coverage(const struct manifest *m, struct err *e)
{
    int64_t at = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->info.dropped_bytes > 0 && at == m->info.dropped_at)
            at += m->info.dropped_bytes;
        if (m->pieces[i].at != at)
            return wrong("pieces that don't follow each other", e);
        at += (int64_t)m->pieces[i].bytes;
    }
    return at == m->info.bytes ? 0 : wrong("its length", e);
}

int manifest_parse(const char *data, int64_t seq, struct manifest *m, struct err *e)
{
    *m = (struct manifest){0};
    cJSON *tree = data ? json_parse(data, strlen(data), NULL) : NULL;
    const cJSON *pieces = cJSON_GetObjectItemCaseSensitive(tree, "pieces"), *item = NULL;
    uint8_t digest[SHA256_SIZE];
    int code = 0, count = cJSON_GetArraySize(pieces);
    if (!cJSON_IsArray(pieces) || sha256_from_hex(json_string(tree, "digest", ""), digest, NULL) < 0)
        code = wrong("no pieces", e);
    m->info.seq = seq;
    m->info.bytes = json_int(tree, "bytes", -1);
    m->info.dropped_at = json_int(tree, "dropped_at", 0);
    m->info.dropped_bytes = json_int(tree, "dropped_bytes", 0);
    if (code == 0 && (m->info.bytes < 0 || m->info.bytes > 1LL << 53 || m->info.dropped_at < 0 ||
                      m->info.dropped_bytes < 0 || m->info.dropped_bytes > m->info.bytes))
        code = wrong("a length", e);
    if (code == 0) {
        sha256_to_hex(digest, m->info.digest);
        m->pieces = xcalloc((size_t)count + 1, sizeof *m->pieces);
    }
    for (item = code == 0 ? pieces->child : NULL; item && code == 0; item = item->next)
        code = take_piece(item, &m->pieces[m->count++], e);
    if (code == 0)
        code = check_coverage(m, e);
    cJSON_Delete(tree);
    return code;
}

void manifest_fini(struct manifest *m)
{
    free(m->pieces);
    *m = (struct manifest){0};
}

int piece_unpack(const struct manifest_piece *piece, const void *zstd, size_t length, void *raw,
                 struct err *e)
{
    uint8_t digest[SHA256_SIZE];
    size_t got = ZSTD_decompress(raw, JOURNAL_PIECE_BYTES, length ? zstd : "", length);
    if (ZSTD_isError(got))
        return err_set(e, ERR_CORRUPT, "its piece at offset %lld can't be unpacked: %s", (long long)piece->at,
                       ZSTD_getErrorName(got));
    sha256_bytes(raw, got, digest);
    if (got != piece->bytes || memcmp(digest, piece->digest, SHA256_SIZE) != 0)
        return err_set(e, ERR_CORRUPT, "its piece at offset %lld is not what was stored",
                       (long long)piece->at);
    return 0;
}
