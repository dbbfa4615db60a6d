/* One connection to a Redis server: hiredis' asynchronous context on our loop, with bounds that hiredis 0.14
 * lacks. Its stock libuv adapter ignores refused connections; a server that lies makes hiredis allocate
 * gigabytes or, by an answer that nobody asked for, fail an assertion. */
#ifndef BELAY_IO_REDIS_LINK_H
#define BELAY_IO_REDIS_LINK_H

#include <hiredis/async.h>

#include "engine/io/uv.h"

struct redis_link;

struct redis_link_events {
    void (*opened)(void *owner);
    /* The connection is gone, and the link with it: don't drop it. Commands under way are not answered. */
    void (*lost)(void *owner, const struct err *error);
    void *owner;
};

/* A numeric address, or the path of a socket. Connects in the background. */
struct redis_link *redis_link_new(struct loop *l, const char *path, const char *address, int port,
                                  const struct redis_link_events *events, struct err *e);
/* Lets go of it: nothing is called any more. Also from its callbacks. NULL is fine. */
void redis_link_drop(struct redis_link *k);

/* A command in wire format; fn is called with the answer, in the order of sending. */
typedef void redis_link_fn(void *owner, const redisReply *reply, void *data);
void redis_link_send(struct redis_link *k, const char *wire, size_t length, redis_link_fn *fn, void *data);

#endif
