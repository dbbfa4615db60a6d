#include "engine/simulate/jsonpath.h"

#include <ctype.h>
#include <stdlib.h>

#define DEPTH_LIMIT   8
#define RESULTS_LIMIT 10000

struct nodes {
    const cJSON **data;
    size_t len, cap;
};

static void nodes_add(struct nodes *n, const cJSON *item)
{
    if (item && n->len < RESULTS_LIMIT)
        *vec_push(n) = item;
}

static bool closed(const char *p)
{
    return *p == '\0' || *p == '}' || *p == ' ';
}

/* One field name, with `\.` for a dot; p is left behind it. */
static int name_read(const char **p, char *name, size_t size, struct err *e)
{
    size_t length = 0;
    while (!closed(*p) && **p != '.' && **p != '[' && **p != '=' && **p != '!' && **p != ')') {
        if (**p == '\\' && (*p)[1])
            (*p)++;
        if (length + 1 >= size)
            return err_set(e, ERR_SYNTAX, "a field's name is too long");
        name[length++] = *(*p)++;
    }
    name[length] = '\0';
    return length > 0 ? 0 : err_set(e, ERR_SYNTAX, "unrecognized character in template near %.16s", *p);
}

static int quoted_read(const char **p, char *text, size_t size, struct err *e)
{
    char quote = **p;
    const char *end = quote == '"' || quote == '\'' ? strchr(*p + 1, quote) : NULL;
    if (!end || (size_t)(end - *p) >= size)
        return err_set(e, ERR_SYNTAX, "unterminated quoted text near %.16s", *p);
    memcpy(text, *p + 1, (size_t)(end - *p - 1));
    text[end - *p - 1] = '\0';
    *p = end + 1;
    return 0;
}

/* [?(@.a.b=="c")]: p is behind `[?(`. */
static int filter_step(const char **p, const struct nodes *in, struct nodes *out, struct err *e)
{
    char path[4][64], want[128];
    size_t parts = 0;
    if (**p != '@')
        return err_set(e, ERR_SYNTAX, "a filter begins with @");
    for (++*p; **p == '.'; parts++) {
        ++*p;
        if (parts == 4 || name_read(p, path[parts], sizeof path[parts], e) < 0)
            return err_set(e, ERR_SYNTAX, "a filter's path can't be read");
    }
    bool equal = str_starts(*p, "==");
    if (!equal && !str_starts(*p, "!="))
        return err_set(e, ERR_SYNTAX, "a filter compares with == or !=");
    *p += 2;
    if (quoted_read(p, want, sizeof want, e) < 0)
        return ERR_SYNTAX;
    if (!str_starts(*p, ")]"))
        return err_set(e, ERR_SYNTAX, "unterminated filter");
    *p += 2;
    for (size_t i = 0; i < in->len; i++) {
        const cJSON *element;
        cJSON_ArrayForEach(element, in->data[i])
        {
            const cJSON *at = element;
            for (size_t part = 0; part < parts; part++)
                at = cJSON_GetObjectItemCaseSensitive(at, path[part]);
            struct str text = {0};
            bool same = at && json_text(at, &text) && strcmp(str_text(&text), want) == 0;
            str_fini(&text);
            if (same == equal)
                nodes_add(out, element);
        }
    }
    return 0;
}

/* [n], [*], ['name'], [?(...)]: p is behind the bracket. */
static int bracket_step(const char **p, const struct nodes *in, struct nodes *out, struct err *e)
{
    char name[128];
    if (str_starts(*p, "?(")) {
        *p += 2;
        return filter_step(p, in, out, e);
    }
    if (**p == '*') {
        ++*p;
        for (size_t i = 0; i < in->len; i++) {
            const cJSON *element;
            cJSON_ArrayForEach(element, in->data[i]) nodes_add(out, element);
        }
    } else if (**p == '\'' || **p == '"') {
        if (quoted_read(p, name, sizeof name, e) < 0)
            return ERR_SYNTAX;
        for (size_t i = 0; i < in->len; i++)
            nodes_add(out, cJSON_GetObjectItemCaseSensitive(in->data[i], name));
    } else {
        char *end;
        long index = strtol(*p, &end, 10);
        if (end == *p)
            return err_set(e, ERR_SYNTAX, "invalid array index near %.16s", *p);
        *p = str_starts(end, ":") ? end + 1 : end; /* [-1:] is the last one */
        for (size_t i = 0; i < in->len; i++) {
            int size = cJSON_GetArraySize(in->data[i]);
            long at = index < 0 ? size + index : index;
            nodes_add(out, at >= 0 && at < size ? cJSON_GetArrayItem(in->data[i], (int)at) : NULL);
        }
    }
    if (**p != ']')
        return err_set(e, ERR_SYNTAX, "unterminated array");
    ++*p;
    return 0;
}

/* Follows a path from root; p ends at the brace or blank behind it. */
static int path_follow(const char **p, const cJSON *root, struct nodes *found, struct err *e)
{
    struct nodes now = {0};
    nodes_add(&now, root);
    if (**p == '$' || **p == '@')
        ++*p;
    while (!closed(*p)) {
        struct nodes next = {0};
        char name[128];
        int code = 0;
        if (**p == '[') {
            ++*p;
            code = bracket_step(p, &now, &next, e);
        } else {
            if (**p == '.')
                ++*p;
            if (**p == '[')
                continue;
            code = name_read(p, name, sizeof name, e);
            for (size_t i = 0; code == 0 && i < now.len; i++)
                nodes_add(&next, cJSON_GetObjectItemCaseSensitive(now.data[i], name));
        }
        free(now.data);
        now = next;
        if (code < 0) {
            free(now.data);
            return code;
        }
    }
    *found = now;
    return 0;
}

static void nodes_write(const struct nodes *n, struct str *out)
{
    for (size_t i = 0; i < n->len; i++) {
        if (i > 0)
            str_add_char(out, ' ');
        if (json_text(n->data[i], out))
            continue;
        char *text = json_print(n->data[i]);
        str_add(out, text);
        free(text);
    }
}

static void literal_write(const char *begin, const char *end, struct str *out)
{
    for (const char *p = begin; p < end; p++) {
        if (*p == '\\' && p + 1 < end && (p[1] == 'n' || p[1] == 't')) {
            str_add_char(out, p[1] == 'n' ? '\n' : '\t');
            p++;
        } else {
            str_add_char(out, *p);
        }
    }
}

static int template_write(const cJSON *root, const char **at, int depth, struct str *out, struct err *e);

static int range_write(const cJSON *root, const char **at, int depth, struct str *out, struct err *e)
{
    struct nodes found = {0};
    if (depth == DEPTH_LIMIT)
        return err_set(e, ERR_SYNTAX, "ranges are nested too deeply");
    int code = path_follow(at, root, &found, e);
    if (code == 0 && **at != '}')
        code = err_set(e, ERR_SYNTAX, "unclosed action");
    const char *body = *at + 1, *end = body;
    struct str skipped = {0};
    if (code == 0 && found.len == 0) /* read once all the same, to find its end */
        code = template_write(NULL, &end, depth + 1, &skipped, e);
    for (size_t i = 0; code == 0 && i < found.len; i++) {
        end = body;
        code = template_write(found.data[i], &end, depth + 1, out, e);
    }
    str_fini(&skipped);
    free(found.data);
    *at = end;
    return code;
}

/* Up to the end, or in a range up to and over its {end}. */
static int template_write(const cJSON *root, const char **at, int depth, struct str *out, struct err *e)
{
    while (**at) {
        if (**at != '{') {
            const char *end = *at + strcspn(*at, "{");
            literal_write(*at, end, out);
            *at = end;
            continue;
        }
        ++*at;
        *at += strspn(*at, " ");
        if (str_starts(*at, "end}")) {
            *at += 4;
            return depth > 0 ? 0 : err_set(e, ERR_SYNTAX, "not in range, nothing to end");
        }
        if (str_starts(*at, "range ")) {
            *at += 6;
            *at += strspn(*at, " ");
            if (range_write(root, at, depth, out, e) < 0)
                return ERR_SYNTAX;
            continue;
        }
        while (**at && **at != '}') {
            if (**at == '"' || **at == '\'') {
                char text[256];
                if (quoted_read(at, text, sizeof text, e) < 0)
                    return ERR_SYNTAX;
                literal_write(text, text + strlen(text), out);
            } else if (**at == ' ') {
                ++*at;
            } else {
                struct nodes found = {0};
                if (path_follow(at, root, &found, e) < 0)
                    return ERR_SYNTAX;
                nodes_write(&found, out);
                free(found.data);
            }
        }
        if (**at != '}')
            return err_set(e, ERR_SYNTAX, "unclosed action");
        ++*at;
    }
    return depth == 0 ? 0 : err_set(e, ERR_SYNTAX, "unexpected range without end");
}

int jsonpath_write(const cJSON *root, const char *template, struct str *out, struct err *e)
{
    return template_write(root, &template, 0, out, e);
}
