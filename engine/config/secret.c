#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/config/config.h"

#define COMMAND_LIMIT_US (10 * US_PER_S)

extern char **environ;

bool config_secret_is_reference(const char *text)
{
    static const char *const kinds[] = {"env:", "file:", "command:"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_starts(text, kinds[i]) && text[strlen(kinds[i])])
            return true;
    return false;
}

static char **split_at_blanks(const char *text)
{
    char **argv = NULL, *copy = xstrdup(text), *rest = copy;
    for (char *word; (word = strsep(&rest, " \t"));)
        if (*word)
            strv_add(&argv, word);
    free(copy);
    return argv;
}

/* Starts argv in a process group of its own, its output into the pipe; stdin and stderr are nothing, so that
 * it can neither ask nor draw over the screen. */
static int spawn(char **argv, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int number = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

/* Reads until the end, the limit or the deadline. */
static int drain(int fd, int64_t deadline, const char *reference, struct str *out, struct err *e)
{
    size_t start = out->len;
    for (;;) {
        int64_t left = deadline - clock_monotonic_us();
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&poll_fd, 1, (int)(left / US_PER_MS) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return err_set(e, ERR_TIMED_OUT, "secret %s: its command took longer than 10 s", reference);
        char bytes[4096];
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got > 0)
            str_add_bytes(out, bytes, (size_t)got);
        explicit_bzero(bytes, sizeof bytes);
        if (got < 0)
            return err_errno(e, "secret %s", reference);
        if (got == 0)
            return 0;
        if (out->len - start > CONFIG_SECRET_LIMIT_BYTES)
            return err_set(e, ERR_RANGE, "secret %s: more than 64 KiB", reference);
    }
}

/* Waits until the deadline, then kills. */
static int reap(pid_t pid, int64_t deadline, int *status)
{
    for (;;) {
        pid_t done = waitpid(pid, status, WNOHANG);
        if (done == pid)
            return 0;
        if (done < 0 && errno != EINTR)
            return -1;
        if (clock_monotonic_us() >= deadline) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, status, 0) < 0 && errno == EINTR)
                ;
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static int from_command(const char *reference, struct str *out, struct err *e)
{
    char **argv = split_at_blanks(reference + strlen("command:"));
    int ends[2], status = 0, code = 0;
    pid_t pid;
    if (!argv)
        return err_set(e, ERR_SYNTAX, "secret %s: names no program", reference);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        strv_free(argv);
        return err_errno(e, "secret %s", reference);
    }
    int64_t deadline = clock_monotonic_us() + COMMAND_LIMIT_US;
    int number = spawn(argv, ends[1], &pid);
    close(ends[1]);
    if (number) {
        errno = number;
        code = err_errno(e, "secret %s: %s", reference, argv[0]);
    } else {
        code = drain(ends[0], deadline, reference, out, e);
        if (reap(pid, code < 0 ? 0 : deadline, &status) < 0 && code == 0)
            code = err_set(e, ERR_TIMED_OUT, "secret %s: its command took longer than 10 s", reference);
        else if (code == 0 && WIFSIGNALED(status))
            code = err_set(e, ERR_IO, "secret %s: its command was ended by signal %d", reference,
                           WTERMSIG(status));
        else if (code == 0 && WEXITSTATUS(status) != 0)
            code = err_set(e, ERR_IO, "secret %s: its command exited %d", reference, WEXITSTATUS(status));
    }
    close(ends[0]);
    strv_free(argv);
    return code;
}

static int from_environment(const char *reference, struct str *out, struct err *e)
{
    const char *name = reference + strlen("env:"), *value = getenv(name);
    if (!value)
        return err_set(e, ERR_NOT_FOUND, "secret %s: the variable %s is not set", reference, name);
    if (strlen(value) > CONFIG_SECRET_LIMIT_BYTES)
        return err_set(e, ERR_RANGE, "secret %s: more than 64 KiB", reference);
    str_add(out, value);
    return 0;
}

static int check_value(const char *reference, const struct str *out, size_t start, struct err *e)
{
    if (out->len == start)
        return err_set(e, ERR_NOT_FOUND, "secret %s: is empty", reference);
    for (size_t i = start; i < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7F)
            return err_set(e, ERR_SYNTAX, "secret %s: holds a line break or another control character",
                           reference);
    return 0;
}

int config_secret_resolve(const char *reference, struct str *out, struct err *e)
{
    size_t start = out->len;
    int code;
    if (!config_secret_is_reference(reference))
        code = err_set(e, ERR_SYNTAX,
                       "not a reference to a secret: write env:NAME, file:PATH or command:PROGRAM");
    else if (str_starts(reference, "env:"))
        code = from_environment(reference, out, e);
    else if (str_starts(reference, "file:")) {
        code = file_read(reference + strlen("file:"), CONFIG_SECRET_LIMIT_BYTES, out, e);
        if (code < 0)
            err_prefix(e, "secret file: ");
    } else
        code = from_command(reference, out, e);
    while (code == 0 && out->len > start &&
           (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->data[--out->len] = '\0';
    if (code == 0)
        code = check_value(reference, out, start, e);
    if (code < 0 && out->data) {
        explicit_bzero(out->data + start, out->cap - start);
        out->len = start;
    }
    return code;
}
