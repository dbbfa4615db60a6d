#include "engine/base/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* Length of the well-formed sequence at bytes (RFC 3629, table in section 4), 0 when it is not one. */
static size_t sequence(const unsigned char *b, size_t length)
{
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xC2 || b[0] > 0xF4)
        return 0;
    size_t wanted = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (length < wanted)
        return 0;
    unsigned char low = 0x80, high = 0xBF;
    if (b[0] == 0xE0)
        low = 0xA0; /* overlong */
    else if (b[0] == 0xED)
        high = 0x9F; /* surrogates */
    else if (b[0] == 0xF0)
        low = 0x90;
    else if (b[0] == 0xF4)
        high = 0x8F; /* above U+10FFFF */
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < wanted; i++)
        if ((b[i] & 0xC0) != 0x80)
            return 0;
    return wanted;
}

bool utf8_valid(const char *bytes, size_t length, size_t *offset)
{
    const unsigned char *b = (const unsigned char *)bytes;
    for (size_t i = 0; i < length;) {
        /* ASCII, eight bytes at a time: bodies of megabytes pass here. */
        uint64_t word;
        while (i + 8 <= length && (memcpy(&word, b + i, 8), (word & 0x8080808080808080ULL) == 0))
            i += 8;
        if (i == length)
            break;
        size_t used = sequence(b + i, length - i);
        if (used == 0) {
            if (offset)
                *offset = i;
            return false;
        }
        i += used;
    }
    return true;
}

size_t utf8_decode(const char *bytes, size_t length, uint32_t *code_point)
{
    const unsigned char *b = (const unsigned char *)bytes;
    if (length == 0)
        return 0;
    size_t used = sequence(b, length);
    switch (used) {
    case 1:
        *code_point = b[0];
        return 1;
    case 2:
        *code_point = (uint32_t)(b[0] & 0x1F) << 6 | (b[1] & 0x3F);
        return 2;
    case 3:
        *code_point = (uint32_t)(b[0] & 0x0F) << 12 | (uint32_t)(b[1] & 0x3F) << 6 | (b[2] & 0x3F);
        return 3;
    case 4:
        *code_point = (uint32_t)(b[0] & 0x07) << 18 | (uint32_t)(b[1] & 0x3F) << 12 |
                      (uint32_t)(b[2] & 0x3F) << 6 | (b[3] & 0x3F);
        return 4;
    default:
        *code_point = 0xFFFD;
        return 1;
    }
}

size_t utf8_encode(uint32_t c, char bytes[static 4])
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = 0xFFFD;
    if (c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        bytes[0] = (char)(0xC0 | c >> 6);
        bytes[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        bytes[0] = (char)(0xE0 | c >> 12);
        bytes[1] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | c >> 18);
    bytes[1] = (char)(0x80 | (c >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (c >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Characters that change how others are shown, or show as nothing: Unicode's Cf, Zl, Zp, the fillers that
 * look like blanks, private and unassigned planes' noncharacters. Sorted. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x001F},       {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x0600, 0x0605},
    {0x061C, 0x061C},       {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},   {0x08E2, 0x08E2},
    {0x115F, 0x1160},       {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},       {0x3164, 0x3164},   {0xD800, 0xDFFF},   {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},       {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
    {0x13430, 0x1343F},     {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0x1FFFE, 0x1FFFF}, {0x2FFFE, 0x2FFFF},
    {0x3FFFE, 0x3FFFF},     {0x4FFFE, 0xDFFFF}, {0xE0000, 0xE0FFF}, {0xEFFFE, 0xEFFFF}, {0xFFFFE, 0xFFFFF},
    {0x10FFFE, 0xFFFFFFFF},
};

static bool is_hidden(uint32_t c)
{
    size_t low = 0, high = sizeof hidden / sizeof *hidden;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > hidden[middle].last)
            low = middle + 1;
        else if (c < hidden[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

static locale_t utf8_locale;

static void utf8_locale_make(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* glibc's own table (Unicode's East Asian Width), by a locale that is part of glibc and no package. Lives as
 * long as the process: threads may be using it at exit. */
static int table_width(uint32_t c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, utf8_locale_make);
    if (!utf8_locale)
        return 1;
    locale_t before = uselocale(utf8_locale);
    int width = wcwidth((wchar_t)c);
    uselocale(before);
    return width < 0 ? 1 : width; /* unassigned in this glibc's Unicode: a terminal draws one box */
}

int utf8_width(uint32_t c)
{
    if (c >= 0x20 && c < 0x7F)
        return 1;
    if (is_hidden(c))
        return -1;
    if (c < 0x300)
        return 1;
    return table_width(c);
}

/* "<U+202E>": of binary output it is most of the work, and printf takes ten times as long. */
static void add_hex(struct str *out, const char *head, uint32_t value, int digits)
{
    char text[16];
    size_t length = strlen(head);
    memcpy(text, head, length);
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        text[length++] = "0123456789ABCDEF"[value >> shift & 15];
    text[length++] = '>';
    str_add_bytes(out, text, length);
}

void utf8_clean(struct str *out, const char *bytes, size_t length, bool keep_lines)
{
    for (size_t i = 0; i < length;) {
        unsigned char b = (unsigned char)bytes[i];
        if (b >= 0x20 && b < 0x7F) {
            size_t run = i + 1;
            while (run < length && (unsigned char)bytes[run] >= 0x20 && (unsigned char)bytes[run] < 0x7F)
                run++;
            str_add_bytes(out, bytes + i, run - i);
            i = run;
            continue;
        }
        if (b == '\t' || b == '\n') {
            str_add_char(out, keep_lines ? (char)b : ' ');
            i++;
            continue;
        }
        uint32_t c;
        size_t used = utf8_decode(bytes + i, length - i, &c);
        if (used == 1 && b >= 0x80)
            add_hex(out, "<0x", b, 2);
        else if (utf8_width(c) < 0)
            add_hex(out, "<U+", c, c > 0xFFFFF ? 6 : c > 0xFFFF ? 5 : 4);
        else
            str_add_bytes(out, bytes + i, used);
        i += used;
    }
}

size_t utf8_columns(const char *text)
{
    size_t length = strlen(text), columns = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += utf8_decode(text + i, length - i, &c);
        int width = utf8_width(c);
        columns += width > 0 ? (size_t)width : 0;
    }
    return columns;
}
