/* The clocks. Monotonic time decides, wall time is displayed; what other processes read is boot time. All in
 * microseconds. */
#ifndef BELAY_BASE_CLOCK_H
#define BELAY_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"

#define US_PER_MS 1000LL
#define US_PER_S  1000000LL

int64_t clock_monotonic_us(void);
int64_t clock_boot_us(void); /* CLOCK_BOOTTIME: counts suspended time, the same for all processes of a boot */
int64_t clock_wall_us(void); /* UTC, since 1970 */

/* The kernel's boot id, 36 characters; "" where there is none. */
const char *clock_boot_id(void);

/* RFC 3339 in UTC with microseconds, "2026-11-22T03:14:21.000123Z" (28 bytes with the NUL). */
#define CLOCK_TEXT_SIZE 32
void clock_format(int64_t wall_us, char text[static CLOCK_TEXT_SIZE]);
/* RFC 3339 with any offset and any number of fraction digits. */
int clock_parse(const char *text, int64_t *wall_us, struct err *e);

/* A time in the past as people write it, in UTC: "03:12", "03:12:30" (the last such moment), "2026-11-22
 * 03:12" with seconds or not, as RFC 3339, or how long ago: "10m", "1h30m ago". ERR_SYNTAX, or ERR_RANGE when
 * it is after now_us. */
int clock_parse_past(const char *text, int64_t now_us, int64_t *wall_us, struct err *e);
/* Which moment that was, told back: "2026-11-22 03:12:00Z", "2026-11-21 23:59:00Z, yesterday", "..., 3 days
 * ago". */
#define CLOCK_PAST_SIZE 64
void clock_past_text(int64_t wall_us, int64_t now_us, char text[static CLOCK_PAST_SIZE]);

/* "250ms", "30s", "5m", "2h", "7d", "1m30s" and "0" to microseconds; a number without a unit is an error. */
int duration_parse(const char *text, int64_t *us, struct err *e);

#define DURATION_TEXT_SIZE 24
/* Short and readable: "<1s", "41s", "14m", "31h", "12d"; never more than 5 columns. */
void duration_format(int64_t us, char text[static DURATION_TEXT_SIZE]);
/* As duration_format, but in whole minutes below an hour ("<1m", "3m"): for ages outside an incident. */
void duration_format_minutes(int64_t us, char text[static DURATION_TEXT_SIZE]);

#endif
