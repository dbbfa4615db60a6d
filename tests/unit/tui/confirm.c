/* The guards of a confirmation: Enter alone never confirms, early keys and pastes are thrown away, an old
 * page is disarmed, and it confirms once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "tui/confirm.h"

#define SHOWN (100 * US_PER_S)
#define READY (SHOWN + CONFIRM_SETTLE_US)

static enum confirm_answer press(struct confirm *c, uint32_t code, const char *command, int64_t at_us)
{
    struct key key = {.code = code, .at_us = at_us};
    return confirm_key(c, &key, command, at_us);
}

static enum confirm_answer type_word(struct confirm *c, const char *word, int64_t at_us)
{
    enum confirm_answer answer = CONFIRM_IGNORED;
    for (; *word != '\0'; word++) {
        answer = press(c, (uint32_t)*word, NULL, at_us);
    }
    return answer;
}

static enum confirm_answer enter(struct confirm *c, int64_t at_us)
{
    return press(c, SYM_ENTER, "confirm-accept", at_us);
}

static struct confirm shown(const char *word, bool single_key)
{
    struct confirm c;
    confirm_init(&c, word, single_key);
    confirm_shown(&c, SHOWN, false);
    return c;
}

static void test_word(void **state)
{
    (void)state;
    struct confirm c = shown("shard-5", false);
    assert_int_equal(type_word(&c, "shard-5", READY), CONFIRM_CHANGED);
    assert_int_equal(enter(&c, READY), CONFIRM_GO);
    assert_int_equal(enter(&c, READY), CONFIRM_IGNORED); /* once */
    assert_int_equal(type_word(&c, "shard-5", READY), CONFIRM_IGNORED);
}

static void test_wrong_words(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",         "y",       "yes",      "shard-",
                                        "shard-55", "Shard-5", " shard-5", "shard-5 "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct confirm c = shown("shard-5", false);
        type_word(&c, wrong[i], READY);
        assert_int_equal(enter(&c, READY), CONFIRM_MISMATCH);
        assert_string_equal(c.typed,
                            ""); /* begun anew, so that what was wrong can't be completed by chance */
        type_word(&c, "shard-5", READY);
        assert_int_equal(enter(&c, READY), CONFIRM_GO);
    }
}

static void test_single_key(void **state)
{
    (void)state;
    struct confirm c = shown("y", true);
    assert_int_equal(enter(&c, READY), CONFIRM_MISMATCH);
    assert_int_equal(press(&c, 'Y', NULL, READY), CONFIRM_MISMATCH);
    assert_int_equal(press(&c, 'n', NULL, READY), CONFIRM_MISMATCH);
    assert_int_equal(press(&c, 'y', NULL, READY), CONFIRM_GO);
    assert_int_equal(press(&c, 'y', NULL, READY), CONFIRM_IGNORED);
}

static void test_enter_never_confirms(void **state)
{
    (void)state;
    static const char *const words[] = {"y", "yes", "shard-5", ""};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int single = 0; single < 2; single++) {
            struct confirm c = shown(words[i], single != 0);
            for (int k = 0; k < 1000; k++) {
                assert_int_not_equal(enter(&c, READY + k * 10000), CONFIRM_GO);
            }
        }
    }
}

static void test_no_word_confirms_nothing(void **state)
{
    (void)state;
    char huge[CONFIRM_TYPED_MAX + 10];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    struct confirm c = shown(huge, false);
    type_word(&c, huge, READY);
    assert_int_equal(enter(&c, READY), CONFIRM_MISMATCH);
}

static void test_early_keys(void **state)
{
    (void)state;
    struct confirm c;
    confirm_init(&c, "y", true);
    assert_int_equal(press(&c, 'y', NULL, SHOWN), CONFIRM_TOO_EARLY); /* not on the screen yet */
    confirm_shown(&c, SHOWN, false);
    confirm_shown(&c, SHOWN - US_PER_S, false); /* only the first frame counts */
    assert_int_equal(press(&c, 'y', NULL, READY - 1), CONFIRM_TOO_EARLY);
    /* Typed early, read late by a loop that was busy: its own time counts. */
    struct key key = {.code = 'y', .at_us = READY - 1};
    assert_int_equal(confirm_key(&c, &key, NULL, READY + US_PER_S), CONFIRM_TOO_EARLY);
    assert_int_equal(press(&c, 'y', NULL, READY), CONFIRM_GO);
    /* What was typed early is not part of the word. */
    c = shown("yes", false);
    type_word(&c, "ye", READY - 1);
    type_word(&c, "s", READY);
    assert_int_equal(enter(&c, READY), CONFIRM_MISMATCH);
}

static void test_shown_again(void **state)
{
    (void)state;
    struct confirm c = shown("y", true);
    int64_t again = SHOWN + 10 * US_PER_S;
    confirm_shown(&c, again, true); /* a help page was over it */
    assert_int_equal(press(&c, 'y', NULL, again + CONFIRM_SETTLE_US - 1), CONFIRM_TOO_EARLY);
    assert_true(confirm_disarmed(&c, SHOWN + CONFIRM_LIFE_US)); /* and not a half second later */
    assert_int_equal(press(&c, 'y', NULL, again + CONFIRM_SETTLE_US), CONFIRM_GO);
}

static void test_away(void **state)
{
    (void)state;
    const int64_t again = READY + 10 * US_PER_S;
    struct confirm c = shown("yes", false);
    confirm_away(&c);
    type_word(&c, "yes", again);
    assert_int_equal(c.length, 0);
    confirm_shown(&c, again, false);
    type_word(&c, "yes", again + CONFIRM_SETTLE_US);
    assert_int_equal(c.length, 0);
    confirm_shown(&c, again, true);
    type_word(&c, "yes", again + CONFIRM_SETTLE_US - 1);
    assert_int_equal(c.length, 0);
    type_word(&c, "yes", again + CONFIRM_SETTLE_US);
    assert_string_equal(c.typed, "yes");
}

static void test_paste(void **state)
{
    (void)state;
    struct confirm c = shown("yes", false);
    struct key paste = {.code = SYM_PASTE, .at_us = READY, .text = "yes", .length = 3};
    assert_int_equal(confirm_key(&c, &paste, NULL, READY), CONFIRM_PASTE_REFUSED);
    assert_int_equal(enter(&c, READY), CONFIRM_MISMATCH);
}

static void test_disarm(void **state)
{
    (void)state;
    struct confirm c = shown("y", true);
    const int64_t end = SHOWN + CONFIRM_LIFE_US;
    assert_false(confirm_disarmed(&c, end - 1));
    assert_true(confirm_disarmed(&c, end));
    assert_int_equal(press(&c, 'y', NULL, end), CONFIRM_OVER);
    assert_false(c.done);
    c = shown("y", true);
    assert_int_equal(press(&c, 'y', NULL, end - 1), CONFIRM_GO);
    confirm_init(&c, "y", true);
    assert_false(confirm_disarmed(&c, INT64_MAX));
}

static void test_editing(void **state)
{
    (void)state;
    struct confirm c = shown("yes", false);
    type_word(&c, "yex", READY);
    assert_int_equal(press(&c, SYM_BACKSPACE, "confirm-erase", READY), CONFIRM_CHANGED);
    assert_string_equal(c.typed, "ye");
    press(&c, 0x4e2d, NULL, READY); /* three bytes, erased as one */
    press(&c, SYM_BACKSPACE, "confirm-erase", READY);
    assert_string_equal(c.typed, "ye");
    press(&c, 'u', "confirm-clear", READY);
    assert_string_equal(c.typed, "");
    press(&c, SYM_BACKSPACE, "confirm-erase", READY);
    for (int i = 0; i < 2 * CONFIRM_TYPED_MAX; i++) {
        press(&c, 'a', NULL, READY);
    }
    assert_true(c.length < sizeof c.typed);
    struct key up = {.code = SYM_UP, .at_us = READY};
    assert_int_equal(confirm_key(&c, &up, "up", READY), CONFIRM_IGNORED);
    struct key control = {.code = 'y', .modifiers = MOD_CONTROL, .at_us = READY};
    assert_int_equal(confirm_key(&c, &control, NULL, READY), CONFIRM_IGNORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_word),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_single_key),
        cmocka_unit_test(test_enter_never_confirms),
        cmocka_unit_test(test_no_word_confirms_nothing),
        cmocka_unit_test(test_early_keys),
        cmocka_unit_test(test_shown_again),
        cmocka_unit_test(test_away),
        cmocka_unit_test(test_paste),
        cmocka_unit_test(test_disarm),
        cmocka_unit_test(test_editing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
