/* Which things are wrong that a rule of `heal:` knows of, who says what mends them, and what is done about
 * it. Only the process that watches looks, asks and acts. */
#include "engine/healing.h"

#include <stdio.h>
#include <stdlib.h>

static bool acts_here(const struct engine *engine)
{
    return engine->config->heal.enabled == 1 && engine->watch.wanted && !engine->read_only &&
           engine->watch.holder == NULL && engine->chronicle.journal && engine->chronicle.loaded &&
           engine->library.parsing == 0 && !engine->chronicle.trouble && !engine->closing;
}

/* ---- what becomes of a case ---- */

static void escalate(struct healing_case *c, const char *why)
{
    c->state = HEALING_GIVEN_UP; /* said once, also while it is on its way to the disk */
    healing_append(c, EVENT_HEAL_ESCALATED, "escalated", c->run,
                   xasprintf("%s needs a person: %s", c->resource, why), NULL);
}

static void begin(struct healing_case *c)
{
    const char *path = NULL;
    struct str why = {0};
    if (healing_allows(c->engine, c, &path, &why))
        c->walk = healing_walk_new(c, path);
    else
        healing_tried(c, 0, OUTCOME_FAILED, str_text(&why));
    str_fini(&why);
}

static bool is_automatic(const struct config_heal_rule *rule)
{
    return str_eq(rule->policy, "auto");
}

/* The rule that found it has to say so, and one that names this very fix: whoever diagnosed may have chosen
 * another one than the rule's own. Of a step that failed that is the rule that diagnosed it. */
static bool runs_by_itself(const struct healing_case *c)
{
    const struct config_heal *heal = &c->engine->config->heal;
    const char *by = str_starts(c->diagnosis.by, "rule ") ? c->diagnosis.by + strlen("rule ") : NULL;
    for (size_t i = 0; (!c->rule || is_automatic(c->rule)) && i < heal->rule_count; i++) {
        const struct config_heal_rule *rule = &heal->rules[i];
        bool speaks = c->rule ? rule == c->rule || !rule->when : by && str_eq(rule->name, by);
        if (speaks && is_automatic(rule) && str_eq(rule->fix, c->diagnosis.fix))
            return true;
    }
    return false;
}

static struct heal_permission permission_of(const struct healing_case *c, bool allowed)
{
    const struct config_heal *heal = &c->engine->config->heal;
    return (struct heal_permission){.enabled = true,
                                    .automatic = runs_by_itself(c),
                                    .idempotent = allowed,
                                    .narrow = allowed,
                                    .confidence_least = (double)heal->confidence_milli / 1000};
}

/* Only once its proposal is in the journal, and never while something of it is under way. */
static void decide(struct healing_case *c)
{
    const char *path = NULL;
    struct str why = {0};
    bool allowed = healing_allows(c->engine, c, &path, &why);
    struct heal_permission permission = permission_of(c, allowed);
    int64_t now_ms = loop_now_us(c->engine->loop) / US_PER_MS;
    str_fini(&why);
    switch (heal_decide(&c->machine, &permission, &c->diagnosis, now_ms)) {
    case HEAL_RUN:
        c->state = HEALING_RUNNING;
        healing_append(c, EVENT_HEAL_STARTED, NULL, 0,
                       xasprintf("runs %s for %s by itself, attempt %u of %u", c->diagnosis.fix, c->resource,
                                 c->attempts + 1, c->machine.attempts_most),
                       begin);
        break;
    case HEAL_ESCALATE:
        escalate(c, "its fix did not help");
        break;
    case HEAL_REST:
        loop_timer_start(c->engine->healing->timer, (c->machine.rest_until_ms - now_ms + 1) * US_PER_MS, 0);
        break;
    case HEAL_PROPOSE:
        break;
    }
}

/* What failed is tried again where this console walks it; elsewhere its operator sees that the fix is done.
 */
static void try_again(const struct healing_case *c)
{
    struct walk *w = walk_find(c->engine, c->failed_run);
    char *reason = xasprintf("healed by %s", c->diagnosis.fix);
    struct run_input input = {
        .kind = INPUT_CHOOSE, .step = c->failed_step, .choice = CHOICE_RETRY, .reason = reason};
    if (w && !w->elsewhere && !w->ended && w->book->steps.data[c->failed_step].idempotent)
        walk_input(w, &input, NULL, NULL);
    free(reason);
}

void healing_tried(struct healing_case *c, int64_t run, enum run_outcome outcome, const char *why)
{
    const struct engine *engine = c->engine;
    bool ok = outcome == OUTCOME_OK;
    healing_walk_free(c->walk);
    c->walk = NULL;
    c->run = run;
    c->state = HEALING_RESTING;
    heal_ended(&c->machine, loop_now_us(engine->loop) / US_PER_MS, engine->config->heal.rest_us / US_PER_MS);
    healing_append(c, EVENT_HEAL_TRIED,
                   ok                           ? "ok"
                   : outcome == OUTCOME_UNKNOWN ? "unknown"
                                                : "failed",
                   run,
                   xasprintf("%s for %s: %s%s%s", c->diagnosis.fix, c->resource,
                             ok ? "done, looking whether it helped" : "not done", why[0] ? ": " : "", why),
                   NULL);
    if (ok && c->failed_run)
        try_again(c);
    if (outcome == OUTCOME_UNKNOWN)
        escalate(c, "nobody knows what became of its fix");
}

static void on_diagnosed(void *context, const struct heal_diagnosis *found, const char *notes)
{
    struct healing_case *c = context;
    const char *path = NULL;
    struct str why = {0};
    c->diagnosing = NULL;
    if (c->engine->closing)
        return;
    if (!found) {
        snprintf(c->diagnosis.issue, sizeof c->diagnosis.issue, "not known");
        snprintf(c->diagnosis.evidence, sizeof c->diagnosis.evidence, "%s", notes);
        c->proposed = true;
        escalate(c, "no diagnoser and no rule knows it");
        return;
    }
    c->diagnosis = *found;
    free(c->notes);
    c->notes = xstrdup(notes);
    struct heal_permission permission = permission_of(c, healing_allows(c->engine, c, &path, &why));
    c->automatic =
        permission.automatic && permission.idempotent && found->confidence >= permission.confidence_least;
    healing_append(c, EVENT_HEAL_PROPOSED, NULL, 0,
                   xasprintf("%s: %s, %.0f %% sure (%s); fix: %s%s%s", c->resource, found->issue,
                             100 * found->confidence, found->by, found->fix,
                             permission.automatic && !c->automatic && why.len ? "; not by itself: " : "",
                             permission.automatic && !c->automatic ? str_text(&why) : ""),
                   NULL);
    str_fini(&why);
}

/* ---- looking ---- */

static void look_at_rules(struct healing *h)
{
    struct platform *platform = h->engine->watch.platform;
    size_t count = 0;
    offers_update(h->offers, platform, loop_now_us(h->engine->loop), clock_wall_us());
    const struct offer *ripe = offers_list(h->offers, &count);
    for (size_t i = 0; i < count; i++) {
        const struct config_heal_rule *rule = h->watched.data[ripe[i].index].rule;
        const struct entity *entity = platform_entity(platform, ripe[i].entity);
        if (!entity)
            continue;
        struct str title = {0}, key = {0}, error = {0};
        entity_title(entity, &title);
        str_addf(&key, "%s %s", rule->name, str_text(&title));
        str_addf(&error, "%s%s%s", entity->raw, entity->raw[0] && entity->reason[0] ? ": " : "",
                 entity->reason);
        struct healing_case *c = healing_case_find(h, str_text(&key));
        if (!c) {
            c = healing_case_new(h, str_text(&key), str_text(&title), str_text(&error));
        } else if (!c->proposed) {
            free(c->error);
            c->error = str_take(&error);
        }
        c->rule = rule;
        c->holds = true;
        str_fini(&title);
        str_fini(&key);
        str_fini(&error);
    }
}

static bool step_waits(const struct healing_case *c)
{
    const struct walk *w = walk_find(c->engine, c->failed_run);
    struct run_step view = {0};
    if (w && !w->ended)
        run_step_at(w->run, c->failed_step, &view);
    return view.ask == ASK_FAILED;
}

/* While it is tried again nothing is known yet. */
static bool step_is_over(const struct healing_case *c)
{
    const struct walk *w = walk_find(c->engine, c->failed_run);
    struct run_step view;
    if (!w || w->ended)
        return c->engine->runs.restoring == 0;
    run_step_at(w->run, c->failed_step, &view);
    return view.outcome == OUTCOME_OK || view.outcome == OUTCOME_WARN || view.outcome == OUTCOME_SKIPPED;
}

static bool all_sources_answer(const struct platform *p)
{
    for (size_t i = 0; i < platform_source_count(p); i++)
        if (platform_source(p, i)->state != SOURCE_OK)
            return false;
    return true;
}

/* Only what is known is over: a silent source, or one that has not answered yet, has said nothing. */
static bool is_over(const struct healing_case *c)
{
    const struct engine *engine = c->engine;
    const struct platform *p = engine->watch.platform;
    const struct healing_watch *watch = healing_watch_of(engine->healing, c->rule ? c->rule->name : NULL);
    if (c->failed_run)
        return step_is_over(c);
    if (!watch) /* the rule is no longer in the configuration */
        return true;
    const char *space = strchr(c->resource, ' ');
    char *kind_name = xstrndup(c->resource, space ? (size_t)(space - c->resource) : 0);
    enum entity_kind kind;
    const struct entity *e =
        space && entity_kind_parse(kind_name, &kind) ? platform_find(p, kind, NULL, space + 1) : NULL;
    free(kind_name);
    if (!e)
        return all_sources_answer(p);
    return !(e->flags & ENTITY_SILENT) && !condition_holds(watch->condition, e, clock_wall_us());
}

static void look_at_case(struct healing_case *c)
{
    if (c->gone || c->appending || c->diagnosing || c->walk)
        return;
    if (!c->proposed && heal_is_calm(&c->machine, loop_now_us(c->engine->loop) / US_PER_MS))
        healing_case_anew(c, 0);
    if (!c->holds && !c->proposed && c->attempts > 0) /* it may be back before long */
        return;
    if (!c->holds && !c->proposed)
        healing_case_drop(c);
    else if (!c->holds && !is_over(c))
        return;
    else if (!c->holds)
        healing_append(c, EVENT_HEAL_ENDED, c->attempts ? "healed" : "withdrawn", c->run,
                       c->attempts
                           ? xasprintf("%s is well again after %s", c->resource, c->diagnosis.fix)
                           : xasprintf("%s: what called for %s is over", c->resource, c->diagnosis.fix),
                       NULL);
    else if (!c->proposed)
        c->diagnosing = diagnosing_new(c->engine->loop, c->engine->config, c->resource, c->error, c->rule,
                                       on_diagnosed, c);
    else if (c->state == HEALING_RUNNING)
        escalate(c, "the console that ran its fix is gone");
    else if (c->state != HEALING_GIVEN_UP)
        decide(c);
}

void healing_look(struct engine *engine)
{
    struct healing *h = engine->healing;
    if (!h || !acts_here(engine))
        return;
    for (size_t i = 0; i < h->cases.len; i++)
        h->cases.data[i]->holds = h->cases.data[i]->failed_run && step_waits(h->cases.data[i]);
    look_at_rules(h);
    for (size_t i = h->cases.len; i-- > 0;)
        if (i < h->cases.len)
            look_at_case(h->cases.data[i]);
    int64_t next = offers_next_us(h->offers), now = loop_now_us(engine->loop);
    if (next != INT64_MAX && !loop_timer_active(h->timer))
        loop_timer_start(h->timer, next > now ? next - now : 0, 0);
}

static void on_timer(void *data)
{
    healing_look(data);
}

/* ---- from outside ---- */

int healing_open(struct engine *engine, struct err *e)
{
    const struct config_heal *heal = &engine->config->heal;
    struct healing *h = xcalloc(1, sizeof *h);
    engine->healing = h;
    h->engine = engine;
    h->offers = offers_new();
    h->timer = loop_timer_new(engine->loop, on_timer, engine);
    for (size_t i = 0; i < heal->rule_count; i++) {
        const struct config_heal_rule *rule = &heal->rules[i];
        struct offer_condition *condition = rule->when ? condition_parse(rule->when, e) : NULL;
        if (rule->when && !condition) {
            err_prefix(e, "%s:%d: heal rule %s: when: ", engine->config->path ? engine->config->path : "",
                       rule->place.line, rule->name);
            return ERR_SYNTAX;
        }
        if (!condition)
            continue;
        offers_add(h->offers, condition, rule->for_us);
        *vec_push(&h->watched) = (struct healing_watch){rule, condition};
    }
    return 0;
}

void healing_close(struct engine *engine)
{
    struct healing *h = engine->healing;
    if (!h)
        return;
    for (size_t i = 0; i < h->cases.len; i++)
        healing_case_free(h->cases.data[i]);
    vec_fini(&h->cases);
    vec_fini(&h->watched);
    offers_free(h->offers);
    loop_timer_free(h->timer);
    free(h);
    engine->healing = NULL;
}
