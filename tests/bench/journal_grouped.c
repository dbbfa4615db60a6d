/* Events a second when many come together: transitions, appended as fast as the queue takes them, each with a
 * completion, all committed in groups with FULL synchronisation. At least 100,000 are wanted.
 *
 *   bench_journal_grouped [FOLDER [EVENTS]] */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/journal/journal.h"

static atomic_long completed;

static void done(void *ctx, const struct journal_result *result)
{
    (void)ctx;
    if (result->code < 0) {
        fprintf(stderr, "%s\n", result->reason);
        exit(1);
    }
    atomic_fetch_add(&completed, 1);
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "/var/tmp";
    char *folder = xasprintf("%s/belay-bench-XXXXXX", base);
    long events = argc > 2 ? atol(argv[2]) : 500000;
    struct err e = {0};
    if (!mkdtemp(folder))
        return 1;
    struct journal_options options = {.folder = folder, .platform = "bench", .create = true};
    struct journal *j = journal_open(&options, &e);
    if (!j) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    int64_t start = clock_monotonic_us();
    for (long i = 0; i < events; i++) {
        char data[200], subject[32];
        snprintf(subject, sizeof subject, "shard docs/shard-%ld", i % 1000);
        snprintf(data, sizeof data,
                 "{\"kind\":\"shard\",\"source\":\"store\",\"name\":\"docs/"
                 "shard-%ld\",\"from\":\"ok\",\"to\":\"down\","
                 "\"raw\":\"Dead\"}",
                 i % 1000);
        struct event_draft draft = {.kind = EVENT_TRANSITION,
                                    .actor = "watch",
                                    .subject = subject,
                                    .outcome = "down",
                                    .summary = "Active -> Dead",
                                    .data = data};
        while (journal_append(j, &draft, done, NULL, &e) == ERR_BUSY)
            usleep(1000); /* the queue is bounded */
    }
    while (atomic_load(&completed) < events)
        usleep(200);
    double seconds = (double)(clock_monotonic_us() - start) / 1e6;
    struct journal_health health;
    journal_health(j, &health);
    double rate = (double)events / seconds;
    printf("| events | commits | seconds | events/s |\n|---|---|---|---|\n| %ld | %llu | %.2f | %.0f |\n\n",
           events, (unsigned long long)health.commits, seconds, rate);
    printf("at least 100000 wanted: %s\n", rate >= 100000 ? "met" : "not met");
    journal_close(j);
    folder_remove(folder, NULL);
    free(folder);
    return rate >= 100000 ? 0 : 1;
}
