/* Healing: what one row of the table cannot say. */
#include "engine/config/healing.h"

#include <stdlib.h>

#include "engine/config/config.h"
#include "engine/config/read.h"

#define LIST_LIMIT 256

static void complain_at(const struct value_place *place, struct config_place at, const char *what,
                        const char *name, const char *text)
{
    config_finding_add(place->findings, CONFIG_ERROR, place->file, at.line, at.column, "%s %s: %s", what,
                       name, text);
}

static const cJSON *elements(const struct value_place *place, const cJSON *list)
{
    if (!cJSON_IsArray(list))
        value_complain(place, list, "%s: expected a list, each element beginning with \"- name: ...\"",
                       list->string);
    else if (cJSON_GetArraySize(list) > LIST_LIMIT)
        value_complain(place, list, "%s: more than %d", list->string, LIST_LIMIT);
    else
        return list->child;
    return NULL;
}

static struct config_place place_of(const cJSON *item)
{
    return (struct config_place){yaml_line(item), yaml_column(item)};
}

void read_diagnosers(const struct value_place *place, const cJSON *list, struct config *c)
{
    struct config_heal *heal = &c->heal;
    const cJSON *element = elements(place, list);
    heal->diagnosers = element ? xcalloc((size_t)cJSON_GetArraySize(list), sizeof *heal->diagnosers) : NULL;
    for (; element; element = element->next) {
        struct config_diagnoser *d = &heal->diagnosers[heal->diagnoser_count++];
        *d = (struct config_diagnoser){.timeout_us = 20 * US_PER_S, .place = place_of(element)};
        read_group(place, "heal.diagnose[].", element, d);
    }
}

void read_heal_rules(const struct value_place *place, const cJSON *list, struct config *c)
{
    struct config_heal *heal = &c->heal;
    const cJSON *element = elements(place, list);
    heal->rules = element ? xcalloc((size_t)cJSON_GetArraySize(list), sizeof *heal->rules) : NULL;
    for (; element; element = element->next) {
        struct config_heal_rule *r = &heal->rules[heal->rule_count++];
        *r = (struct config_heal_rule){.confidence_milli = 900, .place = place_of(element)};
        read_group(place, "heal.rules[].", element, r);
    }
}

static void check_diagnoser(const struct value_place *place, const struct config *c,
                            const struct config_diagnoser *d)
{
    if (!d->command == !d->chain)
        complain_at(place, d->place, "heal.diagnose", d->name, "needs a command or a chain, one of them");
    if (d->chain && !config_chain_find(c, d->chain))
        complain_at(place, d->place, "heal.diagnose", d->name, "there is no such chain under chains:");
    for (const struct config_diagnoser *other = c->heal.diagnosers; other < d; other++)
        if (str_eq(other->name, d->name))
            complain_at(place, d->place, "heal.diagnose", d->name, "the name stands there twice");
}

static void check_rule(const struct value_place *place, const struct config *c,
                       const struct config_heal_rule *r)
{
    const char *hash = strchr(r->fix, '#');
    if (hash == r->fix || (hash && !hash[1]))
        complain_at(place, r->place, "heal rule", r->name, "fix is RUNBOOK or RUNBOOK#STEP");
    if (!r->when && r->for_us)
        complain_at(place, r->place, "heal rule", r->name, "for belongs to when");
    if (!r->when && !r->error && !r->resource)
        complain_at(place, r->place, "heal rule", r->name,
                    "needs when, error or resource: it would be the answer to everything");
    for (const struct config_heal_rule *other = c->heal.rules; other < r; other++)
        if (str_eq(other->name, r->name))
            complain_at(place, r->place, "heal rule", r->name, "the name stands there twice");
}

void check_healing(const struct value_place *place, const struct config *c, size_t errors)
{
    if (place->findings->errors != errors)
        return; /* what was refused is not missing: the rest follows when that is mended */
    for (size_t i = 0; i < c->heal.diagnoser_count; i++)
        check_diagnoser(place, c, &c->heal.diagnosers[i]);
    for (size_t i = 0; i < c->heal.rule_count; i++)
        check_rule(place, c, &c->heal.rules[i]);
}

void healing_fini(struct config *c)
{
    for (size_t i = 0; i < c->heal.diagnoser_count; i++) {
        free(c->heal.diagnosers[i].name);
        free(c->heal.diagnosers[i].chain);
        strv_free(c->heal.diagnosers[i].command);
    }
    for (size_t i = 0; i < c->heal.rule_count; i++) {
        struct config_heal_rule *r = &c->heal.rules[i];
        free(r->name);
        free(r->when);
        free(r->error);
        free(r->resource);
        free(r->issue);
        free(r->fix);
        free(r->policy);
    }
    free(c->heal.diagnosers);
    free(c->heal.rules);
}
