/* Two consoles walk documents with every power (tries, rollback, items, rungs with a guard, a lock, evidence)
 * on one journal, and at random moments a console is killed with -9, or its link is dropped, or a step's
 * supervisor, or what the step runs, or all of them. Whoever is free takes up what lies there, also from the
 * other console while that one is alive. The steps themselves write down what they do: see powers_verdict.c.
 *
 * usage: crash_powers BINDIR [SECONDS] [SEED]     until the time is over (CRASH_SECONDS, 120) and CRASH_KILLS
 * kills were made (with BELAY_PROOF=1 1,000) */
#include "tests/crash/powers.h"

#include <sys/stat.h>

#include "tests/crash/console.h"
#include "tests/crash/supervisors.h"

#define SEATS         2
#define STANDSTILL_US (90 * US_PER_S)
#define UNKNOWN_TAKEN "is walked by"
#define NEVER         INT64_MAX

enum victim {
    VICTIM_CONSOLE,
    VICTIM_LINK,
    VICTIM_SUPERVISOR,
    VICTIM_CHILD,
    VICTIM_BOTH,
    VICTIM_ALL,
    VICTIMS
};
static const char *const victim_names[VICTIMS] = {"consoles",
                                                  "links",
                                                  "supervisors",
                                                  "children",
                                                  "supervisors with their children",
                                                  "consoles with all of theirs"};

/* One terminal: whoever sits there walks one run at a time. */
struct seat {
    struct console console;
    int64_t run;   /* 0: begun just now, see path */
    char path[64]; /* of its document */
    int64_t kill_at, prompt_at, moved_at;
    off_t oracle_size; /* when it confirmed; more of it: the step is there. -1: nobody waits for that */
    bool busy;
};

struct known_run {
    int64_t id;
    char path[64];
    bool ended, judged, held; /* held: another console claimed it when it was resumed */
};

struct trial {
    const char *bin;
    char self[512], folder[64];
    char *oracle, *journal_folder;
    struct journal *journal;
    int64_t seen_seq;
    struct rng rng;
    struct seat seats[SEATS];
    VEC(struct known_run) runs;
    unsigned documents, starts, taken, killed[VICTIMS];
    bool deadly, enough;
};

static void fail(struct trial *t, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

static void fail(struct trial *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\nleft for a look: %s\n", t->folder);
    for (int i = 0; i < SEATS; i++) {
        struct oracle o = {0};
        printf("--- seat %d, run %lld: the console's last words ---\n%s\n", i, (long long)t->seats[i].run,
               str_text(&t->seats[i].console.seen));
        if (t->seats[i].run)
            oracle_read(&o, t->oracle, t->seats[i].run);
        printf("\n--- and its oracle ---\n%s\n", str_text(&o.text));
        oracle_fini(&o);
        if (t->seats[i].busy)
            kill(t->seats[i].console.pid, SIGKILL);
    }
    exit(1);
}

static unsigned kills(const struct trial *t)
{
    unsigned sum = 0;
    for (int i = 0; i < VICTIMS; i++)
        sum += i == VICTIM_LINK ? 0 : t->killed[i];
    return sum;
}

static int64_t soon(struct trial *t, int64_t most_us)
{
    return t->deadly ? clock_monotonic_us() + (int64_t)rng_below(&t->rng, (uint64_t)most_us) : NEVER;
}

/* ---- what the journal has ---- */

static int on_run_event(const struct event *event, void *data)
{
    struct trial *t = data;
    t->seen_seq = event->seq;
    if (event->kind == EVENT_RUN_STARTED) {
        cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
        struct known_run *run = vec_push(&t->runs);
        run->id = event->run;
        snprintf(run->path, sizeof run->path, "%s", basename(json_string(tree, "path", "")));
        cJSON_Delete(tree);
    }
    for (size_t i = 0; event->kind == EVENT_RUN_ENDED && i < t->runs.len; i++)
        t->runs.data[i].ended |= t->runs.data[i].id == event->run;
    return 0;
}

static void runs_read(struct trial *t)
{
    const enum event_kind kinds[] = {EVENT_RUN_STARTED, EVENT_RUN_ENDED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 2};
    struct err e = {0};
    const struct journal_options options = {
        .folder = t->journal_folder, .platform = "crash", .read_only = true};
    if (!t->journal)
        t->journal = journal_open(&options, &e);
    if (t->journal &&
        journal_read(t->journal, t->seen_seq + 1, JOURNAL_FORWARD, &filter, 0, on_run_event, t, &e) < 0)
        fail(t, "the journal: %s", e.msg);
    for (int i = 0; i < SEATS; i++)
        for (size_t k = 0; k < t->runs.len && !t->seats[i].run; k++)
            if (str_eq(t->runs.data[k].path, t->seats[i].path))
                t->seats[i].run = t->runs.data[k].id;
}

static void runs_judge(struct trial *t)
{
    for (size_t i = 0; i < t->runs.len; i++) {
        struct known_run *run = &t->runs.data[i];
        struct oracle o = {0};
        if (!run->ended || run->judged)
            continue;
        run->judged = true;
        oracle_read(&o, t->oracle, run->id);
        char *wrong = powers_verdict(t->journal, &o, run->id);
        if (wrong) {
            printf("--- the oracle of run %lld ---\n%s", (long long)run->id, str_text(&o.text));
            fail(t, "%s", wrong);
        }
        oracle_fini(&o);
        t->documents++;
    }
}

/* ---- killing ---- */

static void seat_free(struct seat *s)
{
    s->busy = false;
    s->run = 0;
    s->path[0] = '\0';
    str_clear(&s->console.seen);
}

/* Where a step is under way, it is one of its processes as often as not. */
static enum victim victim_any(struct trial *t, bool step)
{
    if (step && rng_below(&t->rng, 2))
        return VICTIM_SUPERVISOR + (enum victim)rng_below(&t->rng, VICTIMS - VICTIM_SUPERVISOR);
    return rng_below(&t->rng, 6) ? VICTIM_CONSOLE : VICTIM_LINK;
}

static void seat_kill(struct trial *t, struct seat *s)
{
    pid_t pids[SUPERVISORS_MAX];
    size_t count = supervisors_find(t->folder, pids);
    pid_t supervisor = count ? pids[rng_below(&t->rng, count)] : 0;
    pid_t child = supervisor ? supervisor_child(supervisor) : 0;
    enum victim victim = victim_any(t, child != 0);
    s->kill_at = soon(t, 1500 * US_PER_MS);
    t->killed[victim]++;
    if (victim == VICTIM_ALL || victim == VICTIM_CONSOLE)
        console_kill(&s->console);
    if (victim == VICTIM_LINK && !console_hang_up(&s->console))
        fail(t, "a console without a terminal does not end");
    if (victim == VICTIM_SUPERVISOR || victim == VICTIM_BOTH || victim == VICTIM_ALL)
        kill(supervisor, SIGKILL);
    if (child && (victim == VICTIM_CHILD || victim == VICTIM_BOTH || victim == VICTIM_ALL))
        kill(child, SIGKILL);
    if (victim == VICTIM_ALL || victim == VICTIM_CONSOLE || victim == VICTIM_LINK)
        seat_free(s);
}

/* ---- answering ---- */

static const char *const step_names[] = {"flaky", "breaks", "mend", "many", "ramp", "locked", "last"};

/* Which step the question is about: what is said last of them at the beginning of a line. */
static const char *question_step(const struct seat *s)
{
    const char *text = str_text(&s->console.seen), *best = NULL, *step = NULL;
    for (size_t i = 0; i < sizeof step_names / sizeof *step_names; i++) {
        char line[LABEL_MAX + 4];
        snprintf(line, sizeof line, "\n%s: ", step_names[i]);
        for (const char *at = text; (at = strstr(at, line)); at++)
            if (!best || at > best) {
                best = at;
                step = step_names[i];
            }
    }
    return step;
}

/* A hand at this step that has neither ended nor been killed. */
static bool still_runs(const struct trial *t, const struct oracle *o, const char *step)
{
    for (size_t i = 0; i < o->lines.len; i++) {
        const struct oracle_line *l = &o->lines.data[i];
        char link[32], target[512] = "";
        snprintf(link, sizeof link, "/proc/%d/exe", l->pid);
        if (l->begins && label_is_of(l->label, step) && readlink(link, target, sizeof target - 1) > 0 &&
            str_eq(target, t->self))
            return true;
    }
    return false;
}

/* A person who looks at the thing itself, and says what is. */
static const char *choose(struct trial *t, const struct seat *s, const char *step, bool done)
{
    bool unknown = console_says(&s->console, "  ok  "), verify = console_says(&s->console, "  verify  ");
    if (verify && (done || rng_below(&t->rng, 3) == 0))
        return "verify\n";
    if (unknown)
        return done ? "ok it is done\n" : "failed it is not done\n";
    if (str_eq(step, "breaks"))
        return console_says(&s->console, "  rollback  ") ? "rollback\n" : "continue\n";
    return "retry\n";
}

static void answer_question(struct trial *t, struct seat *s)
{
    struct oracle o = {0};
    const char *step = question_step(s);
    runs_read(t);
    if (!step || !s->run)
        fail(t, "a question about no step of run %lld", (long long)s->run);
    oracle_read(&o, t->oracle, s->run);
    if (!still_runs(t, &o, step)) {
        console_type(&s->console, choose(t, s, step, powers_truth(&o, step)));
        s->moved_at = clock_monotonic_us();
    }
    oracle_fini(&o);
}

static off_t oracle_size(const struct trial *t, const struct seat *s)
{
    struct stat info;
    char *path = xasprintf("%s.%lld", t->oracle, (long long)s->run);
    off_t size = stat(path, &info) == 0 ? info.st_size : 0;
    free(path);
    return size;
}

/* Right around the intent and the start; or as soon as the step is there. */
static void confirm(struct trial *t, struct seat *s)
{
    runs_read(t);
    s->oracle_size = rng_below(&t->rng, 2) ? oracle_size(t, s) : -1;
    if (s->oracle_size < 0 && rng_below(&t->rng, 2))
        s->kill_at = soon(t, 60 * US_PER_MS);
    console_type(&s->console, "yes\n");
    s->prompt_at = 0;
    s->moved_at = clock_monotonic_us();
}

static void ambush(struct trial *t, struct seat *s)
{
    if (s->oracle_size < 0 || oracle_size(t, s) == s->oracle_size)
        return;
    s->oracle_size = -1;
    s->kill_at = soon(t, 80 * US_PER_MS);
}

static void answer(struct trial *t, struct seat *s)
{
    int64_t now = clock_monotonic_us();
    if (console_says(&s->console, "Your choice")) {
        answer_question(t, s);
        return;
    }
    if (!console_says(&s->console, "Type yes"))
        return;
    if (!s->prompt_at) {
        s->prompt_at = now;
    } else if (now - s->prompt_at >= CONSOLE_GUARD_US) {
        confirm(t, s);
    }
}

/* ---- the seats ---- */

static void seat_start(struct trial *t, struct seat *s, char *const *argv)
{
    console_start(&s->console, t->bin, t->folder, argv);
    s->busy = true;
    s->prompt_at = 0;
    s->oracle_size = -1;
    s->moved_at = clock_monotonic_us();
    s->kill_at = rng_below(&t->rng, 3) ? soon(t, 2500 * US_PER_MS) : soon(t, 400 * US_PER_MS);
    t->starts++;
}

static void seat_document(struct trial *t, struct seat *s)
{
    static unsigned number;
    struct err e = {0};
    snprintf(s->path, sizeof s->path, "powers-%u.md", ++number);
    char *path = path_join(t->folder, s->path);
    if (file_write_atomic(path, powers_document, strlen(powers_document), 0600, &e) < 0)
        fail(t, "%s", e.msg);
    seat_start(t, s, (char *[]){"belay", "runbook", "run", "--line", path, NULL});
    free(path);
}

static void seat_take(struct trial *t, struct seat *s, struct known_run *run, bool by_force)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)run->id);
    s->run = run->id;
    snprintf(s->path, sizeof s->path, "%s", run->path);
    run->held = false;
    t->taken += by_force;
    if (by_force)
        seat_start(t, s, (char *[]){"belay", "runbook", "take", number, "nobody is there", "--line", NULL});
    else
        seat_start(t, s, (char *[]){"belay", "runbook", "resume", number, "--line", NULL});
}

static void seat_sit(struct trial *t, struct seat *s)
{
    const struct seat *other = s == &t->seats[0] ? &t->seats[1] : &t->seats[0];
    bool greedy = t->deadly && other->busy && rng_below(&t->rng, 8) == 0;
    runs_read(t);
    runs_judge(t);
    if (other->busy && !other->run && t->enough)
        return; /* what it has just begun is not there yet */
    for (size_t i = 0; i < t->runs.len; i++) {
        struct known_run *run = &t->runs.data[i];
        bool taken = other->busy && other->run == run->id;
        if (run->ended || (taken && !greedy))
            continue;
        seat_take(t, s, run, taken || run->held);
        return;
    }
    if (!t->enough)
        seat_document(t, s);
}

/* It has ended by itself: its run has, or another console has taken it, or there was nothing to take up. */
static void seat_leave(struct trial *t, struct seat *s)
{
    int status = console_end(&s->console), code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code != 0 && code != 1 && code != 3 && !console_says(&s->console, "there is no open run"))
        fail(t, "a console ended with status %x", (unsigned)status);
    for (size_t i = 0; i < t->runs.len; i++)
        if (t->runs.data[i].id == s->run)
            t->runs.data[i].held = console_says(&s->console, UNKNOWN_TAKEN);
    seat_free(s);
}

static void seat_turn(struct trial *t, struct seat *s)
{
    if (!s->busy) {
        seat_sit(t, s);
        return;
    }
    size_t length = s->console.seen.len;
    if (clock_monotonic_us() >= s->kill_at) {
        seat_kill(t, s);
        return;
    }
    if (!console_read(&s->console, 2 * US_PER_MS)) {
        seat_leave(t, s);
        return;
    }
    if (s->console.seen.len != length)
        s->moved_at = clock_monotonic_us();
    else if (clock_monotonic_us() - s->moved_at > STANDSTILL_US)
        fail(t, "run %lld stands still", (long long)s->run);
    ambush(t, s);
    answer(t, s);
}

static bool all_done(const struct trial *t)
{
    bool done = t->enough && !t->seats[0].busy && !t->seats[1].busy;
    for (size_t i = 0; i < t->runs.len; i++)
        done &= t->runs.data[i].ended;
    return done;
}

/* ---- the trial ---- */

static void shell_check(struct trial *t, const char *what, char *command)
{
    if (system(command) != 0)
        fail(t, "%s", what);
    free(command);
}

static void trial_open(struct trial *t)
{
    struct err e = {0};
    snprintf(t->folder, sizeof t->folder, "/tmp/belay-powers.XXXXXX");
    if (!mkdtemp(t->folder) || readlink("/proc/self/exe", t->self, sizeof t->self - 1) < 0)
        exit(1);
    char *config = path_join(t->folder, "belay.yaml"), *items = path_join(t->folder, "many.jsonl");
    t->oracle = path_join(t->folder, "oracle");
    t->journal_folder = path_join(t->folder, "belay/crash/journal");
    if (file_write_atomic(config, powers_config, strlen(powers_config), 0600, &e) < 0 ||
        file_write_atomic(items, powers_items, strlen(powers_items), 0600, &e) < 0)
        fail(t, "%s", e.msg);
    setenv("ORACLE", t->oracle, 1);
    setenv("HAND", t->self, 1);
    setenv("HAND_JOURNAL", t->journal_folder, 1);
    free(config);
    free(items);
}

/* The last document is walked in peace: what the dead left is tidied up by then. */
static void trial_end(struct trial *t)
{
    t->deadly = false;
    t->enough = false;
    seat_document(t, &t->seats[0]);
    t->enough = true;
    while (runs_read(t), !all_done(t))
        for (int i = 0; i < SEATS; i++)
            seat_turn(t, &t->seats[i]);
    runs_judge(t);
    shell_check(t, "the journal does not verify",
                xasprintf("cd %s && XDG_STATE_HOME=%s %s/belay-console verify >/dev/null", t->folder,
                          t->folder, t->bin));
    shell_check(
        t, "the spool is not empty",
        xasprintf("test -z \"$(find %s/belay/crash/spool -mindepth 1 -maxdepth 1 -name 'r*')\"", t->folder));
}

static long long setting(const char *given, const char *name, long long fallback)
{
    const char *value = given ? given : getenv(name);
    return value && *value ? strtoll(value, NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    if (argc == 3 && (str_eq(argv[1], "hand") || str_eq(argv[1], "look")))
        return powers_hand(argv[1], argv[2]);
    if (argc < 2) {
        fprintf(stderr, "usage: %s BINDIR [SECONDS] [SEED]\n", argv[0]);
        return 2;
    }
    static struct trial t;
    t.bin = argv[1];
    t.deadly = true;
    int64_t start = clock_monotonic_us(),
            until = start + setting(argc > 2 ? argv[2] : NULL, "CRASH_SECONDS", 120) * US_PER_S;
    unsigned wanted = (unsigned)setting(NULL, "CRASH_KILLS", getenv("BELAY_PROOF") ? 1000 : 0);
    uint64_t seed =
        (uint64_t)setting(argc > 3 ? argv[3] : NULL, "CRASH_SEED", (long long)(rng_entropy() >> 1));
    rng_seed(&t.rng, seed);
    trial_open(&t);
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    while (clock_monotonic_us() < until || kills(&t) < wanted)
        for (int i = 0; i < SEATS; i++)
            seat_turn(&t, &t.seats[i]);
    trial_end(&t);
    printf("%u documents, %u consoles, %u runs taken over; %u kills in %lld s:", t.documents, t.starts,
           t.taken, kills(&t), (long long)((clock_monotonic_us() - start) / US_PER_S));
    for (int i = 0; i < VICTIMS; i++)
        printf(" %u %s%s", t.killed[i], victim_names[i], i + 1 < VICTIMS ? "," : "\n");
    journal_close(t.journal);
    folder_remove(t.folder, NULL);
    return 0;
}
