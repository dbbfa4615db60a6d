#include "tests/crash/powers.h"

#include <stdio.h>
#include <stdlib.h>

/* One execution as the journal has it. */
struct told {
    int64_t ticket, intent_seq, outcome_seq;
    char step[LABEL_MAX], part[64], end[16], key[64];
    bool acts;
    unsigned intents, outcomes;
    int exit;
};

struct confirmed {
    int64_t seq;
    char step[LABEL_MAX];
};

struct account {
    int64_t run;
    const struct oracle *oracle;
    VEC(struct told) told;
    VEC(struct confirmed) confirmed;
    bool ended;
    char *wrong;
};

static void wrong(struct account *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first one stays. */
static void wrong(struct account *a, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    if (!a->wrong)
        a->wrong = xasprintf("run %lld: %s", (long long)a->run, str_text(&text));
    str_fini(&text);
}

/* ---- what the journal says ---- */

static struct told *told_of(struct account *a, const cJSON *data)
{
    int64_t ticket = json_int(data, "ticket", 0);
    for (size_t i = 0; i < a->told.len; i++)
        if (a->told.data[i].ticket == ticket)
            return &a->told.data[i];
    struct told *t = vec_push(&a->told);
    t->ticket = ticket;
    t->acts = json_bool(data, "acts", false);
    snprintf(t->step, sizeof t->step, "%s", json_string(data, "step", ""));
    snprintf(t->part, sizeof t->part, "%s", json_string(data, "part", ""));
    return t;
}

static int on_event(const struct event *event, void *context)
{
    struct account *a = context;
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(data, "input");
    if (event->kind == EVENT_STEP_INTENT) {
        struct told *t = told_of(a, data);
        t->intents++;
        t->intent_seq = event->seq;
        snprintf(t->key, sizeof t->key, "%s", json_string(data, "folder", ""));
    } else if (event->kind == EVENT_STEP_OUTCOME) {
        struct told *t = told_of(a, data);
        t->outcomes++;
        t->outcome_seq = event->seq;
        t->exit = (int)json_int(data, "exit", -1);
        snprintf(t->end, sizeof t->end, "%s", json_string(data, "end", ""));
    } else if (event->kind == EVENT_RUN_INPUT && str_eq(json_string(input, "input", ""), "confirm")) {
        struct confirmed *c = vec_push(&a->confirmed);
        c->seq = event->seq;
        snprintf(c->step, sizeof c->step, "%s", json_string(input, "step", ""));
    } else if (event->kind == EVENT_RUN_ENDED) {
        a->ended = true;
    }
    cJSON_Delete(data);
    return 0;
}

/* ---- each execution against what it wrote itself ---- */

static void judge_execution(struct account *a, const struct told *t)
{
    const char *key = t->key;
    size_t begun = 0, ended = 0;
    int status = -1;
    for (size_t i = 0; i < a->oracle->lines.len; i++) {
        const struct oracle_line *l = &a->oracle->lines.data[i];
        if (!str_eq(l->key, key))
            continue;
        begun += l->begins;
        ended += l->ends;
        status = l->ends ? l->status : status;
    }
    const char *name = t->step;
    if (t->outcomes != 1)
        wrong(a, "%s (%s) has %u outcomes", key, name, t->outcomes);
    if (t->acts && t->intents > 1)
        wrong(a, "%s (%s) has %u intents", key, name, t->intents);
    if (begun > 1 || ended > begun)
        wrong(a, "%s (%s) began %zu times and ended %zu times", key, name, begun, ended);
    if (t->acts && str_eq(t->end, "exited") && (ended != 1 || status != t->exit))
        wrong(a, "%s (%s) is said to have ended with %d, and wrote %zu ends, the last with %d", key, name,
              t->exit, ended, status);
    if (t->acts && str_eq(t->end, "not-started") && begun > 0)
        wrong(a, "%s (%s) is said never to have started, and did", key, name);
    if (t->acts && !str_eq(t->end, "exited") && !str_eq(t->end, "not-started") && !str_eq(t->end, "lost") &&
        !str_eq(t->end, "signalled"))
        wrong(a, "%s (%s) ended \"%s\", which nobody made it do", key, name, t->end);
}

static void judge_line(struct account *a, const struct oracle_line *l)
{
    bool known = false;
    for (size_t i = 0; i < a->told.len; i++)
        known |= str_eq(a->told.data[i].key, l->key) && a->told.data[i].acts;
    if (!known)
        wrong(a, "%s (%s) ran, and no intent names it", l->key, l->label);
    if (l->begins && !l->intended)
        wrong(a, "%s (%s) began, and its intent was not in the journal by then", l->key, l->label);
    if (l->overlaps)
        wrong(a, "%s (%s) had its lock, and was not alone", l->key, l->label);
}

/* ---- one execution after the other ---- */

static bool confirmed_between(const struct account *a, const char *step, int64_t from, int64_t to)
{
    for (size_t i = 0; i < a->confirmed.len; i++)
        if (str_eq(a->confirmed.data[i].step, step) && a->confirmed.data[i].seq > from &&
            a->confirmed.data[i].seq < to)
            return true;
    return false;
}

static bool verified_no_between(const struct account *a, int64_t from, int64_t to)
{
    for (size_t i = 0; i < a->told.len; i++) {
        const struct told *t = &a->told.data[i];
        if (str_eq(t->step, "is-flaky") && str_eq(t->end, "exited") && t->exit == 1 &&
            t->outcome_seq > from && t->outcome_seq < to)
            return true;
    }
    return false;
}

/* The same part of the same step once more: only when the first one's outcome was journaled; without a person
 * only what is idempotent and definitely failed (or so says its verification); and never an item that was ok.
 */
static void judge_pair(struct account *a, const struct told *first, const struct told *again)
{
    bool by_person = confirmed_between(a, again->step, first->outcome_seq, again->intent_seq);
    bool item = strncmp(first->part, "item", 4) == 0, rung = strncmp(first->part, "rung", 4) == 0;
    bool failed = str_eq(first->end, "exited") && first->exit == 1,
         ok = str_eq(first->end, "exited") && first->exit == 0;
    long long one = first->ticket, two = again->ticket;
    if (first->outcome_seq == 0 || first->outcome_seq > again->intent_seq)
        wrong(a, "%s: execution %lld began before anybody knew how %lld had ended", again->step, two, one);
    if (item && ok)
        wrong(a, "%s, %s: executed again as %lld, though %lld was ok", again->step, again->part, two, one);
    if (by_person || (rung && ok)) /* a step back */
        return;
    if (!str_eq(again->step, "flaky"))
        wrong(a, "%s %s: execution %lld repeats %lld by itself", again->step, again->part, two, one);
    else if (!failed && !str_eq(first->end, "not-started") &&
             !verified_no_between(a, first->outcome_seq, again->intent_seq))
        wrong(a, "%s: execution %lld follows %lld by itself, which ended \"%s\" %d", again->step, two, one,
              first->end, first->exit);
}

static void judge_order(struct account *a)
{
    for (size_t i = 0; i < a->told.len; i++) {
        const struct told *again = &a->told.data[i], *first = NULL;
        if (!again->acts || again->intents == 0)
            continue;
        for (size_t k = 0; k < a->told.len; k++) {
            const struct told *t = &a->told.data[k];
            if (t->acts && t->intents > 0 && t->intent_seq < again->intent_seq &&
                str_eq(t->step, again->step) && str_eq(t->part, again->part) &&
                (!first || t->intent_seq > first->intent_seq))
                first = t;
        }
        if (first)
            judge_pair(a, first, again);
        else if (!confirmed_between(a, again->step, 0, again->intent_seq))
            wrong(a, "%s: execution %lld was confirmed by nobody", again->step, (long long)again->ticket);
    }
}

/* ---- what had to be done ---- */

static void judge_effects(struct account *a)
{
    static const char *const once[] = {"mend", "locked", "last"};
    if (oracle_done(a->oracle, "flaky") == 0)
        wrong(a, "flaky was left out");
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (oracle_done(a->oracle, once[i]) != 1)
            wrong(a, "%s was done %zu times", once[i], oracle_done(a->oracle, once[i]));
    if (!powers_truth(a->oracle, "many"))
        wrong(a, "many: an item was left out");
    if (!powers_truth(a->oracle, "ramp"))
        wrong(a, "ramp: the last rung was not reached again");
}

char *powers_verdict(struct journal *journal, const struct oracle *o, int64_t run)
{
    struct account a = {.run = run, .oracle = o};
    struct journal_filter filter = {.run = run};
    struct err e = {0};
    if (journal_read(journal, 1, JOURNAL_FORWARD, &filter, 0, on_event, &a, &e) < 0)
        wrong(&a, "%s", e.msg);
    if (!a.ended)
        wrong(&a, "it has not ended");
    for (size_t i = 0; i < a.told.len; i++)
        judge_execution(&a, &a.told.data[i]);
    for (size_t i = 0; i < o->lines.len; i++)
        judge_line(&a, &o->lines.data[i]);
    judge_order(&a);
    judge_effects(&a);
    vec_fini(&a.told);
    vec_fini(&a.confirmed);
    return a.wrong;
}
