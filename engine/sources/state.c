#include "engine/sources/state.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

/* ---- Compiling ---- */

static void value_fini(struct state_value *value)
{
    free(value->text);
    free(value->show);
}

static void rule_fini(struct state_rule *r)
{
    template_fini(&r->from);
    free(r->label);
    for (size_t i = 0; i < r->values.len; i++)
        value_fini(&r->values.data[i]);
    vec_fini(&r->values);
    expression_fini(&r->left);
    expression_fini(&r->right);
    value_fini(&r->is);
}

void state_fini(struct state *s)
{
    for (size_t i = 0; i < s->rules.len; i++)
        rule_fini(&s->rules.data[i]);
    vec_fini(&s->rules);
}

/* "down", "down STALLED" */
static int condition_compile(struct state_value *value, struct compiler *c, const cJSON *item)
{
    char *text = compiler_text(c, item);
    if (!text)
        return ERR_SYNTAX;
    int status = 0;
    size_t length = strcspn(text, " ");
    char *name = xstrndup(text, length);
    if (str_eq(name, "derived"))
        value->condition = CONDITION_NONE;
    else if (!condition_name_parse(name, &value->condition) || value->condition == CONDITION_NONE)
        status = compiler_error(c, item, "'%.40s' is none of ok, degraded, down, unknown, derived", name);
    const char *show = text + length + strspn(text + length, " ");
    if (*show)
        value->show = xstrdup(show);
    free(name);
    free(text);
    return status;
}

static bool is_status_class(const char *text)
{
    return strlen(text) == 3 && isdigit((unsigned char)text[0]) && strcmp(text + 1, "xx") == 0;
}

/* The keys of a map that are states: all but the reserved one. */
static int values_compile(struct state_rule *r, struct compiler *c, const cJSON *item, const char *reserved)
{
    int status = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, item)
    {
        if (strcmp(entry->string, reserved) == 0)
            continue;
        struct state_value value = {.text = xstrdup(entry->string)};
        if (condition_compile(&value, c, entry))
            status = ERR_SYNTAX;
        else if (str_eq(value.text, "*") && value.condition != CONDITION_UNKNOWN)
            status = compiler_error(
                c, entry, "\"*\" can only be unknown: a state that the mapping doesn't know is not %s",
                condition_name(value.condition));
        *vec_push(&r->values) = value;
    }
    if (!r->values.len)
        return compiler_error(c, item, "the map names no state");
    return status;
}

static int from_compile(struct state_rule *r, struct compiler *c, const cJSON *value)
{
    struct err e;
    char *text = compiler_text(c, value);
    if (!text)
        return ERR_SYNTAX;
    int status = template_compile(&r->from, text, true, &e) ? compiler_error(c, value, "%s", e.msg) : 0;
    free(text);
    return status;
}

static int one_hot_compile(struct state_rule *r, struct compiler *c, const cJSON *item, const cJSON *value)
{
    r->form = STATE_ONE_HOT;
    if (c->form != FORM_EXPOSITION)
        return from_compile(r, c, value) || values_compile(r, c, item, "one_hot") ? ERR_SYNTAX : 0;
    r->label = compiler_text(c, value);
    return !r->label || values_compile(r, c, item, "one_hot") ? ERR_SYNTAX : 0;
}

static int thresholds_compile(struct state_rule *r, struct compiler *c, const cJSON *item,
                              const struct expression_scope *scope)
{
    static const char *const keys[] = {"of", "warn", "crit", NULL};
    r->form = STATE_THRESHOLDS;
    r->warn = r->crit = NAN;
    if (compiler_keys(c, item, "a state by thresholds", keys) ||
        expression_compile(&r->left, c, compiler_get(item, "of"), scope))
        return ERR_SYNTAX;
    const cJSON *warn = compiler_get(item, "warn"), *crit = compiler_get(item, "crit");
    if (!warn && !crit)
        return compiler_error(c, item, "thresholds need warn: or crit:");
    return (warn && compiler_number(c, warn, &r->warn)) || (crit && compiler_number(c, crit, &r->crit))
               ? ERR_SYNTAX
               : 0;
}

static int when_compile(struct state_rule *r, struct compiler *c, const cJSON *item,
                        const struct expression_scope *scope)
{
    static const char *const keys[] = {"when", "is", NULL};
    static const char *const comparisons[] = {"<", "<=", ">", ">=", "==", "!="};
    const cJSON *when = compiler_get(item, "when"), *is = compiler_get(item, "is");
    r->form = STATE_WHEN;
    if (compiler_keys(c, item, "a state by when:", keys))
        return ERR_SYNTAX;
    if (!is)
        return compiler_error(c, item, "when: needs is: with the condition");
    if (!cJSON_IsArray(when) || cJSON_GetArraySize(when) != 3)
        return compiler_error(c, when, "when: is a list [NUMBER, COMPARISON, NUMBER]");
    const cJSON *operator= when->child->next;
    size_t i = 0;
    while (i < 6 && !(cJSON_IsString(operator) && str_eq(operator->valuestring, comparisons[i])))
        i++;
    if (i == 6)
        return compiler_error(c, operator, "the comparison is one of < <= > >= == !=");
    r->comparison = (enum comparison)i;
    return expression_compile(&r->left, c, when->child, scope) ||
                   expression_compile(&r->right, c, operator->next, scope) || condition_compile(&r->is, c, is)
               ? ERR_SYNTAX
               : 0;
}

static int rule_compile(struct state_rule *r, struct compiler *c, const cJSON *item,
                        const struct expression_scope *scope)
{
    const cJSON *value;
    if (cJSON_IsString(item))
        return from_compile(r, c, item);
    if ((value = compiler_get(item, "from"))) {
        r->form = STATE_MAP;
        return from_compile(r, c, value) || values_compile(r, c, item, "from") ? ERR_SYNTAX : 0;
    }
    if ((value = compiler_get(item, "one_hot")))
        return one_hot_compile(r, c, item, value);
    if (compiler_get(item, "of"))
        return thresholds_compile(r, c, item, scope);
    if (compiler_get(item, "when"))
        return when_compile(r, c, item, scope);
    return compiler_error(c, item, "a state needs from:, one_hot:, of: or when:");
}

int state_compile(struct state *s, struct compiler *c, const cJSON *item,
                  const struct expression_scope *scope)
{
    int status = 0;
    const cJSON *entry = cJSON_IsArray(item) ? item->child : item;
    for (; entry; entry = cJSON_IsArray(item) ? entry->next : NULL)
        if (rule_compile(vec_push(&s->rules), c, entry, scope))
            status = ERR_SYNTAX;
    return status;
}

bool state_given(const struct state *s)
{
    return s->rules.len > 0;
}

bool state_needs_body(const struct state *s)
{
    for (size_t i = 0; i < s->rules.len; i++) {
        const struct state_rule *r = &s->rules.data[i];
        if (r->label || template_needs_body(&r->from) || expression_needs_body(&r->left) ||
            expression_needs_body(&r->right))
            return true;
    }
    return false;
}

bool state_uses_status(const struct state *s)
{
    for (size_t i = 0; i < s->rules.len; i++)
        if (template_uses_status(&s->rules.data[i].from))
            return true;
    return false;
}

const char *state_one_hot(const struct state *s)
{
    for (size_t i = 0; i < s->rules.len; i++)
        if (s->rules.data[i].label)
            return s->rules.data[i].label;
    return NULL;
}

/* ---- Evaluating ---- */

/* "UP *": words that begin so; the longest one counts. */
static bool is_longer_beginning(const struct state_value *value, const char *text,
                                const struct state_value *before)
{
    size_t length = strlen(value->text);
    return length > 1 && value->text[length - 1] == '*' && strncmp(value->text, text, length - 1) == 0 &&
           (!before || strlen(before->text) < length);
}

static const struct state_value *value_find(const struct state_rule *r, const char *text)
{
    const struct state_value *class = NULL;
    for (size_t i = 0; i < r->values.len; i++) {
        const struct state_value *value = &r->values.data[i];
        if (strcmp(value->text, text) == 0)
            return value;
        if (is_status_class(value->text) && strlen(text) == 3 && text[0] == value->text[0])
            class = value;
        else if (is_longer_beginning(value, text, class))
            class = value;
    }
    return class;
}

/* True when it decided. */
static bool decide_word(const char *raw, const struct state_value *value, bool alone, struct arena *arena,
                        struct state_result *out)
{
    out->raw = raw;
    if (!value) {
        out->condition = CONDITION_UNKNOWN;
        if (!out->reason)
            out->reason = "a state that the mapping doesn't know";
        return alone;
    }
    out->condition = value->condition;
    out->reason = NULL;
    if (value->show)
        out->raw = arena_text(arena, value->show);
    return true;
}

static bool decide_absent(const char *reason, struct state_result *out)
{
    out->condition = CONDITION_UNKNOWN;
    out->reason = reason;
    return false;
}

static bool decide_from(const struct state_rule *r, struct evaluation *v, bool alone, struct arena *arena,
                        struct state_result *out)
{
    const char *raw = template_arena(&r->from, v->row, arena);
    if (!raw)
        return decide_absent("the answer has no state here", out);
    if (r->form == STATE_MAP)
        return decide_word(raw, value_find(r, raw), alone, arena, out);
    *out = (struct state_result){.condition = CONDITION_NONE, .raw = raw};
    return true;
}

static bool decide_one_hot(const struct state_rule *r, struct evaluation *v, size_t hot_count,
                           struct arena *arena, struct state_result *out)
{
    const char *raw = NULL;
    if (r->label) {
        raw = hot_count == 1 ? arena_text(arena, sample_label(v->row->sample, r->label)) : NULL;
    } else {
        const cJSON *object = template_item(&r->from, v->row);
        hot_count = 0;
        for (size_t i = 0; i < r->values.len; i++) {
            double number;
            if (json_number(compiler_get(object, r->values.data[i].text), &number) && number == 1) {
                raw = arena_text(arena, r->values.data[i].text);
                hot_count++;
            }
        }
    }
    if (hot_count != 1)
        return decide_absent(hot_count ? "more than one state is set" : "no state is set", out);
    return decide_word(raw, value_find(r, raw), true, arena, out);
}

static bool decide_thresholds(const struct state_rule *r, struct evaluation *v, struct arena *arena,
                              struct state_result *out)
{
    double value;
    char text[NUMBER_TEXT_SIZE];
    if (expression_value(&r->left, v, &value) != VALUE_PRESENT)
        return decide_absent("no value", out);
    double sign = r->crit < r->warn ? -1 : 1;
    number_format(value, text);
    *out = (struct state_result){.condition = sign * value > sign * r->crit   ? CONDITION_DOWN
                                              : sign * value > sign * r->warn ? CONDITION_DEGRADED
                                                                              : CONDITION_OK,
                                 .raw = arena_text(arena, text)};
    return true;
}

static bool compare(enum comparison comparison, double a, double b)
{
    switch (comparison) {
    case COMPARE_LT:
        return a < b;
    case COMPARE_LE:
        return a <= b;
    case COMPARE_GT:
        return a > b;
    case COMPARE_GE:
        return a >= b;
    case COMPARE_EQ:
        return a == b;
    case COMPARE_NE:
        return a != b;
    }
    return false;
}

static bool decide_when(const struct state_rule *r, struct evaluation *v, struct arena *arena,
                        struct state_result *out)
{
    double left, right;
    if (expression_value(&r->left, v, &left) != VALUE_PRESENT ||
        expression_value(&r->right, v, &right) != VALUE_PRESENT || !compare(r->comparison, left, right))
        return false;
    *out = (struct state_result){.condition = r->is.condition, .raw = arena_text(arena, r->is.show)};
    return true;
}

struct state_result state_evaluate(const struct state *s, struct evaluation *v, size_t hot_count,
                                   struct arena *arena)
{
    struct state_result out = {.condition = CONDITION_UNKNOWN};
    bool alone = s->rules.len == 1, decided = false;
    for (size_t i = 0; i < s->rules.len && !decided; i++) {
        const struct state_rule *r = &s->rules.data[i];
        switch (r->form) {
        case STATE_WORD:
        case STATE_MAP:
            decided = decide_from(r, v, alone, arena, &out);
            break;
        case STATE_ONE_HOT:
            decided = decide_one_hot(r, v, hot_count, arena, &out);
            break;
        case STATE_THRESHOLDS:
            decided = decide_thresholds(r, v, arena, &out);
            break;
        case STATE_WHEN:
            decided = decide_when(r, v, arena, &out);
            break;
        }
    }
    if (!decided && !out.reason)
        out.reason = "no rule of the mapping holds";
    return out;
}
