#include "engine/base/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "engine/base/map.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"

#define DEPTH_LIMIT 64
#define SIZE_LIMIT  (1 << 20)

struct reader {
    yaml_parser_t parser;
    const char *name;
    int line_offset;
    struct err *e;
};

/* cJSON reads valueint and valuedouble only of numbers, and there are none in these trees. valueint holds the
 * value's line, valuedouble (whose integers are exact to 2^53) its column, the key's column above 2^21, and
 * above 2^42 how many lines the key stands higher. */
#define FIELD (1LL << 21)

static void position_set(cJSON *item, const struct reader *r, yaml_mark_t mark)
{
    item->valueint = (int)mark.line + 1 + r->line_offset;
    item->valuedouble = (double)((int64_t)(mark.column + 1) * (FIELD + 1));
}

static void key_position_set(cJSON *item, const struct reader *r, yaml_mark_t key)
{
    int64_t column = (int64_t)item->valuedouble % FIELD,
            higher = item->valueint - r->line_offset - 1 - (int)key.line;
    if (higher > 1023)
        higher = 1023;
    item->valuedouble = (double)((higher * FIELD + (int64_t)(key.column + 1)) * FIELD + column);
}

static int64_t position(const cJSON *item)
{
    return item && !cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

int yaml_line(const cJSON *item)
{
    return item && !cJSON_IsNumber(item) ? item->valueint : 0;
}

int yaml_column(const cJSON *item)
{
    return (int)(position(item) % FIELD);
}

int yaml_key_line(const cJSON *item)
{
    return yaml_line(item) - (int)(position(item) / FIELD / FIELD);
}

int yaml_key_column(const cJSON *item)
{
    return (int)(position(item) / FIELD % FIELD);
}

static cJSON *must(cJSON *item)
{
    if (!item)
        abort();
    return item;
}

static cJSON *fail(const struct reader *r, yaml_mark_t mark, const char *what)
{
    err_set(r->e, ERR_SYNTAX, "%s:%d:%d: %s", r->name, (int)mark.line + 1 + r->line_offset,
            (int)mark.column + 1, what);
    return NULL;
}

static cJSON *fail_parser(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    yaml_mark_t mark = p->problem_mark;
    const char *what = p->problem ? p->problem : "not YAML";
    if (p->error == YAML_READER_ERROR) /* a bad byte: the reader knows an offset only, utf8_valid was first */
        mark = p->mark;
    if (p->context)
        err_set(r->e, ERR_SYNTAX, "%s:%d:%d: %s, %s", r->name, (int)mark.line + 1 + r->line_offset,
                (int)mark.column + 1, what, p->context);
    else
        fail(r, mark, what);
    return NULL;
}

static bool next(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return true;
    fail_parser(r);
    return false;
}

/* A plain ~, null or nothing is "": an option that was not filled in. In quotes they are themselves. */
static const char *scalar_text(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (str_eq(text, "~") || str_eq(text, "null")))
        return "";
    return text;
}

static bool scalar_good(const struct reader *r, const yaml_event_t *event)
{
    if (event->data.scalar.anchor || event->data.scalar.tag) {
        fail(r, event->start_mark,
             "anchors (&) and tags (!) are not supported: write the value itself, in quotes if it "
             "begins so");
        return false;
    }
    if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length) {
        fail(r, event->start_mark, "a NUL character in a text");
        return false;
    }
    return true;
}

static cJSON *read_value(struct reader *r, yaml_event_t *event, int depth);

/* One key and its value. 1: read, 0: the mapping ended, -1: failed. */
static int read_member(struct reader *r, cJSON *object, struct map *seen, int depth)
{
    yaml_event_t event;
    if (!next(r, &event))
        return -1;
    int result = -1;
    char *key = NULL;
    if (event.type == YAML_MAPPING_END_EVENT) {
        result = 0;
    } else if (event.type == YAML_ALIAS_EVENT) {
        fail(r, event.start_mark,
             "aliases (*) are not supported: write the value itself, in quotes if it begins so");
    } else if (event.type != YAML_SCALAR_EVENT) {
        fail(r, event.start_mark, "a key must be plain text");
    } else if (scalar_good(r, &event)) {
        key = xstrdup((const char *)event.data.scalar.value);
        if (event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && str_eq(key, "<<"))
            fail(r, event.start_mark, "merge keys (<<) are not supported: write the keys themselves");
        else if (map_set(seen, key, seen))
            err_set(r->e, ERR_SYNTAX, "%s:%d:%d: the key \"%.80s\" stands there twice", r->name,
                    (int)event.start_mark.line + 1 + r->line_offset, (int)event.start_mark.column + 1, key);
        else
            result = 1;
    }
    yaml_mark_t at = event.start_mark;
    yaml_event_delete(&event);
    if (result == 1) {
        if (!next(r, &event)) {
            free(key);
            return -1;
        }
        bool empty = event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0;
        cJSON *item = read_value(r, &event, depth);
        yaml_event_delete(&event);
        if (item && empty)
            position_set(item, r, at); /* nothing stands there: the key is what a message can point at */
        if (item) {
            key_position_set(item, r, at);
            cJSON_AddItemToObject(object, key, item);
        } else {
            result = -1;
        }
    }
    free(key);
    return result;
}

static cJSON *read_mapping(struct reader *r, yaml_mark_t mark, int depth)
{
    cJSON *object = must(cJSON_CreateObject());
    position_set(object, r, mark);
    struct map *seen = map_new();
    int result;
    while ((result = read_member(r, object, seen, depth)) > 0)
        ;
    map_free(seen);
    if (result == 0)
        return object;
    cJSON_Delete(object);
    return NULL;
}

static cJSON *read_sequence(struct reader *r, yaml_mark_t mark, int depth)
{
    cJSON *array = must(cJSON_CreateArray());
    position_set(array, r, mark);
    for (;;) {
        yaml_event_t event;
        if (!next(r, &event))
            break;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return array;
        }
        cJSON *item = read_value(r, &event, depth);
        yaml_event_delete(&event);
        if (!item)
            break;
        cJSON_AddItemToArray(array, item);
    }
    cJSON_Delete(array);
    return NULL;
}

static cJSON *read_value(struct reader *r, yaml_event_t *event, int depth)
{
    const char *anchor_or_tag = "anchors (&) and tags (!) are not supported: write the value itself";
    if (depth > DEPTH_LIMIT)
        return fail(r, event->start_mark, "nested deeper than 64");
    switch (event->type) {
    case YAML_SCALAR_EVENT: {
        if (!scalar_good(r, event))
            return NULL;
        cJSON *item = must(cJSON_CreateString(scalar_text(event)));
        position_set(item, r, event->start_mark);
        return item;
    }
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return fail(r, event->start_mark, anchor_or_tag);
        return read_mapping(r, event->start_mark, depth + 1);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            return fail(r, event->start_mark, anchor_or_tag);
        return read_sequence(r, event->start_mark, depth + 1);
    case YAML_ALIAS_EVENT:
        return fail(r, event->start_mark,
                    "aliases (*) are not supported: write the value itself, in quotes if it begins "
                    "so");
    default:
        return fail(r, event->start_mark, "not YAML");
    }
}

/* The one document of the stream. */
static cJSON *read_stream(struct reader *r)
{
    yaml_event_t event;
    cJSON *root = NULL;
    for (;;) {
        if (!next(r, &event))
            goto bad;
        yaml_event_type_t type = event.type;
        if (type == YAML_STREAM_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        if (type == YAML_DOCUMENT_START_EVENT && root) {
            fail(r, event.start_mark, "a second document: one file holds one");
            yaml_event_delete(&event);
            goto bad;
        }
        bool framing = type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT ||
                       type == YAML_DOCUMENT_END_EVENT;
        if (!framing) {
            root = read_value(r, &event, 0);
            if (!root) {
                yaml_event_delete(&event);
                goto bad;
            }
        }
        yaml_event_delete(&event);
    }
    bool nothing = !root || (cJSON_IsString(root) && !*root->valuestring);
    if (nothing) {
        cJSON_Delete(root);
        root = must(cJSON_CreateObject());
        position_set(root, r, (yaml_mark_t){0});
    }
    return root;
bad:
    cJSON_Delete(root);
    return NULL;
}

static void locate(const char *text, size_t offset, yaml_mark_t *mark)
{
    *mark = (yaml_mark_t){0};
    for (size_t i = 0; i < offset; i++) {
        mark->column++;
        if (text[i] == '\n') {
            mark->line++;
            mark->column = 0;
        }
    }
}

cJSON *yaml_parse(const char *text, size_t length, const char *name, int line_offset, struct err *e)
{
    struct reader r = {.name = name, .line_offset = line_offset, .e = e};
    yaml_mark_t mark = {0};
    size_t offset;
    if (length > SIZE_LIMIT) {
        err_set(e, ERR_RANGE, "%s:%d:1: larger than 1 MiB", name, 1 + line_offset);
        return NULL;
    }
    if (!utf8_valid(text, length, &offset)) {
        locate(text, offset, &mark);
        return fail(&r, mark, "not UTF-8");
    }
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    cJSON *root = read_stream(&r);
    yaml_parser_delete(&r.parser);
    return root;
}
