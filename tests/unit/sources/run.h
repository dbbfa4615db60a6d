/* For tests of running sources: a configuration in YAML, the sources over it, what they handed in, and small
 * servers. */
#ifndef BELAY_TESTS_UNIT_SOURCES_RUN_H
#define BELAY_TESTS_UNIT_SOURCES_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/sources/sources.h"
#include "tests/unit/io/peer.h"

#define PATIENCE_US (60 * US_PER_S)

struct run {
    struct loop *loop;
    struct config *config;
    struct sources *sources;
    struct platform *platform;
    struct str seen; /* a line a batch */
    size_t batches, statuses;
    int done;
};

static inline void on_batch(void *data, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct run *r = data;
    r->batches++;
    str_addf(&r->seen, "%s:%s", b->source, b->partial ? " partial" : "");
    if (b->error)
        str_addf(&r->seen, " error %s", b->error);
    for (size_t i = 0; i < b->observation_count; i++)
        str_addf(&r->seen, " %s=%s", b->observations[i].name,
                 b->observations[i].raw ? b->observations[i].raw : "");
    str_add_char(&r->seen, '\n');
    assert_true(platform_apply(r->platform, b, now_us, wall_us));
}

static inline void on_status(void *data, size_t index)
{
    struct run *r = data;
    struct source_status s;
    r->statuses++;
    sources_status(r->sources, index, &s);
    assert_false(s.polling);
    assert_true(s.answers + s.failures > 0);
}

static inline void on_done(void *data)
{
    ((struct run *)data)->done++;
}

/* yaml: the sources' list; $1, $2 ... are replaced by the peers' ports. */
static inline void run_start(struct run *r, const char *yaml, const struct peer *peers)
{
    struct str text = {0};
    struct err e = {0};
    *r = (struct run){.loop = loop_new(NULL), .platform = platform_new(NULL)};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    str_add(&text, "sources:\n");
    for (const char *p = yaml; *p; p++) {
        if (*p == '$' && p[1] >= '1' && p[1] <= '9')
            str_addf(&text, "http://127.0.0.1:%d", peers[*++p - '1'].port);
        else
            str_add_char(&text, *p);
    }
    r->config = config_parse(text.data, text.len, "belay.yaml", "/tmp", NULL, &e);
    if (!r->config)
        fail_msg("%s\n%s", e.msg, text.data);
    r->sources = sources_new(r->loop, r->config, &(struct sources_events){on_batch, on_status, r}, &e);
    if (!r->sources)
        fail_msg("%s\n%s", e.msg, text.data);
    sources_register(r->sources, r->platform, loop_now_us(r->loop), clock_wall_us());
    str_fini(&text);
}

static inline void run_stop(struct run *r)
{
    sources_free(r->sources);
    loop_free(r->loop);
    platform_free(r->platform);
    config_free(r->config);
    str_fini(&r->seen);
}

static inline void turn_until(struct run *r, const size_t *counter, size_t wanted)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (*counter < wanted) {
        if (clock_monotonic_us() > end)
            fail_msg("waited too long; seen\n%s", str_text(&r->seen));
        loop_run_once(r->loop, 100 * US_PER_MS);
    }
}

static inline void run_once(struct run *r)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    sources_once(r->sources, on_done, r);
    assert_int_equal(r->done, 0);
    while (!r->done) {
        if (clock_monotonic_us() > end)
            fail_msg("waited too long; seen\n%s", str_text(&r->seen));
        loop_run_once(r->loop, 100 * US_PER_MS);
    }
    assert_int_equal(r->done, 1);
}

static inline void expect_seen(const struct run *r, const char *line)
{
    if (!strstr(str_text(&r->seen), line))
        fail_msg("not seen: %s\nseen\n%s", line, str_text(&r->seen));
}

/* ---- Servers ---- */

static inline void serve_answer(struct peer *p, int fd)
{
    char head[8192], start[256];
    const char *body = p->data;
    while (peer_read_request(fd, head, sizeof head)) {
        snprintf(start, sizeof start, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body));
        if (!peer_say(p, fd, start) || !peer_say(p, fd, body))
            return;
    }
}

static inline void serve_nothing(struct peer *p, int fd)
{
    peer_wait_closed(p, fd);
}

static inline void peers_stop(struct peer *peers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        peer_stop(&peers[i]);
}

#define MAP "map: {kind: component, rows: /*, name: '{n}', state: {from: /s, up: ok, gone: down}}"

#endif
