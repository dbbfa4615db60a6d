/* Recorded answers of real systems, through presets and through mappings as a user would write them. */
#include <stdio.h>

#include "tests/unit/sources/mapped.h"

static void haproxy(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "haproxy", NULL, true);
    char *body = sample_read("haproxy.txt");
    mapped_test_apply(&t, body);
    char *text = mapped_test_text(&t);
    assert_non_null(strstr(text, "component vectorstore/shard-a [vectorstore] ok UP {"));
    assert_non_null(strstr(text, "component vectorstore/shard-b [vectorstore] ok UP {"));
    free(text);
    free(body);
    mapped_test_expect(&t, "haproxy_server_status{proxy=\"p\",server=\"s\",state=\"DOWN\"} 1\n",
                       "component p/s [p] down DOWN {}\n");
    mapped_test_fini(&t);
}

static void haproxy_stats(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_preset(&t, "haproxy-stats", NULL, false);
    expect_sample(
        &t, "haproxy-stat.csv",
        "component vectorstore/shard-a [vectorstore] ok UP {sessions=0 check_failures=0} (check=L7OK) "
        "Layer7 check passed\n"
        "component vectorstore/shard-b [vectorstore] ok UP {sessions=0 check_failures=0} (check=L7OK) "
        "Layer7 check passed\n"
        "component vectorstore/shard-5 [vectorstore] down DOWN {sessions=0 check_failures=1} "
        "(check=L4CON last_check=Connection refused) Layer4 connection problem\n");
    expect_sample(&t, "haproxy-drained.csv",
                  "component vectorstore/shard-a [vectorstore] degraded MAINT {}\n"
                  "component vectorstore/shard-b [vectorstore] degraded DRAIN {} (check=L7OK)\n"
                  "component vectorstore/shard-5 [vectorstore] down DOWN {} (check=L4CON)\n");
    mapped_test_expect(
        &t,
        "# pxname,svname,status,\np,a,UP 1/3,\np,b,DOWN 1/2,\np,c,MAINT (via p/a),\np,d,no check,\n"
        "p,e,UP,\np,f,MAINTAINED,\n",
        "component p/a [p] degraded UP 1/3 {}\ncomponent p/b [p] down DOWN 1/2 {}\n"
        "component p/c [p] degraded MAINT (via p/a) {}\n"
        "component p/d [p] unknown no check {} a state that the mapping doesn't know\n"
        "component p/e [p] ok UP {}\n"
        "component p/f [p] unknown MAINTAINED {} a state that the mapping doesn't know\n");
    assert_string_equal(t.last.unclear, "");
    mapped_test_expect(&t, "# pxname,svname,status,\nin,FRONTEND,OPEN,\n", "");
    assert_string_equal(t.last.unclear, "answered, but where: leaves out all 1 rows (haproxy-stats.yaml:10)");
    mapped_test_fini(&t);
}

static void samples_of_real_systems_read_to_the_right_states(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *file, *wanted;
    } cases[] = {
        {"kind: breaker\nname: llm\nstate: {from: /state, closed: ok CLOSED, half_open: degraded HALF_OPEN, "
         "open: down OPEN}\n"
         "since: /opened_at\n",
         "cemaf.json", "breaker llm down OPEN {} @2026-11-22T04:17:05\n"},
        {"kind: component\nrows: /members/*\nname: '{name}'\ngroup: '{role}'\n"
         "state: {from: /state, running: ok, streaming: ok, starting: degraded, stopped: down}\nmeasures: "
         "{lag: /lag}\n",
         "patroni.json",
         "component pg1 [leader] ok running {}\ncomponent pg2 [replica] ok running {lag=0}\n"},
        {"kind: component\nname: etcd\nstate: {from: /health, 'true': ok, 'false': down}\n", "etcd.json",
         "component etcd ok true {}\n"},
        {"kind: component\nname: '{/metadata/name}'\nmeasures: {replicas: /spec/replicas, ready: "
         "{from: /status/readyReplicas, or: 0}}\n",
         "kubernetes-deployment.json", "component rag-api <down> {replicas=2 ready=0}\n"},
        {"kind: component\nrows: /items/*\nname: '{/metadata/name}'\n\nstate: {from: "
         "/status/phase, "
         "Running: ok, Succeeded: ok, Pending: degraded, Failed: down}\n",
         "kubernetes-pods.json",
         "component migrations-b4xs6 degraded Pending {}\ncomponent rag-api-5c58df6584-tnfvk degraded "
         "Pending {}\ncomponent rag-api-877665f99-dz5jt degraded Pending {}\ncomponent "
         "vectorstore-644bc57f4f-x72mj degraded Pending {}\ncomponent vectorstore-7c689df4db-8crlp degraded "
         "Pending {}\n"},
        {"kind: job\nrows: /items/*\nname: '{/metadata/name}'\nsince: /status/startTime\n"
         "state:\n  - {when: [{from: /status/failed, or: 0}, '>', 0], is: down failed}\n"
         "  - {when: [{from: /status/active, or: 0}, '>', 0], is: ok running}\n"
         "  - {when: [{from: /status/succeeded, or: 0}, '>=', /spec/completions], is: ok done}\n"
         "measures: {done: {from: /status/succeeded, or: 0}, total: /spec/completions}\n",
         "kubernetes-jobs.json", "job migrations ok running {done=0 total=1} @2026-11-22T04:08:27\n"},
        {"kind: component\nrows: /members/*\nname: '{name}'\ngroup: '{role}'\n"
         "state: {from: /state, running: ok, streaming: ok, starting: degraded, stopped: down}\n",
         "patroni-switched.json",
         "component pg1 [replica] ok running {}\ncomponent pg2 [leader] ok running {}\n"},
        {"kind: component\nrows: /*\nname: '{application_name}'\nstate: {from: state, streaming: ok, "
         "catchup: degraded, "
         "startup: degraded, backup: degraded, stopping: down}\nmeasures: {lag_s: lag_s, lag_bytes: "
         "lag_bytes}\n",
         "postgres-replication.json", "component standby1 ok streaming {lag_s=0.100317 lag_bytes=0}\n"},
        {"kind: component\nrows: /*\nname: '{slot_name}'\nstate:\n  - {when: [active, '==', 0], is: down "
         "inactive}\n"
         "  - {from: wal_status, reserved: ok, extended: degraded, unreserved: degraded, lost: down}\n",
         "postgres-slots.json", "component s1 ok reserved {}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *body = sample_read(cases[i].file);
        struct mapped_test t;
        mapped_test_yaml(&t, cases[i].yaml, FORM_JSON);
        if (t.error[0])
            fail_msg("%s\n%s", t.error, cases[i].yaml);
        mapped_test_expect(&t, body, cases[i].wanted);
        mapped_test_fini(&t);
        free(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(haproxy),
        cmocka_unit_test(haproxy_stats),
        cmocka_unit_test(samples_of_real_systems_read_to_the_right_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
