/* HTTP/1.1 and 2 over curl's multi socket interface. Thousands of targets on one loop: connections are kept,
 * name look-ups never block, bodies are bounded, certificates are verified, redirects are not followed (a 3xx
 * is an answer like another). Only http and https. */
#ifndef BELAY_IO_HTTP_H
#define BELAY_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/io/loop.h"

#define HTTP_BODY_LIMIT (8u << 20) /* bytes, where a request doesn't say */

struct http;
struct http_call;

/* targets: how many different hosts will be polled; as many idle connections are kept (at least 16). */
struct http *http_new(struct loop *l, size_t targets, struct err *e);
/* Raises the number of idle connections kept. */
void http_set_targets(struct http *h, size_t targets);
/* Calls under way end without their done. */
void http_free(struct http *h);

struct http_result {
    int error;        /* 0: there was an answer, whatever its status; else a code of enum err_code */
    char reason[200]; /* one line: why there was no (whole) answer */
    bool sent;        /* some of the request may have left; false: certainly nothing did */
    int status;       /* 0 when no status line came */
    char content_type[128];
    char retry_after[64]; /* as sent; "" when absent */
    char location[512];
    struct str body; /* what came, also of a cut answer; done may take it (str_take), else it is freed */
    uint64_t received_bytes;
    int64_t connect_us, first_byte_us,
        total_us; /* from the start of the call; 0 when it didn't get that far */
};

struct http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    const void *body;           /* copied */
    size_t body_length;
    int64_t timeout_us; /* the whole call; required, > 0 */
    size_t max_bytes;   /* of the decoded body; 0: HTTP_BODY_LIMIT. One more ends the call with ERR_RANGE */
    bool fresh;         /* over a connection of its own: curl repeats by itself what an idle one swallowed */
    const char *unix_socket; /* path of a socket to connect to instead of the URL's host */
    const char *ca_file;     /* PEM bundle in place of the system's */
    /* Gets the body in pieces instead of http_result.body; max_bytes still counts. Non-zero ends the call
     * (ERR_CANCELLED, done runs). May be NULL. */
    int (*piece)(void *data, const char *bytes, size_t length);
    void (*done)(void *data, struct http_result *result); /* exactly once, unless cancelled */
    void *data;
};

/* NULL with an error for a URL or method that can't be sent; else done will run. Nothing in r needs to
 * outlive the call of this function except data. */
struct http_call *http_start(struct http *h, const struct http_request *r, struct err *e);
/* done will not run. Not from piece or after done. NULL is fine. */
void http_cancel(struct http_call *c);

/* "http" or "https" with a host: what http_start would accept. */
int http_url_check(const char *url, struct err *e);

#endif
