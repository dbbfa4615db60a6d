/* Annotations of the powers: terminal, lock, policy, approvals, follow, items, rungs. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/block.h"
#include "engine/runbook/keys.h"
#include "engine/runbook/run.h"

#define MILLION 1000000

void key_interactive(struct place *p)
{
    if (!key_boolean(p->note->value, &p->step->interactive))
        bad_foreign(p, "%s is true or false, not \"%.60s\"", p->note->key, p->note->value);
}

void key_lock(struct place *p)
{
    key_text(p, &p->step->lock);
    if (strlen(p->note->value) > RUN_LOCK_MAX)
        bad(p, "lock has at most %d bytes", RUN_LOCK_MAX);
}

void key_policy(struct place *p)
{
    key_text(p, &p->step->policy);
    if (*p->note->value && !value_is_safe(p->note->value))
        bad(p, "policy is a name, not \"%.60s\"", p->note->value);
}

static bool whole(const char *text, int64_t *value)
{
    int64_t n = 0;
    if (!*text)
        return false;
    for (const char *c = text; *c; c++) {
        if (!isdigit((unsigned char)*c) || n > ITEMS_MAX)
            return false;
        n = n * 10 + (*c - '0');
    }
    *value = n;
    return true;
}

static void set_whole(struct place *p, int64_t least, int64_t most, int64_t *value)
{
    int64_t n;
    if (whole(p->note->value, &n) && n >= least && n <= most)
        *value = n;
    else
        bad(p, "%s is a number from %lld to %lld, not \"%.60s\"", p->note->key, (long long)least,
            (long long)most, p->note->value);
}

void key_approvals(struct place *p)
{
    int64_t n = 0;
    set_whole(p, 0, STEP_APPROVALS_MAX, &n);
    p->step->approvals = (int)n;
}

void key_follow(struct place *p)
{
    const char *value = p->note->value;
    if (!str_starts(value, "job:") || !value[4]) {
        bad(p, "follow is job:NAME, not \"%.60s\"", value);
        return;
    }
    free(p->step->follow);
    p->step->follow = xstrdup(value + 4);
}

void key_items(struct place *p)
{
    key_text(p, &p->step->items);
    if (strchr(p->note->value, '$'))
        bad(p, "items names a file that is pinned when the run starts: no variables");
    else if (*p->note->value && !str_ends(p->note->value, ".jsonl"))
        bad(p, "items is a FILE.jsonl: a JSON object on each line, not \"%.60s\"", p->note->value);
}

void key_minimum(struct place *p)
{
    set_whole(p, 0, ITEMS_MAX, &p->step->minimum);
}

/* A part of one, with at most six digits behind the point, in millionths. */
static bool share(const char *text, int64_t *value)
{
    double number;
    if (!isdigit((unsigned char)*text) || strpbrk(text, "eE") || !number_parse(text, &number) || number < 0 ||
        number > 1)
        return false;
    *value = (int64_t)(number * MILLION + 0.5);
    return true;
}

void key_threshold(struct place *p)
{
    if (!share(p->note->value, &p->step->threshold))
        bad(p, "threshold is between 0 and 1, as 0.95, not \"%.60s\"", p->note->value);
}

void key_parallel(struct place *p)
{
    int64_t n = 1;
    set_whole(p, 1, STEP_PARALLEL_MAX, &n);
    p->step->parallel = (int)n;
}

void key_rungs(struct place *p)
{
    const char *text = p->note->value;
    strv_free(p->step->rungs);
    p->step->rungs = NULL;
    while (*text) {
        size_t n = strcspn(text, ",");
        char *rung = xstrndup(text, n);
        if (!value_is_safe(rung))
            bad(p, "rungs are values apart by commas, as 10,25,50,100; \"%.60s\" is none", rung);
        else if (strv_count(p->step->rungs) == STEP_RUNGS_MAX)
            bad(p, "more than %d rungs", STEP_RUNGS_MAX);
        else
            strv_add(&p->step->rungs, rung);
        free(rung);
        text += n + (text[n] != '\0');
    }
    if (!p->step->rungs)
        bad(p, "rungs has no value");
}

void key_rung_hold(struct place *p)
{
    key_time(p, &p->step->rung_hold, 0);
}

int guard_read(struct place *p)
{
    const char *value = p->note->value, *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : strlen(value);
    while (colon) {
        const char *word = colon + 1;
        colon = strchr(word, ':');
        char *text = colon ? xstrndup(word, (size_t)(colon - word)) : xstrdup(word);
        size_t n = strlen(text);
        double percent;
        bool good = true;
        if (str_eq(text, "lower") || str_eq(text, "higher")) {
            p->step->guard_lower = text[0] == 'l';
        } else if (n > 1 && text[n - 1] == '%') {
            text[n - 1] = '\0';
            good = isdigit((unsigned char)*text) && number_parse(text, &percent) && percent <= 100;
            p->step->guard_slack = good ? (int64_t)(percent * MILLION / 100 + 0.5) : 0;
        } else {
            good = false;
        }
        free(text);
        if (!good) {
            bad(p,
                "guard is NAME, NAME:lower (lower is better) or NAME:5%% (so much worse is not worse yet), "
                "not "
                "\"%.60s\"",
                value);
            return -1;
        }
    }
    return (int)length;
}
