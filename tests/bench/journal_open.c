/* Opening a journal of a million events (under 50 ms wanted), reading its last 100 (under 5 ms), and what a
 * console looks through, in the pool, to know since when things are as they are, by a process that has just
 * started and with the file's pages dropped from the system's cache where that is allowed (root); the median
 * and the worst of several times, of which the worst counts.
 *
 *   bench_journal_open [FOLDER [EVENTS]] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"

#define TIMES 9

static struct journal *open_or_die(const char *folder)
{
    struct journal_options options = {.folder = folder, .platform = "bench", .create = true};
    struct err e = {0};
    struct journal *j = journal_open(&options, &e);
    if (!j) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    return j;
}

static void fill(const char *folder, long events)
{
    struct journal *j = open_or_die(folder);
    for (long i = 1; i <= events; i++) {
        char text[64], data[200];
        snprintf(text, sizeof text, "Active -> Dead, number %ld", i);
        snprintf(data, sizeof data,
                 "{\"kind\":\"shard\",\"source\":\"store\",\"name\":\"docs/%ld\",\"change\":\"changed\","
                 "\"from\":\"ok\",\"to\":\"down\",\"raw_from\":\"Active\",\"raw\":\"Dead\",\"count\":1}",
                 i % 1000);
        struct event_draft draft = {.kind = i % 10 ? EVENT_TRANSITION : EVENT_STEP_OUTCOME,
                                    .actor = "watch",
                                    .subject = "shard docs/shard-5",
                                    .outcome = "down",
                                    .summary = text,
                                    .data = data,
                                    .incident = i % 10 ? 0 : 1 + i / 10000,
                                    .run = i % 20 ? 0 : 1 + i / 1000};
        if (i % 10000 == 1) {
            draft.kind = EVENT_INCIDENT_OPENED;
            draft.incident = 1 + i / 10000;
        }
        while (journal_append(j, &draft, NULL, NULL, NULL) == ERR_BUSY)
            usleep(1000);
    }
    journal_close(j);
}

/* Nothing here has the file open, so that closing it drops nobody's locks. */
static void drop_cache(const char *folder)
{
    char *path = path_join(folder, "journal.db");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        fprintf(stderr, "the cache stays warm\n");
    if (fd >= 0)
        close(fd);
    free(path);
}

static int count_event(const struct event *event, void *data)
{
    (void)event;
    ++*(int *)data;
    return 0;
}

static int count_incident(const struct journal_incident *incident, void *data)
{
    (void)incident;
    ++*(int *)data;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const double *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static double since_ms(int64_t start_us)
{
    return (double)(clock_monotonic_us() - start_us) / 1e3;
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "/var/tmp";
    char *folder = xasprintf("%s/belay-bench-XXXXXX", base);
    long events = argc > 2 ? atol(argv[2]) : 1000000;
    double opened[TIMES], last[TIMES], listed[TIMES], recalled[TIMES];
    if (!mkdtemp(folder))
        return 1;
    fill(folder, events);
    for (int i = 0; i < TIMES; i++) {
        int count = 0, incidents = 0;
        drop_cache(folder);
        int64_t start = clock_monotonic_us();
        struct journal *j = open_or_die(folder);
        opened[i] = since_ms(start);
        start = clock_monotonic_us();
        if (journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, NULL, 100, count_event, &count, NULL) < 0 ||
            count != 100)
            return 1;
        last[i] = since_ms(start);
        start = clock_monotonic_us();
        if (journal_incidents(j, false, 20, count_incident, &incidents, NULL) < 0 || incidents != 20)
            return 1;
        listed[i] = since_ms(start);
        struct platform *platform = platform_new(NULL);
        start = clock_monotonic_us();
        engine_recall(j, platform);
        recalled[i] = since_ms(start);
        platform_free(platform);
        journal_close(j);
    }
    qsort(opened, TIMES, sizeof *opened, compare);
    qsort(last, TIMES, sizeof *last, compare);
    qsort(listed, TIMES, sizeof *listed, compare);
    qsort(recalled, TIMES, sizeof *recalled, compare);
    printf("| %ld events | median ms | worst ms | wanted |\n|---|---|---|---|\n", events);
    printf("| open | %.1f | %.1f | 50 |\n", opened[TIMES / 2], opened[TIMES - 1]);
    printf("| last 100 events | %.1f | %.1f | 5 |\n", last[TIMES / 2], last[TIMES - 1]);
    printf("| newest 20 incidents | %.1f | %.1f | |\n", listed[TIMES / 2], listed[TIMES - 1]);
    printf("| states of the newest 20,000 events | %.1f | %.1f | |\n", recalled[TIMES / 2],
           recalled[TIMES - 1]);
    folder_remove(folder, NULL);
    free(folder);
    return opened[TIMES - 1] < 50 && last[TIMES - 1] < 5 ? 0 : 1;
}
