#include "engine/io/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "engine/base/base.h"
#include "engine/io/http_url.h"
#include "engine/io/uv.h"

#define HEADER_BYTES_LIMIT (256u << 10)
#define LEAST_TARGETS      16
#define SPARE_HANDLES      64  /* easy handles kept for reuse */
#define OTHER_DESCRIPTORS  256 /* what the rest of the process may need besides connections */

/* One socket that curl wants watched. */
struct http_socket {
    uv_poll_t poll;
    struct http *http;
    curl_socket_t fd;
    int events;
};

struct http {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct http_call *calls;
    CURL *spare[SPARE_HANDLES];
    size_t spare_count;
    size_t targets;
    bool dispatching, dying; /* http_free from a done is carried out when dispatching ends */
};

enum cut { CUT_NONE, CUT_BODY, CUT_HEADERS, CUT_PIECE };

struct http_call {
    struct http *http;
    struct http_call *next, **link;
    CURL *easy;
    struct curl_slist *headers;
    struct http_result result;
    size_t max_bytes, body_bytes, header_bytes;
    enum cut cut;
    int (*piece)(void *data, const char *bytes, size_t length);
    void (*done)(void *data, struct http_result *result);
    void *data;
    char error[CURL_ERROR_SIZE];
};

/* ---- What curl asks of the loop ---- */

static void dispatch_finished(struct http *h);

static void on_socket(uv_poll_t *poll, int status, int events)
{
    struct http_socket *s = poll->data;
    struct http *h = s->http;
    int flags = status < 0 ? CURL_CSELECT_ERR
                           : (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                                 (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(h->multi, s->fd, flags, &running);
    dispatch_finished(h);
}

static void on_timeout(void *data)
{
    struct http *h = data;
    int running;
    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    dispatch_finished(h);
}

static void on_socket_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct http *h = data;
    struct http_socket *s = socket_data;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(h->multi, fd, NULL);
        if (s)
            uv_close((uv_handle_t *)&s->poll, on_socket_closed);
        return 0;
    }
    if (!s) {
        s = xcalloc(1, sizeof *s);
        s->http = h;
        s->fd = fd;
        s->poll.data = s;
        if (uv_poll_init_socket(loop_uv(h->loop), &s->poll, fd)) {
            free(s);
            return -1;
        }
        curl_multi_assign(h->multi, fd, s);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    if (events != s->events)
        uv_poll_start(&s->poll, events, on_socket);
    s->events = events;
    return 0;
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *data)
{
    struct http *h = data;
    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(h->timer);
    else
        loop_timer_start(h->timer, timeout_ms * US_PER_MS, 0);
    return 0;
}

/* ---- The client ---- */

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* A connection is a descriptor: the usual soft limit of 1,024 ends at a thousand targets. */
static void raise_descriptor_limit(size_t targets)
{
    struct rlimit limit;
    rlim_t wanted = targets + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void http_set_targets(struct http *h, size_t targets)
{
    if (targets < LEAST_TARGETS)
        targets = LEAST_TARGETS;
    if (targets <= h->targets)
        return;
    h->targets = targets;
    raise_descriptor_limit(targets);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)targets);
}

struct http *http_new(struct loop *l, size_t targets, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_start);
    CURLM *multi = curl_multi_init();
    if (!multi) {
        err_set(e, ERR_IO, "cannot set up the HTTP client");
        return NULL;
    }
    struct http *h = xcalloc(1, sizeof *h);
    h->loop = l;
    h->multi = multi;
    h->timer = loop_timer_new(l, on_timeout, h);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, h);
    http_set_targets(h, targets);
    return h;
}

static void call_free(struct http_call *c)
{
    curl_slist_free_all(c->headers);
    str_fini(&c->result.body);
    free(c);
}

/* Takes the call off the multi handle and the list; its easy handle is kept for the next one. */
static void call_detach(struct http_call *c)
{
    struct http *h = c->http;
    curl_multi_remove_handle(h->multi, c->easy);
    if (h->spare_count < SPARE_HANDLES) {
        curl_easy_reset(c->easy);
        h->spare[h->spare_count++] = c->easy;
    } else {
        curl_easy_cleanup(c->easy);
    }
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    while (h->calls) {
        struct http_call *c = h->calls;
        call_detach(c);
        call_free(c);
    }
    if (h->dispatching) {
        h->dying = true;
        return;
    }
    for (size_t i = 0; i < h->spare_count; i++)
        curl_easy_cleanup(h->spare[i]);
    curl_multi_cleanup(h->multi);
    loop_timer_free(h->timer);
    free(h);
}

void http_cancel(struct http_call *c)
{
    if (!c)
        return;
    call_detach(c);
    call_free(c);
}

/* ---- The end of a call ---- */

static int error_code(CURLcode code, enum cut cut)
{
    if (cut != CUT_NONE)
        return cut == CUT_PIECE ? ERR_CANCELLED : ERR_RANGE;
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_OUT_OF_MEMORY: /* so curl calls a line of the headers that outgrows its buffer */
        return ERR_RANGE;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMED_OUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return ERR_DENIED;
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return ERR_SYNTAX;
    default:
        return ERR_IO;
    }
}

static void describe_error(struct http_call *c, CURLcode code)
{
    struct http_result *r = &c->result;
    r->error = error_code(code, c->cut);
    if (!r->error)
        return;
    if (c->cut == CUT_BODY) {
        snprintf(r->reason, sizeof r->reason, "the answer is larger than %zu bytes", c->max_bytes);
    } else if (c->cut == CUT_HEADERS) {
        snprintf(r->reason, sizeof r->reason, "the headers are larger than %u bytes", HEADER_BYTES_LIMIT);
    } else if (code == CURLE_OUT_OF_MEMORY) {
        snprintf(r->reason, sizeof r->reason, "a line of the headers is too long");
    } else if (c->cut == CUT_PIECE) {
        snprintf(r->reason, sizeof r->reason, "ended by the reader");
    } else {
        struct str text = {0};
        const char *said = c->error[0] ? c->error : curl_easy_strerror(code);
        utf8_clean(&text, said, strlen(said), false);
        snprintf(r->reason, sizeof r->reason, "%s", str_text(&text));
        str_fini(&text);
    }
}

static void copy_header(char *to, size_t size, const char *value, size_t length)
{
    while (length && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length && (value[length - 1] == '\r' || value[length - 1] == '\n' || value[length - 1] == ' '))
        length--;
    if (length >= size)
        length = size - 1;
    memcpy(to, value, length);
    to[length] = '\0';
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct http_call *c = data;
    size_t length = size * count;
    c->header_bytes += length;
    c->result.received_bytes += length;
    if (c->header_bytes > HEADER_BYTES_LIMIT) {
        c->cut = CUT_HEADERS;
        return 0;
    }
    const struct {
        const char *name;
        char *to;
        size_t size;
    } wanted[] = {
        {"content-type:", c->result.content_type, sizeof c->result.content_type},
        {"retry-after:", c->result.retry_after, sizeof c->result.retry_after},
        {"location:", c->result.location, sizeof c->result.location},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t name = strlen(wanted[i].name);
        if (length > name && strncasecmp(line, wanted[i].name, name) == 0)
            copy_header(wanted[i].to, wanted[i].size, line + name, length - name);
    }
    return length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct http_call *c = data;
    size_t length = size * count;
    c->result.received_bytes += length;
    if (length > c->max_bytes - c->body_bytes) {
        c->cut = CUT_BODY;
        return 0;
    }
    c->body_bytes += length;
    if (c->piece) {
        if (c->piece(c->data, bytes, length)) {
            c->cut = CUT_PIECE;
            return 0;
        }
    } else {
        str_add_bytes(&c->result.body, bytes, length);
    }
    return length;
}

static void call_finish(struct http_call *c, CURLcode code)
{
    struct http_result *r = &c->result;
    long status = 0, sent = 0;
    curl_off_t connect = 0, first = 0, total = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c->easy, CURLINFO_CONNECT_TIME_T, &connect);
    curl_easy_getinfo(c->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
    curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &total);
    curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &sent);
    r->status = (int)status;
    r->sent = sent > 0 || status > 0;
    r->connect_us = connect;
    r->first_byte_us = first;
    r->total_us = total;
    describe_error(c, code);
    call_detach(c);
    c->done(c->data, r);
    call_free(c);
}

static void dispatch_finished(struct http *h)
{
    /* A done may start and cancel calls, also free h; it is never reached from inside curl. */
    if (h->dispatching)
        return;
    h->dispatching = true;
    CURLMsg *message;
    int left;
    while (!h->dying && (message = curl_multi_info_read(h->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct http_call *c = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        call_finish(c, code);
    }
    h->dispatching = false;
    if (h->dying)
        http_free(h);
}

/* ---- The start of a call ---- */

static bool is_token(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p >= 127)
            return false;
    return *text != '\0';
}

static void set_method(CURL *easy, const struct http_request *r)
{
    const char *method = r->method ? r->method : "GET";
    if (r->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_length);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, (const char *)r->body);
    }
    if (str_eq(method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (!str_eq(method, r->body ? "POST" : "GET"))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_transport(CURL *easy, const struct http_request *r, bool loopback)
{
    /* Without QUICK_EXIT ending a call waits for curl's resolver thread: a dead DNS stops the loop for
     * seconds. With the default CAPATH each TLS connection reads the whole folder of certificates: 30 ms. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "belay/" BELAY_VERSION);
    long timeout_ms = (long)((r->timeout_us + US_PER_MS - 1) / US_PER_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? timeout_ms : 1L);
    if (loopback)
        curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy of a bastion doesn't lead to this host */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)r->fresh);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)r->fresh);
    if (r->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
    if (r->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
}

static void set_callbacks(struct http_call *c)
{
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, (char *)c);
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
}

struct http_call *http_start(struct http *h, const struct http_request *r, struct err *e)
{
    bool loopback = false;
    if (http_url_read(r->url, &loopback, e) < 0)
        return NULL;
    if (r->method && !is_token(r->method)) {
        err_set(e, ERR_SYNTAX, "'%.40s' is not an HTTP method", r->method);
        return NULL;
    }
    for (const char *const *line = r->headers; line && *line; line++)
        if (strpbrk(*line, "\r\n")) {
            err_set(e, ERR_SYNTAX, "a header may not hold a line break");
            return NULL;
        }
    struct http_call *c = xcalloc(1, sizeof *c);
    c->http = h;
    c->easy = h->spare_count ? h->spare[--h->spare_count] : curl_easy_init();
    if (!c->easy) {
        err_set(e, ERR_IO, "cannot set up an HTTP request");
        free(c);
        return NULL;
    }
    c->max_bytes = r->max_bytes ? r->max_bytes : HTTP_BODY_LIMIT;
    c->piece = r->piece;
    c->done = r->done;
    c->data = r->data;
    for (const char *const *line = r->headers; line && *line; line++)
        c->headers = curl_slist_append(c->headers, *line);
    curl_easy_setopt(c->easy, CURLOPT_URL, r->url);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    set_method(c->easy, r);
    set_transport(c->easy, r, loopback || r->unix_socket);
    set_callbacks(c);
    c->link = &h->calls;
    c->next = h->calls;
    if (c->next)
        c->next->link = &c->next;
    h->calls = c;
    curl_multi_add_handle(h->multi, c->easy);
    return c;
}
