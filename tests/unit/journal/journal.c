#include "scratch.h"

static int count_event(const struct event *event, void *data)
{
    (void)event;
    ++*(int *)data;
    return 0;
}

static void appends_and_reads(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    struct journal *j = scratch_open(folder);
    assert_int_equal(scratch_append(j, EVENT_INCIDENT_NOTED, "first"), 1);
    assert_int_equal(scratch_append(j, EVENT_INCIDENT_NOTED, "second"), 2);
    int64_t last = 0;
    assert_int_equal(journal_last_seq(j, &last, NULL), 0);
    assert_int_equal(last, 2);
    int count = 0;
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, count_event, &count, NULL), 0);
    assert_int_equal(count, 2);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
    assert_int_equal(verdict.events, 2);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
