/* Who is on call is asked through a breaker of its own: a command that fails is left alone, and tried again.
 */
#include "tests/unit/engine/stage.h"

static size_t asked(const struct stage *s)
{
    struct str text = {0};
    char *path = path_join(s->folder, "asked");
    if (file_read(path, 1 << 20, &text, NULL) < 0)
        str_clear(&text);
    size_t count = text.len / 2;
    str_fini(&text);
    free(path);
    return count;
}

static void until_breaker(struct stage *s, const char *state)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    const struct entity *e = NULL;
    do {
        if (clock_monotonic_us() > end)
            fail_msg("the breaker is %s, not %s", e ? e->raw : "not there", state);
        loop_run_once(s->loop, 20 * US_PER_MS);
        e = platform_find(engine_platform(s->engine), ENTITY_BREAKER, NULL, "oncall");
    } while (!e || !str_eq(e->raw, state));
    assert_string_equal(entity_attribute(e, "own"), "oncall");
}

static void a_command_that_fails_is_left_alone_and_tried_again(void **state)
{
    struct stage s;
    (void)state;
    stage_set(&s, "oncall: {command: [sh, -c, 'echo x >>%s/asked; exec cat %s/name'], timeout: 1m}\n");
    s.config->oncall.every_us = US_PER_S / 20; /* less than anybody may write */
    stage_open(&s);
    until_breaker(&s, "OPEN");
    assert_string_equal(engine_oncall(s.engine), "unknown");
    assert_in_range(asked(&s), 5, 9); /* five failures; probes, when this machine is slow to look */
    assert_true(platform_condition(engine_platform(s.engine)) != CONDITION_DOWN); /* the header says it */
    char *path = path_join(s.folder, "name");
    assert_int_equal(file_write_atomic(path, "bob\n", 4, 0600, NULL), 0);
    free(path);
    until_breaker(&s, "CLOSED");
    assert_string_equal(engine_oncall(s.engine), "bob");
    stage_close(&s);
    stage_strike(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_that_fails_is_left_alone_and_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
