/* UTF-8: validity, decoding, columns, and cleaning of text that must not lie on a screen. */
#ifndef BELAY_BASE_UTF8_H
#define BELAY_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/str.h"

/* True when the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms); else *offset is that of
 * the first bad byte. offset may be NULL. */
bool utf8_valid(const char *bytes, size_t length, size_t *offset);

/* Decodes one code point; returns the bytes used (1 to 4), or 0 at the end. A bad byte gives U+FFFD and 1. */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *code_point);
size_t utf8_encode(uint32_t code_point, char bytes[static 4]);

/* Columns of a code point: 0 combining, 1, 2 wide; -1 for controls and format characters that are never
 * drawn as themselves (C0, C1, U+200B-200F, U+202A-202E, U+2060-2069, U+FEFF, tags ...). Independent of the locale
 * that the user set. */
int utf8_width(uint32_t code_point);

/* Appends text to out with every character that utf8_width calls -1 as "<U+202E>", bad bytes as "<0x9B>"; tab and newline
 * stay when keep_lines is set, otherwise they become one space. */
void utf8_clean(struct str *out, const char *bytes, size_t length, bool keep_lines);

/* Columns of a cleaned, valid string. */
size_t utf8_columns(const char *text);

#endif
