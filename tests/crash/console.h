/* A console in a pty of its own, to be read, typed to and killed. */
#ifndef BELAY_TESTS_CRASH_CONSOLE_H
#define BELAY_TESTS_CRASH_CONSOLE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"

#define CONSOLE_WAIT_US  (90 * US_PER_S)
#define CONSOLE_GUARD_US (520 * US_PER_MS) /* a page takes no answer before */

struct console {
    pid_t pid;
    int fd;
    struct str seen; /* since the last answer */
};

/* `belay-console ARGV...` in folder, which also has its state. */
static inline void console_start(struct console *c, const char *bin, const char *folder, char *const *argv)
{
    char *program = path_join(bin, "belay-console");
    str_clear(&c->seen);
    c->pid = forkpty(&c->fd, NULL, NULL, NULL);
    if (c->pid == 0) {
        setenv("XDG_STATE_HOME", folder, 1);
        setenv("XDG_RUNTIME_DIR", folder, 1);
        if (chdir(folder) == 0)
            execv(program, argv);
        _exit(127);
    }
    fcntl(c->fd, F_SETFD, FD_CLOEXEC);
    free(program);
}

/* What it says within wait_us. False: it says nothing any more. */
static inline bool console_read(struct console *c, int64_t wait_us)
{
    struct pollfd poll_fd = {.fd = c->fd, .events = POLLIN};
    char bytes[4096];
    if (poll(&poll_fd, 1, (int)(wait_us / US_PER_MS)) <= 0)
        return true;
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n <= 0)
        return false;
    str_add_bytes(&c->seen, bytes, (size_t)n);
    return true;
}

static inline bool console_says(const struct console *c, const char *text)
{
    return strstr(str_text(&c->seen), text) != NULL;
}

/* Its end is waited for; the wait status. */
static inline int console_end(struct console *c)
{
    int status = 0;
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    close(c->fd);
    c->fd = -1;
    return status;
}

static inline void console_kill(struct console *c)
{
    kill(c->pid, SIGKILL);
    console_end(c);
}

/* The terminal goes, SIGHUP comes, and the console ends by itself. False: it does not. */
static inline bool console_hang_up(struct console *c)
{
    close(c->fd);
    c->fd = -1;
    for (int64_t end = clock_monotonic_us() + CONSOLE_WAIT_US; waitpid(c->pid, NULL, WNOHANG) == 0;
         usleep(1000))
        if (clock_monotonic_us() > end) {
            kill(c->pid, SIGKILL);
            return false;
        }
    return true;
}

static inline void console_type(struct console *c, const char *text)
{
    str_clear(&c->seen);
    if (write(c->fd, text, strlen(text)) < 0 && errno != EIO)
        perror("the console's terminal");
}

#endif
