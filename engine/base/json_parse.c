/* The strict reader. cJSON's own accepts control characters and leading zeros, keeps the last of two equal
 * keys reachable, turns 64-bit ids into rounded doubles and ends a string at \u0000; so the text is read
 * here, into cJSON's tree. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/map.h"
#include "engine/base/number.h"
#include "engine/base/utf8.h"

#define DEPTH_LIMIT 64
#define VALUE_LIMIT 1000000 /* cJSON takes 80 bytes a value: this is what a lying server can make us hold */

struct reader {
    const char *text;
    size_t length, at;
    size_t values;
    int depth;
    struct str scratch; /* the string read last, unescaped */
    struct err *e;
};

static cJSON *read_value(struct reader *r);

static void *fail(struct reader *r, const char *what)
{
    err_set(r->e, ERR_SYNTAX, "JSON, byte %zu: %s", r->at, what);
    return NULL;
}

/* cJSON gives NULL only when memory is out. */
static cJSON *must(cJSON *item)
{
    if (!item)
        abort();
    return item;
}

static int peek(const struct reader *r)
{
    return r->at < r->length ? (unsigned char)r->text[r->at] : -1;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->length && (r->text[r->at] == ' ' || r->text[r->at] == '\n' || r->text[r->at] == '\r' ||
                                 r->text[r->at] == '\t'))
        r->at++;
}

static bool take_hex(struct reader *r, uint32_t *unit)
{
    *unit = 0;
    if (r->length - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = r->text[r->at + (size_t)i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    r->at += 4;
    return true;
}

/* What follows "\u"; the pair of surrogates makes one character. */
static bool take_unicode(struct reader *r)
{
    uint32_t c, low;
    if (!take_hex(r, &c)) {
        fail(r, "\\u needs four hexadecimal digits");
        return false;
    }
    if (c >= 0xD800 && c <= 0xDBFF) {
        bool paired = r->length - r->at >= 6 && r->text[r->at] == '\\' && r->text[r->at + 1] == 'u';
        if (paired)
            r->at += 2;
        if (!paired || !take_hex(r, &low) || low < 0xDC00 || low > 0xDFFF) {
            fail(r, "half of a surrogate pair");
            return false;
        }
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    } else if (c >= 0xDC00 && c <= 0xDFFF) {
        fail(r, "half of a surrogate pair");
        return false;
    }
    if (c == 0) {
        fail(r, "\\u0000 in a string is not supported");
        return false;
    }
    char bytes[4];
    str_add_bytes(&r->scratch, bytes, utf8_encode(c, bytes));
    return true;
}

static bool take_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(r);
    if (c == 'u') {
        r->at++;
        return take_unicode(r);
    }
    const char *known = c > 0 ? strchr(from, c) : NULL;
    if (!known) {
        fail(r, "unknown escape");
        return false;
    }
    str_add_char(&r->scratch, to[known - from]);
    r->at++;
    return true;
}

/* A string into r->scratch; the opening quote is at r->at. */
static bool read_string(struct reader *r)
{
    str_clear(&r->scratch);
    r->at++;
    for (;;) {
        size_t start = r->at;
        while (r->at < r->length && r->text[r->at] != '"' && r->text[r->at] != '\\' &&
               (unsigned char)r->text[r->at] >= 0x20)
            r->at++;
        str_add_bytes(&r->scratch, r->text + start, r->at - start);
        int c = peek(r);
        if (c == '"') {
            r->at++;
            return true;
        }
        if (c != '\\') {
            fail(r, c < 0 ? "a string without its end" : "a control character in a string");
            return false;
        }
        r->at++;
        if (!take_escape(r))
            return false;
    }
}

static cJSON *read_number(struct reader *r)
{
    size_t used = number_scan_json(r->text + r->at, r->length - r->at);
    if (used == 0)
        return fail(r, "not a number");
    char *digits = xstrndup(r->text + r->at, used);
    double value;
    bool exact =
        number_parse(digits, &value) && value - value == 0; /* false for what no double can hold: 1e999 */
    if (!strpbrk(digits, ".eE")) {
        /* Ids of 64 bits keep their digits. The double itself can't tell: 2^53 + 1 has rounded down by now.
         * Nor is it enough that a double holds it: from 2^52 on cJSON prints it with 15 digits and calls that
         * equal.
         */
        long long integer = strtoll(digits, NULL, 10);
        exact = integer < 1LL << 52 && integer > -(1LL << 52);
    }
    cJSON *item = must(exact ? cJSON_CreateNumber(value) : cJSON_CreateString(digits));
    free(digits);
    r->at += used;
    return item;
}

static cJSON *read_word(struct reader *r, const char *word, cJSON *(*create)(void))
{
    size_t length = strlen(word);
    if (r->length - r->at < length || memcmp(r->text + r->at, word, length) != 0)
        return fail(r, "expected a value");
    r->at += length;
    return must(create());
}

static cJSON *read_array(struct reader *r)
{
    cJSON *array = must(cJSON_CreateArray());
    r->at++;
    skip_blanks(r);
    if (peek(r) == ']') {
        r->at++;
        return array;
    }
    for (;;) {
        cJSON *item = read_value(r);
        if (!item)
            break;
        cJSON_AddItemToArray(array, item);
        skip_blanks(r);
        int c = peek(r);
        if (c == ',') {
            r->at++;
            continue;
        }
        if (c == ']') {
            r->at++;
            return array;
        }
        fail(r, "expected , or ] in an array");
        break;
    }
    cJSON_Delete(array);
    return NULL;
}

/* Small objects are searched; large ones keep a set, so that a body of a million keys is not quadratic. */
static bool key_is_new(const cJSON *object, size_t count, struct map **seen, const char *key)
{
    if (count < 16)
        return !cJSON_GetObjectItemCaseSensitive(object, key);
    if (!*seen) {
        *seen = map_new();
        for (const cJSON *member = object->child; member; member = member->next)
            map_set(*seen, member->string, *seen);
    }
    return !map_set(*seen, key, *seen);
}

static cJSON *read_member(struct reader *r, const cJSON *object, size_t count, struct map **seen, char **key)
{
    skip_blanks(r);
    if (peek(r) != '"')
        return fail(r, "expected a key in quotes");
    size_t start = r->at;
    if (!read_string(r))
        return NULL;
    *key = xstrdup(str_text(&r->scratch));
    if (!key_is_new(object, count, seen, *key)) {
        err_set(r->e, ERR_SYNTAX, "JSON, byte %zu: the key \"%.80s\" stands there twice", start, *key);
        return NULL;
    }
    skip_blanks(r);
    if (peek(r) != ':')
        return fail(r, "expected : after a key");
    r->at++;
    return read_value(r);
}

static cJSON *read_object(struct reader *r)
{
    cJSON *object = must(cJSON_CreateObject());
    struct map *seen = NULL;
    bool good = false;
    r->at++;
    skip_blanks(r);
    if (peek(r) == '}') {
        r->at++;
        return object;
    }
    for (size_t count = 0;; count++) {
        char *key = NULL;
        cJSON *item = read_member(r, object, count, &seen, &key);
        if (item)
            cJSON_AddItemToObject(object, key, item);
        free(key);
        if (!item)
            break;
        skip_blanks(r);
        int c = peek(r);
        if (c == ',') {
            r->at++;
            continue;
        }
        good = c == '}';
        if (!good)
            fail(r, "expected , or } in an object");
        r->at++;
        break;
    }
    map_free(seen);
    if (good)
        return object;
    cJSON_Delete(object);
    return NULL;
}

static cJSON *read_value(struct reader *r)
{
    skip_blanks(r);
    if (++r->values > VALUE_LIMIT)
        return fail(r, "more than a million values");
    int c = peek(r);
    switch (c) {
    case '{':
    case '[': {
        if (r->depth == DEPTH_LIMIT)
            return fail(r, "nested deeper than 64");
        r->depth++;
        cJSON *item = c == '{' ? read_object(r) : read_array(r);
        r->depth--;
        return item;
    }
    case '"':
        return read_string(r) ? must(cJSON_CreateString(str_text(&r->scratch))) : NULL;
    case 't':
        return read_word(r, "true", cJSON_CreateTrue);
    case 'f':
        return read_word(r, "false", cJSON_CreateFalse);
    case 'n':
        return read_word(r, "null", cJSON_CreateNull);
    case -1:
        return fail(r, "the text ends where a value should be");
    default:
        return c == '-' || (c >= '0' && c <= '9') ? read_number(r) : fail(r, "expected a value");
    }
}

cJSON *json_parse(const char *text, size_t length, struct err *e)
{
    size_t offset;
    if (!utf8_valid(text, length, &offset)) {
        err_set(e, ERR_SYNTAX, "JSON, byte %zu: not UTF-8", offset);
        return NULL;
    }
    struct reader r = {.text = text, .length = length, .e = e};
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        r.at = 3; /* a byte order mark, as some Windows tools write */
    cJSON *root = read_value(&r);
    skip_blanks(&r);
    if (root && r.at < r.length) {
        fail(&r, "something follows the value");
        cJSON_Delete(root);
        root = NULL;
    }
    str_fini(&r.scratch);
    return root;
}
