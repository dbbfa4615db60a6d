#include "tests/crash/powers.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

const char powers_config[] = "platform: crash\n"
                             "policies:\n"
                             "  - {name: again, attempts: 4, base: 50ms, factor: 1.5, cap: 1s}\n";

const char powers_items[] = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n{\"id\":\"d\"}\n{\"id\":\"e\"}\n"
                            "{\"id\":\"f\"}\n";

#define BLOCK(annotations, command) "```sh {" annotations "}\nexec \"$HAND\" " command "\n```\n\n"

const char
    powers_document
        [] = "# Every power\n\n"
             "## flaky\n\n" BLOCK("name=flaky policy=again idempotent=true verify=is-flaky timeout=20s", "han"
                                                                                                         "d "
                                                                                                         "fla"
                                                                                                         "ky") "## is-flaky\n\n" BLOCK(
                 "name=is-flaky kind=verify",
                 "look flaky") "## breaks\n\n" BLOCK("name=breaks onfail=rollback rollback=mend timeout=20s", "hand breaks") "## mend\n\n" BLOCK("name=mend kind=rollback timeout=20s", "hand mend") "## many\n\n" BLOCK("name=many items=many.jsonl parallel=3 timeout=20s", "hand many") "## ramp\n\n" BLOCK("name=ramp rungs=10,50,100 rung-hold=60ms guard=rate timeout=20s", "hand ramp") "## rate\n\n" BLOCK("name=rate kind=verify",
                                                                                                                                                                                                                                                                                                                                                                                                                   "look rate") "## locked\n\n" BLOCK("name=locked lock=the-one evidence=shot verify=is-locked timeout=20s", "hand locked") "## is-locked\n\n" BLOCK("name=is-locked kind=verify", "look locked") "## shot\n\n" BLOCK("name=shot kind=evidence",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "look shot") "## last\n\n" BLOCK("name=last timeout=20s",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       "hand last");

/* ---- the oracle ---- */

static char *oracle_path(const char *base, int64_t run)
{
    return xasprintf("%s.%lld", base, (long long)run);
}

static void line_read(struct oracle *o, const char *text)
{
    struct oracle_line l = {0};
    char word[16] = "", last[16] = "";
    if (sscanf(text, "%15s %31s %63s %d %15s", word, l.label, l.key, &l.pid, last) < 3)
        return;
    l.begins = str_eq(word, "begin");
    l.ends = str_eq(word, "end");
    l.overlaps = str_eq(word, "overlap");
    l.intended = str_eq(last, "yes");
    l.status = l.ends ? l.pid : -1;
    *vec_push(&o->lines) = l;
}

void oracle_read(struct oracle *o, const char *base, int64_t run)
{
    char *path = oracle_path(base, run), *rest, *line;
    oracle_fini(o);
    file_read(path, 1u << 20, &o->text, NULL);
    char *copy = rest = xstrdup(str_text(&o->text));
    while ((line = strsep(&rest, "\n")))
        line_read(o, line);
    free(copy);
    free(path);
}

void oracle_fini(struct oracle *o)
{
    vec_fini(&o->lines);
    str_fini(&o->text);
}

bool label_is_of(const char *label, const char *step)
{
    size_t length = strlen(step);
    return strncmp(label, step, length) == 0 &&
           (label[length] == '\0' || label[length] == '.' || label[length] == '@');
}

size_t oracle_done(const struct oracle *o, const char *label)
{
    size_t count = 0;
    for (size_t i = 0; i < o->lines.len; i++)
        count +=
            o->lines.data[i].ends && o->lines.data[i].status == 0 && str_eq(o->lines.data[i].label, label);
    return count;
}

size_t oracle_begun(const struct oracle *o, const char *label)
{
    size_t count = 0;
    for (size_t i = 0; i < o->lines.len; i++)
        count += o->lines.data[i].begins && str_eq(o->lines.data[i].label, label);
    return count;
}

bool powers_truth(const struct oracle *o, const char *step)
{
    if (str_eq(step, "breaks"))
        return false;
    if (str_eq(step, "ramp"))
        return oracle_done(o, "ramp@100") >= 2;
    if (!str_eq(step, "many"))
        return oracle_done(o, step) > 0;
    for (char id = 'a'; id < 'a' + POWERS_ITEMS; id++)
        if (oracle_done(o, (char[]){'m', 'a', 'n', 'y', '.', id, '\0'}) == 0)
            return false;
    return true;
}

/* ---- the hand ---- */

struct hand {
    char label[LABEL_MAX], key[64];
    int64_t run;
    const char *base;
    int fd;
    struct rng rng;
};

static void hand_write(const struct hand *h, const char *text)
{
    if (write(h->fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(h->fd) < 0)
        exit(99);
}

/* The name of its folder in the spool, out of which its stdout leads. */
static void hand_key(struct hand *h)
{
    char path[512] = "";
    if (readlink("/proc/self/fd/1", path, sizeof path - 1) < 0)
        exit(98);
    snprintf(h->key, sizeof h->key, "%.60s", basename(dirname(path)));
}

static int is_mine(const struct event *event, void *data)
{
    const struct hand *h = data;
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    int mine = str_eq(h->key, json_string(tree, "folder", NULL));
    cJSON_Delete(tree);
    return mine ? ERR_EXISTS : 0;
}

/* What is in a journal is on the disk: it is written with FULL synchronisation, and seen by others once it is
 * committed. */
static const char *hand_intent(struct hand *h)
{
    const enum event_kind kinds[] = {EVENT_STEP_INTENT};
    struct journal_filter filter = {.run = h->run, .kinds = kinds, .kind_count = 1};
    struct err e = {0};
    const struct journal_options options = {
        .folder = getenv("HAND_JOURNAL"), .platform = "crash", .read_only = true};
    struct journal *j = journal_open(&options, &e);
    if (!j)
        return e.code == ERR_BUSY ? "busy" : "unreadable";
    int code = journal_read(j, JOURNAL_END, JOURNAL_BACKWARD, &filter, 0, is_mine, h, &e);
    journal_close(j);
    return code == ERR_EXISTS ? "yes" : code < 0 ? "unreadable" : "no";
}

static int hand_status(const struct hand *h, const char *step)
{
    struct oracle o = {0};
    oracle_read(&o, h->base, h->run);
    size_t begun = oracle_begun(&o, h->label);
    oracle_fini(&o);
    return str_eq(step, "flaky")        ? begun <= 2
           : str_eq(step, "breaks")     ? 1
           : str_eq(h->label, "many.c") ? begun <= 1
                                        : 0;
}

/* The thing that the lock is for can be in one hand only. */
static int hand_hold(struct hand *h)
{
    char *path = xasprintf("%s.thing", h->base), line[160];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        snprintf(line, sizeof line, "overlap %s %s\n", h->label, h->key);
        hand_write(h, line);
    }
    free(path);
    return fd;
}

static void hand_work(struct hand *h, bool long_one)
{
    char bytes[1000];
    memset(bytes, 'o', sizeof bytes);
    bytes[sizeof bytes - 1] = '\n';
    for (uint64_t n = rng_below(&h->rng, 20); n > 0; n--)
        if (write(STDOUT_FILENO, bytes, sizeof bytes) < 0)
            exit(97);
    usleep((useconds_t)(rng_below(&h->rng, long_one ? 250 : 90) * US_PER_MS));
}

static int act(struct hand *h, const char *step)
{
    char line[160];
    hand_key(h);
    snprintf(line, sizeof line, "begin %s %s %d %s\n", h->label, h->key, (int)getpid(), hand_intent(h));
    hand_write(h, line);
    bool locked = str_eq(step, "locked");
    int thing = locked ? hand_hold(h) : -1, status = hand_status(h, step);
    hand_work(h, locked);
    snprintf(line, sizeof line, "end %s %s %d\n", h->label, h->key, status);
    hand_write(h, line);
    if (thing >= 0)
        close(thing);
    return status;
}

/* Worse as long as the last rung was run once, and was the last that was run. */
static int look_rate(const struct oracle *o)
{
    const char *newest = "";
    for (size_t i = 0; i < o->lines.len; i++)
        if (o->lines.data[i].ends && label_is_of(o->lines.data[i].label, "ramp"))
            newest = o->lines.data[i].label;
    printf("%d\n", str_eq(newest, "ramp@100") && oracle_done(o, "ramp@100") == 1 ? 50 : 100);
    return 0;
}

static int look(const struct hand *h, const char *step)
{
    struct oracle o = {0};
    oracle_read(&o, h->base, h->run);
    int status = str_eq(step, "rate") ? look_rate(&o) : str_eq(step, "shot") ? 0 : !powers_truth(&o, step);
    if (str_eq(step, "shot"))
        puts("as it was");
    oracle_fini(&o);
    return status;
}

int powers_hand(const char *word, const char *step)
{
    const char *run = getenv("BELAY_RUN"), *item = getenv("ITEM_ID"), *rung = getenv("RUNG");
    struct hand h = {.run = run ? strtoll(run, NULL, 10) : 0, .base = getenv("ORACLE")};
    if (!h.base || h.run <= 0 || !getenv("HAND_JOURNAL"))
        return 96;
    snprintf(h.label, sizeof h.label, "%s%s%s", step,
             item   ? "."
             : rung ? "@"
                    : "",
             item   ? item
             : rung ? rung
                    : "");
    rng_seed(&h.rng, rng_entropy());
    if (str_eq(word, "look"))
        return look(&h, step);
    char *path = oracle_path(h.base, h.run);
    h.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(path);
    return h.fd < 0 ? 95 : act(&h, step);
}
