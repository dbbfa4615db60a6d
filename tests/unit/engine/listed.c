/* While the list of runbooks is said to stand its order stands, too: a run that is open is before the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/state.h"

#define BOUND_US (60 * US_PER_S)

struct house {
    char folder[64];
    struct config *config;
    struct loop *loop;
    struct engine *engine;
    int64_t run;
};

static void put(const struct house *h, const char *name, const char *title)
{
    struct err e = {0};
    char *path = path_join(h->folder, name);
    char *text = xasprintf("# %s\n\n```bash {name=act timeout=5s}\ntrue\n```\n", title);
    if (file_write_atomic(path, text, strlen(text), 0600, &e) < 0)
        fail_msg("%s", e.msg);
    free(text);
    free(path);
}

static void turn_until(struct house *h, bool (*condition)(const struct engine *engine))
{
    int64_t until = clock_monotonic_us() + BOUND_US;
    while (!condition(h->engine)) {
        assert_true(clock_monotonic_us() < until);
        loop_run_once(h->loop, US_PER_S);
    }
}

static void first_is(const struct house *h, const char *title)
{
    struct engine_runbook view;
    engine_runbook_at(h->engine, 0, &view);
    assert_string_equal(view.book ? view.book->title : "", title);
}

static void on_started(void *context, int code, const char *message, int64_t id)
{
    struct house *h = context;
    if (code < 0)
        fail_msg("%s", message);
    h->run = id;
}

static void test_an_open_run_is_first(void **state)
{
    (void)state;
    struct house h = {.folder = "/tmp/belay-listed-XXXXXX"};
    struct err e = {0};
    assert_non_null(mkdtemp(h.folder));
    put(&h, "a.md", "Zulu");
    put(&h, "z.md", "Alpha");
    const char yaml[] = "runbooks: [.]\n";
    char *path = path_join(h.folder, "a.md"), *place = path_join(h.folder, "state");
    h.config = config_parse(yaml, strlen(yaml), "belay.yaml", h.folder, NULL, &e);
    assert_non_null(h.config);
    h.loop = loop_new(&e);
    h.engine = engine_open(h.loop, &(struct engine_options){.config = h.config, .state_folder = place}, &e);
    assert_non_null(h.engine);
    turn_until(&h, engine_settled);
    turn_until(&h, engine_listed);
    first_is(&h, "Alpha");
    /* A key that is answered before the change is: nobody is to choose from the list as it was. */
    engine_changed(h.engine, ENGINE_RUNS);
    assert_false(engine_listed(h.engine));
    turn_until(&h, engine_listed);
    engine_submit(h.engine, &(struct engine_request){.kind = REQUEST_RUN_START, .path = path}, on_started,
                  &h);
    while (!h.run)
        loop_run_once(h.loop, US_PER_S);
    turn_until(&h, engine_listed);
    first_is(&h, "Zulu");
    engine_close(h.engine);
    loop_free(h.loop);
    config_free(h.config);
    folder_remove(h.folder, NULL);
    free(path);
    free(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_an_open_run_is_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
