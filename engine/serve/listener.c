#include "engine/serve/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH_LIMIT 64 /* of what may be kept */

/* One connection, from its beginning to its end. */
struct guest {
    struct guest *next;
    int fd;
    int64_t until_us;
};

struct listener {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct loop_timer *timer, *sweep;
    struct guest *guests;
    bool left; /* a guest has left */
    struct listener_options options;
    char where[INET6_ADDRSTRLEN + 10];
    struct { /* the answer that may be given again */
        struct MHD_Response *response;
        char path[PATH_LIMIT];
        unsigned status;
        int64_t until_us;
    } kept;
};

/* ---- addresses -------------------------------------------------------------------------------------- */

static int port_parse(const char *text, uint16_t *port)
{
    char *end = NULL;
    unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : ULONG_MAX;
    if (value > 65535 || *end != '\0')
        return -1;
    *port = htons((uint16_t)value);
    return 0;
}

/* Cuts "HOST:PORT", "[HOST]:PORT", "HOST", ":PORT", "PORT" in two. */
static int host_cut(const char *text, char host[static INET6_ADDRSTRLEN], uint16_t *port)
{
    const char *begin = text, *end, *rest;
    bool bracket = text[0] == '[';
    *port = htons(LISTENER_PORT);
    if (port_parse(text, port) == 0) {
        host[0] = '\0';
        return 0;
    }
    if (bracket) {
        begin++;
        end = strchr(begin, ']');
        rest = end ? end + 1 : NULL;
    } else {
        end = rest = strchr(begin, ':');
        if (end && strchr(end + 1, ':')) /* an IPv6 address without a port */
            end = rest = begin + strlen(begin);
    }
    if (!bracket && !end)
        end = rest = begin + strlen(begin);
    if (!end || (size_t)(end - begin) >= INET6_ADDRSTRLEN)
        return -1;
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    return rest[0] == '\0' ? 0 : rest[0] == ':' ? port_parse(rest + 1, port) : -1;
}

int listener_address_parse(const char *text, struct listener_address *address, struct err *e)
{
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    struct sockaddr_in *four = (void *)&address->socket;
    struct sockaddr_in6 *six = (void *)&address->socket;
    *address = (struct listener_address){0};
    if (host_cut(text, host, &port) != 0)
        return err_set(e, ERR_USAGE,
                       "%s is no address to listen at: 127.0.0.1:%d, [::1]:%d, or a port for loopback", text,
                       LISTENER_PORT, LISTENER_PORT);
    const char *name = !host[0] || str_eq(host, "localhost") ? "127.0.0.1" : host;
    if (inet_pton(AF_INET, name, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = port;
        address->length = sizeof *four;
        address->loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
    } else if (inet_pton(AF_INET6, name, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = port;
        address->length = sizeof *six;
        address->loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    } else {
        return err_set(e, ERR_USAGE,
                       "%s: an address to listen at is a number, as 127.0.0.1 or ::1; names are not "
                       "looked up",
                       text);
    }
    return 0;
}

static void where_write(struct listener *l, int fd)
{
    struct sockaddr_storage socket = {0};
    socklen_t length = sizeof socket;
    char host[INET6_ADDRSTRLEN] = "";
    const struct sockaddr_in *four = (void *)&socket;
    const struct sockaddr_in6 *six = (void *)&socket;
    getsockname(fd, (struct sockaddr *)&socket, &length);
    if (socket.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(l->where, sizeof l->where, "[%s]:%u", host, ntohs(six->sin6_port));
    } else {
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(l->where, sizeof l->where, "%s:%u", host, ntohs(four->sin_port));
    }
}

/* ---- answering -------------------------------------------------------------------------------------- */

static void header(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static struct MHD_Response *response_make(const struct listener_answer *a)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        a->body.len, (void *)(uintptr_t)str_text(&a->body), MHD_RESPMEM_MUST_COPY);
    if (!response)
        return NULL;
    header(response, "Content-Type", a->type);
    header(response, "Cache-Control", "no-store");
    header(response, "X-Content-Type-Options", "nosniff");
    header(response, "Connection", "close");
    if (a->status == 405)
        header(response, "Allow", "GET, HEAD");
    return response;
}

static void kept_drop(struct listener *l)
{
    if (l->kept.response)
        MHD_destroy_response(l->kept.response);
    l->kept.response = NULL;
}

static void answer_fill(struct listener *l, const char *method, const char *path, struct listener_answer *a)
{
    *a = (struct listener_answer){.status = 200, .type = "text/plain; charset=utf-8"};
    if (!str_eq(method, "GET") && !str_eq(method, "HEAD")) {
        a->status = 405;
        str_add(&a->body, "only GET and HEAD\n");
    } else if (!l->options.answer(l->options.data, path, a)) {
        a->status = 404;
        str_add(&a->body, "not here: /metrics, /healthz\n");
    }
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    struct listener *l = data;
    struct listener_answer a;
    int64_t now = loop_now_us(l->loop);
    bool read = str_eq(method, "GET") || str_eq(method, "HEAD");
    (void)version, (void)upload, (void)upload_size, (void)context;
    if (read && l->kept.response && now < l->kept.until_us && str_eq(path, l->kept.path))
        return MHD_queue_response(connection, l->kept.status, l->kept.response);
    answer_fill(l, method, path, &a);
    struct MHD_Response *response = response_make(&a);
    enum MHD_Result result = response ? MHD_queue_response(connection, (unsigned)a.status, response) : MHD_NO;
    if (response && a.keep_us > 0 && strlen(path) < PATH_LIMIT) {
        kept_drop(l);
        l->kept.response = response;
        l->kept.status = (unsigned)a.status;
        l->kept.until_us = now + a.keep_us;
        snprintf(l->kept.path, sizeof l->kept.path, "%s", path);
    } else if (response) {
        MHD_destroy_response(response);
    }
    str_fini(&a.body);
    return result;
}

/* ---- guests ----------------------------------------------------------------------------------------- */

static void guest_remove(struct listener *l, struct guest *gone)
{
    for (struct guest **g = &l->guests; *g; g = &(*g)->next)
        if (*g == gone) {
            *g = gone->next;
            free(gone);
            return;
        }
}

static void on_guest(void *data, struct MHD_Connection *connection, void **context,
                     enum MHD_ConnectionNotificationCode code)
{
    struct listener *l = data;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        l->left = true;
        guest_remove(l, *context);
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct guest *g = xcalloc(1, sizeof *g);
    *g = (struct guest){.next = l->guests,
                        .fd = info ? info->connect_fd : -1,
                        .until_us = loop_now_us(l->loop) + l->options.patience_us};
    l->guests = g;
    *context = g;
    if (!loop_timer_active(l->sweep))
        loop_timer_start(l->sweep, l->options.patience_us, 0);
}

/* Who dribbles a byte now and then never lets libmicrohttpd's own time-out come. */
static void on_sweep(void *data)
{
    struct listener *l = data;
    int64_t now = loop_now_us(l->loop), next = INT64_MAX;
    for (const struct guest *g = l->guests; g; g = g->next) {
        if (g->until_us <= now && g->fd >= 0)
            shutdown(g->fd, SHUT_RDWR); /* libmicrohttpd sees that it has gone */
        else if (g->until_us < next)
            next = g->until_us;
    }
    if (next != INT64_MAX)
        loop_timer_start(l->sweep, next - now, 0);
}

/* ---- on the loop ------------------------------------------------------------------------------------ */

static void serve_now(struct listener *l)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    do { /* a full house accepts again only in the turn after somebody has left */
        l->left = false;
        MHD_run(l->daemon);
    } while (l->left);
    if (MHD_get_timeout(l->daemon, &wait_ms) == MHD_YES)
        loop_timer_start(l->timer, (int64_t)wait_ms * US_PER_MS, 0);
    else
        loop_timer_stop(l->timer);
}

static void on_ready(void *data, int events)
{
    (void)events;
    serve_now(data);
}

static void on_time(void *data)
{
    serve_now(data);
}

static int socket_open(const struct listener_address *address, struct err *e)
{
    int yes = 1, no = 0;
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(e, "listening");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->socket.ss_family == AF_INET6) /* [::] means everybody, as they expect */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if (bind(fd, (const struct sockaddr *)&address->socket, address->length) == 0 &&
        listen(fd, LISTENER_CONNECTIONS) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    if (why == EADDRINUSE)
        return err_set(e, ERR_BUSY, "another process listens there already; --listen takes another port");
    return err_errno(e, "listening");
}

static int daemon_start(struct listener *l, int fd, struct err *e)
{
    l->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, l, MHD_OPTION_LISTEN_SOCKET, fd,
                                 MHD_OPTION_NOTIFY_CONNECTION, on_guest, l, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)((l->options.patience_us + US_PER_S - 1) / US_PER_S),
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)LISTENER_CONNECTIONS,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(16u << 10), MHD_OPTION_END);
    if (!l->daemon) {
        close(fd);
        return err_set(e, ERR_IO, "the HTTP server can't be set up");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    l->watch = loop_watch_new(l->loop, info->epoll_fd, LOOP_READ, on_ready, l, e);
    return l->watch ? 0 : e->code;
}

struct listener *listener_new(struct loop *loop, const struct listener_address *address,
                              const struct listener_options *options, struct err *e)
{
    struct listener *l = xcalloc(1, sizeof *l);
    struct err local;
    *l = (struct listener){.loop = loop, .options = *options};
    if (l->options.patience_us <= 0)
        l->options.patience_us = LISTENER_PATIENCE_US;
    l->timer = loop_timer_new(loop, on_time, l);
    l->sweep = loop_timer_new(loop, on_sweep, l);
    e = e ? e : &local;
    int fd = socket_open(address, e);
    if (fd >= 0)
        where_write(l, fd);
    if (fd < 0 || daemon_start(l, fd, e) < 0) {
        listener_free(l);
        return NULL;
    }
    return l;
}

const char *listener_where(const struct listener *l)
{
    return l->where;
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    loop_watch_free(l->watch);
    kept_drop(l);
    if (l->daemon)
        MHD_stop_daemon(l->daemon); /* tells of every guest's going */
    loop_timer_free(l->timer);
    loop_timer_free(l->sweep);
    free(l);
}
