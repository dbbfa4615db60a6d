#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/run_state.h"

static const char *const words[] = {
#define X(name, text, help) text,
    MADE_UPS(X)
#undef X
};

/* ---- as text ---- */

static int parse_exit(const char *text, struct made_up *made_up, struct err *e)
{
    char *end = NULL;
    long status = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : -1;
    if (status < 0 || status > 255 || *end)
        return err_set(e, ERR_SYNTAX, "exit takes a status from 0 to 255, not \"%.40s\"", text);
    made_up->exit = (int)status;
    return 0;
}

int made_up_parse(const char *text, struct made_up *made_up, struct err *e)
{
    *made_up = (struct made_up){.kind = MADE_UP_CANCELLED, .all = str_starts(text, "all ")};
    text += made_up->all ? strlen("all ") : 0;
    size_t length = strcspn(text, " \t");
    const char *rest = text + length + strspn(text + length, " \t");
    for (size_t i = 0; i < MADE_UP_CANCELLED; i++)
        if (strlen(words[i]) == length && strncmp(words[i], text, length) == 0)
            made_up->kind = (enum made_up_kind)i;
    if (made_up->kind == MADE_UP_EXIT)
        return parse_exit(rest, made_up, e);
    if (made_up->kind == MADE_UP_OUTPUT) {
        made_up->output = rest;
        return strlen(rest) <= RUNBOOK_VALUE_MAX
                   ? 0
                   : err_set(e, ERR_SYNTAX, "output of more than %d bytes", RUNBOOK_VALUE_MAX);
    }
    if (made_up->kind == MADE_UP_CANCELLED || *rest)
        return err_set(e, ERR_SYNTAX,
                       "\"%.60s\" is no outcome: ok, failed, unknown, timed-out, exit N, output TEXT", text);
    return 0;
}

void made_up_text(const struct made_up *made_up, struct str *out)
{
    str_add(out, made_up->all ? "all " : "");
    str_add(out, words[made_up->kind]);
    if (made_up->kind == MADE_UP_EXIT)
        str_addf(out, " %d", made_up->exit);
    if (made_up->kind == MADE_UP_OUTPUT)
        str_addf(out, " %s", made_up->output);
}

/* ---- as a result ---- */

static const char *value_of(char *const *values, const char *name)
{
    size_t length = strlen(name);
    for (; values && *values; values++)
        if (strncmp(*values, name, length) == 0 && (*values)[length] == '=')
            return *values + length + 1;
    return NULL;
}

/* What the block would have exported by itself. */
static char **exports_of(const struct step *s, char *const *values)
{
    char **exports = NULL;
    for (char **name = s->carries; name && *name; name++) {
        const char *value = value_of(values, *name);
        char *pair = value ? xasprintf("%s=%s", *name, value) : NULL;
        if (pair)
            strv_add(&exports, pair);
        free(pair);
    }
    return exports;
}

static int needs_output(const struct run *run, const struct step *s, const char *output, struct err *e)
{
    int var = s->exports ? runbook_find_var(run->book, s->exports) : -1;
    if (var < 0 || output || run->book->vars.data[var].secret)
        return 0;
    return err_set(e, ERR_USAGE, "%s: what it prints becomes %s, say it: output TEXT", s->id, s->exports);
}

int made_up_result(const struct run *run, uint64_t ticket, const struct made_up *made_up, char *const *values,
                   struct run_digest *hold, struct run_result *result, struct err *e)
{
    static const enum run_end ends[] = {
        [MADE_UP_OK] = END_EXITED,           [MADE_UP_FAILED] = END_EXITED, [MADE_UP_UNKNOWN] = END_LOST,
        [MADE_UP_TIMED_OUT] = END_TIMED_OUT, [MADE_UP_EXIT] = END_EXITED,   [MADE_UP_OUTPUT] = END_EXITED,
        [MADE_UP_CANCELLED] = END_CANCELLED};
    const struct run_ticket *t = run_find_ticket(run, ticket);
    *result = (struct run_result){.end = ends[made_up->kind]};
    *hold = (struct run_digest){0};
    if (!t)
        return err_set(e, ERR_NOT_FOUND, "nothing waits for this outcome any more");
    const struct step *s = STEP(run, t->step);
    const char *output = made_up->kind == MADE_UP_OUTPUT ? made_up->output : NULL;
    bool failed = made_up->kind == MADE_UP_FAILED;
    result->exit = made_up->kind == MADE_UP_EXIT ? made_up->exit : failed && !s->expect ? 1 : 0;
    bool passes = result->end == END_EXITED && result->exit == 0 && !failed;
    if (passes && !output && s->exports)
        output = value_of(values, s->exports);
    int code = passes ? needs_output(run, s, output, e) : 0;
    if (code < 0)
        return code;
    char **exports = passes ? exports_of(s, values) : NULL;
    run_digest(run, ticket, output ? output : "", output ? strlen(output) : 0, false, exports, hold, result);
    strv_free(exports);
    if (s->expect && (made_up->kind == MADE_UP_OK || failed))
        result->match = failed ? MATCH_NO : MATCH_YES;
    return 0;
}
