/* Real servers for the integration tests: each on a free port of 127.0.0.1, in a folder of its own, dead with
 * the test whatever happens to it. */
#ifndef BELAY_TESTS_INTEGRATION_SERVER_H
#define BELAY_TESTS_INTEGRATION_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/sources/sources.h"

#define SKIP_STATUS 77
#define PATIENCE_US (60 * US_PER_S)

/* Ends the test as skipped, naming what is missing. */
static inline void server_require(const char *program)
{
    const char *path = getenv("PATH");
    for (const char *p = path ? path : "/usr/bin:/bin"; p;) {
        size_t length = strcspn(p, ":");
        char *file = xasprintf("%.*s/%s", (int)length, p, program);
        bool there = access(file, X_OK) == 0;
        free(file);
        if (there)
            return;
        p = p[length] ? p + length + 1 : NULL;
    }
    printf("skipped: %s is not installed\n", program);
    exit(SKIP_STATUS);
}

/* Below those that the kernel gives to whoever asks for none, 16 to a process: nobody else takes it
 * meanwhile. */
static inline int free_port(void)
{
    static int given;
    for (int tries = 0; tries < 1000; tries++) {
        int port = 10000 + (getpid() * 16 + given++) % 22000;
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
        close(fd);
        if (is_free)
            return port;
    }
    fail_msg("no free port");
    return 0;
}

static inline char *scratch_folder(void)
{
    char *folder = xstrdup("/tmp/belay-integration-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static inline bool answers(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

/* argv[0] is looked up in PATH; output goes to folder/log. Returns when the port answers. */
static inline pid_t server_start(const char *folder, int port, char *const *argv)
{
    char *log = path_join(folder, "log");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (!answers(port)) {
        if (waitpid(pid, NULL, WNOHANG) == pid || clock_monotonic_us() > end) {
            struct str said = {0};
            file_read(log, 1u << 20, &said, NULL);
            fail_msg("%s did not start:\n%s", argv[0], str_text(&said));
        }
        usleep(10000);
    }
    free(log);
    return pid;
}

static inline void server_stop(pid_t pid)
{
    int64_t end = clock_monotonic_us() + 10 * US_PER_S;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (clock_monotonic_us() > end)
            kill(pid, SIGKILL);
        usleep(5000);
    }
}

static inline void text_write(const char *folder, const char *name, const char *text)
{
    struct err e;
    char *path = path_join(folder, name);
    if (file_write_atomic(path, text, strlen(text), 0600, &e))
        fail_msg("%s", e.msg);
    free(path);
}

/* A Prometheus with that configuration. */
static inline pid_t prometheus_start(const char *folder, int port, const char *yaml)
{
    text_write(folder, "prometheus.yml", yaml);
    char *config = xasprintf("--config.file=%s/prometheus.yml", folder);
    char *storage = xasprintf("--storage.tsdb.path=%s/data", folder);
    char *listen = xasprintf("--web.listen-address=127.0.0.1:%d", port);
    char *argv[] = {"prometheus", config, storage, listen, NULL};
    pid_t pid = server_start(folder, port, argv);
    free(config);
    free(storage);
    free(listen);
    return pid;
}

/* ---- The sources of a configuration, as the engine runs them ---- */

struct watch {
    struct loop *loop;
    struct config *config;
    struct sources *sources;
    struct platform *platform;
    bool done;
};

static inline void watch_batch(void *data, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct watch *w = data;
    platform_apply(w->platform, b, now_us, wall_us);
}

static inline void watch_start(struct watch *w, const char *yaml)
{
    struct err e = {0};
    *w = (struct watch){.loop = loop_new(&e), .platform = platform_new(NULL)};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    w->config = config_parse(yaml, strlen(yaml), "belay.yaml", "/tmp", NULL, &e);
    if (w->config)
        w->sources =
            sources_new(w->loop, w->config, &(struct sources_events){.batch = watch_batch, .data = w}, &e);
    if (!w->sources)
        fail_msg("%s", e.msg);
    sources_register(w->sources, w->platform, loop_now_us(w->loop), clock_wall_us());
    sources_start(w->sources);
}

static inline void watch_stop(struct watch *w)
{
    sources_free(w->sources);
    loop_free(w->loop);
    platform_free(w->platform);
    config_free(w->config);
}

static inline const char *source_error(struct watch *w, const char *name)
{
    static struct source_status s;
    sources_status(w->sources, (size_t)sources_find(w->sources, name), &s);
    return s.answered || s.error[0] ? s.error : "not polled yet";
}

static inline void watch_describe(struct watch *w, struct str *out)
{
    size_t count;
    const struct entity *const *list = platform_list(w->platform, ENTITY_ANY, &count);
    for (size_t i = 0; i < sources_count(w->sources); i++) {
        struct source_status s;
        sources_status(w->sources, i, &s);
        str_addf(out, "source %s: %zu rows, error '%s', note '%s'\n", s.name, s.rows, s.error, s.note);
    }
    for (size_t i = 0; i < count; i++) {
        entity_title(list[i], out);
        str_addf(out, ": %s '%s' %s%s\n", condition_name(list[i]->condition), list[i]->raw, list[i]->reason,
                 list[i]->flags & ENTITY_GONE ? " gone" : "");
    }
}

/* Turns the loop until the condition holds. */
#define watch_until(w, condition)                                                                            \
    do {                                                                                                     \
        int64_t watch_end = clock_monotonic_us() + PATIENCE_US;                                              \
        while (!(condition)) {                                                                               \
            if (clock_monotonic_us() > watch_end) {                                                          \
                struct str seen = {0};                                                                       \
                watch_describe(w, &seen);                                                                    \
                fail_msg("never: %s\n%s", #condition, str_text(&seen));                                      \
            }                                                                                                \
            loop_run_once((w)->loop, 50 * US_PER_MS);                                                        \
            platform_tick((w)->platform, loop_now_us((w)->loop), clock_wall_us());                           \
        }                                                                                                    \
    } while (0)

static inline const struct entity *find(struct watch *w, enum entity_kind kind, const char *name)
{
    return platform_find(w->platform, kind, NULL, name);
}

static inline bool is(struct watch *w, enum entity_kind kind, const char *name, enum condition condition)
{
    const struct entity *e = find(w, kind, name);
    return e && e->condition == condition && !(e->flags & ENTITY_GONE);
}

static inline bool reason_has(struct watch *w, enum entity_kind kind, const char *name, const char *text)
{
    const struct entity *e = find(w, kind, name);
    return e && strstr(e->reason, text);
}

static inline double measure_of(struct watch *w, enum entity_kind kind, const char *name, const char *measure)
{
    const struct entity *e = find(w, kind, name);
    return e ? entity_measure(e, measure) : -1;
}

/* ---- The program itself ---- */

/* `belay status --json` over the configuration, in folder. Returns the exit status; the document in *root. */
static inline int status_run(const char *belay, const char *folder, const char *yaml, cJSON **root)
{
    struct err e = {0};
    struct str text = {0};
    text_write(folder, "belay.yaml", yaml);
    char *command = xasprintf(
        "cd %s && XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s %s status --json --config belay.yaml > status.json",
        folder, folder, folder, belay);
    int status = system(command);
    char *path = path_join(folder, "status.json");
    assert_int_equal(file_read(path, 8u << 20, &text, &e), 0);
    *root = json_parse(str_text(&text), text.len, &e);
    if (!*root)
        fail_msg("%s: %s", e.msg, str_text(&text));
    free(path);
    free(command);
    str_fini(&text);
    return WEXITSTATUS(status);
}

/* What it says without --json. Free it. */
static inline char *status_text(const char *belay, const char *folder, int *status)
{
    struct str text = {0};
    char *path = path_join(folder, "status.txt");
    char *command = xasprintf("cd %s && XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s %s status > status.txt 2>&1",
                              folder, folder, folder, belay);
    *status = WEXITSTATUS(system(command));
    assert_int_equal(file_read(path, 8u << 20, &text, NULL), 0);
    free(path);
    free(command);
    return str_take(&text);
}

/* The error of a source in that document; "" when it is ok, NULL when it isn't there. */
static inline const char *status_error(const cJSON *root, const char *source)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_at(root, "/sources"))
    {
        if (str_eq(json_string(item, "name", ""), source))
            return json_string(item, "error", "");
    }
    return NULL;
}

/* The state of an entity in that document; "" when it isn't there. */
static inline const char *status_state(const cJSON *root, const char *kind, const char *name)
{
    const cJSON *entity;
    cJSON_ArrayForEach(entity, json_at(root, "/entities"))
    {
        if (str_eq(json_string(entity, "kind", ""), kind) && str_eq(json_string(entity, "name", ""), name))
            return json_string(entity, "state", "");
    }
    return "";
}

#endif
