/* Policies and chains: what one row of the table cannot say. */
#include "engine/config/chains.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/config/config.h"
#include "engine/config/read.h"

#define LIST_LIMIT 256

struct config_breaker config_breaker_default(void)
{
    return (struct config_breaker){.failures = 5,
                                   .minimum_calls = 20,
                                   .window_us = 60 * US_PER_S,
                                   .cool_down_us = 60 * US_PER_S,
                                   .cool_down_cap_us = 600 * US_PER_S,
                                   .jitter_milli = 100,
                                   .multiplier_milli = 1000,
                                   .probes = 1,
                                   .successes = 1};
}

const struct config_chain *config_chain_find(const struct config *c, const char *name)
{
    for (size_t i = 0; c && name && i < c->chain_count; i++)
        if (str_eq(c->chains[i].name, name))
            return &c->chains[i];
    return NULL;
}

/* ---- What is wrong with one of them ---- */

static void complain_at(const struct value_place *place, struct config_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain_at(const struct value_place *place, struct config_place at, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    config_finding_add(place->findings, CONFIG_ERROR, place->file, at.line, at.column, "%s", str_text(&text));
    str_fini(&text);
}

static struct config_place place_of(const cJSON *item)
{
    return (struct config_place){yaml_line(item), yaml_column(item)};
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* Rules under which it could never trip, or never close again. */
static void check_breaker(const struct value_place *place, const char *whose, const cJSON *item,
                          const struct config_breaker *b)
{
    struct config_place at = place_of(item);
    if (!b->failures && !b->rate_milli && !b->slow_milli)
        complain_at(place, at, "%s: breaker: without failures, rate and slow_rate it never trips", whose);
    if (b->slow_milli && !b->slow_us)
        complain_at(place, at, "%s: breaker: slow_rate needs slow: from when on is a call slow?", whose);
    if (b->window_calls && member(item, "window"))
        complain_at(place, at, "%s: breaker: has window and window_calls: one of them", whose);
    if (b->window_calls && (b->rate_milli || b->slow_milli) && b->minimum_calls > b->window_calls)
        complain_at(place, at, "%s: breaker: minimum is more than window_calls: it never trips by a rate",
                    whose);
    if (b->successes > b->probes)
        complain_at(place, at,
                    "%s: breaker: needs %" PRId64 " successes of %" PRId64 " probes: it never closes", whose,
                    b->successes, b->probes);
    if (b->cool_down_cap_us < b->cool_down_us && member(item, "cap"))
        complain_at(place, at, "%s: breaker: cap is shorter than cool_down", whose);
}

const char *config_policy_target(const struct config_policy *p)
{
    return !p->has_breaker ? NULL : p->breaker_name ? p->breaker_name : p->name;
}

static void complain_policy(const struct value_place *place, const struct config_policy *p, const char *text)
{
    complain_at(place, (struct config_place){p->line, p->column}, "policy %s: %s", p->name, text);
}

static void check_policy(const struct value_place *place, const struct config *c, const cJSON *item,
                         struct config_policy *p)
{
    if (member(item, "attempts") && p->max_retries >= 0)
        complain_policy(place, p, "has attempts and max_retries: one of them");
    if (p->max_retries >= 0)
        p->attempts = p->max_retries + 1;
    for (const struct config_policy *other = c->policies; p->name && other < p; other++)
        if (str_eq(other->name, p->name))
            complain_policy(place, p, "the name stands there twice");
    for (const struct config_policy *other = c->policies; p->checks && other < p; other++)
        if (other->checks)
            complain_policy(place, p, "checks: another policy is that of the checks already");
    if (p->cap_us < p->base_us)
        complain_policy(place, p, "cap is shorter than base");
    if (p->deadline_us && p->deadline_us <= p->base_us)
        complain_policy(place, p, "deadline leaves no room for a second attempt: base is as long");
    const cJSON *breaker = member(item, "breaker");
    p->has_breaker = breaker != NULL;
    if (breaker) {
        char *whose = xasprintf("policy %s", p->name);
        check_breaker(place, whose, breaker, &p->breaker);
        free(whose);
    }
    if (p->attempts > CONFIG_RETRIES_WISE)
        config_finding_add(place->findings, CONFIG_WARNING, place->file, p->line, p->column,
                           "policy %s: %" PRId64
                           " retries; what fails so often is rarely mended by trying on",
                           p->name, p->attempts - 1);
}

static bool is_list(const struct value_place *place, const cJSON *list, int most)
{
    if (!cJSON_IsArray(list))
        value_complain(place, list, "%s: expected a list, each element beginning with \"- name: ...\"",
                       list->string);
    else if (cJSON_GetArraySize(list) > most)
        value_complain(place, list, "%s: more than %d", list->string, most);
    else
        return true;
    return false;
}

void read_policies(const struct value_place *place, const cJSON *list, struct config *c)
{
    if (!is_list(place, list, LIST_LIMIT))
        return;
    c->policies = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *c->policies);
    const cJSON *element;
    cJSON_ArrayForEach(element, list)
    {
        struct config_policy *policy = &c->policies[c->policy_count++];
        *policy = *config_policy_find(NULL, "default");
        policy->name = NULL;
        policy->breaker = config_breaker_default();
        policy->line = yaml_line(element);
        policy->column = yaml_column(element);
        size_t errors = place->findings->errors;
        read_group(place, "policies[].", element, policy);
        if (place->findings->errors == errors)
            check_policy(place, c, element, policy);
    }
}

/* ---- Chains ---- */

static void check_tier(const struct value_place *place, const cJSON *item, const struct config_chain *chain,
                       struct config_tier *t)
{
    static const char *const ways[] = {"command", "http", "openai", "chain"};
    char *whose = xasprintf("tier %s", t->name);
    int given = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const cJSON *way = member(item, ways[i]);
        t->asking = way ? (enum config_asking)(CONFIG_ASK_COMMAND + i) : t->asking;
        given += way != NULL;
    }
    if (given != 1)
        complain_at(place, t->place, "%s: %s: one of command, http, openai, chain", whose,
                    given ? "is asked in more than one way" : "nothing says how it is asked");
    for (const struct config_tier *other = chain->tiers; other < t; other++)
        if (str_eq(other->name, t->name))
            complain_at(place, t->place, "%s: the name stands there twice in chain %s", whose, chain->name);
    if (t->asking == CONFIG_ASK_CHAIN && (t->cost_micro >= 0 || t->accuracy_milli >= 0 || t->input_max ||
                                          t->timeout_us || member(item, "breaker")))
        complain_at(place, t->place,
                    "%s: cost, accuracy, input_max, timeout and breaker are those of the tiers of chain %s",
                    whose, t->chain);
    if (t->env && t->asking != CONFIG_ASK_COMMAND)
        complain_at(place, t->place, "%s: env belongs to a command", whose);
    bool bodyless = str_eq(t->method, "GET") || str_eq(t->method, "HEAD");
    if (bodyless && t->body)
        complain_at(place, t->place, "%s: a %s has no body", whose, t->method);
    if (t->take && t->take[0] != '/')
        complain_at(place, t->place, "%s: take: a JSON Pointer begins with /", whose);
    const cJSON *breaker = member(item, "breaker");
    t->has_breaker = breaker != NULL;
    if (breaker)
        check_breaker(place, whose, breaker, &t->breaker);
    free(whose);
}

void read_tiers(const struct value_place *place, const cJSON *list, struct config_chain *chain)
{
    if (!is_list(place, list, CONFIG_CHAIN_TIERS))
        return;
    if (!list->child)
        value_complain(place, list, "tiers: a chain needs one at least");
    chain->tiers = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *chain->tiers);
    const cJSON *element;
    cJSON_ArrayForEach(element, list)
    {
        struct config_tier *tier = &chain->tiers[chain->tier_count++];
        const cJSON *reference = member(element, "chain");
        *tier = (struct config_tier){.cost_micro = -1,
                                     .accuracy_milli = -1,
                                     .temperature_milli = -1,
                                     .price_in_micro = -1,
                                     .price_out_micro = -1,
                                     .breaker = config_breaker_default(),
                                     .place = place_of(element)};
        if (reference)
            tier->chain_place = place_of(reference);
        size_t errors = place->findings->errors;
        read_group(place, "chains[].tiers[].", element, tier);
        if (place->findings->errors == errors)
            check_tier(place, element, chain, tier);
    }
}

void read_chains(const struct value_place *place, const cJSON *list, struct config *c)
{
    if (!is_list(place, list, LIST_LIMIT))
        return;
    c->chains = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *c->chains);
    const cJSON *element;
    cJSON_ArrayForEach(element, list)
    {
        struct config_chain *chain = &c->chains[c->chain_count++];
        *chain = (struct config_chain){.idempotent = -1, .place = place_of(element)};
        read_group(place, "chains[].", element, chain);
        for (const struct config_chain *other = c->chains; chain->name && other < chain; other++)
            if (str_eq(other->name, chain->name))
                complain_at(place, chain->place, "chain %s: the name stands there twice", chain->name);
    }
}

/* ---- Chains that name chains ---- */

/* Whether going on from chain leads to wanted; seen keeps it from going any way twice. */
static bool leads_to(const struct config *c, const struct config_chain *chain,
                     const struct config_chain *wanted, bool seen[LIST_LIMIT])
{
    if (!chain || chain == wanted)
        return chain != NULL;
    if (seen[chain - c->chains])
        return false;
    seen[chain - c->chains] = true;
    for (size_t i = 0; i < chain->tier_count; i++)
        if (leads_to(c, config_chain_find(c, chain->tiers[i].chain), wanted, seen))
            return true;
    return false;
}

static size_t gather(const struct config *c, const struct config_chain *chain, const struct config_tier *own,
                     struct config_tier_at *tiers, size_t count)
{
    for (size_t i = 0; chain && i < chain->tier_count && count <= CONFIG_CHAIN_TIERS; i++) {
        const struct config_tier *t = &chain->tiers[i], *mine = own ? own : t;
        if (t->asking == CONFIG_ASK_CHAIN) {
            count = gather(c, config_chain_find(c, t->chain), mine, tiers, count);
            continue;
        }
        if (tiers && count < CONFIG_CHAIN_TIERS)
            tiers[count] = (struct config_tier_at){.tier = t, .own = mine, .chain = chain};
        count++;
    }
    return count;
}

size_t config_chain_tiers(const struct config *c, const struct config_chain *chain,
                          struct config_tier_at tiers[CONFIG_CHAIN_TIERS])
{
    return gather(c, chain, NULL, tiers, 0);
}

bool config_chain_idempotent(const struct config *c, const struct config_chain *chain)
{
    const struct config_policy *policy = config_policy_find(c, chain->policy ? chain->policy : "default");
    struct config_tier_at tiers[CONFIG_CHAIN_TIERS];
    if (chain->idempotent >= 0)
        return chain->idempotent == 1;
    if (policy && policy->idempotent >= 0)
        return policy->idempotent == 1;
    size_t count = config_chain_tiers(c, chain, tiers);
    for (size_t i = 0; i < count && i < CONFIG_CHAIN_TIERS; i++) {
        const struct config_tier *t = tiers[i].tier;
        if (t->asking != CONFIG_ASK_CHAT && !str_eq(t->method, "GET") && !str_eq(t->method, "HEAD"))
            return false;
    }
    return true;
}

static void complain_missing(const struct value_place *place, struct config_place at, const char *what,
                             const char *name, const char *const *names)
{
    const char *nearest = config_nearest(name, names);
    if (nearest)
        complain_at(place, at, "there is no %s \"%s\", did you mean \"%s\"?", what, name, nearest);
    else
        complain_at(place, at, "there is no %s \"%s\"", what, name);
}

static void check_references(const struct value_place *place, const struct config *c,
                             const struct config_chain *chain, const char *const *names)
{
    for (size_t k = 0; k < chain->tier_count; k++) {
        const struct config_tier *t = &chain->tiers[k];
        const struct config_chain *other = config_chain_find(c, t->chain);
        bool seen[LIST_LIMIT] = {false};
        if (t->chain && !other)
            complain_missing(place, t->chain_place, "chain", t->chain, names);
        else if (other && leads_to(c, other, chain, seen))
            complain_at(place, t->chain_place, "chain %s refers to itself%s%s", chain->name,
                        other == chain ? "" : ", through ", other == chain ? "" : other->name);
    }
}

void check_chains(const struct value_place *place, const struct config *c, size_t errors)
{
    const char *chains[LIST_LIMIT + 1] = {NULL}, *policies[LIST_LIMIT + 3] = {"default", "rate-limit"};
    for (size_t i = 0; i < c->chain_count; i++)
        chains[i] = c->chains[i].name ? c->chains[i].name : "";
    for (size_t i = 0; i < c->policy_count; i++)
        policies[i + 2] = c->policies[i].name ? c->policies[i].name : "";
    for (size_t i = 0; i < c->chain_count; i++) {
        const struct config_chain *chain = &c->chains[i];
        if (chain->policy && !config_policy_find(c, chain->policy))
            complain_missing(place, chain->place, "policy", chain->policy, policies);
        check_references(place, c, chain, chains);
    }
    if (place->findings->errors > errors)
        return; /* in a circle there is no end of counting */
    for (size_t i = 0; i < c->chain_count; i++)
        if (config_chain_tiers(c, &c->chains[i], NULL) > CONFIG_CHAIN_TIERS)
            complain_at(place, c->chains[i].place,
                        "chain %s has more than %d tiers, with those of the chains it names",
                        c->chains[i].name, CONFIG_CHAIN_TIERS);
}

void chains_fini(struct config *c)
{
    for (size_t i = 0; i < c->chain_count; i++) {
        struct config_chain *chain = &c->chains[i];
        for (size_t k = 0; k < chain->tier_count; k++) {
            struct config_tier *t = &chain->tiers[k];
            char *texts[] = {t->name,  t->method, t->url, t->body, t->take,
                             t->model, t->system, t->key, t->ca,   t->chain};
            for (size_t n = 0; n < sizeof texts / sizeof *texts; n++)
                free(texts[n]);
            strv_free(t->command);
            strv_free(t->env);
            config_headers_free(t->headers, t->header_count);
        }
        free(chain->tiers);
        free(chain->name);
        free(chain->policy);
        free(chain->cached);
        free(chain->refusal);
    }
    free(c->chains);
    for (size_t i = 0; i < c->policy_count; i++) {
        free(c->policies[i].name);
        free(c->policies[i].breaker_name);
        free(c->policies[i].jitter);
        free(c->policies[i].retry_on);
        free(c->policies[i].permanent);
        free(c->policies[i].end);
    }
    free(c->policies);
}
