#include "tui/commands/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/execute/execute.h"
#include "engine/io/io.h"
#include "engine/simulate/simulate.h"

#define STAGE_TEMPLATE "/tmp/belay-demo.XXXXXX"
#define STAGE_PREFIX   "/tmp/belay-demo."
#define STAGE_WAIT_S   10 /* for the simulation to begin */
#define STAGE_END_MS   5000

/* It does next to nothing; whatever goes wrong with it must not become the host's trouble. */
#define SIMULATION_MEMORY (2048LL << 20) /* of addresses: forty libraries and libmicrohttpd's threads */
#define SIMULATION_CPU_S  1800

/* ---- the simulation ---- */

static void limits_set(void)
{
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is terabytes of addresses */
    setrlimit(RLIMIT_AS, &(struct rlimit){SIMULATION_MEMORY, SIMULATION_MEMORY});
#endif
    setrlimit(RLIMIT_CPU, &(struct rlimit){SIMULATION_CPU_S, SIMULATION_CPU_S});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static const char *value(const struct command_line *line, const char *name, const char *otherwise)
{
    return command_value(line, name, otherwise);
}

/* Forked, not executed anew: loading forty libraries a second time would take as long as all the rest of the
 * start. In a session of its own: the end of the terminal is not its end. */
static void simulation_begin(const struct command_line *line, const char *folder, const char *link, int fd,
                             int http)
{
    setsid();
    prctl(PR_SET_NAME, "belay-simulate");
    limits_set();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    http = fcntl(http, F_DUPFD_CLOEXEC, STDERR_FILENO + 3); /* out of the way of the next line */
    dup2(fd, STDERR_FILENO + 1);
    dup2(http, STDERR_FILENO + 2);
    close_range(STDERR_FILENO + 3, ~0u, 0);
    const char *argv[] = {"simulate",
                          "--scenario",
                          value(line, "scenario", "shard"),
                          "--seed",
                          value(line, "seed", "1"),
                          "--speed",
                          value(line, "speed", "1"),
                          "--listen-fd",
                          "3",
                          "--http-fd",
                          "4",
                          "--folder",
                          folder,
                          "--link",
                          link,
                          NULL};
    _exit(simulate_main((int)(sizeof argv / sizeof *argv) - 1, (char **)(uintptr_t)argv));
}

/* ---- its socket ---- */

static void address_fill(const char *folder, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "%.64s/simulation", folder);
}

static int stage_listen(const char *folder, struct err *e)
{
    struct sockaddr_un address;
    address_fill(folder, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0) {
        err_errno(e, "the simulation can't be started");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

enum answer { ANSWER_PORT, ANSWER_BUSY, ANSWER_NONE };

static int stage_link(const char *folder)
{
    struct sockaddr_un address;
    address_fill(folder, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Connected, and greeted with a port: then *fd is the link. */
static enum answer stage_connect(const char *folder, int *fd)
{
    struct timeval wait = {.tv_sec = STAGE_WAIT_S};
    char line[16] = "";
    *fd = stage_link(folder);
    if (*fd < 0)
        return ANSWER_NONE;
    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (size_t length = 0; length < sizeof line - 1 && !strchr(line, '\n');) {
        ssize_t n = recv(*fd, line + length, sizeof line - 1 - length, 0);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    if (line[0] >= '0' && line[0] <= '9')
        return ANSWER_PORT;
    close(*fd);
    *fd = -1;
    return line[0] ? ANSWER_BUSY : ANSWER_NONE;
}

/* ---- the folder ---- */

/* What the stage was built for: another scenario is another stage. */
static char *stage_kind(const struct command_line *line)
{
    return xasprintf("%s seed %s speed %s", value(line, "scenario", "shard"), value(line, "seed", "1"),
                     value(line, "speed", "1"));
}

static char *link_path(void)
{
    char *state = folder_state(), *link = path_join(state, "demo");
    folder_make(state, 0700, NULL);
    free(state);
    return link;
}

/* True when the link leads to a folder that only this user can have made. */
static bool link_read(const char *link, char folder[static 64])
{
    struct stat info;
    ssize_t length = readlink(link, folder, 63);
    if (length <= 0)
        return false;
    folder[length] = '\0';
    return str_starts(folder, STAGE_PREFIX) && !strchr(folder + strlen(STAGE_PREFIX), '/') &&
           lstat(folder, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & 077) == 0;
}

/* Without its newline; "" when it can't be read. */
static void kind_read(const char *folder, char *kind, size_t size)
{
    struct str text = {0};
    char *path = path_join(folder, "kind");
    file_read(path, 256, &text, NULL);
    snprintf(kind, size, "%.*s", (int)strcspn(str_text(&text), "\n"), str_text(&text));
    str_fini(&text);
    free(path);
}

static bool kind_is(const char *folder, const char *kind)
{
    char seen[256];
    kind_read(folder, seen, sizeof seen);
    return str_eq(seen, kind);
}

/* True when the stage of a console that died is here now. *taken: the link is a living stage's. */
static bool stage_find(const char *link, const char *kind, struct stage *stage, bool *taken)
{
    *taken = false;
    if (!link_read(link, stage->folder))
        return false;
    enum answer answer = stage_connect(stage->folder, &stage->link);
    *taken = answer != ANSWER_NONE;
    if (answer == ANSWER_NONE)
        folder_remove(stage->folder, NULL); /* its simulation was killed */
    if (answer == ANSWER_PORT && !kind_is(stage->folder, kind)) {
        kind_read(stage->folder, stage->other, sizeof stage->other);
        close(stage->link);
        stage->link = -1;
    }
    stage->found = stage->link >= 0;
    return stage->found;
}

/* Its greeting is not waited for: the console's first frame would wait with it. */
static int simulation_fork(const struct command_line *line, const char *link, int fd, int http,
                           struct stage *stage, struct err *e)
{
    stage->link = stage_link(stage->folder);
    stage->pid = fork();
    if (stage->pid == 0)
        simulation_begin(line, stage->folder, link, fd, http);
    if (stage->pid > 0)
        return 0;
    stage->pid = 0;
    return err_errno(e, "the simulation can't be started");
}

static int stage_begin(const struct command_line *line, const char *link, const char *kind,
                       struct stage *stage, struct err *e)
{
    snprintf(stage->folder, sizeof stage->folder, STAGE_TEMPLATE);
    if (!mkdtemp(stage->folder)) {
        stage->folder[0] = '\0';
        return err_errno(e, "no folder for the demo in /tmp");
    }
    char *path = path_join(stage->folder, "kind");
    int code = file_write(path, kind, strlen(kind), 0600, e);
    free(path);
    int http = code == 0 ? simulate_prepare(stage->folder, e) : -1;
    int fd = http >= 0 ? stage_listen(stage->folder, e) : -1;
    if (fd >= 0)
        code = simulation_fork(line, link, fd, http, stage, e);
    if (fd >= 0)
        close(fd);
    if (http >= 0)
        close(http);
    return fd >= 0 ? code : e->code;
}

int stage_open(const struct command_line *line, struct stage *stage, struct err *e)
{
    char *link = link_path(), *kind = stage_kind(line);
    bool taken = false;
    int code = 0;
    *stage = (struct stage){.link = -1};
    if (!stage_find(link, kind, stage, &taken)) {
        code = stage_begin(line, link, kind, stage, e);
        if (code == 0 && !taken) {
            unlink(link);
            if (symlink(stage->folder, link) < 0)
                code = 0; /* it will not be found again, nothing else */
        }
    }
    free(link);
    free(kind);
    return code;
}

/* ---- the end ---- */

struct ending {
    struct spool *spool;
    struct loop *loop;
    VEC(struct execution *) steps;
    size_t left;
};

static void step_ended(void *data, const struct exec_result *result)
{
    struct ending *ending = data;
    (void)result;
    ending->left--;
}

static void step_end(void *data, const struct spool_entry *entry)
{
    static const struct execution_events events = {.ended = step_ended};
    struct ending *ending = data;
    if (entry->state != SPOOL_RUNNING && entry->state != SPOOL_ARMED)
        return;
    struct execution *x = execution_adopt(ending->spool, ending->loop, entry->key, &events, ending, NULL);
    if (!x)
        return;
    *vec_push(&ending->steps) = x;
    ending->left++;
    execution_cancel(x, NULL);
}

/* A step of the demo acts on the simulation alone, and that ends now. */
static void steps_end(const char *folder)
{
    char *path = path_join(folder, "state/spool");
    struct ending ending = {.loop = loop_new(NULL)};
    ending.spool = ending.loop && access(path, F_OK) == 0 ? spool_open(path, false, NULL, NULL) : NULL;
    free(path);
    if (ending.spool) {
        int64_t until = clock_monotonic_us() + STAGE_END_MS * US_PER_MS;
        spool_each(ending.spool, step_end, &ending, NULL);
        while (ending.left > 0 && clock_monotonic_us() < until)
            loop_run_once(ending.loop, 50 * US_PER_MS);
        for (size_t i = 0; i < ending.steps.len; i++)
            execution_free(ending.steps.data[i]);
        vec_fini(&ending.steps);
        spool_close(ending.spool);
    }
    if (ending.loop)
        loop_free(ending.loop);
}

static void simulation_end(struct stage *stage)
{
    struct timeval wait = {.tv_usec = 100000};
    char byte;
    setsockopt(stage->link, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (send(stage->link, "end\n", 4, MSG_NOSIGNAL) == 4)
        for (int turns = 0; turns < STAGE_END_MS / 100; turns++) {
            ssize_t n = recv(stage->link, &byte, 1, 0);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                break;
        }
}

void stage_close(struct stage *stage, bool gone)
{
    if (gone && stage->link >= 0) {
        close(stage->link);
        return;
    }
    if (!stage->folder[0])
        return;
    steps_end(stage->folder);
    if (stage->link >= 0) {
        simulation_end(stage);
        close(stage->link);
    }
    if (stage->pid > 0) {
        kill(stage->pid, SIGTERM);
        waitpid(stage->pid, NULL, 0);
    }
    folder_remove(stage->folder, NULL);
}
