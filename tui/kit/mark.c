#include "tui/kit/mark.h"

static const struct mark marks[] = {
    {"unknown", GLYPH_UNKNOWN, ROLE_UNKNOWN}, /* the first one stands for all that aren't here */
    {"ok", GLYPH_FULL, ROLE_OK},
    {"degraded", GLYPH_DEGRADED, ROLE_DEGRADED},
    {"down", GLYPH_DOWN, ROLE_DOWN},
    {"half-open", GLYPH_HALF, ROLE_DEGRADED},
    {"idle", GLYPH_EMPTY, ROLE_FAINT},
    /* steps of a run */
    {"pending", GLYPH_EMPTY, ROLE_FAINT},
    {"next", GLYPH_NEXT, ROLE_ACTIVE},
    {"armed", GLYPH_NEXT, ROLE_ACTIVE},
    {"waiting", GLYPH_NEXT, ROLE_ACTIVE},
    {"running", GLYPH_RUNNING, ROLE_ACTIVE},
    {"done", GLYPH_OK, ROLE_OK},
    {"passed", GLYPH_OK, ROLE_OK},
    {"warn", GLYPH_DEGRADED, ROLE_DEGRADED},
    {"failed", GLYPH_DOWN, ROLE_DOWN},
    {"no", GLYPH_DOWN, ROLE_DEGRADED}, /* a check's answer */
    {"timed-out", GLYPH_DOWN, ROLE_DOWN},
    {"cancelled", GLYPH_DOWN, ROLE_DEGRADED},
    {"skipped", GLYPH_DASH, ROLE_FAINT},
    {"stopped", GLYPH_DASH, ROLE_DEGRADED},
    /* incidents, lines of the timeline */
    {"open", GLYPH_DOWN, ROLE_DOWN},
    {"mitigated", GLYPH_DEGRADED, ROLE_DEGRADED},
    {"resolved", GLYPH_OK, ROLE_OK},
    {"reviewed", GLYPH_OK, ROLE_OK},
    {"closed", GLYPH_OK, ROLE_FAINT},
    {"good", GLYPH_OK, ROLE_OK},
    {"bad", GLYPH_DOWN, ROLE_DOWN},
    {"info", GLYPH_DOT, ROLE_TEXT},
    {"detail", GLYPH_DOT, ROLE_FAINT},
};

const struct mark *mark_find(const char *word)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (str_eq(marks[i].word, word)) {
            return &marks[i];
        }
    }
    return &marks[0];
}
