/* A small HTTP server on the loop, for whatever asks this process how it is: libmicrohttpd without a thread
 * of its own, its epoll descriptor watched by the loop. GET and HEAD only. Nobody can make it wait: answers
 * are made at once on the loop, a connection serves one request and has LISTENER_PATIENCE_US for all of it,
 * more than LISTENER_CONNECTIONS wait in the kernel. Included through serve.h. */
#ifndef BELAY_SERVE_LISTENER_H
#define BELAY_SERVE_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "engine/base/base.h"
#include "engine/io/io.h"

#define LISTENER_PORT        9847
#define LISTENER_CONNECTIONS 32
#define LISTENER_PATIENCE_US (10 * US_PER_S)

struct listener_address {
    struct sockaddr_storage socket;
    socklen_t length;
    bool loopback;
};

/* "127.0.0.1:9847", "[::1]:9847", "10.0.0.7" (then LISTENER_PORT), "localhost:9000", ":9000" and "9000"
 * (loopback). Port 0 takes a free one. Numbers only, besides localhost: no name is looked up. ERR_USAGE. */
int listener_address_parse(const char *text, struct listener_address *address, struct err *e);

struct listener_answer {
    int status;       /* 200 */
    const char *type; /* text/plain */
    struct str body;
    int64_t keep_us; /* the same answer may be given again for so long; 0: for nobody else */
};

struct listener;

struct listener_options {
    /* Fills what path asks for; false: there is no such path. Runs on the loop. */
    bool (*answer)(void *data, const char *path, struct listener_answer *answer);
    void *data;
    int64_t patience_us; /* 0: LISTENER_PATIENCE_US */
};

/* ERR_BUSY: the port is taken. */
struct listener *listener_new(struct loop *loop, const struct listener_address *address,
                              const struct listener_options *options, struct err *e);
/* Where it listens: "127.0.0.1:9847". */
const char *listener_where(const struct listener *l);
void listener_free(struct listener *l); /* NULL is fine */

#endif
