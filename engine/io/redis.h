/* A Redis client: hiredis on the loop. Connects at the first command (the name is looked up meanwhile),
 * logs in and selects the database, and connects again at the next command after a failure. A command that
 * takes too long costs the connection, because its answer would come out of step. */
#ifndef BELAY_IO_REDIS_H
#define BELAY_IO_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/io/loop.h"

#define REDIS_REPLY_LIMIT (8u << 20) /* bytes of one reply; more costs the connection */
#define REDIS_ITEMS_LIMIT 100000     /* elements of one array in a reply */

struct redis;

struct redis_options {
    const char *url;      /* redis://[user[:password]@]host[:port][/db] or unix:///path[?db=N] */
    const char *user;     /* wins over the URL's; may be NULL */
    const char *password; /* the same */
    int64_t timeout_us;   /* of connecting and of each command that names none; 0: 3 s */
};

/* Says what is wrong with a URL. rediss:// is refused by name: Debian's hiredis has no TLS, stunnel is the
 * way round. */
int redis_url_check(const char *url, struct err *e);

struct redis *redis_new(struct loop *l, const struct redis_options *o, struct err *e);
/* Commands under way end without their callback. NULL is fine; also from a callback. */
void redis_free(struct redis *r);

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_INTEGER, REDIS_ARRAY, REDIS_ERROR };

struct redis_reply {
    enum redis_type type;
    int64_t integer;
    const char *text; /* STRING, STATUS, ERROR: terminated by a NUL, may hold others */
    size_t length;
    struct redis_reply *items;
    size_t item_count;
};

/* reply is NULL when there was none: error says why. An ERROR reply is a reply. Lives until the function
 * returns. */
typedef void redis_fn(void *data, const struct redis_reply *reply, const struct err *error);

/* argv of argc words; lengths may be NULL for plain strings. The answers come in order. timeout_us 0: that of
 * the options. */
void redis_command(struct redis *r, size_t argc, const char *const *argv, const size_t *lengths,
                   int64_t timeout_us, redis_fn *fn, void *data);
bool redis_connected(const struct redis *r);

#endif
