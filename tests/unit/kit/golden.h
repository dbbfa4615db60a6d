/* Comparing a canvas with a text file in tests/unit/kit/goldens. BELAY_GOLDENS=write in the environment
 * writes the files instead; read the difference before committing it. */
#ifndef BELAY_TEST_GOLDEN_H
#define BELAY_TEST_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/kit/canvas.h"

static inline void golden_check(const struct canvas *c, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/unit/kit/goldens/%s.txt", SOURCE_DIR, name);
    struct str seen = {0}, wanted = {0};
    struct err e = {0};
    canvas_dump(c, &seen, true);
    const char *write = getenv("BELAY_GOLDENS");
    if (write && strcmp(write, "write") == 0)
        assert_int_equal(file_write_atomic(path, seen.data, seen.len, 0644, &e), 0);
    if (file_read(path, 1 << 20, &wanted, &e) < 0)
        fail_msg("%s: %s\nseen:\n%s", path, e.msg, str_text(&seen));
    if (strcmp(str_text(&seen), str_text(&wanted)) != 0)
        fail_msg("%s differs\nwanted:\n%s\nseen:\n%s", name, str_text(&wanted), str_text(&seen));
    str_fini(&seen);
    str_fini(&wanted);
}

#endif
