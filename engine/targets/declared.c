#include "engine/targets/declared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/ask.h"

#define CACHED_LIMIT (64u << 20)

int declared_chain_policy(const struct config *c, const struct config_chain *chain, struct policy *p,
                          struct err *e)
{
    const char *name = chain->policy ? chain->policy : "default";
    const struct config_policy *declared = config_policy_find(c, name);
    if (!declared)
        return err_set(e, ERR_NOT_FOUND, "there is no policy \"%.64s\"", name);
    int status = policy_declared(declared, p, e);
    unsigned tiers = (unsigned)config_chain_tiers(c, chain, NULL);
    if (p->backoff.attempts < tiers)
        p->backoff.attempts = tiers;
    p->idempotent = config_chain_idempotent(c, chain);
    return status;
}

struct chain_tier declared_tier(const struct config_tier *t)
{
    return (struct chain_tier){.name = t->name,
                               .cost = t->cost_micro < 0 ? (double)NAN : (double)t->cost_micro / 1e6,
                               .accuracy =
                                   t->accuracy_milli < 0 ? (double)NAN : (double)t->accuracy_milli / 1e3,
                               .input_max = (uint64_t)t->input_max,
                               .provable = true};
}

void declared_target(const struct config_chain *chain, const struct config_tier *tier,
                     char name[static DECLARED_TARGET_SIZE])
{
    snprintf(name, DECLARED_TARGET_SIZE, "chain/%s/%s", chain->name, tier->name);
}

/* The file's map, or NULL. */
static cJSON *cached_map(const char *file, struct err *e)
{
    struct str text = {0};
    cJSON *map = NULL;
    if (file_read(file, CACHED_LIMIT, &text, e) == 0) {
        map = json_parse(str_text(&text), text.len, e);
        if (!map)
            err_prefix(e, "%s: ", file);
    }
    if (map && !cJSON_IsObject(map)) {
        err_set(e, ERR_SYNTAX, "%s: expected a JSON object of answers by their ids", file);
        cJSON_Delete(map);
        map = NULL;
    }
    str_fini(&text);
    return map;
}

char *declared_cached(const char *file, const char *id, struct err *e)
{
    if (!file || !id)
        return NULL;
    cJSON *map = cached_map(file, e);
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(map, id);
    struct str text = {0};
    char *printed = NULL;
    if (answer && !cJSON_IsNull(answer)) {
        if (json_text(answer, &text))
            printed = str_take(&text);
        else
            printed = json_print(answer);
    }
    str_fini(&text);
    cJSON_Delete(map);
    return printed;
}

/* ---- Checking ---- */

static void check_rules(const struct config *c, struct config_findings *findings, struct config_place at,
                        const char *whose, const struct config_breaker *b)
{
    struct breaker_rules rules = breaker_rules_declared(b);
    struct err e = {0};
    if (breaker_rules_check(&rules, &e) < 0)
        config_finding_add(findings, CONFIG_ERROR, c->path, at.line, at.column, "%s: breaker: %s", whose,
                           e.msg);
}

static void check_request(const struct config *c, struct config_findings *findings,
                          const struct config_tier *t)
{
    struct err e = {0};
    struct str url = {0};
    ask_expand(t->url, &(struct ask_question){.input = "x", .length = 1, .id = "x"}, true, &url);
    if (http_url_check(str_text(&url), &e) < 0)
        config_finding_add(findings, CONFIG_ERROR, c->path, t->place.line, t->place.column, "tier %s: %s",
                           t->name, e.msg);
    str_fini(&url);
}

static void check_chain(const struct config *c, struct config_findings *findings,
                        const struct config_chain *chain)
{
    struct err e = {0};
    for (size_t i = 0; i < chain->tier_count; i++) {
        const struct config_tier *t = &chain->tiers[i];
        char *whose = xasprintf("tier %s", t->name);
        if (t->has_breaker)
            check_rules(c, findings, t->place, whose, &t->breaker);
        if (t->url)
            check_request(c, findings, t);
        free(whose);
    }
    if (!chain->cached)
        return;
    cJSON *map = cached_map(chain->cached, &e);
    if (!map)
        config_finding_add(findings, CONFIG_WARNING, c->path, chain->place.line, chain->place.column,
                           "chain %s: cached: %s", chain->name, e.msg);
    cJSON_Delete(map);
}

void declared_check(const struct config *c, struct config_findings *findings)
{
    for (size_t i = 0; i < c->policy_count; i++) {
        const struct config_policy *d = &c->policies[i];
        struct policy p;
        struct err e = {0};
        if (policy_declared(d, &p, &e) < 0)
            config_finding_add(findings, CONFIG_ERROR, c->path, d->line, d->column, "%s", e.msg);
    }
    for (size_t i = 0; i < c->chain_count; i++)
        check_chain(c, findings, &c->chains[i]);
}
