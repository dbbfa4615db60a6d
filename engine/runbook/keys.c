/* The annotations that are known: one row each, with what it does to a step. */
#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/block.h"
#include "engine/runbook/keys.h"
#include "engine/runbook/names.h"

#define EVERY_MIN_MS 100
#define TIME_MAX_MS  (400LL * 24 * 3600 * 1000)

/* ---- Values ---- */

bool key_boolean(const char *text, bool *value)
{
    static const char *const words[] = {"true",  "True",  "TRUE",  "t", "T", "1",
                                        "false", "False", "FALSE", "f", "F", "0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(words[i], text)) {
            *value = i < 6;
            return true;
        }
    return false;
}

/* Ours: what isn't true or false is an error. */
static void set_boolean(struct place *p, bool *value)
{
    if (!key_boolean(p->note->value, value))
        bad(p, "%s is true or false, not \"%.60s\"", p->note->key, p->note->value);
}

static bool holds_variable(const char *text)
{
    for (const char *c = strchr(text, '$'); c; c = strchr(c + 1, '$'))
        if (isalpha((unsigned char)c[1]) || c[1] == '_')
            return true;
    return false;
}

void key_time(struct place *p, struct step_time *time, int64_t least)
{
    if (holds_variable(p->note->value)) {
        free(time->text);
        time->text = xstrdup(p->note->value);
        return;
    }
    int64_t us;
    struct err why;
    if (duration_parse(p->note->value, &us, &why))
        bad(p, "%s: %s", p->note->key, why.msg);
    else if (us / US_PER_MS < least || us / US_PER_MS > TIME_MAX_MS)
        bad(p, "%s is between %lld ms and 400 days", p->note->key, (long long)least);
    else
        time->ms = us / US_PER_MS;
}

void key_text(struct place *p, char **text)
{
    if (!*p->note->value) {
        bad(p, "%s has no value", p->note->key);
        return;
    }
    free(*text);
    *text = xstrdup(p->note->value);
}

/* ---- Rows ---- */

static void set_kind(struct place *p)
{
    if (!step_kind_parse(p->note->value, &p->step->kind))
        bad(p, "kind is check, verify, evidence, action, rollback, manual or decision, not \"%.60s\"",
            p->note->value);
}

static void set_confirm(struct place *p)
{
    const char *value = p->note->value;
    if (str_starts(value, "type:") && value[5]) {
        p->step->confirm = CONFIRM_TYPE;
        p->step->confirm_text = xstrdup(value + 5);
    } else if (str_eq(value, "type") || !step_confirm_parse(value, &p->step->confirm) ||
               p->step->confirm == CONFIRM_TYPE) {
        bad(p, "confirm is none, key, yes or type:TEXT, not \"%.60s\"", value);
        p->step->confirm = CONFIRM_YES;
    } else if (p->step->confirm == CONFIRM_NONE && step_kind_acts(p->step->kind)) {
        bad(p, "%s always asks: confirm is key, yes or type:TEXT", step_kind_text(p->step->kind));
        p->step->confirm = CONFIRM_YES;
    }
}

static void set_scope(struct place *p)
{
    if (!*p->note->value || !step_scope_parse(p->note->value, &p->step->scope))
        bad(p, "scope is process, pod, shard, service or cluster, not \"%.60s\"", p->note->value);
}

static void set_onfail(struct place *p)
{
    p->step->onfail_given = true;
    if (!step_onfail_parse(p->note->value, &p->step->onfail))
        bad(p, "onfail is ask, stop, continue or rollback, not \"%.60s\"", p->note->value);
}

static void set_expect(struct place *p)
{
    key_text(p, &p->step->expect);
    struct err why;
    struct pattern *pattern = reading_pattern(p->r, p->note->value, &why);
    if (!pattern)
        bad(p, "expect: %s", why.msg);
    pattern_free(pattern);
}

static void set_timeout(struct place *p)
{
    key_time(p, &p->step->timeout, 0);
}

static void set_until(struct place *p)
{
    key_time(p, &p->step->until, 0);
}

static void set_every(struct place *p)
{
    key_time(p, &p->step->every, EVERY_MIN_MS);
}

static void set_hold(struct place *p)
{
    key_time(p, &p->step->hold, 0);
}

static void set_fresh(struct place *p)
{
    key_time(p, &p->step->fresh, 0);
}

static void set_idempotent(struct place *p)
{
    set_boolean(p, &p->step->idempotent);
}

static void set_exclude(struct place *p)
{
    if (!key_boolean(p->note->value, &p->step->exclude_from_run_all))
        bad_foreign(p, "%s is true or false, not \"%.60s\"", p->note->key, p->note->value);
}

static void set_tag(struct place *p)
{
    for (const char *c = p->note->value; *c;) {
        size_t n = strcspn(c, ", ");
        char *tag = xstrndup(c, n);
        if (n > 0)
            strv_add(&p->step->tags, tag);
        free(tag);
        c += n + (c[n] != '\0');
    }
}

static void set_background(struct place *p)
{
    bool on = false;
    if (key_boolean(p->note->value, &on) && on)
        book_finding(p->r->book, FINDING_WARNING, p->step->line, p->note->column,
                     "background is not done here: the step is waited for");
}

/* NULL: read elsewhere (names by link.c, texts by steps.c), or another runner's affair. kind stands first:
 * confirm reads it. */
static const struct {
    const char *name;
    void (*apply)(struct place *p);
} key_table[] = {
    {"kind", set_kind},
    {"confirm", set_confirm},
    {"when", NULL},
    {"expect", set_expect},
    {"until", set_until},
    {"every", set_every},
    {"hold", set_hold},
    {"pre", NULL},
    {"fresh", set_fresh},
    {"verify", NULL},
    {"rollback", NULL},
    {"undo", NULL},
    {"onfail", set_onfail},
    {"evidence", NULL},
    {"scope", set_scope},
    {"timeout", set_timeout},
    {"idempotent", set_idempotent},
    {"approvals", key_approvals},
    {"lock", key_lock},
    {"policy", key_policy},
    {"items", key_items},
    {"minimum", key_minimum},
    {"threshold", key_threshold},
    {"parallel", key_parallel},
    {"rungs", key_rungs},
    {"rung-hold", key_rung_hold},
    {"guard", NULL},
    {"follow", key_follow},
    {"name", NULL},
    {"cwd", NULL},
    {"interactive", key_interactive},
    {"interpreter", NULL},
    {"promptEnv", NULL},
    {"excludeFromRunAll", set_exclude},
    {"tag", set_tag},
    {"category", set_tag},
    {"ignore", NULL},
    {"background", set_background},
    {"id", NULL},
    {"mimeType", NULL},
    {"terminalRows", NULL},
    {"closeTerminalOnSuccess", NULL},
    {"openTerminalOnSuccess", NULL},
    {"transform", NULL},
};
#define KEY_COUNT (sizeof key_table / sizeof *key_table)

bool keys_known(const char *key)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (str_eq(key_table[i].name, key))
            return true;
    return false;
}

void keys_apply(struct reading *r, int step)
{
    struct place p = {.r = r, .number = step, .step = &r->book->steps.data[step]};
    const struct annotations *notes = &r->notes.data[step];
    for (size_t i = 0; i < KEY_COUNT; i++) {
        p.note = annotations_find(notes, key_table[i].name);
        if (p.note && key_table[i].apply)
            key_table[i].apply(&p);
    }
    for (size_t i = 0; i < notes->list.len; i++) {
        p.note = &notes->list.data[i];
        if (!keys_known(p.note->key))
            bad_foreign(&p, "unknown annotation \"%.60s\"", p.note->key);
    }
}
