/* What becomes of the state database when the file, the guard or the folder does not go along. */
#include "tests/unit/targets/state_rig.h"

static void overwrite(const char *path, off_t from, size_t length)
{
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_true(length <= sizeof noise);
    assert_int_equal(pwrite(fd, noise, length, from), (ssize_t)length);
    close(fd);
}

static void a_foreign_file_is_set_aside(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "state.db"), *aside = path_join(folder, "state.db.1");
    overwrite(path, 0, 4096);
    struct targets *t = open_in(folder);
    assert_non_null(targets_warning(t));
    assert_non_null(strstr(targets_warning(t), aside));
    assert_int_equal(access(aside, F_OK), 0);
    call(t, BREAKER_FAILURE);
    assert_int_equal(view_of(t, NAME).counts.failed, 1);
    targets_close(t);
    t = open_in(folder);
    assert_null(targets_warning(t));
    assert_int_equal(view_of(t, NAME).counts.failed, 1);
    targets_close(t);
    free(path);
    free(aside);
    done(folder);
}

/* While others have it open: they follow. */
static void damage_found_later_costs_no_call(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "state.db");
    struct targets *a = open_in(folder), *b;
    struct stat st;
    trip(a);
    assert_int_equal(guard_lock(a->guard, 0, NULL), 0);
    assert_int_equal(database_checkpoint(a->db, NULL), 0);
    guard_unlock(a->guard);
    targets_close(a);
    char *wal = xasprintf("%s-wal", path), *index = xasprintf("%s-shm", path);
    assert_int_equal(unlink(wal), 0); /* all of it is in the file */
    assert_int_equal(unlink(index), 0);
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = DATABASE_PAGE_BYTES; at < st.st_size; at += DATABASE_PAGE_BYTES)
        overwrite(path, at, DATABASE_PAGE_BYTES);
    a = open_in(folder);
    b = open_in(folder);
    call(a, BREAKER_SUCCESS);
    assert_non_null(targets_warning(a));
    call(b, BREAKER_SUCCESS);
    assert_null(targets_warning(b));
    assert_int_equal(view_of(a, NAME).counts.succeeded, 2);
    targets_close(a);
    targets_close(b);
    free(wal);
    free(index);
    free(path);
    done(folder);
}

static void a_reader_makes_nothing(void **state)
{
    (void)state;
    char *folder = scratch(), *path = path_join(folder, "state.db");
    struct targets *t, *writer;
    struct err e;
    assert_int_equal(targets_open(folder, false, true, &t, &e), ERR_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    writer = open_in(folder);
    trip(writer);
    assert_int_equal(targets_open(folder, false, true, &t, &e), 0);
    assert_int_equal(view_of(t, NAME).state, BREAKER_OPEN);
    targets_close(t);
    targets_close(writer);
    free(path);
    done(folder);
}

static void the_write_ahead_log_stays_small(void **state)
{
    (void)state;
    char *folder = scratch(), *wal = path_join(folder, "state.db-wal");
    struct targets *t = open_in(folder);
    for (int i = 0; i < 1000; i++)
        call(t, BREAKER_SUCCESS);
    struct stat st;
    assert_int_equal(stat(wal, &st), 0);
    if (st.st_size > 160000)
        fail_msg("%lld bytes", (long long)st.st_size);
    targets_close(t);
    free(wal);
    done(folder);
}

/* Another process holds the guard of a folder that has no database yet. */
static void a_deadline_bounds_the_making(void **state)
{
    (void)state;
    char *folder = scratch(), *lock = path_join(folder, "state.lock");
    struct guard *guard = NULL;
    struct targets *t = NULL;
    struct err e = {0};
    int64_t least_us = INT64_MAX;
    assert_int_equal(guard_open(lock, 0600, &guard, &e), 0);
    assert_int_equal(guard_lock(guard, 0, &e), 0);
    for (int i = 0; i < 5; i++) { /* the machine may be busy: once is enough */
        int64_t start_us = clock_monotonic_us();
        assert_int_equal(targets_open_within(folder, false, false, 10, &t, &e), ERR_BUSY);
        int64_t took_us = clock_monotonic_us() - start_us;
        least_us = took_us < least_us ? took_us : least_us;
    }
    if (least_us >= GUARD_WAIT_US)
        fail_msg("it waited for %lld us", (long long)least_us);
    guard_unlock(guard);
    assert_int_equal(targets_open_within(folder, false, false, 10, &t, &e), 0);
    targets_close(t);
    guard_close(guard);
    free(lock);
    done(folder);
}

static void whoever_holds_the_guard_is_named(void **state)
{
    (void)state;
    char *folder = scratch();
    struct targets *a = open_in(folder), *b = open_in(folder);
    call(a, BREAKER_SUCCESS);
    call(b, BREAKER_SUCCESS);
    assert_int_equal(guard_lock(a->guard, 0, NULL), 0);
    struct target_admission admission;
    struct breaker_rules rules = breaker_rules_default();
    struct err e = {0};
    assert_int_equal(admit(b, &admission, NULL), 1); /* a plain call only reads */
    int64_t start = clock_monotonic_us();
    assert_int_equal(target_resolve(b, NAME, &rules, &admission, BREAKER_SUCCESS, 1, 0, 0, &e), ERR_BUSY);
    assert_true(clock_monotonic_us() - start >= 1900000);
    assert_non_null(strstr(e.msg, "held for more than"));
    guard_unlock(a->guard);
    call(b, BREAKER_SUCCESS);
    targets_close(a);
    targets_close(b);
    done(folder);
}

static void names_have_their_limits(void **state)
{
    (void)state;
    char *folder = scratch(), name[200];
    struct targets *t = open_in(folder);
    struct breaker_rules rules = breaker_rules_default();
    struct target_admission a;
    memset(name, 'x', sizeof name);
    name[129] = '\0';
    assert_int_equal(target_admit(t, name, &rules, &a, NULL, NULL, NULL), ERR_RANGE);
    assert_int_equal(target_admit(t, "", &rules, &a, NULL, NULL, NULL), ERR_RANGE);
    name[128] = '\0';
    assert_int_equal(target_admit(t, name, &rules, &a, NULL, NULL, NULL), 1);
    assert_int_equal(target_resolve(t, name, &rules, &a, BREAKER_SUCCESS, 1, 0, 0, NULL), 0);
    view_of(t, name);
    targets_close(t);
    done(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_file_is_set_aside),  cmocka_unit_test(damage_found_later_costs_no_call),
        cmocka_unit_test(a_reader_makes_nothing),       cmocka_unit_test(the_write_ahead_log_stays_small),
        cmocka_unit_test(a_deadline_bounds_the_making), cmocka_unit_test(whoever_holds_the_guard_is_named),
        cmocka_unit_test(names_have_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
