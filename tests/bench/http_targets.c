/* What it costs to ask a thousand HTTP targets every second: the share of one core that the asking process
 * used (its pool and curl's threads counted in), how late the loop's timers came meanwhile, and how many
 * answers came. Targets are 1,000 addresses of 127.0.0.0/8 served by one forked process, whose own time is
 * not counted. bench_http_targets [SECONDS [TARGETS]] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/platform/platform.h"
#include "engine/sources/sources.h"

#define TICK_US (10 * US_PER_MS)

/* ---- The targets ---- */

static void limit_raise(size_t descriptors)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = descriptors < limit.rlim_max ? descriptors : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static struct in_addr address_of(size_t target)
{
    return (struct in_addr){
        htonl((uint32_t)(127u << 24 | 1u << 16 | (target / 250) << 8 | (target % 250 + 1)))};
}

static int listen_at(size_t target, int *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr = address_of(target)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, length) || listen(fd, 16) ||
        getsockname(fd, (struct sockaddr *)&address, &length)) {
        perror("listen");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void watch(int epoll, int fd, bool listener)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 | listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* Answers every whole request head; one read is one request here. */
static void answer(int fd, const struct str *reply)
{
    char head[8192];
    ssize_t got = read(fd, head, sizeof head);
    if (got > 0)
        (void)!write(fd, reply->data, reply->len);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close(fd);
}

static void serve(const int *listeners, size_t count, const struct str *reply)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < count; i++)
        watch(epoll, listeners[i], true);
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int fd = (int)(events[i].data.u64 >> 1);
            if (!(events[i].data.u64 & 1)) {
                answer(fd, reply);
                continue;
            }
            int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (connection >= 0)
                watch(epoll, connection, false);
        }
    }
}

static void reply_json(struct str *body)
{
    str_add(body, "[");
    for (int i = 0; i < 8; i++)
        str_addf(body, "%s{\"name\":\"worker-%d\",\"status\":\"ready\",\"queue\":%d,\"version\":\"1.4.%d\"}",
                 i ? "," : "", i, i * 7, i);
    str_add(body, "]");
}

static void reply_metrics(struct str *body)
{
    static const char *const states[] = {"closed",      "open",     "half_open",
                                         "forced_open", "disabled", "metrics_only"};
    for (int i = 0; i < 8; i++)
        for (int s = 0; s < 6; s++)
            str_addf(body,
                     "resilience4j_circuitbreaker_state{application=\"rag\",name=\"breaker-%d\",state=\"%s\"}"
                     " %d.0\n",
                     i, states[s], s == 0);
    for (int i = 0; i < 40; i++)
        str_addf(body, "jvm_memory_used_bytes{application=\"rag\",area=\"heap\",id=\"pool %d\"} %d.0E7\n", i,
                 i);
}

/* ---- Asking them ---- */

struct asking {
    struct loop *loop;
    struct platform *platform;
    size_t good, bad;
    int64_t expected_us, late_us;
    struct loop_timer *tick;
};

static void on_batch(void *data, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct asking *a = data;
    b->error ? a->bad++ : a->good++;
    if (b->error && a->bad < 4)
        fprintf(stderr, "%s: %s\n", b->source, b->error);
    platform_apply(a->platform, b, now_us, wall_us);
}

static void on_tick(void *data)
{
    struct asking *a = data;
    int64_t now = clock_monotonic_us(), late = now - a->expected_us;
    a->late_us = late > a->late_us ? late : a->late_us;
    a->expected_us = now + TICK_US;
    loop_timer_start(a->tick, TICK_US, 0);
}

static void stop(void *data)
{
    loop_stop(((struct asking *)data)->loop);
}

static void turn(struct asking *a, struct loop_timer *end, int64_t us)
{
    loop_timer_start(end, us, 0);
    loop_run(a->loop);
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec * US_PER_S + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * US_PER_S +
           usage.ru_stime.tv_usec;
}

static char *configuration(size_t targets, int port, const char *rest)
{
    struct str yaml = {0};
    str_add(&yaml, "sources:\n");
    for (size_t i = 0; i < targets; i++)
        str_addf(&yaml, "  - {name: t%zu, url: 'http://%s:%d/state', every: 1s, %s}\n", i,
                 inet_ntoa(address_of(i)), port, rest);
    return str_take(&yaml);
}

static void measure(const char *name, size_t targets, int64_t seconds, void (*reply)(struct str *),
                    const char *rest)
{
    struct str body = {0}, whole = {0};
    int *listeners = xcalloc(targets, sizeof *listeners), port = 0;
    reply(&body);
    str_addf(&whole, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s", body.len,
             body.data);
    for (size_t i = 0; i < targets; i++)
        listeners[i] = listen_at(i, &port);
    pid_t server = fork();
    if (server == 0)
        serve(listeners, targets, &whole);
    for (size_t i = 0; i < targets; i++)
        close(listeners[i]);

    struct err e;
    struct asking a = {.loop = loop_new(&e), .platform = platform_new(NULL)};
    char *yaml = configuration(targets, port, rest);
    struct config *config = config_parse(yaml, strlen(yaml), "bench", "/tmp", NULL, &e);
    struct sources *sources =
        config ? sources_new(a.loop, config, &(struct sources_events){.batch = on_batch, .data = &a}, &e)
               : NULL;
    if (!sources) {
        fprintf(stderr, "%s\n", e.msg);
        kill(server, SIGKILL);
        exit(1);
    }
    sources_register(sources, a.platform, loop_now_us(a.loop), clock_wall_us());
    struct loop_timer *end = loop_timer_new(a.loop, stop, &a);
    a.tick = loop_timer_new(a.loop, on_tick, &a);
    sources_start(sources);
    turn(&a, end, 2 * US_PER_S); /* connections are made */
    a.good = a.bad = 0;
    a.late_us = 0;
    a.expected_us = clock_monotonic_us() + TICK_US;
    loop_timer_start(a.tick, TICK_US, 0);
    int64_t cpu = cpu_us(), start = clock_monotonic_us();
    turn(&a, end, seconds * US_PER_S);
    double wall = (double)(clock_monotonic_us() - start), share = (double)(cpu_us() - cpu) / wall;
    double rate = (double)a.good / (wall / (double)US_PER_S);
    printf("%-24s %5zu targets  %6zu B  %7.1f answers/s  %3zu errors  %5.1f %% of one core  %5.1f us an "
           "answer  timers at "
           "most %.1f ms late\n",
           name, targets, body.len, rate, a.bad, share * 100, rate > 0 ? share * 1e6 / rate : 0,
           (double)a.late_us / 1e3);
    sources_free(sources);
    loop_timer_free(end);
    loop_timer_free(a.tick);
    loop_free(a.loop);
    platform_free(a.platform);
    config_free(config);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    free(listeners);
    free(yaml);
    str_fini(&body);
    str_fini(&whole);
}

int main(int argc, char **argv)
{
    int64_t seconds = argc > 1 ? atoi(argv[1]) : 15;
    size_t targets = argc > 2 ? (size_t)atoi(argv[2]) : 1000;
    limit_raise(targets * 2 + 256);
    measure(
        "http, JSON", targets, seconds, reply_json,
        "kind: http, map: {kind: component, rows: /*, name: '{name}', state: {from: /status, ready: ok}}");
    measure("prometheus, exposition", targets, seconds, reply_metrics,
            "kind: prometheus, map: {kind: breaker, metric: resilience4j_circuitbreaker_state, by: [name], "
            "name: '{name}', "
            "state: {one_hot: state, closed: ok CLOSED, open: down OPEN}}");
    return 0;
}
