/* Arming: the folder, the supervisor, what it is to run, go. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/execution.h"
#include "engine/execute/folder.h"
#include "engine/execute/request.h"
#include "engine/execute/terminal.h"

extern char **environ;

/* ---- The request ---- */

static char *cwd_absolute(const char *cwd, struct err *e)
{
    if (cwd && cwd[0] == '/')
        return xstrdup(cwd);
    char *here = getcwd(NULL, 0);
    if (!here) {
        err_errno(e, "the current folder can't be told");
        return NULL;
    }
    char *path = cwd && cwd[0] ? path_join(here, cwd) : xstrdup(here);
    free(here);
    return path;
}

static bool is_bash(const char *program)
{
    const char *slash = strrchr(program, '/');
    return str_eq(slash ? slash + 1 : program, "bash");
}

/* A piece of memory for the request; the descriptor. */
static int request_memory(struct err *e)
{
    int memory = memfd_create("step", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return memory < 0 ? err_errno(e, "no memory for the request") : memory;
}

/* The supervisor may have the memory already; it looks once it is told that there is something in it. */
static int request_write(int memory, const struct exec_request *request, struct err *e)
{
    struct request r = {
        .argv = strv_copy(request->argv),
        .env = environment_make(environ, request->path, request->env),
        .cwd = cwd_absolute(request->cwd, e),
        .timeout_us = request->timeout_us,
        .grace_us = request->grace_us > 0 ? request->grace_us : EXEC_GRACE_US,
        .limit_bytes = request->limit_bytes > 0 ? request->limit_bytes : EXEC_LIMIT_BYTES,
        .capture_exports = request->capture_exports && is_bash(request->argv[0]),
        .terminal = request->terminal != NULL,
    };
    struct str bytes = {0};
    int code = r.cwd ? 0 : e->code;
    if (code == 0)
        request_encode(&r, &bytes);
    if (bytes.len > REQUEST_BYTES_MAX)
        code = err_set(e, ERR_RANGE, "step %s: command and environment are larger than %u MiB", request->key,
                       REQUEST_BYTES_MAX >> 20);
    if (code == 0)
        code = file_write_all(memory, bytes.data, bytes.len, e);
    if (code == 0)
        fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.len);
    str_fini(&bytes);
    request_fini(&r);
    return code;
}

/* ---- The supervisor ---- */

#define STACK_BYTES ((size_t)32 << 10)

/* What the processes on the way to a supervisor need, in our memory. */
struct start {
    const char *const *argv;
    const int *given; /* descriptors, as enum supervisor_fd has them from the console's on */
    const char *path; /* NULL: argv[0] is looked up */
    char *stack;      /* of the second */
    pid_t borrower;   /* the second, while it runs in our memory: the kernel puts 0 there and wakes us */
};

/* Until it has a memory of its own it shares ours, and we stand still: nothing here may take a lock that
 * another thread of ours holds, so no malloc and no stdio, and no signal may come upon one of our handlers.
 */
static int become_supervisor(void *data)
{
    static const int places[] = {SUPERVISOR_FD_CONSOLE, SUPERVISOR_FD_LOCK, SUPERVISOR_FD_CHILD_LOCK,
                                 SUPERVISOR_FD_REQUEST, SUPERVISOR_FD_TERMINAL};
    const struct start *s = data;
    const int count = s->given[4] < 0 ? 4 : 5;
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    int safe[5];
    sigset_t none;
    for (int i = 0; i < count; i++)
        safe[i] = fcntl(s->given[i], F_DUPFD_CLOEXEC, 10);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    for (int i = 0; i < count; i++)
        dup2(safe[i], places[i]);
    close_range(count == 4 ? SUPERVISOR_FD_TERMINAL : SUPERVISOR_FD_NEXT, ~0u, 0);
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (s->path)
        execv(s->path, (char *const *)(uintptr_t)s->argv);
    else
        execvp(s->argv[0], (char *const *)(uintptr_t)s->argv);
    /* Its console knows the rest of the sentence. */
    const char *why = strerrordesc_np(errno);
    char message[128] = "x";
    strncat(message, why ? why : "unknown error", sizeof message - 2);
    if (send(SUPERVISOR_FD_CONSOLE, message, strlen(message), MSG_NOSIGNAL) < 0)
        _exit(126);
    _exit(127);
}

/* A child that runs in our memory, on a stack of its own; we go on once it has executed something or ended.
 */
#define BORROWS (CLONE_VM | CLONE_VFORK | SIGCHLD)

static int become_between(void *data)
{
    struct start *start = data;
    setsid();
    pid_t child = clone(become_supervisor, start->stack + STACK_BYTES,
                        BORROWS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, start, &start->borrower, NULL,
                        &start->borrower);
    _exit(child < 0 ? errno : 0);
}

/* Who kills the one between sets us going before the second has a memory of its own: its stack is ours. */
static void borrower_await(pid_t *borrower)
{
    const struct timespec patience = {.tv_nsec = 100000000};
    pid_t now;
    for (int tries = 0; tries < 100 && (now = __atomic_load_n(borrower, __ATOMIC_ACQUIRE)) != 0; tries++)
        syscall(SYS_futex, borrower, FUTEX_WAIT, now, &patience, NULL, 0);
}

/* Forks twice, so that the supervisor is nobody's child and no zombie of ours; the one between lives some
 * microseconds. To copy a console's page tables, twice, would hold its loop up for a millisecond. */
static int fork_twice(const char *const *argv, const int *given, const char *path, struct err *e)
{
    _Alignas(16) char stacks[2][STACK_BYTES];
    struct start start = {.argv = argv, .given = given, .path = path, .stack = stacks[1]};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t between = clone(become_between, stacks[0] + STACK_BYTES, BORROWS, &start);
    int number = errno, status = 0;
    borrower_await(&start.borrower);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    if (between < 0)
        return err_errno(e, "no new process");
    while (waitpid(between, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status)) {
        errno = WEXITSTATUS(status);
        return err_errno(e, "no new process");
    }
    return 0;
}

static void on_socket(void *data, int events);

static int supervisor_start(struct execution *x, bool scope, struct err *e)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(e, "no socket");
    char *folder = path_join(x->spool->folder, x->key);
    const char *argv[] = {"systemd-run", "--user",          "--scope",   "--quiet", "--collect",
                          "--",          x->spool->program, "supervise", folder,    NULL};
    int given[] = {ends[1], x->lock, x->child_lock, x->memory, x->slave};
    int code = fork_twice(scope ? argv : argv + 6, given, scope ? NULL : x->spool->program, e);
    free(folder);
    close(ends[1]);
    if (code == 0) {
        x->socket = ends[0];
        x->socket_watch = loop_watch_new(x->loop, x->socket, LOOP_READ, on_socket, x, e);
        code = x->socket_watch ? 0 : ERR_IO;
    } else {
        close(ends[0]);
    }
    return code;
}

static void let_go(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The supervisor has them now. */
static void keep_nothing(struct execution *x)
{
    let_go(&x->lock);
    let_go(&x->child_lock);
    let_go(&x->slave);
    if (x->given)
        let_go(&x->memory);
}

static void socket_close(struct execution *x)
{
    loop_watch_free(x->socket_watch);
    x->socket_watch = NULL;
    if (x->socket >= 0)
        close(x->socket);
    x->socket = -1;
}

void execution_release(struct execution *x)
{
    socket_close(x);
    keep_nothing(x);
    let_go(&x->memory);
}

static bool word_send(const struct execution *x, char word)
{
    return x->socket >= 0 && send(x->socket, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* systemd-run ended without running anything: once more without it. */
static bool start_again(struct execution *x)
{
    struct err e;
    bool wanted = x->went;
    if (x->lock < 0 || x->armed)
        return false;
    x->failure[0] = '\0'; /* that there is no systemd-run */
    socket_close(x);
    if (supervisor_start(x, false, &e) < 0) {
        snprintf(x->failure, sizeof x->failure, "%.150s", e.msg);
        return false;
    }
    keep_nothing(x);
    return !wanted || word_send(x, SUPERVISOR_GO);
}

void execution_hear(struct execution *x)
{
    char text[sizeof x->failure + 1];
    ssize_t got = 0;
    if (x->socket < 0)
        return;
    while ((got = recv(x->socket, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[got] = '\0';
        if (text[0] == 'r')
            x->armed = true;
        else if (text[0] == 'x' && !x->failure[0])
            snprintf(x->failure, sizeof x->failure, "the supervisor %.60s: %.80s", x->spool->program,
                     text + 1);
    }
    if (x->armed)
        keep_nothing(x);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!start_again(x)) {
        execution_release(x);
        execution_wake(x);
    }
}

static void on_socket(void *data, int events)
{
    (void)events;
    execution_hear(data);
}

/* ---- For the caller ---- */

static int key_check(const char *key, struct err *e)
{
    return key && key_valid(key) ? 0 : err_set(e, ERR_USAGE, "\"%.40s\" is no key of a step", key ? key : "");
}

static int request_check(const struct exec_request *request, struct err *e)
{
    if (key_check(request->key, e) < 0)
        return e->code;
    if (!request->argv || !request->argv[0] || !request->argv[0][0])
        return err_set(e, ERR_USAGE, "step %s has no command", request->key);
    return 0;
}

/* Takes memory over. Of request only what is known before there is a command. */
static struct execution *arm(struct spool *s, struct loop *loop, const struct exec_request *request,
                             int memory, bool given, const struct execution_events *events, void *data,
                             struct err *e)
{
    struct spool_new made;
    struct about about = {
        .limit_bytes = request->limit_bytes > 0 ? request->limit_bytes : EXEC_LIMIT_BYTES,
        .armed_wall_us = clock_wall_us(),
    };
    snprintf(about.key, sizeof about.key, "%s", request->key);
    if (spool_make(s, &about, &made, e) < 0) {
        close(memory);
        return NULL;
    }
    struct execution *x = execution_new(s, loop, request->key, made.dir, events, data, e);
    if (!x) {
        close(made.lock);
        close(made.child_lock);
        close(memory);
        execution_forget(s, request->key, NULL);
        return NULL;
    }
    x->lock = made.lock;
    x->child_lock = made.child_lock;
    x->memory = memory;
    x->given = given;
    x->entry.state = SPOOL_ARMED;
    if ((request->terminal && terminal_make(request->terminal, &x->terminal, &x->slave, e) < 0) ||
        supervisor_start(x, request->use_scope, e) < 0) {
        execution_free(x);
        execution_forget(s, request->key, NULL);
        return NULL;
    }
    if (!request->use_scope)
        keep_nothing(x);
    return x;
}

struct execution *execution_arm(struct spool *s, struct loop *loop, const struct exec_request *request,
                                const struct execution_events *events, void *data, struct err *e)
{
    struct err own;
    e = e ? e : &own;
    if (request_check(request, e) < 0)
        return NULL;
    int memory = request_memory(e);
    if (memory >= 0 && request_write(memory, request, e) < 0)
        let_go(&memory);
    return memory < 0 ? NULL : arm(s, loop, request, memory, true, events, data, e);
}

struct execution *execution_ready(struct spool *s, struct loop *loop, const char *key, bool use_scope,
                                  const struct execution_events *events, void *data, struct err *e)
{
    const struct exec_request request = {.key = key, .use_scope = use_scope};
    struct err own;
    e = e ? e : &own;
    int memory = key_check(key, e) < 0 ? -1 : request_memory(e);
    return memory < 0 ? NULL : arm(s, loop, &request, memory, false, events, data, e);
}

int execution_give(struct execution *x, const struct exec_request *request,
                   const struct execution_events *events, void *data, struct err *e)
{
    if (x->given || request->terminal || !str_eq(request->key, x->key))
        return err_set(e, ERR_USAGE, "step %s waits for no such request", x->key);
    execution_hear(x); /* it may have to be started again, or be gone */
    int code = request_check(request, e);
    if (code == 0 && (x->ended || x->socket < 0))
        code = err_set(e, ERR_NOT_FOUND, "the supervisor of step %s is gone", x->key);
    if (code == 0)
        code = request_write(x->memory, request, e);
    if (code < 0)
        return code;
    x->given = true;
    if (x->lock < 0)
        keep_nothing(x);
    x->events = *events;
    x->data = data;
    if (!word_send(x, SUPERVISOR_REQUEST))
        return err_set(e, ERR_NOT_FOUND, "the supervisor of step %s is gone", x->key);
    return 0;
}

int execution_go(struct execution *x, struct err *e)
{
    if (x->went || x->ended)
        return err_set(e, ERR_USAGE, "step %s has had its go", x->key);
    if (x->socket >= 0 && !x->given)
        return err_set(e, ERR_USAGE, "step %s has nothing to run yet", x->key);
    if (!word_send(x, SUPERVISOR_GO)) {
        execution_hear(x); /* it may have to be started again */
        if (!word_send(x, SUPERVISOR_GO))
            return err_set(e, ERR_NOT_FOUND, "the supervisor of step %s is gone: nothing was started",
                           x->key);
    }
    x->went = true;
    return 0;
}

void execution_void(struct execution *x)
{
    if (x->went || x->ended)
        return;
    if (x->socket >= 0)
        execution_release(x);
    else
        spool_void(x->spool, x->key, NULL);
    execution_wake(x);
}

/* 0, or -1 when nobody reads it. */
static int control_write(const struct execution *x)
{
    int fd = openat(x->dir, NAME_CONTROL, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t put = write(fd, "cancel\n", 7);
    close(fd);
    return put == 7 ? 0 : -1;
}

int execution_cancel(struct execution *x, struct err *e)
{
    struct spool_entry entry;
    if (x->ended)
        return 0;
    if (x->socket >= 0 && !x->went) {
        execution_void(x);
        return 0;
    }
    if (control_write(x) == 0)
        return 0;
    /* Nobody reads: the supervisor isn't that far yet, and then this is in time, or it is gone. */
    if (spool_void(x->spool, x->key, NULL) == 0) {
        execution_wake(x);
        return 0;
    }
    if (control_write(x) == 0)
        return 0;
    folder_judge(x->dir, x->key, &entry);
    if (entry.state == SPOOL_ENDED)
        return 0;
    if (entry.main_pid > 0)
        return err_set(
            e, ERR_NOT_FOUND,
            "the supervisor of step %s is gone, and it alone may signal: end process group %d by hand",
            x->key, (int)entry.main_pid);
    return err_set(e, ERR_NOT_FOUND, "the supervisor of step %s is gone", x->key);
}
