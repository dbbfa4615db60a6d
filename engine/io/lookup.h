/* Name look-ups that nobody waits for. Not uv_getaddrinfo: libuv joins its pool when the process ends, so
 * that a dead name server held every exit for ten seconds, and its look-ups take threads from journal reads
 * and bodies. Each runs on a detached thread of its own instead; whoever asks has at most one under way. */
#ifndef BELAY_IO_LOOKUP_H
#define BELAY_IO_LOOKUP_H

#include <arpa/inet.h>

#include "engine/io/loop.h"

#define LOOKUP_ADDRESSES 8

struct lookup;

struct lookup_result {
    struct err error; /* code 0: there is at least one address */
    char addresses[LOOKUP_ADDRESSES][INET6_ADDRSTRLEN];
    size_t count;
};

/* True when the host is an address already. */
bool lookup_is_address(const char *host);

/* done runs on the loop unless the look-up is dropped before. */
struct lookup *lookup_start(struct loop *l, const char *host,
                            void (*done)(void *data, const struct lookup_result *result), void *data);
void lookup_drop(struct lookup *k); /* before its loop is freed; NULL is fine */

#endif
