/* An emergency journal and the main one that it is of, for the tests of making, importing and forging one. */
#ifndef BELAY_TESTS_EMERGENCY_PAIR_H
#define BELAY_TESTS_EMERGENCY_PAIR_H

#include "scratch.h"

#include <signal.h>

#include "engine/journal/journal.h"

struct pair {
    char *main_folder, *place;
    char *folder; /* of the emergency journal */
    struct journal *main, *other;
};

static const char document[] = "# Drain\n\n```bash {name=drain}\ntrue\n```\n";

static inline int64_t put(struct journal *j, struct event_draft draft)
{
    struct journal_result result;
    struct err e = {0};
    if (!draft.actor)
        draft.actor = "alice";
    if (journal_append_wait(j, &draft, 1, &result, &e) < 0)
        fail_msg("append: %s", e.msg);
    return result.seq;
}

static inline void put_blob(struct journal *j, const char *text, int64_t run,
                            char digest[static SHA256_HEX_SIZE])
{
    struct journal_blob_origin origin = {.actor = "alice", .what = "test", .run = run};
    assert_int_equal(journal_blob_put(j, &origin, text, strlen(text), digest, NULL, NULL, NULL), 0);
}

static inline int64_t start_run(struct journal *j, const char *owner, int64_t incident)
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

static inline void end_run(struct journal *j, int64_t run, int64_t fence)
{
    put(j, (struct event_draft){.kind = EVENT_RUN_ENDED,
                                .run = run,
                                .outcome = "ok",
                                .claim = {.op = CLAIM_RELEASE, .fence = fence}});
}

static inline struct journal *main_open(const struct pair *p)
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
static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline int make(struct pair *p, bool readable, char **path, struct err *e)
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

static inline struct journal *other_open(const struct pair *p)
{
    char *inside = path_join(p->folder, "journal");
    struct journal *j = scratch_open(inside);
    free(inside);
    return j;
}

static inline void begin(struct pair *p)
{
    struct err e;
    if (make(p, true, &p->folder, &e) < 0)
        fail_msg("make: %s", e.msg);
    p->other = other_open(p);
}

static inline int import(struct pair *p, struct journal_import *report, struct err *e)
{
    *e = (struct err){0};
    journal_close(p->other);
    p->other = NULL;
    return journal_import(p->folder, p->main, "bob", NULL, NULL, report, e);
}

static inline void import_all(struct pair *p, struct journal_import *report)
{
    struct err e;
    if (import(p, report, &e) < 0)
        fail_msg("import: %s", e.msg);
}

static inline void assert_intact(const char *folder);
static inline void other_intact(const char *folder, const char *suffix)
{
    char *inside = xasprintf("%s%s/journal", folder, suffix);
    assert_intact(inside);
    free(inside);
}

static inline void assert_intact(const char *folder)
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

static inline int see(const struct event *event, void *data)
{
    struct seen *s = data;
    s->kinds[s->count++] = event->kind;
    s->last_run = event->run;
    s->last_incident = event->incident;
    s->at_us = event->at_us;
    snprintf(s->subject, sizeof s->subject, "%s", event->subject);
    return 0;
}

static inline struct seen *look(struct journal *j, struct journal_filter filter)
{
    static struct seen s;
    s = (struct seen){0};
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, &filter, 4000, see, &s, NULL), 0);
    return &s;
}

static inline int one_piece(const void *bytes, size_t length, int64_t at, void *data)
{
    assert_int_equal(at, 0);
    str_add_bytes(data, bytes, length);
    return 0;
}

static inline void assert_blob(struct journal *j, const char *digest, const char *text)
{
    struct str read = {0};
    struct err e = {0};
    if (journal_blob_read(j, digest, 0, 0, one_piece, &read, &e) < 0)
        fail_msg("blob: %s", e.msg);
    assert_string_equal(str_text(&read), text);
    str_fini(&read);
}

static inline int fence_of(const struct claim *claim, void *data)
{
    struct claim *wanted = data;
    if (str_eq(claim->key, wanted->key)) {
        wanted->fence = claim->fence;
        wanted->op = CLAIM_CHECK;
    }
    return 0;
}

/* 0: nobody holds it. */
static inline int64_t fence(struct journal *j, const char *key)
{
    struct claim wanted = {.key = key};
    assert_int_equal(journal_claims(j, fence_of, &wanted, NULL), 0);
    return wanted.fence;
}

/* Run 1 goes on, a new incident and a new run begin. */
static inline void act(struct pair *p, char digest[static SHA256_HEX_SIZE])
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

static inline int first_path(const struct journal_waiting *waiting, void *data)
{
    assert_null(waiting->damage);
    *(char **)data = xstrdup(waiting->path);
    return 1;
}

static inline char *waits(struct pair *p)
{
    char *path = NULL;
    assert_int_equal(journal_waiting(p->main, first_path, &path, NULL), 0);
    return path;
}

static inline int try(struct journal *j, struct event_draft draft, struct err *e)
{
    struct journal_result result;
    *e = (struct err){0};
    draft.actor = "bob";
    return journal_append_wait(j, &draft, 1, &result, e);
}

/* Whatever the main journal is asked for about run 1. */
static inline void assert_held(struct pair *p)
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

static inline void kill_after(pid_t child, int64_t us)
{
    int64_t end = clock_monotonic_us() + us;
    while (clock_monotonic_us() < end && waitpid(child, NULL, WNOHANG) == 0)
        ;
    if (kill(child, SIGKILL) == 0)
        waitpid(child, NULL, 0);
}

static inline int64_t random_us(uint64_t *seed, int64_t most)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(*seed >> 33) % most;
}

#endif
