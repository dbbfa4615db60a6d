/* The document's head: `---` YAML `---`. Other tools' keys are theirs; `runbook:` is ours and strict. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/config/config.h"
#include "engine/platform/platform.h"
#include "engine/runbook/block.h"
#include "engine/runbook/names.h"
#include "engine/runbook/reading.h"

#define error_at(r, item, ...)                                                                               \
    book_finding((r)->book, FINDING_ERROR, yaml_line(item), yaml_column(item), __VA_ARGS__)
#define error_at_key(r, item, ...)                                                                           \
    book_finding((r)->book, FINDING_ERROR, yaml_key_line(item), yaml_key_column(item), __VA_ARGS__)

static bool line_is(const char *line, size_t length, const char *mark)
{
    size_t n = strlen(mark);
    if (length < n || memcmp(line, mark, n) != 0)
        return false;
    for (size_t i = n; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t')
            return false;
    return true;
}

/* The line (from 1) that closes front matter of this mark; 0 when it never closes. */
static int closing_line(const struct reading *r, const char *mark)
{
    for (int i = 2; i <= (int)r->lines.len; i++) {
        size_t length;
        const char *line = reading_line(r, i, &length);
        if (line_is(line, length, mark) || (mark[0] == '-' && line_is(line, length, "...")))
            return i;
    }
    return 0;
}

/* A scalar's text; an error and NULL for anything else. */
static const char *scalar(struct reading *r, const cJSON *item)
{
    if (cJSON_IsString(item))
        return item->valuestring;
    error_at(r, item, "\"%.60s\" must be one text", item->string ? item->string : "it");
    return NULL;
}

static bool copy_scalar(struct reading *r, const cJSON *item, char **to)
{
    const char *text = scalar(r, item);
    if (!text)
        return false;
    free(*to);
    *to = xstrdup(text);
    return true;
}

/* ---- runbook: offer ---- */

/* {if: shard.state in (down, degraded)}: to YAML the comma ends the value, and what follows it is a key
 * without one. */
static bool goes_on(const struct runbook_offer *offer, const cJSON *item)
{
    int open = 0;
    for (const char *c = offer->condition ? offer->condition : ""; *c; c++)
        open += (*c == '(') - (*c == ')');
    return open > 0 && cJSON_IsString(item) && !*item->valuestring;
}

static void read_offer(struct reading *r, const cJSON *offer)
{
    struct runbook_offer found = {.line = yaml_line(offer), .column = yaml_column(offer)};
    const cJSON *item;
    struct err why;
    if (!cJSON_IsObject(offer)) {
        error_at(r, offer, "an offer is {if: CONDITION, for: DURATION}");
        return;
    }
    cJSON_ArrayForEach(item, offer)
    {
        if (str_eq(item->string, "if")) {
            copy_scalar(r, item, &found.condition);
            found.line = yaml_line(item);
            found.column = yaml_column(item);
        } else if (str_eq(item->string, "for")) {
            const char *text = scalar(r, item);
            int64_t us = 0;
            if (text && duration_parse(text, &us, &why))
                error_at(r, item, "%s", why.msg);
            found.for_ms = us / US_PER_MS;
        } else if (goes_on(&found, item)) {
            char *joined = xasprintf("%s, %s", found.condition, item->string);
            free(found.condition);
            found.condition = joined;
        } else {
            error_at_key(r, item, "unknown key \"%.60s\" of an offer: it has if and for", item->string);
        }
    }
    struct offer_condition *condition = found.condition ? condition_parse(found.condition, &why) : NULL;
    if (!found.condition)
        error_at(r, offer, "an offer without `if`");
    else if (!condition)
        book_finding(r->book, FINDING_ERROR, found.line, found.column, "%s", why.msg);
    condition_free(condition);
    if (found.condition)
        *vec_push(&r->book->offers) = found;
}

/* ---- runbook: vars ---- */

static bool var_name_good(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 62 || !isalnum((unsigned char)name[0]) || str_starts(name, "BELAY_"))
        return name[0] == '_' && name_is_exportable(name, length);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr(" _-", name[i]))
            return false;
    return true;
}

static void check_pattern(struct reading *r, const cJSON *item, const char *value, bool whole)
{
    struct err why;
    struct pattern *p = reading_pattern(r, item->valuestring, &why);
    if (!p)
        error_at(r, item, "%s: %s", item->string, why.msg);
    else if (whole && value && !pattern_covers(p, value))
        error_at(r, item, "the default \"%.60s\" doesn't match it", value);
    pattern_free(p);
}

static void read_var(struct reading *r, const cJSON *spec)
{
    if (!var_name_good(spec->string)) {
        error_at_key(r, spec, "\"%.60s\" can't be a variable's name (BELAY_ is belay's own)", spec->string);
        return;
    }
    if (!cJSON_IsObject(spec)) {
        error_at(r, spec, "a variable is {default:, ask:, from:, extract:, match:} or {secret:}");
        return;
    }
    struct runbook_var *var = reading_var(r, spec->string, VAR_DECLARED, yaml_key_line(spec));
    const struct {
        const char *key;
        char **to;
    } keys[] = {{"default", &var->fallback}, {"ask", &var->ask},     {"from", &var->from},
                {"extract", &var->extract},  {"match", &var->match}, {"secret", &var->secret}};
    const cJSON *item;
    cJSON_ArrayForEach(item, spec)
    {
        size_t i = 0;
        while (i < sizeof keys / sizeof *keys && !str_eq(keys[i].key, item->string))
            i++;
        if (i == sizeof keys / sizeof *keys)
            error_at_key(r, item, "unknown key \"%.60s\" of a variable", item->string);
        else
            copy_scalar(r, item, keys[i].to);
    }
    const cJSON *match = cJSON_GetObjectItemCaseSensitive(spec, "match");
    const cJSON *extract = cJSON_GetObjectItemCaseSensitive(spec, "extract");
    if (var->match)
        check_pattern(r, match, var->fallback, true);
    else if (var->fallback && !value_is_safe(var->fallback) && *var->fallback)
        error_at(r, cJSON_GetObjectItemCaseSensitive(spec, "default"),
                 "the default \"%.60s\" doesn't match %s: give the variable a `match`", var->fallback,
                 RUNBOOK_SAFE_VALUE);
    if (var->extract)
        check_pattern(r, extract, NULL, false);
    if (var->extract && !var->from)
        error_at(r, extract, "`extract` takes something out of `from`, and there is none");
    if (var->secret && !config_secret_is_reference(var->secret))
        error_at(r, cJSON_GetObjectItemCaseSensitive(spec, "secret"),
                 "a secret is a reference: env:NAME, file:PATH or command:ARGV");
    if (var->secret && (var->fallback || var->ask || var->from))
        error_at(r, spec, "a secret has no other source");
    if (var->fallback && !*var->fallback && !var->match) {
        free(var->fallback); /* `default:` left empty is none */
        var->fallback = NULL;
    }
}

/* ---- The head ---- */

static void read_severity(struct reading *r, const cJSON *item)
{
    char severity[SEVERITY_SIZE];
    struct err why;
    const char *text = scalar(r, item);
    if (text && *text && severity_parse(text, severity, &why) < 0) {
        error_at(r, item, "%s", why.msg);
    } else if (text && *text) {
        free(r->book->severity);
        r->book->severity = xstrdup(severity);
    }
}

static void read_runbook(struct reading *r, const cJSON *head)
{
    struct runbook *book = r->book;
    const cJSON *item, *each;
    if (!cJSON_IsObject(head) && !(cJSON_IsString(head) && !*head->valuestring))
        error_at(r, head, "`runbook:` is a mapping of id, title, severity, offer, vars");
    cJSON_ArrayForEach(item, head)
    {
        if (str_eq(item->string, "id")) {
            copy_scalar(r, item, &book->id);
        } else if (str_eq(item->string, "title")) {
            copy_scalar(r, item, &book->title);
        } else if (str_eq(item->string, "severity")) {
            read_severity(r, item);
        } else if (str_eq(item->string, "offer") && cJSON_IsArray(item)) {
            cJSON_ArrayForEach(each, item) read_offer(r, each);
        } else if (str_eq(item->string, "offer")) {
            error_at(r, item, "`offer` is a list of {if: CONDITION, for: DURATION}");
        } else if (str_eq(item->string, "vars") && cJSON_IsObject(item)) {
            cJSON_ArrayForEach(each, item) read_var(r, each);
        } else if (str_eq(item->string, "vars")) {
            error_at(r, item, "`vars` is a mapping of names to {default:, ask:, from:, extract:, match:}");
        } else {
            error_at_key(r, item, "unknown key \"%.60s\" under runbook:", item->string);
        }
    }
    if (book->id && !value_is_safe(book->id))
        error_at(r, cJSON_GetObjectItemCaseSensitive(head, "id"), "an id matches %s", RUNBOOK_SAFE_VALUE);
}

/* Keys that other runners share with us. 0, or the document is refused. */
static int read_head(struct reading *r, const cJSON *root, struct err *e)
{
    const cJSON *session = json_at(root, "/runme/session");
    if (session)
        return err_set(
            e, ERR_FOREIGN,
            "%s:%d: it is the record of another runner's session, with output in it: run the document that "
            "it was recorded from",
            r->book->path, yaml_line(session));
    const cJSON *cwd = json_at(root, "/cwd"), *shell = json_at(root, "/shell"),
                *title = json_at(root, "/title");
    if (cJSON_IsString(cwd) && *cwd->valuestring)
        r->cwd = xstrdup(cwd->valuestring);
    if (cJSON_IsString(shell) && *shell->valuestring)
        r->shell = xstrdup(shell->valuestring);
    struct err why;
    char *complete = r->shell ? interpreter_complete(r->shell, &why) : NULL;
    if (r->shell && !complete)
        error_at(r, shell, "%s", why.msg);
    free(complete);
    const cJSON *own = json_at(root, "/runbook");
    r->book->declared = own != NULL;
    if (own)
        read_runbook(r, own);
    if (!r->book->title && cJSON_IsString(title) && *title->valuestring)
        r->book->title = xstrdup(title->valuestring);
    return 0;
}

/* YAML that we can't read is other tools' business (tags, anchors), unless it is ours. */
static void malformed_head(struct reading *r, const char *yaml, size_t length, const struct err *why)
{
    int line = 1, column = 1, used = 0;
    bool own = length >= 8 && memcmp(yaml, "runbook:", 8) == 0;
    own = own || memmem(yaml, length, "\nrunbook:", 9) != NULL;
    if (sscanf(why->msg, "front matter:%d:%d: %n", &line, &column, &used) < 2)
        used = 0;
    r->book->declared = own;
    book_finding(r->book, own ? FINDING_ERROR : FINDING_WARNING, line, column, "%sfront matter: %s",
                 own ? "" : "ignored: ", why->msg + used);
}

/* "key:" begins the first line that isn't empty: front matter of somebody's, however odd. */
static bool looks_like_keys(const char *yaml, const char *end)
{
    while (yaml < end && isspace((unsigned char)*yaml))
        yaml++;
    while (yaml < end && (isalnum((unsigned char)*yaml) || *yaml == '_' || *yaml == '-'))
        yaml++;
    return yaml < end && *yaml == ':';
}

int frontmatter_read(struct reading *r, struct err *e)
{
    size_t length;
    if (r->lines.len == 0)
        return 0;
    const char *first = reading_line(r, 1, &length);
    bool yaml = line_is(first, length, "---");
    int last = yaml ? closing_line(r, "---") : line_is(first, length, "+++") ? closing_line(r, "+++") : 0;
    if (last == 0)
        return 0;
    r->body_line = last;
    r->body = last < (int)r->lines.len ? r->lines.data[last] : r->length;
    if (!yaml)
        return 0;
    size_t begin = r->lines.data[1], end = r->lines.data[last - 1];
    struct err why;
    cJSON *root = yaml_parse(r->text + begin, end - begin, "front matter", 1, &why);
    int code = 0;
    if (cJSON_IsObject(root)) {
        code = read_head(r, root, e);
    } else if (!root && looks_like_keys(r->text + begin, r->text + end)) {
        malformed_head(r, r->text + begin, end - begin, &why);
    } else { /* two thematic breaks and what stands between them */
        r->body = 0;
        r->body_line = 0;
    }
    cJSON_Delete(root);
    return code;
}
