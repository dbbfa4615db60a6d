/* Exactly what a step runs: argv, environment, folder, limits. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/runbook/block.h"
#include "engine/runbook/run_state.h"

/* ---- Text ---- */

/* The block with its placeholders filled. NULL and e when a value may not stand in a text. */
static char *fill(const struct run *run, const struct step *s, struct err *e)
{
    struct str out = {0};
    const char *from = s->script, *at;
    size_t length;
    for (const char *c = s->script; (at = placeholder_next(s->script, c, &length)); c = at + length) {
        char *name = xstrndup(at + 1, length - 2);
        int var = runbook_find_var(run->book, name);
        const char *value = var >= 0 ? run->values[var].text : NULL;
        int code = 0;
        if (value && !value_is_safe(value))
            code =
                err_set(e, ERR_RANGE, "%s: <%.60s> is placed into the text, and \"%.60s\" doesn't match %s",
                        s->id, name, value, RUNBOOK_SAFE_VALUE);
        else if (var >= 0 && run->book->vars.data[var].secret)
            code =
                err_set(e, ERR_RANGE, "%s: a secret is never placed into a text: write $%.60s", s->id, name);
        else if (value) {
            str_add_bytes(&out, from, (size_t)(at - from));
            str_add(&out, value);
            from = at + length;
        }
        free(name);
        if (code) {
            str_fini(&out);
            return NULL;
        }
    }
    str_add(&out, from);
    return str_take(&out);
}

static void split_words(char ***argv, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, " \t");
        if (n > 0) {
            char *word = xstrndup(text, n);
            strv_add(argv, word);
            free(word);
        }
        text += n + (text[n] != '\0');
    }
}

/* ---- Environment ---- */

/* $NAME or ${NAME in the text. */
static bool mentions(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *c = strchr(text, '$'); c; c = strchr(c + 1, '$')) {
        const char *word = c + (c[1] == '{' ? 2 : 1);
        if (strncmp(word, name, n) == 0 && !isalnum((unsigned char)word[n]) && word[n] != '_')
            return true;
    }
    return false;
}

bool run_env_kept(const struct run_env *env)
{
    return env->interesting || !str_starts(env->name, OUTCOME_PREFIX);
}

/* What an execution has of its own goes before what the run has under the same name. */
static void own_env(struct run_command *command, const char *name, const char *value)
{
    for (size_t i = 0; i < command->env.len; i++) {
        struct run_env *env = &command->env.data[i];
        if (!str_eq(env->name, name))
            continue;
        free(env->value);
        env->value = xstrdup(value);
        env->secret = false;
        env->interesting = true;
        return;
    }
    *vec_push(&command->env) =
        (struct run_env){.name = xstrdup(name), .value = xstrdup(value), .interesting = true};
}

static void add_env(struct run_command *command, const char *text, const char *name, const char *value,
                    bool secret)
{
    *vec_push(&command->env) = (struct run_env){.name = xstrdup(name),
                                                .value = xstrdup(value ? value : ""),
                                                .secret = secret,
                                                .interesting = mentions(text, name)};
}

/* Steps that differ by case or signs alone (ANSWERS and answers) have one name here: the later one has it. No
 * name stands twice in an environment, nor in the journal's JSON, which would not be read again. */
static void add_outcomes(const struct run *run, int self, struct run_command *command, const char *text)
{
    struct str name = {0};
    struct map *places = map_new(); /* of a name: its place in env, and one more */
    for (size_t i = 0; i < run->book->steps.len; i++) {
        enum run_outcome outcome = run->steps[i].outcome;
        if ((int)i == self || outcome == OUTCOME_PENDING || outcome == OUTCOME_ARMED ||
            outcome == OUTCOME_RUNNING)
            continue;
        str_clear(&name);
        str_add(&name, OUTCOME_PREFIX);
        for (const char *c = run->book->steps.data[i].id; *c; c++)
            str_add_char(&name, (char)(isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : '_'));
        uintptr_t place = (uintptr_t)map_get(places, str_text(&name));
        if (place) {
            free(command->env.data[place - 1].value);
            command->env.data[place - 1].value = xstrdup(run_outcome_text(outcome));
            continue;
        }
        add_env(command, text, str_text(&name), run_outcome_text(outcome), false);
        map_set(places, str_text(&name), (void *)(uintptr_t)command->env.len);
    }
    map_free(places);
    str_fini(&name);
}

/* bare: no outcome unless the text reads some. */
static void add_environment(const struct run *run, int step, const struct run_context *context,
                            struct run_command *command, const char *text, bool bare)
{
    bool reads_outcomes = strstr(text, OUTCOME_PREFIX);
    for (size_t i = 0; i < run->book->vars.len; i++) {
        const struct runbook_var *var = &run->book->vars.data[i];
        const char *value = var->secret ? var->secret : run->values[i].text;
        if (!value || !name_is_exportable(var->name, strlen(var->name)))
            continue;
        add_env(command, text, var->name, value, var->secret != NULL);
        if (run->book->act) /* given for this one command */
            command->env.data[command->env.len - 1].interesting = true;
    }
    for (size_t i = 0; i < run->carried.len; i++)
        add_env(command, text, run->carried.data[i].name, run->carried.data[i].value, false);
    add_env(command, text, "BELAY_INCIDENT", context ? context->incident : NULL, false);
    add_env(command, text, "BELAY_RUN", context ? context->run : NULL, false);
    add_env(command, text, "BELAY_STEP", STEP(run, step)->id, false);
    add_env(command, text, "BELAY_OPERATOR", context ? context->operator : NULL, false);
    if (reads_outcomes || !bare)
        add_outcomes(run, step, command, reads_outcomes ? text : "");
}

/* ---- The command ---- */

/* The document's folder, and below it what the annotations say. NULL: the console's own. */
static char *folder(const struct run *run, const struct step *s)
{
    const char *slash = strrchr(run->book->path, '/');
    char *base =
        slash ? xstrndup(run->book->path, slash == run->book->path ? 1 : (size_t)(slash - run->book->path))
              : NULL;
    if (!s->cwd)
        return base;
    char *own = values_expand(run, s->cwd, false);
    char *joined = base && own[0] != '/' ? path_join(base, own) : xstrdup(own);
    free(base);
    free(own);
    return joined;
}

/* Durations with a $NAME in them must be durations now. */
static int check_times(const struct run *run, const struct step *s, struct err *e)
{
    const struct step_time *times[] = {&s->timeout, &s->until, &s->every, &s->hold, &s->fresh, &s->rung_hold};
    int64_t ms;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (values_time(run, times[i], &ms, e))
            return err_prefix(e, "%s: ", s->id);
    return 0;
}

static int build(const struct run *run, int step, const struct run_context *context, bool bare,
                 struct run_command *command, struct err *e)
{
    *command = (struct run_command){0};
    if (step < 0 || (size_t)step >= run->book->steps.len || !STEP(run, step)->script)
        return err_set(e, ERR_NOT_FOUND, "this step runs no command");
    const struct step *s = STEP(run, step);
    for (size_t i = 0; i < run->book->vars.len; i++)
        if (!run->values[i].text && !run->book->vars.data[i].secret && values_needs(run, step, (int)i))
            return err_set(e, ERR_USAGE, "%s: %s has no value yet", s->id, run->book->vars.data[i].name);
    int code = check_times(run, s, e);
    char *script = code ? NULL : s->argv ? xstrdup(s->script) : fill(run, s, e);
    if (!script)
        return code ? code : ERR_RANGE;
    if (s->argv) {
        command->argv = strv_copy(s->argv);
    } else {
        char *interpreter = values_expand(run, s->interpreter, false);
        split_words(&command->argv, interpreter);
        strv_add(&command->argv, script);
        free(interpreter);
    }
    add_environment(run, step, context, command, script, bare);
    command->words = s->argv && !s->argv_is_script;
    command->cwd = !s->argv ? folder(run, s) : s->cwd[0] ? xstrdup(s->cwd) : NULL;
    command->timeout_ms = values_ms(run, &s->timeout);
    command->grace_ms = RUN_GRACE_MS;
    command->carry = s->carries != NULL;
    command->wants_output = s->expect || s->exports;
    command->interactive = s->interactive;
    free(script);
    return 0;
}

int run_command(const struct run *run, int step, const struct run_context *context,
                struct run_command *command, struct err *e)
{
    return build(run, step, context, false, command, e);
}

int run_command_bare(const struct run *run, int step, struct run_command *command, struct err *e)
{
    return build(run, step, NULL, true, command, e);
}

static void add_item(const struct run *run, const struct run_ticket *t, struct run_command *command)
{
    char **fields = items_fields(run->items[t->step], (size_t)t->part), number[24];
    for (char **pair = fields; pair && *pair; pair++) {
        char *equals = strchr(*pair, '=');
        *equals = '\0';
        own_env(command, *pair, equals + 1);
    }
    strv_free(fields);
    snprintf(number, sizeof number, "%d", t->part + 1);
    own_env(command, "BELAY_ITEM", number);
}

/* A guard knows which rung it measures, and against what. */
static void add_guarded(const struct run *run, const struct run_ticket *t, struct run_command *command)
{
    int parent = STATE(run, t->step)->parent;
    if (parent == STEP_NONE || !has_rungs(STEP(run, parent)))
        return;
    const struct series *series = &STATE(run, parent)->series;
    own_env(command, "RUNG", series->rung == PART_NONE ? "" : STEP(run, parent)->rungs[series->rung]);
    own_env(command, "BELAY_BASELINE", series->baseline ? series->baseline : "");
}

int run_ticket_command(const struct run *run, uint64_t ticket, const struct run_context *context,
                       struct run_command *command, struct err *e)
{
    const struct run_ticket *t = run_find_ticket(run, ticket);
    *command = (struct run_command){0};
    if (!t)
        return err_set(e, ERR_NOT_FOUND, "the run has no execution %llu under way",
                       (unsigned long long)ticket);
    int code = run_command(run, t->step, context, command, e);
    if (code)
        return code;
    if (STEP(run, t->step)->items)
        add_item(run, t, command);
    else if (has_rungs(STEP(run, t->step)))
        own_env(command, "RUNG", STEP(run, t->step)->rungs[t->part]);
    if (t->role == ROLE_GUARD) {
        add_guarded(run, t, command);
        command->wants_output = true;
    }
    command->timeout_ms = series_timeout_ms(run, t->step, t->part == PART_NONE ? 0 : t->part);
    return 0;
}

static void replace_word(char **text, const char *word, const char *value)
{
    struct str out = {0};
    size_t length = strlen(word);
    const char *from = *text;
    for (const char *at; (at = strstr(from, word)); from = at + length) {
        bool whole = !isalnum((unsigned char)at[length]) && at[length] != '_';
        str_add_bytes(&out, from, (size_t)(at - from));
        str_add(&out, whole ? value : word);
    }
    str_add(&out, from);
    free(*text);
    *text = str_take(&out);
}

char *run_follow(const struct run *run, int step, const struct run_context *context)
{
    if (!STEP(run, step)->follow)
        return NULL;
    char *text = values_expand(run, STEP(run, step)->follow, false);
    replace_word(&text, "$BELAY_RUN", context && context->run ? context->run : "");
    replace_word(&text, "$BELAY_INCIDENT", context && context->incident ? context->incident : "");
    return text;
}

void run_command_fini(struct run_command *command)
{
    for (size_t i = 0; i < command->env.len; i++) {
        free(command->env.data[i].name);
        free(command->env.data[i].value);
    }
    vec_fini(&command->env);
    strv_free(command->argv);
    free(command->cwd);
    *command = (struct run_command){0};
}

void run_command_text(const struct run_command *command, struct str *out)
{
    size_t count = strv_count(command->argv);
    if (count == 0)
        return;
    if (command->words) {
        runbook_act_quote(command->argv, out);
        return;
    }
    const char *option = count > 2 ? command->argv[count - 2] : "";
    size_t shown = str_eq(option, "-c") || str_eq(option, "-e") ? count - 2 : count - 1;
    for (size_t i = 0; i < shown; i++)
        str_addf(out, "%s%s", i ? " " : "", command->argv[i]);
    const char *script = command->argv[count - 1];
    size_t length = strlen(script);
    while (length > 0 && script[length - 1] == '\n')
        length--;
    str_add(out, ": ");
    str_add_bytes(out, script, length);
}
