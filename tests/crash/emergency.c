/* A run whose journal's disk gets full: emergency journals are made, gone on in, and imported, while
 * everybody is killed with -9 at random moments and somebody else tries to go on in the main journal. The
 * steps themselves keep the oracle: each appends a line when it begins and one when it ends. At the end of
 * every round each step ran exactly once, whoever had it, the run has ended, and the main journal verifies.
 *
 * usage: crash_emergency BINDIR [SECONDS] [SEED]      until the time is over (CRASH_SECONDS, 60) */
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "engine/base/base.h"
#include "tests/integration/small_disk.h"

#define STEPS    3
#define WAIT_US  (180 * US_PER_S)
#define GUARD_US (520 * US_PER_MS)

/* One process in a pty, which says yes to whatever a step asks. */
struct actor {
    pid_t pid;
    int fd, status;
    bool running;
    int64_t kill_at, prompt_at;
    struct str seen;
};

struct trial {
    const char *bin;
    char folder[64];
    char *state, *place, *document, *oracle, *filler;
    struct rng rng;
    unsigned kills, rounds, made, imported, refused;
};

static void fail(const struct trial *t, const struct actor *a, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

static void fail(const struct trial *t, const struct actor *a, const char *format, ...)
{
    va_list args;
    struct str text = {0};
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\nin round %u, after %u kills, in %s\n", t->rounds, t->kills, t->folder);
    if (a)
        printf("--- its last words ---\n%s\n", str_text(&a->seen));
    if (file_read(t->oracle, 1u << 20, &text, NULL) == 0)
        printf("--- the oracle ---\n%s\n", str_text(&text));
    exit(1);
}

/* ---- who acts ---- */

static void actor_start(const struct trial *t, struct actor *a, const char *const *words)
{
    char *program = path_join(t->bin, "belay-console");
    const char *argv[12] = {program};
    for (size_t i = 0; words[i] && i < 10; i++)
        argv[i + 1] = words[i];
    str_clear(&a->seen);
    a->kill_at = a->prompt_at = 0;
    a->running = true;
    a->pid = forkpty(&a->fd, NULL, NULL, NULL);
    if (a->pid == 0) {
        setenv("XDG_STATE_HOME", t->state, 1);
        setenv("XDG_RUNTIME_DIR", t->folder, 1);
        setenv("ORACLE", t->oracle, 1);
        if (chdir(t->folder) == 0)
            execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    fcntl(a->fd, F_SETFD, FD_CLOEXEC);
    free(program);
}

static void actor_end(struct actor *a)
{
    waitpid(a->pid, &a->status, 0);
    close(a->fd);
    a->running = false;
}

static void actor_kill(struct trial *t, struct actor *a)
{
    kill(a->pid, SIGKILL);
    actor_end(a);
    t->kills++;
}

static void actor_read(struct actor *a)
{
    struct pollfd poll_fd = {.fd = a->fd, .events = POLLIN};
    char bytes[4096];
    if (poll(&poll_fd, 1, 2) <= 0)
        return;
    ssize_t n = read(a->fd, bytes, sizeof bytes);
    if (n > 0)
        str_add_bytes(&a->seen, bytes, (size_t)n);
    else
        actor_end(a);
}

/* True when it stands at a step's question, and may answer. */
static bool actor_asked(struct actor *a)
{
    if (!strstr(str_text(&a->seen), "Type yes"))
        return false;
    if (!a->prompt_at)
        a->prompt_at = clock_monotonic_us();
    return clock_monotonic_us() - a->prompt_at >= GUARD_US;
}

static void actor_answer(const struct trial *t, struct actor *a)
{
    str_clear(&a->seen);
    a->prompt_at = 0;
    if (write(a->fd, "yes\n", 4) != 4)
        fail(t, a, "its terminal is gone");
}

/* Both of them, until both have ended. */
static void actors_run(struct trial *t, struct actor *actors, size_t count)
{
    int64_t end = clock_monotonic_us() + WAIT_US;
    for (bool running = true; running;) {
        running = false;
        for (size_t i = 0; i < count; i++) {
            struct actor *a = &actors[i];
            if (!a->running)
                continue;
            running = true;
            if (a->kill_at && clock_monotonic_us() >= a->kill_at) {
                actor_kill(t, a);
                continue;
            }
            actor_read(a);
            if (a->running && actor_asked(a))
                actor_answer(t, a);
            if (strstr(str_text(&a->seen), "Your choice"))
                fail(t, a, "a question that nothing gave reason for");
            if (clock_monotonic_us() > end)
                fail(t, a, "it does not end");
        }
    }
}

static int run_one(struct trial *t, struct actor *a, const char *const *words)
{
    actor_start(t, a, words);
    actors_run(t, a, 1);
    return WIFEXITED(a->status) ? WEXITSTATUS(a->status) : -1;
}

/* ---- the disk ---- */

static void document_write(struct trial *t)
{
    struct str text = {0};
    str_add(&text, "# Kill me\n\n");
    for (int i = 0; i < STEPS; i++)
        str_addf(&text,
                 "## Step %d\n\n```sh {name=s%d timeout=20s}\n"
                 "echo begin s%d >> \"$ORACLE\"; sleep 0.1; echo end s%d >> \"$ORACLE\"\n```\n\n",
                 i, i, i, i);
    if (file_write_atomic(t->document, str_text(&text), text.len, 0600, NULL) < 0)
        fail(t, NULL, "the document can't be written");
    str_fini(&text);
}

/* To the last byte, and then what room the journal has in its own files. */
static void disk_fill(struct trial *t, struct actor *a)
{
    char note[2000];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    const char *words[] = {"incident", "note", note, NULL};
    int status = 0;
    for (int i = 0; i < 300 && status == 0; i++) {
        if (!small_disk_fill(t->filler))
            fail(t, NULL, "the disk does not get full");
        status = run_one(t, a, words);
    }
    if (status != 1)
        fail(t, a, "a note on a full disk ended with %d", status);
}

static unsigned lines(const struct trial *t, const char *word, int step)
{
    struct str text = {0};
    char line[32];
    unsigned count = 0;
    snprintf(line, sizeof line, "%s s%d\n", word, step);
    if (file_read(t->oracle, 1u << 20, &text, NULL) == 0)
        for (const char *at = str_text(&text); (at = strstr(at, line)); at += strlen(line))
            count++;
    str_fini(&text);
    return count;
}

/* ---- a round ---- */

/* The first steps, in the main journal; then the disk gets full, at a question or in the middle of a step. */
static void begin(struct trial *t, struct actor *a, struct actor *noter)
{
    const char *open[] = {"incident", "open", "a full disk", NULL};
    const char *run[] = {"runbook", "run", "--line", t->document, NULL};
    int steps = (int)rng_below(&t->rng, STEPS);
    int64_t end = clock_monotonic_us() + WAIT_US;
    run_one(t, noter, open);
    actor_start(t, a, run);
    for (int answered = 0; answered < steps || !actor_asked(a);) {
        actor_read(a);
        if (!a->running || clock_monotonic_us() > end)
            fail(t, a, "no question comes");
        if (answered < steps && actor_asked(a)) {
            actor_answer(t, a);
            answered++;
        }
    }
    if (rng_below(&t->rng, 2))
        actor_answer(t, a);
    disk_fill(t, noter);
    actor_kill(t, a);
}

/* Of the emergency journal that waits; "" when there is none. Those that don't any more have a suffix. */
static void find(const struct trial *t, char folder[static 200])
{
    glob_t found = {0};
    char *pattern = xasprintf("%s/belay-*/local-*/about", t->place);
    folder[0] = '\0';
    glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        if (strchr(strstr(path, "/local-"), '.'))
            continue;
        if (folder[0])
            fail(t, NULL, "two emergency journals wait");
        snprintf(folder, 200, "emergency:%.*s", (int)(strlen(path) - strlen("/about")), path);
    }
    globfree(&found);
    free(pattern);
}

static void make(struct trial *t, struct actor *a)
{
    const char *words[] = {"emergency", NULL};
    for (unsigned tries = 1 + (unsigned)rng_below(&t->rng, 4); tries > 0; tries--) {
        actor_start(t, a, words);
        if (tries > 1 || rng_below(&t->rng, 3) == 0)
            a->kill_at = clock_monotonic_us() + (int64_t)rng_below(&t->rng, 120 * US_PER_MS);
        actors_run(t, a, 1);
    }
}

static void act(struct trial *t, struct actor *a)
{
    char journal[200];
    find(t, journal);
    const char *here[] = {"runbook", "resume", "--line", NULL};
    const char *there[] = {"--journal", journal, "runbook", "resume", "--line", NULL};
    const char *import[] = {"import", NULL};
    const char *const *choices[] = {here, journal[0] ? there : here, journal[0] ? there : import, import};
    const char *const *choice = choices[rng_below(&t->rng, 4)];
    actor_start(t, a, choice);
    if (rng_below(&t->rng, 3) > 0)
        a->kill_at = clock_monotonic_us() +
                     (int64_t)rng_below(&t->rng, (choice == import ? 80 : 1500) * (uint64_t)US_PER_MS);
}

static void settle(struct trial *t, struct actor *a)
{
    const char *import[] = {"import", NULL};
    const char *resume[] = {"runbook", "resume", "--line", NULL};
    int64_t end = clock_monotonic_us() + WAIT_US;
    int status = 1;
    while (status != 0 && clock_monotonic_us() < end) /* a step may still run there */
        status = run_one(t, a, import);
    if (status != 0)
        fail(t, a, "the import ended with %d", status);
    t->imported += strstr(str_text(&a->seen), "imported ") != NULL;
    for (status = -1; clock_monotonic_us() < end && !strstr(str_text(&a->seen), "no open run");)
        status = run_one(t, a, resume);
    if (!strstr(str_text(&a->seen), "no open run"))
        fail(t, a, "the run does not end (%d)", status);
}

static void check(struct trial *t, struct actor *a)
{
    const char *verify[] = {"verify", NULL};
    for (int i = 0; i < STEPS; i++)
        if (lines(t, "begin", i) != 1 || lines(t, "end", i) != 1)
            fail(t, NULL, "step s%d began %u times and ended %u times", i, lines(t, "begin", i),
                 lines(t, "end", i));
    if (run_one(t, a, verify) != 0)
        fail(t, a, "the journal does not verify");
}

static void round_walk(struct trial *t)
{
    struct actor actors[2] = {{.fd = -1}, {.fd = -1}};
    char journal[200];
    unlink(t->oracle);
    folder_remove(t->place, NULL);
    if (!small_disk_mount(t->state, "4m"))
        fail(t, NULL, "no tmpfs");
    begin(t, &actors[0], &actors[1]);
    make(t, &actors[0]);
    find(t, journal);
    t->made += journal[0] != '\0';
    unlink(t->filler);
    for (unsigned turns = (unsigned)rng_below(&t->rng, 6); turns > 0; turns--) {
        act(t, &actors[0]);
        act(t, &actors[1]);
        actors_run(t, actors, 2);
        for (size_t i = 0; i < 2; i++)
            t->refused += strstr(str_text(&actors[i].seen), "went on in the emergency journal") != NULL;
    }
    settle(t, &actors[0]);
    check(t, &actors[0]);
    umount2(t->state, MNT_DETACH);
    str_fini(&actors[0].seen);
    str_fini(&actors[1].seen);
    t->rounds++;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s BINDIR [SECONDS] [SEED]\n", argv[0]);
        return 2;
    }
    if (!small_disk_allowed()) {
        fprintf(stderr, "skipped: this host lets nobody mount a tmpfs here\n");
        return 77;
    }
    struct trial t = {.bin = argv[1]};
    const char *seconds = argc > 2 ? argv[2] : getenv("CRASH_SECONDS");
    int64_t until = clock_monotonic_us() + strtoll(seconds ? seconds : "60", NULL, 10) * US_PER_S;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : rng_entropy();
    rng_seed(&t.rng, seed);
    snprintf(t.folder, sizeof t.folder, "/tmp/belay-crash.XXXXXX");
    if (!mkdtemp(t.folder))
        return 1;
    t.state = path_join(t.folder, "state");
    t.place = path_join(t.folder, "elsewhere");
    t.document = path_join(t.folder, "kill-me.md");
    t.oracle = path_join(t.folder, "oracle");
    t.filler = path_join(t.state, "filler");
    char *config = path_join(t.folder, "belay.yaml"), *text = xasprintf("emergency: %s\n", t.place);
    if (folder_make(t.state, 0700, NULL) < 0 || file_write_atomic(config, text, strlen(text), 0600, NULL) < 0)
        return 1;
    document_write(&t);
    printf("seed %llu\n", (unsigned long long)seed);
    while (t.rounds == 0 || clock_monotonic_us() < until)
        round_walk(&t);
    printf("%u rounds, %u emergency journals made, %u imported at the end, %u refusals to go on in the main "
           "one, "
           "%u kills: every step ran exactly once\n",
           t.rounds, t.made, t.imported, t.refused, t.kills);
    folder_remove(t.folder, NULL);
    free(config);
    free(text);
    free(t.state);
    free(t.place);
    free(t.document);
    free(t.oracle);
    free(t.filler);
    return 0;
}
