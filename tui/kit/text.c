#include "tui/kit/text.h"

#include <stdio.h>
#include <string.h>

#include "tui/kit/canvas.h"

static const struct {
    uint32_t code;
    char ascii;
} glyphs[] = {
#define X(name, code, ascii) {code, ascii},
    GLYPHS(X)
#undef X
};

/* Characters of prose whose ASCII form nobody mistakes for something else. */
static const struct {
    uint32_t code;
    char ascii;
} prose[] = {
    {0x00A0, ' '},  {0x2010, '-'},  {0x2011, '-'}, {0x2012, '-'}, {0x2014, '-'},
    {0x2018, '\''}, {0x2019, '\''}, {0x201C, '"'}, {0x201D, '"'}, {0x2022, '*'},
    {0x2032, '\''}, {0x2212, '-'},  {0x2190, '<'},
};

/* Blocks of sparklines and bars, by height or by width. */
static const char rising[] = "_.-=+*%#";

char text_ascii(uint32_t code)
{
    if (code < 0x80)
        return (char)code;
    if (code >= 0x2581 && code <= 0x2588)
        return rising[code - 0x2581];
    if (code >= 0x2589 && code <= 0x258F)
        return code <= 0x258C ? '#' : '.';
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].code == code)
            return glyphs[i].ascii;
    for (size_t i = 0; i < sizeof prose / sizeof *prose; i++)
        if (prose[i].code == code)
            return prose[i].ascii;
    return 0;
}

size_t text_piece(const char *bytes, size_t length, bool ascii, struct piece *p)
{
    memset(p, 0, sizeof *p);
    uint32_t code = 0;
    size_t used = utf8_decode(bytes, length, &code);
    if (used == 0)
        return 0;
    if (code == '\t' || code == '\n') {
        p->code[0] = ' ';
        p->width = 1;
        p->newline = code == '\n';
        return used;
    }
    if (used == 1 && (unsigned char)bytes[0] >= 0x80) {
        p->width = snprintf(p->spelling, sizeof p->spelling, "<0x%02X>", (unsigned char)bytes[0]);
        return used;
    }
    int width = utf8_width(code);
    if (width > 0 && ascii && code >= 0x80) {
        code = (unsigned char)text_ascii(code);
        width = code ? 1 : -1;
        if (!code)
            utf8_decode(bytes, length, &code);
    }
    if (width <= 0) { /* a combining character with nothing to stand on, too */
        p->width = snprintf(p->spelling, sizeof p->spelling, "<U+%04X>", code);
        return used;
    }
    p->code[0] = code;
    p->width = width;
    for (size_t marks = 1; marks < 3 && !ascii; marks++) {
        uint32_t mark;
        size_t more = utf8_decode(bytes + used, length - used, &mark);
        if (more == 0 || mark < 0x300 || utf8_width(mark) != 0)
            break;
        p->code[marks] = mark;
        used += more;
    }
    return used;
}
