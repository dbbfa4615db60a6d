/* Every row of the console's budgets, for belay and, where it can be said of them, for htop and btop in the
 * same run on the same machine. Prints a Markdown table; exits 1 when belay is over a budget.
 *
 *     bench_terminal --belay PATH [--seconds N] [--stall N] [--rounds N] [--only TEXT]
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "tests/bench/terminal/ticking.h"
#include "tests/screen/rig.h"

#define WAIT_MS 10000

struct program {
    const char *name;
    const char *const *argv;
    const char *ready; /* on the screen when its first frame is complete */
    const char *down;  /* the key that moves the selection */
};

struct bench {
    const char *belay, *self, *only;
    int seconds, stall, rounds;
    struct rig rig;
    struct program programs[3]; /* belay's demo, htop, btop */
    bool over;
};

static void give_up(struct pty *p, const char *what)
{
    fprintf(stderr, "bench_terminal: %s\n%s\n", what, p ? pty_screen(p) : "");
    exit(2);
}

/* ---- rows */

struct row {
    const char *what, *unit;
    double budget;
    double seen[3]; /* NaN: can't be said */
    int digits;
};

static void print_value(double value, int digits, const char *unit)
{
    if (isnan(value))
        printf(" - |");
    else
        printf(" %.*f %s |", digits, value, unit);
}

static void print_row(struct bench *b, const struct row *row)
{
    printf("| %s |", row->what);
    print_value(row->budget, row->budget < 1 && row->budget > 0 ? 1 : 0, row->unit);
    for (size_t i = 0; i < 3; i++)
        print_value(row->seen[i], row->digits, row->unit);
    bool over = isnan(row->seen[0]) || row->seen[0] > row->budget;
    printf(" %s |\n", isnan(row->budget) ? "" : over ? "**over**" : "held");
    fflush(stdout);
    b->over |= over;
}

static bool wanted(const struct bench *b, const char *what)
{
    return !b->only || strcasestr(what, b->only);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t count, double q)
{
    qsort(values, count, sizeof *values, by_size);
    size_t at = (size_t)ceil(q * (double)count);
    return count ? values[at > 0 ? at - 1 : 0] : NAN;
}

/* ---- programs */

static struct pty *start(const struct program *program, int width, int height)
{
    return pty_start(&(struct pty_options){.argv = program->argv, .width = width, .height = height});
}

static void end(struct pty *p)
{
    pty_type(p, "q");
    if (pty_wait_end(p, 1000) < 0)
        pty_signal(p, SIGTERM);
    pty_wait_end(p, 2000);
    pty_free(p);
}

static void first_frame(struct bench *b)
{
    static const struct {
        int width, height;
        const char *what;
        double budget;
    } sizes[] = {{80, 24, "bytes of the first frame, 80x24", 4096},
                 {160, 48, "bytes of the first frame, 160x48", 12288}};
    struct row time = {"start to the first complete frame, 160x48, median", "ms", 20, {NAN, NAN, NAN}, 1};
    struct row bytes[2];
    for (size_t s = 0; s < 2; s++) {
        bytes[s] = (struct row){sizes[s].what, "B", sizes[s].budget, {NAN, NAN, NAN}, 0};
        for (size_t i = 0; i < 3; i++) {
            double ms[64], count[64];
            size_t rounds = 0;
            for (; rounds < (size_t)b->rounds && rounds < 64; rounds++) {
                struct pty *p = start(&b->programs[i], sizes[s].width, sizes[s].height);
                if (!pty_wait(p, b->programs[i].ready, WAIT_MS))
                    give_up(p, b->programs[i].name);
                ms[rounds] = (double)(pty_last_us(p) - pty_started_us(p)) / 1000;
                count[rounds] = (double)pty_byte_count(p);
                end(p);
            }
            bytes[s].seen[i] = quantile(count, rounds, 1);
            if (s == 1)
                time.seen[i] = quantile(ms, rounds, 0.5);
        }
    }
    print_row(b, &time);
    print_row(b, &bytes[0]);
    print_row(b, &bytes[1]);
}

struct steady {
    double bytes_s, cpu, rss_mb, private_mb;
};

static struct steady watch(struct pty *p, int seconds)
{
    struct pty_usage before = pty_usage(p);
    uint64_t bytes = pty_byte_count(p);
    int64_t from = clock_monotonic_us();
    pty_run(p, seconds * 1000);
    struct pty_usage after = pty_usage(p);
    double took = (double)(clock_monotonic_us() - from) / US_PER_S;
    return (struct steady){(double)(pty_byte_count(p) - bytes) / took,
                           100 * (after.cpu_s - before.cpu_s) / took, (double)after.rss_kb / 1024,
                           (double)after.private_dirty_kb / 1024};
}

static void resources(struct bench *b)
{
    /* No budget: the one of idle CPU is for a console in which nothing changes (nothing_changes). */
    struct row cpu = {"CPU of the console, demo running, 160x48", "%", NAN, {NAN, NAN, NAN}, 2};
    struct row rss = {"resident memory, demo", "MB", 20, {NAN, NAN, NAN}, 1};
    struct row private = {"private dirty memory, demo", "MB", 6, {NAN, NAN, NAN}, 1};
    for (size_t i = 0; i < 3; i++) {
        struct pty *p = start(&b->programs[i], 160, 48);
        if (!pty_wait(p, b->programs[i].ready, WAIT_MS))
            give_up(p, b->programs[i].name);
        pty_run(p, 2000);
        struct steady s = watch(p, b->seconds);
        cpu.seen[i] = s.cpu;
        rss.seen[i] = s.rss_mb;
        private.seen[i] = s.private_mb;
        end(p);
    }
    print_row(b, &cpu);
    print_row(b, &rss);
    print_row(b, &private);
}

/* ---- belay on paper */

static struct pty *start_rig(struct bench *b, int width, int height, const char *ready)
{
    struct pty *p = rig_run(&b->rig, b->belay, &(struct rig_start){.width = width, .height = height});
    if (!pty_wait(p, ready, WAIT_MS))
        give_up(p, "the console on paper never showed its state");
    pty_wait_quiet(p, 300, 5000);
    return p;
}

/* The clock ticks at the full minute: what is measured lies between two. */
static void avoid_minute(struct pty *p, int seconds)
{
    time_t now = time(NULL);
    if (60 - now % 60 <= seconds)
        pty_run(p, (int)(60 - now % 60) * 1000 + 1500);
}

static void nothing_changes(struct bench *b)
{
    struct row bytes = {"bytes while nothing changes, between two minutes", "B/s", 0, {NAN, NAN, NAN}, 0};
    struct row cpu = {"CPU while nothing changes", "%", 0.3, {NAN, NAN, NAN}, 2};
    int seconds = b->seconds < 45 ? b->seconds : 45;
    rig_state_small(&b->rig, "Active");
    struct pty *p = start_rig(b, 160, 48, "run_sc05");
    pty_wait_quiet(p, 2500, 60000); /* until the sparklines are full */
    avoid_minute(p, seconds);
    struct steady s = watch(p, seconds);
    bytes.seen[0] = s.bytes_s;
    cpu.seen[0] = s.cpu;
    end(p);
    for (size_t i = 1; i < 3; i++) { /* the peers' screens always change: what they say of it */
        p = start(&b->programs[i], 160, 48);
        if (!pty_wait(p, b->programs[i].ready, WAIT_MS))
            give_up(p, b->programs[i].name);
        pty_run(p, 2000);
        s = watch(p, seconds);
        bytes.seen[i] = s.bytes_s;
        cpu.seen[i] = s.cpu;
        end(p);
    }
    print_row(b, &bytes);
    print_row(b, &cpu);
}

static double bytes_while_changing(struct bench *b, bool flip)
{
    rig_state_many(&b->rig, 40, 10, 0, flip);
    struct pty *p = start_rig(b, 160, 48, "breaker-0000");
    uint64_t bytes = pty_byte_count(p);
    int64_t from = clock_monotonic_us();
    for (uint64_t tick = 1; tick <= (uint64_t)b->seconds; tick++) {
        rig_state_many(&b->rig, 40, 10, tick, flip);
        pty_run(p, 1000);
    }
    double per_second =
        (double)(pty_byte_count(p) - bytes) / ((double)(clock_monotonic_us() - from) / US_PER_S);
    end(p);
    return per_second;
}

static void ten_change(struct bench *b)
{
    struct row row = {"bytes while 10 entities change per second, 160x48", "B/s", 600, {NAN, NAN, NAN}, 0};
    struct row flip = {"the same, when each of them also changes its state", "B/s", NAN, {NAN, NAN, NAN}, 0};
    row.seen[0] = bytes_while_changing(b, false);
    print_row(b, &row);
    flip.seen[0] = bytes_while_changing(b, true);
    print_row(b, &flip);
}

/* From the key to the last byte of its frame. A frame that answers comes in one piece or two: 4 ms without a
 * byte end it. */
static double answer_ms(struct pty *p, const char *key)
{
    uint64_t before = pty_byte_count(p);
    int64_t from = clock_monotonic_us();
    pty_type(p, key);
    while (pty_byte_count(p) == before && clock_monotonic_us() - from < US_PER_S)
        pty_run(p, 1);
    for (uint64_t seen = 0; seen != pty_byte_count(p);) {
        seen = pty_byte_count(p);
        pty_run(p, 4);
    }
    return pty_byte_count(p) == before ? NAN : (double)(pty_last_us(p) - from) / 1000;
}

/* Up to 1,000 keys; with a rig, its data changes once a second meanwhile. */
static double answer_p99(struct pty *p, const char *key, size_t keys, struct rig *changing)
{
    double ms[1000];
    size_t count = 0;
    uint64_t tick = 100;
    int64_t changed = clock_monotonic_us();
    for (size_t i = 0; i < keys; i++) {
        if (changing && clock_monotonic_us() - changed >= US_PER_S) {
            rig_state_many(changing, 10000, 100, tick++, true);
            changed = clock_monotonic_us();
        }
        double one = answer_ms(p, key);
        if (!isnan(one))
            ms[count++] = one;
        pty_run(p, 7); /* not in step with anything */
    }
    return quantile(ms, count, 0.99);
}

static void many_entities(struct bench *b)
{
    struct row latency = {"key to painted answer, 10,000 entities, p99 of 200", "ms", 5, {NAN, NAN, NAN}, 2};
    struct row filtered = {
        "the same, filtered, 100 of them changing each second, p99 of 1,000", "ms", 5, {NAN, NAN, NAN}, 2};
    struct row private = {"private dirty memory, 10,000 entities with history", "MB", 24, {NAN, NAN, NAN}, 1};
    rig_state_many(&b->rig, 10000, 100, 0, true);
    struct pty *p = start_rig(b, 160, 48, "breaker-0");
    for (uint64_t tick = 1; tick <= 20; tick++) { /* history */
        rig_state_many(&b->rig, 10000, 100, tick, true);
        pty_run(p, 1000);
    }
    pty_type(p, "1");
    if (!pty_wait(p, "breaker-00", WAIT_MS))
        give_up(p, "no list of breakers");
    pty_wait_quiet(p, 200, 3000);
    latency.seen[0] = answer_p99(p, b->programs[0].down, 200, NULL);
    pty_type(p, "/breaker-0.*[13579]\r");
    if (!pty_wait(p, "/breaker-0", WAIT_MS))
        give_up(p, "no filter");
    pty_wait_quiet(p, 200, 3000);
    filtered.seen[0] = answer_p99(p, b->programs[0].down, 1000, &b->rig);
    private.seen[0] = (double)pty_usage(p).private_dirty_kb / 1024;
    end(p);
    for (size_t i = 1; i < 3; i++) { /* with what this machine runs */
        p = start(&b->programs[i], 160, 48);
        if (!pty_wait(p, b->programs[i].ready, WAIT_MS))
            give_up(p, b->programs[i].name);
        pty_run(p, 1000);
        latency.seen[i] = answer_p99(p, b->programs[i].down, 200, NULL);
        end(p);
    }
    print_row(b, &latency);
    print_row(b, &filtered);
    print_row(b, &private);
}

static void frames(struct bench *b)
{
    struct row row = {"frames of data per second, 40 sources that all change", "/s", 20, {NAN, NAN, NAN}, 1};
    struct str text = {0};
    str_add(&text, "platform: rig\nsources:\n");
    for (int i = 0; i < 40; i++)
        str_addf(&text,
                 "  - {name: s%d, kind: command, command: [%s, --count, %s/count-%d], every: 250ms,\n"
                 "     map: {kind: signal, name: signal-%d, value: /value, warn: \"50\", crit: \"90\"}}\n",
                 i, b->self, b->rig.folder, i, i);
    rig_write(&b->rig, "belay.yaml", str_text(&text));
    str_fini(&text);
    struct pty *p = start_rig(b, 160, 48, "signal-");
    pty_run(p, 1000);
    /* Bytes that come within 5 ms of each other are one frame. */
    int64_t from = clock_monotonic_us(), last = 0;
    size_t count = 0;
    while (clock_monotonic_us() - from < b->seconds * US_PER_S) {
        uint64_t before = pty_read_count(p);
        pty_run(p, 1);
        if (pty_read_count(p) == before)
            continue;
        count += pty_last_us(p) - last > 5000;
        last = pty_last_us(p);
    }
    row.seen[0] = (double)count / b->seconds;
    end(p);
    rig_configure(&b->rig, NULL);
    print_row(b, &row);
}

/* ---- a reader that stalls */

static void stalled(struct bench *b)
{
    char what[96];
    snprintf(what, sizeof what, "engine tick late at most, reader stalled for %d s", b->stall);
    struct row tick = {what, "ms", 50, {NAN, NAN, NAN}, 1};
    struct row right = {
        "stalled reader back: newest state on the screen after", "ms", 100, {NAN, NAN, NAN}, 1};
    char path[80];
    struct str text = {0};
    snprintf(path, sizeof path, "%s/ticks", b->rig.folder);
    str_addf(&text,
             "platform: rig\nsources:\n"
             "  - {name: tick, kind: command, command: [%s, --tick, %s], every: 250ms,\n"
             "     map: {kind: signal, name: ticker, value: /value}}\n"
             "  - {name: shard, kind: command, command: [cat, %s/shard.json], every: 1s,\n"
             "     map: {kind: shard, name: docs/shard-5, state: {from: /state, Active: ok, Dead: down}}}\n",
             b->self, path, b->rig.folder);
    rig_write(&b->rig, "belay.yaml", str_text(&text));
    rig_write(&b->rig, "shard.json", "{\"state\":\"Active\"}");
    struct pty *p = start_rig(b, 200, 50, "shards 1 ok");
    int64_t from = clock_monotonic_us();
    pty_stall(p, true);
    for (int second = 0; second < b->stall; second++) {
        /* Redraws fill the tty at once. */
        for (int i = 0; i < 10; i++)
            pty_type(p, "\x0c");
        if (second == b->stall / 2)
            rig_write(&b->rig, "shard.json", "{\"state\":\"Dead\"}");
        pty_run(p, 1000);
    }
    int64_t back = clock_monotonic_us();
    tick.seen[0] = ticking_worst_ms(path, from + US_PER_S, back, 250 * US_PER_MS);
    if (tick.seen[0] < 0)
        tick.seen[0] = NAN;
    pty_stall(p, false);
    if (pty_wait(p, "Dead", WAIT_MS))
        right.seen[0] = (double)(pty_last_us(p) - back) / 1000;
    end(p);
    str_fini(&text);
    rig_configure(&b->rig, NULL);
    print_row(b, &tick);
    print_row(b, &right);
}

/* ---- main */

static int number_option(const char *text)
{
    int value = atoi(text);
    if (value < 1)
        give_up(NULL, "a number from 1 on is wanted");
    return value;
}

static void read_options(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (str_eq(argv[i], "--belay"))
            b->belay = argv[i + 1];
        else if (str_eq(argv[i], "--seconds"))
            b->seconds = number_option(argv[i + 1]);
        else if (str_eq(argv[i], "--stall"))
            b->stall = number_option(argv[i + 1]);
        else if (str_eq(argv[i], "--rounds"))
            b->rounds = number_option(argv[i + 1]);
        else if (str_eq(argv[i], "--only"))
            b->only = argv[i + 1];
        else
            give_up(
                NULL,
                "usage: bench_terminal --belay PATH [--seconds N] [--stall N] [--rounds N] [--only TEXT]");
    }
    if (!b->belay)
        give_up(NULL, "--belay PATH is missing");
}

int main(int argc, char **argv)
{
    if (argc == 3 && str_eq(argv[1], "--tick"))
        return ticking_tick(argv[2]);
    if (argc == 3 && str_eq(argv[1], "--count"))
        return ticking_count(argv[2]);
    static struct bench b = {.seconds = 20, .stall = 60, .rounds = 11};
    static char self[256];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        give_up(NULL, "/proc/self/exe");
    b.self = self;
    read_options(&b, argc, argv);
    const char *const demo[] = {b.belay, "demo", NULL};
    static const char *const htop[] = {"htop", NULL}, *const btop[] = {"btop", NULL};
    b.programs[0] = (struct program){"belay demo", demo, " quit", "j"};
    b.programs[1] = (struct program){"htop", htop, "F10Quit", "\x1b[B"};
    b.programs[2] = (struct program){"btop", btop, "menu", "\x1b[B"};
    rig_open(&b.rig);
    printf("| what | budget | belay | htop | btop | |\n|---|---|---|---|---|---|\n");
    static const struct {
        const char *name;
        void (*run)(struct bench *b);
    } parts[] = {{"first frame", first_frame}, {"nothing changes", nothing_changes},
                 {"ten change", ten_change},   {"many entities", many_entities},
                 {"frames", frames},           {"resources", resources},
                 {"stalled", stalled}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (wanted(&b, parts[i].name))
            parts[i].run(&b);
    rig_close(&b.rig);
    return b.over ? 1 : 0;
}
