#include "engine/resilience/heal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rules ---- */

const struct heal_rule heal_shipped[] = {
    {.name = "image quality",
     .issue = "image_quality",
     .match = "*image?quality*",
     .fix = "preprocess-image",
     .confidence = 0.8},
    {.name = "unreadable image",
     .issue = "image_quality",
     .match = "*image*too*dark*",
     .fix = "preprocess-image",
     .confidence = 0.7},
    {.name = "blurred image",
     .issue = "image_quality",
     .match = "*image*blur*",
     .fix = "preprocess-image",
     .confidence = 0.7},
    {.name = "encoding",
     .issue = "encoding",
     .match = "*encoding*",
     .fix = "repair-encoding",
     .confidence = 0.8},
    {.name = "invalid UTF-8",
     .issue = "encoding",
     .match = "*invalid*utf?8*",
     .fix = "repair-encoding",
     .confidence = 0.8},
    {.name = "codec",
     .issue = "encoding",
     .match = "*codec can't decode*",
     .fix = "repair-encoding",
     .confidence = 0.8},
};
const size_t heal_shipped_count = sizeof heal_shipped / sizeof *heal_shipped;

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* * any text, ? any one character. Only the last star is ever taken back: at most length times length. */
static bool covers(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            from = text;
        } else if (*pattern && (*pattern == '?' || same_letter(*pattern, *text))) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* Cleaned, on one line, and cut at a whole character. */
static void put(char *to, size_t size, const char *text)
{
    struct str clean = {0};
    size_t bad;
    utf8_clean(&clean, text, strnlen(text, 4 * size), false);
    size_t length = clean.len < size ? clean.len : size - 1;
    if (!utf8_valid(str_text(&clean), length, &bad))
        length = bad;
    memcpy(to, str_text(&clean), length);
    to[length] = '\0';
    str_fini(&clean);
}
#define PUT(field, text) put(field, sizeof(field), text)

static bool rule_fits(const struct heal_rule *r, const char *resource, const char *error)
{
    return (!r->match || covers(r->match, error)) && (!r->resource || covers(r->resource, resource));
}

static bool diagnose_by(const struct heal_rule *rules, size_t count, const char *resource, const char *error,
                        struct heal_diagnosis *d)
{
    for (size_t i = 0; i < count; i++)
        if (rule_fits(&rules[i], resource, error)) {
            const struct heal_rule *r = &rules[i];
            char *by = xasprintf("rule %s", r->name);
            *d = (struct heal_diagnosis){.confidence = r->confidence};
            PUT(d->issue, r->issue);
            PUT(d->fix, r->fix);
            PUT(d->by, by);
            PUT(d->evidence, error);
            free(by);
            return true;
        }
    return false;
}

bool heal_diagnose(const struct heal_rule *rules, size_t count, const char *resource, const char *error,
                   struct heal_diagnosis *d)
{
    *d = (struct heal_diagnosis){0};
    resource = resource ? resource : "";
    error = error ? error : "";
    return diagnose_by(rules, count, resource, error, d) ||
           diagnose_by(heal_shipped, heal_shipped_count, resource, error, d);
}

/* ---- Answers from outside ---- */

static bool is_named(const char *const *names, const char *fix)
{
    for (; *names; names++)
        if (str_eq(*names, fix))
            return true;
    return false;
}

static int read_object(const cJSON *root, const char *const *names, struct heal_diagnosis *d, struct err *e)
{
    const char *issue = json_string(root, "issue", ""), *fix = json_string(root, "fix", "");
    double confidence = 0;
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(root, "confidence");
    if (!cJSON_IsObject(root) || !*issue)
        return err_set(e, ERR_SYNTAX, "a diagnosis is {\"issue\", \"fix\", \"confidence\", \"evidence\"}");
    if (said && !cJSON_IsNull(said) &&
        (!json_number(said, &confidence) || !(confidence >= 0 && confidence <= 1)))
        return err_set(e, ERR_SYNTAX, "the confidence of a diagnosis is a number from 0 to 1");
    if (!is_named(names, fix))
        return err_set(e, ERR_NOT_FOUND, "a diagnosis names %s",
                       *fix ? "a fix that isn't offered" : "no fix");
    d->confidence = confidence;
    PUT(d->issue, issue);
    PUT(d->fix, fix);
    PUT(d->evidence, json_string(root, "evidence", ""));
    return 0;
}

#define ANSWER_BYTES_MAX 65536

int heal_read_answer(const char *text, size_t length, const char *const *names, struct heal_diagnosis *d,
                     struct err *e)
{
    *d = (struct heal_diagnosis){0};
    if (length > ANSWER_BYTES_MAX)
        return err_set(e, ERR_SYNTAX, "a diagnosis of %zu bytes is none", length);
    const char *from = memchr(text, '{', length), *to = memrchr(text, '}', length);
    if (!from || !to || to < from)
        return err_set(e, ERR_SYNTAX, "there is no JSON object in the answer");
    cJSON *root = json_parse(from, (size_t)(to - from) + 1, e);
    if (!root)
        return ERR_SYNTAX;
    int status = read_object(root, names, d, e);
    cJSON_Delete(root);
    return status;
}

/* ---- Cases ---- */

#define CALM_RESTS 10

bool heal_is_calm(const struct heal_case *c, int64_t now_ms)
{
    return c->calm_ms != 0 && now_ms >= c->calm_ms;
}

enum heal_verdict heal_decide(struct heal_case *c, const struct heal_permission *p,
                              const struct heal_diagnosis *d, int64_t now_ms)
{
    bool may_run =
        p->automatic && p->idempotent && p->narrow && d->fix[0] && d->confidence >= p->confidence_least;
    if (!p->enabled || c->begun_ms != 0)
        return HEAL_REST;
    if (heal_is_calm(c, now_ms))
        *c = (struct heal_case){.attempts_most = c->attempts_most};
    c->calm_ms = 0; /* it is back: it was not healed */
    if (c->escalated)
        return HEAL_ESCALATE;
    if (!may_run)
        return HEAL_PROPOSE;
    if (c->attempts >= c->attempts_most) {
        c->escalated = true;
        return HEAL_ESCALATE;
    }
    if (now_ms < c->rest_until_ms)
        return HEAL_REST;
    c->attempts++;
    c->begun_ms = now_ms > 0 ? now_ms : 1;
    return HEAL_RUN;
}

void heal_ended(struct heal_case *c, int64_t now_ms, int64_t rest_ms)
{
    if (c->begun_ms == 0)
        return;
    c->begun_ms = 0;
    c->rest_until_ms = now_ms + rest_ms;
}

void heal_well(struct heal_case *c, int64_t now_ms, int64_t rest_ms)
{
    c->begun_ms = 0;
    c->rest_until_ms = now_ms + rest_ms;
    c->calm_ms = now_ms + CALM_RESTS * rest_ms;
}
