/* Everything that a source can do to whoever asks it, at the same time, against the release: belay status and
 * the console show each as unknown with its reason, within bounds of time and memory, and the one honest
 * source among them as it is. */
#include <regex.h>
#include <sys/resource.h>

#include "tests/integration/servers.h"
#include "tests/screen/expect.h"
#include "tests/unit/io/liars.h"

#define WAIT_MS  60000
#define MOST_S   45            /* the slowest is given up after 4 s; the rest is a slow machine's */
#define MOST_KIB (128L * 1024) /* of memory; 100 MB bodies, bombs and values are among what is offered */

static const char *belay;

/* ---- who lies ---- */

static void serve_text(struct peer *p, int fd)
{
    char head[8192], start[128];
    const char *body = p->data;
    while (peer_read_request(fd, head, sizeof head)) {
        snprintf(start, sizeof start, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", strlen(body));
        if (!peer_say(p, fd, start) || !peer_say(p, fd, body))
            return;
    }
}

static void serve_raw(struct peer *p, int fd)
{
    char head[8192];
    if (peer_read_request(fd, head, sizeof head))
        peer_say(p, fd, p->data);
}

static void serve_large(struct peer *p, int fd)
{
    char head[8192], filler[65536];
    memset(filler, '1', sizeof filler);
    if (!peer_read_request(fd, head, sizeof head) ||
        !peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"))
        return;
    for (int i = 0; i < 1600 && peer_send(p, fd, filler, sizeof filler); i++)
        ;
}

static void serve_huge_header(struct peer *p, int fd)
{
    char head[8192], filler[65536];
    memset(filler, 'h', sizeof filler);
    if (!peer_read_request(fd, head, sizeof head) || !peer_say(p, fd, "HTTP/1.1 200 OK\r\nX-Huge: "))
        return;
    for (int i = 0; i < 200 && peer_send(p, fd, filler, sizeof filler); i++)
        ;
    peer_say(p, fd, "\r\nContent-Length: 2\r\n\r\n[]");
}

static void serve_depth(struct peer *p, int fd)
{
    char head[8192], start[128];
    size_t depth = 1000000;
    char *body = xmalloc(2 * depth);
    memset(body, '[', depth);
    memset(body + depth, ']', depth);
    snprintf(start, sizeof start, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", 2 * depth);
    if (peer_read_request(fd, head, sizeof head) && peer_say(p, fd, start))
        peer_send(p, fd, body, 2 * depth);
    free(body);
}

static void serve_redis(struct peer *p, int fd)
{
    char bytes[4096];
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        if (!peer_say(p, fd, p->data))
            return;
}

static void serve_redis_endless(struct peer *p, int fd)
{
    char bytes[65536];
    if (recv(fd, bytes, sizeof bytes, 0) <= 0 || !peer_say(p, fd, "$104857600\r\n"))
        return;
    memset(bytes, 'x', sizeof bytes);
    for (int i = 0; i < 1600 && peer_send(p, fd, bytes, sizeof bytes); i++)
        ;
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define MAP     "map: {kind: shard, rows: /*, name: '{n}', state: {from: /s, up: ok, gone: down}}"
#define METRICS "map: {kind: component, metric: up, name: '{job}', state: {from: '@value', 1: ok, 0: down}}"

enum kind { HTTP, PROMETHEUS, REDIS, COMMAND, REFUSED };

static const struct lie {
    const char *name;
    enum kind kind;
    peer_fn *behaviour;
    const char *says; /* to whom asks; of a command its argv */
    const char *reason;
} lies[] = {
    {"refused", REFUSED, NULL, NULL, "refused|connect"},
    {"silent", HTTP, serve_nothing, NULL, "timed out"},
    {"drips", HTTP, serve_drip, NULL, "timed out"},
    {"endless", HTTP, serve_endless_body, NULL, "larger than 8388608 bytes"},
    {"large", HTTP, serve_large, NULL, "larger than 8388608 bytes"},
    {"bomb", HTTP, serve_bomb, NULL, "larger than 8388608 bytes"},
    {"headers", HTTP, serve_endless_headers, NULL, "headers are larger"},
    {"header", HTTP, serve_huge_header, NULL, "header"},
    {"garbage", HTTP, serve_garbage, NULL, "."},
    {"cut", HTTP, serve_cut_body, NULL, "closed"},
    {"html", HTTP, serve_text, "<!DOCTYPE html><html>log in</html>", "an HTML page, not JSON"},
    {"empty", HTTP, serve_text, "", "empty, not JSON"},
    {"latin1", HTTP, serve_text, "[{\"n\":\"caf\xe9\",\"s\":\"up\"}]", "UTF-8"},
    {"twice", HTTP, serve_text, "[{\"n\":\"a\",\"s\":\"gone\",\"s\":\"up\"}]", "twice"},
    {"deep", HTTP, serve_depth, NULL, "deep|nest"},
    {"text", HTTP, serve_text, "\"up\"", "no list"},
    {"rows", HTTP, serve_text, "[]", "has no rows"},
    {"file", HTTP, serve_raw,
     "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
     "redirects to file:///etc/passwd"},
    {"elsewhere", HTTP, serve_raw,
     "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
     "redirects to http://127.0.0.1:1/x"},
    {"encoding", HTTP, serve_raw, OK_HEAD "Content-Encoding: zip\r\nContent-Length: 2\r\n\r\n[]", "encoding"},
    {"badgzip", HTTP, serve_raw, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]", "."},
    {"negative", HTTP, serve_raw, OK_HEAD "Content-Length: -5\r\n\r\n[]", "."},
    {"chunks", HTTP, serve_raw, OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", "."},
    {"title", HTTP, serve_raw, "HTTP/1.1 500 \x1b]0;pwned\x07\r\nContent-Length: 0\r\n\r\n", "HTTP 500"},
    {"halfline", PROMETHEUS, serve_text, "up{job=\"a\"} 1\nup{job=\"b", "can't be read"},
    {"notmetrics", PROMETHEUS, serve_text, "{\"up\":1}", "can't be read"},
    {"nometric", PROMETHEUS, serve_text, "down{job=\"a\"} 1\n", "no sample of up"},
    {"rediswrong", REDIS, serve_redis, "+OK\r\n", "wrong shape"},
    {"redishttp", REDIS, serve_redis, "HTTP/1.1 400 Bad Request\r\n\r\n", "."},
    {"redishuge", REDIS, serve_redis_endless, NULL, "."},
    {"redissilent", REDIS, serve_nothing, NULL, "does not answer in time"},
    {"shouts", COMMAND, NULL, "[yes]", "printed more than 8388608 bytes"},
    {"wails", COMMAND, NULL, "[sh, -c, 'yes >&2']", "took too long"},
    {"stays", COMMAND, NULL, "[sh, -c, \"trap '' TERM INT HUP; while :; do sleep 1; done\"]",
     "took too long"},
    {"stopped", COMMAND, NULL, "[sh, -c, 'kill -STOP $$']", "took too long"},
    {"killed", COMMAND, NULL, "[sh, -c, 'kill -KILL $$']", "killed by"},
    {"fails", COMMAND, NULL, "[sh, -c, \"printf 'no \\\\033[31mroute' >&2; exit 3\"]",
     "exit 3: no <U\\+001B>"},
    {"nowhere", COMMAND, NULL, "[no-such-program]", "cannot run no-such-program"},
    {"nothing", COMMAND, NULL, "[true]", "empty, not JSON"},
};
#define LIES (sizeof lies / sizeof lies[0])

/* Names that would be a title, a colour, another direction of writing, or nothing at all. */
static const char honest[] =
    "[{\"n\":\"honest\",\"s\":\"up\"},{\"n\":\"\\u001b]0;pwned\\u0007\",\"s\":\"up\"},"
    "{\"n\":\"\\u009b31mred\",\"s\":\"up\"},{\"n\":\"rev\\u202eers\",\"s\":\"up\"}]";

struct stage {
    char *folder, *redis_folder;
    struct peer peers[LIES], honest;
    int redis;
    pid_t redis_pid;
};

static void add_source(const struct stage *s, size_t i, struct str *yaml)
{
    const struct lie *lie = &lies[i];
    int port = lie->kind == REFUSED ? free_port() : s->peers[i].port;
    str_addf(yaml, "  - {name: %s, every: 4s, timeout: 4s, ", lie->name);
    if (lie->kind == COMMAND)
        str_addf(yaml, "kind: command, command: %s, " MAP "}\n", lie->says);
    else if (lie->kind == REDIS)
        str_addf(yaml, "kind: redis, url: 'redis://127.0.0.1:%d', preset: checkpoints}\n", port);
    else
        str_addf(yaml, "kind: %s, url: 'http://127.0.0.1:%d/state', %s}\n",
                 lie->kind == PROMETHEUS ? "prometheus" : "http", port,
                 lie->kind == PROMETHEUS ? METRICS : MAP);
}

/* A key of another type, one of 100 MB, and one that says everything. */
static void redis_fill(int port)
{
    struct client c;
    client_start(&c, port);
    client_send(&c, 3, (const char *const[]){"RPUSH", "checkpoint:run_list:chk_1", "x"}, NULL);
    client_send(&c, 4, (const char *const[]){"SETRANGE", "checkpoint:run_huge:chk_1", "104857600", "x"},
                NULL);
    client_send(&c, 3, (const char *const[]){"SET", "checkpoint:run_esc\x1b[2J:chk_1", "not \x1b[31mJSON"},
                NULL);
    client_stop(&c);
}

static void stage_set(struct stage *s)
{
    struct str yaml = {0};
    *s = (struct stage){.folder = scratch_folder(), .redis_folder = scratch_folder(), .redis = free_port()};
    s->redis_pid = redis_start(s->redis_folder, s->redis, NULL);
    redis_fill(s->redis);
    peer_start(&s->honest, serve_text, (void *)(uintptr_t)honest);
    str_add(&yaml, "platform: hostile\nsources:\n");
    str_addf(&yaml,
             "  - {name: honest, kind: http, every: 30s, timeout: 30s, url: 'http://127.0.0.1:%d', " MAP
             "}\n",
             s->honest.port);
    str_addf(&yaml,
             "  - {name: runs, kind: redis, every: 4s, timeout: 4s, url: 'redis://127.0.0.1:%d', preset: "
             "checkpoints}\n",
             s->redis);
    /* a daemon that keeps the pipe open is no reason to wait for it, and what was printed counts */
    str_add(&yaml,
            "  - {name: daemon, kind: command, every: 4s, timeout: 4s, command: [sh, -c, 'setsid sleep 20 & "
            "echo \"[{\\\"n\\\":\\\"daemon\\\",\\\"s\\\":\\\"up\\\"}]\"'], " MAP "}\n");
    for (size_t i = 0; i < LIES; i++) {
        if (lies[i].behaviour)
            peer_start(&s->peers[i], lies[i].behaviour, (void *)(uintptr_t)lies[i].says);
        add_source(s, i, &yaml);
    }
    text_write(s->folder, "belay.yaml", str_text(&yaml));
    str_fini(&yaml);
}

static void stage_strike(struct stage *s)
{
    for (size_t i = 0; i < LIES; i++)
        if (lies[i].behaviour)
            peer_stop(&s->peers[i]);
    peer_stop(&s->honest);
    server_stop(s->redis_pid);
    folder_remove(s->folder, NULL);
    folder_remove(s->redis_folder, NULL);
    free(s->folder);
    free(s->redis_folder);
}

/* ---- belay status ---- */

static const cJSON *entity_of(const cJSON *root, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_at(root, "/entities"))
    {
        if (str_eq(json_string(item, "name", ""), name))
            return item;
    }
    fail_msg("no entity %s", name);
    return NULL;
}

static void expect_entity(const cJSON *root, const char *name, const char *state, const char *reason)
{
    const cJSON *item = entity_of(root, name);
    if (!str_eq(json_string(item, "state", ""), state) || !strstr(json_string(item, "reason", ""), reason))
        fail_msg("%s is %s: %s", name, json_string(item, "state", ""), json_string(item, "reason", ""));
}

static bool reason_fits(const char *pattern, const char *text)
{
    regex_t compiled;
    assert_int_equal(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

static void status_tells_each_reason(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s);
    char *yaml = path_join(s.folder, "belay.yaml");
    struct str text = {0};
    assert_int_equal(file_read(yaml, 1u << 20, &text, NULL), 0);
    cJSON *root;
    int64_t start_us = clock_monotonic_us();
    assert_int_equal(status_run(belay, s.folder, str_text(&text), &root), 3);
    int64_t took_us = clock_monotonic_us() - start_us;
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    for (size_t i = 0; i < LIES; i++) {
        const char *error = status_error(root, lies[i].name);
        if (!error || !reason_fits(lies[i].reason, error))
            fail_msg("%s: wanted '%s', got '%s'", lies[i].name, lies[i].reason, error ? error : "no source");
        if (strchr(error, '\x1b') || !utf8_valid(error, strlen(error), NULL))
            fail_msg("%s: not clean: %s", lies[i].name, error);
    }
    assert_string_equal(status_error(root, "honest"), "");
    assert_string_equal(status_error(root, "daemon"), "");
    assert_string_equal(status_error(root, "runs"), "");
    expect_entity(root, "honest", "ok", "");
    expect_entity(root, "daemon", "ok", "");
    expect_entity(root, "run_list", "unknown", "its type is list");
    expect_entity(root, "run_huge", "unknown", "not JSON");
    expect_entity(root, "run_esc\x1b[2J", "unknown", "not JSON");
    if (took_us > MOST_S * US_PER_S || usage.ru_maxrss > MOST_KIB)
        fail_msg("it took %.1f s and %ld KiB", (double)took_us / 1e6, usage.ru_maxrss);
    printf("status over %zu hostile sources: %.1f s, %ld KiB\n", LIES, (double)took_us / 1e6,
           usage.ru_maxrss);

    int status; /* for people: nothing reaches the terminal that the terminal would obey */
    char *said = status_text(belay, s.folder, &status);
    assert_int_equal(status, 3);
    for (const char *c = said; *c; c++)
        if ((unsigned char)*c < ' ' && *c != '\n')
            fail_msg("a control character in\n%s", said);
    assert_null(strstr(said, "\xe2\x80\xae"));
    assert_null(strstr(said, "\xc2\x9b"));
    free(said);
    free(yaml);
    str_fini(&text);
    cJSON_Delete(root);
    stage_strike(&s);
}

/* ---- the console ---- */

static void see(struct pty *p, const char *pattern)
{
    if (!pty_wait(p, pattern, WAIT_MS))
        fail_with_screen(p, "never on the screen: %s", pattern);
}

static void the_console_stays_alive_and_shows_them(void **state)
{
    (void)state;
    struct stage s;
    stage_set(&s);
    char *config = path_join(s.folder, "belay.yaml"), *home = xasprintf("XDG_STATE_HOME=%s", s.folder),
         *runtime = xasprintf("XDG_RUNTIME_DIR=%s", s.folder);
    struct pty *p = pty_start(&(struct pty_options){.argv = (const char *const[]){belay, config, NULL},
                                                    .environment = (const char *const[]){home, runtime, NULL},
                                                    .width = 180,
                                                    .height = 60});
    see(p, "1 Breakers");
    pty_type(p, "9");
    for (size_t i = 0; i < LIES; i++) {
        char *row = xasprintf("^\\? %s +(http|prometheus|redis|command) ", lies[i].name);
        see(p, row);
        free(row);
    }
    see(p, "honest +http +30s");
    pty_type(p, "3"); /* the honest one's, and what would be a title is drawn as what it is */
    see(p, "honest.*up");
    see(p, "<U\\+001B>\\]0;pwned<U\\+0007>.*up");
    see(p, "rev<U\\+202E>ers.*up");
    struct pty_usage usage = pty_usage(p);
    if (usage.rss_kb > MOST_KIB)
        fail_with_screen(p, "%ld KiB", usage.rss_kb);
    printf("the console over %zu hostile sources: %ld KiB\n", LIES, usage.rss_kb);
    pty_type(p, "q");
    if (pty_wait_end(p, WAIT_MS) != 0)
        fail_with_screen(p, "did not quit");
    size_t length;
    const char *bytes = pty_bytes(p, &length);
    assert_null(memmem(bytes, length, "\x1b]0;pwned", 9));
    pty_free(p);
    free(config);
    free(home);
    free(runtime);
    stage_strike(&s);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("redis-server");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_tells_each_reason),
        cmocka_unit_test(the_console_stays_alive_and_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
