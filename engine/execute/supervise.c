/* `belay supervise FOLDER`: waits for go, decides the fate, runs the step, keeps its output, ends it when
 * asked or when its time is over, and writes down how it ended. One thread, one poll, nothing but base. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/child.h"
#include "engine/execute/folder.h"
#include "engine/execute/supervisor.h"

#define LEAVING_US                                                                                           \
    (100 * US_PER_MS) /* for a process that has closed its output to be gone, and not be called a survivor   \
                       */

static void deadline_set(const struct supervisor *s, int64_t boot_us)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(boot_us / US_PER_S), .tv_nsec = (long)(boot_us % US_PER_S) * 1000},
    };
    timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &when, NULL); /* 0 disarms it */
}

static void deadline_in(const struct supervisor *s, int64_t us)
{
    int64_t now = clock_boot_us();
    deadline_set(s, us > INT64_MAX - now ? INT64_MAX / 2 : now + us);
}

static void stop(struct supervisor *s, enum exec_how how)
{
    if (s->phase != PHASE_RUNNING || family_main_ended(&s->family))
        return; /* it was faster */
    s->stopped = true;
    s->record.how = how;
    s->phase = PHASE_STOPPING;
    family_signal(&s->family, SIGTERM);
    if (s->request.terminal)
        family_signal(&s->family, SIGHUP); /* a shell at a terminal ignores TERM */
    deadline_in(s, s->request.grace_us);
}

static void drain_begin(struct supervisor *s)
{
    s->phase = PHASE_DRAINING;
    deadline_in(s, EXEC_DRAIN_US);
}

static void main_ended(struct supervisor *s)
{
    int status = s->family.status;
    s->recorded = true;
    s->record.ended_wall_us = clock_wall_us();
    s->record.duration_us = clock_boot_us() - s->started_boot_us;
    if (s->record.how == EXEC_NOT_STARTED)
        return;
    s->record.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    s->record.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (!s->stopped)
        s->record.how = s->hung_up ? EXEC_HUNG_UP : WIFEXITED(status) ? EXEC_EXITED : EXEC_SIGNALLED;
    if (s->record.how == EXEC_HUNG_UP && WIFEXITED(status))
        snprintf(s->record.text, sizeof s->record.text,
                 "its terminal was gone before it ended; it ended with exit %d after that",
                 WEXITSTATUS(status));
    else if (s->record.how == EXEC_HUNG_UP)
        snprintf(s->record.text, sizeof s->record.text, "its terminal was gone before it ended");
}

/* Something of the family has ended, or may have. */
static void children_look(struct supervisor *s)
{
    family_reap(&s->family);
    if (s->phase >= PHASE_DRAINING || !family_main_ended(&s->family))
        return;
    if (!s->recorded)
        main_ended(s);
    /* Stopped by us, the whole group has to go, within the grace period by itself. */
    if (s->phase == PHASE_RUNNING || s->phase == PHASE_KILLED || !family_group_alive(&s->family)) {
        if (s->stopped)
            family_signal(&s->family, SIGKILL);
        drain_begin(s);
    }
}

static void deadline_reached(struct supervisor *s)
{
    uint64_t times;
    if (read(s->timer, &times, sizeof times) != sizeof times)
        return;
    switch (s->phase) {
    case PHASE_RUNNING:
        stop(s, EXEC_TIMED_OUT);
        break;
    case PHASE_STOPPING:
        s->phase = PHASE_KILLED;
        family_signal(&s->family, SIGKILL);
        children_look(s);
        break;
    case PHASE_DRAINING:
    case PHASE_LEAVING:
        s->phase = PHASE_OVER;
        break;
    case PHASE_KILLED:
    case PHASE_OVER:
        break;
    }
}

static void exec_status_read(struct supervisor *s)
{
    struct child_failure failure;
    ssize_t got = read(s->status, &failure, sizeof failure);
    if (got < 0 && errno == EINTR)
        return;
    if (got == sizeof failure) {
        failure.what[sizeof failure.what - 1] = '\0';
        s->record.how = EXEC_NOT_STARTED;
        s->record.error = failure.number;
        bool exec = str_eq(failure.what, "exec");
        snprintf(s->record.text, sizeof s->record.text, "%s%.100s: %s",
                 exec ? "cannot run " : "cannot enter ",
                 exec                                 ? s->request.argv[0]
                 : str_eq(failure.what, "its folder") ? s->request.cwd
                                                      : failure.what,
                 strerror(failure.number));
        s->record.status = -1;
        s->record.signal = 0;
    }
    close(s->status);
    s->status = -1;
}

static bool fifo_read(struct supervisor *s, enum exec_stream stream)
{
    if (s->fifo[stream] < 0)
        return false;
    enum fifo_state state = writer_drain(s->writer, s->fifo[stream], stream);
    if (state == FIFO_OVER) {
        close(s->fifo[stream]);
        s->fifo[stream] = -1;
    }
    return state == FIFO_MORE;
}

/* Told by the kernel before the step's end that comes of it: looked at first. */
static void terminal_gone(struct supervisor *s)
{
    s->hung_up = !s->recorded;
    close(s->terminal);
    s->terminal = -1;
}

/* One wait and what it brought. */
static void turn(struct supervisor *s)
{
    struct pollfd watched[] = {
        {.fd = s->fifo[EXEC_STDOUT], .events = POLLIN},
        {.fd = s->fifo[EXEC_STDERR], .events = POLLIN},
        {.fd = s->status, .events = POLLIN},
        {.fd = s->signals, .events = POLLIN},
        {.fd = s->timer, .events = POLLIN},
        {.fd = s->control, .events = POLLIN},
        {.fd = s->terminal, .events = 0},
    };
    if (poll(watched, sizeof watched / sizeof *watched, -1) < 0)
        return;
    if (watched[6].revents)
        terminal_gone(s);
    if (watched[0].revents)
        fifo_read(s, EXEC_STDOUT);
    if (watched[1].revents)
        fifo_read(s, EXEC_STDERR);
    if (watched[2].revents)
        exec_status_read(s);
    if (watched[3].revents) {
        supervisor_signalled(s, SIGCHLD);
        children_look(s);
    }
    if (watched[4].revents)
        deadline_reached(s);
    if (watched[5].revents && supervisor_cancelled(s))
        stop(s, EXEC_CANCELLED);
    if (s->phase == PHASE_DRAINING && s->fifo[EXEC_STDOUT] < 0 && s->fifo[EXEC_STDERR] < 0) {
        s->phase = PHASE_LEAVING;
        deadline_in(s, LEAVING_US);
    }
    if (s->phase == PHASE_LEAVING && !family_others_alive(&s->family))
        s->phase = PHASE_OVER;
}

/* ---- The end ---- */

static void exports_write(struct supervisor *s)
{
    struct stat st;
    if (s->dump < 0 || fstat(s->dump, &st) < 0 || st.st_size == 0)
        return;
    char *dump = xmalloc(EXEC_EXPORTS_BYTES);
    ssize_t got = pread(s->dump, dump, EXEC_EXPORTS_BYTES, 0);
    char **exports = exports_select(dump, got > 0 ? (size_t)got : 0, s->request.env);
    struct str bytes = {0};
    exports_encode(exports, &bytes);
    int fd = openat(s->dir, NAME_EXPORTS, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && file_write_all(fd, bytes.data, bytes.len, NULL) == 0;
    s->record.exports_cut = !written || got < 0 || st.st_size > EXEC_EXPORTS_BYTES;
    if (fd >= 0)
        close(fd);
    str_fini(&bytes);
    strv_free(exports);
    free(dump);
}

static int outcome_write(struct supervisor *s)
{
    struct err e;
    s->record.stdout_bytes = s->writer->seen[EXEC_STDOUT];
    s->record.stderr_bytes = s->writer->seen[EXEC_STDERR];
    s->record.dropped_bytes = s->writer->dropped[EXEC_STDOUT] + s->writer->dropped[EXEC_STDERR];
    return exit_write(s->exit, &s->record, s->key, &e);
}

/* A daemon that the step left behind may still have its output: somebody has to read it, or it would stop at
 * a full FIFO one day. Ends with the last writer. */
static void sink(struct supervisor *s)
{
    static char nowhere[65536];
    sigset_t term;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    while (s->fifo[EXEC_STDOUT] >= 0 || s->fifo[EXEC_STDERR] >= 0) {
        struct pollfd watched[] = {{.fd = s->fifo[EXEC_STDOUT], .events = POLLIN},
                                   {.fd = s->fifo[EXEC_STDERR], .events = POLLIN}};
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            int *fifo = &s->fifo[i == 0 ? EXEC_STDOUT : EXEC_STDERR];
            if (*fifo < 0 || !watched[i].revents)
                continue;
            ssize_t got = read(*fifo, nowhere, sizeof nowhere);
            if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
                close(*fifo);
                *fifo = -1;
            }
        }
    }
}

static int run(struct supervisor *s)
{
    struct err e;
    struct child_files files = {.out = s->out_hold,
                                .err = s->err_hold,
                                .lock = SUPERVISOR_FD_CHILD_LOCK,
                                .exports = s->dump,
                                .terminal = s->terminal};
    s->started_boot_us = clock_boot_us();
    pid_t child = child_start(&s->request, s->env, &files, &s->status, &e);
    close(s->out_hold);
    close(s->err_hold);
    close(SUPERVISOR_FD_CHILD_LOCK);
    if (child < 0) {
        s->record.how = EXEC_NOT_STARTED;
        s->record.error = errno;
        s->record.ended_wall_us = clock_wall_us();
        snprintf(s->record.text, sizeof s->record.text, "cannot start a process: %.120s", e.msg);
        return outcome_write(s);
    }
    family_init(&s->family, child);
    if (s->request.timeout_us > 0)
        deadline_in(s, s->request.timeout_us);
    while (s->phase != PHASE_OVER)
        turn(s);
    while (fifo_read(s, EXEC_STDOUT) || fifo_read(s, EXEC_STDERR))
        if (clock_boot_us() - s->started_boot_us - s->record.duration_us > 2 * EXEC_DRAIN_US)
            break; /* somebody writes faster than we read, for ever */
    if (s->status >= 0)
        exec_status_read(s); /* the end was seen first */
    s->record.survivors = family_end(&s->family);
    if (s->terminal >= 0)
        close(s->terminal); /* the console reads its end to the end */
    exports_write(s);
    return outcome_write(s);
}

/* True when fd is the lock file of that name, locked through it. */
static bool lock_given(int dir, int fd, const char *name)
{
    struct stat given, there;
    return fstat(fd, &given) == 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           given.st_dev == there.st_dev && given.st_ino == there.st_ino && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void fini(struct supervisor *s)
{
    request_fini(&s->request);
    strv_free(s->env);
    free(s->writer);
}

/* From go on. */
static int started(struct supervisor *s)
{
    struct err e;
    s->record.started_wall_us = clock_wall_us();
    int code = fate_decide(s->dir, FATE_STARTED, s->record.started_wall_us, s->file_mode, &e);
    if (code == ERR_EXISTS)
        return 0; /* somebody else has decided, and it can only be void */
    if (code < 0) {
        s->record.how = EXEC_NOT_STARTED;
        s->record.error = errno;
        s->record.started_wall_us = 0;
        snprintf(s->record.text, sizeof s->record.text, "%.150s", e.msg);
        return outcome_write(s);
    }
    close(SUPERVISOR_FD_CONSOLE);
    open("/dev/null", O_RDONLY); /* keeps number 0 */
    code = run(s);
    fdatasync(
        s->spool); /* the console that reads it now has it anyway; this is for the one after a power cut */
    close(SUPERVISOR_FD_LOCK);
    sink(s);
    return code;
}

/* Nobody was told of this folder, so nobody will look for it. */
static void vanish(const struct supervisor *s)
{
    char *spool = xstrndup(s->folder, (size_t)(strrchr(s->folder, '/') - s->folder));
    int above = openat(s->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0) {
        folder_discard(above, spool, s->key, NULL);
        close(above);
    }
    free(spool);
}

/* From the first look at the console on. */
static int wait_and_run(struct supervisor *s, struct err *e)
{
    enum word word = supervisor_listen(s);
    int code = 0;
    if (word == WORD_REQUEST) {
        if ((code = supervisor_take(s, e)) < 0)
            return code;
        word = supervisor_listen(s);
    }
    if (word == WORD_NOBODY && !supervisor_given(s)) {
        vanish(s);
        return 0;
    }
    if ((word == WORD_GO || supervisor_given(s)) && (code = supervisor_take(s, e)) < 0)
        return code;
    if (word == WORD_GO)
        return started(s);
    fate_decide(s->dir, FATE_VOID, clock_wall_us(), s->file_mode, NULL);
    return 0;
}

int execute_supervise(const char *folder)
{
    struct err e = {0};
    struct supervisor s = {.folder = folder, .dump = -1, .status = -1, .terminal = -1, .fifo = {-1, -1, -1}};
    s.record.how = EXEC_EXITED;
    s.record.status = -1;
    s.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash = strrchr(folder, '/');
    if (s.dir < 0 || folder[0] != '/' || !key_valid(slash + 1) ||
        !lock_given(s.dir, SUPERVISOR_FD_LOCK, NAME_SUPERVISOR_LOCK) ||
        !lock_given(s.dir, SUPERVISOR_FD_CHILD_LOCK, NAME_CHILD_LOCK)) {
        fprintf(stderr, "belay: supervise is for belay itself: it needs a step folder and its locks\n");
        return 2;
    }
    snprintf(s.key, sizeof s.key, "%s", slash + 1);
    fcntl(SUPERVISOR_FD_LOCK, F_SETFD, FD_CLOEXEC);
    fcntl(SUPERVISOR_FD_CHILD_LOCK, F_SETFD, FD_CLOEXEC);
    int code = supervisor_arm(&s, &e);
    if (code < 0) {
        supervisor_tell('x', e.msg);
    } else {
        supervisor_tell('r', "");
        code = wait_and_run(&s, &e);
    }
    fini(&s);
    return code < 0;
}
