/* Inputs as the journal keeps them. Steps stand by id (the document is pinned by its digest), unknown members
 * are ignored. */
#include <stdlib.h>

#include "engine/runbook/names.h"
#include "engine/runbook/run_state.h"

#define LIST_LIMIT 1024

static const char *const match_texts[] = {
    [MATCH_NONE] = "none", [MATCH_YES] = "yes", [MATCH_NO] = "no", [MATCH_UNDECIDED] = "undecided"};

/* ---- Out ---- */

static void put(cJSON *to, const char *key, const char *text)
{
    if (text)
        cJSON_AddStringToObject(to, key, text);
}

static void put_list(cJSON *to, const char *key, char *const *list)
{
    if (!list)
        return;
    cJSON *array = cJSON_AddArrayToObject(to, key);
    for (; *list; list++)
        cJSON_AddItemToArray(array, cJSON_CreateString(*list));
}

static void put_result(cJSON *to, const struct run_result *result)
{
    put(to, "end", run_end_text(result->end));
    if (result->end == END_EXITED)
        json_add_int(to, "exit", result->exit);
    if (result->end == END_SIGNALLED)
        json_add_int(to, "signal", result->signal);
    put(to, "text", result->text);
    if (result->match != MATCH_NONE)
        put(to, "match", match_texts[result->match]);
    if (result->no_budget)
        cJSON_AddTrueToObject(to, "no_budget");
    if (result->refused)
        cJSON_AddTrueToObject(to, "refused");
    put(to, "output", result->output);
    put_list(to, "exports", result->exports);
}

static bool names_step(enum run_input_kind kind)
{
    return kind != INPUT_START && kind != INPUT_SET && kind != INPUT_STARTED && kind != INPUT_FINISHED &&
           kind != INPUT_TICK && kind != INPUT_STOP && kind != INPUT_LOCKED && kind != INPUT_REFUSED &&
           kind != INPUT_ADOPT;
}

static bool names_ticket(enum run_input_kind kind)
{
    return kind == INPUT_STARTED || kind == INPUT_FINISHED || kind == INPUT_LOCKED || kind == INPUT_REFUSED;
}

static void put_statuses(cJSON *to, const char *key, const struct exit_list *list)
{
    struct str text = {0};
    if (!exit_list_is_empty(list)) {
        exit_list_text(list, &text);
        put(to, key, str_text(&text));
    }
    str_fini(&text);
}

static void put_policies(cJSON *to, const struct run_input *in)
{
    cJSON *list = in->policy_count ? cJSON_AddArrayToObject(to, "policies") : NULL;
    for (size_t i = 0; i < in->policy_count; i++) {
        const struct policy *p = &in->policies[i].rules;
        const struct backoff *b = &p->backoff;
        cJSON *item = cJSON_CreateObject();
        put(item, "name", in->policies[i].name);
        if (in->policies[i].checks)
            cJSON_AddTrueToObject(item, "checks");
        put(item, "breaker", in->policies[i].target);
        if (in->policies[i].target)
            json_add_int(item, "budget", p->budget);
        json_add_int(item, "attempts", b->attempts);
        json_add_int(item, "base_ms", b->base_ms);
        json_add_int(item, "factor_milli", b->factor_milli);
        json_add_int(item, "cap_ms", b->cap_ms);
        put(item, "jitter", backoff_jitter_text(b->jitter));
        json_add_int(item, "deadline_ms", b->deadline_ms);
        json_add_int(item, "growth_milli", b->growth_milli);
        if (p->timeout_ms > 0)
            json_add_int(item, "timeout_ms", p->timeout_ms);
        put_statuses(item, "retry_on", &p->retry_on);
        put_statuses(item, "permanent", &p->permanent);
        if (p->end != POLICY_FALLBACK)
            put(item, "on_failure", policy_end_text(p->end));
        cJSON_AddItemToArray(list, item);
    }
}

static void put_pins(cJSON *to, const struct runbook *book, const struct run_input *in)
{
    cJSON *list = in->pin_count ? cJSON_AddArrayToObject(to, "items") : NULL;
    for (size_t i = 0; i < in->pin_count; i++) {
        const struct run_pin *pin = &in->pins[i];
        cJSON *item = cJSON_CreateObject();
        put(item, "step", book->steps.data[pin->step].id);
        put(item, "digest", pin->digest);
        json_add_int(item, "count", pin->count);
        cJSON_AddItemToArray(list, item);
    }
}

static void put_start(cJSON *to, const struct runbook *book, const struct run_input *in)
{
    put_policies(to, in);
    put_pins(to, book, in);
    if (in->seed)
        json_add_int(to, "seed", (int64_t)in->seed);
    if (in->rehearsed)
        cJSON_AddTrueToObject(to, "rehearsed");
}

char *run_input_to_json(const struct runbook *book, const struct run_input *in)
{
    cJSON *root = cJSON_CreateObject();
    put(root, "input", run_input_text(in->kind));
    json_add_int(root, "at_ms", in->at_ms);
    put(root, "actor", in->actor);
    if (names_step(in->kind) && in->step >= 0 && (size_t)in->step < book->steps.len)
        put(root, "step", book->steps.data[in->step].id);
    if (names_ticket(in->kind))
        json_add_int(root, "ticket", (int64_t)in->ticket);
    put(root, "name", in->name);
    put(root, "value", in->value);
    put(root, "typed", in->typed);
    if (in->kind == INPUT_CHOOSE)
        put(root, "choice", run_choice_text(in->choice));
    if (in->kind == INPUT_RESOLVE)
        put(root, "resolved", run_outcome_text(in->resolved));
    put(root, "reason", in->reason);
    put(root, "where", in->where);
    if (in->has_signature)
        cJSON_AddTrueToObject(root, "signed");
    if (in->kind == INPUT_START)
        put_start(root, book, in);
    put_list(root, "variables", in->variables);
    put_list(root, "context", in->context);
    if (in->kind == INPUT_FINISHED)
        put_result(root, &in->result);
    char *text = json_print(root);
    cJSON_Delete(root);
    return text;
}

/* ---- Back ---- */

static char **take_list(const cJSON *root, const char *key, struct err *e)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(root, key), *item;
    char **list = NULL;
    int count = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item) || ++count > LIST_LIMIT) {
            err_set(e, ERR_SYNTAX, "a run's input: %s is not a list of texts", key);
            strv_free(list);
            return NULL;
        }
    }
    list = xcalloc((size_t)count + 1, sizeof *list);
    count = 0;
    cJSON_ArrayForEach(item, array) list[count++] = xstrdup(item->valuestring);
    return list;
}

static int take_result(const cJSON *root, struct run_result *result, struct err *e)
{
    const char *match = json_string(root, "match", "none");
    size_t i = 0;
    if (!run_end_parse(json_string(root, "end", ""), &result->end))
        return err_set(e, ERR_SYNTAX, "a run's input: no known end of an execution");
    while (i < sizeof match_texts / sizeof *match_texts && !str_eq(match_texts[i], match))
        i++;
    if (i == sizeof match_texts / sizeof *match_texts)
        return err_set(e, ERR_SYNTAX, "a run's input: match is not known");
    result->match = (enum run_match)i;
    result->exit = (int)json_int(root, "exit", 0);
    result->signal = (int)json_int(root, "signal", 0);
    result->text = json_string(root, "text", NULL);
    result->output = json_string(root, "output", NULL);
    result->no_budget = json_bool(root, "no_budget", false);
    result->refused = json_bool(root, "refused", false);
    return 0;
}

static bool take_statuses(const cJSON *item, const char *key, struct exit_list *list, struct err *e)
{
    const char *text = json_string(item, key, NULL);
    return !text || exit_list_parse(text, list, e) == 0;
}

static bool take_policy(const cJSON *item, struct policy *p, struct err *e)
{
    struct backoff *b = &p->backoff;
    *p = policy_default();
    b->attempts = (unsigned)json_int(item, "attempts", 0);
    b->base_ms = json_int(item, "base_ms", 0);
    b->factor_milli = (unsigned)json_int(item, "factor_milli", 0);
    b->cap_ms = json_int(item, "cap_ms", 0);
    b->deadline_ms = json_int(item, "deadline_ms", 0);
    b->growth_milli = (unsigned)json_int(item, "growth_milli", 1000);
    p->timeout_ms = json_int(item, "timeout_ms", 0);
    p->budget = (unsigned)json_int(item, "budget", 0);
    return backoff_jitter_parse(json_string(item, "jitter", ""), &b->jitter) &&
           policy_end_parse(json_string(item, "on_failure", policy_end_text(p->end)), &p->end) &&
           take_statuses(item, "retry_on", &p->retry_on, e) &&
           take_statuses(item, "permanent", &p->permanent, e) && policy_check(p, e) == 0;
}

static int take_policies(const cJSON *root, struct run_input *in, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "policies"), *item;
    in->held_policies = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *in->held_policies);
    cJSON_ArrayForEach(item, list)
    {
        struct run_policy *p = &in->held_policies[in->policy_count++];
        p->name = json_string(item, "name", "");
        p->checks = json_bool(item, "checks", false);
        p->target = json_string(item, "breaker", NULL);
        if (!take_policy(item, &p->rules, e))
            return err_set(e, ERR_SYNTAX, "a run's input: no such policy is possible");
    }
    in->policies = in->held_policies;
    return 0;
}

static int take_pins(const struct runbook *book, const cJSON *root, struct run_input *in, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "items"), *item;
    in->held_pins = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *in->held_pins);
    cJSON_ArrayForEach(item, list)
    {
        struct run_pin *pin = &in->held_pins[in->pin_count++];
        pin->step = runbook_find(book, json_string(item, "step", ""));
        pin->digest = json_string(item, "digest", "");
        pin->count = json_int(item, "count", -1);
        if (pin->step == STEP_NONE)
            return err_set(e, ERR_NOT_FOUND, "a run's input: items of a step that is not in the runbook");
    }
    in->pins = in->held_pins;
    return 0;
}

static int take_start(const struct runbook *book, const cJSON *root, struct run_input *in, struct err *e)
{
    in->seed = (uint64_t)json_int(root, "seed", 0);
    in->rehearsed = json_bool(root, "rehearsed", false);
    int code = take_policies(root, in, e);
    return code ? code : take_pins(book, root, in, e);
}

static int take(const struct runbook *book, const cJSON *root, struct run_input *in, struct err *e)
{
    if (!cJSON_IsObject(root) || !run_input_kind_parse(json_string(root, "input", ""), &in->kind))
        return err_set(e, ERR_SYNTAX, "a run's input of no known kind");
    in->at_ms = json_int(root, "at_ms", 0);
    in->actor = json_string(root, "actor", NULL);
    in->name = json_string(root, "name", NULL);
    in->value = json_string(root, "value", NULL);
    in->typed = json_string(root, "typed", NULL);
    in->reason = json_string(root, "reason", NULL);
    in->where = json_string(root, "where", NULL);
    in->has_signature = json_bool(root, "signed", false);
    in->ticket = (uint64_t)json_int(root, "ticket", 0);
    in->step = STEP_NONE;
    if (names_step(in->kind)) {
        const char *id = json_string(root, "step", "");
        in->step = runbook_find(book, id);
        if (in->step == STEP_NONE)
            return err_set(e, ERR_NOT_FOUND, "a run's input: the runbook has no step \"%.60s\"", id);
    }
    if (in->kind == INPUT_CHOOSE && !run_choice_parse(json_string(root, "choice", ""), &in->choice))
        return err_set(e, ERR_SYNTAX, "a run's input: no known choice");
    if (in->kind == INPUT_RESOLVE && !run_outcome_parse(json_string(root, "resolved", ""), &in->resolved))
        return err_set(e, ERR_SYNTAX, "a run's input: no known outcome");
    const char *const keys[] = {"variables", "context", "exports"};
    for (int i = 0; i < 3; i++)
        if (cJSON_GetObjectItemCaseSensitive(root, keys[i]) &&
            !(in->held_lists[i] = take_list(root, keys[i], e)))
            return ERR_SYNTAX;
    in->variables = in->held_lists[0];
    in->context = in->held_lists[1];
    in->result.exports = in->held_lists[2];
    if (in->kind == INPUT_START)
        return take_start(book, root, in, e);
    return in->kind == INPUT_FINISHED ? take_result(root, &in->result, e) : 0;
}

int run_input_from_json(const struct runbook *book, const char *json, size_t length, struct run_input *in,
                        struct err *e)
{
    *in = (struct run_input){.step = STEP_NONE};
    in->held = json_parse(json, length, e);
    if (!in->held)
        return ERR_SYNTAX;
    int code = take(book, in->held, in, e);
    if (code)
        run_input_fini(in);
    return code;
}

void run_input_fini(struct run_input *in)
{
    cJSON_Delete(in->held);
    for (int i = 0; i < 3; i++)
        strv_free(in->held_lists[i]);
    free(in->held_policies);
    free(in->held_pins);
    *in = (struct run_input){.step = STEP_NONE};
}
