/* Durable intents a second, against the raw floor of this disk in the same run: as many bytes as the journal
 * writes for a commit, then fdatasync; once appended to a file that grows, as a log is written, and once over
 * the blocks that a file already has, which is the least that any disk can do. A cycle is what a step costs:
 * its intent, and when that is durable its output as a blob (no two alike) and its outcome. All of it goes
 * through the loop, as in the console; with several in flight (that many runs at once) those that wait at the
 * same time share a commit. Short slices of journal and floors alternate, so that all meet the same
 * neighbours; the ratios are medians over the slices.
 *
 *   bench_journal_intents [FOLDER [SLICES]] */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/io/io.h"
#include "engine/journal/journal.h"

#define CYCLES     25        /* of one run in a slice */
#define RING       (4 << 20) /* of the floor that stays in place; as a WAL in use */
#define OUTPUT     2000
#define OUTPUTS    64
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

/* One run: its cycles one after the other, on the loop as in the console. */
struct run {
    struct bench *bench;
    int64_t id;
    int number, left;
};

struct bench {
    struct loop *loop;
    struct journal *journal;
    struct run runs[RUNS_MAX];
    char outputs[OUTPUTS][OUTPUT];
    int going;
};

static void append(struct run *r, enum event_kind kind, const char *outcome, const char *data,
                   journal_done done)
{
    struct err e = {0};
    struct event_draft draft = {.kind = kind,
                                .actor = "alice",
                                .subject = "run 12 step restore",
                                .outcome = outcome,
                                .summary = "Restore the latest snapshot to a new shard",
                                .data = data,
                                .incident = 7,
                                .run = r->id};
    check(journal_append(r->bench->journal, &draft, done, r, &e), &e);
}

static void must(const struct journal_result *result)
{
    check(result->code, &(struct err){.msg = "an append failed"});
}

static void outcome_durable(void *ctx, const struct journal_result *result);

static void intent_durable(void *ctx, const struct journal_result *result)
{
    struct run *r = ctx;
    struct err e = {0};
    char data[300], output[OUTPUT], digest[SHA256_HEX_SIZE];
    must(result);
    memcpy(output, r->bench->outputs[r->number % OUTPUTS], OUTPUT);
    memcpy(output, &r->number, sizeof r->number); /* no two alike */
    struct journal_blob_origin origin = {
        .actor = "belay", .what = "stdout of step restore", .incident = 7, .run = r->id};
    check(journal_blob_put(r->bench->journal, &origin, output, sizeof output, digest, NULL, NULL, &e), &e);
    snprintf(data, sizeof data,
             "{\"step\":\"restore\",\"ticket\":%d,\"role\":\"act\",\"outcome\":\"ok\",\"exit\":0,\"ms\":812,"
             "\"stdout\":\"%s\"}",
             r->number, digest);
    append(r, EVENT_STEP_OUTCOME, "ok", data, outcome_durable);
}

static void run_next(struct run *r)
{
    char data[900];
    r->number += RUNS_MAX;
    snprintf(
        data, sizeof data,
        "{\"step\":\"restore\",\"title\":\"Restore the latest snapshot\",\"ticket\":%d,\"role\":\"act\","
        "\"attempt\":1,\"argv\":[\"bash\",\"-eo\",\"pipefail\",\"-c\",\"envsubst < restore.yaml | kubectl -n "
        "rag create -f -\"],\"env\":[\"NS=rag\",\"NEW=shard-5-r12\",\"TOKEN=***\"],\"cwd\":\"/srv/"
        "runbooks\",\"scope\":\"shard\"}",
        r->number);
    append(r, EVENT_STEP_INTENT, "", data, intent_durable);
}

static void outcome_durable(void *ctx, const struct journal_result *result)
{
    struct run *r = ctx;
    must(result);
    if (--r->left > 0)
        run_next(r);
    else if (--r->bench->going == 0)
        loop_stop(r->bench->loop);
}

static double journal_slice(struct bench *b, int count)
{
    int64_t start = clock_monotonic_us();
    b->going = count;
    for (int i = 0; i < count; i++) {
        b->runs[i].left = CYCLES;
        run_next(&b->runs[i]);
    }
    loop_run(b->loop);
    return (double)(clock_monotonic_us() - start) / (2.0 * CYCLES * count);
}

struct floor {
    int fd;
    bool in_place; /* else it grows */
    off_t at;
    const char *bytes; /* RING */
};

static struct floor floor_new(const char *folder, const char *name, bool in_place, const char *bytes)
{
    char *path = path_join(folder, name);
    struct floor f = {.in_place = in_place, .bytes = bytes};
    f.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (in_place && write(f.fd, bytes, RING) != RING)
        exit(1);
    if (fsync(f.fd) < 0)
        exit(1);
    free(path);
    return f;
}

static void floor_again(struct floor *f)
{
    if (!f->in_place && (ftruncate(f->fd, 0) < 0 || fsync(f->fd) < 0))
        exit(1);
    f->at = 0;
}

static double floor_slice(struct floor *f, size_t length)
{
    if (f->at + (off_t)length * 2 * CYCLES > RING)
        floor_again(f);
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < 2 * CYCLES; i++) {
        if (pwrite(f->fd, f->bytes + f->at, length, f->at) != (ssize_t)length || fdatasync(f->fd) < 0)
            exit(1);
        f->at += (off_t)length;
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

/* One row of the table; the ratio to the floor that grows. */
static double measure(struct bench *b, int count, int slices, struct floor floors[static 2])
{
    static double journal_us[SLICES_MAX], floor_us[2][SLICES_MAX], ratio[2][SLICES_MAX];
    struct journal_health before, after;
    for (int i = 0; i < 16; i++) /* the WAL has its blocks after its first turn */
        journal_slice(b, count);
    journal_health(b->journal, &before);
    for (int i = 0; i < slices; i++) {
        long long bytes = bytes_written();
        journal_us[i] = journal_slice(b, count);
        bytes = bytes_written() - bytes;
        journal_health(b->journal, &after);
        for (int k = 0; k < 2; k++) {
            floor_us[k][i] = floor_slice(&floors[k], (size_t)(bytes / (2 * CYCLES * count)));
            ratio[k][i] = floor_us[k][i] / journal_us[i];
        }
    }
    double appends = 2.0 * CYCLES * count * slices;
    double floor_medians[] = {median(floor_us[0], slices), median(floor_us[1], slices)};
    double ratios[] = {median(ratio[0], slices), median(ratio[1], slices)};
    printf("| %d | %.0f | %.2f | %.0f | %.0f | %.2f | %.2f |\n", count, 1e6 / median(journal_us, slices),
           (double)(after.commits - before.commits) / appends, 1e6 / floor_medians[0], 1e6 / floor_medians[1],
           ratios[0], ratios[1]);
    fflush(stdout);
    return ratios[0];
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "/var/tmp";
    char *folder = xasprintf("%s/belay-bench-XXXXXX", base);
    int slices = argc > 2 && atoi(argv[2]) > 0 && atoi(argv[2]) < SLICES_MAX ? atoi(argv[2]) : 40;
    struct err e = {0};
    if (!mkdtemp(folder))
        return 1;
    struct bench b = {.loop = loop_new(&e)};
    check(b.loop ? 0 : -1, &e);
    struct journal_options options = {
        .folder = folder, .platform = "bench", .create = true, .post = loop_poster, .post_ctx = b.loop};
    b.journal = journal_open(&options, &e);
    check(b.journal ? 0 : -1, &e);
    char *bytes = xcalloc(1, RING);
    for (size_t i = 0; i < RING; i++)
        bytes[i] = (char)(i * 2654435761u >> 7);
    struct floor floors[] = {floor_new(folder, "grows", false, bytes),
                             floor_new(folder, "stays", true, bytes)};
    for (int k = 0; k < OUTPUTS; k++)
        for (int i = 0; i < OUTPUT; i++)
            b.outputs[k][i] = "0123456789abcdef \n"[(i * 7 + k * (i % 13)) % 18];
    for (int i = 0; i < RUNS_MAX; i++)
        b.runs[i] = (struct run){.bench = &b, .id = 12 + i, .number = i};
    printf("| runs at once | durable appends/s | commits an append | floor/s: appended | in place | ratio to "
           "appended | to in place |\n|---|---|---|---|---|---|---|\n");
    double worst = 1e9;
    for (int count = 1; count <= RUNS_MAX; count *= 2) {
        double ratio = measure(&b, count, slices, floors);
        worst = ratio < worst ? ratio : worst;
    }
    printf("\nat least 0.80 of what appending costs wanted: %s\n", worst >= 0.8 ? "met" : "not met");
    journal_close(b.journal);
    loop_run_once(b.loop, 0);
    loop_free(b.loop);
    close(floors[0].fd);
    close(floors[1].fd);
    folder_remove(folder, NULL);
    free(folder);
    free(bytes);
    return worst >= 0.8 ? 0 : 1;
}
