/* What the body of an HTTP error says. Apart from failure.c: `belay` classifies, and reads no JSON. */
#include "engine/resilience/failure.h"

#include <stdio.h>
#include <string.h>

/* What providers write into "code" and "type" of an error, and what it means whatever the status says. */
static const struct {
    const char *word;
    enum failure_class class;
} error_words[] = {
    {"context_length_exceeded", FAILURE_TOO_LARGE},
    {"string_above_max_length", FAILURE_TOO_LARGE},
    {"exceed_context_size_error", FAILURE_TOO_LARGE},
    {"request_too_large", FAILURE_TOO_LARGE},
    {"ContextWindowExceededError", FAILURE_TOO_LARGE},
    {"insufficient_quota", FAILURE_AUTH},
    {"billing_hard_limit_reached", FAILURE_AUTH},
    {"billing_not_active", FAILURE_AUTH},
    {"account_deactivated", FAILURE_AUTH},
    {"invalid_api_key", FAILURE_AUTH},
    {"authentication_error", FAILURE_AUTH},
    {"permission_error", FAILURE_AUTH},
    {"rate_limit_exceeded", FAILURE_LIMITED},
    {"rate_limit_error", FAILURE_LIMITED},
    {"model_not_found", FAILURE_PERMANENT},
    {"overloaded_error", FAILURE_SERVER},
};

/* The same in words, of servers that give no code; only where an input may be too large at all. */
static const char *const too_large_phrases[] = {"maximum context length", "context window", "context size",
                                                "prompt is too long", "input token count"};

static bool word_class(const char *word, enum failure_class *class)
{
    for (size_t i = 0; i < sizeof error_words / sizeof *error_words; i++)
        if (str_eq(error_words[i].word, word)) {
            *class = error_words[i].class;
            return true;
        }
    return false;
}

static bool says_too_large(const char *message)
{
    for (size_t i = 0; i < sizeof too_large_phrases / sizeof *too_large_phrases; i++)
        if (strcasestr(message, too_large_phrases[i]))
            return true;
    return false;
}

/* {"error":{"message","type","code"}}, the same inside an array, without "error", or with a text as "error".
 */
static const cJSON *error_of(const cJSON *root)
{
    if (cJSON_IsArray(root))
        root = cJSON_GetArrayItem(root, 0);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(root, "error");
    return cJSON_IsObject(error) ? error : root;
}

#define BODY_BYTES_MAX 65536 /* no error needs more; the rest of it isn't looked at */

/* Classes that a status gives to errors of several kinds: these the body may tell apart. */
static bool is_open(enum failure_class class)
{
    return class == FAILURE_INVALID || class == FAILURE_NOT_FOUND || class == FAILURE_LIMITED ||
           class == FAILURE_AUTH || class == FAILURE_PERMANENT;
}

static void read_body(int status, const char *body, size_t length, struct failure *f)
{
    struct err e;
    struct str cause = {0};
    enum failure_class class = f->class;
    cJSON *root = length <= BODY_BYTES_MAX ? json_parse(body, length, &e) : NULL;
    const cJSON *error = error_of(root);
    const char *code = json_string(error, "code", ""), *type = json_string(error, "type", "");
    const char *message = json_string(error, "message", json_string(error, "error", ""));
    if (!word_class(code, &class) && !word_class(type, &class) && f->class == FAILURE_INVALID &&
        says_too_large(message))
        class = FAILURE_TOO_LARGE;
    if (is_open(f->class))
        f->class = class;
    const char *said = *code ? code : *message ? message : type;
    utf8_clean(&cause, said, strnlen(said, sizeof f->text), false);
    if (cause.len > 0)
        snprintf(f->text, sizeof f->text, "HTTP %d: %s", status, str_text(&cause));
    size_t bad; /* cut at a whole character */
    if (!utf8_valid(f->text, strlen(f->text), &bad))
        f->text[bad] = '\0';
    str_fini(&cause);
    cJSON_Delete(root);
}

void failure_of_http(int status, const char *retry_after, int64_t wall_us, const char *body, size_t length,
                     struct failure *f)
{
    failure_of_status(status, retry_after, wall_us, f);
    if (f->class != FAILURE_NONE && body && length > 0)
        read_body(status, body, length, f);
}
