/* Making an emergency journal: what it takes along, and that nobody goes on with that in the main one,
 * whenever somebody is killed. */
#include "emergency_pair.h"

static void test_takes_along(void **state)
{
    struct pair *p = *state;
    uint8_t hash[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    begin(p);
    struct seen *s = look(p->other, (struct journal_filter){.run = 1});
    assert_int_equal(s->kinds[0], EVENT_RUN_STARTED);
    assert_int_equal(s->kinds[1], EVENT_RUN_INPUT);
    sha256_bytes(document, strlen(document), hash);
    sha256_to_hex(hash, hex);
    assert_blob(p->other, hex, document);
    sha256_bytes("a\nb\n", 4, hash);
    sha256_to_hex(hash, hex);
    assert_blob(p->other, hex, "a\nb\n");
    struct journal_incident incident;
    assert_int_equal(journal_incident(p->other, 1, &incident, NULL), 0);
    assert_int_equal(journal_incident(p->other, 2, &incident, NULL), ERR_NOT_FOUND);
    assert_true(fence(p->other, "lock index") > 0);
    assert_int_equal(fence(p->other, "run 1"), 0);
    /* New numbers are new in the main journal, too. */
    put(p->other, (struct event_draft){.kind = EVENT_INCIDENT_OPENED, .incident = JOURNAL_NEW});
    assert_string_equal(look(p->other, (struct journal_filter){0})->subject, "INC-3");
    start_run(p->other, "alice@a.2", 0);
    assert_string_equal(look(p->other, (struct journal_filter){0})->subject, "run 3");
    other_intact(p->folder, "");
}

/* From the moment that it is there until it is imported. */
static void test_nobody_goes_on_in_the_main_one(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    struct err e;
    char digest[SHA256_HEX_SIZE], *path = waits(p);
    int64_t held = fence(p->main, "run 1");
    assert_null(path);
    assert_int_equal(try(p->main,
                         (struct event_draft){
                             .kind = EVENT_RUN_INPUT, .run = 1, .claim = {.op = CLAIM_CHECK, .fence = held}},
                         &e),
                     0);
    begin(p);
    path = waits(p);
    assert_string_equal(path, p->folder);
    free(path);
    assert_held(p);
    struct journal *second = main_open(p); /* and from every other console */
    struct journal *first = p->main;
    p->main = second;
    assert_held(p);
    p->main = first;
    journal_close(second);
    start_run(p->main, "bob@b.1", 0); /* what did not go along goes on */
    act(p, digest);
    assert_held(p);
    import_all(p, &report);
    assert_null(waits(p));
    assert_int_equal(try(p->main,
                         (struct event_draft){.kind = EVENT_RUN_CLAIMED,
                                              .run = 1,
                                              .claim = {.op = CLAIM_TAKE, .owner = "bob@b.1", .fence = held}},
                         &e),
                     ERR_CLAIMED); /* an old fence */
    assert_int_equal(
        try(p->main,
            (struct event_draft){
                .kind = EVENT_RUN_CLAIMED,
                .run = 1,
                .claim = {.op = CLAIM_TAKE, .owner = "bob@b.1", .fence = fence(p->main, "run 1")}},
            &e),
        0);
}

/* A console that writes on in the main journal: what it wrote of the run went along, or it was refused. */
static void test_a_writer_meanwhile(void **state)
{
    struct pair *p = *state;
    struct err e;
    int code = ERR_BUSY;
    int64_t held = fence(p->main, "run 1");
    pid_t child = fork();
    if (child == 0) {
        struct journal *main = main_open(p);
        struct event_draft draft = {
            .kind = EVENT_RUN_INPUT, .actor = "bob", .run = 1, .claim = {.op = CLAIM_CHECK, .fence = held}};
        do {
            usleep(20000);
            code = journal_append_wait(main, &draft, 1, NULL, NULL);
        } while (code == 0);
        _exit(code == ERR_CLAIMED ? 0 : 1);
    }
    int64_t end = clock_monotonic_us() + 20 * US_PER_S;
    while (code == ERR_BUSY && clock_monotonic_us() < end)
        code = make(p, true, &p->folder, &e);
    int status = -1;
    if (code != 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        if (code == ERR_BUSY)
            return; /* never a quiet moment: it was not made, and nothing is held */
        fail_msg("make: %s", e.msg);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    p->other = other_open(p);
    size_t count = look(p->main, (struct journal_filter){.run = 1})->count - 1; /* without the blob */
    struct journal_filter of_run = {.run = 1};
    struct seen *s = look(p->other, of_run);
    size_t ready = 0;
    for (size_t i = 0; i < s->count; i++)
        ready += s->kinds[i] == EVENT_JOURNAL_EMERGENCY;
    assert_int_equal(s->count - ready, count);
}

/* While it is made: it is there as a whole, or not at all, and can be made again. */
static void test_killed_while_it_is_made(void **state)
{
    struct pair *p = *state;
    uint64_t seed = rng_entropy();
    struct err e;
    size_t made = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    journal_close(p->main);
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        if (child == 0) {
            p->main = main_open(p);
            make(p, true, &p->folder, &e);
            _exit(0);
        }
        kill_after(child, random_us(&seed, 250000));
        p->main = main_open(p);
        char *path = waits(p);
        if (path) {
            made++;
            p->folder = path;
            other_intact(path, "");
            assert_held(p);
            folder_remove(path, NULL); /* again */
            free(path);
            p->folder = NULL;
        } else {
            assert_int_equal(
                try(p->main,
                    (struct event_draft){.kind = EVENT_RUN_INPUT,
                                         .run = 1,
                                         .claim = {.op = CLAIM_CHECK, .fence = fence(p->main, "run 1")}},
                    &e),
                0);
        }
        journal_close(p->main);
    }
    p->main = main_open(p);
    print_message("made %zu of 40\n", made);
    begin(p);
    assert_held(p);
}

static void test_without_the_main_one(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    struct err e = {0};
    assert_int_equal(make(p, false, &p->folder, &e), 0);
    p->other = other_open(p);
    start_run(p->other, "alice@a.2", 0);
    assert_string_equal(look(p->other, (struct journal_filter){0})->subject, "run 1");
    char *path = waits(p);
    assert_string_equal(path, p->folder);
    free(path);
    import_all(p, &report);
    assert_int_equal(look(p->main, (struct journal_filter){0})->kinds[0], EVENT_INCIDENT_OPENED);
    assert_int_equal(look(p->main, (struct journal_filter){.run = 3})->count, 1);
    assert_intact(p->main_folder);
}

/* Folders that somebody else may have laid out are no emergency journals. */
static void test_open_to_others(void **state)
{
    struct pair *p = *state;
    begin(p);
    assert_int_equal(chmod(p->folder, 0755), 0);
    assert_null(waits(p));
    assert_int_equal(chmod(p->folder, 0700), 0);
    assert_held(p);
    char *user = xasprintf("%s/belay-%u", p->place, (unsigned)geteuid());
    assert_int_equal(chmod(user, 0770), 0);
    assert_null(waits(p));
    assert_int_equal(chmod(user, 0700), 0);
    assert_held(p);
    free(user);
}

/* Of a journal for several: its group's, and everybody finds it. */
static void test_shared(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    struct stat st;
    struct err e = {0};
    static const int64_t runs[] = {1};
    const struct journal_options options = {
        .folder = p->main_folder, .platform = "test", .emergency = p->place, .shared = true};
    journal_close(p->main);
    assert_int_equal(chmod(p->main_folder, 02770), 0);
    if (!(p->main = journal_open(&options, &e)))
        fail_msg("journal_open: %s", e.msg);
    const struct journal_emergency_plan plan = {
        .main = &options, .from = p->main, .actor = "alice", .runs = runs, .run_count = 1};
    if (journal_emergency_make(&plan, &p->folder, &e) < 0)
        fail_msg("make: %s", e.msg);
    assert_int_equal(stat(p->folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    char *inside = path_join(p->folder, "journal"), *database = path_join(inside, "journal.db");
    assert_int_equal(stat(inside, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    assert_int_equal(stat(database, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    free(inside);
    free(database);
    assert_held(p);
    import_all(p, &report);
    assert_null(waits(p));
    assert_intact(p->main_folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_takes_along, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_goes_on_in_the_main_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_writer_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_while_it_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_the_main_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
