/* Label selectors, as people type them. */
#include "engine/simulate/cluster.h"

struct term {
    char key[128], values[256]; /* values between commas */
    bool exists, negated;
};

static int term_read(const char **at, struct term *t, struct err *e)
{
    *t = (struct term){0};
    const char *p = *at + strspn(*at, " ");
    if (*p == '!') {
        t->negated = t->exists = true;
        p++;
    }
    size_t length = strcspn(p, "=!, ");
    if (length == 0 || length >= sizeof t->key)
        return err_set(e, ERR_SYNTAX, "unable to parse requirement: found '%.1s', expected: identifier", p);
    memcpy(t->key, p, length);
    p += length;
    p += strspn(p, " ");
    bool set = str_starts(p, "in ") || str_starts(p, "in(") || str_starts(p, "notin");
    if (*p == '!' || str_starts(p, "notin"))
        t->negated = true;
    if (set) {
        p = strchr(p, '(');
        const char *end = p ? strchr(p, ')') : NULL;
        if (!end || (size_t)(end - p) >= sizeof t->values)
            return err_set(e, ERR_SYNTAX, "unable to parse requirement: found '', expected: '('");
        memcpy(t->values, p + 1, (size_t)(end - p - 1));
        p = end + 1;
    } else if (*p == '=' || *p == '!') {
        p += strspn(p, "!=");
        length = strcspn(p, ", ");
        if (length >= sizeof t->values)
            return err_set(e, ERR_SYNTAX, "unable to parse requirement: a value is too long");
        memcpy(t->values, p, length);
        p += length;
    } else {
        t->exists = true;
    }
    p += strspn(p, " ");
    if (*p && *p != ',')
        return err_set(e, ERR_SYNTAX,
                       "unable to parse requirement: found '%.16s', expected: ',' or 'end of string'", p);
    *at = *p ? p + 1 : p;
    return 0;
}

static bool value_listed(const char *values, const char *value)
{
    size_t length = strlen(value);
    for (const char *p = values;; p++) {
        p += strspn(p, " ");
        size_t item = strcspn(p, ", ");
        if (item == length && memcmp(p, value, length) == 0)
            return true;
        p += item;
        p += strspn(p, " ");
        if (*p != ',')
            return false;
    }
}

int selector_check(const char *selector, struct err *e)
{
    struct term t;
    while (*selector)
        if (term_read(&selector, &t, e) < 0)
            return ERR_SYNTAX;
    return 0;
}

bool selector_matches(const char *selector, const cJSON *object)
{
    struct term t;
    while (*selector) {
        if (term_read(&selector, &t, NULL) < 0)
            return false;
        const char *value = object_label(object, t.key);
        bool holds = t.exists ? value != NULL : value && value_listed(t.values, value);
        if (holds == t.negated)
            return false;
    }
    return true;
}
