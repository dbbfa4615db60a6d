/* belay exec with what the configuration names: its policies, and its chains, whose tiers may be HTTP
 * requests and chats. Only belay-console has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/targets/exec_drive.h"
#include "engine/targets/targets.h"

/* The configuration lives as long as a tier that points into it. */
struct held {
    struct config *config;
    size_t users;
};

struct asking {
    struct held *held;
    const struct config_tier *tier;
};

static void release(struct held *h)
{
    if (--h->users > 0)
        return;
    config_free(h->config);
    free(h);
}

static void asking_free(void *data)
{
    struct asking *a = data;
    release(a->held);
    free(a);
}

/* ---- One attempt, on a loop of its own ---- */

struct attempt {
    struct exec_call *call;
    bool over;
};

/* An answer is somebody else's text: a terminal gets it cleaned, a file or a pipe as it is. */
static void write_answer(struct exec_call *call, const struct str *answer)
{
    struct str clean = {0};
    struct err e = {0};
    bool terminal = isatty(STDOUT_FILENO);
    if (terminal)
        utf8_clean(&clean, str_text(answer), answer->len, true);
    const struct str *out = terminal ? &clean : answer;
    if (exec_call_output(call, str_text(out), out->len, &e) < 0)
        failure_of_error(e.code, true, e.msg, &call->failure);
    str_fini(&clean);
}

static int status_of(const struct failure *f)
{
    switch (f->class) {
    case FAILURE_NONE:
        return 0;
    case FAILURE_TIMEOUT:
        return EXEC_STATUS_TIMEOUT;
    case FAILURE_LOCAL:
        return EXEC_STATUS_OWN;
    default:
        return EXEC_STATUS_HTTP;
    }
}

static void on_asked(void *data, struct ask_result *r)
{
    struct attempt *a = data;
    a->over = true;
    a->call->failure = r->failure;
    a->call->cost = r->cost;
    if (r->failure.class == FAILURE_NONE)
        write_answer(a->call, &r->answer);
}

static void on_signal(void *data, int events)
{
    struct attempt *a = data;
    (void)events;
    a->over = a->over || exec_call_cancelled(a->call);
}

static void ask_on(struct loop *l, struct http *http, struct exec_call *call, const struct config_tier *tier,
                   const struct str *input)
{
    struct err e = {0};
    struct attempt a = {.call = call};
    struct ask_question q = {.input = str_text(input), .length = input->len, .id = call->id};
    struct loop_watch *signals = loop_watch_new(l, exec_call_signals(call), LOOP_READ, on_signal, &a, &e);
    struct ask *ask = ask_start(l, http, tier, &q, call->policy, call->timeout_ms, on_asked, &a);
    call->failure = (struct failure){.class = FAILURE_CANCELLED, .retry_after_ms = -1};
    snprintf(call->failure.text, sizeof call->failure.text, "called off");
    while (!a.over)
        loop_run_once(l, -1);
    if (call->failure.class == FAILURE_CANCELLED)
        ask_cancel(ask);
    loop_watch_free(signals);
}

static void attempt(struct exec_call *call, void *data)
{
    const struct asking *a = data;
    struct err e = {0};
    struct str input = {0};
    struct loop *l = NULL;
    struct http *http = NULL;
    int code = exec_call_input(call, &input, &e);
    call->blameless = code < 0;
    if (code == ERR_CANCELLED || code == ERR_TIMED_OUT)
        failure_of_error(code, false, e.msg, &call->failure);
    else if (code < 0 || !(l = loop_new(&e)) || !(http = http_new(l, 1, &e)))
        failure_of_error(ERR_USAGE, false, e.msg, &call->failure);
    else
        ask_on(l, http, call, a->tier, &input);
    call->status = status_of(&call->failure);
    http_free(http);
    if (l)
        loop_free(l);
    str_fini(&input);
}

/* ---- The plan ---- */

static void command_tier(struct exec_tier *tier, const struct config_tier *declared, const char *id)
{
    char **env = strv_copy(declared->env), *line = xasprintf("BELAY_ID=%s", id ? id : "");
    if (id)
        strv_add(&env, line);
    exec_tier_command(tier, declared->command, env);
    strv_free(env);
    free(line);
}

static void add_tier(struct exec_plan *plan, const struct config_tier_at *at, struct held *held)
{
    const struct config_tier *d = at->tier;
    struct exec_tier *tier = exec_plan_tier(plan, d->name);
    struct chain_tier as = declared_tier(d);
    tier->cost = as.cost;
    tier->accuracy = as.accuracy;
    tier->input_max = as.input_max;
    tier->timeout_ms = d->timeout_us / US_PER_MS;
    declared_target(at->chain, d, tier->target);
    snprintf(tier->chain, sizeof tier->chain, "%s", at->chain->name);
    tier->number = (unsigned)(d - at->chain->tiers) + 1;
    tier->of = (unsigned)at->chain->tier_count;
    tier->has_breaker = d->has_breaker || !plan->policy.has_breaker;
    if (tier->has_breaker)
        tier->breaker = d->has_breaker ? breaker_rules_declared(&d->breaker) : breaker_rules_default();
    if (d->asking == CONFIG_ASK_COMMAND) {
        command_tier(tier, d, plan->id);
        return;
    }
    struct asking *asking = xcalloc(1, sizeof *asking);
    *asking = (struct asking){held, d};
    held->users++;
    tier->provable = true;
    tier->attempt = attempt;
    tier->data = asking;
    tier->free = asking_free;
}

static int take_chain(struct exec_plan *plan, const char *name, struct held *held, struct err *e)
{
    const struct config *c = held->config;
    const struct config_chain *chain = config_chain_find(c, name);
    struct config_tier_at tiers[CONFIG_CHAIN_TIERS];
    if (!chain)
        return err_set(e, ERR_NOT_FOUND, "there is no chain \"%.64s\" in %.120s", name, c->path);
    int code = declared_chain_policy(c, chain, &plan->policy, e);
    if (code < 0)
        return code;
    snprintf(plan->name, sizeof plan->name, "%s", chain->name);
    snprintf(plan->chain, sizeof plan->chain, "%s", chain->name);
    size_t count = config_chain_tiers(c, chain, tiers);
    for (size_t i = 0; i < count; i++)
        add_tier(plan, &tiers[i], held);
    plan->cached = xstrdup(chain->cached);
    plan->refusal = xstrdup(chain->refusal);
    return 0;
}

static int take_policy(struct exec_plan *plan, const char *name, const struct config *c, struct err *e)
{
    const struct config_policy *declared = config_policy_find(c, name);
    if (!declared)
        return err_set(e, ERR_NOT_FOUND, "there is no policy \"%.64s\"%s%.120s", name,
                       c ? " in " : ": there is no configuration", c ? c->path : "");
    if (declared->has_breaker && declared->breaker_name)
        snprintf(plan->breaker, sizeof plan->breaker, "%s", declared->breaker_name);
    return policy_declared(declared, &plan->policy, e);
}

static int resolve(struct exec_plan *plan, const struct exec_names *names, void *ctx, struct err *e)
{
    (void)ctx;
    struct held *held = xcalloc(1, sizeof *held);
    held->users = 1;
    held->config = config_load(names->config, NULL, e);
    bool none = !held->config && e->code == ERR_NOT_FOUND && !names->config && !names->chain;
    if (none && config_policy_find(NULL, names->policy)) /* one that is always there */
        held->config = config_new();
    int code = held->config ? 0 : e->code;
    if (code == 0 && names->chain)
        code = take_chain(plan, names->chain, held, e);
    if (code == 0 && names->policy) {
        bool idempotent = names->chain && plan->policy.idempotent;
        code = take_policy(plan, names->policy, held->config, e);
        plan->policy.idempotent |= idempotent;
    }
    if (code == 0) {
        plan->state_folder = config_targets_folder(held->config, &plan->state_shared);
    }
    release(held);
    return code;
}

const struct exec_resolver exec_declared = {.resolve = resolve, .cached = exec_cached};
