/* Durable intents a second, against the raw floor of this disk in the same run: pwrite of as many bytes as
 * the journal writes for a commit, then fdatasync, into a file that has its blocks already (as a WAL in use
 * has). A cycle is what a step costs: its intent, waited for; then its output as a blob and its outcome,
 * waited for. With several in flight (that many runs at once) whoever waits at the same time shares a commit.
 * Short slices of journal and floor alternate, so that both meet the same neighbours; the ratio is the median
 * over the slices.
 *
 *   bench_journal_intents [FOLDER [SLICES]] */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/journal/journal.h"

#define CYCLES     25 /* of one run in a slice */
#define RING       (4 << 20)
#define OUTPUT     2000
#define SLICES_MAX 1000
#define RUNS_MAX   8

static void check(int code, const struct err *e)
{
    if (code < 0) {
        fprintf(stderr, "%s\n", e->msg);
        exit(1);
    }
}

/* Bytes that this process has handed to write calls. */
static long long bytes_written(void)
{
    struct str text = {0};
    check(file_read("/proc/self/io", 4096, &text, NULL), &(struct err){.msg = "no /proc/self/io"});
    const char *at = strstr(text.data, "wchar: ");
    long long bytes = at ? atoll(at + 7) : 0;
    str_fini(&text);
    return bytes;
}

static void append(struct journal *j, enum event_kind kind, const char *outcome, const char *data,
                   int64_t run)
{
    struct err e = {0};
    struct event_draft draft = {.kind = kind,
                                .actor = "alice",
                                .subject = "run 12 step restore",
                                .outcome = outcome,
                                .summary = "Restore the latest snapshot to a new shard",
                                .data = data,
                                .incident = 7,
                                .run = run};
    check(journal_append_wait(j, &draft, 1, NULL, &e), &e);
}

static void cycle(struct journal *j, int number, int64_t run)
{
    struct err e = {0};
    char data[900], output[OUTPUT], digest[SHA256_HEX_SIZE];
    snprintf(
        data, sizeof data,
        "{\"step\":\"restore\",\"title\":\"Restore the latest snapshot\",\"ticket\":%d,\"role\":\"act\","
        "\"attempt\":1,\"argv\":[\"bash\",\"-eo\",\"pipefail\",\"-c\",\"envsubst < restore.yaml | kubectl -n "
        "rag "
        "create -f -\"],\"env\":[\"NS=rag\",\"NEW=shard-5-r12\",\"TOKEN=***\"],\"cwd\":\"/srv/runbooks\","
        "\"scope\":\"shard\"}",
        number);
    append(j, EVENT_STEP_INTENT, "", data, run);
    for (int i = 0; i < OUTPUT; i++)
        output[i] = "0123456789abcdef \n"[(i * 7 + number * (i % 13)) % 18];
    struct journal_blob_origin origin = {
        .actor = "belay", .what = "stdout of step restore", .incident = 7, .run = run};
    check(journal_blob_put(j, &origin, output, sizeof output, digest, NULL, NULL, &e), &e);
    snprintf(data, sizeof data,
             "{\"step\":\"restore\",\"ticket\":%d,\"role\":\"act\",\"outcome\":\"ok\",\"exit\":0,\"ms\":812,"
             "\"stdout\":\"%s\"}",
             number, digest);
    append(j, EVENT_STEP_OUTCOME, "ok", data, run);
}

struct runner {
    pthread_t thread;
    struct journal *journal;
    int64_t run;
    int number;
};

static void *runner_main(void *arg)
{
    struct runner *r = arg;
    for (int i = 0; i < CYCLES; i++)
        cycle(r->journal, r->number += RUNS_MAX, r->run);
    return NULL;
}

static double journal_slice(struct runner *runners, int count)
{
    int64_t start = clock_monotonic_us();
    for (int i = 1; i < count; i++)
        pthread_create(&runners[i].thread, NULL, runner_main, &runners[i]);
    runner_main(&runners[0]);
    for (int i = 1; i < count; i++)
        pthread_join(runners[i].thread, NULL);
    return (double)(clock_monotonic_us() - start) / (2.0 * CYCLES * count);
}

static double floor_slice(int fd, const char *bytes, size_t length, off_t *at)
{
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < 2 * CYCLES; i++) {
        if (*at + (off_t)length > RING)
            *at = 0;
        if (pwrite(fd, bytes, length, *at) != (ssize_t)length || fdatasync(fd) < 0)
            exit(1);
        *at += (off_t)length;
    }
    return (double)(clock_monotonic_us() - start) / (2.0 * CYCLES);
}

static int compare(const void *a, const void *b)
{
    const double *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

/* One row of the table; the ratio. */
static double measure(struct journal *j, struct runner *runners, int count, int slices, int fd,
                      const char *ring)
{
    static double journal_us[SLICES_MAX], floor_us[SLICES_MAX], ratio[SLICES_MAX];
    off_t at = 0;
    struct journal_health before, after;
    for (int i = 0; i < 16; i++) /* the WAL has its blocks after its first turn */
        journal_slice(runners, count);
    journal_health(j, &before);
    long long bytes = 0, bytes_before = 0;
    for (int i = 0; i < slices; i++) {
        bytes_before = bytes_written();
        journal_us[i] = journal_slice(runners, count);
        bytes = bytes_written() - bytes_before;
        journal_health(j, &after);
        floor_us[i] = floor_slice(fd, ring, (size_t)(bytes / (2 * CYCLES * count)), &at);
        ratio[i] = floor_us[i] / journal_us[i];
    }
    double result = median(ratio, slices), appends = 2.0 * CYCLES * count * slices;
    double journal_median = median(journal_us, slices), floor_median = median(floor_us, slices);
    printf("| %d | %.0f | %.1f | %.0f | %.2f | %.2f |\n", count, 1e6 / journal_median, journal_median,
           1e6 / floor_median, (double)(after.commits - before.commits) / appends, result);
    fflush(stdout);
    return result;
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "/var/tmp";
    char *folder = xasprintf("%s/belay-bench-XXXXXX", base);
    int slices = argc > 2 && atoi(argv[2]) > 0 && atoi(argv[2]) < SLICES_MAX ? atoi(argv[2]) : 40;
    struct err e = {0};
    if (!mkdtemp(folder))
        return 1;
    struct journal_options options = {.folder = folder, .platform = "bench", .create = true};
    struct journal *j = journal_open(&options, &e);
    check(j ? 0 : -1, &e);
    char *path = path_join(folder, "floor"), *ring = xcalloc(1, RING);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (size_t i = 0; i < RING; i++)
        ring[i] = (char)(i * 2654435761u >> 7);
    if (write(fd, ring, RING) != RING || fsync(fd) < 0)
        return 1;
    struct runner runners[RUNS_MAX];
    for (int i = 0; i < RUNS_MAX; i++)
        runners[i] = (struct runner){.journal = j, .run = 12 + i, .number = i};
    printf(
        "| runs at once | durable appends/s | us each | floor/s | commits an append | ratio to the floor |\n"
        "|---|---|---|---|---|---|\n");
    double worst = 9;
    for (int count = 1; count <= RUNS_MAX; count *= 2) {
        double ratio = measure(j, runners, count, slices, fd, ring);
        worst = ratio < worst ? ratio : worst;
    }
    printf("\nat least 0.80 wanted: %s\n", worst >= 0.8 ? "met" : "not met");
    journal_close(j);
    close(fd);
    folder_remove(folder, NULL);
    free(folder);
    free(path);
    free(ring);
    return worst >= 0.8 ? 0 : 1;
}
