#include "engine/sources/reference.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

#define CAPTURE_LIMIT 4

static const char *const specials[] = {"value",     "metric", "time", "status",
                                       "latency_s", "bytes",  "kept", "oldest"};
enum special {
    SPECIAL_VALUE,
    SPECIAL_METRIC,
    SPECIAL_TIME,
    SPECIAL_STATUS,
    SPECIAL_LATENCY,
    SPECIAL_BYTES,
    SPECIAL_KEPT,
    SPECIAL_OLDEST,
};
#define SPECIAL_COUNT (sizeof specials / sizeof specials[0])

/* ---- Compiling ---- */

static int special_compile(struct reference *r, const char *name, struct err *e)
{
    for (size_t i = 0; i < SPECIAL_COUNT; i++)
        if (str_eq(name, specials[i])) {
            r->kind = REFERENCE_SPECIAL;
            r->number = i;
            return 0;
        }
    return err_set(
        e, ERR_SYNTAX,
        "there is no @%.40s: @value, @metric, @time, @status, @latency_s, @bytes, @kept or @oldest", name);
}

static int reference_compile(struct reference *r, const char *text, struct err *e)
{
    if (*text == '@')
        return special_compile(r, text + 1, e);
    if (!*text)
        return err_set(e, ERR_SYNTAX, "an empty reference");
    if (strlen(text) == 1 && isdigit((unsigned char)*text)) {
        if (*text < '1' || *text > '0' + CAPTURE_LIMIT)
            return err_set(e, ERR_RANGE, "{%s}: wildcards are numbered from 1 to %d", text, CAPTURE_LIMIT);
        r->kind = REFERENCE_CAPTURE;
        r->number = (size_t)(*text - '1');
        return 0;
    }
    bool root = *text == '^';
    if (root && text[1] != '/' && text[1])
        return err_set(e, ERR_SYNTAX, "'%.60s': a pointer from the root begins with ^/", text);
    r->kind = root ? REFERENCE_ROOT : *text == '/' ? REFERENCE_POINTER : REFERENCE_WORD;
    r->text = xstrdup(text + root);
    return 0;
}

static struct reference *part_add(struct template *t)
{
    t->parts = xrealloc(t->parts, (t->count + 1) * sizeof *t->parts);
    t->parts[t->count] = (struct reference){0};
    return &t->parts[t->count++];
}

static void literal_add(struct template *t, struct str *literal)
{
    if (!literal->len)
        return;
    *part_add(t) = (struct reference){.kind = REFERENCE_LITERAL, .text = xstrdup(literal->data)};
    str_clear(literal);
}

/* The end of the reference that begins at p: its closing brace; ^/ pointers may hold {1}. */
static const char *reference_end(const char *p)
{
    int depth = 0;
    for (; *p; p++) {
        if (*p == '{')
            depth++;
        else if (*p == '}' && depth-- == 0)
            return p;
    }
    return NULL;
}

static int parts_compile(struct template *t, const char *text, struct str *literal, struct err *e)
{
    for (const char *p = text; *p; p++) {
        if (p[0] == p[1] && (*p == '{' || *p == '}')) {
            str_add_char(literal, *p++);
        } else if (*p == '{') {
            const char *end = reference_end(p + 1);
            if (!end)
                return err_set(e, ERR_SYNTAX, "'%.60s': '{' without '}' (a brace itself is '{{')", text);
            literal_add(t, literal);
            char *inner = xstrndup(p + 1, (size_t)(end - p - 1));
            int status = reference_compile(part_add(t), inner, e);
            free(inner);
            if (status)
                return status;
            p = end;
        } else if (*p == '}') {
            return err_set(e, ERR_SYNTAX, "'%.60s': '}' without '{' (a brace itself is '}}')", text);
        } else {
            str_add_char(literal, *p);
        }
    }
    literal_add(t, literal);
    return 0;
}

int template_compile(struct template *t, const char *text, bool bare, struct err *e)
{
    struct str literal = {0};
    *t = (struct template){0};
    if (*text == '\\' && text[1] && strchr("/^@\\", text[1])) {
        *part_add(t) = (struct reference){.kind = REFERENCE_LITERAL, .text = xstrdup(text + 1)};
        return 0;
    }
    bool one = *text == '/' || *text == '@' || (*text == '^' && (text[1] == '/' || !text[1]));
    int status = one || (bare && !strpbrk(text, "{}")) ? reference_compile(part_add(t), text, e)
                                                       : parts_compile(t, text, &literal, e);
    str_fini(&literal);
    if (!status && !t->count)
        part_add(t)->text = xstrdup("");
    if (status)
        template_fini(t);
    return status;
}

void template_fini(struct template *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->parts[i].text);
    free(t->parts);
    *t = (struct template){0};
}

bool template_given(const struct template *t)
{
    return t->count > 0;
}

bool template_needs_body(const struct template *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct reference *r = &t->parts[i];
        if (r->kind != REFERENCE_LITERAL && (r->kind != REFERENCE_SPECIAL || r->number < SPECIAL_STATUS))
            return true;
    }
    return false;
}

bool template_uses_status(const struct template *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->parts[i].kind == REFERENCE_SPECIAL && t->parts[i].number == SPECIAL_STATUS)
            return true;
    return false;
}

/* ---- Looking up ---- */

static void pointer_escape(struct str *out, const char *segment)
{
    for (; *segment; segment++) {
        if (*segment == '~')
            str_add(out, "~0");
        else if (*segment == '/')
            str_add(out, "~1");
        else
            str_add_char(out, *segment);
    }
}

/* A pointer from the root with what the wildcards matched put in. */
static const cJSON *root_item(const char *pointer, const struct row *row)
{
    struct str path = {0};
    for (const char *p = pointer; *p; p++) {
        size_t capture =
            p[0] == '{' && p[1] >= '1' && p[1] <= '4' && p[2] == '}' ? (size_t)(p[1] - '1') : SIZE_MAX;
        if (capture < row->capture_count) {
            pointer_escape(&path, row->captures[capture]);
            p += 2;
        } else {
            str_add_char(&path, *p);
        }
    }
    const cJSON *item = json_at(row->answer->root, str_text(&path));
    str_fini(&path);
    return item;
}

static const cJSON *reference_item(const struct reference *r, const struct row *row)
{
    switch (r->kind) {
    case REFERENCE_POINTER:
        return row->item ? json_at(row->item, r->text) : NULL;
    case REFERENCE_ROOT:
        return row->answer->root ? root_item(r->text, row) : NULL;
    case REFERENCE_WORD:
        return cJSON_IsObject(row->item) ? cJSON_GetObjectItemCaseSensitive(row->item, r->text) : NULL;
    default:
        return NULL;
    }
}

/* A label's value; NULL when the row is no sample or has no such label: an absent label equals an empty one.
 */
static const char *reference_label(const struct reference *r, const struct row *row)
{
    if (r->kind == REFERENCE_CAPTURE)
        return r->number < row->capture_count ? row->captures[r->number] : NULL;
    if (r->kind != REFERENCE_WORD || !row->sample)
        return NULL;
    const char *value = sample_label(row->sample, r->text);
    return *value ? value : NULL;
}

static bool special_number(enum special special, const struct row *row, double *value)
{
    switch (special) {
    case SPECIAL_VALUE:
        *value = row->sample ? row->sample->value : NAN;
        return row->sample != NULL;
    case SPECIAL_TIME:
        *value = row->sample ? (double)row->sample->time_ms : NAN;
        return row->sample && row->sample->has_time;
    case SPECIAL_STATUS:
        *value = row->answer->status;
        return row->answer->status > 0;
    case SPECIAL_LATENCY:
        *value = (double)row->answer->latency_us / (double)US_PER_S;
        return true;
    case SPECIAL_BYTES:
        *value = (double)row->answer->bytes;
        return true;
    case SPECIAL_KEPT:
        *value = (double)row->kept;
        return row->kept > 0;
    case SPECIAL_OLDEST:
        return row->oldest && number_parse(row->oldest, value);
    case SPECIAL_METRIC:
        break;
    }
    return false;
}

static bool special_text(enum special special, const struct row *row, struct str *out)
{
    double value;
    if (special == SPECIAL_METRIC) {
        str_add(out, row->metric ? row->metric : "");
        return row->metric != NULL;
    }
    if (special == SPECIAL_OLDEST) {
        str_add(out, row->oldest ? row->oldest : "");
        return row->oldest != NULL;
    }
    if (!special_number(special, row, &value))
        return false;
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    str_add(out, text);
    return true;
}

static bool reference_text(const struct reference *r, const struct row *row, struct str *out)
{
    if (r->kind == REFERENCE_LITERAL) {
        str_add(out, r->text);
        return true;
    }
    if (r->kind == REFERENCE_SPECIAL)
        return special_text((enum special)r->number, row, out);
    const char *label = reference_label(r, row);
    if (label) {
        str_add(out, label);
        return true;
    }
    return json_text(reference_item(r, row), out);
}

bool template_text(const struct template *t, const struct row *row, struct str *out)
{
    size_t before = out->len;
    for (size_t i = 0; i < t->count; i++)
        if (!reference_text(&t->parts[i], row, out)) {
            if (out->data)
                out->data[before] = '\0';
            out->len = before;
            return false;
        }
    return t->count > 0;
}

const char *template_arena(const struct template *t, const struct row *row, struct arena *arena)
{
    struct str out = {0};
    const char *copy = template_text(t, row, &out) ? arena_text(arena, str_text(&out)) : NULL;
    str_fini(&out);
    return copy;
}

const cJSON *template_item(const struct template *t, const struct row *row)
{
    return t->count == 1 ? reference_item(&t->parts[0], row) : NULL;
}

bool template_number(const struct template *t, const struct row *row, double *value)
{
    if (t->count == 1 && t->parts[0].kind == REFERENCE_SPECIAL)
        return special_number((enum special)t->parts[0].number, row, value);
    const cJSON *item = template_item(t, row);
    if (item)
        return json_number(item, value);
    struct str text = {0};
    bool read = false;
    if (template_text(t, row, &text)) {
        /* Labels and templates are coerced as strings in JSON are. */
        cJSON string = {.type = cJSON_String, .valuestring = text.data};
        read = text.data && json_number(&string, value);
    }
    str_fini(&text);
    return read;
}

static bool number_time(double number, int64_t *wall_us)
{
    if (!(number > 0) || number > 1e17)
        return false;
    double us = number >= 1e14 ? number : number >= 1e11 ? number * 1e3 : number * 1e6;
    *wall_us = (int64_t)us;
    return true;
}

/* Qdrant and others write the time without a zone, and mean UTC. */
static bool text_time(struct str *text, int64_t *wall_us)
{
    int64_t parsed;
    if (clock_parse(text->data, &parsed, NULL)) {
        str_add_char(text, 'Z');
        if (clock_parse(text->data, &parsed, NULL))
            return false;
    }
    if (parsed <= 0)
        return false;
    *wall_us = parsed;
    return true;
}

bool template_time(const struct template *t, const struct row *row, int64_t *wall_us)
{
    double number;
    struct str text = {0};
    bool read = false;
    if (template_text(t, row, &text) && text.len)
        read = number_parse(text.data, &number) ? number_time(number, wall_us) : text_time(&text, wall_us);
    str_fini(&text);
    return read;
}
