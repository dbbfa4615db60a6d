#include "tui/foreground.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/console_state.h"

#define LOOK_US (50 * US_PER_MS)

struct foreground {
    struct console *console;
    pid_t pid;
    struct loop_timer *timer;
    void (*done)(struct console *console, void *context, int status);
    void *context;
};

/* Whose turn it is on the terminal; from the background that takes a signal which must not stop us. */
static void hand_terminal(int fd, pid_t group)
{
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    tcsetpgrp(fd, group);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void foreground_free(struct foreground *f)
{
    loop_timer_free(f->timer);
    free(f->context);
    free(f);
}

static void ended(struct foreground *f, int status)
{
    struct console *console = f->console;
    hand_terminal(terminal_fd(console->terminal), getpgrp());
    console->foreground = NULL;
    loop_timer_start(console->resume_timer, 0, 0);
    f->done(console, f->context, status);
    foreground_free(f);
}

static void look(void *data)
{
    struct foreground *f = data;
    int status;
    pid_t pid = waitpid(f->pid, &status, WNOHANG | WUNTRACED);
    if (pid == f->pid && WIFSTOPPED(status)) {
        kill(-f->pid, SIGCONT); /* nobody could let it go on again but us */
    } else if (pid == f->pid || (pid < 0 && errno != EINTR)) {
        ended(f, pid < 0 ? -1 : status);
    }
}

static void become(char *const *argv, char *const *environment, int input, int fd)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    hand_terminal(fd, getpid());
    sigprocmask(SIG_SETMASK, &none, NULL);
    static const int numbers[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,  SIGTSTP,
                                  SIGTTIN, SIGTTOU, SIGPIPE, SIGCHLD, SIGWINCH};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal(numbers[i], SIG_DFL);
    }
    for (; environment != NULL && *environment != NULL; environment++) {
        putenv(*environment);
    }
    dup2(input >= 0 ? input : fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execvp(argv[0], argv);
    _exit(127);
}

int foreground_start(struct console *console, char *const *argv, char *const *environment, int input,
                     void (*done)(struct console *console, void *context, int status), void *context,
                     struct err *e)
{
    if (console->foreground != NULL) {
        if (input >= 0) {
            close(input);
        }
        return err_set(e, ERR_BUSY, "another program has the terminal");
    }
    int fd = terminal_fd(console->terminal);
    terminal_suspend(console->terminal);
    loop_watch_set(console->watch, 0);
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, environment, input, fd);
    }
    if (input >= 0) {
        close(input);
    }
    if (pid < 0) {
        loop_timer_start(console->resume_timer, 0, 0);
        return err_errno(e, "%s could not be started", argv[0]);
    }
    setpgid(pid, pid);
    hand_terminal(fd, pid);
    struct foreground *f = xcalloc(1, sizeof *f);
    *f = (struct foreground){console, pid, loop_timer_new(console->loop, look, f), done, context};
    console->foreground = f;
    loop_timer_start(f->timer, LOOK_US, LOOK_US);
    return 0;
}

void foreground_close(struct console *console)
{
    struct foreground *f = console->foreground;
    if (f == NULL) {
        return;
    }
    kill(-f->pid, SIGHUP);
    kill(-f->pid, SIGCONT);
    hand_terminal(terminal_fd(console->terminal), getpgrp());
    console->foreground = NULL;
    foreground_free(f);
}
