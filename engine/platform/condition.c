/* Conditions of runbooks: kind[.name].field OP value. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/platform/model.h"

#define VALUE_LIMIT 32 /* values in one `in (...)` */

enum operator{ OPERATOR_EQUAL, OPERATOR_UNEQUAL, OPERATOR_LESS, OPERATOR_MORE, OPERATOR_IN };

struct wanted {
    char *text;
    double number; /* NaN: it is not one */
};

struct offer_condition {
    enum entity_kind kind;
    char *name; /* NULL: any */
    char *field;
    enum operator op;
    VEC(struct wanted) values;
};

struct reader {
    const char *start, *at;
    struct err *e;
};

static int reader_fail(struct reader *r, const char *what)
{
    return err_set(r->e, ERR_SYNTAX, "column %d: %s", (int)(r->at - r->start) + 1, what);
}

static void blanks_skip(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t')
        r->at++;
}

static bool taken(struct reader *r, const char *text)
{
    if (!str_starts(r->at, text))
        return false;
    r->at += strlen(text);
    return true;
}

/* A word of the given characters, or a quoted text; NULL with an error. */
static char *word_read(struct reader *r, const char *extra, const char *what)
{
    if (*r->at == '"' || *r->at == '\'') {
        const char *end = strchr(r->at + 1, *r->at);
        if (!end) {
            reader_fail(r, "the quote is not closed");
            return NULL;
        }
        char *word = xstrndup(r->at + 1, (size_t)(end - r->at - 1));
        r->at = end + 1;
        return word;
    }
    const char *end = r->at;
    while (isalnum((unsigned char)*end) || (*end && strchr(extra, *end)))
        end++;
    if (end == r->at) {
        reader_fail(r, what);
        return NULL;
    }
    char *word = xstrndup(r->at, (size_t)(end - r->at));
    r->at = end;
    return word;
}

/* "0.5", "50%", "30s", "2h": a share or seconds; NaN when it is none of these. */
static double number_read(const char *text)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"%", 0.01}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    double number;
    if (number_parse(text, &number))
        return number;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char digits[NUMBER_TEXT_SIZE];
        size_t length = strlen(text), unit = strlen(units[i].unit);
        if (!str_ends(text, units[i].unit) || length - unit >= sizeof digits)
            continue;
        memcpy(digits, text, length - unit);
        digits[length - unit] = '\0';
        if (number_parse(digits, &number))
            return number * units[i].factor;
    }
    return NAN;
}

static int value_add(struct offer_condition *c, struct reader *r)
{
    bool quoted = *r->at == '"' || *r->at == '\'';
    char *text = word_read(r, "-_.:/@%+", "a value is missing; quote one with other characters");
    if (!text)
        return ERR_SYNTAX;
    struct wanted *value = vec_push(&c->values);
    *value = (struct wanted){.text = text, .number = quoted ? (double)NAN : number_read(text)};
    enum condition condition;
    if (strcmp(c->field, "state") == 0 && !condition_name_parse(text, &condition))
        return reader_fail(
            r, "a state is one of ok, degraded, unknown, down; for the field's own words use raw");
    if ((c->op == OPERATOR_LESS || c->op == OPERATOR_MORE) && isnan(value->number))
        return reader_fail(r, "< and > compare numbers");
    return 0;
}

static int values_read(struct offer_condition *c, struct reader *r)
{
    if (c->op != OPERATOR_IN)
        return value_add(c, r);
    if (!taken(r, "("))
        return reader_fail(r, "`in` takes a list: in (down, degraded)");
    do {
        blanks_skip(r);
        if (c->values.len == VALUE_LIMIT)
            return reader_fail(r, "too many values");
        if (value_add(c, r) < 0)
            return ERR_SYNTAX;
        blanks_skip(r);
    } while (taken(r, ","));
    return taken(r, ")") ? 0 : reader_fail(r, "`)` is missing");
}

static int operator_read(struct offer_condition *c, struct reader *r)
{
    if (taken(r, "=="))
        c->op = OPERATOR_EQUAL;
    else if (taken(r, "!="))
        c->op = OPERATOR_UNEQUAL;
    else if (taken(r, "<"))
        c->op = OPERATOR_LESS;
    else if (taken(r, ">"))
        c->op = OPERATOR_MORE;
    else if (str_starts(r->at, "in") && !isalnum((unsigned char)r->at[2]))
        c->op = OPERATOR_IN, r->at += 2;
    else
        return reader_fail(r, "one of == != < > in is missing");
    if (*r->at == '=')
        return reader_fail(r, "<= and >= are not among == != < > in");
    return 0;
}

static int path_read(struct offer_condition *c, struct reader *r)
{
    char *kind =
        word_read(r, "", "a kind is missing: signal, breaker, chain, shard, job, alert, snapshot, component");
    if (!kind)
        return ERR_SYNTAX;
    bool known = entity_kind_parse(kind, &c->kind);
    free(kind);
    if (!known) {
        r->at = r->start;
        return reader_fail(r, "not a kind: signal, breaker, chain, shard, job, alert, snapshot, component");
    }
    if (!taken(r, "."))
        return reader_fail(r, "`.` and a field are missing, as in shard.state");
    c->field = word_read(r, "-_", "a name or a field is missing");
    if (!c->field)
        return ERR_SYNTAX;
    if (taken(r, ".")) {
        c->name = c->field;
        c->field = word_read(r, "-_", "a field is missing");
    }
    return c->field ? 0 : ERR_SYNTAX;
}

struct offer_condition *condition_parse(const char *text, struct err *e)
{
    struct offer_condition *c = xcalloc(1, sizeof *c);
    struct reader r = {.start = text, .at = text, .e = e};
    blanks_skip(&r);
    if (path_read(c, &r) < 0)
        goto fail;
    blanks_skip(&r);
    if (operator_read(c, &r) < 0)
        goto fail;
    blanks_skip(&r);
    if (values_read(c, &r) < 0)
        goto fail;
    blanks_skip(&r);
    if (*r.at) {
        reader_fail(&r, "something follows the condition; offer several conditions instead");
        goto fail;
    }
    return c;
fail:
    condition_free(c);
    return NULL;
}

void condition_free(struct offer_condition *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->values.len; i++)
        free(c->values.data[i].text);
    vec_fini(&c->values);
    free(c->name);
    free(c->field);
    free(c);
}

enum entity_kind condition_kind(const struct offer_condition *c)
{
    return c->kind;
}

bool condition_ages(const struct offer_condition *c)
{
    return strcmp(c->field, "age") == 0;
}

/* The field as a text and, where it is one, a number. False when the entity has none, or none that is still
 * true. */
static bool field_read(const struct offer_condition *c, const struct entity *e, int64_t wall_us,
                       struct str *text, double *number)
{
    static const char *const always[] = {"state", "name", "group", "source", "kind", "age"};
    bool current = !(e->flags & (ENTITY_SILENT | ENTITY_GONE));
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        current |= strcmp(c->field, always[i]) == 0;
    current |= e->flags & ENTITY_GONE && !(e->flags & ENTITY_SILENT) && strcmp(c->field, "raw") == 0;
    if (!current)
        return false;
    if (condition_ages(c)) {
        *number = (double)(wall_us - e->since_us) / 1e6;
        return true;
    }
    if (!entity_field(e, c->field, text))
        return false;
    double measure = entity_measure(e, c->field);
    *number = isnan(measure) ? number_read(str_text(text)) : measure;
    return true;
}

static bool value_equals(const struct offer_condition *c, const struct wanted *value, const char *text,
                         double number)
{
    if (!isnan(value->number) && !isnan(number))
        return number == value->number;
    return strcmp(c->field, "state") == 0 ? strcasecmp(text, value->text) == 0
                                          : strcmp(text, value->text) == 0;
}

static bool values_hold(const struct offer_condition *c, const char *text, double number)
{
    const struct wanted *first = &c->values.data[0];
    switch (c->op) {
    case OPERATOR_EQUAL:
        return value_equals(c, first, text, number);
    case OPERATOR_UNEQUAL:
        return !value_equals(c, first, text, number);
    case OPERATOR_LESS:
        return number < first->number;
    case OPERATOR_MORE:
        return number > first->number;
    case OPERATOR_IN:
        for (size_t i = 0; i < c->values.len; i++)
            if (value_equals(c, &c->values.data[i], text, number))
                return true;
    }
    return false;
}

bool condition_holds(const struct offer_condition *c, const struct entity *e, int64_t wall_us)
{
    if (e->kind != c->kind || (c->name && strcmp(c->name, e->name) != 0))
        return false;
    if (strcmp(c->field, "state") == 0) /* what nearly all of them ask: no text is built for it */
        return values_hold(c, condition_name(e->condition), NAN);
    struct str text = {0};
    double number = NAN;
    bool holds = field_read(c, e, wall_us, &text, &number) && values_hold(c, str_text(&text), number);
    str_fini(&text);
    return holds;
}
