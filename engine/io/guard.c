#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/io/sqlite.h"

#define BACK_OFF_FIRST_US 50
#define BACK_OFF_MOST_US  20000
#define HOLDER_SIZE       13 /* "%-11d\n" and the NUL: always the same length, so one write replaces it */

struct guard {
    int fd;
    mode_t mode;
    bool locked;
    char *path;
};

static int lock_file_open(const char *path, mode_t mode)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0 || errno != ENOENT)
            return fd;
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0)
            (void)fchmod(fd, mode); /* the umask must not decide; a failure shows when the others open it */
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
}

int guard_open(const char *path, mode_t mode, struct guard **guard, struct err *e)
{
    *guard = NULL;
    const char *kind = NULL;
    if (path_is_remote(path, &kind))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s lies on a network file system (%s), where locks can't be trusted; "
                       "choose a local folder",
                       path, kind ? kind : "unknown");
    int fd = lock_file_open(path, mode);
    if (fd < 0)
        return err_errno(e, "%s", path);
    struct guard *g = xcalloc(1, sizeof *g);
    g->fd = fd;
    g->mode = mode;
    g->path = xstrdup(path);
    *guard = g;
    return 0;
}

static pid_t holder_read(const struct guard *g)
{
    char text[HOLDER_SIZE] = {0};
    ssize_t got = pread(g->fd, text, sizeof text - 1, 0);
    return got > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static int holder_error(const struct guard *g, int64_t wait_us, struct err *e)
{
    pid_t pid = holder_read(g);
    struct str name = {0};
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    if (pid > 0 && file_read(path, 64, &name, NULL) == 0 && name.len && name.data[name.len - 1] == '\n')
        name.data[--name.len] = '\0';
    struct str clean = {0};
    utf8_clean(&clean, str_text(&name), name.len, false);
    int code = pid > 0 ? err_set(e, ERR_BUSY,
                                 "%s: held for more than %lld ms by process %d (%s); wait for it or end it",
                                 g->path, (long long)(wait_us / US_PER_MS), pid,
                                 clean.len ? clean.data : "gone or out of sight")
                       : err_set(e, ERR_BUSY, "%s: held by somebody else", g->path);
    str_fini(&clean);
    str_fini(&name);
    return code;
}

/* So that whoever waits in vain can say for whom. Failing to write it (a full disk) costs only the name. */
static void holder_write(const struct guard *g)
{
    pid_t pid = getpid();
    if (holder_read(g) == pid)
        return;
    char text[HOLDER_SIZE];
    snprintf(text, sizeof text, "%-11d\n", pid);
    ssize_t put = pwrite(g->fd, text, sizeof text - 1, 0);
    (void)put;
}

/* Somebody has removed the file: a lock on what has no name excludes nobody. True: open anew and lock again.
 */
static bool guard_is_lost(struct guard *g)
{
    struct stat st;
    if (fstat(g->fd, &st) == 0 && st.st_nlink > 0)
        return false;
    int fd = lock_file_open(g->path, g->mode);
    if (fd < 0)
        return false; /* the folder is gone as well: the database will say so */
    close(g->fd);
    g->fd = fd;
    return true;
}

static int guard_try(struct guard *g)
{
    do {
        while (flock(g->fd, LOCK_EX | LOCK_NB) < 0)
            if (errno != EINTR)
                return -1;
    } while (guard_is_lost(g));
    return 0;
}

int guard_lock(struct guard *g, int64_t wait_us, struct err *e)
{
    int64_t deadline = 0, pause_us = BACK_OFF_FIRST_US;
    while (guard_try(g) < 0) {
        if (errno != EWOULDBLOCK)
            return err_errno(e, "%s: flock", g->path);
        int64_t now = clock_monotonic_us();
        if (deadline == 0)
            deadline = now + wait_us;
        if (now >= deadline)
            return holder_error(g, wait_us, e);
        int64_t pause = pause_us < deadline - now ? pause_us : deadline - now;
        struct timespec ts = {.tv_sec = pause / US_PER_S, .tv_nsec = pause % US_PER_S * 1000};
        nanosleep(&ts, NULL);
        pause_us = pause_us * 2 < BACK_OFF_MOST_US ? pause_us * 2 : BACK_OFF_MOST_US;
    }
    g->locked = true;
    holder_write(g);
    return 0;
}

void guard_unlock(struct guard *g)
{
    /* LOCK_UN, not close: a child between fork and exec shares the description. */
    if (g->locked)
        flock(g->fd, LOCK_UN);
    g->locked = false;
}

void guard_close(struct guard *g)
{
    if (!g)
        return;
    guard_unlock(g);
    close(g->fd);
    free(g->path);
    free(g);
}
