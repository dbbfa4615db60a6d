/* Breakers that are kept in memory and shared: between two consoles, with the shell, and without the loop
 * ever waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/io/io.h"
#include "engine/targets/row.h"

#define PATIENCE_US (60 * US_PER_S)

struct side {
    struct keeper *keeper;
    struct kept kept;
    int changes, forced, code;
};

static void on_change(void *data)
{
    ((struct side *)data)->changes++;
}

static void on_forced(void *data, int code, const char *message)
{
    struct side *s = data;
    (void)message;
    s->forced++;
    s->code = code;
}

static void side_open(struct side *s, struct loop *loop, const char *folder)
{
    struct breaker_rules rules = breaker_rules_default();
    struct keeper_options options = {.folder = folder, .changed = on_change, .data = s};
    *s = (struct side){0};
    kept_init(&s->kept, "source", "source/api", &rules);
    s->keeper = keeper_new(loop, &options);
    keeper_add(s->keeper, &s->kept);
}

static void side_close(struct side *s)
{
    keeper_free(s->keeper);
    kept_fini(&s->kept);
}

#define TURN_UNTIL(loop, condition)                                                                          \
    do {                                                                                                     \
        int64_t end_ = clock_monotonic_us() + PATIENCE_US;                                                   \
        while (!(condition)) {                                                                               \
            if (clock_monotonic_us() > end_)                                                                 \
                fail_msg("waited too long: %s", #condition);                                                 \
            loop_run_once(loop, US_PER_S / 20);                                                              \
        }                                                                                                    \
    } while (0)

static void fail_times(struct kept *k, int times)
{
    struct failure f = {.class = FAILURE_SERVER, .text = "HTTP 503"};
    for (int i = 0; i < times; i++) {
        assert_true(kept_admit(k));
        kept_end(k, &f, 3, 0);
    }
}

static char *scratch(void)
{
    char *folder = xstrdup("/tmp/belay-keeper-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void one_trips_for_all(void **state)
{
    (void)state;
    char *folder = scratch();
    struct loop *loop = loop_new(NULL);
    struct side a, b, c;
    side_open(&a, loop, folder);
    side_open(&b, loop, folder);
    TURN_UNTIL(loop, keeper_ready(a.keeper) && keeper_ready(b.keeper));
    fail_times(&b.kept, 2);
    fail_times(&a.kept, 5);
    assert_false(kept_admit(&a.kept));
    assert_int_equal(kept_state(&a.kept), BREAKER_OPEN);
    assert_true(kept_wait_ms(&a.kept) > 50000);
    TURN_UNTIL(loop, kept_state(&b.kept) == BREAKER_OPEN);
    assert_false(kept_admit(&b.kept));
    TURN_UNTIL(loop, b.kept.breaker.counts.failed == 7);
    side_close(&a);
    side_close(&b);
    /* Who comes later finds it. */
    side_open(&c, loop, folder);
    TURN_UNTIL(loop, kept_state(&c.kept) == BREAKER_OPEN);
    size_t count;
    const struct target_view *views = keeper_views(c.keeper, &count);
    assert_int_equal(count, 1);
    assert_string_equal(views[0].last_error, "HTTP 503");
    side_close(&c);
    loop_free(loop);
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

static void forced_by_hand(void **state)
{
    (void)state;
    char *folder = scratch();
    struct loop *loop = loop_new(NULL);
    struct side a, b;
    struct target_hand hand = {.actor = "alice", .reason = "drill"};
    side_open(&a, loop, folder);
    side_open(&b, loop, folder);
    TURN_UNTIL(loop, keeper_ready(a.keeper) && keeper_ready(b.keeper));
    keeper_force(a.keeper, "nobody", BREAKER_DISABLED, &hand, on_forced, &a);
    TURN_UNTIL(loop, a.forced == 1);
    assert_int_equal(a.code, ERR_NOT_FOUND);
    keeper_force(a.keeper, "source/api", BREAKER_FORCED_OPEN, &hand, on_forced, &a);
    TURN_UNTIL(loop, a.forced == 2);
    assert_int_equal(a.code, 0);
    TURN_UNTIL(loop,
               kept_state(&a.kept) == BREAKER_FORCED_OPEN && kept_state(&b.kept) == BREAKER_FORCED_OPEN);
    assert_false(kept_admit(&b.kept));
    assert_string_equal(b.kept.hand.actor, "alice");
    keeper_force(b.keeper, "source/api", BREAKER_CLOSED, &hand, on_forced, &b);
    TURN_UNTIL(loop, kept_state(&a.kept) == BREAKER_CLOSED && kept_state(&b.kept) == BREAKER_CLOSED);
    assert_true(kept_admit(&a.kept));
    side_close(&a);
    side_close(&b);
    loop_free(loop);
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

/* Somebody keeps the guard: breakers go on in memory, and the trouble is told. */
static void the_loop_never_waits(void **state)
{
    (void)state;
    char *folder = scratch();
    struct loop *loop = loop_new(NULL);
    struct targets *other;
    struct err e;
    struct side a;
    assert_int_equal(targets_open(folder, false, false, &other, &e), 0);
    side_open(&a, loop, folder);
    TURN_UNTIL(loop, keeper_ready(a.keeper));
    assert_int_equal(guard_lock(other->guard, 0, &e), 0);
    fail_times(&a.kept, 5);
    int64_t longest = 0, end = clock_monotonic_us() + PATIENCE_US;
    while (!keeper_trouble(a.keeper) && clock_monotonic_us() < end) {
        int64_t start = clock_monotonic_us();
        loop_run_once(loop, 10 * US_PER_MS);
        int64_t took = clock_monotonic_us() - start;
        longest = took > longest ? took : longest;
    }
    assert_non_null(keeper_trouble(a.keeper));
    assert_true(longest < US_PER_S); /* a guard is waited for two seconds */
    assert_int_equal(kept_state(&a.kept), BREAKER_OPEN);
    guard_unlock(other->guard);
    TURN_UNTIL(loop, !keeper_trouble(a.keeper));
    size_t count;
    TURN_UNTIL(loop, keeper_views(a.keeper, &count) && count == 1);
    side_close(&a);
    targets_close(other);
    loop_free(loop);
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

/* No process writes anything when a cool-down is over. */
static void time_alone_is_noticed(void **state)
{
    (void)state;
    char *folder = scratch();
    struct loop *loop = loop_new(NULL);
    struct breaker_rules rules = breaker_rules_default();
    struct targets *shell;
    struct target_admission call;
    struct side a;
    struct err e;
    size_t count;
    assert_int_equal(breaker_rules_parse("failures=1,cool-down=2s,cap=2s", &rules, &e), 0);
    assert_int_equal(targets_open(folder, false, false, &shell, &e), 0);
    assert_int_equal(target_admit(shell, "pay-api", &rules, &call, NULL, NULL, &e), 1);
    assert_int_equal(target_resolve(shell, "pay-api", &rules, &call, BREAKER_FAILURE, 1, 0, 0, &e), 0);
    side_open(&a, loop, folder);
    TURN_UNTIL(loop, keeper_views(a.keeper, &count) && count == 1);
    TURN_UNTIL(loop, keeper_views(a.keeper, &count)[0].state == BREAKER_HALF_OPEN);
    targets_close(shell);
    side_close(&a);
    loop_free(loop);
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

/* What was read is read again before it is wrong: when time alone changes it. */
static void what_was_read_is_good_for_a_while(void **state)
{
    (void)state;
    const int64_t minute = 60 * US_PER_S, wall = 1000 * minute;
    struct target_view old = {.used_wall_us = wall - 61 * minute, .due_ms = 3}, /* has no breaker */
        fades = {.used_wall_us = wall - 59 * minute, .has_breaker = true, .due_ms = -1},
                       open = {.used_wall_us = wall - 61 * minute, .has_breaker = true, .due_ms = 60000},
                       soon = {.used_wall_us = wall, .has_breaker = true, .due_ms = 200};
    assert_true(views_good_ms(NULL, 0, wall) == INT64_MAX);
    assert_true(views_good_ms(&old, 1, wall) == INT64_MAX);
    assert_int_equal(views_good_ms((struct target_view[]){old, fades}, 2, wall), 15000);
    assert_int_equal(views_good_ms((struct target_view[]){open, fades}, 2, wall), 5000);
    assert_int_equal(views_good_ms((struct target_view[]){fades, soon, open}, 3, wall), 200);
    assert_int_equal(views_good_ms(&soon, 1, wall - 120 * minute), 200); /* the wall clock was set back */
}

static void what_is_refused_or_rests(void **state)
{
    (void)state;
    struct breaker_rules rules = breaker_rules_default();
    struct kept k;
    struct failure limited = {.class = FAILURE_LIMITED, .text = "HTTP 429"},
                   missing = {.class = FAILURE_NOT_FOUND, .text = "HTTP 404"};
    kept_init(&k, "source", "source/x", &rules);
    for (int i = 0; i < 10; i++) { /* an answer that says no is no failure of the target */
        assert_true(kept_admit(&k));
        kept_end(&k, &missing, 1, 0);
    }
    assert_true(kept_admit(&k));
    kept_end(&k, &limited, 1, 3000);
    assert_false(kept_admit(&k));
    assert_true(kept_wait_ms(&k) > 2000 && kept_wait_ms(&k) <= 3000);
    assert_int_equal(kept_state(&k), BREAKER_CLOSED);
    kept_end(&k, &limited, 1, 0); /* without a call under way nothing is counted */
    assert_int_equal(k.breaker.counts.admitted, 11);
    kept_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_trips_for_all),        cmocka_unit_test(forced_by_hand),
        cmocka_unit_test(the_loop_never_waits),     cmocka_unit_test(time_alone_is_noticed),
        cmocka_unit_test(what_is_refused_or_rests), cmocka_unit_test(what_was_read_is_good_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
