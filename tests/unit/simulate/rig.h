/* A simulated platform, acted on by kubectl command lines. */
#ifndef BELAY_TESTS_SIMULATE_RIG_H
#define BELAY_TESTS_SIMULATE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/kubectl.h"
#include "engine/simulate/route.h"

#define WALL_ZERO 1800000000000000LL

static inline struct world *rig_world(uint64_t seed)
{
    return world_new("shard", seed, 1, WALL_ZERO);
}

static inline void rig_pass(struct world *w, double seconds)
{
    world_advance(w, w->now_us + (int64_t)(seconds * 1e6));
}

/* Splits at blanks; '...' keeps blanks. */
static inline char **rig_words(const char *line)
{
    char **words = NULL;
    struct str word = {0};
    bool quoted = false, begun = false;
    for (const char *c = line;; c++) {
        if (*c == '\'') {
            quoted = !quoted;
            begun = true;
        } else if (*c == '\0' || (*c == ' ' && !quoted)) {
            if (begun)
                strv_add(&words, str_text(&word));
            str_clear(&word);
            begun = false;
            if (!*c)
                break;
        } else {
            str_add_char(&word, *c);
            begun = true;
        }
    }
    str_fini(&word);
    return words;
}

/* Runs it to its end; virtual time passes while it waits. */
static inline struct kubectl_result rig_run(struct world *w, const char *line, const char *input)
{
    char **argv = rig_words(line);
    struct kubectl_call call = {
        .argv = argv, .argc = (int)strv_count(argv), .input = input ? input : "", .token_us = -1};
    struct kubectl_result r = {0};
    for (int turn = 0;; turn++) {
        kubectl_run(w, &call, &r);
        if (r.again_ms == 0)
            break;
        if (turn > 100000)
            fail_msg("%s never ends", line);
        rig_pass(w, (double)r.again_ms / 1000);
        call.token_us = r.token_us;
        kubectl_result_fini(&r);
        r = (struct kubectl_result){0};
    }
    strv_free(argv);
    return r;
}

/* Runs it and compares; out and err NULL: not looked at. */
static inline void rig_expect(struct world *w, const char *line, int exit, const char *out, const char *err)
{
    struct kubectl_result r = rig_run(w, line, NULL);
    bool well = r.exit == exit && (!out || strcmp(str_text(&r.out), out) == 0) &&
                (!err || strcmp(str_text(&r.err), err) == 0);
    if (!well)
        fail_msg("%s\n  exit %d, wanted %d\n  out: %s\n  wanted: %s\n  err: %s\n  wanted: %s", line, r.exit,
                 exit, str_text(&r.out), out ? out : "(anything)", str_text(&r.err),
                 err ? err : "(anything)");
    kubectl_result_fini(&r);
}

static inline struct answer rig_http(struct world *w, const char *method, const char *path, const char *body)
{
    struct answer a = {0};
    struct request r = {.method = method,
                        .path = path,
                        .query = "",
                        .body = body ? body : "",
                        .body_length = body ? strlen(body) : 0};
    route(w, &r, &a);
    return a;
}

static inline cJSON *rig_get(struct world *w, const char *path)
{
    struct answer a = rig_http(w, "GET", path, NULL);
    struct err e;
    cJSON *tree = json_parse(str_text(&a.body), a.body.len, &e);
    if (!tree || a.status != 200)
        fail_msg("%s: %d %s", path, a.status, str_text(&a.body));
    str_fini(&a.body);
    return tree;
}

#endif
