/* The simulation as a process: libmicrohttpd in front, the folder that the demo needs, and an end when nobody
 * is left. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/simulate/attend.h"
#include "engine/simulate/demo.h"
#include "engine/simulate/route.h"
#include "engine/simulate/script.h"
#include "engine/simulate/simulate.h"

#define CONNECTIONS 200 /* at once */

/* One thread of libmicrohttpd's serves everything: the world needs no lock. */
struct server {
    struct world *world;
    int64_t began_us; /* monotonic */
};

static void server_advance(struct server *s)
{
    double passed = (double)(clock_monotonic_us() - s->began_us) * s->world->speed;
    world_advance(s->world, (int64_t)passed);
}

struct upload {
    struct str body;
    bool too_large;
};

static enum MHD_Result reply(struct MHD_Connection *connection, const struct answer *a)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        a->body.len, (void *)(uintptr_t)str_text(&a->body), MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", a->type);
    if (a->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", a->retry_after_s);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)a->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result query_add(void *data, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct str *out = data;
    (void)kind;
    if (out->len > 0)
        str_add_char(out, '&');
    str_addf(out, "%s=", key);
    for (const char *p = value ? value : ""; *p; p++)
        str_addf(out, "%%%02X", (unsigned char)*p);
    return MHD_YES;
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_size, void **context)
{
    struct server *s = data;
    struct upload *upload = *context;
    (void)version;
    if (!upload) {
        *context = xcalloc(1, sizeof *upload);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (upload->body.len + *upload_size > ROUTE_BODY_LIMIT)
            upload->too_large = true;
        else
            str_add_bytes(&upload->body, upload_data, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    struct str query = {0};
    struct answer a = {0};
    MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, query_add, &query);
    if (upload->too_large) {
        a.status = 413;
        a.type = "text/plain";
        str_add(&a.body, "too large\n");
    } else {
        struct request r = {.method = method,
                            .path = url,
                            .query = str_text(&query),
                            .body = str_text(&upload->body),
                            .body_length = upload->body.len};
        server_advance(s);
        route(s->world, &r, &a);
    }
    enum MHD_Result result = reply(connection, &a);
    str_fini(&a.body);
    str_fini(&query);
    return result;
}

static void completed(void *data, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct upload *upload = *context;
    (void)data;
    (void)connection;
    (void)code;
    if (upload)
        str_fini(&upload->body);
    free(upload);
    *context = NULL;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &length) == 0 ? ntohs(address.sin_port) : 0;
}

int simulate_prepare(const char *folder, struct err *e)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, CONNECTIONS) < 0)
        err_errno(e, "the simulated platform can't listen on 127.0.0.1; is the loopback interface up?");
    else if (!folder || demo_write(folder, port_of(fd), e) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return e->code;
}

static struct MHD_Daemon *daemon_start(struct server *s, int fd, struct err *e)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET,
        fd, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_END);
    if (!daemon) {
        close(fd);
        err_set(e, ERR_IO, "the simulated platform can't serve on its socket");
    }
    return daemon;
}

/* What the folder was made for is over, and so is whoever made it, perhaps. */
static void folder_end(const struct simulation *s)
{
    char target[PATH_MAX];
    ssize_t length = s->link ? readlink(s->link, target, sizeof target - 1) : -1;
    if (length > 0) {
        target[length] = '\0';
        if (str_eq(target, s->folder))
            unlink(s->link);
    }
    folder_remove(s->folder, NULL);
}

int simulate_run(const struct simulation *s, struct err *e)
{
    struct script script;
    if (script_read(s->scenario, &script, e) < 0)
        return ERR_USAGE;
    if (!(s->speed >= 0.1 && s->speed <= 100))
        return err_set(e, ERR_USAGE, "the speed must be 0.1 to 100");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0)
        return err_errno(e, "signalfd");
    struct server server = {.began_us = clock_monotonic_us()};
    server.world = world_new(s->scenario, s->seed, s->speed, clock_wall_us());
    int http = s->http_fd >= 0 ? s->http_fd : simulate_prepare(s->folder, e);
    unsigned port = http >= 0 ? port_of(http) : 0;
    struct MHD_Daemon *daemon = http >= 0 ? daemon_start(&server, http, e) : NULL;
    int code = daemon ? 0 : ERR_IO;
    if (code == 0 && s->listen_fd < 0)
        printf("%u\n", port);
    fflush(stdout);
    if (code == 0)
        attend(signals, s->listen_fd, port, s->linger_us);
    if (daemon)
        MHD_stop_daemon(daemon);
    if (s->listen_fd >= 0 && s->folder)
        folder_end(s);
    world_free(server.world);
    close(signals);
    return code;
}

static const char usage[] =
    "usage: belay-console simulate [--scenario NAME] [--seed N] [--speed X] [--listen-fd FD]\n"
    "       [--http-fd FD] [--folder DIR] [--link PATH]\n";

static bool option_take(struct simulation *s, const char *name, const char *value)
{
    double number;
    bool numeric = number_parse(value, &number);
    if (strcmp(name, "--scenario") == 0)
        s->scenario = value;
    else if (strcmp(name, "--folder") == 0)
        s->folder = value;
    else if (strcmp(name, "--seed") == 0 && numeric && number >= 0 && number < 9e15)
        s->seed = (uint64_t)number;
    else if (strcmp(name, "--speed") == 0 && numeric)
        s->speed = number;
    else if (strcmp(name, "--link") == 0)
        s->link = value;
    else if (strcmp(name, "--listen-fd") == 0 && numeric && number >= 0 && number < 65536)
        s->listen_fd = (int)number;
    else if (strcmp(name, "--http-fd") == 0 && numeric && number >= 0 && number < 65536)
        s->http_fd = (int)number;
    else
        return false;
    return true;
}

int simulate_main(int argc, char **argv)
{
    struct simulation s = {.scenario = "shard",
                           .seed = 1,
                           .speed = 1,
                           .linger_us = SIMULATION_LINGER_US,
                           .listen_fd = -1,
                           .http_fd = -1};
    struct err e;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc || !option_take(&s, argv[i], argv[i + 1])) {
            fprintf(stderr, "belay simulate: what does %s mean?\n%s", argv[i], usage);
            return 2;
        }
    }
    if (s.listen_fd >= 0 && fcntl(s.listen_fd, F_SETFD, FD_CLOEXEC) < 0) {
        fprintf(stderr, "belay simulate: --listen-fd %d is not an open descriptor\n", s.listen_fd);
        return 2;
    }
    int code = simulate_run(&s, &e);
    if (code < 0)
        fprintf(stderr, "belay simulate: %s\n", e.msg);
    return code == 0 ? 0 : code == ERR_USAGE ? 2 : 1;
}
