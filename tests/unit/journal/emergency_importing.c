/* Its way back: once, whole, and provable, whenever somebody is killed. */
#include "emergency_pair.h"

static int refuse_place(void *data, const struct journal_moved *runs, size_t count, struct err *e)
{
    ++*(int *)data;
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_true(runs[i].here > 0);
    return err_set(e, ERR_BUSY, "a step still runs");
}

static void test_comes_back(void **state)
{
    struct pair *p = *state;
    char digest[SHA256_HEX_SIZE], *path = NULL;
    struct journal_import report;
    struct err e;
    begin(p);
    act(p, digest);
    /* The same numbers were used in the main journal meanwhile. */
    put(p->main, (struct event_draft){.kind = EVENT_INCIDENT_OPENED, .incident = JOURNAL_NEW});
    start_run(p->main, "bob@b.1", 3);
    import_all(p, &report);
    assert_int_equal(report.kept_runs, 0);
    assert_intact(p->main_folder);
    char *suffix = xasprintf(".imported-%lld", (long long)report.seq);
    other_intact(p->folder, suffix);
    free(suffix);
    assert_blob(p->main, digest, "what the step said");
    assert_int_equal(fence(p->main, "lock index"), 0);
    assert_true(fence(p->main, "run 1") > fence(p->main, "run 3"));
    assert_true(fence(p->main, "run 4") > fence(p->main, "run 1"));
    assert_int_equal(look(p->main, (struct journal_filter){.run = 3})->count, 1); /* bob's */
    struct seen *s = look(p->main, (struct journal_filter){.run = 4});
    assert_int_equal(s->count, 2);
    assert_string_equal(s->subject, "run 4");
    assert_int_equal(s->last_incident, 4);
    const enum event_kind outcomes[] = {EVENT_STEP_OUTCOME};
    assert_int_equal(look(p->main, (struct journal_filter){.kinds = outcomes, .kind_count = 1})->at_us, 5000);
    assert_int_equal(import(p, &report, &e), ERR_NOT_FOUND); /* it has another name now */
    /* Whoever still has the old name, and makes a folder there, has made no emergency journal. */
    char *late = path_join(p->folder, "spool");
    assert_int_equal(folder_make(late, 0700, NULL), 0);
    assert_null(waits(p));
    free(late);
    assert_int_equal(folder_remove(p->folder, NULL), 0);
    /* The next one is another one, and takes along what was imported. */
    free(p->folder);
    if (make(p, true, &p->folder, &e) < 0)
        fail_msg("make: %s", e.msg);
    p->other = other_open(p);
    other_intact(p->folder, "");
    import_all(p, &report);
    assert_int_equal(report.events, 0);
    assert_intact(p->main_folder);
    assert_int_equal(make(p, true, &path, &e), 0);
    free(p->folder);
    p->folder = path;
    assert_int_equal(make(p, true, &path, &e), ERR_EXISTS); /* one at a time */
    assert_string_equal(path, p->folder);
    free(path);
}

/* By a console that does not see the places. */
static void test_a_run_that_went_on_here(void **state)
{
    struct pair *p = *state;
    char digest[SHA256_HEX_SIZE];
    struct journal_import report;
    begin(p);
    act(p, digest);
    struct journal *blind = scratch_open(p->main_folder);
    put(blind, (struct event_draft){
                   .kind = EVENT_RUN_TAKEN,
                   .run = 1,
                   .claim = {.op = CLAIM_TAKE, .owner = "bob@b.1", .fence = fence(p->main, "run 1")}});
    journal_close(blind);
    int64_t bobs = fence(p->main, "run 1");
    size_t before = look(p->main, (struct journal_filter){.run = 1})->count;
    import_all(p, &report);
    assert_int_equal(report.kept_runs, 1);
    assert_int_equal(fence(p->main, "run 1"), bobs);
    struct seen *s = look(p->main, (struct journal_filter){.run = 1});
    assert_true(s->count > before);
    for (size_t i = before; i < s->count; i++)
        assert_int_equal(s->kinds[i], EVENT_IMPORT_KEPT);
    assert_intact(p->main_folder);
}

/* While it is imported, as often as it takes: all of it or nothing, and once. */
static void test_killed_while_it_is_imported(void **state)
{
    struct pair *p = *state;
    struct journal_import report = {0};
    uint64_t seed = rng_entropy();
    struct err e;
    char digest[SHA256_HEX_SIZE];
    print_message("seed %llu\n", (unsigned long long)seed);
    begin(p);
    act(p, digest);
    scratch_fill(p->other, 2000);
    int64_t before, after, there;
    struct journal_emergency emergency;
    assert_int_equal(journal_emergency_read(p->other, &emergency, NULL), 0);
    journal_last_seq(p->other, &there, NULL);
    journal_last_seq(p->main, &before, NULL);
    journal_close(p->main);
    journal_close(p->other);
    p->other = NULL;
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (child == 0) {
            p->main = main_open(p);
            _exit(journal_import(p->folder, p->main, "bob", NULL, NULL, &report, &e) == 0 ? 0 : 1);
        }
        kill_after(child, random_us(&seed, 150000));
        p->main = main_open(p);
        journal_last_seq(p->main, &after, NULL);
        if (after == before)
            assert_held(p);
        else
            assert_int_equal(after,
                             before + 2 + there - emergency.ready_seq /* and the lock that was given back */);
        journal_close(p->main);
    }
    p->main = main_open(p);
    int code = import(p, &report, &e);
    if (code != 0 && code != ERR_EXISTS && code != ERR_NOT_FOUND)
        fail_msg("import: %s", e.msg);
    journal_last_seq(p->main, &after, NULL);
    assert_int_equal(after, before + 2 + there - emergency.ready_seq /* and the lock that was given back */);
    assert_null(waits(p));
    assert_blob(p->main, digest, "what the step said");
    assert_int_equal(look(p->main, (struct journal_filter){.run = 3})->count, 2);
    assert_intact(p->main_folder);
    assert_true(access(p->folder, F_OK) != 0); /* put aside */
}

static void test_refusals(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    struct err e;
    int asked = 0;
    char digest[SHA256_HEX_SIZE];
    p->folder = xasprintf("%s/nothing", p->place);
    assert_int_equal(import(p, &report, &e), ERR_NOT_FOUND);
    free(p->folder);
    begin(p);
    act(p, digest);
    start_run(p->other, "alice@a.2", 0);
    journal_close(p->other);
    p->other = NULL;
    assert_int_equal(journal_import(p->folder, p->main, "bob", refuse_place, &asked, &report, &e), ERR_BUSY);
    assert_int_equal(asked, 1);
    assert_held(p);
    assert_int_equal(journal_emergency_open(p->folder, &e), 0); /* it goes on */
    char *folder = scratch_folder();
    struct journal *third = scratch_open(folder);
    scratch_fill(third, 60);
    assert_int_equal(journal_import(p->folder, third, "bob", NULL, NULL, &report, &e), ERR_FOREIGN);
    journal_close(third);
    scratch_remove(folder);
    char *inside = path_join(p->folder, "journal");
    struct journal *itself = scratch_open(inside);
    free(inside);
    assert_int_equal(journal_import(p->folder, itself, "bob", NULL, NULL, &report, &e), ERR_USAGE);
    journal_close(itself);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_run_that_went_on_here, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_while_it_is_imported, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
