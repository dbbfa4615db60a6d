#include "engine/io/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base.h"

#define PATIENCE_US (60 * US_PER_S)

struct asked {
    int done;
    struct lookup_result result;
};

static void on_done(void *data, const struct lookup_result *result)
{
    struct asked *a = data;
    a->done++;
    a->result = *result;
}

static void never(void *data, const struct lookup_result *result)
{
    (void)data;
    (void)result;
    fail_msg("told after it was dropped");
}

static void turn_until_done(struct loop *l, const struct asked *a)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (!a->done) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(l, 100 * US_PER_MS);
    }
}

static void names_become_addresses_or_a_reason(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    struct asked a = {0}, b = {0};
    lookup_start(l, "localhost", on_done, &a);
    assert_int_equal(a.done, 0);
    turn_until_done(l, &a);
    assert_int_equal(a.result.error.code, 0);
    assert_true(a.result.count > 0);
    for (size_t i = 0; i < a.result.count; i++)
        assert_true(lookup_is_address(a.result.addresses[i]));
    lookup_start(l, "no-such-host.invalid", on_done, &b);
    turn_until_done(l, &b);
    assert_int_equal(b.result.error.code, ERR_NOT_FOUND);
    assert_int_equal(b.result.count, 0);
    assert_non_null(strstr(b.result.error.msg, "no-such-host.invalid"));
    loop_free(l);
}

static void addresses_are_told_from_names(void **state)
{
    (void)state;
    assert_true(lookup_is_address("127.0.0.1"));
    assert_true(lookup_is_address("::1"));
    assert_false(lookup_is_address("localhost"));
    assert_false(lookup_is_address("127.1"));
    assert_false(lookup_is_address(""));
}

static void dropped_ones_say_nothing(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    for (int i = 0; i < 50; i++) {
        struct asked a = {0};
        struct lookup *k = lookup_start(l, i % 2 ? "localhost" : "no-such-host.invalid", never, NULL);
        if (i % 3)
            usleep((unsigned)(i * 20)); /* now and then the answer has been posted by then */
        lookup_drop(k);
        lookup_start(l, "localhost", on_done, &a); /* when it is done, what was posted before it has run */
        turn_until_done(l, &a);
    }
    lookup_drop(NULL);
    int64_t end = clock_monotonic_us() + US_PER_S / 5;
    while (clock_monotonic_us() < end)
        loop_run_once(l, 10 * US_PER_MS);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_addresses_or_a_reason),
        cmocka_unit_test(addresses_are_told_from_names),
        cmocka_unit_test(dropped_ones_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
