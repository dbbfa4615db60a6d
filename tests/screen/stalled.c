/* A reader that stops reading for 20 s, as a hung SSH link does, while the platform changes every second: the
 * engine polls and journals on time, what waits for the reader doesn't pile up, and when it reads again the
 * screen is right within a frame. */
#include <math.h>
#include <time.h>

#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

#define SECONDS 20

static struct rig rig;

static int setup(void **test_state)
{
    (void)test_state;
    rig_open(&rig);
    return 0;
}

static int teardown(void **test_state)
{
    (void)test_state;
    rig_close(&rig);
    return 0;
}

/* One signal of a new name each second, high enough for a line of the journal. */
static void change(int second)
{
    char text[400];
    snprintf(text, sizeof text,
             "{\"breakers\":[],\"shards\":[{\"name\":\"shard-5\",\"state\":\"%s\"}],\"jobs\":[],\"signals\":"
             "[{\"name\":\"second-%02d\",\"value\":60}],\"components\":[]}\n",
             second >= SECONDS - 2 ? "Dead" : "Active", second);
    rig_write(&rig, "state.json", text);
}

/* Seconds of the day at which the journal says that a signal appeared. */
static size_t read_times(double *times, size_t most)
{
    char command[400], *line = NULL;
    size_t room = 0, count = 0;
    snprintf(command, sizeof command, "%s timeline --json --config %s/belay.yaml", BELAY, rig.folder);
    FILE *events = popen(command, "re");
    assert_non_null(events);
    while (count < most && getline(&line, &room, events) > 0) {
        cJSON *event = json_parse(line, strlen(line), NULL);
        const char *at = json_string(event, "at", "");
        int hours, minutes;
        double seconds;
        if (strstr(json_string(event, "summary", ""), "signal second-") &&
            str_eq(json_string(cJSON_GetObjectItem(event, "data"), "change", ""), "appeared") &&
            sscanf(at, "%*d-%*d-%*dT%d:%d:%lf", &hours, &minutes, &seconds) == 3)
            times[count++] = hours * 3600 + minutes * 60 + seconds;
        cJSON_Delete(event);
    }
    free(line);
    assert_int_equal(pclose(events), 0);
    return count;
}

/* The source is asked every second, so each second's signal is an event, a second after the one before. */
static void expect_events_on_time(void)
{
    double times[4 * SECONDS], worst = 0;
    size_t count = read_times(times, sizeof times / sizeof *times);
    for (size_t i = 1; i < count; i++) {
        double gap = times[i] - times[i - 1];
        worst = fmax(worst, gap < 0 ? gap + 86400 : gap);
    }
    print_message("%zu events while nobody read, the longest pause between two %.2f s\n", count, worst);
    assert_true(count >= SECONDS / 4);     /* an overloaded machine may miss some */
    assert_true(worst < SECONDS * 3 / 4.); /* an engine that waits for its reader pauses for all of them */
}

/* The screen without what may move on between two looks: ages, times, and the bars of the history. */
static void still_picture(struct pty *p, struct str *out)
{
    str_clear(out);
    for (const char *c = pty_screen(p); *c; c++) {
        bool bar = c[0] == '\xE2' && c[1] == '\x96'; /* U+2580 to U+25BF */
        if (bar)
            c += 2;
        else if (*c != ' ')
            str_add_char(out, *c >= '0' && *c <= '9' ? '0' : *c);
    }
}

/* What was built up by differences is what a redraw gives. */
static void expect_whole(struct pty *p)
{
    struct str seen = {0}, redrawn = {0};
    pty_wait_quiet(p, 1500, EXPECT_MS); /* the source is asked each second: what it changes has been drawn */
    still_picture(p, &seen);
    uint64_t before = pty_byte_count(p);
    pty_type(p, "\x0c");
    for (int i = 0; i < EXPECT_MS / 10 && pty_byte_count(p) == before; i++)
        pty_run(p, 10);
    pty_wait_quiet(p, 300, EXPECT_MS);
    still_picture(p, &redrawn);
    if (strcmp(str_text(&seen), str_text(&redrawn)) != 0)
        fail_with_screen(p, "the screen was\n%s", str_text(&seen));
    str_fini(&seen);
    str_fini(&redrawn);
}

static void test_the_engine_goes_on(void **test_state)
{
    (void)test_state;
    change(0);
    struct pty *p = rig_run(&rig, BELAY, &(struct rig_start){.width = 200, .height = 50});
    expect_screen(p, "second-00");
    expect_screen(p, "q quit");
    pty_wait_quiet(p, 300, EXPECT_MS);
    long memory = pty_usage(p).rss_kb;
    pty_stall(p, true);
    for (int second = 1; second <= SECONDS; second++) {
        for (int i = 0; i < 10; i++)
            pty_type(p, "\x0c"); /* redraws: more than a tty holds */
        change(second);
        pty_run(p, 1000);
    }
    pty_run(p, 1500);
    long grown = pty_usage(p).rss_kb - memory;
    uint64_t before = pty_byte_count(p);
    int64_t back = clock_monotonic_us();
    pty_stall(p, false);
    expect_screen(p, "second-20");
    expect_screen(p, "docs/shard-5.*Dead");
    double took = (double)(clock_monotonic_us() - back) / 1000;
    unsigned long long bytes = pty_byte_count(p) - before;
    print_message("right after %.1f ms and %llu bytes; %ld kB more memory than before\n", took, bytes, grown);
    assert_true(took < 1000);
    /* What the tty held, the rest of that frame, and one frame of now: no backlog of redraws. */
    assert_true(bytes < 100000);
    assert_true(grown < 4096);
    expect_whole(p);
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
    expect_events_on_time();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_engine_goes_on, setup, teardown)};
    return cmocka_run_group_tests_name("stalled", tests, NULL, NULL);
}
