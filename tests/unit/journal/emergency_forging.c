/* What is damaged or forged in an emergency journal, or in what was imported, is seen. */
#include "emergency_pair.h"

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
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_about_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewritten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
