/* What an output means to the run, and what an approval is bound to. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/runbook/run_state.h"

/* ---- Output ---- */

static bool listed(char *const *names, const char *pair)
{
    for (; names && *names; names++) {
        size_t n = strlen(*names);
        if (strncmp(*names, pair, n) == 0 && pair[n] == '=')
            return true;
    }
    return false;
}

static void take_exports(const struct run *run, const struct step *s, char *const *exports,
                         struct run_digest *hold)
{
    size_t total = 0;
    for (; exports && *exports; exports++) {
        const char *equals = strchr(*exports, '=');
        size_t length = strlen(*exports);
        if (!equals || !listed(s->carries, *exports) || length > RUNBOOK_VALUE_MAX ||
            !utf8_valid(*exports, length, NULL) || (total += length) > 8 * RUNBOOK_VALUE_MAX)
            continue;
        char *name = xstrndup(*exports, (size_t)(equals - *exports));
        int var = runbook_find_var(run->book, name);
        if (var < 0 || !run->book->vars.data[var].secret)
            strv_add(&hold->exports, *exports);
        free(name);
    }
}

static enum run_match compare(const struct run *run, const struct step *s, const char *bytes, size_t length,
                              bool truncated)
{
    if (!s->expect)
        return MATCH_NONE;
    if (truncated)
        return MATCH_UNDECIDED;
    char *text = values_expand(run, s->expect, true);
    struct pattern *p = pattern_new(text, NULL);
    enum run_match match = !p ? MATCH_UNDECIDED : pattern_found(p, bytes, length) ? MATCH_YES : MATCH_NO;
    pattern_free(p);
    free(text);
    return match;
}

void run_digest(const struct run *run, uint64_t ticket, const char *stdout_bytes, size_t length,
                bool truncated, char *const *exports, struct run_digest *hold, struct run_result *result)
{
    *hold = (struct run_digest){0};
    result->match = MATCH_NONE;
    result->output = NULL;
    result->exports = NULL;
    const struct run_ticket *t = run_find_ticket(run, ticket);
    if (!t)
        return;
    const struct step *s = STEP(run, t->step);
    const char *bytes = length ? stdout_bytes : "";
    truncated |= length > RUN_OUTPUT_MAX;
    while (length > 0 && isspace((unsigned char)bytes[length - 1]))
        length--;
    while (length > 0 && isspace((unsigned char)*bytes))
        bytes++, length--;
    result->match = compare(run, s, bytes, length, truncated);
    int var = s->exports ? runbook_find_var(run->book, s->exports) : -1;
    bool wanted = var >= 0 ? !run->book->vars.data[var].secret : t->role == ROLE_GUARD;
    if (wanted && !truncated && length <= RUNBOOK_VALUE_MAX && utf8_valid(bytes, length, NULL) &&
        !memchr(bytes, '\0', length)) {
        double number;
        str_add_bytes(&hold->output, bytes, length);
        if (var >= 0 ||
            number_parse(str_text(&hold->output), &number)) /* a guard's other words say nothing */
            result->output = str_text(&hold->output);
    }
    take_exports(run, s, exports, hold);
    result->exports = hold->exports;
}

void run_digest_fini(struct run_digest *hold)
{
    str_fini(&hold->output);
    strv_free(hold->exports);
    *hold = (struct run_digest){0};
}

/* ---- The digest of what would run ---- */

static void field(struct sha256 *sha, const char *text)
{
    sha256_add_field(sha, text ? text : "", text ? strlen(text) : 0);
}

static void number(struct sha256 *sha, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    field(sha, text);
}

/* Who runs it and for which incident is not what is approved; an outcome is, when the block reads it. */
static bool counts(const struct run_env *env)
{
    return run_env_kept(env) && (!str_starts(env->name, "BELAY_") || str_starts(env->name, OUTCOME_PREFIX));
}

static void add_parts(struct sha256 *sha, const struct run *run, int step)
{
    const struct step *s = STEP(run, step);
    number(sha, s->items && run->items[step] ? (int64_t)items_count(run->items[step]) : -1);
    field(sha, s->items && run->items[step] ? items_digest(run->items[step]) : "");
    number(sha, (int64_t)strv_count(s->rungs));
    for (char **rung = s->rungs; rung && *rung; rung++)
        field(sha, *rung);
}

int run_command_digest(const struct run *run, int step, const char *where, char hex[static SHA256_HEX_SIZE],
                       struct err *e)
{
    struct run_command command;
    uint8_t digest[SHA256_SIZE];
    hex[0] = '\0';
    int code = run_command_bare(run, step, &command, e);
    if (code)
        return code;
    struct sha256 *sha = sha256_new();
    field(sha, "belay approval 1");
    field(sha, run->book->digest);
    field(sha, STEP(run, step)->id);
    field(sha, where);
    number(sha, (int64_t)strv_count(command.argv));
    for (char **word = command.argv; *word; word++)
        field(sha, *word);
    field(sha, command.cwd);
    number(sha, command.timeout_ms);
    number(sha, command.interactive);
    for (size_t i = 0; i < command.env.len; i++) {
        if (!counts(&command.env.data[i]))
            continue;
        field(sha, command.env.data[i].name);
        field(sha, command.env.data[i].value);
        number(sha, command.env.data[i].secret);
    }
    add_parts(sha, run, step);
    sha256_finish(sha, digest);
    sha256_free(sha);
    sha256_to_hex(digest, hex);
    run_command_fini(&command);
    return 0;
}
