/* Times as HTTP writes them. */
#ifndef BELAY_BASE_HTTP_DATE_H
#define BELAY_BASE_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* The three forms of RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun
 * Nov 6 08:49:37 1994". now_us (wall) decides the century of the second one: never more than 50 years ahead.
 */
bool http_date_parse(const char *text, int64_t now_us, int64_t *wall_us);

/* Retry-After: seconds, or a date against the wall clock. Saturates; what has passed is 0; junk is -1. */
int64_t http_retry_after_us(const char *text, int64_t now_us);

#endif
