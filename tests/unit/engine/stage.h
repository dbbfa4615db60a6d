/* An engine with a configuration and a state folder of its own, that can be closed and opened again. */
#ifndef BELAY_TESTS_ENGINE_STAGE_H
#define BELAY_TESTS_ENGINE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"

#define PATIENCE_US (60 * US_PER_S)

struct stage {
    char folder[40];
    struct config *config;
    struct loop *loop;
    struct engine *engine; /* while it is open */
};

/* Each %s of the configuration is the folder. */
static inline void stage_set(struct stage *s, const char *yaml)
{
    *s = (struct stage){.folder = "/tmp/belay-engine-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    struct str text = {0};
    for (const char *at = yaml, *hole; *at; at = hole + 2) {
        if (!(hole = strstr(at, "%s"))) {
            str_add(&text, at);
            break;
        }
        str_add_bytes(&text, at, (size_t)(hole - at));
        str_add(&text, s->folder);
    }
    s->config = config_parse(text.data, text.len, "belay.yaml", "/tmp", NULL, NULL);
    assert_non_null(s->config);
    str_fini(&text);
}

static inline void stage_open(struct stage *s)
{
    struct err e = {0};
    struct engine_options options = {.config = s->config, .watch = true, .state_folder = s->folder};
    s->loop = loop_new(NULL);
    s->engine = engine_open(s->loop, &options, &e);
    if (!s->engine)
        fail_msg("%s", e.msg);
}

static inline void stage_close(struct stage *s)
{
    engine_close(s->engine);
    loop_free(s->loop);
}

static inline void stage_strike(struct stage *s)
{
    config_free(s->config);
    assert_int_equal(folder_remove(s->folder, NULL), 0);
}

#endif
