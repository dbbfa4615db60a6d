/* Safe mode is what the entity that proves it says, as long as it says it; there is no false off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

#define EVERY_US US_PER_S
#define WALL     (1795317261LL * US_PER_S)

static struct config *configured(const char *text)
{
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/", NULL, &e);
    if (!c)
        fail_msg("%s", e.msg);
    return c;
}

static void tell(struct platform *p, const struct observation *o, int64_t at_us)
{
    struct batch b = {.source = "mode", .observations = o, .observation_count = o ? 1 : 0};
    assert_true(platform_apply(p, &b, at_us, WALL + at_us));
    platform_tick(p, at_us, WALL + at_us);
}

static void reads(const struct config *c, const struct platform *p, enum safe_mode_state state,
                  const char *word)
{
    struct safe_mode mode;
    safe_mode_read(c, p, &mode);
    assert_int_equal(mode.state, state);
    assert_string_equal(mode.word, word);
}

static void test_words(void **state)
{
    (void)state;
    struct config *none = configured("platform: x\n"), *c = configured("safe_mode: {name: safe-mode}\n");
    struct platform *p = platform_new(NULL);
    platform_source_add(p, "mode", "http", EVERY_US, 0, 0);
    reads(none, p, SAFE_MODE_NONE, "");
    reads(NULL, p, SAFE_MODE_NONE, "");
    reads(c, NULL, SAFE_MODE_UNKNOWN, "unknown");
    reads(c, p, SAFE_MODE_UNKNOWN, "unknown"); /* nobody has told of it */

    struct observation o = {
        .kind = ENTITY_COMPONENT, .name = "safe-mode", .condition = CONDITION_OK, .raw = "off"};
    tell(p, &o, 1);
    reads(c, p, SAFE_MODE_OFF, "off");
    reads(none, p, SAFE_MODE_NONE, "");
    o = (struct observation){
        .kind = ENTITY_COMPONENT, .name = "safe-mode", .condition = CONDITION_DEGRADED, .raw = "On"};
    tell(p, &o, 2);
    reads(c, p, SAFE_MODE_ON, "ON");
    o.raw = "partly";
    tell(p, &o, 3);
    reads(c, p, SAFE_MODE_BETWEEN, "partly");
    o.raw = NULL;
    tell(p, &o, 4);
    reads(c, p, SAFE_MODE_UNKNOWN, "unknown"); /* it has no word and no value */
    platform_free(p);
    config_free(none);
    config_free(c);
}

static void test_what_is_not_told_any_more(void **state)
{
    (void)state;
    struct config *c = configured("safe_mode: {name: safe-mode}\n");
    struct platform *p = platform_new(NULL);
    struct observation o = {
        .kind = ENTITY_COMPONENT, .name = "safe-mode", .condition = CONDITION_OK, .raw = "off"};
    platform_source_add(p, "mode", "http", EVERY_US, 0, 0);
    tell(p, &o, 1);
    platform_tick(p, 3 * EVERY_US, WALL + 3 * EVERY_US);
    reads(c, p, SAFE_MODE_OFF, "off");
    platform_tick(p, 3 * EVERY_US + 1, WALL + 3 * EVERY_US + 1); /* late by three intervals */
    reads(c, p, SAFE_MODE_UNKNOWN, "unknown");
    tell(p, &o, 4 * EVERY_US);
    reads(c, p, SAFE_MODE_OFF, "off");
    tell(p, NULL, 5 * EVERY_US); /* it answers, without it */
    reads(c, p, SAFE_MODE_UNKNOWN, "unknown");
    platform_free(p);
    config_free(c);
}

static void test_a_signal(void **state)
{
    (void)state;
    struct config *c = configured("safe_mode: {kind: signal, name: safe, on: \"1\", off: \"0\"}\n");
    struct platform *p = platform_new(NULL);
    struct measurement value = {"value", 0};
    struct observation o = {.kind = ENTITY_SIGNAL, .name = "safe", .measures = &value, .measure_count = 1};
    platform_source_add(p, "mode", "prometheus", EVERY_US, 0, 0);
    tell(p, &o, 1);
    reads(c, p, SAFE_MODE_OFF, "off");
    value.value = 1;
    tell(p, &o, 2);
    reads(c, p, SAFE_MODE_ON, "ON");
    value.value = 0.5; /* half of the pods */
    tell(p, &o, 3);
    reads(c, p, SAFE_MODE_BETWEEN, "0.5");
    platform_free(p);
    config_free(c);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const char *const wrong[] = {"safe_mode: {}\n", "safe_mode: {name: x, kind: mode}\n",
                                        "safe_mode: {name: x, on: \"off\"}\n",
                                        "safe_mode: {name: x, of: y}\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err e = {0};
        assert_null(config_parse(wrong[i], strlen(wrong[i]), "belay.yaml", "/", NULL, &e));
        assert_true(e.msg[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_what_is_not_told_any_more),
        cmocka_unit_test(test_a_signal),
        cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
