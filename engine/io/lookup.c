#include "engine/io/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

#define STACK_BYTES (1u << 20) /* what name service modules may need */

struct lookup {
    pthread_mutex_t lock;
    struct loop *loop; /* under the lock; NULL: dropped before the answer came */
    bool posted;       /* under the lock */
    bool dropped;      /* the loop's thread */
    char *host;
    struct lookup_result result;
    void (*done)(void *data, const struct lookup_result *result);
    void *data;
};

static void lookup_free(struct lookup *k)
{
    pthread_mutex_destroy(&k->lock);
    free(k->host);
    free(k);
}

bool lookup_is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void on_answer(void *data)
{
    struct lookup *k = data;
    pthread_mutex_lock(&k->lock); /* until the thread has let go of it */
    pthread_mutex_unlock(&k->lock);
    if (!k->dropped)
        k->done(k->data, &k->result);
    lookup_free(k);
}

static void resolve(const char *host, struct lookup_result *r)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG},
                    *list = NULL;
    int status = getaddrinfo(host, NULL, &hints, &list);
    for (struct addrinfo *a = list; a && r->count < LOOKUP_ADDRESSES; a = a->ai_next)
        if (!getnameinfo(a->ai_addr, a->ai_addrlen, r->addresses[r->count], INET6_ADDRSTRLEN, NULL, 0,
                         NI_NUMERICHOST))
            r->count++;
    if (list)
        freeaddrinfo(list);
    if (!r->count)
        err_set(&r->error, ERR_NOT_FOUND, "cannot look up %.100s: %s", host,
                status ? gai_strerror(status) : "no address");
}

static void *lookup_thread(void *data)
{
    struct lookup *k = data;
    resolve(k->host, &k->result);
    pthread_mutex_lock(&k->lock);
    bool wanted = k->loop != NULL;
    k->posted = wanted;
    if (wanted)
        loop_post(k->loop, on_answer, k);
    pthread_mutex_unlock(&k->lock);
    if (!wanted)
        lookup_free(k);
    return NULL;
}

struct lookup *lookup_start(struct loop *l, const char *host,
                            void (*done)(void *data, const struct lookup_result *result), void *data)
{
    struct lookup *k = xcalloc(1, sizeof *k);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_mutex_init(&k->lock, NULL);
    k->loop = l;
    k->host = xstrdup(host);
    k->done = done;
    k->data = data;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&thread, &attributes, lookup_thread, k)) {
        err_set(&k->result.error, ERR_IO, "cannot look up %.100s: no thread left", host);
        k->posted = true;
        loop_post(l, on_answer, k);
    }
    pthread_attr_destroy(&attributes);
    return k;
}

void lookup_drop(struct lookup *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->loop = NULL;
    k->dropped = true;
    pthread_mutex_unlock(&k->lock); /* the thread, or the loop if it has been told, frees it */
}
