/* An emergency journal: what it takes along, that nobody goes on with it in the main one meanwhile, and its
 * way back, once, whole, and provable, whenever somebody is killed. */
#include "scratch.h"

#include <signal.h>

#include "engine/journal/journal.h"

struct pair {
    char *main_folder, *place;
    char *folder; /* of the emergency journal */
    struct journal *main, *other;
};

static const char document[] = "# Drain\n\n```bash {name=drain}\ntrue\n```\n";

static int64_t put(struct journal *j, struct event_draft draft)
{
    struct journal_result result;
    struct err e = {0};
    if (!draft.actor)
        draft.actor = "alice";
    if (journal_append_wait(j, &draft, 1, &result, &e) < 0)
        fail_msg("append: %s", e.msg);
    return result.seq;
}

static void put_blob(struct journal *j, const char *text, int64_t run, char digest[static SHA256_HEX_SIZE])
{
    struct journal_blob_origin origin = {.actor = "alice", .what = "test", .run = run};
    assert_int_equal(journal_blob_put(j, &origin, text, strlen(text), digest, NULL, NULL, NULL), 0);
}

static int64_t start_run(struct journal *j, const char *owner, int64_t incident)
{
    char digest[SHA256_HEX_SIZE];
    put_blob(j, document, 0, digest);
    char *data = xasprintf("{\"blob\":\"%s\",\"owner\":\"%s\"}", digest, owner);
    int64_t seq = put(j, (struct event_draft){.kind = EVENT_RUN_STARTED,
                                              .data = data,
                                              .incident = incident,
                                              .run = JOURNAL_NEW,
                                              .claim = {.op = CLAIM_TAKE, .owner = owner}});
    free(data);
    return seq;
}

static void end_run(struct journal *j, int64_t run, int64_t fence)
{
    put(j, (struct event_draft){.kind = EVENT_RUN_ENDED,
                                .run = run,
                                .outcome = "ok",
                                .claim = {.op = CLAIM_RELEASE, .fence = fence}});
}

static struct journal *main_open(const struct pair *p)
{
    struct journal_options options = {
        .folder = p->main_folder, .platform = "test", .create = true, .emergency = p->place};
    struct err e = {0};
    struct journal *j = journal_open(&options, &e);
    if (!j)
        fail_msg("journal_open: %s", e.msg);
    return j;
}

/* INC-1, run 1 open with a lock, run 2 ended, INC-2 closed. */
static int setup(void **state)
{
    struct pair *p = xcalloc(1, sizeof *p);
    p->main_folder = scratch_folder();
    p->place = scratch_folder();
    p->main = main_open(p);
    put(p->main,
        (struct event_draft){.kind = EVENT_INCIDENT_OPENED, .incident = JOURNAL_NEW, .summary = "slow"});
    start_run(p->main, "alice@a.1", 1);
    char items[SHA256_HEX_SIZE];
    put_blob(p->main, "a\nb\n", 0, items);
    char *data = xasprintf("{\"input\":{\"items\":[{\"step\":\"a\",\"digest\":\"%s\",\"count\":2}]}}", items);
    put(p->main, (struct event_draft){.kind = EVENT_RUN_INPUT,
                                      .subject = "run 1",
                                      .run = 1,
                                      .incident = 1,
                                      .data = data,
                                      .at_us = 1000});
    free(data);
    put_blob(p->main, "what an earlier step said", 1, items);
    put(p->main, (struct event_draft){.kind = EVENT_RUN_INPUT,
                                      .subject = "run 1",
                                      .run = 1,
                                      .claim = {.op = CLAIM_TAKE, .key = "lock index", .owner = "run 1"}});
    end_run(p->main, 2, start_run(p->main, "alice@a.1", 0));
    put(p->main,
        (struct event_draft){.kind = EVENT_INCIDENT_OPENED, .incident = JOURNAL_NEW, .summary = "old"});
    put(p->main, (struct event_draft){.kind = EVENT_INCIDENT_CLOSED, .incident = 2});
    scratch_fill(p->main, 40);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;
    journal_close(p->main);
    journal_close(p->other);
    scratch_remove(p->main_folder);
    scratch_remove(p->place);
    free(p->folder);
    free(p);
    return 0;
}

static int make(struct pair *p, bool readable, char **path, struct err *e)
{
    static const int64_t runs[] = {1};
    const struct journal_options options = {
        .folder = p->main_folder, .platform = "test", .emergency = p->place};
    const struct journal_emergency_plan plan = {.main = &options,
                                                .from = readable ? p->main : NULL,
                                                .actor = "alice",
                                                .runs = runs,
                                                .run_count = readable};
    *e = (struct err){0};
    return journal_emergency_make(&plan, path, e);
}

static struct journal *other_open(const struct pair *p)
{
    char *inside = path_join(p->folder, "journal");
    struct journal *j = scratch_open(inside);
    free(inside);
    return j;
}

static void begin(struct pair *p)
{
    struct err e;
    if (make(p, true, &p->folder, &e) < 0)
        fail_msg("make: %s", e.msg);
    p->other = other_open(p);
}

static int import(struct pair *p, struct journal_import *report, struct err *e)
{
    *e = (struct err){0};
    journal_close(p->other);
    p->other = NULL;
    return journal_import(p->folder, p->main, "bob", NULL, NULL, report, e);
}

static void import_all(struct pair *p, struct journal_import *report)
{
    struct err e;
    if (import(p, report, &e) < 0)
        fail_msg("import: %s", e.msg);
}

static void assert_intact(const char *folder);
static void other_intact(const char *folder, const char *suffix)
{
    char *inside = xasprintf("%s%s/journal", folder, suffix);
    assert_intact(inside);
    free(inside);
}

static void assert_intact(const char *folder)
{
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("not intact: %s", verdict.problem);
}

struct seen {
    size_t count;
    enum event_kind kinds[4096];
    int64_t last_run, last_incident, at_us;
    char subject[64];
};

static int see(const struct event *event, void *data)
{
    struct seen *s = data;
    s->kinds[s->count++] = event->kind;
    s->last_run = event->run;
    s->last_incident = event->incident;
    s->at_us = event->at_us;
    snprintf(s->subject, sizeof s->subject, "%s", event->subject);
    return 0;
}

static struct seen *look(struct journal *j, struct journal_filter filter)
{
    static struct seen s;
    s = (struct seen){0};
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, &filter, 4000, see, &s, NULL), 0);
    return &s;
}

static int one_piece(const void *bytes, size_t length, int64_t at, void *data)
{
    assert_int_equal(at, 0);
    str_add_bytes(data, bytes, length);
    return 0;
}

static void assert_blob(struct journal *j, const char *digest, const char *text)
{
    struct str read = {0};
    struct err e = {0};
    if (journal_blob_read(j, digest, 0, 0, one_piece, &read, &e) < 0)
        fail_msg("blob: %s", e.msg);
    assert_string_equal(str_text(&read), text);
    str_fini(&read);
}

static int fence_of(const struct claim *claim, void *data)
{
    struct claim *wanted = data;
    if (str_eq(claim->key, wanted->key)) {
        wanted->fence = claim->fence;
        wanted->op = CLAIM_CHECK;
    }
    return 0;
}

/* 0: nobody holds it. */
static int64_t fence(struct journal *j, const char *key)
{
    struct claim wanted = {.key = key};
    assert_int_equal(journal_claims(j, fence_of, &wanted, NULL), 0);
    return wanted.fence;
}

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

/* Run 1 goes on, a new incident and a new run begin. */
static void act(struct pair *p, char digest[static SHA256_HEX_SIZE])
{
    int64_t taken = put(p->other, (struct event_draft){.kind = EVENT_RUN_CLAIMED,
                                                       .subject = "run 1",
                                                       .run = 1,
                                                       .data = "{\"owner\":\"alice@a.2\"}",
                                                       .claim = {.op = CLAIM_TAKE, .owner = "alice@a.2"}});
    put_blob(p->other, "what the step said", 1, digest);
    put(p->other, (struct event_draft){.kind = EVENT_STEP_OUTCOME,
                                       .subject = "run 1",
                                       .run = 1,
                                       .at_us = 5000,
                                       .claim = {.op = CLAIM_CHECK, .fence = taken}});
    put(p->other,
        (struct event_draft){
            .kind = EVENT_RUN_INPUT,
            .run = 1,
            .claim = {.op = CLAIM_RELEASE, .key = "lock index", .fence = fence(p->other, "lock index")}});
    put(p->other, (struct event_draft){.kind = EVENT_INCIDENT_OPENED, .incident = JOURNAL_NEW, .data = "{}"});
    put(p->other, (struct event_draft){.kind = EVENT_INCIDENT_NOTED, .incident = 3, .summary = "a note"});
    start_run(p->other, "alice@a.2", 3);
    put(p->other, (struct event_draft){.kind = EVENT_RUN_INPUT, .subject = "run 3", .run = 3, .incident = 3});
}

static int first_path(const struct journal_waiting *waiting, void *data)
{
    assert_null(waiting->damage);
    *(char **)data = xstrdup(waiting->path);
    return 1;
}

static char *waits(struct pair *p)
{
    char *path = NULL;
    assert_int_equal(journal_waiting(p->main, first_path, &path, NULL), 0);
    return path;
}

static int try(struct journal *j, struct event_draft draft, struct err *e)
{
    struct journal_result result;
    *e = (struct err){0};
    draft.actor = "bob";
    return journal_append_wait(j, &draft, 1, &result, e);
}

/* Whatever the main journal is asked for about run 1. */
static void assert_held(struct pair *p)
{
    struct err e;
    int64_t held = fence(p->main, "run 1");
    const struct claim claims[] = {{.op = CLAIM_TAKE, .owner = "bob@b.1", .fence = held},
                                   {.op = CLAIM_CHECK, .fence = held},
                                   {.op = CLAIM_RELEASE, .fence = held},
                                   {.op = CLAIM_TAKE, .key = "lock other", .owner = "run 1"}};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        assert_int_equal(
            try(p->main, (struct event_draft){.kind = EVENT_RUN_INPUT, .run = 1, .claim = claims[i]}, &e),
            ERR_CLAIMED);
        assert_non_null(strstr(e.msg, "run 1 went on in the emergency journal"));
        assert_non_null(strstr(e.msg, p->folder));
    }
    assert_int_equal(fence(p->main, "run 1"), held);
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

/* ---- kill -9 ---- */

static void kill_after(pid_t child, int64_t us)
{
    int64_t end = clock_monotonic_us() + us;
    while (clock_monotonic_us() < end && waitpid(child, NULL, WNOHANG) == 0)
        ;
    if (kill(child, SIGKILL) == 0)
        waitpid(child, NULL, 0);
}

static int64_t random_us(uint64_t *seed, int64_t most)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(*seed >> 33) % most;
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

/* ---- and what is refused ---- */

static int refuse_place(void *data, const struct journal_moved *runs, size_t count, struct err *e)
{
    ++*(int *)data;
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_true(runs[i].here > 0);
    return err_set(e, ERR_BUSY, "a step still runs");
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

static void tamper(struct pair *p, const char *sql)
{
    char *inside = path_join(p->folder, "journal");
    journal_close(p->other);
    p->other = NULL;
    scratch_tamper(inside, sql);
    free(inside);
}

static void test_damaged(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    struct err e;
    char digest[SHA256_HEX_SIZE];
    begin(p);
    act(p, digest);
    tamper(p, "UPDATE event SET summary = 'another note' WHERE summary = 'a note';");
    assert_int_equal(import(p, &report, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.msg, "not intact"));
    assert_held(p);
}

/* Nobody knows what went along: nothing goes on. */
static void test_about_is_damaged(void **state)
{
    struct pair *p = *state;
    struct err e;
    begin(p);
    char *about = path_join(p->folder, "about");
    assert_int_equal(file_write_atomic(about, "what", 4, 0600, NULL), 0);
    free(about);
    assert_held(p);
    assert_int_equal(
        try(p->main, (struct event_draft){.kind = EVENT_RUN_INPUT, .run = 2, .claim = {.op = CLAIM_CHECK}},
            &e),
        ERR_CLAIMED);
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

/* What only says that it was imported, and what was taken out of an import. */
static void test_forged(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    char digest[SHA256_HEX_SIZE], hash[SHA256_HEX_SIZE];
    begin(p);
    act(p, digest);
    import_all(p, &report);
    memset(hash, 'a', sizeof hash - 1);
    hash[sizeof hash - 1] = '\0';
    char *data = xasprintf("{\"imported\":{\"id\":\"%s\",\"seq\":%d,\"incident\":0,\"run\":0,\"kind\":"
                           "\"incident.noted\",\"subject\":\"\",\"hash\":\"%s\"}}",
                           report.id, 1000, hash);
    put(p->main, (struct event_draft){.kind = EVENT_INCIDENT_NOTED, .data = data});
    free(data);
    struct journal_verdict verdict = scratch_verify(p->main_folder, NULL);
    assert_false(verdict.ok);
    assert_non_null(strstr(verdict.problem, "emergency journal"));
}

/* The whole of the main chain made anew, with an imported event changed: only the emergency chain tells. */
static void test_rewritten(void **state)
{
    struct pair *p = *state;
    struct journal_import report;
    struct err e;
    char digest[SHA256_HEX_SIZE];
    struct event_draft drafts[2] = {{.kind = EVENT_JOURNAL_IMPORTED, .actor = "mallory", .outcome = "ok"}};
    begin(p);
    act(p, digest);
    import_all(p, &report);
    /* An import that ends too early: its event names a head that never comes. */
    char id[SHA256_HEX_SIZE];
    memset(id, 'b', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    char *data = xasprintf("{\"id\":\"%s\",\"ready\":1,\"head\":{\"seq\":3,\"hash\":\"%s\"}}", id, id);
    drafts[0].subject = id;
    drafts[0].data = data;
    assert_int_equal(journal_append_wait(p->main, drafts, 1, NULL, &e), 0);
    free(data);
    struct journal_verdict verdict = scratch_verify(p->main_folder, NULL);
    assert_false(verdict.ok);
    assert_non_null(strstr(verdict.problem, "is missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_takes_along, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_goes_on_in_the_main_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_writer_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_run_that_went_on_here, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_while_it_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_while_it_is_imported, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_the_main_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_about_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewritten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
