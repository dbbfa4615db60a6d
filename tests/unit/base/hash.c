#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"

static void hex_is(const void *bytes, size_t length, const char *expected)
{
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256_bytes(bytes, length, digest);
    sha256_to_hex(digest, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-2, appendix B. */
static void test_the_standards_vectors(void **state)
{
    (void)state;
    hex_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hex_is(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hex_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hex_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_pieces_equal_the_whole_and_the_object_is_reusable(void **state)
{
    (void)state;
    uint8_t whole[SHA256_SIZE], pieces[SHA256_SIZE];
    const char *text = "intent before act";
    sha256_bytes(text, strlen(text), whole);
    struct sha256 *s = sha256_new();
    for (int round = 0; round < 3; round++) {
        for (const char *p = text; *p; p++)
            sha256_add(s, p, 1);
        sha256_finish(s, pieces);
        assert_memory_equal(whole, pieces, SHA256_SIZE);
    }
    sha256_free(s);
    sha256_free(NULL);
}

static void test_fields_can_not_be_shifted(void **state)
{
    (void)state;
    uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
    struct sha256 *s = sha256_new();
    sha256_add_field(s, "ab", 2);
    sha256_add_field(s, "c", 1);
    sha256_finish(s, a);
    sha256_add_field(s, "a", 1);
    sha256_add_field(s, "bc", 2);
    sha256_finish(s, b);
    assert_memory_not_equal(a, b, SHA256_SIZE);
    sha256_add_field(s, "", 0);
    sha256_finish(s, a);
    sha256_add(s, "\0\0\0\0\0\0\0\0", 8);
    sha256_finish(s, b);
    assert_memory_equal(a, b, SHA256_SIZE);
    sha256_free(s);
}

static void test_hexadecimal(void **state)
{
    (void)state;
    uint8_t digest[SHA256_SIZE], back[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    struct err e;
    sha256_bytes("x", 1, digest);
    sha256_to_hex(digest, hex);
    assert_int_equal(sha256_from_hex(hex, back, &e), 0);
    assert_memory_equal(digest, back, SHA256_SIZE);
    for (char *p = hex; *p; p++)
        *p = (char)(*p >= 'a' ? *p - 32 : *p);
    assert_int_equal(sha256_from_hex(hex, back, &e), 0);
    hex[63] = 'g';
    assert_int_equal(sha256_from_hex(hex, back, &e), ERR_SYNTAX);
    hex[63] = '\0';
    assert_int_equal(sha256_from_hex(hex, back, &e), ERR_SYNTAX);
    assert_int_equal(sha256_from_hex("", back, &e), ERR_SYNTAX);
}

/* Every single flipped bit, every cut and every byte of zeros appended changes the checksum. */
static void test_the_checksum_sees_torn_writes(void **state)
{
    (void)state;
    uint8_t record[65] = {0};
    struct rng r;
    rng_seed(&r, 3);
    for (size_t i = 0; i < 64; i++)
        record[i] = (uint8_t)rng_next(&r);
    uint64_t sum = checksum64(record, 64);
    for (size_t bit = 0; bit < 512; bit++) {
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(checksum64(record, 64) != sum);
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < 64; cut++)
        assert_true(checksum64(record, cut) != sum);
    assert_true(checksum64(record, 65) != sum);
    uint8_t zeros[16] = {0};
    for (size_t i = 1; i < 16; i++)
        assert_true(checksum64(zeros, i) != checksum64(zeros, i - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_standards_vectors),
        cmocka_unit_test(test_pieces_equal_the_whole_and_the_object_is_reusable),
        cmocka_unit_test(test_fields_can_not_be_shifted),
        cmocka_unit_test(test_hexadecimal),
        cmocka_unit_test(test_the_checksum_sees_torn_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
