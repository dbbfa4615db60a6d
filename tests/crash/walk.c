/* Kills the console with -9, or drops its link, at random moments of a run, comes back with `runbook resume`,
 * and lets the steps themselves keep the oracle: each appends a line when it begins and one when it ends. At
 * the end of every document: each step ran exactly once, its end was seen, the run ended ok, the journal
 * verifies, the spool is empty.
 *
 * usage: crash_walk BINDIR [SECONDS] [SEED]      until the time is over (CRASH_SECONDS, 60) and CRASH_KILLS
 * kills were made (with BELAY_PROOF=1 300) */
#include <stdarg.h>
#include <sys/stat.h>

#include "tests/crash/console.h"

#define STEPS 5

struct trial {
    const char *bin;
    char folder[64];
    char *document, *oracle;
    struct rng rng;
    unsigned kills, hangups, documents, resumes;
    bool nothing_open; /* the console found no run to go on with */
};

static void fail(const struct trial *t, const struct console *c, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

static void fail(const struct trial *t, const struct console *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\nafter %u kills in %s\n", t->kills, t->folder);
    if (c)
        printf("--- the console's last words ---\n%s\n", str_text(&c->seen));
    struct str text = {0};
    if (file_read(t->oracle, 1u << 20, &text, NULL) == 0)
        printf("--- the oracle ---\n%s\n", str_text(&text));
    exit(1);
}

/* kill -9, or the link is dropped. */
static void kill_or_drop(struct trial *t, struct console *c)
{
    if (rng_below(&t->rng, 3) > 0) {
        console_kill(c);
        t->kills++;
        return;
    }
    if (!console_hang_up(c))
        fail(t, c, "a console without a terminal does not end");
    t->hangups++;
}

/* ---- one document ---- */

static void document_write(struct trial *t)
{
    struct str text = {0};
    str_add(&text, "# Kill me\n\n");
    for (int i = 0; i < STEPS; i++)
        str_addf(&text,
                 "## Step %d\n\n```sh {name=s%d verify=v%d timeout=20s}\n"
                 "echo begin s%d >> \"$ORACLE\"; head -c 20000 /dev/urandom | od -An -tx1; echo end s%d >> "
                 "\"$ORACLE\"\n```\n\n"
                 "```sh {name=v%d kind=verify}\ngrep -q '^end s%d$' \"$ORACLE\"\n```\n\n",
                 i, i, i, i, i, i, i);
    struct err e = {0};
    if (file_write_atomic(t->document, str_text(&text), text.len, 0600, &e) < 0)
        fail(t, NULL, "%s", e.msg);
    unlink(t->oracle);
    str_fini(&text);
}

static unsigned count_lines(const char *text, const char *line)
{
    unsigned count = 0;
    size_t length = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at += length)
        count++;
    return count;
}

static void oracle_check(const struct trial *t)
{
    struct str text = {0};
    struct err e = {0};
    if (file_read(t->oracle, 1u << 20, &text, &e) < 0)
        fail(t, NULL, "%s", e.msg);
    for (int i = 0; i < STEPS; i++) {
        char begin[32], end[32];
        snprintf(begin, sizeof begin, "begin s%d\n", i);
        snprintf(end, sizeof end, "end s%d\n", i);
        unsigned begun = count_lines(str_text(&text), begin), ended = count_lines(str_text(&text), end);
        if (begun != 1 || ended != 1)
            fail(t, NULL, "step s%d began %u times and ended %u times", i, begun, ended);
    }
    str_fini(&text);
}

static int command_status(const struct trial *t, const char *word)
{
    char *command = xasprintf("XDG_STATE_HOME=%s %s/belay-console %s >/dev/null", t->folder, t->bin, word);
    int status = system(command);
    free(command);
    return status;
}

static void spool_check(const struct trial *t)
{
    char *command = xasprintf(
        "test -z \"$(find %s/belay/local/spool -mindepth 1 -maxdepth 1 -type d -name 'r*')\"", t->folder);
    if (system(command) != 0)
        fail(t, NULL, "the spool is not empty");
    free(command);
}

/* Sleeps by reading: the console is watched meanwhile, and killed when the moment has come. */
static bool survive(struct trial *t, struct console *c, int64_t kill_at)
{
    if (clock_monotonic_us() >= kill_at) {
        kill_or_drop(t, c);
        return false;
    }
    return true;
}

/* Walks until the run has ended; true when it did, false when this console was killed before, within life_us.
 */
static bool walk_some(struct trial *t, struct console *c, int64_t life_us)
{
    int64_t start = clock_monotonic_us(), prompt_at = 0;
    int64_t kill_at = start + (int64_t)rng_below(&t->rng, (uint64_t)life_us);
    while (clock_monotonic_us() - start < CONSOLE_WAIT_US) {
        if (!survive(t, c, kill_at))
            return false;
        if (!console_read(c, 2 * US_PER_MS))
            break;
        bool asked = strstr(str_text(&c->seen), "Type yes") != NULL;
        if (asked && !prompt_at)
            prompt_at = clock_monotonic_us();
        if (asked && clock_monotonic_us() - prompt_at >= CONSOLE_GUARD_US) {
            console_type(c, "yes\n");
            prompt_at = 0;
            if (rng_below(&t->rng, 2)) /* right around the intent, the start, the end */
                kill_at = clock_monotonic_us() + (int64_t)rng_below(&t->rng, 60 * US_PER_MS);
        }
        if (strstr(str_text(&c->seen), "Your choice"))
            fail(t, c, "a question that nothing gave reason for");
    }
    int status = console_end(c);
    t->nothing_open = strstr(str_text(&c->seen), "no open run") != NULL;
    if (!t->nothing_open && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        fail(t, c, "the console ended with status %x", (unsigned)status);
    return true;
}

static void document_walk(struct trial *t)
{
    struct console c = {.fd = -1};
    document_write(t);
    bool resume = false;
    for (int tries = 0; tries < 400; tries++) {
        t->nothing_open = false;
        if (resume)
            console_start(&c, t->bin, t->folder, (char *[]){"belay", "runbook", "resume", "--line", NULL});
        else
            console_start(&c, t->bin, t->folder,
                          (char *[]){"belay", "runbook", "run", "--line", t->document, NULL});
        t->resumes += resume;
        /* Longer and longer: on a slow machine nobody would ever live to confirm a step. */
        if (!walk_some(t, &c, (900 + tries * 20) * US_PER_MS)) {
            resume = true;
            continue;
        }
        /* Nothing to resume: killed after the run had ended, or before it was in the journal. Then nothing
         * has begun, and a new run is right. */
        struct stat info;
        if (!t->nothing_open || stat(t->oracle, &info) == 0)
            break;
        resume = false;
    }
    oracle_check(t);
    spool_check(t);
    if (command_status(t, "verify") != 0)
        fail(t, NULL, "the journal does not verify");
    t->documents++;
    str_fini(&c.seen);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s BINDIR [SECONDS] [SEED]\n", argv[0]);
        return 2;
    }
    struct trial t = {.bin = argv[1]};
    const char *seconds = argc > 2 ? argv[2] : getenv("CRASH_SECONDS");
    int64_t until = clock_monotonic_us() + strtoll(seconds ? seconds : "60", NULL, 10) * US_PER_S;
    const char *enough = getenv("CRASH_KILLS");
    unsigned kills = enough ? (unsigned)strtoul(enough, NULL, 10) : getenv("BELAY_PROOF") ? 300 : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : rng_entropy();
    rng_seed(&t.rng, seed);
    snprintf(t.folder, sizeof t.folder, "/tmp/belay-crash.XXXXXX");
    if (!mkdtemp(t.folder))
        return 1;
    t.document = path_join(t.folder, "kill-me.md");
    t.oracle = path_join(t.folder, "oracle");
    setenv("ORACLE", t.oracle, 1);
    printf("seed %llu\n", (unsigned long long)seed);
    while (clock_monotonic_us() < until || t.kills < kills)
        document_walk(&t);
    printf("%u documents walked, %u kills, %u dropped links, %u resumes: every step ran exactly once\n",
           t.documents, t.kills, t.hangups, t.resumes);
    folder_remove(t.folder, NULL);
    free(t.document);
    free(t.oracle);
    return 0;
}
