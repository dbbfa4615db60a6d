/* What it costs that processes share their breakers: one call of `belay exec` (open, admit, resolve, count,
 * close), many processes at once on one breaker, and the same with a large write-ahead log.
 *
 *     bench_targets [CALLS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/targets/database.h"

#define PROCESSES_MOST 50
#define SAMPLES_MOST   200000

struct board { /* shared memory: what the processes measured */
    size_t count, lost;
    int64_t took_us[SAMPLES_MOST];
};

static char folder[] = "/tmp/belay-bench-XXXXXX";

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double quantile_ms(struct board *board, double q)
{
    qsort(board->took_us, board->count, sizeof *board->took_us, compare);
    return board->count ? (double)board->took_us[(size_t)(q * (double)(board->count - 1))] / 1000 : NAN;
}

static void say(const char *what, struct board *board, int64_t took_us)
{
    printf("%-46s %8.0f /s   median %7.3f ms   p99 %8.3f ms   most %8.3f ms   lost %zu\n", what,
           (double)board->count * 1e6 / (double)took_us, quantile_ms(board, 0.5), quantile_ms(board, 0.99),
           quantile_ms(board, 1), board->lost);
    fflush(stdout);
}

static void die(const struct err *e)
{
    fprintf(stderr, "%s\n", e->msg);
    exit(1);
}

static struct targets *open_or_die(void)
{
    struct targets *t;
    struct err e;
    if (targets_open(folder, false, false, &t, &e) < 0)
        die(&e);
    return t;
}

static int one(struct targets *t, struct err *e)
{
    struct breaker_rules rules = breaker_rules_default();
    struct target_admission admission;
    struct target_operation o = {.target = "bench",
                                 .sums = {.ok = 1, .attempts = 1, .duration_s = 0.001, .durations = {1}}};
    int code = target_admit(t, "bench", &rules, &admission, NULL, NULL, e);
    if (code == 1)
        code = target_resolve(t, "bench", &rules, &admission, BREAKER_SUCCESS, 1, 0, 0, e);
    return code < 0 ? code : target_count(t, &o, e);
}

/* Each call opens and closes, as a process that makes one call does. */
static void calls(struct board *board, int count, bool anew)
{
    struct targets *t = anew ? NULL : open_or_die();
    for (int i = 0; i < count; i++) {
        struct err e = {0};
        int64_t start = clock_monotonic_us();
        if (anew && targets_open(folder, false, false, &t, &e) < 0)
            t = NULL;
        int code = t ? one(t, &e) : ERR_BUSY;
        if (anew) {
            targets_close(t);
            t = NULL;
        }
        int64_t took = clock_monotonic_us() - start;
        if (code < 0) {
            __atomic_fetch_add(&board->lost, 1, __ATOMIC_RELAXED);
            fprintf(stderr, "lost: %s\n", e.msg);
        }
        size_t at = __atomic_fetch_add(&board->count, 1, __ATOMIC_RELAXED);
        if (at < SAMPLES_MOST)
            board->took_us[at] = took;
    }
    targets_close(t);
}

static void many(struct board *board, const char *what, int processes, int count, bool anew)
{
    board->count = board->lost = 0;
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < processes; i++)
        if (fork() == 0) {
            calls(board, count / processes, anew);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    int64_t took = clock_monotonic_us() - start;
    char *text = xasprintf("%d process%s, %s", processes, processes == 1 ? "" : "es", what);
    say(text, board, took);
    free(text);
}

/* A reader that keeps its snapshot keeps the log from being emptied. */
static void large_log(size_t bytes)
{
    struct targets *reader = open_or_die(), *writer = open_or_die();
    struct err e;
    char *wal = xasprintf("%s/state.db-wal", folder);
    struct stat st = {0};
    if (database_run(reader->db, "BEGIN; SELECT count(*) FROM target", &e) < 0)
        die(&e);
    while ((size_t)st.st_size < bytes) {
        if (one(writer, &e) < 0)
            die(&e);
        if (stat(wal, &st) < 0)
            break;
    }
    targets_close(writer);
    targets_close(reader);
    printf("the write-ahead log has %.1f MB, and nobody has the file open\n", (double)st.st_size / 1e6);
    free(wal);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 2000;
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED || !mkdtemp(folder) || count < PROCESSES_MOST || count > SAMPLES_MOST)
        return 1;
    static const int processes[] = {1, 2, 8, PROCESSES_MOST};
    for (size_t i = 0; i < 4; i++)
        many(board, "open for each call", processes[i], count, true);
    for (size_t i = 0; i < 4; i++)
        many(board, "kept open", processes[i], count, false);
    static const size_t logs[] = {1000000, 20000000};
    for (size_t i = 0; i < 2; i++) {
        large_log(logs[i]);
        many(board, "one call each, log large", PROCESSES_MOST, PROCESSES_MOST, true);
        many(board, "one call each, after that", PROCESSES_MOST, PROCESSES_MOST, true);
    }
    folder_remove(folder, NULL);
    return 0;
}
