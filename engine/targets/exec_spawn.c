#include "engine/targets/exec_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* dup2 that also clears close-on-exec when the numbers are the same. */
static int move(int from, int to)
{
    return from == to ? fcntl(to, F_SETFD, 0) : dup2(from, to);
}

/* In the child, which has the parent's memory: only what may be called after vfork. */
static int become(const struct exec_spawn *spawn, const struct exec_streams *s)
{
    if (s->own_group)
        setpgid(0, 0);
    if (spawn->in >= 0 && move(spawn->in, STDIN_FILENO) < 0)
        return errno;
    if (spawn->out >= 0 && move(spawn->out, STDOUT_FILENO) < 0)
        return errno;
    if (spawn->status >= 0 && move(spawn->status, spawn->status_as) < 0)
        return errno;
    sigaction(SIGCHLD, &s->child_then, NULL);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    execvpe(spawn->argv[0], spawn->argv, spawn->env);
    return errno;
}

pid_t exec_spawn(const struct exec_spawn *spawn, const struct exec_streams *s)
{
    volatile int failed = 0;
    sigset_t all, now;
    /* The child, until it is another program, runs on our memory: no handler may run there. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &now);
    pid_t pid = vfork();
    if (pid == 0) {
        failed = become(spawn, s);
        _exit(EXEC_STATUS_NOT_FOUND);
    }
    int why = pid < 0 ? errno : failed;
    sigprocmask(SIG_SETMASK, &now, NULL);
    if (pid > 0 && why) {
        siginfo_t info;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
            continue;
    }
    return why ? -why : pid;
}
