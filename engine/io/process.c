#include "engine/io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"

#define GRACE_US   US_PER_S
#define DRAIN_US   US_PER_S /* for whoever holds the output after the main process has ended */
#define READ_BYTES 65536
#define READ_TURNS 8    /* reads of one descriptor before the others get their turn */
#define REAP_TRIES 1000 /* milliseconds that a killed process gets to die unseen */

enum phase { RUNNING, TERMINATING, KILLED, DRAINING };

struct channel {
    struct process *process;
    struct loop_watch *watch;
    int fd; /* -1: closed */
    struct str *to;
    size_t limit;
};

struct process {
    struct loop *loop;
    void (*done)(void *data, struct process_result *result);
    void *data;
    struct process_result result;
    struct loop_timer *timer;
    struct loop_signal *child;
    struct channel out, errors, in;
    struct str input;
    size_t written;
    pid_t pid;   /* 0: never started */
    bool exited; /* seen, not yet reaped: the group's id can't be used anew */
    enum phase phase;
    int64_t grace_us, started_us;
};

static void channel_close(struct channel *c)
{
    loop_watch_free(c->watch);
    c->watch = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static void process_free(struct process *p)
{
    channel_close(&p->out);
    channel_close(&p->errors);
    channel_close(&p->in);
    loop_timer_free(p->timer);
    loop_signal_free(p->child);
    str_fini(&p->input);
    str_fini(&p->result.out);
    str_fini(&p->result.errors);
    free(p);
}

/* A pool thread waits for the corpse of a killed process; one that can't die is left to init. */
static void reap(void *data)
{
    pid_t pid = (pid_t)(intptr_t)data;
    for (int i = 0; i < REAP_TRIES && waitpid(pid, NULL, WNOHANG) == 0; i++)
        usleep(1000);
}

static void signal_group(struct process *p, int number)
{
    if (p->pid > 0)
        kill(-p->pid, number);
}

static void describe_end(struct process *p)
{
    struct process_result *r = &p->result;
    struct str said = {0};
    size_t line = r->errors.len ? strcspn(r->errors.data, "\r\n") : 0;
    if (line)
        utf8_clean(&said, r->errors.data, line, false);
    const char *colon = said.len ? ": " : "";
    if (r->error == ERR_TIMED_OUT || r->error == ERR_RANGE) {
        size_t have = strlen(r->reason);
        snprintf(r->reason + have, sizeof r->reason - have, "%s%s", colon, str_text(&said));
    } else if (r->signal) {
        snprintf(r->reason, sizeof r->reason, "killed by %s%s%s", strsignal(r->signal), colon,
                 str_text(&said));
    } else if (r->exit_status > 0) {
        snprintf(r->reason, sizeof r->reason, "exit %d%s%s", r->exit_status, colon, str_text(&said));
    }
    str_fini(&said);
}

static void process_finish(struct process *p)
{
    struct process_result *r = &p->result;
    signal_group(p, SIGKILL);
    if (p->exited) {
        int status = 0;
        waitpid(p->pid, &status, 0);
        r->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        r->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    } else if (p->pid > 0) {
        loop_work(p->loop, reap, NULL, (void *)(intptr_t)p->pid);
    }
    r->duration_us = clock_monotonic_us() - p->started_us;
    if (p->pid > 0)
        describe_end(p);
    p->done(p->data, r);
    process_free(p);
}

void process_cancel(struct process *p)
{
    if (!p)
        return;
    signal_group(p, SIGKILL);
    if (p->pid > 0)
        loop_work(p->loop, reap, NULL, (void *)(intptr_t)p->pid);
    process_free(p);
}

static void on_timer(void *data)
{
    struct process *p = data;
    switch (p->phase) {
    case RUNNING:
        if (p->pid > 0 && !p->result.error) {
            p->result.error = ERR_TIMED_OUT;
            snprintf(p->result.reason, sizeof p->result.reason, "took too long");
        }
        if (p->pid <= 0) { /* never started: this is its done */
            process_finish(p);
            return;
        }
        signal_group(p, SIGTERM);
        p->phase = TERMINATING;
        loop_timer_start(p->timer, p->grace_us, 0);
        break;
    case TERMINATING:
        signal_group(p, SIGKILL);
        p->phase = KILLED;
        loop_timer_start(p->timer, DRAIN_US, 0);
        break;
    case KILLED:
    case DRAINING:
        process_finish(p);
        break;
    }
}

/* Ends the process because of what it does; the reason is set. */
static void stop_early(struct process *p)
{
    if (p->phase == RUNNING)
        on_timer(p);
}

static void finish_when_drained(struct process *p)
{
    if (p->exited && p->out.fd < 0 && p->errors.fd < 0)
        process_finish(p);
}

static void on_child(void *data, int number)
{
    struct process *p = data;
    siginfo_t info = {0};
    (void)number;
    if (p->exited || p->pid <= 0 || waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
        !info.si_pid)
        return;
    p->exited = true;
    p->phase = DRAINING;
    loop_timer_start(p->timer, DRAIN_US, 0);
    finish_when_drained(p);
}

/* Takes what fits; false when the process printed more than it may on stdout. */
static bool channel_take(struct channel *c, const char *bytes, size_t length)
{
    size_t room = c->limit - c->to->len;
    str_add_bytes(c->to, bytes, length < room ? length : room);
    if (length <= room)
        return true;
    struct process *p = c->process;
    if (c == &p->errors) {
        p->result.errors_cut = true;
        return true;
    }
    return false;
}

static void on_output(void *data, int events)
{
    struct channel *c = data;
    struct process *p = c->process;
    char bytes[READ_BYTES];
    (void)events;
    for (int i = 0; i < READ_TURNS; i++) {
        ssize_t got = read(c->fd, bytes, sizeof bytes);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            channel_close(c);
            finish_when_drained(p);
            return;
        }
        if (!channel_take(c, bytes, (size_t)got)) {
            p->result.error = ERR_RANGE;
            snprintf(p->result.reason, sizeof p->result.reason, "printed more than %zu bytes", c->limit);
            channel_close(c);
            stop_early(p);
            finish_when_drained(p);
            return;
        }
    }
}

static void on_input(void *data, int events)
{
    struct channel *c = data;
    struct process *p = c->process;
    (void)events;
    ssize_t put = write(c->fd, p->input.data + p->written, p->input.len - p->written);
    if (put < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    p->written += put > 0 ? (size_t)put : 0;
    if (put < 0 ||
        p->written == p->input.len) /* a process that doesn't read its input may have its reasons */
        channel_close(c);
}

/* ---- The start ---- */

static const char *environment_get(char *const *env, const char *name)
{
    size_t length = strlen(name);
    for (; *env; env++)
        if (strncmp(*env, name, length) == 0 && (*env)[length] == '=')
            return *env + length + 1;
    return NULL;
}

/* Where PATH has the program; the name itself when it holds a slash. NULL with errno. */
static char *program_find(const char *name, char *const *env)
{
    if (strchr(name, '/'))
        return xstrdup(name);
    const char *path = environment_get(env, "PATH");
    int worst = ENOENT;
    for (const char *p = path ? path : "/usr/local/bin:/usr/bin:/bin"; *name && p;) {
        size_t length = strcspn(p, ":");
        char *file = length ? xasprintf("%.*s/%s", (int)length, p, name) : xasprintf("./%s", name);
        if (access(file, X_OK) == 0)
            return file;
        if (errno == EACCES)
            worst = EACCES;
        free(file);
        p = p[length] ? p + length + 1 : NULL;
    }
    errno = worst;
    return NULL;
}

struct pipes {
    int in[2], out[2], errors[2];
};

static int pipes_open(struct pipes *s, bool with_input)
{
    *s = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(s->out, O_CLOEXEC) || pipe2(s->errors, O_CLOEXEC))
        return -1;
    if (with_input)
        return pipe2(s->in, O_CLOEXEC);
    s->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return s->in[0] < 0 ? -1 : 0;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void pipes_close(struct pipes *s)
{
    for (int i = 0; i < 2; i++) {
        close_one(&s->in[i]);
        close_one(&s->out[i]);
        close_one(&s->errors[i]);
    }
}

/* posix_spawn rather than fork: this process may be large. 0 or an errno. */
static int spawn(pid_t *pid, const char *program, const struct process_request *r, char *const *env,
                 const struct pipes *s)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_adddup2(&actions, s->in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, s->out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, s->errors[1], STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (r->cwd)
        posix_spawn_file_actions_addchdir_np(&actions, r->cwd);
    int status = posix_spawn(pid, program, &actions, &attributes, r->argv, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

static void channel_open(struct process *p, struct channel *c, int *fd, int events, void (*fn)(void *, int))
{
    c->process = p;
    c->fd = *fd;
    *fd = -1;
    c->watch = loop_watch_new(p->loop, c->fd, events, fn, c, NULL);
    if (!c->watch) /* no memory in the kernel for one more: as if it had printed nothing */
        channel_close(c);
}

static void start_failed(struct process *p, const char *name, int error)
{
    struct process_result *r = &p->result;
    r->error = error == ENOENT ? ERR_NOT_FOUND : error == EACCES ? ERR_DENIED : ERR_IO;
    snprintf(r->reason, sizeof r->reason, "cannot run %.80s: %s", name, strerror(error));
    loop_timer_start(p->timer, 0, 0);
}

struct process *process_start(struct loop *l, const struct process_request *r)
{
    extern char **environ;
    char *const *env = r->env ? r->env : environ;
    struct process *p = xcalloc(1, sizeof *p);
    p->loop = l;
    p->done = r->done;
    p->data = r->data;
    p->grace_us = r->grace_us > 0 ? r->grace_us : GRACE_US;
    p->result.exit_status = -1;
    p->out.fd = p->errors.fd = p->in.fd = -1;
    p->out.to = &p->result.out;
    p->out.limit = r->max_out ? r->max_out : PROCESS_OUTPUT_LIMIT;
    p->errors.to = &p->result.errors;
    p->errors.limit = r->max_errors ? r->max_errors : PROCESS_ERRORS_LIMIT;
    p->started_us = clock_monotonic_us();
    p->timer = loop_timer_new(l, on_timer, p);
    p->child = loop_signal_new(l, SIGCHLD, on_child, p); /* before the start: it may be short */
    if (r->input)
        str_add_bytes(&p->input, r->input, r->input_length);

    struct pipes s = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t pid = 0;
    char *program = program_find(r->argv[0], env);
    int status = !program || pipes_open(&s, r->input != NULL) ? errno : spawn(&pid, program, r, env, &s);
    if (status) {
        start_failed(p, r->argv[0], status);
    } else {
        p->pid = pid;
        channel_open(p, &p->out, &s.out[0], LOOP_READ, on_output);
        channel_open(p, &p->errors, &s.errors[0], LOOP_READ, on_output);
        if (r->input)
            channel_open(p, &p->in, &s.in[1], LOOP_WRITE, on_input);
        loop_timer_start(p->timer, r->timeout_us, 0);
    }
    free(program);
    pipes_close(&s);
    return p;
}
