#include "engine/targets/coding.h"
#include "engine/targets/row.h"

/* For each span as many buckets as fill it, in a ring: one that comes round again is written over. Life is
 * one bucket that never ends. */
static const struct {
    int64_t bucket_ms, slots;
} rings[MEASURES_SPAN_COUNT] = {
    [MEASURES_1M] = {5000, 12},
    [MEASURES_5M] = {30000, 10},
    [MEASURES_1H] = {300000, 12},
    [MEASURES_LIFE] = {0, 1},
};

static int64_t bucket_at(int span, int64_t now_ms)
{
    return span == MEASURES_LIFE ? 0 : now_ms / rings[span].bucket_ms;
}

/* What is still worth adding to: the same bucket, of the same boot. */
static bool counts(const struct targets *t, int span, int64_t boot, int64_t bucket, int64_t now_ms)
{
    int64_t newest = bucket_at(span, now_ms);
    return span == MEASURES_LIFE ||
           (boot == t->boot && bucket <= newest && bucket > newest - rings[span].slots);
}

static int sum_add(struct targets *t, int64_t target, int span, const struct measures_sums *sums,
                   int64_t now_ms, struct err *e)
{
    int64_t bucket = bucket_at(span, now_ms);
    struct measures_sums sum = {0};
    sqlite3_stmt *get = targets_statement(t, TARGETS_SUM_GET, e);
    if (!get)
        return ERR_IO;
    sqlite3_bind_int64(get, 1, target);
    sqlite3_bind_int(get, 2, span);
    sqlite3_bind_int64(get, 3, bucket % rings[span].slots);
    int code = targets_step(t, get, e);
    if (code == 1 && sqlite3_column_int64(get, 1) == bucket &&
        counts(t, span, sqlite3_column_int64(get, 0), bucket, now_ms))
        sums_decode(sqlite3_column_blob(get, 2), (size_t)sqlite3_column_bytes(get, 2), &sum);
    sqlite3_reset(get);
    sqlite3_stmt *put = code >= 0 ? targets_statement(t, TARGETS_SUM_PUT, e) : NULL;
    if (!put)
        return code < 0 ? code : ERR_IO;
    uint8_t bytes[CODING_SUMS_MAX];
    measures_add(&sum, sums);
    sqlite3_bind_int64(put, 1, target);
    sqlite3_bind_int(put, 2, span);
    sqlite3_bind_int64(put, 3, bucket % rings[span].slots);
    sqlite3_bind_int64(put, 4, t->boot);
    sqlite3_bind_int64(put, 5, bucket);
    sqlite3_bind_blob(put, 6, bytes, (int)sums_encode(&sum, bytes), SQLITE_STATIC);
    code = targets_step(t, put, e);
    sqlite3_reset(put);
    return code;
}

int sums_count(struct targets *t, int64_t target, const struct measures_sums *sums, int64_t now_ms,
               struct err *e)
{
    int code = 0;
    for (int span = 0; span < MEASURES_SPAN_COUNT && code >= 0; span++)
        code = sum_add(t, target, span, sums, now_ms, e);
    return code;
}

int sums_read(struct targets *t, int64_t target, int64_t now_ms,
              struct measures_sums spans[static MEASURES_SPAN_COUNT], struct err *e)
{
    sqlite3_stmt *statement = targets_statement(t, TARGETS_SUMS, e);
    if (!statement)
        return ERR_IO;
    int code;
    sqlite3_bind_int64(statement, 1, target);
    while ((code = targets_step(t, statement, e)) == 1) {
        int span = sqlite3_column_int(statement, 0);
        struct measures_sums sum;
        if (span < 0 || span >= MEASURES_SPAN_COUNT ||
            !counts(t, span, sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2), now_ms))
            continue;
        sums_decode(sqlite3_column_blob(statement, 3), (size_t)sqlite3_column_bytes(statement, 3), &sum);
        measures_add(&spans[span], &sum);
    }
    sqlite3_reset(statement);
    return code;
}
