/* Random runbooks for the simulation: all kinds and all annotations of the walk, always runnable. */
#ifndef BELAY_TESTS_RANDOM_DOCUMENT_H
#define BELAY_TESTS_RANDOM_DOCUMENT_H

#include "engine/base/base.h"
#include "engine/runbook/runbook.h"

struct draft {
    struct rng rng;
    struct str text;
    int walked; /* steps of the walk so far, named w0 ... */
    char kinds[32];
};

static inline bool chance(struct rng *r, unsigned percent)
{
    return rng_below(r, 100) < percent;
}

/* `count` of the names PREFIX0 ... PREFIX(of-1) as key=a,b. */
static inline void draft_names(struct draft *d, const char *key, const char *prefix, unsigned count,
                               unsigned of)
{
    str_addf(&d->text, " %s=", key);
    unsigned first = (unsigned)rng_below(&d->rng, of);
    for (unsigned i = 0; i < count; i++)
        str_addf(&d->text, "%s%s%u", i ? "," : "", prefix, (first + i) % of);
}

static inline void draft_when(struct draft *d)
{
    if (d->walked == 0 || !chance(&d->rng, 40))
        return;
    unsigned terms = 1 + (unsigned)rng_below(&d->rng, 2);
    str_add(&d->text, " when=");
    for (unsigned i = 0; i < terms; i++) {
        unsigned at = (unsigned)rng_below(&d->rng, (uint64_t)d->walked);
        if (d->kinds[at] == 'd')
            str_addf(&d->text, "%sw%u=%s", i ? "," : "", at, chance(&d->rng, 50) ? "left" : "right");
        else
            str_addf(&d->text, "%s%sw%u", i ? "," : "", chance(&d->rng, 50) ? "!" : "", at);
    }
}

static inline void draft_onfail(struct draft *d, bool rollback)
{
    static const char *const ways[] = {"ask", "stop", "continue", "rollback"};
    if (chance(&d->rng, 50))
        str_addf(&d->text, " onfail=%s", ways[rng_below(&d->rng, rollback ? 4 : 3)]);
}

static inline void draft_polling(struct draft *d)
{
    if (chance(&d->rng, 40))
        str_add(&d->text, " until=20s every=3s");
    if (chance(&d->rng, 20))
        str_add(&d->text, " hold=7s");
}

/* Of what only looks: how often an error of it is tried again. */
static inline void draft_looking(struct draft *d)
{
    if (chance(&d->rng, 30))
        str_addf(&d->text, " policy=p%u", (unsigned)rng_below(&d->rng, 2));
}

static inline void draft_acting(struct draft *d)
{
    static const char *const scopes[] = {"process", "pod", "shard", "service", "cluster"};
    static const char *const confirms[] = {"key", "yes", "type:GO", "type:$NS"};
    struct rng *r = &d->rng;
    if (chance(r, 60))
        str_addf(&d->text, " scope=%s", scopes[rng_below(r, 5)]);
    if (chance(r, 70))
        str_addf(&d->text, " confirm=%s", confirms[rng_below(r, 4)]);
    if (chance(r, 40))
        draft_names(d, "pre", "c", 1 + (unsigned)rng_below(r, 2), 3);
    if (chance(r, 30))
        str_addf(&d->text, " fresh=%ds", (int)rng_below(r, 20));
    if (chance(r, 40))
        draft_names(d, "evidence", "e", 1 + (unsigned)rng_below(r, 2), 3);
    if (chance(r, 50))
        draft_names(d, "verify", "v", 1 + (unsigned)rng_below(r, 2), 3);
    if (chance(r, 20))
        str_add(&d->text, " expect=^done$");
    if (chance(r, 30))
        str_add(&d->text, " timeout=1m");
}

#define DRAFT_ITEMS_MAX 7 /* nN.jsonl has N lines */

static inline void draft_items(struct draft *d)
{
    struct rng *r = &d->rng;
    str_addf(&d->text, " items=n%u.jsonl", (unsigned)rng_below(r, DRAFT_ITEMS_MAX + 1));
    if (chance(r, 60))
        str_addf(&d->text, " parallel=%u", 1 + (unsigned)rng_below(r, 3));
    if (chance(r, 60))
        str_addf(&d->text, " threshold=0.%u", (unsigned)rng_below(r, 10));
    if (chance(r, 30))
        str_addf(&d->text, " minimum=%u", (unsigned)rng_below(r, 4));
}

/* What an acting step of the walk may have besides. */
static inline void draft_powers(struct draft *d)
{
    static const char *const guards[] = {"", " guard=g0", " guard=g0:lower", " guard=g0:10%", " guard=g0"};
    struct rng *r = &d->rng;
    if (chance(r, 30))
        str_addf(&d->text, " lock=%s", chance(r, 50) ? "l0" : chance(r, 50) ? "l1" : "of-$NS");
    if (chance(r, 25))
        str_addf(&d->text, " approvals=%u", 1 + (unsigned)rng_below(r, 2));
    bool parts = true;
    if (chance(r, 30))
        draft_items(d);
    else if (chance(r, 40))
        str_addf(&d->text, " rungs=%s rung-hold=%us%s", chance(r, 50) ? "1,2,3" : "10,25,50,100",
                 (unsigned)rng_below(r, 4), guards[rng_below(r, 5)]);
    else
        parts = false;
    if (chance(r, 50))
        str_addf(&d->text, " idempotent=true%s",
                 chance(r, 80) ? chance(r, 50) ? " policy=p0" : " policy=p1" : "");
    else if (!parts && chance(r, 10) && !strstr(strrchr(str_text(&d->text), '{'), " expect="))
        str_add(&d->text, " interactive=true");
    if (chance(r, 10))
        str_add(&d->text, " follow=job:re-index");
}

static inline void draft_walk_step(struct draft *d)
{
    struct rng *r = &d->rng;
    unsigned what = (unsigned)rng_below(r, 10);
    char kind = what < 5 ? 'a' : what < 7 ? 'c' : what < 8 ? 'p' : what < 9 ? 'm' : 'd';
    int number = d->walked;
    str_addf(&d->text, "## Step %d\n\n%s {name=w%d", number, kind == 'd' || kind == 'm' ? "```text" : "```sh",
             number);
    if (kind == 'a') {
        draft_acting(d);
        draft_powers(d);
        bool rollback = chance(r, 50);
        if (rollback)
            draft_names(d, "rollback", "r", 1, 2);
        if (chance(r, 30))
            str_add(&d->text, " undo=u0");
        draft_onfail(d, rollback);
    } else if (kind == 'm' || kind == 'd') {
        str_addf(&d->text, " kind=%s", kind == 'm' ? "manual" : "decision");
        if (kind == 'm' && chance(r, 30))
            draft_names(d, "verify", "v", 1, 3);
        if (chance(r, 20))
            str_add(&d->text, " confirm=type:SURE");
        draft_onfail(d, false);
    } else {
        str_add(&d->text, " kind=check");
        if (kind == 'p')
            str_add(&d->text, " confirm=yes pre=c0 evidence=e1");
        if (chance(r, 50))
            str_add(&d->text, " expect=^done$");
        draft_polling(d);
        draft_looking(d);
        if (chance(r, 20))
            draft_items(d);
        draft_onfail(d, false);
    }
    draft_when(d);
    str_add(&d->text, "}\n");
    if (kind == 'd')
        str_add(&d->text, "left: go left\nright: go right\n");
    else
        str_addf(&d->text, "run w%d \"$NS\"%s\n", number, chance(r, 15) ? " <PLACE>" : "");
    str_add(&d->text, "```\n\n");
    d->kinds[d->walked++] = kind;
}

static inline void draft_references(struct draft *d)
{
    for (int i = 0; i < 3; i++) {
        str_addf(&d->text, "```sh {name=c%d kind=check", i);
        draft_looking(d);
        str_addf(&d->text, "}\npre %d\n```\n```sh {name=e%d kind=evidence", i, i);
        draft_looking(d);
        str_addf(&d->text, "}\nlook %d\n```\n```sh {name=v%d kind=verify", i, i);
        draft_polling(d);
        draft_looking(d);
        if (chance(&d->rng, 20))
            draft_items(d);
        str_addf(&d->text, "}\nverify %d\n```\n", i);
    }
    for (int i = 0; i < 2; i++) {
        str_addf(&d->text, "```sh {name=r%d kind=rollback", i);
        draft_acting(d);
        if (chance(&d->rng, 30))
            str_add(&d->text, " lock=l0");
        if (chance(&d->rng, 20))
            draft_items(d);
        draft_onfail(d, false);
        str_add(&d->text, "}\nback\n```\n");
    }
    str_add(&d->text, "```sh {name=g0 kind=verify");
    draft_looking(d);
    str_add(&d->text, "}\nmeasure\n```\n");
    str_add(&d->text, "```sh {name=u0 kind=rollback");
    draft_acting(d);
    str_add(&d->text, "}\nundo\n```\n");
}

static inline struct runbook *random_document(uint64_t seed, char **text, struct err *e)
{
    struct draft d = {0};
    rng_seed(&d.rng, seed);
    str_add(&d.text, "---\nrunbook:\n  id: random\n  vars:\n    NS: {default: rag}\n");
    str_addf(&d.text, "    PLACE: {%s}\n---\n", chance(&d.rng, 50) ? "default: here" : "ask: where");
    int steps = 2 + (int)rng_below(&d.rng, 9);
    for (int i = 0; i < steps; i++)
        draft_walk_step(&d);
    draft_references(&d);
    struct runbook *book = runbook_parse("random.md", str_text(&d.text), d.text.len, e);
    if (book && runbook_runnable(book, e)) {
        runbook_free(book);
        book = NULL;
    }
    *text = str_take(&d.text);
    return book;
}

#endif
