/* The benchmark as a source's program: it notes when it was asked, so that the console's punctuality can be
 * read from a file. */
#ifndef BELAY_BENCH_TICKING_H
#define BELAY_BENCH_TICKING_H

#include <stdint.h>

/* Appends the monotonic clock to the file and answers with a constant. Exit status. */
int ticking_tick(const char *path);
/* Answers with a number that is another one each time, kept in the file. Exit status. */
int ticking_count(const char *path);
/* How late the source was asked, at worst, against its own schedule; -1 when it wasn't asked often enough. */
double ticking_worst_ms(const char *path, int64_t from_us, int64_t to_us, int64_t every_us);

#endif
