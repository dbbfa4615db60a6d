#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/targets/exec_spool.h"

static char byte_at(uint64_t offset)
{
    return (char)(offset * 2654435761u >> 13);
}

static void add(struct exec_spool *s, size_t length)
{
    struct err e = {0};
    char *bytes = xmalloc(length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = byte_at(s->length + i);
    if (exec_spool_add(s, bytes, length, &e))
        fail_msg("%s", e.msg);
    free(bytes);
}

static void check(const struct exec_spool *s, struct rng *r)
{
    static char bytes[70000];
    for (uint64_t offset = 0; offset < s->length;) {
        ssize_t got = exec_spool_read(s, offset, bytes, 1 + rng_below(r, sizeof bytes));
        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++)
            if (bytes[i] != byte_at(offset + (uint64_t)i))
                fail_msg("byte %llu", (unsigned long long)offset + (unsigned long long)i);
        offset += (uint64_t)got;
    }
    assert_int_equal(exec_spool_read(s, s->length, bytes, 1), 0);
}

static void test_what_was_added_is_read_from_memory_and_from_a_file(void **state)
{
    (void)state;
    struct exec_spool s;
    struct rng r;
    rng_seed(&r, 7);
    exec_spool_init(&s, "output", 4 << 20);
    for (int round = 0; round < 3; round++) {
        check(&s, &r);
        while (s.length < 3 << 20) {
            bool memory = s.file < 0;
            add(&s, rng_below(&r, 100000));
            if (memory && rng_below(&r, 4) == 0)
                check(&s, &r);
        }
        assert_true(s.file >= 0 && s.memory.len == 0);
        check(&s, &r);
        exec_spool_clear(&s);
        assert_true(s.length == 0 && s.file < 0);
    }
    exec_spool_fini(&s);
}

static void test_above_the_limit_nothing_is_added(void **state)
{
    (void)state;
    struct exec_spool s;
    struct err e = {0};
    char bytes[100] = {0};
    exec_spool_init(&s, "output", 150);
    assert_int_equal(exec_spool_add(&s, bytes, 100, &e), 0);
    assert_int_equal(exec_spool_add(&s, bytes, 51, &e), ERR_FULL);
    assert_string_equal(e.msg, "the output is larger than 150 bytes, and can't be kept back: raise --spool");
    assert_int_equal(s.length, 100);
    assert_int_equal(exec_spool_add(&s, bytes, 50, &e), 0);
    exec_spool_fini(&s);
}

static void test_without_a_folder_memory_alone_works(void **state)
{
    (void)state;
    struct exec_spool s;
    struct err e = {0};
    struct rng r;
    rng_seed(&r, 8);
    setenv("TMPDIR", "/nonexistent", 1);
    exec_spool_init(&s, "output", 4 << 20);
    add(&s, EXEC_SPOOL_MEMORY);
    assert_true(exec_spool_add(&s, "x", 1, &e) < 0);
    assert_non_null(strstr(e.msg, "/nonexistent"));
    check(&s, &r);
    exec_spool_fini(&s);
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_read_from_memory_and_from_a_file),
        cmocka_unit_test(test_above_the_limit_nothing_is_added),
        cmocka_unit_test(test_without_a_folder_memory_alone_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
