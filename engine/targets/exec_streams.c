#include "engine/targets/exec_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

void exec_streams_hold(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) < 0)
            return;
}

/* Signals that are the command's, and whether they call the operation off, too. What our caller ignores
 * (nohup, a shell's background job) is left alone. */
static const struct {
    int number;
    bool calls_off;
} passed_on[] = {{SIGINT, true}, {SIGQUIT, true},  {SIGTERM, true},
                 {SIGHUP, true}, {SIGUSR1, false}, {SIGUSR2, false}};

#define PASSED_ON (sizeof passed_on / sizeof *passed_on)

/* Whether a terminal's keys reach us: then attempts stay in our group, so that they reach those, too, and may
 * read from it. */
static bool in_foreground(void)
{
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal < 0)
        return false;
    bool foreground = tcgetpgrp(terminal) == getpgrp();
    close(terminal);
    return foreground;
}

static void input_init(struct exec_streams *s, bool keeps)
{
    struct stat info;
    s->input = EXEC_INPUT_SHARED;
    if (!keeps || fstat(STDIN_FILENO, &info) < 0)
        return;
    if (S_ISREG(info.st_mode)) {
        s->start = lseek(STDIN_FILENO, 0, SEEK_CUR);
        s->input = s->start < 0 ? EXEC_INPUT_SHARED : EXEC_INPUT_FILE;
    } else if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)) {
        s->input = EXEC_INPUT_KEPT;
    }
}

int exec_streams_init(struct exec_streams *s, bool keeps, uint64_t limit, struct err *e)
{
    *s = (struct exec_streams){.signals = -1, .own_group = !in_foreground()};
    exec_spool_init(&s->kept, "input", limit);
    exec_spool_init(&s->out, "output", limit);
    input_init(s, keeps);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    for (size_t i = 0; i < PASSED_ON; i++) {
        struct sigaction now;
        if (sigaction(passed_on[i].number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&wanted, passed_on[i].number);
    }
    /* A caller that ignores SIGCHLD would take the status of our children from us. */
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &s->child_then);
    s->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0)
        return err_errno(e, "signalfd");
    sigaddset(&wanted, SIGPIPE); /* a command that reads no input, a reader that has seen enough: EPIPE */
    sigaddset(&wanted, SIGXFSZ); /* more than a file may have (ulimit -f): EFBIG */
    sigprocmask(SIG_BLOCK, &wanted, &s->before);
    return 0;
}

void exec_streams_fini(struct exec_streams *s)
{
    exec_spool_fini(&s->kept);
    exec_spool_fini(&s->out);
    if (s->signals >= 0)
        close(s->signals);
    s->signals = -1;
}

/* All that descends from a process. Parents first, lest a shell goes on to its next line. */
static void kill_below(pid_t pid, int number, int depth)
{
    char path[64];
    struct str children = {0};
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    file_read(path, 1 << 20, &children, NULL);
    if (depth > 0)
        kill(pid, number);
    char *at = children.data;
    for (long child; depth < 64 && at && (child = strtol(at, &at, 10)) > 0;)
        kill_below((pid_t)child, number, depth + 1);
    str_fini(&children);
}

void exec_streams_kill(const struct exec_streams *s, int number)
{
    if (s->child <= 0)
        return;
    /* KILL is passed on by nobody: what has a group of its own, as the command of another belay exec, gets it
     * from us. We have no other children. */
    if (!s->own_group || number == SIGKILL)
        kill_below(getpid(), number, 0);
    if (s->own_group)
        kill(-s->child, number);
}

void exec_streams_signals(struct exec_streams *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            s->child_ended = true;
        for (size_t i = 0; i < PASSED_ON; i++) {
            if ((int)info.ssi_signo != passed_on[i].number)
                continue;
            if (passed_on[i].calls_off)
                s->called_off = passed_on[i].number;
            /* What a terminal's key sent, it sent to the whole group. */
            if (s->own_group || info.ssi_code != SI_KERNEL)
                exec_streams_kill(s, passed_on[i].number);
        }
    }
}

bool exec_streams_wait(struct exec_streams *s, int64_t ms)
{
    int64_t until = clock_monotonic_us() + ms * US_PER_MS;
    while (!s->called_off) {
        int64_t left = until - clock_monotonic_us();
        if (left <= 0)
            return false;
        struct timespec span = {left / US_PER_S, left % US_PER_S * 1000};
        ppoll(&(struct pollfd){.fd = s->signals, .events = POLLIN}, 1, &span, NULL);
        exec_streams_signals(s);
    }
    return true;
}

/* Never longer than a blocking descriptor takes at once, so that a signal isn't left waiting. */
int exec_streams_write(struct exec_streams *s, int fd, const char *bytes, size_t length, struct err *e)
{
    struct stat info;
    size_t most = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? 64 * 1024 : PIPE_BUF;
    while (length > 0) {
        struct pollfd ready[2] = {{.fd = fd, .events = POLLOUT}, {.fd = s->signals, .events = POLLIN}};
        poll(ready, 2, -1);
        exec_streams_signals(s);
        if (s->called_off)
            return err_set(e, ERR_CANCELLED, "called off");
        if (!ready[0].revents)
            continue;
        ssize_t put = write(fd, bytes, length < most ? length : most);
        if (put < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (put < 0 && errno == EPIPE) {
            s->called_off = SIGPIPE;
            return err_set(e, ERR_CANCELLED, "nobody reads the output any more");
        }
        if (put < 0)
            return err_errno(e, "the output can't be written");
        bytes += put;
        length -= (size_t)put;
    }
    return 0;
}

int exec_streams_flush(struct exec_streams *s, struct err *e)
{
    static char bytes[64 * 1024];
    int code = 0;
    for (uint64_t offset = 0; code == 0 && offset < s->out.length;) {
        ssize_t got = exec_spool_read(&s->out, offset, bytes, sizeof bytes);
        if (got <= 0)
            return err_errno(e, "the output that was kept back can't be read");
        code = exec_streams_write(s, STDOUT_FILENO, bytes, (size_t)got, e);
        offset += (uint64_t)got;
    }
    return code;
}

void exec_streams_die(struct exec_streams *s, int number)
{
    sigset_t only;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); /* the core would be ours, not the command's */
    signal(number, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
    _exit(128 + number);
}
