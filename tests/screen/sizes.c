/* The console at every size, on every page: nothing breaks, and the picture that was built up by differences
 * is the one that a fresh start of the screen gives. */
#include "tests/screen/expect.h"
#include "tests/screen/rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_open(&rig);
    rig_state_small(&rig, "Dead");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static const struct {
    int width, height;
} sizes[] = {{80, 24}, {120, 36}, {200, 50}, {160, 48}, {79, 23}, {100, 20}, {60, 40}, {40, 10}, {39, 10},
             {40, 9},  {20, 5},   {10, 3},   {3, 3},    {2, 2},   {1, 1},    {1, 50},  {200, 1}, {500, 100}};

/* What shows, with what goes on by itself taken out: times of day and ages. */
static void still_picture(struct pty *p, struct str *out)
{
    str_clear(out);
    for (const char *c = pty_screen(p); *c; c++)
        str_add_char(out, *c >= '0' && *c <= '9' ? '0' : *c);
}

static void expect_same_after_redraw(struct pty *p, const char *where)
{
    struct str before = {0}, after = {0};
    bool same = false;
    /* An age may have changed its width between the two, or a frame come in two parts: then once more. */
    for (int tries = 0; tries < 10 && !same; tries++) {
        pty_wait_quiet(p, 30 * (tries + 1), EXPECT_MS);
        still_picture(p, &before);
        uint64_t bytes = pty_byte_count(p);
        pty_type(p, "\x0c");
        for (int i = 0; i < 400 && pty_byte_count(p) == bytes; i++)
            pty_run(p, 5);
        pty_wait_quiet(p, 30 * (tries + 1), EXPECT_MS);
        still_picture(p, &after);
        same = strcmp(str_text(&before), str_text(&after)) == 0;
    }
    if (!same)
        fail_with_screen(p, "%s: the screen was\n%s\nand redrawn\n%s", where, str_text(&before),
                         str_text(&after));
    str_fini(&before);
    str_fini(&after);
}

/* Esc goes back a level and never quits, however often. */
static void to_dashboard(struct pty *p)
{
    for (int back = 0; back < 60; back++) {
        pty_type(p, ESCAPE);
        pty_run(p, 20);
        if (back >= 2 && pty_matches(p, "^ ?PROBLEMS"))
            return;
    }
    fail_with_screen(p, "Esc never comes back to the dashboard");
}

static void check_size(struct pty *p, int width, int height, const char *page)
{
    char where[80];
    snprintf(where, sizeof where, "page \"%s\" at %dx%d", page, width, height);
    pty_resize(p, width, height);
    pty_wait_quiet(p, 30, EXPECT_MS);
    if (pty_wait_end(p, 0) >= 0)
        fail_with_screen(p, "%s: it ended", where);
    if (width >= 40 && height >= 10)
        expect_screen(p, "rig");
    else if (width >= 20)
        expect_screen(p, "40x10"); /* says what it needs */
    if (width >= 20 && height >= 5)
        expect_same_after_redraw(p, where);
}

static void test_every_page_at_every_size(void **state)
{
    (void)state;
    static const char *const pages[] = {"",  "1", "2", "3", "4",   "5",   "6",   "7", "8", "9",
                                        "r", "i", "?", ":", "1\r", "3\r", "6\r", "n", "1/"};
    struct pty *p = rig_run(&rig, BELAY, NULL);
    expect_screen(p, "shard-5");
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        pty_resize(p, 120, 36);
        pty_wait_quiet(p, 60, EXPECT_MS);
        to_dashboard(p);
        pty_type(p, pages[i]);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            check_size(p, sizes[s].width, sizes[s].height, pages[i]);
    }
    pty_resize(p, 80, 24);
    to_dashboard(p);
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

static void test_started_at_every_size(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct pty *p =
            rig_run(&rig, BELAY, &(struct rig_start){.width = sizes[s].width, .height = sizes[s].height});
        for (int i = 0; i < EXPECT_MS / 20 && pty_byte_count(p) == 0; i++)
            pty_run(p, 20);
        assert_true(pty_byte_count(p) > 0);
        if (sizes[s].width >= 40 && sizes[s].height >= 10)
            expect_screen(p, "rig");
        pty_resize(p, 120, 36);
        expect_screen(p, "1 Breakers");
        pty_type(p, "q");
        expect_end(p, 0);
        pty_free(p);
    }
}

/* Sizes, keys and data all at once, then still: the picture must be whole. */
static void test_a_storm(void **state)
{
    (void)state;
    static const char *const keys[] = {"1", "3", "6",    "\t", "j", "k", "\r", "\x1b",
                                       "?", "s", "/s\r", "G",  "g", "Z", "t",  "\x0c"};
    struct rng rng;
    uint64_t seed = 20261122;
    rng_seed(&rng, seed);
    struct pty *p = rig_run(&rig, BELAY, NULL);
    expect_screen(p, "shard-5");
    for (int i = 0; i < 300; i++) {
        if (rng_below(&rng, 4) == 0)
            pty_resize(p, (int)rng_below(&rng, 200) + 1, (int)rng_below(&rng, 60) + 1);
        if (rng_below(&rng, 10) == 0)
            rig_state_many(&rig, 40 + rng_below(&rng, 40), 10, (uint64_t)i, true);
        pty_type(p, keys[rng_below(&rng, sizeof keys / sizeof *keys)]);
        pty_run(p, (int)rng_below(&rng, 12));
        if (pty_wait_end(p, 0) >= 0)
            fail_with_screen(p, "it ended in round %d, seed %llu", i, (unsigned long long)seed);
    }
    rig_state_small(&rig, "Dead");
    pty_resize(p, 120, 36);
    to_dashboard(p);
    pty_run(p, 1500);
    expect_same_after_redraw(p, "after the storm");
    pty_type(p, "q");
    expect_end(p, 0);
    pty_free(p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_started_at_every_size),
        TEST(test_every_page_at_every_size),
        TEST(test_a_storm),
    };
    return cmocka_run_group_tests_name("sizes", tests, NULL, NULL);
}
