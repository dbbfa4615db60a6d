/* Incidents as folds over events. */
#include "scratch.h"

static void event(struct journal *j, enum event_kind kind, int64_t incident, const char *data)
{
    struct event_draft draft = {
        .kind = kind, .actor = "alice", .incident = incident, .summary = "said so", .data = data};
    assert_int_equal(journal_append_wait(j, &draft, 1, NULL, NULL), 0);
}

static void life_of_an_incident(void **state)
{
    (void)state;
    static const struct {
        enum event_kind kind;
        enum incident_state state;
    } steps[] = {
        {EVENT_INCIDENT_NOTED, INCIDENT_OPEN},          {EVENT_INCIDENT_MITIGATED, INCIDENT_MITIGATED},
        {EVENT_INCIDENT_MITIGATED, INCIDENT_MITIGATED}, {EVENT_INCIDENT_RESOLVED, INCIDENT_RESOLVED},
        {EVENT_INCIDENT_MITIGATED, INCIDENT_RESOLVED},  {EVENT_INCIDENT_NOTED, INCIDENT_RESOLVED},
        {EVENT_INCIDENT_REVIEWED, INCIDENT_REVIEWED},   {EVENT_INCIDENT_CLOSED, INCIDENT_CLOSED},
        {EVENT_INCIDENT_NOTED, INCIDENT_CLOSED}};
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, "{\"title\":\"empty answers\",\"severity\":\"SEV2\"}");
    struct journal_incident incident;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
        enum incident_state before = incident.state;
        bool admitted = journal_incident_admits(&incident, steps[i].kind, NULL) == 0;
        event(j, steps[i].kind, 1, NULL);
        assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
        assert_int_equal(incident.state, steps[i].state);
        /* What isn't admitted changes nothing if it comes all the same (two operators at once). */
        assert_true(admitted == (steps[i].kind == EVENT_INCIDENT_NOTED || incident.state != before));
    }
    assert_string_equal(incident.title, "empty answers");
    assert_string_equal(incident.severity, "SEV2");
    assert_string_equal(incident.opened_by, "alice");
    assert_int_equal(incident.notes, 3);
    assert_int_equal(incident.opened_seq, 1);
    assert_int_equal(incident.last_seq, 10);
    assert_true(incident.opened_us <= incident.mitigated_us &&
                incident.mitigated_us <= incident.resolved_us &&
                incident.resolved_us <= incident.reviewed_us && incident.reviewed_us <= incident.closed_us);
    struct err e;
    assert_int_equal(journal_incident(j, 2, &incident, &e), ERR_NOT_FOUND);
    assert_string_equal(e.msg, "there is no incident INC-2");
    journal_close(j);
    scratch_remove(folder);
}

/* Hostile or careless data: no title, no JSON object, overlong, cut inside a character. */
static void odd_openings(void **state)
{
    (void)state;
    char long_title[600], *data;
    memset(long_title, 'a', sizeof long_title);
    memcpy(long_title + 254, "\xe2\x98\x83", 3);
    long_title[sizeof long_title - 1] = '\0';
    data = xasprintf("{\"title\":\"%s\",\"severity\":\"SEV2 and a lot more text\"}", long_title);
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, data);
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, "[1]");
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, "{\"title\":7}");
    event(j, EVENT_INCIDENT_OPENED, 1, "{\"title\":\"a second opening\"}");
    struct journal_incident incident;
    assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
    assert_int_equal(strlen(incident.title), 254);
    assert_true(utf8_valid(incident.title, strlen(incident.title), NULL));
    assert_int_equal(journal_incident(j, 2, &incident, NULL), 0);
    assert_string_equal(incident.title, "said so");
    assert_int_equal(journal_incident(j, 3, &incident, NULL), 0);
    assert_string_equal(incident.title, "said so");
    free(data);
    journal_close(j);
    scratch_remove(folder);
}

struct list {
    int64_t numbers[100];
    size_t count, stop_at;
};

static int collect(const struct journal_incident *incident, void *data)
{
    struct list *list = data;
    list->numbers[list->count++] = incident->number;
    return list->stop_at && list->count == list->stop_at;
}

static void lists(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    int64_t current = 9;
    assert_int_equal(journal_incident_current(j, true, &current, NULL), 0);
    assert_int_equal(current, 0);
    for (int i = 1; i <= 9; i++)
        event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, NULL);
    event(j, EVENT_INCIDENT_NOTED, 40, NULL); /* nobody has opened it */
    for (int64_t i = 1; i <= 9; i++)
        if (i != 3 && i != 5)
            event(j, EVENT_INCIDENT_RESOLVED, i, NULL);
    event(j, EVENT_INCIDENT_MITIGATED, 3, NULL);
    struct list all = {0}, open = {0}, some = {0}, stopped = {.stop_at = 2};
    assert_int_equal(journal_incidents(j, false, 0, collect, &all, NULL), 0);
    assert_int_equal(all.count, 9);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(all.numbers[i], 9 - i);
    assert_int_equal(journal_incidents(j, true, 0, collect, &open, NULL), 0);
    assert_int_equal(open.count, 2);
    assert_int_equal(open.numbers[0], 5);
    assert_int_equal(open.numbers[1], 3);
    assert_int_equal(journal_incidents(j, false, 4, collect, &some, NULL), 0);
    assert_int_equal(some.count, 4);
    assert_int_equal(journal_incidents(j, false, 0, collect, &stopped, NULL), 0);
    assert_int_equal(stopped.count, 2);
    assert_int_equal(journal_incident_current(j, false, &current, NULL), 0);
    assert_int_equal(current, 5);
    event(j, EVENT_INCIDENT_CLOSED, 5, NULL);
    event(j, EVENT_INCIDENT_CLOSED, 3, NULL);
    assert_int_equal(journal_incident_current(j, false, &current, NULL), 0);
    assert_int_equal(current, 0);
    assert_int_equal(journal_incident_current(j, true, &current, NULL), 0);
    assert_int_equal(current, 9);
    /* The next number is above every number that was used, whatever for. */
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, NULL);
    struct list newest = {.stop_at = 1};
    assert_int_equal(journal_incidents(j, false, 0, collect, &newest, NULL), 0);
    assert_int_equal(newest.numbers[0], 41);
    journal_close(j);
    scratch_remove(folder);
}

static void numbers(void **state)
{
    (void)state;
    int64_t number;
    assert_int_equal(incident_number_parse("INC-7", &number, NULL), 0);
    assert_int_equal(number, 7);
    assert_int_equal(incident_number_parse("inc-12", &number, NULL), 0);
    assert_int_equal(number, 12);
    assert_int_equal(incident_number_parse("3", &number, NULL), 0);
    assert_int_equal(number, 3);
    static const char *const bad[] = {
        "", "INC-", "INC-0", "0", "-1", "INC--1", "7x", "x7", " 7", "1234567890123456", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(incident_number_parse(bad[i], &number, NULL), ERR_SYNTAX);
}

/* What is refused in which state, and what the message says comes first. */
static void order_of_states(void **state)
{
    (void)state;
    static const enum event_kind kinds[] = {EVENT_INCIDENT_MITIGATED, EVENT_INCIDENT_RESOLVED,
                                            EVENT_INCIDENT_REVIEWED, EVENT_INCIDENT_CLOSED};
    static const int wanted[INCIDENT_CLOSED + 1][4] = {
        [INCIDENT_OPEN] = {0, 0, ERR_DENIED, 0},
        [INCIDENT_MITIGATED] = {ERR_EXISTS, 0, ERR_DENIED, 0},
        [INCIDENT_RESOLVED] = {ERR_EXISTS, ERR_EXISTS, 0, 0},
        [INCIDENT_REVIEWED] = {ERR_EXISTS, ERR_EXISTS, ERR_EXISTS, 0},
        [INCIDENT_CLOSED] = {ERR_EXISTS, ERR_EXISTS, 0, ERR_EXISTS},
    };
    struct err e;
    for (int i = INCIDENT_OPEN; i <= INCIDENT_CLOSED; i++)
        for (size_t k = 0; k < 4; k++) {
            struct journal_incident incident = {.number = 7, .state = (enum incident_state)i};
            if (journal_incident_admits(&incident, kinds[k], &e) != wanted[i][k])
                fail_msg("%s in state %s", event_kind_name(kinds[k]),
                         incident_state_name((enum incident_state)i));
        }
    struct journal_incident open = {.number = 7}, resolved = {.number = 7, .state = INCIDENT_RESOLVED};
    journal_incident_admits(&open, EVENT_INCIDENT_REVIEWED, &e);
    assert_string_equal(e.msg, "INC-7 is open: it must be resolved before it can be reviewed");
    journal_incident_admits(&resolved, EVENT_INCIDENT_MITIGATED, &e);
    assert_non_null(strstr(e.msg, "no way back to mitigated"));
}

/* Two operators at once: an event that isn't admitted any more changes nothing. */
static void second_comers(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct journal_incident incident;
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, NULL);
    event(j, EVENT_INCIDENT_REVIEWED, 1, NULL);
    assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
    assert_int_equal(incident.state, INCIDENT_OPEN);
    event(j, EVENT_INCIDENT_CLOSED, 1, NULL);
    event(j, EVENT_INCIDENT_RESOLVED, 1, NULL);
    assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
    assert_int_equal(incident.state, INCIDENT_CLOSED);
    assert_int_equal(incident.reviewed_us, 0);
    event(j, EVENT_INCIDENT_REVIEWED, 1, NULL); /* late, but held */
    assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
    assert_int_equal(incident.state, INCIDENT_CLOSED);
    assert_true(incident.reviewed_us > 0);
    journal_close(j);
    scratch_remove(folder);
}

static void severity_and_commander(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    struct journal_incident incident;
    event(j, EVENT_INCIDENT_OPENED, JOURNAL_NEW, "{\"severity\":\"SEV3\"}");
    event(j, EVENT_INCIDENT_SEVERITY, 1, "{\"severity\":\"SEV1\"}");
    event(j, EVENT_INCIDENT_ROLE, 1, "{\"role\":\"commander\",\"person\":\"bob\"}");
    event(j, EVENT_INCIDENT_ROLE, 1, "{\"role\":\"scribe\",\"person\":\"carol\"}");
    assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
    assert_string_equal(incident.severity, "SEV1");
    assert_string_equal(incident.commander, "bob");
    event(j, EVENT_INCIDENT_SEVERITY, 1, "[]");
    event(j, EVENT_INCIDENT_ROLE, 1, "{\"role\":\"commander\",\"person\":\"\"}");
    assert_int_equal(journal_incident(j, 1, &incident, NULL), 0);
    assert_string_equal(incident.severity, "SEV1");
    assert_string_equal(incident.commander, "");
    journal_close(j);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_states),
        cmocka_unit_test(second_comers),
        cmocka_unit_test(severity_and_commander),
        cmocka_unit_test(life_of_an_incident),
        cmocka_unit_test(odd_openings),
        cmocka_unit_test(lists),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
