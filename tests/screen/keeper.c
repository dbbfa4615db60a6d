#include "tests/screen/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int keeper_exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void tell(int socket, int kind, int value)
{
    struct keeper_message m = {kind, value};
    if (send(socket, &m, sizeof m, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void run_program(int slave, const char *const *argv)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    tcsetpgrp(slave, getpid());
    signal(SIGTTOU, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = 0; fd < 3; fd++)
        dup2(slave, fd);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static void watch_program(int slave, int socket, pid_t program)
{
    int status;
    while (waitpid(program, &status, WNOHANG | WUNTRACED | WCONTINUED) == program) {
        if (WIFSTOPPED(status)) {
            tcsetpgrp(slave, getpgrp());
            tell(socket, KEEPER_STOPPED, 0);
        } else if (WIFCONTINUED(status)) {
            tell(socket, KEEPER_CONTINUED, 0);
        } else {
            tcsetpgrp(slave, getpgrp());
            tell(socket, KEEPER_ENDED, keeper_exit_status(status));
            _exit(0);
        }
    }
}

static void obey(int slave, int socket, pid_t program)
{
    struct keeper_message m;
    if (recv(socket, &m, sizeof m, 0) != sizeof m)
        _exit(0);
    if (m.kind == KEEPER_FOREGROUND)
        tcsetpgrp(slave, program);
    kill(-program, SIGCONT);
}

void keeper_run(int slave, int socket, const char *const *argv)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    signal(SIGTTOU, SIG_IGN);
    setsid();
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        _exit(126);
    int changes = signalfd(-1, &child, SFD_CLOEXEC);
    pid_t program = fork();
    if (program < 0 || changes < 0)
        _exit(126);
    if (program == 0)
        run_program(slave, argv);
    setpgid(program, program);
    tell(socket, KEEPER_STARTED, program);
    for (;;) {
        struct pollfd fds[2] = {{.fd = changes, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
        struct signalfd_siginfo info;
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[0].revents && read(changes, &info, sizeof info) > 0)
            watch_program(slave, socket, program);
        if (fds[1].revents)
            obey(slave, socket, program);
    }
}
