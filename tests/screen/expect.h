/* Expectations about a program in a pty; a failed one prints the screen. */
#ifndef BELAY_TEST_EXPECT_H
#define BELAY_TEST_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "tests/screen/pty.h"

#define EXPECT_MS 60000 /* as long as a busy machine may take */

#define fail_with_screen(p, ...)                                                                             \
    do {                                                                                                     \
        fprintf(stderr, "screen:\n%s\n", pty_screen(p));                                                     \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

#define expect_screen(p, pattern)                                                                            \
    do {                                                                                                     \
        if (!pty_wait(p, pattern, EXPECT_MS))                                                                \
            fail_with_screen(p, "never on the screen: %s", pattern);                                         \
    } while (0)

#define expect_gone(p, pattern)                                                                              \
    do {                                                                                                     \
        if (!pty_wait_gone(p, pattern, EXPECT_MS))                                                           \
            fail_with_screen(p, "still on the screen: %s", pattern);                                         \
    } while (0)

/* Esc as terminals with unambiguous keys send it: however slow the program reads, it makes no Alt of the
 * next. */
#define ESCAPE "\x1b[27u"

/* Types at a page that is to be confirmed: a word and Enter, or a single key. The console throws away what is
 * typed in the page's first half second, and shows what it has taken of a word: Enter follows when all of it
 * is there. A single key is typed again when the page says that it threw it away. */
static inline void type_confirmation(struct pty *p, const char *typed)
{
    size_t letters = strcspn(typed, "\r");
    bool is_word = typed[letters] != '\0';
    char *word = xasprintf("%.*s", (int)letters, typed), *taken = xasprintf("> %s$", word);
    int64_t end = clock_monotonic_us() + EXPECT_MS * US_PER_MS;
    bool done = false;
    for (bool again = false; !done && clock_monotonic_us() < end; again = true) {
        pty_run(p, 600);
        if (again && is_word)
            pty_type(p, "\x15");
        pty_type(p, word);
        done = is_word
                   ? pty_wait(p, taken, 1000)
                   : pty_wait_gone(p, "y +to (run|approve|go on)", 1000) || !pty_matches(p, "thrown away");
    }
    if (!done)
        fail_with_screen(p, "not taken: %s", word);
    if (is_word)
        pty_type(p, "\r");
    free(taken);
    free(word);
}

/* Somewhere in what was written, whether the screen still shows it or not. */
static inline void expect_bytes(struct pty *p, const char *text)
{
    int64_t end = clock_monotonic_us() + EXPECT_MS * US_PER_MS;
    size_t length;
    const char *bytes = pty_bytes(p, &length);
    while (!memmem(bytes, length, text, strlen(text)) && clock_monotonic_us() < end) {
        pty_run(p, 20);
        bytes = pty_bytes(p, &length);
    }
    if (!memmem(bytes, length, text, strlen(text)))
        fail_with_screen(p, "never written: %s", text);
}

#define expect_end(p, status)                                                                                \
    do {                                                                                                     \
        int seen_ = pty_wait_end(p, EXPECT_MS);                                                              \
        if (seen_ != (status))                                                                               \
            fail_with_screen(p, "ended with %d, wanted %d (-1: still runs)", seen_, status);                 \
    } while (0)

/* A mode that was set in what was written is reset after it. */
static inline bool mode_reset(struct pty *p, const char *set, const char *reset)
{
    size_t length;
    const char *bytes = pty_bytes(p, &length), *last_set = NULL, *last_reset = NULL, *at;
    for (at = bytes; (at = memmem(at, length - (size_t)(at - bytes), set, strlen(set))); at++)
        last_set = at;
    for (at = bytes; (at = memmem(at, length - (size_t)(at - bytes), reset, strlen(reset))); at++)
        last_reset = at;
    return !last_set || last_reset > last_set;
}

/* The tty and the screen are as they were before the program. */
static inline void expect_restored(struct pty *p)
{
    struct termios now, before;
    pty_modes(p, &now);
    pty_modes_before(p, &before);
    if (now.c_iflag != before.c_iflag || now.c_oflag != before.c_oflag || now.c_lflag != before.c_lflag ||
        now.c_cflag != before.c_cflag || memcmp(now.c_cc, before.c_cc, sizeof now.c_cc) != 0)
        fail_with_screen(p, "the modes of the tty are not restored");
    if (pty_alternate(p))
        fail_with_screen(p, "the alternate screen is still shown");
    if (!pty_cursor_shown(p))
        fail_with_screen(p, "the cursor is still hidden");
    if (!mode_reset(p, "\x1b[?1049h", "\x1b[?1049l"))
        fail_with_screen(p, "the bytes that leave the alternate screen are missing");
    if (!mode_reset(p, "\x1b[?25l", "\x1b[?25h"))
        fail_with_screen(p, "the bytes that show the cursor are missing");
    if (!mode_reset(p, "\x1b[?2004h", "\x1b[?2004l"))
        fail_with_screen(p, "bracketed paste is still on");
    if (!mode_reset(p, "\x1b[?1h", "\x1b[?1l"))
        fail_with_screen(p, "the cursor keys still send application codes");
}

#endif
