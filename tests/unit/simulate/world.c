/* The scenario's arc, what acts do to it, and that the same seed is the same platform. */
#include <math.h>

#include "tests/unit/simulate/rig.h"

static void expose(const struct world *w, struct str *out)
{
    str_clear(out);
    exposition_write(w, out);
}

static void test_the_same_seed_is_the_same_platform(void **state)
{
    (void)state;
    struct world *often = rig_world(7), *seldom = rig_world(7), *other = rig_world(8);
    struct str a = {0}, b = {0}, c = {0};
    for (int i = 0; i < 600; i++) {
        rig_pass(often, 0.1);
        if (i % 60 == 59) {
            rig_pass(seldom, 6);
            rig_pass(other, 6);
            expose(often, &a);
            expose(seldom, &b);
            expose(other, &c);
            assert_string_equal(str_text(&a), str_text(&b));
            assert_string_not_equal(str_text(&a), str_text(&c));
        }
    }
    str_fini(&a);
    str_fini(&b);
    str_fini(&c);
    world_free(often);
    world_free(seldom);
    world_free(other);
}

static void test_time_in_odd_pieces(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    world_advance(w, 99999);
    assert_int_equal(w->now_us, 0);
    world_advance(w, 100000);
    assert_int_equal(w->now_us, 100000);
    world_advance(w, 50000); /* never back */
    assert_int_equal(w->now_us, 100000);
    world_free(w);
}

static size_t alerts_firing(const struct world *w)
{
    size_t firing = 0;
    for (int i = 0; i < WORLD_ALERTS; i++)
        firing += w->alerts[i].firing_us >= 0;
    return firing;
}

static void expect_well(const struct world *w, const char *when)
{
    bool well = w->error_rate < .005 && w->empty_rate < .03 && w->p95_s < 1 && w->hit_rate > .86 &&
                w->canary >= 1 && alerts_firing(w) == 0;
    for (int i = 0; i < WORLD_BREAKERS; i++)
        well &= w->breakers[i].state == BREAKER_CLOSED;
    for (int i = 0; i < 2; i++)
        for (int shard = 0; shard < w->collections[i].shard_count; shard++)
            well &= w->collections[i].primary[shard] == REPLICA_ACTIVE &&
                    w->collections[i].replica[shard] == REPLICA_ACTIVE;
    if (!well)
        fail_msg(
            "%s, %lld ms: errors %g empty %g p95 %g hits %g canary %g alerts %zu retriever %d shard-5 %s/%s",
            when, (long long)(w->now_us / 1000), w->error_rate, w->empty_rate, w->p95_s, w->hit_rate,
            w->canary, alerts_firing(w), (int)w->breakers[0].state,
            replica_state_text(w->collections[0].primary[5]),
            replica_state_text(w->collections[0].replica[5]));
}

static void repair(struct world *w)
{
    rig_expect(w,
               "kubectl -n rag label pods -l app=vectorstore,collection=docs,shard=shard-5,role=replica "
               "serving=true --overwrite",
               0, "pod/docs-shard-5-1 labeled\n", "");
    rig_expect(w,
               "kubectl -n rag label pods -l app=vectorstore,collection=docs,shard=shard-5,role=primary "
               "serving=false --overwrite",
               0, "pod/docs-shard-5-0 labeled\n", "");
}

static const char claim_and_job[] =
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: fresh}\n"
    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n"
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: restore-fresh}\nspec:\n  template:\n    spec:\n      "
    "restartPolicy: Never\n      containers:\n"
    "        - {name: restore, image: x, command: [ctl, snapshot, restore, \"%s\", --to, /qdrant/storage]}\n"
    "      volumes: [{name: data, persistentVolumeClaim: {claimName: fresh}}]\n";
static const char deployment[] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: docs-shard-5-r1, "
                                 "labels: {collection: docs, shard: shard-5}}\nspec:\n"
                                 "  replicas: 1\n  selector: {matchLabels: {shard: shard-5}}\n"
                                 "  template:\n    metadata: {labels: {app: vectorstore, "
                                 "collection: docs, shard: shard-5, role: primary, serving: "
                                 "'false'}}\n    spec:\n      containers: [{name: vectorstore, image: x}]\n"
                                 "      volumes: [{name: data, persistentVolumeClaim: {claimName: fresh}}]\n";

static void create(struct world *w, const char *manifest, int exit)
{
    struct kubectl_result r = rig_run(w, "kubectl -n rag create -f -", manifest);
    if (r.exit != exit)
        fail_msg("create: exit %d, %s", r.exit, str_text(&r.err));
    kubectl_result_fini(&r);
}

static void restore(struct world *w, const char *snapshot)
{
    char *manifest = xasprintf(claim_and_job, snapshot);
    create(w, manifest, 0);
    free(manifest);
}

static void test_the_arc(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world *w = rig_world(seed);
        for (int i = 0; i < 99; i++) {
            expect_well(w, "before");
            rig_pass(w, 0.1);
        }
        double done = w->job.done;
        rig_pass(w, 20);
        assert_int_equal(w->collections[0].primary[5], REPLICA_DEAD);
        assert_int_equal(w->collections[0].replica[5], REPLICA_PARTIAL);
        assert_int_equal(w->breakers[0].state, BREAKER_OPEN);
        assert_true(w->error_rate > .03 && w->empty_rate > .2 && w->p95_s > 2.2 && w->hit_rate < .75 &&
                    w->canary < .7);
        assert_true(w->tiers[1].rate > 30 && w->tiers[0].rate == 0);
        assert_true(w->alerts[0].firing_us >= 0 && alerts_firing(w) >= 3);
        assert_true(w->job.done > done); /* the batch job does not care */

        repair(w);
        assert_int_equal(w->collections[0].replica[5], REPLICA_ACTIVE_READ);
        rig_pass(w, 25);
        assert_true(w->error_rate < .005 && w->canary >= 1 && w->breakers[0].state == BREAKER_CLOSED);
        assert_true(w->alerts[0].firing_us >= 0); /* the shard is not whole */

        rig_expect(w, "kubectl -n rag exec deploy/vectorstore -- ctl index reopen shard-5", 1, NULL, NULL);
        restore(w, "s3://rag-snapshots/docs/shard-5/x.snapshot");
        rig_expect(w, "kubectl -n rag wait --for=condition=complete --timeout=60s job/restore-fresh", 0,
                   "job.batch/restore-fresh condition met\n", "");
        rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 role=failed --overwrite", 0, NULL, "");
        create(w, deployment, 0);
        rig_expect(w, "kubectl -n rag rollout status deploy/docs-shard-5-r1", 0,
                   "deployment \"docs-shard-5-r1\" successfully rolled out\n", "");
        assert_int_equal(w->collections[0].primary[5], REPLICA_RECOVERY);
        assert_true(world_shard_answers(w, "docs", 5, "docs-shard-5-r1") >= 1);
        rig_expect(w,
                   "kubectl -n rag label pods -l shard=shard-5,collection=docs,role=primary serving=true "
                   "--overwrite",
                   0, NULL, "");
        assert_int_equal(w->collections[0].primary[5], REPLICA_ACTIVE);
        rig_pass(w, 15);
        expect_well(w, "after");
        rig_pass(w, 300);
        expect_well(w, "long after");
        world_free(w);
    }
}

/* Whoever puts the broken pod back, or a pod without data, gets the trouble back. */
static void test_no_way_round_the_repair(void **state)
{
    (void)state;
    struct world *w = rig_world(3);
    rig_pass(w, 20);
    repair(w);
    rig_pass(w, 10);
    rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 serving=true --overwrite", 0, NULL, "");
    rig_pass(w, 20);
    assert_true(w->empty_rate > .1);
    rig_expect(w, "kubectl -n rag delete pod docs-shard-5-0", 0, "pod \"docs-shard-5-0\" deleted\n", "");
    rig_pass(w, 20); /* it comes again, on the same volume */
    rig_expect(w, "kubectl -n rag get pod docs-shard-5-0 -o jsonpath={.metadata.labels.serving}", 0, "true",
               "");
    assert_true(w->empty_rate > .1);
    restore(w, "somewhere");
    rig_expect(w, "kubectl -n rag wait --for=condition=failed --timeout=60s job/restore-fresh", 0, NULL, "");
    create(w, deployment, 0);
    rig_pass(w, 10);
    assert_true(world_shard_answers(w, "docs", 5, "docs-shard-5-r1") < 1);
    world_free(w);
}

static void test_a_pod_without_its_volume_waits(void **state)
{
    (void)state;
    struct world *w = rig_world(3);
    create(w, deployment, 0);
    rig_pass(w, 30);
    rig_expect(w, "kubectl -n rag get deploy docs-shard-5-r1 -o jsonpath={.status.readyReplicas}", 0, "", "");
    rig_expect(w, "kubectl -n rag rollout status deploy/docs-shard-5-r1 --timeout=5s", 1,
               "Waiting for deployment \"docs-shard-5-r1\" rollout to finish: 0 of 1 updated replicas are "
               "available...\n",
               "error: timed out waiting for the condition\n");
    world_free(w);
}

/* An hour that nobody acts in: the fault stays, counters never fall, the breaker does not flutter. */
static void test_left_alone(void **state)
{
    (void)state;
    struct world *w = rig_world(5);
    double requests = 0, hits = 0, trips = 0;
    for (int i = 0; i < 360; i++) {
        rig_pass(w, 10);
        assert_true(w->requests > requests && w->tiers[0].hits + w->tiers[1].hits > hits);
        requests = w->requests;
        hits = w->tiers[0].hits + w->tiers[1].hits;
        if (i == 29)
            trips = w->breakers[0].trips;
        assert_true(isfinite(w->error_rate) && w->error_rate > 0 && w->error_rate < .06 && w->hit_rate < 1);
    }
    assert_true(trips <= 4);
    assert_int_equal(w->collections[0].primary[5], REPLICA_DEAD);
    world_free(w);
}

static void test_speed_is_seen_in_wall_time(void **state)
{
    (void)state;
    struct world *w = world_new("shard", 1, 10, WALL_ZERO);
    assert_int_equal(world_wall_us(w, 50 * US_PER_S), WALL_ZERO + 5 * US_PER_S);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_is_the_same_platform),
        cmocka_unit_test(test_time_in_odd_pieces),
        cmocka_unit_test(test_the_arc),
        cmocka_unit_test(test_no_way_round_the_repair),
        cmocka_unit_test(test_a_pod_without_its_volume_waits),
        cmocka_unit_test(test_left_alone),
        cmocka_unit_test(test_speed_is_seen_in_wall_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
