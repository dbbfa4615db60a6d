/* A scripted upstream on a loopback port: for each path a script of answers, one word a request, the last one
 * for all further requests ("*" at the end: from the beginning again). It keeps what it was asked, and when.
 *
 *   ok            200 with a chat completion "answer of PATH"
 *   slow          the same after 300 ms
 *   400 ... 599   that status with a short body
 *   429s, 429d    with Retry-After: 1, and with a date two seconds ahead
 *   503s          with Retry-After: 1
 *   quota         429 "insufficient_quota"; context: 400 "context_length_exceeded"
 *   reset         the connection is reset when the request has come
 *   truncated     half of what Content-Length promises
 *   stalled       the head and some of the body, then nothing; never: nothing at all
 *   continue      100 Continue, and the connection ends
 *   garbage       no HTTP; text: 200, but no JSON; empty: 200 with a chat without content
 *   wrapped       200 with an error of status 429 inside
 *   flood         a body without end
 *   echo          200 with the request's body */
#ifndef BELAY_TESTS_INTEGRATION_UPSTREAM_H
#define BELAY_TESTS_INTEGRATION_UPSTREAM_H

#include <fcntl.h>
#include <stdint.h>
#include <strings.h>
#include <time.h>

#include "tests/unit/io/peer.h"

#define UPSTREAM_PATHS    8
#define UPSTREAM_REQUESTS 64

struct upstream_path {
    char path[64], script[256];
    int asked;
    char heads[UPSTREAM_REQUESTS][1024];
    char bodies[UPSTREAM_REQUESTS][4096];
    int64_t at_ms[UPSTREAM_REQUESTS]; /* monotonic */
};

struct upstream {
    struct peer peer;
    pthread_mutex_t lock;
    struct upstream_path paths[UPSTREAM_PATHS];
    int path_count;
};

static inline int64_t upstream_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The n-th word of the script. */
static inline void upstream_word(const char *script, int n, char word[static 32])
{
    char copy[256], *words[64], *rest = NULL;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", script);
    for (char *w = strtok_r(copy, " ", &rest); w && count < 64; w = strtok_r(NULL, " ", &rest))
        words[count++] = w;
    bool again = count > 1 && strcmp(words[count - 1], "*") == 0;
    if (again)
        count--;
    int at = again ? n % count : n < count ? n : count - 1;
    snprintf(word, 32, "%s", count > 0 ? words[at] : "404");
}

static inline bool upstream_say(struct peer *p, int fd, int status, const char *headers, const char *body)
{
    char head[512];
    snprintf(head, sizeof head,
             "HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s"
             "Connection: close\r\n\r\n",
             status, strlen(body), headers);
    return peer_say(p, fd, head) && peer_say(p, fd, body);
}

static inline void upstream_chat(struct peer *p, int fd, const char *path)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"id\":\"c-1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
             "\"assistant\",\"content\":\"answer of %s\"},\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":500,\"total_tokens\":1500}}",
             path);
    upstream_say(p, fd, 200, "", body);
}

static inline void upstream_reset(int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    int gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup3(gone, fd, O_CLOEXEC); /* closes the socket: RST; the peer closes the rest */
    close(gone);
}

static inline void upstream_answer(struct peer *p, int fd, const char *word, const char *path,
                                   const char *asked)
{
    static const char error[] = "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"code\":\"%s\"}}";
    char date[64], body[512];
    time_t soon = time(NULL) + 2;
    struct tm tm;
    strftime(date, sizeof date, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&soon, &tm));
    int status = atoi(word);
    if (strcmp(word, "slow") == 0)
        poll(NULL, 0, 300);
    if (strcmp(word, "ok") == 0 || strcmp(word, "slow") == 0) {
        upstream_chat(p, fd, path);
    } else if (strcmp(word, "quota") == 0) {
        snprintf(body, sizeof body, error, "You exceeded your current quota", "insufficient_quota",
                 "insufficient_quota");
        upstream_say(p, fd, 429, "", body);
    } else if (strcmp(word, "context") == 0) {
        snprintf(body, sizeof body, error, "This model's maximum context length is 8192 tokens",
                 "invalid_request_error", "context_length_exceeded");
        upstream_say(p, fd, 400, "", body);
    } else if (status > 0) {
        snprintf(body, sizeof body, "{\"error\":{\"message\":\"scripted %s\"}}", word);
        upstream_say(p, fd, status,
                     strchr(word, 's')   ? "Retry-After: 1\r\n"
                     : strchr(word, 'd') ? date
                                         : "",
                     body);
    } else if (strcmp(word, "reset") == 0) {
        upstream_reset(fd);
    } else if (strcmp(word, "truncated") == 0) {
        peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\":[");
    } else if (strcmp(word, "stalled") == 0) {
        if (peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"choices\":["))
            peer_wait_closed(p, fd);
    } else if (strcmp(word, "never") == 0) {
        peer_wait_closed(p, fd);
    } else if (strcmp(word, "continue") == 0) {
        peer_say(p, fd, "HTTP/1.1 100 Continue\r\n\r\n");
    } else if (strcmp(word, "garbage") == 0) {
        peer_send(p, fd, "\x00\xff\x1b]0;evil\x07 not http\r\n\r\n", 24);
    } else if (strcmp(word, "text") == 0) {
        upstream_say(p, fd, 200, "", "hello\x1b[31m");
    } else if (strcmp(word, "empty") == 0) {
        upstream_say(p, fd, 200, "",
                     "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I can't\"}}]}");
    } else if (strcmp(word, "wrapped") == 0) {
        upstream_say(p, fd, 200, "", "{\"error\":{\"message\":\"slow down\",\"code\":429}}");
    } else if (strcmp(word, "echo") == 0) {
        upstream_say(p, fd, 200, "", asked);
    } else if (strcmp(word, "flood") == 0) {
        char filler[65536];
        memset(filler, 'x', sizeof filler);
        peer_say(p, fd, "HTTP/1.1 200 OK\r\n\r\n");
        while (peer_send(p, fd, filler, sizeof filler))
            ;
    } else {
        fprintf(stderr, "upstream: no such word: %s\n", word);
        abort();
    }
}

static inline void upstream_body(int fd, const char *head, char *body, size_t size)
{
    const char *length = strcasestr(head, "\r\nContent-Length:");
    size_t wanted = length ? strtoul(length + 17, NULL, 10) : 0, got = 0;
    while (got < wanted) {
        char byte;
        if (recv(fd, &byte, 1, 0) <= 0)
            break;
        if (got + 1 < size)
            body[got] = byte;
        got++;
    }
    body[got < size - 1 ? got : size - 1] = '\0';
}

static inline void upstream_serve(struct peer *p, int fd)
{
    struct upstream *u = p->data;
    char head[8192] = "", body[4096], path[64] = "", word[32] = "404";
    if (!peer_read_request(fd, head, sizeof head))
        return;
    upstream_body(fd, head, body, sizeof body);
    sscanf(head, "%*s %63s", path);
    path[strcspn(path, "?")] = '\0';
    char *chat = strstr(path, "/chat/completions");
    if (chat)
        *chat = '\0';
    pthread_mutex_lock(&u->lock);
    for (int i = 0; i < u->path_count; i++) {
        struct upstream_path *own = &u->paths[i];
        if (strcmp(own->path, path) != 0)
            continue;
        int n = own->asked++;
        upstream_word(own->script, n, word);
        if (n < UPSTREAM_REQUESTS) {
            snprintf(own->heads[n], sizeof own->heads[n], "%.1000s", head);
            snprintf(own->bodies[n], sizeof own->bodies[n], "%s", body);
            own->at_ms[n] = upstream_now_ms();
        }
    }
    pthread_mutex_unlock(&u->lock);
    upstream_answer(p, fd, word, path, body);
}

static inline void upstream_start(struct upstream *u)
{
    memset(u, 0, sizeof *u);
    pthread_mutex_init(&u->lock, NULL);
    peer_start(&u->peer, upstream_serve, u);
}

/* A path's script, from its beginning. Returns what is known of it; read it only while no request is under
 * way. */
static inline struct upstream_path *upstream_script(struct upstream *u, const char *path, const char *script)
{
    struct upstream_path *own = NULL;
    pthread_mutex_lock(&u->lock);
    for (int i = 0; i < u->path_count && !own; i++)
        if (strcmp(u->paths[i].path, path) == 0)
            own = &u->paths[i];
    if (!own && u->path_count < UPSTREAM_PATHS)
        own = &u->paths[u->path_count++];
    if (!own)
        abort();
    snprintf(own->path, sizeof own->path, "%s", path);
    snprintf(own->script, sizeof own->script, "%s", script);
    own->asked = 0;
    pthread_mutex_unlock(&u->lock);
    return own;
}

static inline void upstream_stop(struct upstream *u)
{
    peer_stop(&u->peer);
    pthread_mutex_destroy(&u->lock);
}

#endif
