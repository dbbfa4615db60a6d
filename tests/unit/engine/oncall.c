/* Who is on call is asked through a breaker of its own: a command that fails is left alone, and tried again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"

#define PATIENCE_US (60 * US_PER_S)

struct stage {
    char folder[40];
    struct config *config;
    struct loop *loop;
    struct engine *engine;
};

static void stage_set(struct stage *s)
{
    struct err e = {0};
    *s = (struct stage){.folder = "/tmp/belay-oncall-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    char *yaml =
        xasprintf("oncall: {command: [sh, -c, 'echo x >>%s/asked; exec cat %s/name'], timeout: 1m}\n",
                  s->folder, s->folder);
    s->config = config_parse(yaml, strlen(yaml), "belay.yaml", "/tmp", NULL, NULL);
    assert_non_null(s->config);
    s->config->oncall.every_us = US_PER_S / 20; /* less than anybody may write */
    free(yaml);
    s->loop = loop_new(NULL);
    struct engine_options options = {.config = s->config, .watch = true, .state_folder = s->folder};
    s->engine = engine_open(s->loop, &options, &e);
    if (!s->engine)
        fail_msg("%s", e.msg);
}

static void stage_strike(struct stage *s)
{
    engine_close(s->engine);
    loop_free(s->loop);
    config_free(s->config);
    assert_int_equal(folder_remove(s->folder, NULL), 0);
}

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
    stage_set(&s);
    until_breaker(&s, "OPEN");
    assert_string_equal(engine_oncall(s.engine), "unknown");
    assert_in_range(asked(&s), 5, 9); /* five failures; probes, when this machine is slow to look */
    assert_true(platform_condition(engine_platform(s.engine)) != CONDITION_DOWN); /* the header says it */
    char *path = path_join(s.folder, "name");
    assert_int_equal(file_write_atomic(path, "bob\n", 4, 0600, NULL), 0);
    free(path);
    until_breaker(&s, "CLOSED");
    assert_string_equal(engine_oncall(s.engine), "bob");
    stage_strike(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_that_fails_is_left_alone_and_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
