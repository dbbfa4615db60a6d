/* crash_steps BELAY console|everybody: a driver arms steps, sends them off, follows and forgets them, with a
 * log that it writes ahead as a console does its journal; it is killed with -9 at random moments, and a new
 * one takes over. `everybody` kills supervisors and steps as well. At the end the log is compared with what
 * the steps wrote down themselves: none ran twice, none without a durable intent, none is unaccounted for, no
 * outcome is false, the spool is empty.
 *
 * It goes on for CRASH_SECONDS (20; with BELAY_PROOF=1 300) and at least CRASH_KILLS (300) deaths of drivers.
 * CRASH_SEED repeats the dice, not the scheduler. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/execute.h"
#include "engine/io/io.h"
#include "tests/crash/steps_log.h"

#define AT_ONCE    3   /* steps of a driver that run side by side */
#define CYCLES_MIN 300 /* deaths of drivers */

/* ---- The driver: a console without a screen ---- */

struct driver {
    struct loop *loop;
    struct spool *spool;
    struct log log;
    struct rng rng;
    uint64_t seed; /* in its keys: numbers of processes come again within some minutes */
    const char *folder;
    int running;
    int made;
    bool finishing;
};

struct job {
    struct driver *driver;
    char key[32];
    struct execution *x;
    bool ready;               /* it waits to be given something */
    struct loop_timer *timer; /* for what comes next: go, void or cancel */
    long out_bytes;
};

static void job_start(struct driver *d);

/* The narrow moments, which a clock rarely hits. */
static void perhaps_die(struct driver *d)
{
    if (!d->finishing && rng_below(&d->rng, 24) == 0)
        kill(getpid(), SIGKILL);
}

static void job_free(void *data)
{
    struct job *j = data;
    execution_free(j->x);
    loop_timer_free(j->timer);
    free(j);
}

static void on_output(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    struct job *j = data;
    (void)bytes;
    if (stream == EXEC_STDOUT)
        j->out_bytes += (long)length;
}

/* False when its supervisor is still about to find out that it is void. */
static bool forget(struct driver *d, const char *key)
{
    struct err e;
    int code = execution_forget(d->spool, key, &e);
    if (code < 0 && code != ERR_NOT_FOUND && code != ERR_BUSY) {
        fprintf(stderr, "forget %s: %s\n", key, e.msg);
        exit(1);
    }
    return code != ERR_BUSY;
}

static void job_over(struct job *j)
{
    struct driver *d = j->driver;
    d->running--;
    loop_timer_stop(j->timer);
    loop_post(d->loop, job_free, j);
    if (!d->finishing && d->running < AT_ONCE)
        job_start(d);
}

static void on_ended(void *data, const struct exec_result *r)
{
    struct job *j = data;
    struct driver *d = j->driver;
    char line[128];
    const struct known *k = log_find(&d->log, j->key);
    if (k->intent && !k->outcomes) {
        snprintf(line, sizeof line, "outcome %s %d %d %ld", j->key, r->how, r->status, j->out_bytes);
        log_add(&d->log, line);
    }
    perhaps_die(d);
    forget(d, j->key);
    job_over(j);
}

static const struct execution_events events = {.output = on_output, .ended = on_ended};

static void log_word(struct driver *d, const char *word, const char *key)
{
    char line[64];
    snprintf(line, sizeof line, "%s %s", word, key);
    log_add(&d->log, line);
}

static void on_cancel(void *data)
{
    struct job *j = data;
    log_word(j->driver, "cancel", j->key);
    execution_cancel(j->x, NULL);
}

/* The status that a step must give, so that a swapped outcome is seen. */
static int status_of(const char *key)
{
    return (int)(checksum64(key, strlen(key)) % 100);
}

/* What it is to run, as soon as it waits for that or at once: true. False: its supervisor is gone. */
static bool job_give(struct job *j)
{
    struct driver *d = j->driver;
    struct err e;
    char *script =
        xasprintf("echo %s start >>%s/oracle; echo begin; sleep 0.0%d; head -c 20000 /dev/zero; "
                  "echo %s end >>%s/oracle; exit %d",
                  j->key, d->folder, (int)rng_below(&d->rng, 100), j->key, d->folder, status_of(j->key));
    const char *argv[] = {"sh", "-c", script, NULL};
    struct exec_request request = {
        .key = j->key, .argv = (char *const *)(uintptr_t)argv, .grace_us = 200 * US_PER_MS};
    int code = 0;
    if (j->ready)
        code = execution_give(j->x, &request, &events, j, &e);
    else
        j->x = execution_arm(d->spool, d->loop, &request, &events, j, &e);
    free(script);
    if (!j->x || (code < 0 && code != ERR_NOT_FOUND)) {
        fprintf(stderr, "arm %s: %s\n", j->key, e.msg);
        exit(1);
    }
    return code == 0;
}

/* A page that is closed, or one whose supervisor was killed. */
static void job_discard(struct job *j)
{
    execution_free(j->x);
    j->x = NULL;
    perhaps_die(j->driver);
    forget(j->driver, j->key); /* its supervisor does, if it lives */
    job_over(j);
}

static void on_decide(void *data)
{
    struct job *j = data;
    struct driver *d = j->driver;
    uint64_t dice = rng_below(&d->rng, 10);
    if (j->ready && (dice == 0 || !job_give(j))) {
        job_discard(j);
        return;
    }
    perhaps_die(d);
    if (dice == 0) {
        execution_void(j->x);
        return;
    }
    log_word(d, "intent", j->key);
    perhaps_die(d);
    execution_go(j->x, NULL);
    perhaps_die(d);
    if (dice == 1) {
        loop_timer_free(j->timer);
        j->timer = loop_timer_new(d->loop, on_cancel, j);
        loop_timer_start(j->timer, (int64_t)rng_below(&d->rng, 30000), 0);
    }
}

static struct job *job_new(struct driver *d, const char *key)
{
    struct job *j = xcalloc(1, sizeof *j);
    j->driver = d;
    snprintf(j->key, sizeof j->key, "%.31s", key);
    j->timer = loop_timer_new(d->loop, on_decide, j);
    d->running++;
    return j;
}

/* Half of them as a page does: first a supervisor, later what it is to run. */
static void job_start(struct driver *d)
{
    struct err e;
    char key[32];
    snprintf(key, sizeof key, "d%" PRIx64 "-t%d", d->seed, ++d->made);
    struct job *j = job_new(d, key);
    j->ready = rng_below(&d->rng, 2);
    if (j->ready)
        j->x = execution_ready(d->spool, d->loop, key, false, &events, j, &e);
    else
        job_give(j);
    if (!j->x) {
        fprintf(stderr, "ready %s: %s\n", key, e.msg);
        exit(1);
    }
    perhaps_die(d);
    loop_timer_start(j->timer, (int64_t)rng_below(&d->rng, 10000), 0);
}

static void take_over(void *data, const struct spool_entry *entry)
{
    struct driver *d = data;
    struct err e;
    if (log_find(&d->log, entry->key)->outcomes && forget(d, entry->key))
        return; /* killed between the outcome and the removal */
    struct job *j = job_new(d, entry->key);
    j->x = execution_adopt(d->spool, d->loop, entry->key, &events, j, &e);
    if (!j->x && e.code == ERR_NOT_FOUND && !log_find(&d->log, entry->key)->intent) {
        job_over(j); /* it had nothing to run, and is just going */
        return;
    }
    if (!j->x) {
        fprintf(stderr, "adopt %s: %s\n", entry->key, e.msg);
        exit(1);
    }
}

static int drive(const char *program, const char *folder, uint64_t seed, bool finishing)
{
    struct err e;
    struct driver d = {.folder = folder, .seed = seed, .finishing = finishing};
    char *spool = path_join(folder, "spool");
    rng_seed(&d.rng, seed);
    log_open(&d.log, folder);
    d.loop = loop_new(&e);
    d.spool = spool_open(spool, false, program, &e);
    if (!d.spool || spool_each(d.spool, take_over, &d, &e) < 0) {
        fprintf(stderr, "driver: %s\n", e.msg);
        return 1;
    }
    while (d.running < AT_ONCE && !finishing)
        job_start(&d);
    while (d.running > 0)
        loop_run_once(d.loop, -1);
    return 0; /* memory goes with the process, as it does when it is killed */
}

/* ---- The killer ---- */

struct campaign {
    const char *self, *program;
    bool everybody;
    char folder[64];
    struct rng rng;
    int cycles;
    int killed_others;
    long patience_ns; /* bound of a driver's life */
    off_t log_size;
};

static pid_t driver_spawn(struct campaign *c, bool finishing)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, rng_next(&c->rng));
    pid_t pid = fork();
    if (pid == 0) {
        execl(c->self, c->self, c->program, finishing ? "finish" : "drive", c->folder, seed, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Supervisors became ours when their driver died; a step is a supervisor's child. */
static void kill_somebody(struct campaign *c, pid_t parent, int depth)
{
    char path[64];
    struct str list = {0};
    VEC(pid_t) pids = {0};
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    if (file_read(path, 1 << 16, &list, NULL) == 0) {
        char *at = list.data, *end;
        for (long pid; at && (pid = strtol(at, &end, 10)) > 0; at = end)
            *vec_push(&pids) = (pid_t)pid;
    }
    if (pids.len) {
        pid_t pid = pids.data[rng_below(&c->rng, pids.len)];
        if (depth > 0 && rng_below(&c->rng, 2))
            kill_somebody(c, pid, depth - 1);
        else
            c->killed_others += kill(pid, SIGKILL) == 0;
    }
    vec_fini(&pids);
    str_fini(&list);
}

static off_t log_size(const struct campaign *c)
{
    struct stat st;
    char *path = path_join(c->folder, "log");
    off_t size = stat(path, &st) == 0 ? st.st_size : 0;
    free(path);
    return size;
}

static bool cycle(struct campaign *c)
{
    c->cycles++;
    pid_t pid = driver_spawn(c, false);
    struct timespec wait = {.tv_nsec = (long)rng_below(&c->rng, (uint64_t)c->patience_ns)};
    nanosleep(&wait, NULL);
    for (uint64_t n = c->everybody ? rng_below(&c->rng, 3) : 0; n > 0; n--)
        kill_somebody(c, getpid(), 1); /* it may see that happen */
    kill(pid, SIGKILL);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status)) {
        printf("a driver ended by itself with %d\n", WEXITSTATUS(status));
        return false;
    }
    if (WTERMSIG(status) != SIGKILL) {
        printf("a driver crashed: signal %d\n", WTERMSIG(status));
        return false;
    }
    if (c->everybody && rng_below(&c->rng, 2))
        kill_somebody(c, getpid(), 1);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    /* Near the moment when it begins to act, however fast this machine is now. */
    off_t size = log_size(c);
    c->patience_ns = size == c->log_size ? c->patience_ns * 5 / 4 : c->patience_ns * 7 / 8;
    c->patience_ns = c->patience_ns > 900000000 ? 900000000 : c->patience_ns;
    c->log_size = size;
    return true;
}

/* ---- The verdict ---- */

static size_t count(const struct str *text, const char *line)
{
    size_t n = 0, length = strlen(line);
    for (const char *at = str_text(text); (at = strstr(at, line)); at += length)
        n += at == text->data || at[-1] == '\n';
    return n;
}

static const char *judge(const struct campaign *c, const struct known *k, size_t starts, size_t ends)
{
    if (starts > 1)
        return "ran twice";
    if (!k->intent)
        return starts ? "ran without an intent" : NULL;
    if (k->outcomes != 1)
        return "has not one outcome";
    if (k->how == EXEC_EXITED)
        return starts != 1 || ends != 1         ? "is said to have exited, and didn't"
               : k->status != status_of(k->key) ? "has another's status"
               : k->out_bytes != 20006          ? "lost output"
                                                : NULL;
    if (k->how == EXEC_VOID || k->how == EXEC_NOT_STARTED)
        return starts ? "is said never to have started, and did" : NULL;
    if (k->how == EXEC_CANCELLED)
        return k->cancelled ? NULL : "was cancelled by nobody";
    if ((k->how == EXEC_LOST || k->how == EXEC_SIGNALLED) && c->everybody)
        return NULL;
    return "has an outcome that can't be";
}

static bool spool_left(const char *folder)
{
    char *command = xasprintf("test -n \"$(ls %s/spool)\"", folder);
    int status = system(command);
    free(command);
    return status == 0;
}

static int verdict(struct campaign *c)
{
    struct log log;
    struct str oracle = {0};
    int bad = 0, hows[EXEC_HUNG_UP + 1] = {0};
    char *path = path_join(c->folder, "oracle");
    log_open(&log, c->folder);
    file_read(path, 64 << 20, &oracle, NULL);
    for (size_t i = 0; i < log.len; i++) {
        char start[64], end[64];
        const struct known *k = &log.data[i];
        snprintf(start, sizeof start, "%s start\n", k->key);
        snprintf(end, sizeof end, "%s end\n", k->key);
        const char *wrong = judge(c, k, count(&oracle, start), count(&oracle, end));
        if (wrong) {
            printf("%s %s: intent %d, %d outcomes, the last %d %d, %ld bytes, %zu starts, %zu ends\n", k->key,
                   wrong, k->intent, k->outcomes, k->how, k->status, k->out_bytes, count(&oracle, start),
                   count(&oracle, end));
            bad++;
        }
        if (k->outcomes > 0 && k->how >= 0 && k->how <= EXEC_HUNG_UP)
            hows[k->how]++;
    }
    /* A start of a step that the log never heard of. */
    char *rest = oracle.data, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        char key[32];
        if (sscanf(line, "%31s", key) == 1 && !log_find(&log, key)->intent)
            bad++, printf("%s ran, and no intent was ever logged\n", key);
    }
    if (spool_left(c->folder))
        bad++, printf("the spool is not empty\n");
    printf("%zu steps: %d exited, %d void, %d cancelled, %d lost, %d signalled; %d others killed; %d wrong\n",
           log.len, hows[EXEC_EXITED], hows[EXEC_VOID], hows[EXEC_CANCELLED], hows[EXEC_LOST],
           hows[EXEC_SIGNALLED], c->killed_others, bad);
    if (hows[EXEC_EXITED] == 0 || hows[EXEC_VOID] == 0)
        bad++, printf("the campaign proved nothing: no step exited, or none was void\n");
    return bad ? 1 : 0;
}

static int64_t setting(const char *name, int64_t fallback)
{
    const char *value = getenv(name);
    return value && *value ? strtoll(value, NULL, 10) : fallback;
}

static int campaign(const char *self, const char *program, const char *victims)
{
    struct campaign c = {.self = self,
                         .program = program,
                         .everybody = str_eq(victims, "everybody"),
                         .patience_ns = 100000000};
    bool proof = setting("BELAY_PROOF", 0) != 0;
    uint64_t seed = (uint64_t)setting("CRASH_SEED", (int64_t)(rng_entropy() >> 1));
    int64_t seconds = setting("CRASH_SECONDS", proof ? 300 : 20), kills = setting("CRASH_KILLS", CYCLES_MIN);
    snprintf(c.folder, sizeof c.folder, "/tmp/belay-crash-XXXXXX");
    if (!mkdtemp(c.folder))
        return 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    rng_seed(&c.rng, seed);
    int64_t end_us = clock_monotonic_us() + seconds * US_PER_S;
    bool well = true;
    while (well && (c.cycles < kills || clock_monotonic_us() < end_us))
        well = cycle(&c);
    int status = 1;
    pid_t last = driver_spawn(&c, true);
    alarm(120); /* a step that nobody ends would hold us here */
    while (waitpid(last, &status, 0) < 0 && errno == EINTR)
        continue;
    while (waitpid(-1, NULL, 0) > 0) /* every supervisor is gone: what the oracle says now is final */
        continue;
    alarm(0);
    printf("CRASH_SEED=%" PRIu64 ": %d cycles, %s\n", seed, c.cycles, victims);
    int code = verdict(&c) || status || !well;
    if (code == 0)
        folder_remove(c.folder, NULL);
    else
        printf("left for a look: %s\n", c.folder);
    return code;
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return drive(argv[1], argv[3], strtoull(argv[4], NULL, 10), str_eq(argv[2], "finish"));
    if (argc == 3)
        return campaign(argv[0], argv[1], argv[2]);
    fprintf(stderr, "usage: %s BELAY console|everybody\n", argv[0]);
    return 2;
}
