/* Appending and reading: order, groups, numbers, filters, pages, completions on the loop. */
#include <pthread.h>
#include <stdatomic.h>

#include "engine/io/io.h"
#include "scratch.h"

struct list {
    VEC(int64_t) seqs;
    VEC(struct event *) events;
};

static int collect(const struct event *event, void *data)
{
    struct list *list = data;
    *vec_push(&list->seqs) = event->seq;
    *vec_push(&list->events) = event_copy(event);
    return 0;
}

static void list_fini(struct list *list)
{
    for (size_t i = 0; i < list->events.len; i++)
        free(list->events.data[i]);
    vec_fini(&list->events);
    vec_fini(&list->seqs);
}

static void fields_survive(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct event_draft draft = {.kind = EVENT_STEP_OUTCOME,
                                .at_us = 1763773461000123,
                                .actor = "alice \xe2\x98\x83",
                                .subject = "run 12 step \"restore\"",
                                .outcome = "unknown",
                                .summary = "it said \x1b[31m and \xe2\x80\xae",
                                .data = "{\"b\":[1,2,{\"c\":null}]}",
                                .incident = 7,
                                .run = 12};
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
    struct list list = {0};
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, collect, &list, NULL), 0);
    assert_int_equal(list.events.len, 1);
    const struct event *event = list.events.data[0];
    assert_int_equal(event->seq, 1);
    assert_int_equal(event->at_us, draft.at_us);
    assert_int_equal(event->kind, draft.kind);
    assert_string_equal(event->kind_name, "step.outcome");
    assert_string_equal(event->actor, draft.actor);
    assert_string_equal(event->subject, draft.subject);
    assert_string_equal(event->outcome, draft.outcome);
    assert_string_equal(event->summary, draft.summary);
    assert_string_equal(event->data, draft.data);
    assert_int_equal(event->incident, 7);
    assert_int_equal(event->run, 12);
    struct str line = {0};
    event_json(event, &line);
    assert_non_null(
        strstr(line.data, "{\"seq\":1,\"at\":\"2025-11-22T01:04:21.000123Z\",\"kind\":\"step.outcome\""));
    assert_non_null(strstr(line.data, "\"data\":{\"b\":[1,2,{\"c\":null}]},\"hash\":\""));
    assert_null(strchr(line.data, '\x1b'));
    cJSON *tree = json_parse(line.data, line.len, NULL);
    assert_non_null(tree);
    assert_string_equal(json_string(tree, "summary", ""), draft.summary);
    cJSON_Delete(tree);
    str_fini(&line);
    list_fini(&list);
    journal_close(j);
    scratch_remove(folder);
}

static void texts_are_bounded_and_valid(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *long_text = xmalloc(10001), *huge = xmalloc((2u << 20) + 1);
    memset(long_text, 'x', 10000);
    memcpy(long_text + JOURNAL_SUMMARY_MAX - 1, "\xe2\x98\x83", 3); /* the limit falls into a character */
    long_text[10000] = '\0';
    memset(huge, ' ', 2u << 20);
    huge[2u << 20] = '\0';
    struct journal *j = scratch_open(folder);
    struct event_draft draft = {
        .kind = EVENT_INCIDENT_NOTED, .actor = "bad \xff\xc0 bytes", .summary = long_text};
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
    draft.data = huge;
    struct err e;
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, &e), ERR_RANGE);
    draft.data = NULL;
    draft.kind = EVENT_UNKNOWN;
    assert_int_equal(journal_append(j, &draft, NULL, NULL, &e), ERR_USAGE);
    assert_int_equal(journal_append_group(j, &draft, 0, NULL, NULL, &e), ERR_USAGE);
    struct list list = {0};
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, collect, &list, NULL), 0);
    assert_int_equal(list.events.len, 1);
    const struct event *event = list.events.data[0];
    assert_true(utf8_valid(event->actor, strlen(event->actor), NULL));
    assert_int_equal(strlen(event->summary), JOURNAL_SUMMARY_MAX - 1);
    assert_string_equal(event->data, "{}");
    assert_string_equal(event->subject, "");
    list_fini(&list);
    journal_close(j);
    free(huge);
    free(long_text);
    scratch_remove(folder);
}

static void groups_are_whole_and_numbered(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    for (int i = 1; i <= 3; i++) {
        struct event_draft drafts[] = {
            {.kind = EVENT_INCIDENT_OPENED,
             .actor = "a",
             .incident = JOURNAL_NEW,
             .run = JOURNAL_NEW,
             .summary = "x"},
            {.kind = EVENT_RUN_STARTED, .actor = "a", .incident = JOURNAL_NEW, .run = JOURNAL_NEW},
            {.kind = EVENT_INCIDENT_NOTED, .actor = "a", .incident = JOURNAL_NEW, .subject = "mine"},
        };
        struct journal_result result;
        assert_int_equal(journal_append_wait(j, drafts, 3, &result, NULL), 0);
        assert_int_equal(result.seq, (i - 1) * 3 + 1);
        assert_int_equal(result.count, 3);
        assert_int_equal(result.incident, i);
        assert_int_equal(result.run, i);
    }
    struct list list = {0};
    assert_int_equal(journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, NULL, 3, collect, &list, NULL), 0);
    assert_int_equal(list.events.data[0]->incident, 3);
    assert_int_equal(list.events.data[0]->run, 0);
    assert_string_equal(list.events.data[0]->subject, "mine");
    assert_string_equal(list.events.data[1]->subject, "run 3");
    assert_int_equal(list.events.data[2]->incident, 3);
    list_fini(&list);
    journal_close(j);
    scratch_remove(folder);
}

/* --- reading against a model
 * ------------------------------------------------------------------------------------- */

#define MODEL 18000 /* more than a page looks through at a time */

struct model {
    enum event_kind kind[MODEL + 1];
    int64_t incident[MODEL + 1], run[MODEL + 1];
};

static void fill_model(struct journal *j, struct model *m, struct rng *rng)
{
    static const enum event_kind kinds[] = {EVENT_TRANSITION,     EVENT_TRANSITION,  EVENT_STEP_INTENT,
                                            EVENT_INCIDENT_NOTED, EVENT_RUN_STARTED, EVENT_EXPORT_WRITTEN};
    for (int i = 1; i <= MODEL; i++) {
        m->kind[i] = kinds[rng_below(rng, 6)];
        m->incident[i] = (int64_t)rng_below(rng, 3);
        m->run[i] = (int64_t)rng_below(rng, 4);
        struct event_draft draft = {
            .kind = m->kind[i], .actor = "x", .incident = m->incident[i], .run = m->run[i]};
        if (i < MODEL)
            assert_int_equal(journal_append(j, &draft, NULL, NULL, NULL), 0);
        else
            assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
    }
}

static bool model_matches(const struct model *m, int i, const struct journal_filter *f)
{
    bool kind = f->kind_count == 0;
    for (size_t k = 0; k < f->kind_count; k++)
        kind |= f->kinds[k] == m->kind[i];
    return kind && (!f->incident || m->incident[i] == f->incident) && (!f->run || m->run[i] == f->run);
}

static void reads_as_the_model(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct model *m = xcalloc(1, sizeof *m);
    uint64_t seed = rng_entropy();
    struct rng rng;
    rng_seed(&rng, seed);
    fill_model(j, m, &rng);
    for (int round = 0; round < 100; round++) {
        enum event_kind kinds[3];
        static const enum event_kind choice[] = {EVENT_TRANSITION,     EVENT_STEP_INTENT,
                                                 EVENT_INCIDENT_NOTED, EVENT_RUN_STARTED,
                                                 EVENT_EXPORT_WRITTEN, EVENT_INCIDENT_CLOSED};
        size_t first = rng_below(&rng, 4);
        for (size_t i = 0; i < 3; i++)
            kinds[i] = choice[first + i];
        struct journal_filter filter = {.incident = (int64_t)rng_below(&rng, 4),
                                        .run = (int64_t)rng_below(&rng, 5),
                                        .kinds = kinds,
                                        .kind_count = rng_below(&rng, 4)};
        if (rng_below(&rng, 2))
            filter.run = 0;
        bool forward = rng_below(&rng, 2);
        int64_t from = (int64_t)rng_below(&rng, MODEL + 10);
        size_t limit = rng_below(&rng, 3) ? rng_below(&rng, 600) : 0, count = 0;
        struct list list = {0};
        assert_int_equal(journal_read(j, from, forward ? JOURNAL_FORWARD : JOURNAL_BACKWARD, &filter, limit,
                                      collect, &list, NULL),
                         0);
        for (int64_t i = forward ? (from > 0 ? from : 1) : (from < MODEL ? from : MODEL);
             i >= 1 && i <= MODEL && (limit == 0 || count < limit); i += forward ? 1 : -1) {
            if (!model_matches(m, (int)i, &filter))
                continue;
            if (count >= list.seqs.len || list.seqs.data[count] != i)
                fail_msg("seed %llu round %d: event %lld is missing or out of order",
                         (unsigned long long)seed, round, (long long)i);
            count++;
        }
        if (count != list.seqs.len)
            fail_msg("seed %llu round %d: %zu events instead of %zu", (unsigned long long)seed, round,
                     list.seqs.len, count);
        list_fini(&list);
    }
    free(m);
    journal_close(j);
    assert_true(scratch_verify(folder, NULL).ok);
    scratch_remove(folder);
}

/* An event that belongs to a run only later than its run began is still the incident's. */
static void incident_of_a_run_that_had_none(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct event_draft started = {.kind = EVENT_RUN_STARTED, .run = JOURNAL_NEW};
    struct event_draft opened = {.kind = EVENT_INCIDENT_OPENED, .incident = JOURNAL_NEW, .summary = "t"};
    struct event_draft intent = {.kind = EVENT_STEP_INTENT, .incident = 1, .run = 1};
    assert_int_equal(journal_append_wait(j, &started, 1, NULL, NULL), 0);
    assert_int_equal(journal_append_wait(j, &opened, 1, NULL, NULL), 0);
    assert_int_equal(journal_append_wait(j, &intent, 1, NULL, NULL), 0);
    struct list list = {0};
    struct journal_filter filter = {.incident = 1};
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, collect, &list, NULL), 0);
    assert_int_equal(list.seqs.len, 2);
    list_fini(&list);
    journal_close(j);
    scratch_remove(folder);
}

static int stop_with(const struct event *event, void *data)
{
    return event->seq == 3 ? *(int *)data : 0;
}

/* visit may use the journal itself: no lock and no snapshot is held meanwhile. */
static int nested(const struct event *event, void *data)
{
    struct journal *j = data;
    struct list list = {0};
    int64_t last;
    assert_int_equal(journal_last_seq(j, &last, NULL), 0);
    assert_int_equal(journal_read(j, event->seq, JOURNAL_FORWARD, NULL, 1, collect, &list, NULL), 0);
    assert_int_equal(list.seqs.data[0], event->seq);
    list_fini(&list);
    scratch_append(j, EVENT_INCIDENT_NOTED, "in between");
    return event->seq == 300;
}

static void visitors_stop_and_nest(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    scratch_fill(j, 299);
    int answer = -42;
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, stop_with, &answer, NULL), -42);
    answer = 1;
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, stop_with, &answer, NULL), 0);
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, nested, j, NULL), 0);
    journal_close(j);
    assert_true(scratch_verify(folder, NULL).ok);
    scratch_remove(folder);
}

/* --- completions
 * ------------------------------------------------------------------------------------------------- */

struct seen {
    struct loop *loop;
    pthread_t thread;
    int64_t next;
    int completed, committed;
    int64_t last_committed;
};

static void on_done(void *ctx, const struct journal_result *result)
{
    struct seen *seen = ctx;
    assert_true(pthread_equal(pthread_self(), seen->thread));
    assert_int_equal(result->code, 0);
    assert_int_equal(result->seq, seen->next);
    assert_true(seen->last_committed >= result->seq);
    seen->next += result->count;
    seen->completed++;
}

static void on_commit(void *ctx, const struct event *const *events, size_t count)
{
    struct seen *seen = ctx;
    assert_true(pthread_equal(pthread_self(), seen->thread));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(events[i]->seq, ++seen->last_committed);
    seen->committed += (int)count;
}

static struct journal *open_on_loop(const char *folder, struct seen *seen)
{
    struct err e;
    seen->loop = loop_new(&e);
    assert_non_null(seen->loop);
    seen->thread = pthread_self();
    seen->next = 1;
    struct journal_options options = {
        .folder = folder, .platform = "test", .create = true, .post = loop_poster, .post_ctx = seen->loop};
    struct journal *j = journal_open(&options, &e);
    if (!j)
        fail_msg("%s", e.msg);
    journal_on_commit(j, on_commit, seen);
    return j;
}

static void completes_on_the_loop_in_order(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct seen seen = {0};
    struct journal *j = open_on_loop(folder, &seen);
    struct event_draft drafts[2] = {{.kind = EVENT_STEP_INTENT}, {.kind = EVENT_TRANSITION}};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(journal_append_group(j, drafts, 1 + (size_t)(i % 2), on_done, &seen, NULL), 0);
    for (int turns = 0; seen.completed < 1000 && turns < 10000; turns++)
        loop_run_once(seen.loop, 20000);
    assert_int_equal(seen.completed, 1000);
    assert_int_equal(seen.committed, 1500);
    struct journal_health health;
    journal_health(j, &health);
    assert_true(health.ok);
    assert_int_equal(health.events, 1500);
    assert_true(health.commits < 200); /* what waits together is committed together */
    journal_close(j);
    loop_run_once(seen.loop, 0);
    loop_free(seen.loop);
    scratch_remove(folder);
}

/* Closing commits what is queued and completes it. */
static void closing_commits(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct seen seen = {0};
    struct journal *j = open_on_loop(folder, &seen);
    struct event_draft draft = {.kind = EVENT_TRANSITION};
    for (int i = 0; i < 500; i++)
        assert_int_equal(journal_append(j, &draft, on_done, &seen, NULL), 0);
    journal_close(j);
    assert_int_equal(seen.completed, 500);
    loop_run_once(seen.loop, 0);
    loop_free(seen.loop);
    assert_int_equal(scratch_verify(folder, NULL).events, 500);
    scratch_remove(folder);
}

/* An event that is not durable waits for company, but not for long; a durable one takes it along at once. */
static void lingering(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct seen seen = {0};
    struct journal *j = open_on_loop(folder, &seen);
    struct event_draft slow = {.kind = EVENT_TRANSITION}, quick = {.kind = EVENT_STEP_INTENT};
    int64_t start = clock_monotonic_us();
    assert_int_equal(journal_append(j, &slow, on_done, &seen, NULL), 0);
    while (seen.completed < 1)
        loop_run_once(seen.loop, 1000000);
    assert_true(clock_monotonic_us() - start >= JOURNAL_LINGER_US);
    assert_int_equal(journal_append(j, &slow, on_done, &seen, NULL), 0);
    assert_int_equal(journal_append(j, &quick, on_done, &seen, NULL), 0);
    while (seen.completed < 3)
        loop_run_once(seen.loop, 1000000);
    struct journal_health health;
    journal_health(j, &health);
    assert_int_equal(health.commits, 2);
    journal_close(j);
    loop_run_once(seen.loop, 0);
    loop_free(seen.loop);
    scratch_remove(folder);
}

/* --- several threads
 * ------------------------------------------------------------------------------------------------ */

static void *append_many(void *arg)
{
    for (int i = 0; i < 50; i++)
        scratch_append(arg, i % 2 ? EVENT_STEP_INTENT : EVENT_TRANSITION, "from a thread");
    return NULL;
}

static void *read_many(void *arg)
{
    for (int i = 0; i < 30; i++) {
        struct list list = {0};
        assert_int_equal(journal_read(arg, 1, JOURNAL_FORWARD, NULL, 0, collect, &list, NULL), 0);
        for (size_t k = 0; k < list.seqs.len; k++)
            assert_int_equal(list.seqs.data[k], k + 1);
        list_fini(&list);
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < 4 ? append_many : read_many, j), 0);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    assert_true(verdict.ok);
    assert_int_equal(verdict.events, 200);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_survive),
        cmocka_unit_test(texts_are_bounded_and_valid),
        cmocka_unit_test(groups_are_whole_and_numbered),
        cmocka_unit_test(reads_as_the_model),
        cmocka_unit_test(incident_of_a_run_that_had_none),
        cmocka_unit_test(visitors_stop_and_nest),
        cmocka_unit_test(completes_on_the_loop_in_order),
        cmocka_unit_test(closing_commits),
        cmocka_unit_test(lingering),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
