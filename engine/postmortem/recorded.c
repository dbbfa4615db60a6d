/* A run as the answers of a rehearsal (engine/runbook/answers.h), from what the journal has of it. */
#include <stdlib.h>

#include "engine/postmortem/postmortem.h"

struct recording {
    struct str *out;
    struct map *names; /* of variables that have their line, and steps that were executed */
    char *step, *role; /* of the newest line, when it is an outcome */
    size_t line;       /* where that one begins */
    bool found;
};

static void add_text(struct str *out, const char *text)
{
    utf8_clean(out, text, strlen(text), false);
}

/* The line that comes is no further look of the check before it. */
static void begin_line(struct recording *r)
{
    free(r->step);
    free(r->role);
    r->step = r->role = NULL;
    r->line = r->out->len;
}

static void add_value(struct recording *r, const char *name, const char *value, bool again)
{
    if (map_has(r->names, name) && !again)
        return;
    map_set(r->names, name, r);
    begin_line(r);
    str_addf(r->out, "%s = ", name);
    add_text(r->out, value);
    str_add(r->out, "\n");
}

/* What the run knew when the block was about to run; not what belay adds, nor secrets. */
static void take_env(struct recording *r, const cJSON *env)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, env)
    {
        bool own = str_starts(item->string, "BELAY_") || str_starts(item->string, "ITEM_") ||
                   str_eq(item->string, "RUNG");
        if (cJSON_IsString(item) && !own && !str_starts(item->valuestring, "(secret "))
            add_value(r, item->string, item->valuestring, false);
    }
}

static void add_outcome(struct str *out, const cJSON *input)
{
    const char *end = json_string(input, "end", ""), *match = json_string(input, "match", "");
    const char *output = json_string(input, "output", NULL);
    int64_t status = json_int(input, "exit", 0);
    if (str_eq(end, "timed-out"))
        str_add(out, "timed-out");
    else if (!str_eq(end, "exited") || str_eq(match, "undecided"))
        str_add(out, "unknown");
    else if (status != 0)
        str_addf(out, "exit %lld", (long long)status);
    else if (output && !strpbrk(output, "\r\n"))
        str_addf(out, "output %s", output);
    else
        str_add(out, str_eq(match, "no") ? "failed" : "ok");
}

/* Of a check that was looked at again and again until it passed the last look counts. */
static void take_outcome(struct recording *r, const cJSON *data)
{
    const cJSON *input = cJSON_GetObjectItemCaseSensitive(data, "input"), *pair;
    const char *step = json_string(data, "step", ""), *role = json_string(data, "role", "");
    bool looks = (str_eq(role, "check") || str_eq(role, "verify")) && !json_string(data, "part", NULL);
    if (str_eq(json_string(input, "end", ""), "not-started"))
        return;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(input, "exports"))
    {
        const char *equals = cJSON_IsString(pair) ? strchr(pair->valuestring, '=') : NULL;
        char *name = equals ? xstrndup(pair->valuestring, (size_t)(equals - pair->valuestring)) : NULL;
        if (name)
            add_value(r, name, equals + 1, false);
        free(name);
    }
    if (looks && str_eq(r->step, step) && str_eq(r->role, role)) {
        r->out->len = r->line;
        r->out->data[r->line] = '\0';
    }
    begin_line(r);
    str_addf(r->out, "%s: ", step);
    add_outcome(r->out, input);
    str_add(r->out, "\n");
    r->step = xstrdup(step);
    r->role = xstrdup(role);
    map_set(r->names, step, r);
}

static void add_reason(struct recording *r, const cJSON *input)
{
    const char *reason = json_string(input, "reason", "");
    if (*reason) {
        str_add(r->out, " because ");
        add_text(r->out, reason);
    }
    str_add(r->out, "\n");
}

static void take_input(struct recording *r, const cJSON *input)
{
    const char *kind = json_string(input, "input", ""), *step = json_string(input, "step", "");
    if (str_eq(kind, "set"))
        add_value(r, json_string(input, "name", ""), json_string(input, "value", ""), true);
    bool chosen = str_eq(kind, "choose"), resolved = str_eq(kind, "resolve");
    if (chosen || resolved || str_eq(kind, "answer") || str_eq(kind, "stop"))
        begin_line(r);
    if (chosen || resolved) {
        const char *word = json_string(input, chosen ? "choice" : "resolved", "");
        bool before = str_eq(word, "skip") || (str_eq(word, "stop") && !map_has(r->names, step));
        str_addf(r->out, "%s%s: %s", step, before ? "" : " then", word);
        add_reason(r, input);
    } else if (str_eq(kind, "answer")) {
        str_addf(r->out, "%s: %s", step, json_string(input, "value", ""));
        add_reason(r, input);
    } else if (str_eq(kind, "stop")) {
        str_add(r->out, "# here the run was stopped");
        add_reason(r, input);
    }
}

static int on_event(const struct event *event, void *data)
{
    struct recording *r = data;
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    if (event->kind == EVENT_RUN_STARTED) {
        r->found = true;
        str_addf(r->out, "# as run %lld went: ", (long long)event->run);
        add_text(r->out, json_string(tree, "title", ""));
        str_add(r->out, "\n");
    } else if (event->kind == EVENT_STEP_INTENT) {
        take_env(r, cJSON_GetObjectItemCaseSensitive(tree, "env"));
    } else if (event->kind == EVENT_STEP_OUTCOME) {
        take_outcome(r, tree);
    } else if (event->kind == EVENT_RUN_INPUT) {
        take_input(r, cJSON_GetObjectItemCaseSensitive(tree, "input"));
    } else if (event->kind == EVENT_RUN_ENDED) {
        begin_line(r);
        str_addf(r->out, "run ends: %s\n", event->outcome);
    }
    cJSON_Delete(tree);
    return 0;
}

int postmortem_answers(struct journal *j, int64_t run, struct str *out, struct err *e)
{
    struct recording r = {.out = out, .names = map_new()};
    struct journal_filter filter = {.run = run};
    int code = run > 0 ? journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, on_event, &r, e) : 0;
    begin_line(&r);
    map_free(r.names);
    if (code == 0 && !r.found)
        code = err_set(e, ERR_NOT_FOUND, "the journal has no run %lld", (long long)run);
    return code;
}
