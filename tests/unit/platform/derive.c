/* The table of normalised states. */
#include "tests/unit/platform/rig.h"

struct row {
    enum entity_kind kind;
    const char *raw;
    struct measurement measures[4];
    enum condition want;
};

static const struct row rows[] = {
    {ENTITY_BREAKER, "CLOSED", {{0}}, CONDITION_OK},
    {ENTITY_BREAKER, "closed", {{0}}, CONDITION_OK},
    {ENTITY_BREAKER, "HALF_OPEN", {{0}}, CONDITION_DEGRADED},
    {ENTITY_BREAKER, "half-open", {{0}}, CONDITION_DEGRADED},
    {ENTITY_BREAKER, "halfOpen", {{0}}, CONDITION_DEGRADED},
    {ENTITY_BREAKER, "DISABLED", {{0}}, CONDITION_DEGRADED},
    {ENTITY_BREAKER, "metrics only", {{0}}, CONDITION_DEGRADED},
    {ENTITY_BREAKER, "OPEN", {{0}}, CONDITION_DOWN},
    {ENTITY_BREAKER, "forced_open", {{0}}, CONDITION_DOWN},
    {ENTITY_BREAKER, "OPENISH", {{0}}, CONDITION_UNKNOWN},
    {ENTITY_BREAKER, "", {{0}}, CONDITION_UNKNOWN},
    {ENTITY_BREAKER, NULL, {{0}}, CONDITION_UNKNOWN},
    {ENTITY_BREAKER, "Active", {{0}}, CONDITION_UNKNOWN},

    {ENTITY_SHARD, "Active", {{0}}, CONDITION_OK},
    {ENTITY_SHARD, "ActiveRead", {{0}}, CONDITION_OK},
    {ENTITY_SHARD, "Partial", {{0}}, CONDITION_DEGRADED},
    {ENTITY_SHARD, "ReshardingScaleDown", {{0}}, CONDITION_DEGRADED},
    {ENTITY_SHARD, "Dead", {{0}}, CONDITION_DOWN},
    {ENTITY_SHARD, "TIMEOUT", {{0}}, CONDITION_UNKNOWN},
    {ENTITY_SHARD, NULL, {{0}}, CONDITION_UNKNOWN},
    {ENTITY_SHARD, NULL, {{"replicas", 2}, {"replicas_ok", 2}}, CONDITION_OK},
    {ENTITY_SHARD, "Active", {{"replicas", 2}, {"replicas_ok", 2}}, CONDITION_OK},
    {ENTITY_SHARD, "Dead", {{"replicas", 2}, {"replicas_ok", 1}}, CONDITION_DEGRADED},
    {ENTITY_SHARD, "Active", {{"replicas", 2}, {"replicas_ok", 0}}, CONDITION_DOWN},
    {ENTITY_SHARD, "Dead", {{"replicas", 2}, {"replicas_ok", 2}}, CONDITION_DEGRADED},
    {ENTITY_SHARD, "Bizarre", {{"replicas", 2}, {"replicas_ok", 2}}, CONDITION_UNKNOWN},
    {ENTITY_SHARD, NULL, {{"replicas", 0}, {"replicas_ok", 0}}, CONDITION_DOWN},
    {ENTITY_SHARD, NULL, {{"replicas", NAN}, {"replicas_ok", 2}}, CONDITION_UNKNOWN},

    {ENTITY_SIGNAL, NULL, {{"value", 1}}, CONDITION_OK},
    {ENTITY_SIGNAL, NULL, {{"value", NAN}}, CONDITION_UNKNOWN},
    {ENTITY_SIGNAL, "fine", {{0}}, CONDITION_UNKNOWN},
    {ENTITY_SIGNAL, NULL, {{"value", 2}, {"warn", 2}, {"crit", 5}}, CONDITION_OK},
    {ENTITY_SIGNAL, NULL, {{"value", 2.01}, {"warn", 2}, {"crit", 5}}, CONDITION_DEGRADED},
    {ENTITY_SIGNAL, NULL, {{"value", 5.01}, {"warn", 2}, {"crit", 5}}, CONDITION_DOWN},
    {ENTITY_SIGNAL, NULL, {{"value", .88}, {"warn", .8}, {"crit", .5}}, CONDITION_OK},
    {ENTITY_SIGNAL, NULL, {{"value", .71}, {"warn", .8}, {"crit", .5}}, CONDITION_DEGRADED},
    {ENTITY_SIGNAL, NULL, {{"value", .2}, {"warn", .8}, {"crit", .5}}, CONDITION_DOWN},
    {ENTITY_SIGNAL, NULL, {{"value", INFINITY}, {"warn", 2}}, CONDITION_DEGRADED},
    {ENTITY_SIGNAL, NULL, {{"value", 3}, {"crit", 2}}, CONDITION_DOWN},

    {ENTITY_SNAPSHOT, NULL, {{"age_s", 86400}, {"schedule_s", 86400}}, CONDITION_OK},
    {ENTITY_SNAPSHOT, NULL, {{"age_s", 86401}, {"schedule_s", 86400}}, CONDITION_DEGRADED},
    {ENTITY_SNAPSHOT, NULL, {{"age_s", 172801}, {"schedule_s", 86400}}, CONDITION_DOWN},
    {ENTITY_SNAPSHOT, NULL, {{"age_s", 60}}, CONDITION_UNKNOWN},
    {ENTITY_SNAPSHOT, NULL, {{"age_s", -60}, {"schedule_s", 86400}}, CONDITION_UNKNOWN},
    {ENTITY_SNAPSHOT, "none", {{0}}, CONDITION_DOWN},

    {ENTITY_JOB, "running", {{0}}, CONDITION_OK},
    {ENTITY_JOB, "Completed", {{0}}, CONDITION_OK},
    {ENTITY_JOB, "paused", {{0}}, CONDITION_DEGRADED},
    {ENTITY_JOB, "failed", {{"checkpoint_age_s", 1}}, CONDITION_DOWN},
    {ENTITY_JOB, NULL, {{0}}, CONDITION_UNKNOWN},
    {ENTITY_JOB, NULL, {{"checkpoint_age_s", 2}}, CONDITION_OK},
    {ENTITY_JOB, "running", {{"checkpoint_age_s", 61}}, CONDITION_DEGRADED},
    {ENTITY_JOB, "running", {{"checkpoint_age_s", 301}}, CONDITION_DOWN},
    {ENTITY_JOB, "running", {{"checkpoint_age_s", 301}, {"late_s", 400}, {"stalled_s", 900}}, CONDITION_OK},
    {ENTITY_JOB, NULL, {{"checkpoint_age_s", 9000}, {"done", 50}, {"total", 50}}, CONDITION_OK},
    {ENTITY_JOB, "weird", {{"checkpoint_age_s", 1}}, CONDITION_UNKNOWN},

    {ENTITY_ALERT, "resolved", {{0}}, CONDITION_OK},
    {ENTITY_ALERT, "firing", {{0}}, CONDITION_DOWN},
    {ENTITY_ALERT, "active", {{"severity", 3}}, CONDITION_DOWN},
    {ENTITY_ALERT, "active", {{"severity", 2}}, CONDITION_DEGRADED},
    {ENTITY_ALERT, "suppressed", {{"severity", 3}}, CONDITION_DEGRADED},
    {ENTITY_ALERT, "unprocessed", {{0}}, CONDITION_UNKNOWN},

    {ENTITY_COMPONENT, "Running", {{"ready", 3}, {"replicas", 3}}, CONDITION_OK},
    {ENTITY_COMPONENT, NULL, {{"ready", 2}, {"replicas", 3}}, CONDITION_DEGRADED},
    {ENTITY_COMPONENT, "Running", {{"ready", 0}, {"replicas", 3}}, CONDITION_DOWN},
    {ENTITY_COMPONENT, "CrashLoopBackOff", {{0}}, CONDITION_DOWN},
    {ENTITY_COMPONENT, "Pending", {{0}}, CONDITION_DEGRADED},

    {ENTITY_CHAIN, NULL, {{"tier", 1}, {"hits_rate", 4}}, CONDITION_OK},
    {ENTITY_CHAIN, NULL, {{"tier", 2}, {"hits_rate", 4}}, CONDITION_DEGRADED},
    {ENTITY_CHAIN, NULL, {{"tier", 1}, {"hits_rate", 0}}, CONDITION_UNKNOWN},
    {ENTITY_CHAIN, "OPEN", {{"tier", 1}, {"hits_rate", 0}}, CONDITION_DOWN},
    {ENTITY_CHAIN, NULL, {{"tier", 1}}, CONDITION_UNKNOWN},
};

static struct observation row_observation(const struct row *row)
{
    struct observation o = {.kind = row->kind, .name = "x", .raw = row->raw, .measures = row->measures};
    while (o.measure_count < 4 && row->measures[o.measure_count].name)
        o.measure_count++;
    return o;
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct observation o = row_observation(&rows[i]);
        enum condition got = condition_derive(&o);
        if (got != rows[i].want)
            fail_msg("row %zu, %s '%s': %s, wanted %s", i, entity_kind_text(o.kind), o.raw ? o.raw : "(none)",
                     condition_name(got), condition_name(rows[i].want));
    }
}

/* Words of one kind mean nothing to another; noise is unknown; nothing is ok by accident. */
static void test_noise_is_never_ok(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 20261122);
    for (int round = 0; round < 20000; round++) {
        char raw[12];
        size_t length = 1 + rng_below(&rng, sizeof raw - 2);
        for (size_t i = 0; i < length; i++)
            raw[i] = (char)(1 + rng_below(&rng, 255));
        raw[length] = '\0';
        struct observation o = {
            .kind = (enum entity_kind)rng_below(&rng, ENTITY_KIND_COUNT), .name = "x", .raw = raw};
        if (condition_derive(&o) == CONDITION_OK)
            fail_msg("seed 20261122 round %d: %s '%s' is ok", round, entity_kind_text(o.kind), raw);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < ENTITY_KIND_COUNT; i++) {
        enum entity_kind kind;
        assert_true(entity_kind_parse(entity_kind_text((enum entity_kind)i), &kind));
        assert_int_equal(kind, i);
    }
    enum condition condition = CONDITION_DOWN;
    assert_true(condition_name_parse("ok", &condition));
    assert_int_equal(condition, CONDITION_OK);
    assert_false(condition_name_parse("none", &condition));
    enum entity_kind kind;
    assert_false(entity_kind_parse("any", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_noise_is_never_ok),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
