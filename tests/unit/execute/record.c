/* The files of a step folder as bytes: what is written is read back, and nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/record.h"
#include "engine/execute/request.h"
#include "engine/execute/writer.h"

static struct exit_record sample(void)
{
    struct exit_record r = {
        .how = EXEC_EXITED,
        .status = 3,
        .started_wall_us = 1795343394514622,
        .ended_wall_us = 1795343395514622,
        .duration_us = 1000000,
        .stdout_bytes = 12,
        .stderr_bytes = 34,
        .dropped_bytes = 5,
        .survivors = true,
    };
    strcpy(r.text, "text");
    return r;
}

static void exit_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[EXIT_RECORD_SIZE];
    struct exit_record r = sample(), back;
    exit_encode(&r, "r1-t1", bytes);
    assert_true(exit_decode(bytes, sizeof bytes, "r1-t1", &back));
    assert_int_equal(back.how, r.how);
    assert_int_equal(back.status, 3);
    assert_int_equal(back.started_wall_us, r.started_wall_us);
    assert_int_equal(back.ended_wall_us, r.ended_wall_us);
    assert_int_equal(back.duration_us, r.duration_us);
    assert_int_equal(back.stdout_bytes, 12);
    assert_int_equal(back.stderr_bytes, 34);
    assert_int_equal(back.dropped_bytes, 5);
    assert_true(back.survivors);
    assert_false(back.exports_cut);
    assert_string_equal(back.text, "text");
}

static void every_bit_of_exit_counts(void **state)
{
    (void)state;
    uint8_t bytes[EXIT_RECORD_SIZE];
    struct exit_record r = sample(), back;
    exit_encode(&r, "r1-t1", bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (exit_decode(bytes, sizeof bytes, "r1-t1", &back))
            fail_msg("bit %zu was turned, and believed", bit);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t length = 0; length < sizeof bytes; length++)
        assert_false(exit_decode(bytes, length, "r1-t1", &back));
    assert_false(exit_decode(bytes, sizeof bytes, "r1-t2", &back)); /* another step's */
    /* Torn at any sector, byte or word: zeros behind it. */
    for (size_t kept = 0; kept < sizeof bytes; kept++) {
        uint8_t torn[EXIT_RECORD_SIZE] = {0};
        memcpy(torn, bytes, kept);
        if (memcmp(torn, bytes, sizeof torn) != 0)
            assert_false(exit_decode(torn, sizeof torn, "r1-t1", &back));
    }
}

static void contradictions_are_no_outcome(void **state)
{
    (void)state;
    static const struct {
        enum exec_how how;
        int status, signal;
    } bad[] = {
        {EXEC_EXITED, -1, 0}, {EXEC_EXITED, 256, 0},    {EXEC_EXITED, 0, 9},      {EXEC_SIGNALLED, -1, 0},
        {EXEC_VOID, -1, 0},   {EXEC_LOST, -1, 0},       {EXEC_SIGNALLED, 0, 9},   {EXEC_NOT_STARTED, 1, 0},
        {99, 0, 0},           {EXEC_SIGNALLED, -1, 65}, {EXEC_CANCELLED, -2, 15},
    };
    uint8_t bytes[EXIT_RECORD_SIZE];
    struct exit_record back;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct exit_record r = {.how = bad[i].how, .status = bad[i].status, .signal = bad[i].signal};
        exit_encode(&r, "k", bytes);
        if (exit_decode(bytes, sizeof bytes, "k", &back))
            fail_msg("row %zu was believed", i);
    }
}

static void fate_is_believed_only_when_clear(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum fate fate;
        int64_t wall_us;
    } rows[] = {
        {"", FATE_EMPTY, 0},
        {"started 1795343394514622\n", FATE_STARTED, 1795343394514622},
        {"void 1795343394514622\n", FATE_VOID, 1795343394514622},
        {"started 0\n", FATE_STARTED, 0},
        /* torn or damaged: it may have started */
        {"void", FATE_STARTED, 0},
        {"void ", FATE_STARTED, 0},
        {"void 17", FATE_STARTED, 0},
        {"void 17953x\n", FATE_STARTED, 0},
        {"void 17953\nmore", FATE_STARTED, 0},
        {"void -1\n", FATE_STARTED, 0},
        {"void 99999999999999999999999\n", FATE_STARTED, 0},
        {"star", FATE_STARTED, 0},
        {"started 12", FATE_STARTED, 0},
        {"garbage", FATE_STARTED, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t wall_us;
        enum fate fate = fate_decode(rows[i].text, strlen(rows[i].text), &wall_us);
        if (fate != rows[i].fate || wall_us != rows[i].wall_us)
            fail_msg("\"%s\" gave %d, %lld", rows[i].text, fate, (long long)wall_us);
    }
}

static void about_comes_back(void **state)
{
    (void)state;
    struct about a = {.key = "r1-t1", .limit_bytes = 268435456, .armed_wall_us = 1795343394514622}, back;
    struct str text = {0};
    struct err e;
    about_encode(&a, &text);
    assert_int_equal(about_decode(text.data, text.len, &back, &e), 0);
    assert_string_equal(back.key, "r1-t1");
    assert_int_equal(back.limit_bytes, a.limit_bytes);
    assert_int_equal(back.armed_wall_us, a.armed_wall_us);
    for (size_t length = 0; length < text.len; length++)
        assert_true(about_decode(text.data, length, &back, &e) < 0);
    str_add(&text, "x");
    assert_int_equal(about_decode(text.data, text.len, &back, &e), ERR_CORRUPT);
    str_fini(&text);
    const char *newer = "belay-spool 2\nwhatever comes\n";
    assert_int_equal(about_decode(newer, strlen(newer), &back, &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.msg, "version 2"));
}

static void keys_are_safe_names(void **state)
{
    (void)state;
    char longest[EXEC_KEY_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[EXEC_KEY_MAX + 1] = '\0';
    assert_false(key_valid(longest));
    longest[EXEC_KEY_MAX] = '\0';
    assert_true(key_valid(longest));
    assert_true(key_valid("r12-t7"));
    assert_true(key_valid("A.b_c-9"));
    static const char *const bad[] = {"",    ".",   "..",  ".hidden",  "-x",
                                      "a/b", "a b", "a\n", "\xc3\xa9", "a\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (key_valid(bad[i]))
            fail_msg("\"%s\" is no safe name", bad[i]);
}

static void frames_come_back(void **state)
{
    (void)state;
    uint8_t *frame = xmalloc(FRAME_MAX);
    static const size_t lengths[] = {1, 2, 100, FRAME_PAYLOAD_MAX - 1, FRAME_PAYLOAD_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        enum exec_stream stream;
        size_t payload;
        memset(frame + FRAME_HEAD, (int)i, lengths[i]);
        size_t size = frame_seal(frame, i % 2 ? EXEC_STDERR : EXEC_STDOUT, lengths[i]);
        assert_int_equal(size, FRAME_HEAD + lengths[i] + FRAME_TAIL);
        assert_int_equal(frame_open(frame, size, &stream, &payload), (ssize_t)size);
        assert_int_equal(payload, lengths[i]);
        assert_int_equal(stream, i % 2 ? EXEC_STDERR : EXEC_STDOUT);
        assert_int_equal(frame_open(frame, size - 1, &stream, &payload), 0);
    }
    free(frame);
}

static void every_bit_of_a_frame_counts(void **state)
{
    (void)state;
    uint8_t frame[FRAME_HEAD + 40 + FRAME_TAIL];
    enum exec_stream stream;
    size_t payload;
    memset(frame + FRAME_HEAD, 'x', 40);
    size_t size = frame_seal(frame, EXEC_STDOUT, 40);
    for (size_t bit = 0; bit < size * 8; bit++) {
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (frame_open(frame, size, &stream, &payload) > 0)
            fail_msg("bit %zu was turned, and believed", bit);
        frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void the_writer_stops_at_its_limit(void **state)
{
    (void)state;
    char path[] = "/tmp/belay-writer-XXXXXX", chunk[5000];
    int fd = mkostemp(path, O_CLOEXEC), fifo[2];
    struct writer *w = xmalloc(sizeof *w);
    memset(chunk, 'x', sizeof chunk);
    assert_int_equal(pipe2(fifo, O_CLOEXEC | O_NONBLOCK), 0);
    for (int64_t limit = 0; limit < 12000; limit += 97) {
        assert_int_equal(ftruncate(fd, 0), 0);
        writer_init(w, fd, 0, limit);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(write(fifo[1], chunk, sizeof chunk), sizeof chunk);
            assert_int_equal(writer_drain(w, fifo[0], EXEC_STDERR), FIFO_MORE);
            assert_int_equal(writer_drain(w, fifo[0], EXEC_STDERR), FIFO_EMPTY);
        }
        assert_true(lseek(fd, 0, SEEK_END) <= limit);
        assert_int_equal(lseek(fd, 0, SEEK_END), w->offset);
        assert_int_equal(w->seen[EXEC_STDERR], 15000);
        /* What is kept and what is dropped make up the whole; no room is wasted but for the frames. */
        int64_t frames = limit >= 25 ? (limit - 1) / 5024 + 1 : 0;
        assert_true(15000 - w->dropped[EXEC_STDERR] <= limit);
        assert_true(w->dropped[EXEC_STDERR] <= 15000 - (limit > 15072 ? 15000 : limit - 24 * (frames + 1)));
    }
    close(fifo[1]);
    assert_int_equal(writer_drain(w, fifo[0], EXEC_STDERR), FIFO_OVER);
    close(fifo[0]);
    close(fd);
    unlink(path);
    free(w);
}

static void exports_come_back(void **state)
{
    (void)state;
    char *given[] = {"A=1", "PATH=/bin", NULL};
    static const char dump[] =
        "A=1\0B=2\0PATH=/bin:/x\0_=/usr/bin/env\0SHLVL=2\0PWD=/\0BASH_FUNC_f%%=() { :; }\0"
        "C=\0D=a=b\n\xff\0no equals\0=x\0009X=1\0BELAY_RUN=7\0CUT=of";
    char **exports = exports_select(dump, sizeof dump - 1, given);
    struct str bytes = {0};
    exports_encode(exports, &bytes);
    strv_free(exports);
    exports = exports_decode(bytes.data, bytes.len);
    assert_non_null(exports);
    assert_int_equal(strv_count(exports), 4);
    assert_string_equal(exports[0], "B=2");
    assert_string_equal(exports[1], "PATH=/bin:/x");
    assert_string_equal(exports[2], "C=");
    assert_string_equal(exports[3], "D=a=b\n\xff");
    strv_free(exports);
    for (size_t length = 0; length < bytes.len; length++)
        assert_null(exports_decode(bytes.data, length));
    bytes.data[20] ^= 1;
    assert_null(exports_decode(bytes.data, bytes.len));
    str_fini(&bytes);
    exports = exports_select("", 0, given);
    assert_int_equal(strv_count(exports), 0);
    exports_encode(exports, &bytes);
    strv_free(exports);
    exports = exports_decode(bytes.data, bytes.len);
    assert_non_null(exports);
    strv_free(exports);
    str_fini(&bytes);
}

static void a_request_comes_back(void **state)
{
    (void)state;
    char *argv[] = {"bash", "-c", "", "a\nb", NULL}, *env[] = {"A=", "B=x", NULL}, cwd[] = "/tmp";
    struct request r = {.argv = argv,
                        .env = env,
                        .cwd = cwd,
                        .timeout_us = 1,
                        .grace_us = 2,
                        .limit_bytes = 3,
                        .capture_exports = true},
                   back;
    struct str bytes = {0};
    struct err e;
    request_encode(&r, &bytes);
    assert_int_equal(request_decode(bytes.data, bytes.len, &back, &e), 0);
    assert_int_equal(strv_count(back.argv), 4);
    assert_string_equal(back.argv[3], "a\nb");
    assert_string_equal(back.env[1], "B=x");
    assert_string_equal(back.cwd, "/tmp");
    assert_int_equal(back.timeout_us, 1);
    assert_int_equal(back.grace_us, 2);
    assert_int_equal(back.limit_bytes, 3);
    assert_true(back.capture_exports);
    request_fini(&back);
    for (size_t length = 0; length < bytes.len; length++)
        assert_int_equal(request_decode(bytes.data, length, &back, &e), ERR_CORRUPT);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(request_decode(bytes.data, bytes.len, &back, &e), ERR_CORRUPT);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    str_fini(&bytes);
}

static void the_environment_is_cleaned(void **state)
{
    (void)state;
    char *inherited[] = {
        "HOME=/h",     "PATH=/bin",          "BASH_ENV=x", "ENV=x",        "BASH_FUNC_ls%%=() { rm; }",
        "SHELLOPTS=x", "KUBECONFIG=/h/.k",   "PWD=/",      "LINES=24",     "NOTIFY_SOCKET=/run/x",
        "BELAY_RUN=9", "BELAYING=different", "broken",     "LISTEN_FDS=3", NULL};
    char *path[] = {"/first", "/second", NULL};
    char *env[] = {"HOME=/other", "BELAY_RUN=1", "X=", "X=2", NULL};
    char **made = environment_make(inherited, path, env);
    static const char *const expected[] = {"HOME=/other",      "PATH=/first:/second:/bin",
                                           "KUBECONFIG=/h/.k", "BELAYING=different",
                                           "BELAY_RUN=1",      "X=2"};
    assert_int_equal(strv_count(made), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(made[i], expected[i]);
    strv_free(made);
    made = environment_make(NULL, path, NULL);
    assert_int_equal(strv_count(made), 1);
    assert_string_equal(made[0], "PATH=/first:/second:/usr/local/bin:/usr/bin:/bin");
    strv_free(made);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(exit_comes_back),
        cmocka_unit_test(every_bit_of_exit_counts),
        cmocka_unit_test(contradictions_are_no_outcome),
        cmocka_unit_test(fate_is_believed_only_when_clear),
        cmocka_unit_test(about_comes_back),
        cmocka_unit_test(keys_are_safe_names),
        cmocka_unit_test(frames_come_back),
        cmocka_unit_test(every_bit_of_a_frame_counts),
        cmocka_unit_test(the_writer_stops_at_its_limit),
        cmocka_unit_test(exports_come_back),
        cmocka_unit_test(a_request_comes_back),
        cmocka_unit_test(the_environment_is_cleaned),
    };
    return cmocka_run_group_tests_name("execute.record", all, NULL, NULL);
}
