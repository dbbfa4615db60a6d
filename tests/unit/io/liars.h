/* HTTP servers that lie, drip and never end: behaviours of a peer. */
#ifndef BELAY_TESTS_UNIT_IO_LIARS_H
#define BELAY_TESTS_UNIT_IO_LIARS_H

#include "tests/unit/io/peer.h"

static inline void serve_endless_body(struct peer *p, int fd)
{
    char head[4096], filler[65536];
    memset(filler, 'x', sizeof filler);
    if (!peer_read_request(fd, head, sizeof head) || !peer_say(p, fd, "HTTP/1.1 200 OK\r\n\r\n"))
        return;
    while (peer_send(p, fd, filler, sizeof filler))
        ;
}

static inline void serve_endless_headers(struct peer *p, int fd)
{
    char head[4096];
    if (!peer_read_request(fd, head, sizeof head) || !peer_say(p, fd, "HTTP/1.1 200 OK\r\n"))
        return;
    while (peer_say(
        p, fd, "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"))
        ;
}

static inline void serve_nothing(struct peer *p, int fd)
{
    peer_wait_closed(p, fd);
}

static inline void serve_drip(struct peer *p, int fd)
{
    char head[4096];
    if (!peer_read_request(fd, head, sizeof head) ||
        !peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
        return;
    while (peer_say(p, fd, "x"))
        poll(NULL, 0, 20);
}

static inline void serve_garbage(struct peer *p, int fd)
{
    char head[4096];
    if (peer_read_request(fd, head, sizeof head))
        peer_send(p, fd, "\x00\xff\x1b]0;evil\x07 not http\r\n\r\n", 24);
}

static inline void serve_cut_body(struct peer *p, int fd)
{
    char head[4096];
    if (peer_read_request(fd, head, sizeof head))
        peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
}

static inline void serve_bomb(struct peer *p, int fd)
{
    /* 100 MB of zeros in 130 kB of gzip: a head, then one deflated block of 64 KiB again and again. */
    static const char gzip_head[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03";
    static const char block[] =
        "\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x00\x00\x00\x00\x00\x6a\x00\x00\x00\xff\xff";
    char head[4096];
    bool going = peer_read_request(fd, head, sizeof head) &&
                 peer_say(p, fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n") &&
                 peer_send(p, fd, gzip_head, sizeof gzip_head - 1);
    for (int i = 0; i < 1600 && going; i++)
        going = peer_send(p, fd, block, sizeof block - 1);
}

#endif
