/* Text as it may be drawn: the one place that decides what a byte string looks like in columns. Internal to
 * the kit. */
#ifndef BELAY_KIT_TEXT_H
#define BELAY_KIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thing that is drawn whole: a character with its combining ones, or the spelling of something that is
 * never drawn as itself ("<U+202E>", "<0x9B>"). */
struct piece {
    uint32_t code[3];
    int width;         /* columns */
    char spelling[12]; /* ASCII, one column a byte; "" when code counts */
    bool newline;      /* it was a newline; drawn as a space where lines don't count */
};

/* Takes the next piece; returns the bytes used, 0 at the end. */
size_t text_piece(const char *bytes, size_t length, bool ascii, struct piece *p);

/* The ASCII form of a character that belay draws with, or 0. */
char text_ascii(uint32_t code);

#endif
