#include "engine/execute/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void fail(int status, const char *what)
{
    struct child_failure failure = {.number = errno};
    snprintf(failure.what, sizeof failure.what, "%s", what);
    if (write(status, &failure, sizeof failure) < 0)
        _exit(126);
    _exit(127);
}

static void signals_reset(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL); /* KILL, STOP and libc's own refuse, rightly */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void terminal_open(int terminal, int status)
{
    if (ioctl(terminal, TIOCSCTTY, 0) < 0 || dup2(terminal, STDIN_FILENO) < 0 ||
        dup2(terminal, STDOUT_FILENO) < 0 || dup2(terminal, STDERR_FILENO) < 0)
        fail(status, "its terminal");
}

static void streams_open(const struct child_files *files, int status)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(files->out, STDOUT_FILENO) < 0 ||
        dup2(files->err, STDERR_FILENO) < 0)
        fail(status, "streams");
}

/* Takes the record lock by which consoles know the main process from what it started. Every other descriptor
 * of that file must be closed before: closing any of them drops a process's record locks. */
static void main_lock(int lock, int status)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(lock, F_SETLK, &whole) < 0)
        fail(status, "lock");
}

int child_descriptors(void)
{
    struct rlimit limit;
    rlim_t room = getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 1024 : limit.rlim_cur;
    return room >= CHILD_FD_PREFERRED + CHILD_FD_COUNT ? CHILD_FD_PREFERRED : (int)room - CHILD_FD_COUNT;
}

static void close_between(unsigned first, unsigned last)
{
    if (close_range(first, last, 0) == 0)
        return;
    /* A kernel before 5.9: all of ours are close-on-exec, and low. */
    for (unsigned fd = first; fd <= last && fd < 1024; fd++)
        close((int)fd);
}

/* Leaves the step 0 to 2, its lock and its exports; returns the lock, and status moved to where it survives.
 */
static int descriptors_place(const struct child_files *files, int *status)
{
    int base = child_descriptors();
    int lock = base, exports = base + 1, up = base + 2;
    if (dup2(files->lock, lock) < 0 || dup3(*status, up, O_CLOEXEC) < 0 ||
        (files->exports >= 0 && dup2(files->exports, exports) < 0))
        fail(*status, "descriptors");
    close_between(3, (unsigned)base - 1);
    if (files->exports < 0)
        close(exports);
    close_between((unsigned)up + 1, ~0u);
    *status = up;
    return lock;
}

static _Noreturn void run(const struct request *r, char *const *env, const struct child_files *files,
                          int status, pid_t supervisor)
{
    /* Killed before it has the lock it would be a process that no console can tell from a survivor. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(127);
    setsid();
    if (files->terminal >= 0)
        terminal_open(files->terminal, status);
    else
        streams_open(files, status);
    int lock = descriptors_place(files, &status);
    main_lock(lock, status);
    prctl(PR_SET_PDEATHSIG, 0);
    if (chdir(r->cwd) < 0)
        fail(status, "its folder");
    signals_reset();
    environ = (char **)(uintptr_t)env;
    execvp(r->argv[0], r->argv);
    fail(status, "exec");
}

pid_t child_start(const struct request *r, char *const *env, const struct child_files *files, int *status,
                  struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        err_errno(e, "no pipe");
        return -1;
    }
    pid_t self = getpid(), child = fork();
    if (child == 0)
        run(r, env, files, ends[1], self);
    int forked = errno;
    close(ends[1]);
    errno = forked;
    if (child < 0) {
        err_errno(e, "no new process");
        close(ends[0]);
        errno = forked;
        return -1;
    }
    *status = ends[0];
    return child;
}
