/* What a program did to the terminal is known from what it wrote, however that is cut, and put right and set
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tui/kit/terminal_trace.h"

#define ALWAYS "\x1b(B\x1b[m"

static void after(const char *written, const char *undo, const char *redo)
{
    size_t length = strlen(written);
    for (size_t cut = 0; cut <= length; cut++) {
        struct terminal_trace t = {0};
        struct str out = {0};
        terminal_trace_add(&t, written, cut);
        terminal_trace_add(&t, written + cut, length - cut);
        terminal_trace_undo(&t, &out);
        assert_string_equal(str_text(&out), undo);
        str_clear(&out);
        terminal_trace_redo(&t, &out);
        assert_string_equal(str_text(&out), redo);
        str_fini(&out);
    }
}

static void test_modes(void **state)
{
    (void)state;
    after("plain text\r\n", ALWAYS, "");
    after("\x1b[?25l\x1b[?7l", ALWAYS "\x1b[?7h\x1b[?25h", "\x1b[?25l\x1b[?7l");
    after("\x1b[?25l..\x1b[?25h", ALWAYS, "");
    after("\x1b[?1049h\x1b[?1;1006;1000h\x1b=", ALWAYS "\x1b>\x1b[r\x1b[?1l\x1b[?1000l\x1b[?1006l\x1b[?1049l",
          "\x1b[?1049h\x1b[?1006h\x1b[?1000h\x1b[?1h\x1b=");
    after("\x1b[>1u\x1b[>5u\x1b[<u\x1b[>4;2m", ALWAYS "\x1b[<1u\x1b[>4;0m", "\x1b[>4;1m\x1b[>1u");
    after("\x1b[?2004h\x1b[>1u\x1b"
          "c",
          ALWAYS, ""); /* a full reset */
}

/* What looks like a mode and isn't. */
static void test_strings(void **state)
{
    (void)state;
    after("\x1b]0;[?25l\x07", ALWAYS, "");
    after("\x1bP[?25l\x1b\\", ALWAYS, "");
    after("\x1b[25l\x1b[>25l\x1b[?25m", ALWAYS, "");
    after("\x1b[?25\x1b[?2004h", ALWAYS "\x1b[?2004l", "\x1b[?2004h");
    after("\x1b[?99999999999999999999;25l", ALWAYS "\x1b[?25h", "\x1b[?25l");
    after("\x1b[?1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;25l", ALWAYS "\x1b[?7h", "\x1b[?7l");
}

static bool plain(const char *written)
{
    struct terminal_trace t = {0};
    terminal_trace_add(&t, written, strlen(written));
    return t.plain;
}

static void test_printed_outside_of_the_alternate_screen(void **state)
{
    (void)state;
    assert_true(plain("a"));
    assert_true(plain("\x1b[1mx"));
    assert_true(plain("\x1b[?1049h a \x1b[?1049l b"));
    assert_true(plain("\xc3\xa9"));
    assert_false(plain(""));
    assert_false(plain(" \r\n\t\x1b[2J\x1b[1;1H\x1b]0;title\x07\x1b(B"));
    assert_false(plain("\x1b[?1049h\x1b[2Jthe whole of vi\x1b[?1049l\r"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_printed_outside_of_the_alternate_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
