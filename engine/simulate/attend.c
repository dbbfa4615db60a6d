#include "engine/simulate/attend.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/simulate/simulate.h"

static void tell(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return; /* gone again: its end is seen by poll */
}

/* The console that is there now, -1 for none. */
static int greet(int listen_fd, int console, unsigned port)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return console;
    if (console >= 0) {
        tell(fd, "busy\n");
        close(fd);
        return console;
    }
    char line[16];
    snprintf(line, sizeof line, "%u\n", port);
    tell(fd, line);
    return fd;
}

enum heard { HEARD_NOTHING, HEARD_END, HEARD_GONE };

static enum heard hear(int console)
{
    char bytes[16];
    ssize_t n = recv(console, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        return memmem(bytes, (size_t)n, "end", 3) ? HEARD_END : HEARD_NOTHING;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? HEARD_NOTHING : HEARD_GONE;
}

/* Suspended time counts: nobody comes back after a night. */
static int64_t left_us(int64_t life_until_us, int64_t linger_until_us, bool attended)
{
    bool sooner = !attended && linger_until_us < life_until_us;
    return (sooner ? linger_until_us : life_until_us) - clock_boot_us();
}

void attend(int signals, int listen_fd, unsigned port, int64_t linger_us)
{
    int console = -1;
    int64_t gone_us = clock_boot_us(), life_until_us = gone_us + SIMULATION_LIFE_US;
    for (;;) {
        bool lingers = listen_fd >= 0 && console < 0;
        int64_t left = left_us(life_until_us, gone_us + linger_us, !lingers);
        struct pollfd polled[] = {{.fd = signals, .events = POLLIN},
                                  {.fd = listen_fd, .events = POLLIN},
                                  {.fd = console, .events = POLLIN}};
        if (left <= 0)
            break;
        int64_t wait_ms = left / US_PER_MS + 1;
        if (poll(polled, 3, wait_ms < 60000 ? (int)wait_ms : 60000) < 0 && errno != EINTR)
            break;
        if (polled[0].revents)
            break;
        if (polled[2].revents) {
            enum heard heard = hear(console);
            if (heard == HEARD_END)
                break;
            if (heard == HEARD_GONE) {
                close(console);
                console = -1;
                gone_us = clock_boot_us();
            }
        }
        if (polled[1].revents)
            console = greet(listen_fd, console, port);
    }
    if (console >= 0)
        close(console);
}
