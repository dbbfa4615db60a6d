/* JSON: cJSON with strict input. Text is checked as UTF-8 first, duplicate keys are refused, depth is at most
 * 64, values at most a million, integers from 2^52 on keep their digits as strings, \u0000 and half surrogate
 * pairs are errors. Writing is deterministic. */
#ifndef BELAY_BASE_JSON_H
#define BELAY_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

/* The tree (cJSON_Delete), or NULL with the byte offset in e's message. */
cJSON *json_parse(const char *text, size_t length, struct err *e);

/* RFC 6901 pointer; "" is the root itself. NULL when there is nothing there. */
const cJSON *json_at(const cJSON *root, const char *pointer);

/* Calls visit for each match of a pointer that may hold wildcard segments "*" (members of an object or
 * elements of an array). captures are the keys or indexes that the wildcards matched, in order. Stops when
 * visit returns non-zero and returns that. At most 4 wildcards. */
struct json_match {
    const cJSON *item;
    const char *captures[4];
    size_t capture_count;
};
int json_each(const cJSON *root, const char *pointer,
              int (*visit)(const struct json_match *match, void *data), void *data);

/* Values whatever their JSON type: "50.0%" is 0.5, "true" is 1, "NaN" and "+Inf" are what they say. */
bool json_number(const cJSON *item, double *value);
/* Text of a scalar (numbers without needless digits), into out; false for objects, arrays, null and NULL. */
bool json_text(const cJSON *item, struct str *out);

/* Member lookups that tolerate a missing object or a wrong type. */
const char *json_string(const cJSON *object, const char *key, const char *fallback);
double json_double(const cJSON *object, const char *key, double fallback);
int64_t json_int(const cJSON *object, const char *key, int64_t fallback);
bool json_bool(const cJSON *object, const char *key, bool fallback);

/* 64-bit integers survive: written as a raw number, read by json_int. */
void json_add_int(cJSON *object, const char *key, int64_t value);

/* Compact text, members in the order they were added. */
char *json_print(const cJSON *item);
/* Appends a quoted, escaped JSON string. */
void json_quote(struct str *out, const char *text);

#endif
