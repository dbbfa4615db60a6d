#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/kit/input.h"

static struct input *open_input(void)
{
    struct err e = {0};
    struct input *in = input_new("xterm-256color", &e);
    if (!in)
        fail_msg("%s", e.msg);
    return in;
}

/* The names of all keys that are waiting, "Up a Paste(xyz)". */
static void names(struct input *in, struct str *out)
{
    struct key key;
    char name[KEY_NAME_SIZE];
    while (input_next(in, &key)) {
        key_format(&key, name);
        str_addf(out, "%s%s", out->len ? " " : "", name);
        if (key.code == SYM_PASTE) {
            assert_int_equal(key.text[key.length], '\0');
            str_addf(out, "(%s)", key.text);
        }
    }
}

static void expect(const char *bytes, size_t length, const char *wanted)
{
    /* In one piece, in single bytes, and cut in two at every place: always the same keys. */
    for (size_t cut = 0; cut <= length + 1; cut++) {
        struct input *in = open_input();
        struct str seen = {0};
        if (cut > length) {
            for (size_t i = 0; i < length; i++) {
                input_push(in, bytes + i, 1, 1000);
                names(in, &seen);
            }
        } else {
            input_push(in, bytes, cut, 1000);
            input_push(in, bytes + cut, length - cut, 2000);
            names(in, &seen);
        }
        if (strcmp(str_text(&seen), wanted) != 0)
            fail_msg("cut at %zu of %zu: wanted \"%s\", seen \"%s\"", cut, length, wanted, str_text(&seen));
        str_fini(&seen);
        input_free(in);
    }
}

#define EXPECT(bytes, wanted) expect(bytes, sizeof(bytes) - 1, wanted)

static void test_keys(void **state)
{
    (void)state;
    EXPECT("a?Z ", "a ? Z Space");
    EXPECT("\r\t\x7f\x08\x0c\x03", "Enter Tab Backspace Backspace Ctrl-L Ctrl-C");
    EXPECT("\x1b[A\x1b[B\x1bOC\x1bOD", "Up Down Right Left");
    EXPECT("\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~", "PgUp PgDn Home End Home End");
    EXPECT("\x1bOP\x1b[15~\x1b[24~\x1b[[A\x1b[[E", "F1 F5 F12 F1 F5");
    EXPECT("\x1b[1;5C\x1b[Z\x1bx\x1b\r", "Ctrl-Right Shift-Tab Alt-x Alt-Enter");
    EXPECT("\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x94\xA5", "\xC3\xA9 \xE6\xBC\xA2 \xF0\x9F\x94\xA5");
    EXPECT("\x1b\xC3\xA9", "Alt-\xC3\xA9");
    EXPECT("\x1b\x1b[A", "Esc Up");
    EXPECT("\0", "Ctrl-Space");
}

static void test_what_is_no_key_is_swallowed(void **state)
{
    (void)state;
    EXPECT("\x1b]11;rgb:0000/0000/0000\x07x", "x");
    EXPECT("\x1b]52;c;ZXZpbA==\x1b\\x", "x");
    EXPECT("\x1bP1$r0m\x1b\\x", "x");
    EXPECT("\x1b_Gi=1;OK\x1b\\\x1b^priv\x1b\\\x1bXsos\x1b\\x", "x");
    EXPECT("\x1b[<0;10;20M\x1b[<0;10;20mx", "x");
    EXPECT("\x1b[M !!x", "x");
    EXPECT("\x1b[?1;2c\x1b[>0;95;0c\x1b[5n\x1b[?2026;2$y\x1b[I\x1b[Ox", "x");
    EXPECT("\x1b[8;24;80tx", "x");
    EXPECT("\x1b[999999999999999999~x", "x"); /* libtermkey 0.22 dies of it */
    EXPECT("\x1b[ Ax", "x");                  /* and of this */
    EXPECT("\x1b[~\x1b[;5~\x1b[u\x1b[;;u\x1b[27~\x1b[027;5~x", "x");
    EXPECT("\x1b[1;2;3;4;5;6;7;8;9Ax", "x");
    EXPECT("\x1b[0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0Ax", "x");
    EXPECT("\x1bO5;5Px", "x");
    EXPECT("\x80\x9b\xff\xc0x", "x");
    EXPECT("\xe2\x28\xa1x", "( x"); /* a broken character goes, what follows stays */
    EXPECT("\xed\xa0\x80x", "x");   /* a surrogate */
    EXPECT("\xc2\x9bx", "x");       /* C1 as a character */
    EXPECT("\xe2\x80\xaex", "x");   /* right-to-left override */
    EXPECT("\x1b[201~x", "x");
}

static void test_controls_break_sequences(void **state)
{
    (void)state;
    EXPECT("\x1b[1;\rx", "Enter x");
    EXPECT("\x1bO\x03", "Ctrl-C");
    EXPECT("\x1b]0;never ends\rq", "Enter q");
    EXPECT("\x1b]0;never ends\x1b[A", "Up");
    EXPECT("\x1b[1\x1b[A", "Up");
    EXPECT("\x1b[[\x03", "Ctrl-C");
}

static void test_paste(void **state)
{
    (void)state;
    EXPECT("\x1b[200~hello\nworld\x1b[201~x", "Paste(hello\nworld) x");
    EXPECT("\x1b[200~\x1b[201~", "Paste()");
    EXPECT("\x1b[200~q\x1b[A\x03\x1b[200~\x1b\x1b[201~", "Paste(q\x1b[A\x03\x1b[200~\x1b)");
    EXPECT("\x1b[200~\x1b[201\x1b[201~y", "Paste(\x1b[201) y");
    EXPECT("\x1b[200~y\r\xC3\x1b[201~", "Paste(y\r\xC3)");
}

static void test_paste_is_bounded(void **state)
{
    (void)state;
    struct input *in = open_input();
    struct key key;
    char block[4096];
    memset(block, 'p', sizeof block);
    input_push(in, "\x1b[200~", 6, 1);
    for (int i = 0; i < 100; i++)
        input_push(in, block, sizeof block, 1);
    assert_false(input_next(in, &key));
    input_push(in, "\x1b[201~z", 7, 1);
    assert_true(input_next(in, &key));
    assert_int_equal(key.code, SYM_PASTE);
    assert_true(key.truncated);
    assert_true(key.length <= INPUT_PASTE_MAX);
    assert_true(input_next(in, &key));
    assert_int_equal(key.code, 'z');
    /* Pastes that nobody takes don't pile up. */
    for (int i = 0; i < 1000; i++)
        input_push(in, "\x1b[200~x\x1b[201~", 13, 1);
    size_t count = 0;
    while (input_next(in, &key))
        count++;
    assert_true(count > 0 && count < 10);
    /* Nor do keys. */
    for (int i = 0; i < 100; i++)
        input_push(in, block, sizeof block, 1);
    count = 0;
    while (input_next(in, &key))
        count++;
    assert_int_equal(count, 1024);
    input_free(in);
}

static void test_escape_takes_25_ms(void **state)
{
    (void)state;
    struct input *in = open_input();
    struct str seen = {0};
    assert_int_equal(input_deadline(in), -1);
    input_push(in, "\x1b", 1, 1000000);
    assert_int_equal(input_deadline(in), 1025000);
    input_timeout(in, 1024999);
    names(in, &seen);
    assert_string_equal(str_text(&seen), "");
    input_timeout(in, 1025000);
    names(in, &seen);
    assert_string_equal(str_text(&seen), "Esc");
    assert_int_equal(input_deadline(in), -1);
    str_clear(&seen);
    /* The rest of an arrow that comes in time makes an arrow. */
    input_push(in, "\x1b", 1, 2000000);
    input_push(in, "[", 1, 2024000);
    assert_true(input_deadline(in) > 2049000); /* no lone Esc any more: a half sequence may wait longer */
    input_push(in, "A", 1, 2100000);
    names(in, &seen);
    assert_string_equal(str_text(&seen), "Up");
    str_fini(&seen);
    input_free(in);
}

static void expect_after_timeout(const char *bytes, const char *wanted)
{
    struct input *in = open_input();
    struct str seen = {0};
    input_push(in, bytes, strlen(bytes), 1000);
    int64_t deadline = input_deadline(in);
    assert_true(deadline > 1000 && deadline <= 1000 + 2 * US_PER_S);
    input_timeout(in, deadline);
    assert_int_equal(input_deadline(in), -1);
    input_push(in, "x", 1, deadline);
    names(in, &seen);
    assert_string_equal(str_text(&seen), wanted);
    str_fini(&seen);
    input_free(in);
}

static void test_half_sequences_end(void **state)
{
    (void)state;
    expect_after_timeout("\x1b", "Esc x");
    expect_after_timeout("\x1b[", "Alt-[ x");
    expect_after_timeout("\x1bO", "Alt-O x");
    expect_after_timeout("\x1b]", "Alt-] x");
    expect_after_timeout("\x1bP", "Alt-P x");
    expect_after_timeout("\x1b[1;", "x");
    expect_after_timeout("\x1b]0;title", "x");
    expect_after_timeout("\x1b]0;title\x1b", "Esc x");
    expect_after_timeout("\xe2\x80", "x");
    expect_after_timeout("\x1b\xe2\x80", "x");
    expect_after_timeout("\x1b[M!", "x");
    expect_after_timeout("\x1b[[", "x");
    expect_after_timeout("\x1b[200~half", "Paste(half) x");
}

static void test_discard(void **state)
{
    (void)state;
    struct input *in = open_input();
    struct key key;
    input_push(in, "yyy\x1b[200~paste\x1b[201~\x1b[200~half", 29, 1);
    input_discard(in);
    assert_false(input_next(in, &key));
    assert_int_equal(input_deadline(in), -1);
    input_push(in, "n", 1, 5);
    assert_true(input_next(in, &key));
    assert_int_equal(key.code, 'n');
    assert_int_equal(key.at_us, 5);
    input_free(in);
}

/* Random bytes, pieces of sequences among them: the same keys however they are cut, never a key that is not
 * printable, and always an end. */
static void test_noise(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "\x1b",     "[", "O", "]", "P",  "200~", "201~", ";", "1", "999", "\xe2", "\x80", "\xae",
        "\xf0\x9f", "M", "~", "A", "\r", "\x07", "\\",   "<", "?", "$",   "x",    "\x9b"};
    struct rng rng;
    rng_seed(&rng, 99);
    for (int round = 0; round < 400; round++) {
        struct str bytes = {0}, whole = {0}, split = {0};
        for (uint64_t i = rng_below(&rng, 40); i > 0; i--)
            str_add(&bytes, pieces[rng_below(&rng, sizeof pieces / sizeof *pieces)]);
        struct input *a = open_input(), *b = open_input();
        input_push(a, str_text(&bytes), bytes.len, 1);
        input_timeout(a, 10 * US_PER_S);
        names(a, &whole);
        for (size_t i = 0; i < bytes.len; i++)
            input_push(b, bytes.data + i, 1, 1);
        input_timeout(b, 10 * US_PER_S);
        names(b, &split);
        assert_string_equal(str_text(&whole), str_text(&split));
        assert_int_equal(input_deadline(a), -1);
        input_free(a);
        input_free(b);
        str_fini(&bytes);
        str_fini(&whole);
        str_fini(&split);
    }
}

static void test_terminals(void **state)
{
    (void)state;
    static const char *const terms[] = {"linux", "screen", "tmux-256color",
                                        "vt100", "rxvt",   "no-such-terminal"};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        struct err e = {0};
        struct input *in = input_new(terms[i], &e);
        struct str seen = {0};
        assert_non_null(in);
        input_push(in, "\x1b[A\x1bOB\x1b[5~q", 11, 1);
        names(in, &seen);
        assert_string_equal(str_text(&seen), "Up Down PgUp q");
        str_fini(&seen);
        input_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_is_no_key_is_swallowed),
        cmocka_unit_test(test_controls_break_sequences),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_paste_is_bounded),
        cmocka_unit_test(test_escape_takes_25_ms),
        cmocka_unit_test(test_half_sequences_end),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_terminals),
    };
    return cmocka_run_group_tests_name("input", tests, NULL, NULL);
}
