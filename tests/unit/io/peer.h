/* A server for tests: one thread that accepts on a free loopback port, one thread a connection that runs the
 * given behaviour and then closes. For tests of clients that must survive whatever a server does. */
#ifndef BELAY_TESTS_UNIT_IO_PEER_H
#define BELAY_TESTS_UNIT_IO_PEER_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer;
typedef void peer_fn(struct peer *peer, int fd);

#define PEER_CONNECTIONS 64

struct peer {
    int listener, port;
    peer_fn *behaviour;
    void *data;
    atomic_bool stopping;
    atomic_int connections;
    pthread_t acceptor;
    pthread_t threads[PEER_CONNECTIONS];
    int fds[PEER_CONNECTIONS];
};

struct peer_connection {
    struct peer *peer;
    int fd;
};

static inline void *peer_serve(void *data)
{
    struct peer_connection *c = data;
    c->peer->behaviour(c->peer, c->fd);
    shutdown(c->fd, SHUT_RDWR);
    free(c);
    return NULL;
}

static inline void *peer_accept(void *data)
{
    struct peer *p = data;
    while (!p->stopping) {
        int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
        int n = p->connections;
        if (fd < 0)
            continue;
        if (p->stopping || n == PEER_CONNECTIONS) {
            close(fd);
            continue;
        }
        struct peer_connection *c = malloc(sizeof *c);
        *c = (struct peer_connection){p, fd};
        p->fds[n] = fd;
        pthread_create(&p->threads[n], NULL, peer_serve, c);
        p->connections = n + 1;
    }
    return NULL;
}

static inline void peer_start(struct peer *p, peer_fn *behaviour, void *data)
{
    *p = (struct peer){.behaviour = behaviour, .data = data};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(p->listener, (struct sockaddr *)&address, length) || listen(p->listener, 64) ||
        getsockname(p->listener, (struct sockaddr *)&address, &length))
        abort();
    p->port = ntohs(address.sin_port);
    pthread_create(&p->acceptor, NULL, peer_accept, p);
}

static inline void peer_stop(struct peer *p)
{
    p->stopping = true;
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->acceptor, NULL);
    for (int i = 0; i < p->connections; i++) {
        shutdown(p->fds[i], SHUT_RDWR);
        pthread_join(p->threads[i], NULL);
        close(p->fds[i]);
    }
    close(p->listener);
}

/* False when the other side has gone or the test stops. */
static inline bool peer_send(struct peer *p, int fd, const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length && !p->stopping) {
        ssize_t put = send(fd, from, length, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        from += put;
        length -= (size_t)put;
    }
    return !p->stopping;
}

static inline bool peer_say(struct peer *p, int fd, const char *text)
{
    return peer_send(p, fd, text, strlen(text));
}

/* Waits (bounded) until the other side closes or the test stops. */
static inline void peer_wait_closed(struct peer *p, int fd)
{
    char bytes[4096];
    for (int i = 0; i < 600 && !p->stopping; i++) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, 100) > 0 && recv(fd, bytes, sizeof bytes, 0) <= 0)
            return;
    }
}

/* Reads the head of one HTTP request; false at the end of the connection. */
static inline bool peer_read_request(int fd, char *head, size_t size)
{
    size_t length = 0;
    while (length + 1 < size) {
        ssize_t got = recv(fd, head + length, 1, 0);
        if (got <= 0)
            return false;
        length += (size_t)got;
        head[length] = '\0';
        if (length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

#endif
