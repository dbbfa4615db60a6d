/* A run's document or its items are edited while it is open: that is told, the run keeps what it began with,
 * and what is put back is no edit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"

#define BOUND_US (60 * US_PER_S)

static const char document[] = "# Drain\n\n```bash {name=drain items=pods.jsonl timeout=5s}\ntrue\n```\n";
static const char pods[] = "{\"pod\":\"a\"}\n{\"pod\":\"b\"}\n";

struct house {
    char folder[64];
    char *book, *items;
    struct loop *loop;
    struct engine *engine;
    int64_t run;
};

static void put(const char *path, const char *text)
{
    struct err e = {0};
    if (file_write_atomic(path, text, strlen(text), 0600, &e) < 0)
        fail_msg("%s", e.msg);
}

static void on_started(void *context, int code, const char *message, int64_t id)
{
    struct house *h = context;
    if (code < 0)
        fail_msg("%s", message);
    h->run = id;
}

static const char *edited(const struct house *h)
{
    struct engine_run view;
    assert_true(engine_run_by_id(h->engine, h->run, &view));
    return view.edited;
}

/* Until the notice is (NULL: none) wanted. */
static void await(struct house *h, const char *wanted)
{
    int64_t until = clock_monotonic_us() + BOUND_US;
    while (!str_eq(edited(h), wanted)) {
        if (clock_monotonic_us() > until)
            fail_msg("it says \"%s\", not \"%s\"", edited(h), wanted);
        loop_run_once(h->loop, US_PER_S);
    }
}

static int setup(void **state)
{
    struct house *h = xcalloc(1, sizeof *h);
    struct err e = {0};
    snprintf(h->folder, sizeof h->folder, "/tmp/belay-edition-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    h->book = path_join(h->folder, "drain.md");
    h->items = path_join(h->folder, "pods.jsonl");
    put(h->book, document);
    put(h->items, pods);
    char *journal = path_join(h->folder, "state");
    h->loop = loop_new(&e);
    h->engine = engine_open(h->loop, &(struct engine_options){.state_folder = journal}, &e);
    free(journal);
    if (!h->engine)
        fail_msg("%s", e.msg);
    struct engine_request start = {.kind = REQUEST_RUN_START, .path = h->book};
    while (!engine_settled(h->engine))
        loop_run_once(h->loop, US_PER_S);
    engine_submit(h->engine, &start, on_started, h);
    while (!h->run)
        loop_run_once(h->loop, US_PER_S);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;
    engine_close(h->engine);
    loop_free(h->loop);
    folder_remove(h->folder, NULL);
    free(h->book);
    free(h->items);
    free(h);
    return 0;
}

static void test_edited(void **state)
{
    struct house *h = *state;
    struct engine_run view;
    assert_null(edited(h));
    put(h->book, "# Another\n\n```bash {name=other}\nfalse\n```\n");
    await(h, "drain.md has changed since this run began; the run keeps its own text");
    assert_true(engine_run_by_id(h->engine, h->run, &view));
    assert_string_equal(view.book->title, "Drain");
    put(h->items, "{\"pod\":\"c\"}\n");
    await(h, "drain.md and pods.jsonl have changed since this run began; the run keeps what it began with");
    put(h->book, document);
    await(h, "pods.jsonl has changed since this run began; the run keeps its own lines");
    put(h->items, pods);
    await(h, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_edited, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
