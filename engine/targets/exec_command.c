/* The attempt that is a command: started, fed, listened to, ended in time. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/targets/exec_request.h"
#include "engine/targets/exec_spawn.h"
#include "engine/targets/exec_status.h"

#define SILENCE_MS        1000 /* with the command ended, somebody else holds its output: so long nothing comes */
#define LEFT_OVER_MS      1000 /* a group that was killed is waited for so long, */
#define LEFT_OVER_LOOK_MS 50   /* and looked at so often */

extern char **environ;

struct command {
    char **argv, **env;
    int status_fd; /* -1: none */
    const struct exit_table *table;
};

/* One attempt. */
struct run {
    struct exec_call *call;
    struct exec_streams *io;
    const struct command *command;
    int out, status, feed; /* our ends of its pipes; -1: none, or closed */
    int64_t end_us;        /* of the phase; INT64_MAX: none */
    enum { RUNNING, TERMINATED, KILLED } phase;
    bool ended;
    int wait_status;
    uint64_t fed; /* bytes of the kept input */
    struct exec_status lines;
};

static char bytes[64 * 1024];

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The environment with additions; what is added replaces what has the same name. */
static char **environment(char *const *additions, unsigned attempt, const char *tier)
{
    char **env = NULL;
    char *own[] = {xasprintf("BELAY_ATTEMPT=%u", attempt), xasprintf("BELAY_TIER=%s", tier), NULL};
    char *const *more[] = {additions, own};
    for (char **at = environ; *at; at++) {
        bool replaced = false;
        for (size_t m = 0; m < 2; m++)
            for (char *const *add = more[m]; add && *add && !replaced; add++) {
                size_t name = strcspn(*add, "=") + 1;
                replaced = strncmp(*at, *add, name) == 0;
            }
        if (!replaced)
            strv_add(&env, *at);
    }
    for (size_t m = 0; m < 2; m++)
        for (char *const *add = more[m]; add && *add; add++)
            strv_add(&env, *add);
    free(own[0]);
    free(own[1]);
    return env;
}

/* ---- starting ---- */

static int not_started(struct run *r, int why)
{
    struct exec_call *call = r->call;
    const char *program = r->command->argv[0];
    bool ours =
        why == EAGAIN || why == ENOMEM || why == EMFILE || why == ENFILE; /* nothing is wrong with it */
    call->status = ours            ? EXEC_STATUS_OWN
                   : why == ENOENT ? EXEC_STATUS_NOT_FOUND
                                   : EXEC_STATUS_NOT_EXECUTABLE;
    call->failure = (struct failure){.class = FAILURE_LOCAL, .before_start = true, .retry_after_ms = -1};
    snprintf(call->failure.text, sizeof call->failure.text, "%.80s can't be run: %s",
             *program ? program : "\"\"", why == ENOENT ? "not found" : strerror(why));
    return -1;
}

static int start(struct run *r)
{
    struct exec_streams *io = r->io;
    int in[2] = {-1, -1}, out[2] = {-1, -1}, status[2] = {-1, -1};
    bool feeds =
        io->input == EXEC_INPUT_KEPT && (!r->call->streams || io->kept.length > 0 || io->input_ended);
    if (io->input == EXEC_INPUT_FILE && lseek(STDIN_FILENO, io->start, SEEK_SET) < 0)
        io->input = EXEC_INPUT_SHARED;
    pid_t pid = -errno;
    if ((!feeds || pipe2(in, O_CLOEXEC) == 0) && (r->call->streams || pipe2(out, O_CLOEXEC) == 0) &&
        (r->command->status_fd < 0 || pipe2(status, O_CLOEXEC) == 0)) {
        char **env = environment(r->command->env, r->call->attempt, r->call->tier);
        pid = exec_spawn(&(struct exec_spawn){.argv = r->command->argv,
                                              .env = env,
                                              .in = in[0],
                                              .out = out[1],
                                              .status = status[1],
                                              .status_as = r->command->status_fd},
                         io);
        strv_free(env);
    } else {
        pid = -errno;
    }
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&status[1]);
    r->feed = in[1];
    r->out = out[0];
    r->status = status[0];
    if (r->feed >= 0)
        fcntl(r->feed, F_SETFL, O_NONBLOCK);
    if (pid <= 0)
        return not_started(r, (int)-pid);
    io->child = pid;
    return 0;
}

/* ---- its input and output ---- */

/* The command has read what was kept: more of ours. */
static void input_read(struct run *r)
{
    struct exec_streams *io = r->io;
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    io->input_ended = got <= 0;
    if (got > 0)
        exec_spool_add(&io->kept, bytes, (size_t)got, &io->broken);
}

static void input_feed(struct run *r)
{
    struct exec_streams *io = r->io;
    ssize_t got = exec_spool_read(&io->kept, r->fed, bytes, sizeof bytes);
    if (got < 0) {
        err_errno(&io->broken, "the input that was kept can't be read");
        return;
    }
    ssize_t put = write(r->feed, bytes, (size_t)got);
    if (put > 0)
        r->fed += (uint64_t)put;
    else if (put < 0 && errno != EINTR && errno != EAGAIN)
        close_fd(&r->feed); /* it reads no more */
}

static void out_read(struct run *r)
{
    ssize_t got = read(r->out, bytes, sizeof bytes);
    if (got > 0)
        exec_call_output(r->call, bytes, (size_t)got, NULL);
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        close_fd(&r->out);
}

static void status_read(struct run *r)
{
    struct str rest = {0};
    ssize_t got = read(r->status, bytes, sizeof bytes);
    if (got > 0)
        exec_status_feed(&r->lines, bytes, (size_t)got, &rest);
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        close_fd(&r->status);
    if (r->status < 0)
        exec_status_finish(&r->lines, &rest);
    if (r->command->status_fd == STDERR_FILENO && rest.len > 0)
        file_write_all(STDERR_FILENO, rest.data, rest.len, NULL);
    str_fini(&rest);
}

/* One turn: waits for anything, at most wait_ms (-1: as long as it takes). False when nothing came. */
static bool turn(struct run *r, int wait_ms)
{
    struct exec_streams *io = r->io;
    bool pending = r->fed < io->kept.length, wants = r->feed >= 0 && !pending && !io->input_ended;
    if (r->feed >= 0 && !pending && io->input_ended)
        close_fd(&r->feed);
    struct pollfd fds[] = {
        {.fd = io->signals, .events = POLLIN},
        {.fd = r->out, .events = POLLIN},
        {.fd = r->status, .events = POLLIN},
        {.fd = wants ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = r->feed, .events = pending ? POLLOUT : 0}, /* POLLERR alone: nobody reads any more */
    };
    int ready = poll(fds, sizeof fds / sizeof *fds, wait_ms);
    exec_streams_signals(io);
    if (ready <= 0)
        return false;
    if (fds[1].revents)
        out_read(r);
    if (fds[2].revents)
        status_read(r);
    if (fds[4].revents & POLLERR)
        close_fd(&r->feed);
    else if (fds[4].revents)
        input_feed(r);
    if (fds[3].revents)
        input_read(r);
    return ready > (fds[0].revents != 0);
}

/* ---- its end ---- */

static void look(struct run *r)
{
    if (!r->io->child_ended || r->ended)
        return;
    r->io->child_ended = false;
    r->ended = waitpid(r->io->child, &r->wait_status, WNOHANG) == r->io->child;
}

/* The time is up: TERM, and after the grace KILL. */
static void phase_next(struct run *r, int64_t now_us)
{
    /* What it leaves behind becomes ours, so that we see when the group is empty. */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (r->phase == RUNNING && r->call->grace_ms > 0) {
        r->phase = TERMINATED;
        r->end_us = now_us + r->call->grace_ms * US_PER_MS;
        exec_streams_kill(r->io, SIGTERM);
        exec_streams_kill(r->io, SIGCONT);
    } else {
        r->phase = KILLED;
        r->end_us = INT64_MAX;
        exec_streams_kill(r->io, SIGKILL);
    }
}

static void wait_for_end(struct run *r)
{
    while (!r->ended) {
        int64_t now = clock_monotonic_us(), left = r->end_us - now;
        if (r->io->broken.code && r->phase == RUNNING) {
            r->end_us = now;
            left = 0;
        }
        if (left <= 0)
            phase_next(r, now);
        bool limited = r->end_us != INT64_MAX;
        int64_t ms = limited ? (r->end_us - now + US_PER_MS - 1) / US_PER_MS : -1;
        turn(r, ms > INT32_MAX ? INT32_MAX : ms < 0 && limited ? 0 : (int)ms);
        look(r);
    }
}

/* What it left behind has the rest of the grace, too. */
static void group_end(struct run *r)
{
    if (r->phase == RUNNING)
        return;
    int64_t end_us = r->phase == TERMINATED ? r->end_us : clock_monotonic_us() + LEFT_OVER_MS * US_PER_MS;
    pid_t found;
    while ((found = waitpid(r->io->own_group && r->phase != KILLED ? -r->io->child : -1, NULL, WNOHANG)) >=
           0) {
        int64_t left = end_us - clock_monotonic_us();
        if (found > 0)
            continue;
        if (left <= 0 && r->phase == KILLED)
            return;
        if (left <= 0) {
            r->phase = KILLED;
            end_us = clock_monotonic_us() + LEFT_OVER_MS * US_PER_MS;
            exec_streams_kill(r->io, SIGKILL);
            continue;
        }
        int ms = (int)(left / US_PER_MS) + 1;
        turn(r, r->phase == KILLED && ms > LEFT_OVER_LOOK_MS ? LEFT_OVER_LOOK_MS : ms);
        if (r->phase == KILLED)
            exec_streams_kill(r->io, SIGKILL); /* what was just being started */
    }
}

static void drain(struct run *r)
{
    /* What it said because it was called off is said; only another signal ends this. */
    int called_off = r->io->called_off;
    r->io->called_off = 0;
    close_fd(&r->feed);
    /* Past its time nobody is waited for who has left the group and goes on writing. */
    int64_t now = clock_monotonic_us(), end = now + SILENCE_MS * US_PER_MS;
    if (r->phase == RUNNING && r->end_us > end)
        end = r->end_us;
    while ((r->out >= 0 || r->status >= 0) && !r->io->called_off && !r->io->broken.code && now < end) {
        int64_t left = (end - now) / US_PER_MS + 1;
        if (!turn(r, left < SILENCE_MS ? (int)left : SILENCE_MS) && !r->io->child_ended)
            break;
        r->io->child_ended = false;
        now = clock_monotonic_us();
    }
    if (r->io->called_off == 0)
        r->io->called_off = called_off;
    if (r->status >= 0)
        exec_status_finish(&r->lines, NULL);
    close_fd(&r->out);
    close_fd(&r->status);
}

/* Whoever read standard output has seen enough. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

static void verdict(struct run *r)
{
    struct exec_call *call = r->call;
    struct failure *f = &call->failure;
    const struct policy *p = call->policy;
    int number = WIFSIGNALED(r->wait_status) ? WTERMSIG(r->wait_status) : 0;
    int status = number ? 128 + number : WEXITSTATUS(r->wait_status);
    call->status = status;
    if (r->phase != RUNNING && !r->io->broken.code) {
        char text[DURATION_TEXT_SIZE];
        duration_format(call->timeout_ms * US_PER_MS, text);
        *f = (struct failure){.class = FAILURE_TIMEOUT, .retry_after_ms = -1};
        if (call->timeout_ms < 1000)
            snprintf(f->text, sizeof f->text, "no end within %lldms", (long long)call->timeout_ms);
        else
            snprintf(f->text, sizeof f->text, "no end within %s", text);
        call->status = EXEC_STATUS_TIMEOUT;
        return;
    }
    failure_of_exit(r->command->table, status, number, &p->retry_on, &p->permanent, f);
    if (r->lines.status >= 400) {
        failure_of_status(r->lines.status, r->lines.retry_after, clock_wall_us(), f);
        if (status == 0)
            call->status = EXEC_STATUS_HTTP;
    }
    if (number == SIGPIPE && call->streams && reader_left())
        r->io->called_off = SIGPIPE; /* our caller's doing: nothing is wrong with what was called */
    if ((r->io->called_off && status != 0) || r->io->broken.code) {
        f->class = FAILURE_CANCELLED;
        f->before_start = false;
    }
}

static void command_attempt(struct exec_call *call, void *data)
{
    struct run r = {.call = call,
                    .io = call->io,
                    .command = data,
                    .out = -1,
                    .status = -1,
                    .feed = -1,
                    .end_us = call->timeout_ms > 0 ? clock_monotonic_us() + call->timeout_ms * US_PER_MS
                                                   : INT64_MAX};
    if (start(&r) == 0) {
        wait_for_end(&r);
        group_end(&r);
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
        drain(&r);
        verdict(&r);
    }
    close_fd(&r.feed);
    close_fd(&r.out);
    close_fd(&r.status);
    call->io->child = 0;
}

/* ---- the tier ---- */

static void command_free(void *data)
{
    struct command *c = data;
    strv_free(c->argv);
    strv_free(c->env);
    free(c);
}

void exec_tier_command(struct exec_tier *tier, char *const *argv, char *const *env)
{
    struct command *c = xcalloc(1, sizeof *c);
    c->argv = strv_copy(argv);
    c->env = strv_copy(env);
    c->status_fd = -1;
    c->table = exit_table_for(c->argv);
    tier->attempt = command_attempt;
    tier->data = c;
    tier->free = command_free;
    tier->provable = exit_table_proves(c->table);
}

void exec_tier_status(struct exec_tier *tier, int fd)
{
    struct command *c = tier->data;
    c->status_fd = fd;
    tier->provable |= fd >= 0; /* 425: the server says that it began nothing */
    tier->judged = fd >= 0;    /* what comes with a 503 is no answer */
}
