/* The shipped runbooks, walked in line mode against the simulated platform, in every branch that they have.
 * Each walk is a scenario, a document, what is answered where, and what must be in the transcript afterwards.
 *
 * usage: [RUNBOOKS=FOLDER] integration_runbooks BINDIR [NAME]     those whose name begins so, or all */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "tests/integration/runbooks.h"

#define WALK_US   (280 * US_PER_S)  /* for one document, on a busy machine */
#define GUARD_US  (520 * US_PER_MS) /* a page takes no answer in its first half second */
#define REPEAT_US (4 * US_PER_S)
#define MEMORY    (4000UL * 1000 * 1000)
#define TURNS_MAX 200

struct stage {
    const char *bin;
    char folder[64];
    char *path, *config;
    pid_t simulation;
};

struct person {
    const struct stage *stage;
    const struct walk *walk;
    pid_t pid;
    int fd;
    struct str all, seen; /* the transcript; of that what came since the last answer */
    bool used[ANSWERS_MAX];
    int turns;
    char *said; /* the last answer ... */
    int64_t said_us;
};

static void fail(const struct person *p, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

static void fail(const struct person *p, const char *format, ...)
{
    va_list args;
    printf("%s: ", p->walk->name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n--- the transcript ---\n%s\n", str_text(&p->all));
    kill(p->pid, SIGKILL);
    kill(p->stage->simulation, SIGKILL);
    exit(1);
}

/* ---- the platform ---- */

static void simulation_exec(const struct stage *s, const struct walk *w, int out)
{
    char *program = path_join(s->bin, "belay-console");
    struct rlimit limit = {MEMORY, MEMORY};
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it ends with this test, however that ends */
    setrlimit(RLIMIT_AS, &limit);
    dup2(out, STDOUT_FILENO);
    execl(program, program, "simulate", "--scenario", w->scenario, "--speed", w->speed ? w->speed : "20",
          "--seed", "1", "--folder", s->folder, NULL);
    _exit(127);
}

static void stage_open(struct stage *s, const struct walk *w)
{
    int ends[2];
    char port[16];
    snprintf(s->folder, sizeof s->folder, "/tmp/belay-walk.XXXXXX");
    if (!mkdtemp(s->folder) || pipe2(ends, O_CLOEXEC) != 0) {
        perror("no place for the platform");
        exit(1);
    }
    s->simulation = fork();
    if (s->simulation == 0)
        simulation_exec(s, w, ends[1]);
    close(ends[1]);
    if (read(ends[0], port, sizeof port) <= 0) {
        printf("%s: the simulation did not start\n", w->name);
        exit(1);
    }
    close(ends[0]);
    s->config = path_join(s->folder, "belay.yaml");
    s->path = xasprintf("%s/bin:%s", s->folder, getenv("PATH"));
}

static void stage_close(struct stage *s)
{
    kill(s->simulation, SIGTERM);
    waitpid(s->simulation, NULL, 0);
    folder_remove(s->folder, NULL);
    free(s->config);
    free(s->path);
}

static int shell(const struct stage *s, const char *command, struct str *out)
{
    char *line =
        xasprintf("PATH=%s BELAY=%s/belay-console CONFIG=%s XDG_STATE_HOME=%s; export PATH BELAY CONFIG "
                  "XDG_STATE_HOME; cd %s; %s",
                  s->path, s->bin, s->config, s->folder, s->folder, command);
    FILE *pipe = popen(line, "re");
    char buffer[4096];
    size_t got;
    str_clear(out);
    while (pipe && (got = fread(buffer, 1, sizeof buffer, pipe)) > 0)
        str_add_bytes(out, buffer, got);
    free(line);
    int status = pipe ? pclose(pipe) : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the person ---- */

static void person_start(struct person *p)
{
    const struct walk *w = p->walk;
    const char *argv[40] = {"belay-console", "runbook", "run", "--line", "--config", p->stage->config};
    if (w->mode) {
        argv[1] = "safe-mode";
        argv[2] = w->mode;
    }
    size_t count = 6;
    char *program = path_join(p->stage->bin, "belay-console");
    const char *folder = getenv("RUNBOOKS");
    char *document = xasprintf("%s/%s.md", folder ? folder : SOURCE_DIR "/assets/runbooks", w->document);
    for (size_t i = 0; i < VARIABLES_MAX && w->variables[i]; i++) {
        argv[count++] = "--var";
        argv[count++] = w->variables[i];
    }
    argv[count] = w->mode ? NULL : document;
    p->pid = forkpty(&p->fd, NULL, NULL, NULL);
    if (p->pid == 0) {
        setenv("XDG_STATE_HOME", p->stage->folder, 1);
        setenv("XDG_RUNTIME_DIR", p->stage->folder, 1);
        setenv("PATH", p->stage->path, 1);
        if (chdir(p->stage->folder) == 0)
            execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    fcntl(p->fd, F_SETFD, FD_CLOEXEC);
    free(program);
    free(document);
}

/* False when it has ended. */
static bool person_read(struct person *p, int ms)
{
    struct pollfd poll_fd = {.fd = p->fd, .events = POLLIN};
    char bytes[4096];
    if (poll(&poll_fd, 1, ms) <= 0)
        return true;
    ssize_t n = read(p->fd, bytes, sizeof bytes);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    str_add_bytes(&p->all, bytes, (size_t)n);
    str_add_bytes(&p->seen, bytes, (size_t)n);
    return true;
}

static void person_type(struct person *p, const char *text)
{
    char *line = xasprintf("%s\n", text);
    str_clear(&p->seen);
    if (++p->turns > TURNS_MAX)
        fail(p, "it asks and asks");
    if (write(p->fd, line, strlen(line)) < 0)
        fail(p, "its terminal is gone");
    free(p->said);
    p->said = line;
    p->said_us = clock_monotonic_us();
}

/* What is typed before the question is whole is thrown away, as it should be; on a busy machine that happens
 * to us. Nobody minds an answer to nothing. */
static void person_repeat(struct person *p)
{
    size_t length = p->said ? strlen(p->said) : 0;
    if (length == 0 || clock_monotonic_us() - p->said_us < REPEAT_US || p->seen.len > length + 1)
        return;
    p->said_us = clock_monotonic_us();
    str_clear(&p->seen);
    if (write(p->fd, p->said, length) < 0)
        fail(p, "its terminal is gone");
}

/* What this walk says to a question; NULL: nothing is said about it. */
static const char *answer_find(struct person *p)
{
    for (size_t i = 0; i < ANSWERS_MAX && p->walk->answers[i].to; i++) {
        if (p->used[i] || !strstr(str_text(&p->seen), p->walk->answers[i].to))
            continue;
        p->used[i] = true;
        return p->walk->answers[i].say;
    }
    return NULL;
}

static bool ends_with_prompt(const struct person *p, const char *prompt)
{
    const char *at = NULL;
    for (const char *next = str_text(&p->seen); (next = strstr(next, prompt)); next++)
        at = next;
    return at && strchr(at, '\n') == NULL;
}

/* "Type shard-5 to run it, ..." to "shard-5" */
static char *confirmation(const struct person *p)
{
    const char *at = NULL;
    for (const char *next = str_text(&p->seen); (next = strstr(next, "Type ")); next++)
        at = next;
    const char *end = at ? strstr(at, " to run it") : NULL;
    return end ? xstrndup(at + 5, (size_t)(end - at - 5)) : xstrdup("yes");
}

static void person_wait(struct person *p, int64_t us)
{
    for (int64_t until = clock_monotonic_us() + us; clock_monotonic_us() < until;)
        person_read(p, (int)((until - clock_monotonic_us()) / US_PER_MS) + 1);
}

static void person_turn(struct person *p)
{
    static const char *const prompts[] = {" to run it, ", "done or failed, then a word about it: ",
                                          "Your answer, then why: ", "Your choice", "): "};
    const char *say;
    size_t asked = 0;
    while (asked < sizeof prompts / sizeof *prompts && !ends_with_prompt(p, prompts[asked]))
        asked++;
    if (asked < sizeof prompts / sizeof *prompts) {
        person_wait(p, GUARD_US);
        if (!ends_with_prompt(p, prompts[asked]))
            return; /* it was a line of output, half of it read */
    }
    if (asked == 0) {
        char *usual = confirmation(p);
        say = answer_find(p);
        person_type(p, say ? say : usual);
        free(usual);
    } else if (asked == 1) {
        say = answer_find(p);
        person_type(p, say ? say : "done as it should be");
    } else if (asked < sizeof prompts / sizeof *prompts) {
        say = answer_find(p);
        if (!say)
            fail(p, "a question that this walk has no answer to");
        person_type(p, say);
    }
}

static void person_walk(struct person *p)
{
    int64_t until = clock_monotonic_us() + WALK_US;
    int status;
    person_start(p);
    while (person_read(p, 20)) {
        if (clock_monotonic_us() > until)
            fail(p, "it takes too long");
        person_turn(p);
        person_repeat(p);
    }
    waitpid(p->pid, &status, 0);
    close(p->fd);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != p->walk->status)
        fail(p, "it ended with %x, wanted %d", (unsigned)status, p->walk->status);
}

/* ---- a walk ---- */

static void transcript_check(const struct person *p)
{
    const struct walk *w = p->walk;
    for (size_t i = 0; i < TOLD_MAX && w->told[i]; i++) {
        bool absent = w->told[i][0] == '!';
        if ((strstr(str_text(&p->all), w->told[i] + absent) != NULL) == absent)
            fail(p, absent ? "it told: %s" : "it did not tell: %s", w->told[i] + absent);
    }
    for (size_t i = 0; i < ANSWERS_MAX && w->answers[i].to; i++)
        if (!p->used[i])
            fail(p, "nothing asked for the answer to: %s", w->answers[i].to);
}

static void after_check(const struct person *p)
{
    struct str out = {0};
    for (size_t i = 0; i < AFTER_MAX && p->walk->after[i]; i++)
        if (shell(p->stage, p->walk->after[i], &out) != 0)
            fail(p, "afterwards this does not hold: %s\n%s", p->walk->after[i], str_text(&out));
    if (shell(p->stage, "\"$BELAY\" verify --config \"$CONFIG\" 2>&1", &out) != 0)
        fail(p, "the journal does not verify: %s", str_text(&out));
    str_fini(&out);
}

static void before_wait(const struct stage *s, const struct walk *w)
{
    struct str out = {0};
    int64_t until = clock_monotonic_us() + 60 * US_PER_S;
    char *open =
        w->opens ? xasprintf("\"$BELAY\" incident open '%s' --config \"$CONFIG\" 2>&1", w->opens) : NULL;
    if (open && shell(s, open, &out) != 0) {
        printf("%s: %s: %s\n", w->name, open, str_text(&out));
        exit(1);
    }
    free(open);
    while (w->before && shell(s, w->before, &out) != 0) {
        if (clock_monotonic_us() > until) {
            printf("%s: never: %s\n%s\n", w->name, w->before, str_text(&out));
            exit(1);
        }
        poll(NULL, 0, 50);
    }
    str_fini(&out);
}

static void walk_do(struct stage *s, const struct walk *w)
{
    struct person p = {.stage = s, .walk = w};
    int64_t began_us = clock_monotonic_us();
    if (!w->goes_on)
        stage_open(s, w);
    before_wait(s, w);
    person_walk(&p);
    transcript_check(&p);
    after_check(&p);
    if (!w[1].goes_on)
        stage_close(s);
    printf("%-28s %5.1f s, %d answers\n", w->name, (double)(clock_monotonic_us() - began_us) / 1e6, p.turns);
    fflush(stdout);
    str_fini(&p.all);
    str_fini(&p.seen);
    free(p.said);
}

int main(int argc, char **argv)
{
    struct stage s = {.bin = argc > 1 ? argv[1] : NULL};
    bool any = false;
    if (argc < 2) {
        fprintf(stderr, "usage: %s BINDIR [NAME]\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (const struct walk *w = walks; w->name; w++) {
        if (argc > 2 && !str_starts(w->name, argv[2]))
            continue;
        walk_do(&s, w);
        any = true;
    }
    return any ? 0 : 2;
}
