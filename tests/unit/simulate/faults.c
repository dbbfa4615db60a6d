/* The scenarios beside the shard: a provider that fails, a release that does not start, all of it at once;
 * and what acts make of them. */
#include <math.h>

#include "engine/simulate/simulate.h"
#include "engine/simulate/startup.h"
#include "tests/unit/simulate/rig.h"

static struct world *struck(const char *scenario, double seconds)
{
    struct world *w = world_new(scenario, 1, 1, WALL_ZERO);
    rig_pass(w, seconds);
    return w;
}

static void act(struct world *w, const char *line)
{
    rig_expect(w, line, 0, NULL, NULL);
}

static int ask(struct world *w, const char *question, struct str *out)
{
    char *body = xasprintf("{\"question\": \"%s\"}", question);
    struct answer a = rig_http(w, "POST", "/ask", body);
    str_clear(out);
    str_add(out, str_text(&a.body));
    str_fini(&a.body);
    free(body);
    return a.status;
}

static void set(struct world *w, const char *settings)
{
    char *line = xasprintf("kubectl -n rag set env deploy/rag-api %s", settings);
    act(w, line);
    act(w, "kubectl -n rag rollout status deploy/rag-api --timeout=60s");
    free(line);
}

/* ---- Scenarios by name ---- */

static void test_names(void **state)
{
    (void)state;
    struct script s;
    struct err e;
    for (const struct simulation_scenario *known = simulate_scenarios; known->name; known++)
        assert_int_equal(script_read(known->name, &s, &e), 0);
    assert_true(s.shard_us > 0 && s.provider_us > s.shard_us && s.bootstrap_us > s.provider_us); /* storm */
    for (const struct simulation_scenario *known = simulate_variants; known->name; known++) {
        char *text = xasprintf("shard:%s", known->name);
        assert_int_equal(script_read(text, &s, &e), 0);
        free(text);
    }
    assert_int_equal(script_read("provider:no-backup,auth", &s, &e), 0);
    assert_true(s.no_backup && s.auth && !s.hooks && s.shard_us < 0);
    assert_int_equal(script_read("flood", &s, &e), ERR_USAGE);
    assert_string_equal(e.msg, "no such scenario: flood; there is: shard, provider, bootstrap, storm");
    assert_int_equal(script_read("shard:x", &s, &e), ERR_USAGE);
    assert_true(str_starts(e.msg, "no such variant: x; there is: no-replica"));
    assert_int_equal(script_read("shard:", &s, &e), ERR_USAGE);
    assert_int_equal(script_read("", &s, &e), ERR_USAGE);
}

/* ---- The provider ---- */

static int provider_call(struct world *w, int number, int *retry_after_s)
{
    char path[48];
    snprintf(path, sizeof path, "/v1/provider%d/chat/completions", number);
    struct answer a = rig_http(w, "POST", path, "{\"messages\": []}");
    *retry_after_s = a.retry_after_s;
    str_fini(&a.body);
    return a.status;
}

/* Every kind of trouble comes, a 429 always with its Retry-After and nothing else ever. */
static void test_provider_troubles(void **state)
{
    (void)state;
    struct world *w = struck("provider", 11);
    int errors = 0, limits = 0, refusals = 0, fine = 0, retry_after_s;
    for (int i = 0; i < 900; i++) {
        int status = provider_call(w, 1, &retry_after_s);
        errors += status >= 500;
        limits += status == 429;
        refusals += status == 401;
        fine += status == 200;
        assert_true((status == 429) == (retry_after_s == 20));
        assert_int_equal(provider_call(w, 2, &retry_after_s), 200);
        rig_pass(w, .1);
    }
    assert_true(errors > 200 && limits > 200 && refusals > 10 && fine > 5 && fine < 60);
    assert_int_equal(w->breakers[3].state, BREAKER_OPEN);
    assert_true(w->error_rate > .5 && w->tiers[3].rate < 10 && w->alerts[4].firing_us > 0);
    rig_pass(w, 3000); /* it does not end by itself */
    assert_true(provider_troubled(w) && w->error_rate > .5);
    world_free(w);
}

static void test_provider_backup_and_ramp(void **state)
{
    (void)state;
    struct world *w = struck("provider", 20);
    set(w, "PROVIDER=backup");
    rig_pass(w, 20);
    assert_true(w->error_rate < .005 && w->tiers[4].rate > 40 && w->tiers[3].rate == 0);
    rig_pass(w, 60);
    assert_false(provider_troubled(w));
    assert_int_equal(w->breakers[3].state, BREAKER_CLOSED);
    double before = w->hit_rate, precision = w->precision;
    set(w, "PRIMARY_PERCENT=10");
    rig_pass(w, 20);
    assert_true(fabs(w->hit_rate - before) < .01 && w->tiers[3].rate > 3);
    set(w, "PRIMARY_PERCENT=50"); /* the fault that it has come back with */
    rig_pass(w, 20);
    assert_true(w->hit_rate < before - .1 && w->precision < precision - .1);
    set(w, "PRIMARY_PERCENT=25");
    rig_pass(w, 20);
    assert_true(fabs(w->hit_rate - before) < .02);
    set(w, "PRIMARY_PERCENT=50");
    rig_pass(w, 20);
    assert_true(fabs(w->hit_rate - before) < .02);
    set(w, "PROVIDER=primary PRIMARY_PERCENT-");
    rig_pass(w, 30);
    assert_true(w->tiers[3].rate > 40 && w->hit_rate > .86);
    world_free(w);
}

/* Whoever waits without taking the calls off it has nothing to step back from. */
static void test_no_backup(void **state)
{
    (void)state;
    struct world *w = struck("provider:no-backup", 20);
    struct str out = {0};
    set(w, "PROVIDER=cached");
    assert_int_equal(ask(w, "When are invoices sent?", &out), 200);
    assert_non_null(strstr(str_text(&out), "\"source\":\"cache\""));
    assert_non_null(strstr(str_text(&out), "handbook/invoices-2"));
    assert_int_equal(ask(w, "Who won?", &out), 200);
    assert_non_null(strstr(str_text(&out), "\"refused\":true"));
    set(w, "PROVIDER=backup"); /* there is none */
    assert_int_equal(ask(w, "When are invoices sent?", &out), 502);
    rig_expect(w, "kubectl -n rag get configmap rag-providers -o jsonpath={.data.backup}", 0, "", "");
    str_fini(&out);
    world_free(w);
}

static void test_throttle_and_backlog(void **state)
{
    (void)state;
    struct world *w = struck("provider", 20);
    double turned_away = w->throttled;
    rig_pass(w, 10);
    assert_true(w->throttled == turned_away);
    set(w, "MAX_RPS=20 LONG_REQUESTS=queue");
    double requests = w->requests;
    rig_pass(w, 30);
    assert_true(w->requests - requests < 20.5 * 30 && w->throttled - turned_away > 400 && w->backlog > 20);
    set(w, "MAX_RPS- LONG_REQUESTS- PROVIDER=backup");
    rig_pass(w, 120);
    assert_true(w->backlog < 10 && w->service.max_rps <= 0);
    world_free(w);
}

/* ---- Safe mode ---- */

static void test_safe_mode(void **state)
{
    (void)state;
    struct world *w = struck("provider", 20);
    struct str out = {0};
    struct answer a = rig_http(w, "POST", "/documents", "x");
    assert_int_equal(a.status, 202);
    str_fini(&a.body);
    act(w, "kubectl -n rag set env deploy/rag-api deploy/indexer SAFE_MODE=on");
    rig_pass(w, .5);
    assert_true(w->service.safe < 1); /* its pods are not there yet */
    act(w, "kubectl -n rag rollout status deploy/rag-api");
    act(w, "kubectl -n rag rollout status deploy/indexer");
    assert_int_equal(ask(w, "When are invoices sent?", &out), 200);
    assert_non_null(strstr(str_text(&out), "\"source\":\"cache\""));
    a = rig_http(w, "POST", "/documents", "x");
    assert_int_equal(a.status, 503);
    str_fini(&a.body);
    cJSON *mode = rig_get(w, "/mode");
    assert_string_equal(json_string(mode, "state", ""), "on");
    cJSON_Delete(mode);
    rig_pass(w, 20);
    assert_true(w->error_rate < .01 && w->tiers[6].rate > 40);
    act(w, "kubectl -n rag set env deploy/rag-api deploy/indexer SAFE_MODE-");
    act(w, "kubectl -n rag rollout status deploy/rag-api");
    act(w, "kubectl -n rag rollout status deploy/indexer");
    mode = rig_get(w, "/mode");
    assert_string_equal(json_string(mode, "state", ""), "off");
    cJSON_Delete(mode);
    str_fini(&out);
    world_free(w);
}

/* ---- The release that does not start ---- */

static const char migration_job[] =
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrations-r1}\nspec:\n  template:\n    spec:\n      "
    "restartPolicy: Never\n"
    "      containers: [{name: migrations, image: x, command: [python, migrate.py]}]\n";

static void migrate(struct world *w)
{
    struct kubectl_result r = rig_run(w, "kubectl -n rag create -f -", migration_job);
    assert_int_equal(r.exit, 0);
    kubectl_result_fini(&r);
    act(w, "kubectl -n rag wait --for=condition=complete --timeout=60s job/migrations-r1");
}

/* As Kubernetes has it since 1.31: true conditions come before the end. */
static void test_a_job_is_about_to_end_before_it_has_ended(void **state)
{
    (void)state;
    struct world *w = struck("bootstrap", 40);
    struct kubectl_result r = rig_run(w, "kubectl -n rag create -f -", migration_job);
    assert_int_equal(r.exit, 0);
    kubectl_result_fini(&r);
    rig_pass(w, 8);
    rig_expect(
        w,
        "kubectl -n rag get job migrations-r1 -o jsonpath={.status.conditions[*].type},{.status.succeeded}",
        0, "SuccessCriteriaMet,", "");
    assert_false(w->migrated);
    rig_pass(w, 2);
    rig_expect(
        w,
        "kubectl -n rag get job migrations-r1 -o jsonpath={.status.conditions[*].type},{.status.succeeded}",
        0, "SuccessCriteriaMet Complete,1", "");
    assert_true(w->migrated);
    world_free(w);
}

static void expect_components(struct world *w, bool up)
{
    static const char *const names[] = {"controller", "retriever", "generator", "indexer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int ready, wanted;
        deployment_counts(w->cluster, cluster_find(w->cluster, "Deployment", names[i]), &ready, &wanted);
        if (up ? ready < wanted || wanted == 0 : ready > 0)
            fail_msg("%s: %d of %d ready", names[i], ready, wanted);
    }
}

static void test_deadlock(void **state)
{
    (void)state;
    struct world *w = struck("bootstrap", 40);
    struct str out = {0};
    expect_components(w, false);
    assert_true(startup_crashing(w) && !w->migrated && w->error_rate > .8);
    assert_int_equal(ask(w, "When are invoices sent?", &out), 503);
    rig_expect(w, "kubectl -n rag get job migrations -o jsonpath={.status.conditions[0].type}", 0, "Failed",
               "");
    struct kubectl_result r = rig_run(w, "kubectl -n rag logs deploy/controller --tail=1", NULL);
    assert_non_null(strstr(str_text(&r.out), "run the migrations"));
    kubectl_result_fini(&r);
    migrate(w);
    rig_pass(w, 120);
    expect_components(w, false); /* they wait for each other */
    act(w, "kubectl -n rag rollout restart deploy/controller");
    rig_pass(w, 60);
    expect_components(w, false);
    act(w, "kubectl -n rag scale deploy/retriever --replicas=0");
    rig_pass(w, 60);
    act(w, "kubectl -n rag rollout status deploy/controller --timeout=1s");
    act(w, "kubectl -n rag scale deploy/retriever --replicas=2");
    rig_pass(w, 60);
    expect_components(w, true);
    assert_true(w->error_rate < .01 && !startup_crashing(w));
    str_fini(&out);
    world_free(w);
}

static void test_hooks(void **state)
{
    (void)state;
    struct world *w = struck("bootstrap:hooks", 40);
    expect_components(w, false);
    struct kubectl_result r = rig_run(w, "kubectl -n rag get pods -l app=retriever", NULL);
    assert_non_null(strstr(str_text(&r.out), "Init:0/1"));
    kubectl_result_fini(&r);
    migrate(w);
    rig_pass(w, 60);
    expect_components(w, true); /* all by themselves */
    world_free(w);
}

/* An order in which everything else is started before the controller helps nobody. */
static void test_wrong_order(void **state)
{
    (void)state;
    struct world *w = struck("bootstrap:migrated", 40);
    act(w, "kubectl -n rag scale deploy/controller deploy/retriever deploy/generator deploy/indexer "
           "--replicas=0");
    rig_pass(w, 20);
    act(w, "kubectl -n rag scale deploy/retriever --replicas=2");
    rig_pass(w, 60);
    act(w, "kubectl -n rag scale deploy/controller --replicas=1");
    rig_pass(w, 60);
    expect_components(w, false);
    world_free(w);
}

/* ---- All of it ---- */

static void test_storm(void **state)
{
    (void)state;
    struct world *a = struck("storm", 90), *b = world_new("storm", 1, 1, WALL_ZERO);
    struct str one = {0}, other = {0};
    for (int i = 0; i < 900; i++)
        rig_pass(b, .1);
    exposition_write(a, &one);
    exposition_write(b, &other);
    assert_string_equal(str_text(&one), str_text(&other));
    for (int i = 0; i < WORLD_ALERTS; i++)
        if (i != 1 && i != 3) /* nothing is retrieved any more, and errors are quick */
            assert_true(a->alerts[i].firing_us >= 0);
    for (int i = 0; i < 360; i++) { /* an hour that nobody acts in: bounded, and no better */
        rig_pass(a, 10);
        assert_true(isfinite(a->error_rate) && a->error_rate < 1 && a->backlog < 5001);
    }
    assert_true(a->cluster->objects.len < 200);
    str_fini(&one);
    str_fini(&other);
    world_free(a);
    world_free(b);
}

/* ---- Drills ---- */

static void test_scratch_namespace(void **state)
{
    (void)state;
    static const char manifest[] =
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: drill}\n"
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n"
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: drill}\nspec:\n  template:\n    spec:\n      "
        "restartPolicy: Never\n"
        "      containers: [{name: r, image: x, command: [ctl, snapshot, restore, "
        "\"s3://rag-snapshots/x.snapshot\"]}]\n"
        "      volumes: [{name: data, persistentVolumeClaim: {claimName: drill}}]\n";
    struct world *w = struck("shard", 20);
    struct kubectl_result r = rig_run(w, "kubectl -n rag-drill create -f -", manifest);
    assert_int_equal(r.exit, 0);
    kubectl_result_fini(&r);
    act(w, "kubectl -n rag-drill wait --for=condition=complete --timeout=60s job/drill");
    rig_expect(w, "kubectl -n rag get job/drill", 1, "",
               "Error from server (NotFound): jobs.batch \"drill\" not found\n");
    assert_int_equal(w->collections[0].primary[5], REPLICA_DEAD); /* that is nobody's recovery */
    assert_true(w->missing <= 0);
    r = rig_run(w, "kubectl -n elsewhere create -f -", manifest);
    assert_int_equal(r.exit, 1);
    assert_non_null(strstr(str_text(&r.err), "namespaces \"elsewhere\" not found"));
    kubectl_result_fini(&r);
    world_free(w);
}

static void test_snapshots_age(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct world *w = world_new(late ? "shard:late-snapshots" : "shard", 1, 10, WALL_ZERO);
        struct kubectl_result r = rig_run(
            w,
            "kubectl -n rag exec deploy/vectorstore -- ctl snapshot list --shard shard-3 --collection docs",
            NULL);
        char **lines = NULL;
        for (char *line = strtok(r.out.data, "\n"); line; line = strtok(NULL, "\n"))
            strv_add(&lines, line);
        assert_int_equal(strv_count(lines), 8);
        assert_int_equal(world_snapshots(w), 8);
        /* 2027-01-15T08:00Z less 6 hours, or 31 */
        assert_non_null(strstr(lines[0], late ? "2027-01-14T01:00Z" : "2027-01-15T02:00Z"));
        assert_non_null(strstr(lines[7], late ? "2027-01-07T01:00Z" : "2027-01-08T02:00Z"));
        strv_free(lines);
        kubectl_result_fini(&r);
        world_free(w);
    }
    struct world *w = world_new("shard:lost-snapshots", 1, 10, WALL_ZERO);
    cJSON *list = cJSON_CreateArray();
    assert_true(shape_snapshots(w, "docs", list));
    assert_int_equal(cJSON_GetArraySize(list), 4);
    cJSON_Delete(list);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_provider_troubles),
        cmocka_unit_test(test_provider_backup_and_ramp),
        cmocka_unit_test(test_no_backup),
        cmocka_unit_test(test_throttle_and_backlog),
        cmocka_unit_test(test_safe_mode),
        cmocka_unit_test(test_a_job_is_about_to_end_before_it_has_ended),
        cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_wrong_order),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_scratch_namespace),
        cmocka_unit_test(test_snapshots_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
