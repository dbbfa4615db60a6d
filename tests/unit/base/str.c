#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

static void test_an_empty_string_is_usable(void **state)
{
    (void)state;
    struct str s = {0};
    assert_string_equal(str_text(&s), "");
    str_clear(&s);
    str_remove_front(&s, 10);
    char *taken = str_take(&s);
    assert_string_equal(taken, "");
    free(taken);
    str_fini(&s);
}

/* Random operations against a plain buffer that is rebuilt each time. */
static void test_operations_agree_with_a_model(void **state)
{
    (void)state;
    struct rng r;
    uint64_t seed = rng_entropy();
    rng_seed(&r, seed);
    struct str s = {0};
    char model[70000];
    size_t len = 0;
    for (int step = 0; step < 5000; step++) {
        char piece[300];
        size_t n = rng_below(&r, sizeof piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = (char)rng_below(&r, 256);
        switch (rng_below(&r, 5)) {
        case 0:
            if (len + n > sizeof model)
                break;
            str_add_bytes(&s, piece, n);
            memcpy(model + len, piece, n);
            len += n;
            break;
        case 1:
            str_remove_front(&s, n);
            n = n < len ? n : len;
            memmove(model, model + n, len - n);
            len -= n;
            break;
        case 2:
            if (len + 40 > sizeof model)
                break;
            str_addf(&s, "%zu-%s", n, "x");
            len += (size_t)sprintf(model + len, "%zu-x", n);
            break;
        case 3:
            str_reserve(&s, n);
            break;
        default:
            if (rng_below(&r, 50) == 0) {
                str_clear(&s);
                len = 0;
            }
        }
        if (s.len != len || memcmp(str_text(&s), model, len) != 0 || str_text(&s)[len] != '\0')
            fail_msg("seed %llu step %d", (unsigned long long)seed, step);
    }
    str_fini(&s);
}

static void test_vectors_of_strings(void **state)
{
    (void)state;
    assert_null(strv_copy(NULL));
    strv_free(NULL);
    assert_int_equal(strv_count(NULL), 0);
    char **all = NULL;
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        strv_add(&all, text);
        /* A copy has no spare room: appending to it must make some. */
        char **copy = strv_copy(all);
        strv_add(&copy, "end");
        assert_int_equal(strv_count(copy), (size_t)i + 2);
        assert_string_equal(copy[i], text);
        strv_free(copy);
    }
    assert_int_equal(strv_count(all), 100);
    strv_free(all);
}

static void test_comparisons(void **state)
{
    (void)state;
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq("", NULL));
    assert_false(str_eq(NULL, ""));
    assert_true(str_eq("a", "a"));
    assert_true(str_starts("abc", ""));
    assert_true(str_starts("abc", "abc"));
    assert_false(str_starts("ab", "abc"));
    assert_true(str_ends("abc", "bc"));
    assert_true(str_ends("abc", ""));
    assert_false(str_ends("c", "bc"));
    char *whole = xstrndup("abc", 100), *part = xstrndup("abc", 2), *none = xstrdup(NULL);
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_null(none);
    free(whole);
    free(part);
}

static void test_vec(void **state)
{
    (void)state;
    VEC(struct {
        int a;
        char b[13];
    })
    v = {0};
    for (int i = 0; i < 1000; i++)
        vec_push(&v)->a = i;
    assert_int_equal(v.len, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(v.data[i].a, i);
        assert_int_equal(v.data[i].b[12], 0);
    }
    while (v.len > 1)
        vec_remove(&v, v.len / 2);
    assert_int_equal(v.data[0].a, 0);
    vec_remove(&v, 0);
    assert_int_equal(v.len, 0);
    vec_fini(&v);
    assert_null(v.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_string_is_usable),
        cmocka_unit_test(test_operations_agree_with_a_model),
        cmocka_unit_test(test_vectors_of_strings),
        cmocka_unit_test(test_comparisons),
        cmocka_unit_test(test_vec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
