/* The servers that more than one test starts, and what is put into them. */
#ifndef BELAY_TESTS_INTEGRATION_SERVERS_H
#define BELAY_TESTS_INTEGRATION_SERVERS_H

#include "tests/integration/server.h"

/* ---- Redis ---- */

static inline pid_t redis_start(const char *folder, int port, const char *password)
{
    char number[16];
    snprintf(number, sizeof number, "%d", port);
    char *argv[] = {"redis-server",
                    "--port",
                    number,
                    "--bind",
                    "127.0.0.1",
                    "--dir",
                    (char *)(uintptr_t)folder,
                    "--save",
                    "",
                    "--requirepass",
                    (char *)(uintptr_t)password,
                    NULL};
    if (!password)
        argv[9] = NULL;
    return server_start(folder, port, argv);
}

struct asking {
    int left;
};

static inline void on_reply(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct asking *a = data;
    if (!reply)
        fail_msg("%s", error->msg);
    if (reply->type == REDIS_ERROR)
        fail_msg("%s", reply->text);
    a->left--;
}

struct client {
    struct loop *loop;
    struct redis *redis;
    struct asking asking;
};

static inline void client_start(struct client *c, int port)
{
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    *c = (struct client){.loop = loop_new(NULL)};
    c->redis = redis_new(c->loop, &(struct redis_options){.url = url}, NULL);
}

static inline void client_send(struct client *c, size_t count, const char *const *words,
                               const size_t *lengths)
{
    c->asking.left++;
    redis_command(c->redis, count, words, lengths, PATIENCE_US, on_reply, &c->asking);
}

static inline void client_stop(struct client *c)
{
    while (c->asking.left)
        loop_run_once(c->loop, 100 * US_PER_MS);
    redis_free(c->redis);
    loop_free(c->loop);
}

static inline void set_bytes(struct client *c, const char *key, const char *bytes, size_t length)
{
    client_send(c, 3, (const char *const[]){"SET", key, bytes}, (const size_t[]){3, strlen(key), length});
}

/* ---- Alertmanager ---- */

static inline pid_t alertmanager_start(const char *folder, int port)
{
    text_write(folder, "alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n");
    char *config = xasprintf("--config.file=%s/alertmanager.yml", folder);
    char *storage = xasprintf("--storage.path=%s/data", folder);
    char *listen = xasprintf("--web.listen-address=127.0.0.1:%d", port);
    char *argv[] = {"prometheus-alertmanager", config, storage, listen, "--cluster.listen-address=", NULL};
    pid_t pid = server_start(folder, port, argv);
    free(config);
    free(storage);
    free(listen);
    return pid;
}

struct posting {
    bool done;
    int status;
    char *body;
};

static inline void on_posted(void *data, struct http_result *r)
{
    struct posting *p = data;
    p->done = true;
    p->status = r->status;
    p->body = str_take(&r->body);
}

static inline void post(int port, const char *path, const char *body)
{
    struct loop *l = loop_new(NULL);
    struct http *h = http_new(l, 1, NULL);
    struct posting p = {0};
    char *url = xasprintf("http://127.0.0.1:%d%s", port, path);
    const char *headers[] = {"Content-Type: application/json", NULL};
    struct http_request r = {.method = "POST",
                             .url = url,
                             .headers = headers,
                             .body = body,
                             .body_length = strlen(body),
                             .timeout_us = PATIENCE_US,
                             .done = on_posted,
                             .data = &p};
    assert_non_null(http_start(h, &r, NULL));
    while (!p.done)
        loop_run_once(l, 100 * US_PER_MS);
    if (p.status != 200)
        fail_msg("%s: HTTP %d %s", path, p.status, p.body);
    free(p.body);
    free(url);
    http_free(h);
    loop_free(l);
}

static inline void time_in(int64_t seconds, char text[static CLOCK_TEXT_SIZE])
{
    clock_format(clock_wall_us() + seconds * US_PER_S, text);
}

static inline void post_alert(int port, const char *name, const char *severity, int64_t ends_in_s)
{
    char starts[CLOCK_TEXT_SIZE], ends[CLOCK_TEXT_SIZE];
    time_in(-60, starts);
    time_in(ends_in_s, ends);
    char *body =
        xasprintf("[{\"labels\":{\"alertname\":\"%s\",\"severity\":\"%s\",\"shard\":\"docs/shard-5\"},"
                  "\"annotations\":{\"summary\":\"%s is bad\",\"runbook_url\":\"file:x.md\"},"
                  "\"startsAt\":\"%s\",\"endsAt\":\"%s\"}]",
                  name, severity, name, starts, ends);
    post(port, "/api/v2/alerts", body);
    free(body);
}

#endif
