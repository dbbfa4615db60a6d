/* Checkpoints in a real redis-server: every kind of value, a large database, passwords, and a server that
 * goes and comes. */
#include "tests/integration/servers.h"

static const char *belay; /* the program */

static void checkpoint_text(struct str *out, int index, size_t patches)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format(clock_wall_us(), now);
    str_clear(out);
    str_addf(out,
             "{\"checkpoint_id\":\"chk_%d\",\"last_processed_index\":%d,\"context\":{\"quality_score\":0.85,"
             "\"patches\":[",
             index, index);
    for (size_t i = 0; i < patches; i++)
        str_addf(
            out,
            "%s{\"seq\":%zu,\"path\":\"/records/%zu/title\",\"operation\":\"replace\",\"value\":\"%064zu\"}",
            i ? "," : "", i, i, i);
    str_addf(out, "]},\"timestamp\":\"%s\",\"metadata\":{\"agent_id\":\"deep\",\"total_cost_usd\":3.74}}",
             now);
}

static void set_checkpoint(struct client *c, const char *key, int index, size_t patches)
{
    struct str text = {0};
    checkpoint_text(&text, index, patches);
    set_bytes(c, key, text.data, text.len);
    str_fini(&text);
}

static void populate(int port)
{
    struct client c;
    client_start(&c, port);
    set_checkpoint(&c, "checkpoint:run_a:chk_9000", 9000, 3);
    set_checkpoint(&c, "checkpoint:run_a:chk_10000", 10000, 3);
    set_checkpoint(&c, "checkpoint:run_done:chk_50000", 50000, 0);
    set_checkpoint(&c, "checkpoint:run_mid:chk_1", 1, 15000); /* 2 MB */
    set_checkpoint(&c, "checkpoint:run_large:chk_7", 7,
                   80000); /* more than 8 MB: only its beginning is read */
    set_bytes(&c, "checkpoint:run_gzip:chk_1", "\x1f\x8b\x08\0\0\0", 6);
    set_bytes(&c, "checkpoint:run_pickle:chk_1", "\x80\x04\x95\0", 4);
    set_bytes(&c, "checkpoint:run_text:chk_1", "hello \x1b[31m", 11);
    client_send(&c, 3, (const char *const[]){"RPUSH", "checkpoint:run_list:chk_1", "x"}, NULL);
    client_send(&c, 6,
                (const char *const[]){"HSET", "checkpoint:run_hash:chk_1", "last_processed_index", "123",
                                      "timestamp", "soon"},
                NULL);
    for (int i = 0; i < 5000; i++) {
        char key[32];
        snprintf(key, sizeof key, "noise:%d", i);
        client_send(&c, 3, (const char *const[]){"SET", key, "1"}, NULL);
    }
    client_stop(&c);
}

static char *configuration(int port, const char *more)
{
    return xasprintf("platform: redis-test\nsources:\n  - {name: runs, kind: redis, url: "
                     "'redis://127.0.0.1:%d/0', preset: "
                     "checkpoints, every: 1s, vars: {total: 50000}%s}\n",
                     port, more);
}

static void checkpoints_of_every_kind(void **state)
{
    (void)state;
    int port = free_port();
    char *folder = scratch_folder(), *yaml = configuration(port, "");
    pid_t pid = redis_start(folder, port, NULL);
    struct watch w;
    populate(port);
    watch_start(&w, yaml);
    watch_until(&w, is(&w, ENTITY_JOB, "run_a", CONDITION_OK));
    watch_until(&w, is(&w, ENTITY_JOB, "run_mid", CONDITION_OK) && find(&w, ENTITY_JOB, "run_text"));
    assert_true(measure_of(&w, ENTITY_JOB, "run_a", "done") == 10000);
    assert_true(measure_of(&w, ENTITY_JOB, "run_a", "total") == 50000);
    assert_true(measure_of(&w, ENTITY_JOB, "run_a", "cost") == 3.74);
    assert_true(measure_of(&w, ENTITY_JOB, "run_mid", "done") == 1);
    assert_true(is(&w, ENTITY_JOB, "run_done", CONDITION_OK));
    static const char *const unknown[][2] = {
        {"run_gzip", "compressed (gzip)"}, {"run_pickle", "pickled"},       {"run_text", "not JSON"},
        {"run_list", "its type is list"},  {"run_large", "only the first"},
    };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        watch_until(&w, is(&w, ENTITY_JOB, unknown[i][0], CONDITION_UNKNOWN));
        assert_true(reason_has(&w, ENTITY_JOB, unknown[i][0], unknown[i][1]));
    }
    assert_true(measure_of(&w, ENTITY_JOB, "run_large", "done") == 7);
    assert_true(measure_of(&w, ENTITY_JOB, "run_hash", "done") == 123);
    assert_true(is(&w, ENTITY_JOB, "run_hash", CONDITION_UNKNOWN)); /* "soon" is no time: no age, no ok */
    assert_int_equal(platform_counts(w.platform, ENTITY_JOB).total, 9);

    /* the next checkpoint is seen; a run whose keys expire is gone */
    struct client c;
    client_start(&c, port);
    set_checkpoint(&c, "checkpoint:run_a:chk_20000", 20000, 3);
    client_send(&c, 2, (const char *const[]){"DEL", "checkpoint:run_gzip:chk_1"}, NULL);
    client_stop(&c);
    watch_until(&w, measure_of(&w, ENTITY_JOB, "run_a", "done") == 20000);
    watch_until(&w, find(&w, ENTITY_JOB, "run_gzip")->flags & ENTITY_GONE);

    /* the server goes: silence is unknown; it comes back, empty */
    server_stop(pid);
    watch_until(&w,
                strstr(source_error(&w, "runs"), "refused") || strstr(source_error(&w, "runs"), "closed"));
    watch_until(&w, is(&w, ENTITY_JOB, "run_a", CONDITION_UNKNOWN));
    pid = redis_start(folder, port, NULL);
    watch_until(&w, find(&w, ENTITY_JOB, "run_a")->flags & ENTITY_GONE);
    assert_string_equal(source_error(&w, "runs"),
                        "answered, but no key matches checkpoint:{run_id}:{checkpoint_id}");
    populate(port);
    watch_until(&w, is(&w, ENTITY_JOB, "run_a", CONDITION_OK));
    watch_stop(&w);

    cJSON *root;
    assert_int_equal(status_run(belay, folder, yaml, &root), 3); /* unknown ones are there */
    assert_string_equal(status_state(root, "job", "run_a"), "ok");
    assert_string_equal(status_state(root, "job", "run_pickle"), "unknown");
    cJSON_Delete(root);
    server_stop(pid);
    folder_remove(folder, NULL);
    free(folder);
    free(yaml);
}

static void passwords_are_asked_for_and_used(void **state)
{
    (void)state;
    int port = free_port();
    char *folder = scratch_folder(), *open = configuration(port, ""),
         *locked = configuration(port, ", password: {secret: 'env:REDIS_TEST_PASSWORD'}");
    pid_t pid = redis_start(folder, port, "opensesame");
    struct watch w;
    watch_start(&w, open);
    watch_until(&w, strstr(source_error(&w, "runs"), "NOAUTH"));
    watch_stop(&w);
    setenv("REDIS_TEST_PASSWORD", "wrong", 1);
    watch_start(&w, locked);
    watch_until(&w, strstr(source_error(&w, "runs"), "AUTH refused: WRONGPASS"));
    assert_null(strstr(source_error(&w, "runs"), "wrong\n"));
    setenv("REDIS_TEST_PASSWORD", "opensesame", 1); /* read again because it was refused */
    watch_until(&w, strstr(source_error(&w, "runs"), "no key matches")); /* so it has looked */
    watch_stop(&w);
    server_stop(pid);
    folder_remove(folder, NULL);
    free(folder);
    free(open);
    free(locked);
}

static void a_url_that_leads_to_another_server_is_named(void **state)
{
    (void)state;
    int port = free_port();
    char *folder = scratch_folder();
    pid_t pid = redis_start(folder, port, NULL);
    struct watch w;
    char *yaml = xasprintf(
        "sources:\n  - {name: web, kind: http, url: 'http://127.0.0.1:%d', preset: alertmanager}\n", port);
    watch_start(&w, yaml); /* HTTP spoken to Redis */
    watch_until(&w,
                strlen(source_error(&w, "web")) > 0 && !str_eq(source_error(&w, "web"), "not polled yet"));
    watch_stop(&w);
    free(yaml);
    server_stop(pid);
    folder_remove(folder, NULL);
    free(folder);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("redis-server");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_of_every_kind),
        cmocka_unit_test(passwords_are_asked_for_and_used),
        cmocka_unit_test(a_url_that_leads_to_another_server_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
