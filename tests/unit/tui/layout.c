/* At every size nothing overlaps, nothing leaves the screen, and what is worst is shown first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "tui/layout.h"

#define PANELS   9
#define TIMELINE 5

static bool overlap(const struct rect *a, const struct rect *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

static bool inside(const struct rect *r, int width, int height)
{
    return r->x >= 0 && r->y >= 0 && r->width > 0 && r->height > 0 && r->x + r->width <= width &&
           r->y + r->height <= height;
}

static void test_every_size(void **state)
{
    (void)state;
    int worst[PANELS] = {0};
    for (int height = LAYOUT_HEIGHT_LEAST - 4; height <= 120; height++) {
        for (int width = LAYOUT_WIDTH_LEAST; width <= 300; width += 7) {
            struct layout layout;
            layout_make(&layout, width, height, worst, PANELS, TIMELINE);
            if (!inside(&layout.users, width, height) || !inside(&layout.problems, width, height)) {
                fail_msg("%dx%d: users or problems are off the screen", width, height);
            }
            for (size_t i = 0; i < layout.count; i++) {
                const struct rect *area = &layout.places[i].area;
                if (!inside(area, width, height) || overlap(area, &layout.users) ||
                    overlap(area, &layout.problems)) {
                    fail_msg("%dx%d: place %zu is at %d,%d %dx%d", width, height, i, area->x, area->y,
                             area->width, area->height);
                }
                for (size_t k = 0; k < i; k++) {
                    if (overlap(area, &layout.places[k].area) ||
                        layout.places[k].panel == layout.places[i].panel) {
                        fail_msg("%dx%d: places %zu and %zu overlap", width, height, k, i);
                    }
                }
            }
        }
    }
}

static void test_the_pictured_sizes(void **state)
{
    (void)state;
    int worst[PANELS] = {0};
    struct layout layout;
    layout_make(&layout, 120, 34, worst, PANELS, TIMELINE);
    assert_int_equal(layout.kind, LAYOUT_TILES);
    assert_int_equal(layout.columns, 2);
    assert_int_equal(layout.count, 6);
    assert_int_equal(layout.problems.height, 3);
    layout_make(&layout, 80, 22, worst, PANELS, TIMELINE);
    assert_int_equal(layout.kind, LAYOUT_LINES);
    assert_int_equal(layout.count, PANELS);
    assert_true(layout.places[PANELS - 1].framed); /* what is left below the lines is the timeline's */
    assert_int_equal(layout.places[PANELS - 1].panel, TIMELINE);
    layout_make(&layout, 200, 48, worst, PANELS, TIMELINE);
    assert_int_equal(layout.columns, 3);
    assert_int_equal(layout.count, PANELS);
    int filled = 0;
    for (size_t i = 0; i < layout.count; i++) {
        filled += layout.places[i].area.width * layout.places[i].area.height;
    }
    assert_int_equal(filled, 200 * 44);
}

static bool has(const struct layout *layout, size_t panel)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->places[i].panel == panel) {
            return true;
        }
    }
    return false;
}

static void test_the_worst_are_shown(void **state)
{
    (void)state;
    int worst[PANELS] = {0, 1, 0, 3, 0, 0, 2, 0, 3};
    struct layout layout;
    layout_make(&layout, 40, 8, worst, PANELS, TIMELINE);
    assert_int_equal(layout.kind, LAYOUT_LINES);
    assert_true(layout.count < PANELS);
    assert_true(layout.count >= 4);
    assert_true(has(&layout, 3) && has(&layout, 8) && has(&layout, 6) && has(&layout, 1));
    for (size_t i = 1; i < layout.count; i++) {
        assert_true(layout.places[i].panel > layout.places[i - 1].panel); /* in their own order */
    }
    for (int height = 2; height < 16; height++) { /* fewer rows never show something better instead */
        layout_make(&layout, 40, height, worst, PANELS, TIMELINE);
        int shown_least = 9, hidden_most = -1;
        for (size_t i = 0; i < PANELS; i++) {
            if (has(&layout, i)) {
                shown_least = worst[i] < shown_least ? worst[i] : shown_least;
            } else {
                hidden_most = worst[i] > hidden_most ? worst[i] : hidden_most;
            }
        }
        assert_true(shown_least >= hidden_most || layout.count == 0);
    }
}

static void test_neighbours(void **state)
{
    (void)state;
    int worst[PANELS] = {0};
    struct layout layout;
    layout_make(&layout, 120, 34, worst, PANELS, TIMELINE);
    assert_int_equal(layout_neighbour(&layout, 0, 1, 0), 1);
    assert_int_equal(layout_neighbour(&layout, 1, -1, 0), 0);
    assert_int_equal(layout_neighbour(&layout, 1, 1, 0), 1);
    assert_int_equal(layout_neighbour(&layout, 1, 0, 1), 3);
    assert_int_equal(layout_neighbour(&layout, 3, 0, -1), 1);
    assert_int_equal(layout_neighbour(&layout, 5, 0, 1), 5);
    assert_int_equal(layout_neighbour(&layout, 99, 0, 1), 99);
    /* From everywhere everything can be reached. */
    static const int sizes[][2] = {{120, 34}, {80, 22}, {200, 48}, {40, 8}, {80, 60}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        layout_make(&layout, sizes[s][0], sizes[s][1], worst, PANELS, TIMELINE);
        bool reached[PANELS] = {true};
        for (size_t turn = 0; turn < PANELS; turn++) {
            for (size_t i = 0; i < layout.count; i++) {
                if (reached[i]) {
                    reached[layout_neighbour(&layout, i, 1, 0)] =
                        reached[layout_neighbour(&layout, i, -1, 0)] = true;
                    reached[layout_neighbour(&layout, i, 0, 1)] =
                        reached[layout_neighbour(&layout, i, 0, -1)] = true;
                }
            }
        }
        for (size_t i = 0; i < layout.count; i++) {
            assert_true(reached[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_the_pictured_sizes),
        cmocka_unit_test(test_the_worst_are_shown),
        cmocka_unit_test(test_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
