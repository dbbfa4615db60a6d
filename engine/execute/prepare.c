/* The supervisor until go: its descriptors, its files, what it is to run, and the wait. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/child.h"
#include "engine/execute/supervisor.h"

void supervisor_tell(char kind, const char *text)
{
    char message[256];
    int length = snprintf(message, sizeof message, "%c%s", kind, text);
    if (length > 0)
        send(SUPERVISOR_FD_CONSOLE, message, strnlen(message, sizeof message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int fifo_open(const struct supervisor *s, const char *name, int flags, struct err *e)
{
    int fd = openat(s->dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_errno(e, "%s/%s", s->folder, name);
    return fd;
}

bool supervisor_given(const struct supervisor *s)
{
    struct stat st;
    return s->writer || (fstat(SUPERVISOR_FD_REQUEST, &st) == 0 && st.st_size > 0);
}

static int request_receive(struct supervisor *s, struct err *e)
{
    struct stat st;
    if (fstat(SUPERVISOR_FD_REQUEST, &st) < 0)
        return err_errno(e, "no request");
    if (st.st_size <= 0 || st.st_size > REQUEST_BYTES_MAX)
        return err_set(e, ERR_CORRUPT, "the request is damaged");
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, SUPERVISOR_FD_REQUEST, 0);
    if (bytes == MAP_FAILED)
        return err_errno(e, "the request can't be read");
    int code = request_decode(bytes, (size_t)st.st_size, &s->request, e);
    munmap(bytes, (size_t)st.st_size);
    close(SUPERVISOR_FD_REQUEST);
    return code;
}

static int watch_open(struct supervisor *s, struct err *e)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* nothing interrupts it; XFSZ and PIPE become errors of write */
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    s->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    s->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return s->signals < 0 || s->timer < 0 ? err_errno(e, "no timer or no signals") : 0;
}

/* bash reads it before the step's first line. */
static int bash_env_make(struct supervisor *s, struct err *e)
{
    int script = openat(s->dir, NAME_BASH_ENV, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (script < 0)
        return err_errno(e, "%s/%s", s->folder, NAME_BASH_ENV);
    int code = dprintf(script, "unset BASH_ENV\ntrap '/usr/bin/env -0 >&%d 2>/dev/null || :' EXIT\n",
                       child_descriptors() + 1) < 0
                   ? err_errno(e, "%s/%s", s->folder, NAME_BASH_ENV)
                   : 0;
    close(script);
    s->dump = memfd_create("exports", MFD_CLOEXEC);
    if (code == 0 && s->dump < 0)
        code = err_errno(e, "no memory for exports");
    char *path = path_join(s->folder, NAME_BASH_ENV);
    char *entry = xasprintf("BASH_ENV=%s", path);
    strv_add(&s->env, entry);
    free(entry);
    free(path);
    return code;
}

static int files_open(struct supervisor *s, struct err *e)
{
    if ((s->out_hold = fifo_open(s, NAME_OUT, O_RDWR, e)) < 0 ||
        (s->err_hold = fifo_open(s, NAME_ERR, O_RDWR, e)) < 0 ||
        (s->fifo[EXEC_STDOUT] = fifo_open(s, NAME_OUT, O_RDONLY | O_NONBLOCK, e)) < 0 ||
        (s->fifo[EXEC_STDERR] = fifo_open(s, NAME_ERR, O_RDONLY | O_NONBLOCK, e)) < 0 ||
        (s->control = fifo_open(s, NAME_CONTROL, O_RDWR | O_NONBLOCK, e)) < 0 ||
        (s->spool = fifo_open(s, NAME_SPOOL, O_RDWR, e)) < 0 ||
        (s->exit = fifo_open(s, NAME_EXIT, O_RDWR, e)) < 0)
        return e->code;
    struct stat st;
    if (fstat(s->exit, &st) < 0)
        return err_errno(e, "%s/%s", s->folder, NAME_EXIT);
    s->file_mode = st.st_mode & 0666;
    if (flock(s->spool, LOCK_EX | LOCK_NB) < 0)
        return err_errno(e, "%s/%s is being written by another process", s->folder, NAME_SPOOL);
    return 0;
}

/* Everything that a later console has to find comes to the disk before go is taken. */
static int files_sync(struct supervisor *s, struct err *e)
{
    int about = openat(s->dir, NAME_ABOUT, O_RDONLY | O_CLOEXEC),
        above = openat(s->dir, "..", O_RDONLY | O_CLOEXEC);
    int code = 0;
    if (about < 0 || above < 0 || fsync(about) < 0 || fsync(s->exit) < 0 || fsync(s->dir) < 0 ||
        fsync(above) < 0)
        code = err_errno(e, "%s doesn't come to the disk", s->folder);
    if (about >= 0)
        close(about);
    if (above >= 0)
        close(above);
    return code;
}

int supervisor_arm(struct supervisor *s, struct err *e)
{
    /* Orphans of the step become ours: so we know whether anything of it is left. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGCHLD,
           SIG_DFL);    /* ignored, as a careless parent may have left it, it would hide how the step ended */
    if (chdir("/") < 0) /* no file system is kept busy by us */
        return err_errno(e, "/");
    int code = watch_open(s, e);
    if (code == 0)
        code = files_open(s, e);
    return code < 0 ? code : files_sync(s, e);
}

int supervisor_take(struct supervisor *s, struct err *e)
{
    if (s->writer)
        return 0; /* told twice */
    int code = request_receive(s, e);
    if (code < 0)
        return code;
    if (s->request.terminal) {
        s->terminal = SUPERVISOR_FD_TERMINAL;
        fcntl(s->terminal, F_SETFD, FD_CLOEXEC);
    }
    s->writer = xmalloc(sizeof *s->writer);
    writer_init(s->writer, s->spool, 0, s->request.limit_bytes);
    s->env = strv_copy(s->request.env);
    return s->request.capture_exports ? bash_env_make(s, e) : 0;
}

/* ---- Waiting for go ---- */

bool supervisor_signalled(const struct supervisor *s, int number)
{
    struct signalfd_siginfo info;
    bool arrived = false;
    while (read(s->signals, &info, sizeof info) == sizeof info)
        arrived |= info.ssi_signo == (uint32_t)number;
    return arrived;
}

bool supervisor_cancelled(const struct supervisor *s)
{
    char text[64];
    ssize_t got = read(s->control, text, sizeof text);
    return got > 0 && memchr(text, 'c', (size_t)got); /* of "cancel"; there is no other word yet */
}

enum word supervisor_listen(const struct supervisor *s)
{
    for (;;) {
        struct pollfd watched[] = {
            {.fd = SUPERVISOR_FD_CONSOLE, .events = POLLIN},
            {.fd = s->control, .events = POLLIN},
            {.fd = s->signals, .events = POLLIN},
        };
        if (poll(watched, 3, -1) < 0 && errno != EINTR)
            return WORD_VOID;
        if ((watched[1].revents && supervisor_cancelled(s)) ||
            (watched[2].revents && supervisor_signalled(s, SIGTERM)))
            return WORD_VOID;
        if (!watched[0].revents)
            continue;
        char word = 0;
        ssize_t got = recv(SUPERVISOR_FD_CONSOLE, &word, 1, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got == 1)
            return word == SUPERVISOR_GO ? WORD_GO : word == SUPERVISOR_REQUEST ? WORD_REQUEST : WORD_VOID;
        /* With something of ours unread its end is a reset. */
        return got == 0 || errno == ECONNRESET ? WORD_NOBODY : WORD_VOID;
    }
}
