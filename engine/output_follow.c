/* The live output of a step that another console walks: read along in the spool, which both have, and nothing
 * of it touched. */
#include "engine/walk.h"

#include <stdlib.h>

struct followed {
    struct walk *walk;
    int step;
    char *key;
    struct execution *x; /* NULL once it has ended */
};

static void on_output(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    const struct followed *f = data;
    output_add(f->walk, f->step, stream, bytes, length);
}

static void on_ended(void *data, const struct exec_result *result)
{
    struct followed *f = data;
    (void)result; /* the journal tells how */
    execution_free(f->x);
    f->x = NULL;
}

void output_follow(struct walk *w, const char *step, const char *key)
{
    static const struct execution_events events = {.output = on_output, .ended = on_ended};
    struct engine *engine = w->engine;
    struct err e = {0};
    int index = runbook_find(w->book, step);
    if (!engine->runs.spool || !key || index == STEP_NONE)
        return;
    for (size_t i = 0; i < w->followed.len; i++)
        if (str_eq(w->followed.data[i]->key, key))
            return;
    struct followed *f = xcalloc(1, sizeof *f);
    *f = (struct followed){.walk = w, .step = index, .key = xstrdup(key)};
    *vec_push(&w->followed) = f;
    output_clear(w, index);
    f->x = execution_watch(engine->runs.spool, engine->loop, key, &events, f, &e);
    if (!f->x && e.code != ERR_NOT_FOUND) /* gone: it has ended, and its outcome is on the way */
        output_say(w, index, "its output can't be followed from here: %s", e.msg);
}

void output_follow_free(struct walk *w)
{
    for (size_t i = 0; i < w->followed.len; i++) {
        execution_free(w->followed.data[i]->x);
        free(w->followed.data[i]->key);
        free(w->followed.data[i]);
    }
    vec_fini(&w->followed);
}
