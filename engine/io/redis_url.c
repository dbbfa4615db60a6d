#include "engine/io/redis_url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/io/redis.h"

#define DEFAULT_PORT   6379
#define DATABASE_LIMIT 65535

void redis_url_fini(struct redis_url *u)
{
    free(u->user);
    free(u->password);
    free(u->host);
    free(u->path);
    *u = (struct redis_url){0};
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* %41 is A; NULL for a broken escape or a NUL. */
static char *percent_decode(const char *text, size_t length)
{
    struct str out = {0};
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '%') {
            int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0 || high * 16 + low == 0) {
                str_fini(&out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        str_add_char(&out, c);
    }
    return str_take(&out);
}

static int read_number(const char *text, size_t length, int limit, int *value)
{
    long number = 0;
    if (!length || length > 6)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    if (number > limit)
        return -1;
    *value = (int)number;
    return 0;
}

static int read_login(struct redis_url *u, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t user = colon ? (size_t)(colon - text) : length;
    if (user && !(u->user = percent_decode(text, user)))
        return -1;
    if (colon && !(u->password = percent_decode(colon + 1, length - user - 1)))
        return -1;
    /* redis://secret@host is read as a password by most clients. */
    if (!colon && u->user) {
        u->password = u->user;
        u->user = NULL;
    }
    return 0;
}

static int read_host(struct redis_url *u, const char *text, size_t length)
{
    const char *port = NULL;
    size_t host = length;
    if (length && *text == '[') {
        const char *end = memchr(text, ']', length);
        if (!end)
            return -1;
        u->host = xstrndup(text + 1, (size_t)(end - text - 1));
        host = (size_t)(end - text) + 1;
        if (host < length && text[host] != ':')
            return -1;
        port = host < length ? text + host + 1 : NULL;
    } else {
        port = memchr(text, ':', length);
        host = port ? (size_t)(port - text) : length;
        u->host = host ? xstrndup(text, host) : xstrdup("localhost");
        port = port ? port + 1 : NULL;
    }
    if (!*u->host)
        return -1;
    return port ? read_number(port, length - (size_t)(port - text), 65535, &u->port) : 0;
}

static int read_tcp(struct redis_url *u, const char *rest)
{
    size_t authority = strcspn(rest, "/?#");
    const char *at = memrchr(rest, '@', authority);
    if (at && read_login(u, rest, (size_t)(at - rest)))
        return -1;
    const char *host = at ? at + 1 : rest;
    if (read_host(u, host, authority - (size_t)(host - rest)))
        return -1;
    const char *path = rest + authority;
    if (!*path || str_eq(path, "/"))
        return 0;
    return *path == '/' ? read_number(path + 1, strlen(path + 1), DATABASE_LIMIT, &u->database) : -1;
}

static int read_unix(struct redis_url *u, const char *rest)
{
    size_t path = strcspn(rest, "?");
    const char *query = rest + path;
    if (*rest != '/' || !(u->path = percent_decode(rest, path)))
        return -1;
    if (!*query)
        return 0;
    if (!str_starts(query, "?db="))
        return -1;
    return read_number(query + 4, strlen(query + 4), DATABASE_LIMIT, &u->database);
}

int redis_url_parse(struct redis_url *u, const char *url, struct err *e)
{
    *u = (struct redis_url){.port = DEFAULT_PORT};
    if (str_starts(url, "rediss://"))
        return err_set(
            e, ERR_UNSUPPORTED,
            "rediss:// (TLS) is not supported: run stunnel on this host in front of the server, and give its "
            "local port as redis://127.0.0.1:PORT");
    int status = -1;
    if (str_starts(url, "redis://"))
        status = read_tcp(u, url + strlen("redis://"));
    else if (str_starts(url, "unix://"))
        status = read_unix(u, url + strlen("unix://"));
    if (!status)
        return 0;
    redis_url_fini(u);
    /* The URL itself is not repeated: it may hold a password. */
    return err_set(
        e, ERR_SYNTAX,
        "not a Redis URL: write redis://[user:password@]host[:port][/database] or unix:///path[?db=N]");
}

int redis_url_check(const char *url, struct err *e)
{
    struct redis_url u;
    int status = redis_url_parse(&u, url, e);
    if (!status)
        redis_url_fini(&u);
    return status;
}
