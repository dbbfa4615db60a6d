/* What a Redis URL says. */
#ifndef BELAY_IO_REDIS_URL_H
#define BELAY_IO_REDIS_URL_H

#include "engine/base/base.h"

struct redis_url {
    char *user, *password; /* NULL when not said */
    char *host;            /* NULL for a socket */
    char *path;            /* of a socket, or NULL */
    int port, database;
};

/* Fills u, which is zero or was finished before. On an error nothing is left to free. */
int redis_url_parse(struct redis_url *u, const char *url, struct err *e);
void redis_url_fini(struct redis_url *u);

#endif
