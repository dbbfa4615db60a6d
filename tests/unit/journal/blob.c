/* Blobs: what comes out is what went in, once only, whatever its size; and damage is found. */
#include "scratch.h"

struct sink {
    struct str bytes;
    int64_t gap_at, gap; /* the one jump that was seen */
    int64_t next;
    size_t largest;
};

static int pour(const void *bytes, size_t length, int64_t at, void *data)
{
    struct sink *sink = data;
    if (at != sink->next) {
        assert_int_equal(sink->gap, 0);
        sink->gap_at = sink->next;
        sink->gap = at - sink->next;
    }
    str_add_bytes(&sink->bytes, bytes, length);
    sink->next = at + (int64_t)length;
    sink->largest = length > sink->largest ? length : sink->largest;
    return 0;
}

static char *noise(size_t length, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    char *bytes = xmalloc(length + 8);
    for (size_t i = 0; i < length; i += 8) {
        uint64_t value = rng_next(&rng);
        memcpy(bytes + i, &value, 8);
    }
    return bytes;
}

static const struct journal_blob_origin origin = {
    .actor = "belay", .what = "stdout of \"step\"", .incident = 3, .run = 4};

/* Waits for the blob by an event behind it. */
static void put(struct journal *j, const void *bytes, size_t length, char digest[static SHA256_HEX_SIZE])
{
    struct err e;
    if (journal_blob_put(j, &origin, bytes, length, digest, NULL, NULL, &e) < 0)
        fail_msg("put: %s", e.msg);
    scratch_append(j, EVENT_STEP_OUTCOME, digest);
}

static void sizes_around_the_edges(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     2,       4095,    4096,    4097,        65535,
                                   65536, 65537, 1048575, 1048576, 1048577, 3 * 1048576, 3145731};
    char *folder = scratch_folder(), *bytes = noise(4 << 20, 1), digest[SHA256_HEX_SIZE],
         expected[SHA256_HEX_SIZE];
    struct journal *j = scratch_open(folder);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t hash[SHA256_SIZE];
        sha256_bytes(bytes, sizes[i], hash);
        sha256_to_hex(hash, expected);
        put(j, bytes, sizes[i], digest);
        assert_string_equal(digest, expected);
        struct journal_blob_info info;
        assert_int_equal(journal_blob_info(j, digest, &info, NULL), 0);
        assert_int_equal(info.bytes, sizes[i]);
        assert_int_equal(info.dropped_bytes, 0);
        struct sink sink = {0};
        assert_int_equal(journal_blob_read(j, digest, 0, 0, pour, &sink, NULL), 0);
        assert_int_equal(sink.bytes.len, sizes[i]);
        assert_true(sizes[i] == 0 || memcmp(sink.bytes.data, bytes, sizes[i]) == 0);
        assert_true(sink.largest <= JOURNAL_PIECE_BYTES);
        str_fini(&sink.bytes);
    }
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
    assert_int_equal(verdict.blobs, sizeof sizes / sizeof *sizes);
    assert_int_equal(verdict.loose_pieces, 0);
    free(bytes);
    scratch_remove(folder);
}

static void windows(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *bytes = noise(3 << 20, 2), digest[SHA256_HEX_SIZE];
    size_t length = (2 << 20) + 777;
    struct journal *j = scratch_open(folder);
    put(j, bytes, length, digest);
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 60; i++) {
        size_t from = rng_below(&rng, length + 10), limit = 1 + rng_below(&rng, length);
        size_t expected = from >= length ? 0 : length - from < limit ? length - from : limit;
        struct sink sink = {.next = (int64_t)from};
        assert_int_equal(journal_blob_read(j, digest, (int64_t)from, (int64_t)limit, pour, &sink, NULL), 0);
        assert_int_equal(sink.bytes.len, expected);
        assert_true(expected == 0 || memcmp(sink.bytes.data, bytes + from, expected) == 0);
        str_fini(&sink.bytes);
    }
    struct err e;
    struct sink sink = {0};
    assert_int_equal(journal_blob_read(j, "no such digest", 0, 0, pour, &sink, &e), ERR_NOT_FOUND);
    assert_int_equal(journal_blob_info(j, "", &(struct journal_blob_info){0}, &e), ERR_NOT_FOUND);
    journal_close(j);
    free(bytes);
    scratch_remove(folder);
}

static int count_kind(const struct event *event, void *data)
{
    *(int *)data += event->kind == EVENT_BLOB_STORED;
    return 0;
}

struct answer {
    int64_t seq, count;
    int code, times;
};

static void take_answer(void *ctx, const struct journal_result *result)
{
    struct answer *answer = ctx;
    *answer = (struct answer){
        .seq = result->seq, .count = result->count, .code = result->code, .times = answer->times + 1};
}

static void the_same_is_stored_once(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *bytes = noise(3 << 20, 3), digest[SHA256_HEX_SIZE],
         again[SHA256_HEX_SIZE];
    struct journal *j = scratch_open(folder);
    struct answer first = {0}, second = {0};
    assert_int_equal(journal_blob_put(j, &origin, bytes, 3 << 20, digest, take_answer, &first, NULL), 0);
    assert_int_equal(journal_blob_put(j, &origin, bytes, 3 << 20, again, take_answer, &second, NULL), 0);
    scratch_append(j, EVENT_STEP_OUTCOME, "behind");
    put(j, bytes, 3 << 20, again);
    assert_string_equal(digest, again);
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 0);
    assert_int_equal(second.seq, first.seq);
    assert_int_equal(second.times, 1);
    /* Another blob that shares its first piece: three pieces in all, and one more. */
    put(j, bytes, 1 << 20, again);
    int manifests = 0;
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, count_kind, &manifests, NULL), 0);
    assert_int_equal(manifests, 2);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    assert_true(verdict.ok);
    assert_int_equal(verdict.pieces, 3);
    free(bytes);
    scratch_remove(folder);
}

/* 70 MiB: the first and the last 32 are kept, the span between is recorded. Fed in odd portions. */
static void big_output_keeps_both_ends(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    size_t length = (70u << 20) + 12345;
    char *bytes = noise(length, 4);
    memset(bytes + (10 << 20), 'z', 50 << 20); /* so that the test isn't slow */
    for (size_t i = 10 << 20; i < 60u << 20; i += 4096)
        memcpy(bytes + i, &i, sizeof i);
    struct journal_blob *b = journal_blob_begin(j, &origin);
    struct err e;
    for (size_t at = 0, part = 1; at < length; at += part, part = part * 3 % 1500007 + 1) {
        part = part < length - at ? part : length - at;
        if (journal_blob_add(b, bytes + at, part, 5 * US_PER_S, &e) < 0)
            fail_msg("%s", e.msg);
    }
    char digest[SHA256_HEX_SIZE], expected[SHA256_HEX_SIZE];
    uint8_t hash[SHA256_SIZE];
    assert_int_equal(journal_blob_finish(b, digest, NULL, NULL, NULL), 0);
    scratch_append(j, EVENT_STEP_OUTCOME, "behind");
    sha256_bytes(bytes, length, hash);
    sha256_to_hex(hash, expected);
    assert_string_equal(digest, expected);
    struct journal_blob_info info;
    assert_int_equal(journal_blob_info(j, digest, &info, NULL), 0);
    assert_int_equal(info.bytes, length);
    assert_int_equal(info.dropped_at, JOURNAL_BLOB_HEAD_BYTES);
    size_t tail = length - (size_t)(info.dropped_at + info.dropped_bytes);
    assert_true(tail >= JOURNAL_BLOB_TAIL_BYTES && tail <= JOURNAL_BLOB_TAIL_BYTES + JOURNAL_PIECE_BYTES);
    struct sink sink = {0};
    assert_int_equal(journal_blob_read(j, digest, 0, 0, pour, &sink, NULL), 0);
    assert_int_equal(sink.gap_at, JOURNAL_BLOB_HEAD_BYTES);
    assert_int_equal(sink.gap, info.dropped_bytes);
    assert_int_equal(sink.bytes.len, JOURNAL_BLOB_HEAD_BYTES + tail);
    assert_memory_equal(sink.bytes.data, bytes, JOURNAL_BLOB_HEAD_BYTES);
    assert_memory_equal(sink.bytes.data + JOURNAL_BLOB_HEAD_BYTES, bytes + length - tail, tail);
    str_fini(&sink.bytes);
    free(bytes);
    journal_close(j);
    assert_true(scratch_verify(folder, NULL).ok);
    scratch_remove(folder);
}

static void abandoned_leaves_nothing_that_counts(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *bytes = noise(3 << 20, 5);
    struct journal *j = scratch_open(folder);
    struct journal_blob *b = journal_blob_begin(j, &origin);
    assert_int_equal(journal_blob_add(b, bytes, (2 << 20) + 5, 0, NULL), 0);
    journal_blob_abandon(b);
    journal_blob_abandon(NULL);
    scratch_append(j, EVENT_INCIDENT_NOTED, "x");
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    assert_true(verdict.ok);
    assert_int_equal(verdict.blobs, 0);
    assert_int_equal(verdict.loose_pieces, 2);
    free(bytes);
    scratch_remove(folder);
}

/* --- damage
 * ------------------------------------------------------------------------------------------------------ */

#define WITHOUT_PIECE_TRIGGERS(sql)                                                                          \
    "BEGIN; DROP TRIGGER piece_update; DROP TRIGGER piece_delete;" sql                                       \
    "CREATE TRIGGER piece_update BEFORE UPDATE ON piece"                                                     \
    " BEGIN SELECT RAISE(ABORT, 'pieces are never changed'); END;"                                           \
    "CREATE TRIGGER piece_delete BEFORE DELETE ON piece"                                                     \
    " BEGIN SELECT RAISE(ABORT, 'pieces are never deleted'); END; COMMIT"

static void damage_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *problem;
    } cases[] = {
        {WITHOUT_PIECE_TRIGGERS("DELETE FROM piece WHERE id = 2;"), "offset 1048576 is missing"},
        {WITHOUT_PIECE_TRIGGERS("UPDATE piece SET zstd = x'00' WHERE id = 1;"), "can't be unpacked"},
        {WITHOUT_PIECE_TRIGGERS("UPDATE piece SET zstd = zeroblob(0) WHERE id = 1;"),
         "is not what was stored"},
        {WITHOUT_PIECE_TRIGGERS(
             "UPDATE piece SET zstd = (SELECT zstd FROM piece WHERE id = 2) WHERE id = 1;"),
         "is not what was stored"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = scratch_folder(), *bytes = noise(2 << 20, 6), digest[SHA256_HEX_SIZE];
        struct journal *j = scratch_open(folder);
        put(j, bytes, 2 << 20, digest);
        put(j, "other", 5, digest);
        journal_close(j);
        scratch_sql(folder, cases[i].sql);
        struct journal_verdict verdict = scratch_verify(folder, NULL);
        assert_false(verdict.ok);
        assert_int_equal(verdict.bad_seq, 1);
        if (!strstr(verdict.problem, cases[i].problem))
            fail_msg("expected \"%s\", got: %s", cases[i].problem, verdict.problem);
        free(bytes);
        scratch_remove(folder);
    }
}

/* A manifest from a hostile or damaged file is refused, never followed. */
static void hostile_manifests(void **state)
{
    (void)state;
#define D "1111111111111111111111111111111111111111111111111111111111111111"
    static const char *const manifests[] = {
        "{}",
        "[]",
        "nonsense",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":[]}",
        "{\"digest\":\"" D "\",\"bytes\":-1,\"pieces\":[]}",
        "{\"digest\":\"" D "\",\"bytes\":9223372036854775807,\"pieces\":[]}",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":[{\"digest\":\"" D "\",\"at\":1,\"bytes\":4}]}",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":[{\"digest\":\"" D "\",\"at\":0,\"bytes\":2097152}]}",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":[{\"digest\":\"xyz\",\"at\":0,\"bytes\":5}]}",
        "{\"digest\":\"" D
        "\",\"bytes\":5,\"dropped_at\":0,\"dropped_bytes\":9007199254740992,\"pieces\":[]}",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":[1,2,3]}",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":{\"a\":1}}",
        "{\"digest\":\"" D "\",\"bytes\":5,\"pieces\":[{\"digest\":\"" D "\",\"at\":0,\"bytes\":5}]}",
    };
    for (size_t i = 0; i < sizeof manifests / sizeof *manifests; i++) {
        char *folder = scratch_folder();
        struct journal *j = scratch_open(folder);
        struct event_draft draft = {.kind = EVENT_BLOB_STORED, .subject = D, .data = manifests[i]};
        assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
        struct sink sink = {0};
        struct err e;
        assert_int_equal(journal_blob_read(j, D, 0, 0, pour, &sink, &e), ERR_CORRUPT);
        journal_close(j);
        assert_int_equal(scratch_verify(folder, NULL).bad_seq, 1);
        scratch_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_around_the_edges),
        cmocka_unit_test(windows),
        cmocka_unit_test(the_same_is_stored_once),
        cmocka_unit_test(big_output_keeps_both_ends),
        cmocka_unit_test(abandoned_leaves_nothing_that_counts),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(hostile_manifests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
