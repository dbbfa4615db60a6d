/* The timeline: lines, levels, the ring, and what belongs to an incident. */
#include "told.h"

static struct event sample(int64_t seq, enum event_kind kind)
{
    return (struct event){.seq = seq,
                          .at_us = TOLD_START + seq,
                          .kind = kind,
                          .kind_name = event_kind_name(kind),
                          .actor = "alice",
                          .subject = "subject",
                          .outcome = "",
                          .summary = "summary",
                          .data = "{}"};
}

static void check_line(const struct event *event, enum timeline_level level, const char *text)
{
    struct timeline_line line;
    timeline_line_init(&line, event);
    if (line.level != level || !str_eq(line.text, text))
        fail_msg("%s: \"%s\" at level %s", event->kind_name, line.text, timeline_level_name(line.level));
    timeline_line_fini(&line);
}

static void lines_and_levels(void **state)
{
    (void)state;
    struct event e = sample(1, EVENT_TRANSITION);
    e.summary = "shard docs/shard-5 Active \xe2\x86\x92 Dead";
    e.outcome = "down";
    check_line(&e, TIMELINE_BAD, "shard docs/shard-5 Active \xe2\x86\x92 Dead");
    e.outcome = "ok";
    check_line(&e, TIMELINE_GOOD, e.summary);
    e = sample(1, EVENT_INCIDENT_OPENED);
    e.incident = 7;
    check_line(&e, TIMELINE_WARN, "INC-7 opened: summary");
    e = sample(1, EVENT_INCIDENT_CLOSED);
    e.incident = 7;
    e.summary = "closed";
    check_line(&e, TIMELINE_GOOD, "INC-7 closed");
    e = sample(1, EVENT_INCIDENT_NOTED);
    e.summary = "customers see\n\x1b[31mempty\xe2\x80\xae answers";
    check_line(&e, TIMELINE_INFO, "note \"customers see <U+001B>[31mempty<U+202E> answers\"");
    e = sample(1, EVENT_RUN_INPUT);
    check_line(&e, TIMELINE_DETAIL, "summary");
    e.data = "{\"input\":{\"input\":\"tick\"}}";
    check_line(&e, TIMELINE_DETAIL, "summary");
    e.data = "{\"input\":{\"input\":\"confirm\"}}";
    check_line(&e, TIMELINE_INFO, "summary");
    e.data = "{\"input\":{\"input\":\"break-glass\"}}";
    check_line(&e, TIMELINE_WARN, "summary");
    e = sample(1, EVENT_STEP_OUTCOME);
    e.outcome = "failed";
    check_line(&e, TIMELINE_BAD, "summary");
    e.data = "{\"acts\":false}";
    check_line(&e, TIMELINE_DETAIL, "summary");
    e.data = "not JSON at all";
    check_line(&e, TIMELINE_BAD, "summary");
    e = sample(1, EVENT_UNKNOWN);
    e.kind_name = "from.the.future";
    e.summary = e.subject = "";
    check_line(&e, TIMELINE_INFO, "from.the.future");
}

static void every_kind_is_a_line(void **state)
{
    (void)state;
    for (int kind = EVENT_UNKNOWN; kind < EVENT_KIND_COUNT; kind++) {
        struct event e = sample(1, (enum event_kind)kind);
        struct timeline_line line;
        struct str text = {0};
        e.actor = e.summary = e.subject = "";
        timeline_line_init(&line, &e);
        assert_true(*line.who && *line.text);
        timeline_format(&line, &text);
        assert_true(str_starts(text.data, "2001-11-22 01:00:00Z  belay  "));
        timeline_line_fini(&line);
        str_fini(&text);
    }
}

/* Added in any order, twice, from several sides: the last ones, each once, in order. */
static void the_ring_against_a_model(void **state)
{
    (void)state;
    struct rng rng;
    uint64_t seed = rng_entropy();
    rng_seed(&rng, seed);
    for (int round = 0; round < 200; round++) {
        size_t capacity = 1 + rng_below(&rng, 12);
        struct timeline *t = timeline_new(capacity);
        bool in[64] = {false};
        for (int i = 0; i < 80; i++) {
            int64_t seq = 1 + (int64_t)rng_below(&rng, 60);
            struct event e = sample(seq, EVENT_INCIDENT_NOTED);
            int64_t oldest = timeline_count(t) ? timeline_at(t, 0)->seq : 0;
            bool full = timeline_count(t) == capacity, expected = !in[seq] && !(full && seq < oldest);
            if (timeline_add(t, &e) != expected)
                fail_msg("seed %llu", (unsigned long long)seed);
            if (expected) {
                in[seq] = true;
                if (full)
                    in[oldest] = false;
            }
            size_t at = 0;
            for (int64_t k = 0; k < 64; k++)
                if (in[k])
                    assert_int_equal(timeline_at(t, at++)->seq, k);
            assert_int_equal(at, timeline_count(t));
            assert_int_equal(timeline_last_seq(t), timeline_at(t, at - 1)->seq);
        }
        timeline_free(t);
    }
    timeline_free(NULL);
}

struct seen {
    int64_t seqs[200];
    size_t count;
};

static int see(const struct event *event, void *data)
{
    struct seen *seen = data;
    seen->seqs[seen->count++] = event->seq;
    return 0;
}

static void what_belongs_to_an_incident(void **state)
{
    (void)state;
    struct told t;
    told_open(&t, "");
    tell_incident(&t);
    struct seen seen = {0}, all = {0};
    assert_int_equal(timeline_read(t.journal, 1, see, &seen, NULL), 0);
    assert_int_equal(timeline_read(t.journal, 0, see, &all, NULL), 0);
    /* Not the shard an hour before, not the one after it was closed; the run that began before it was opened
     * is. */
    assert_int_equal(seen.seqs[0], 2);
    assert_int_equal(seen.seqs[seen.count - 1], all.seqs[all.count - 1] - 1);
    struct err e;
    assert_int_equal(timeline_read(t.journal, 99, see, &seen, &e), ERR_NOT_FOUND);
    told_close(&t);
}

static void filters(void **state)
{
    (void)state;
    struct timeline_line line = {.level = TIMELINE_INFO, .incident = 3, .run = 9, .kind = EVENT_STEP_INTENT};
    assert_true(timeline_shows(&line, &(struct timeline_filter){0}));
    assert_true(
        timeline_shows(&line, &(struct timeline_filter){.incident = 3, .run = 9, .minimum = TIMELINE_INFO}));
    assert_false(timeline_shows(&line, &(struct timeline_filter){.minimum = TIMELINE_GOOD}));
    assert_false(timeline_shows(&line, &(struct timeline_filter){.incident = 4}));
    assert_false(timeline_shows(&line, &(struct timeline_filter){.run = 4}));
    line = (struct timeline_line){.kind = EVENT_TRANSITION};
    assert_true(timeline_shows(&line, &(struct timeline_filter){.incident = 4}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_levels),
        cmocka_unit_test(every_kind_is_a_line),
        cmocka_unit_test(the_ring_against_a_model),
        cmocka_unit_test(what_belongs_to_an_incident),
        cmocka_unit_test(filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
