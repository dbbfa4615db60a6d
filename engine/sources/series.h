/* Our own samples of counters, for rates and increases: a scrape shows only where a counter stands. A counter
 * that falls was reset and goes on from zero. Bounded: a series keeps some sixty points of its window, and
 * what is not asked for any more is forgotten. */
#ifndef BELAY_SOURCES_SERIES_H
#define BELAY_SOURCES_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#define SERIES_LIMIT 20000 /* series of one source; more are not followed */

struct series_table;

struct series_table *series_table_new(void);
void series_table_free(struct series_table *t);

enum series_result {
    SERIES_READY,
    SERIES_WARMING, /* only one sample so far */
    SERIES_FULL,    /* SERIES_LIMIT reached */
};

/* Notes that the counter `key` stands at value now, and says by how much it grew within the last window_us
 * (or since it is known, when that is shorter), and over which span that was. NaN and infinities
 * are not noted: WARMING. */
enum series_result series_increase(struct series_table *t, const char *key, double value, int64_t now_us,
                                   int64_t window_us, double *increase, int64_t *span_us);

/* Call once a pass: forgets what was not noted for a while. */
void series_sweep(struct series_table *t);

#endif
