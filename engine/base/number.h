/* Numbers in text, whatever decimal sign the user's locale has. */
#ifndef BELAY_BASE_NUMBER_H
#define BELAY_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the JSON number (RFC 8259) that text begins with; 0 when it begins with none. */
size_t number_scan_json(const char *text, size_t length);

/* A whole text that is a decimal number: sign, digits, fraction, exponent; also NaN, Inf, +Inf, -Inf in any
 * case. No blanks, no hexadecimal. */
bool number_parse(const char *text, double *value);

/* The shortest decimal text that reads back as value; "NaN", "+Inf", "-Inf". */
#define NUMBER_TEXT_SIZE 32
void number_format(double value, char text[static NUMBER_TEXT_SIZE]);

#endif
