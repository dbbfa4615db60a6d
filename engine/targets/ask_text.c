/* What a tier is asked, and what of its answer is the answer: text in, text out. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/ask.h"

/* ---- The question ---- */

static void add_escaped(struct str *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x80 && (isalnum(c) || (c && strchr("-._~", c))))
            str_add_char(out, (char)c);
        else
            str_addf(out, "%%%02X", c);
    }
}

void ask_expand(const char *template, const struct ask_question *q, bool url, struct str *out)
{
    const char *id = q->id ? q->id : "";
    const struct {
        const char *name, *bytes;
        size_t length;
        bool json;
    } words[] = {
        {"{input}", q->input, q->length, false},
        {"{input_json}", q->input, q->length, true},
        {"{id}", id, strlen(id), false},
        {"{id_json}", id, strlen(id), true},
    };
    while (*template) {
        size_t plain = strcspn(template, "{"), i = 0;
        str_add_bytes(out, template, plain);
        template += plain;
        while (i < sizeof words / sizeof *words && !str_starts(template, words[i].name))
            i++;
        if (i == sizeof words / sizeof *words) {
            if (*template)
                str_add_char(out, *template ++);
            continue;
        }
        template += strlen(words[i].name);
        if (words[i].json) {
            char *text = xstrndup(words[i].bytes ? words[i].bytes : "", words[i].length);
            json_quote(out, text);
            free(text);
        } else if (url) {
            add_escaped(out, words[i].bytes, words[i].length);
        } else {
            str_add_bytes(out, words[i].bytes, words[i].length);
        }
    }
}

/* The messages that the input brings by itself: a list of {role, content}, or an object that has one. */
static const cJSON *own_messages(const cJSON *input)
{
    const cJSON *list = cJSON_IsObject(input) ? cJSON_GetObjectItemCaseSensitive(input, "messages") : input;
    const cJSON *message;
    if (!cJSON_IsArray(list) || !list->child)
        return NULL;
    cJSON_ArrayForEach(message, list)
    {
        if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(message, "role")) ||
            !cJSON_GetObjectItemCaseSensitive(message, "content"))
            return NULL;
    }
    return list;
}

static void add_messages(const struct config_tier *tier, const char *text, size_t length, struct str *out)
{
    cJSON *input = *text == '[' || *text == '{' ? json_parse(text, length, NULL) : NULL;
    const cJSON *list = own_messages(input), *message;
    bool own_system = list && str_eq(json_string(list->child, "role", ""), "system");
    const char *comma = "";
    str_add(out, ",\"messages\":[");
    if (tier->system && !own_system) {
        str_add(out, "{\"role\":\"system\",\"content\":");
        json_quote(out, tier->system);
        str_add_char(out, '}');
        comma = ",";
    }
    cJSON_ArrayForEach(message, list)
    {
        char *printed = json_print(message);
        str_addf(out, "%s%s", comma, printed);
        free(printed);
        comma = ",";
    }
    if (!list) {
        str_addf(out, "%s{\"role\":\"user\",\"content\":", comma);
        json_quote(out, text);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
    cJSON_Delete(input);
}

static int chat_body(const struct config_tier *tier, const struct ask_question *q, struct str *out)
{
    char *text = xstrndup(q->input ? q->input : "", q->length);
    str_add(out, "{\"model\":");
    json_quote(out, tier->model);
    add_messages(tier, text, q->length, out);
    if (tier->max_tokens)
        str_addf(out, ",\"max_tokens\":%lld", (long long)tier->max_tokens);
    if (tier->temperature_milli >= 0)
        str_addf(out, ",\"temperature\":%g", (double)tier->temperature_milli / 1000);
    str_add(out, ",\"stream\":false}");
    free(text);
    return 0;
}

int ask_body(const struct config_tier *tier, const struct ask_question *q, struct str *out, struct err *e)
{
    bool json = tier->asking == CONFIG_ASK_CHAT || (tier->body && strstr(tier->body, "{input_json}"));
    size_t bad;
    if (json && q->length > 0 &&
        (!utf8_valid(q->input, q->length, &bad) || memchr(q->input, '\0', q->length)))
        return err_set(e, ERR_SYNTAX, "the input is not UTF-8 text and can't be put into JSON");
    if (tier->asking == CONFIG_ASK_CHAT)
        return chat_body(tier, q, out);
    if (tier->body)
        ask_expand(tier->body, q, false, out);
    else
        str_add_bytes(out, q->input, q->length);
    return 0;
}

/* ---- The answer ---- */

__attribute__((format(printf, 2, 3))) static void fails(struct failure *f, const char *format, ...)
{
    struct str text = {0}, clean = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    utf8_clean(&clean, str_text(&text), text.len, false);
    failure_of_error(ERR_SYNTAX, true, str_text(&clean), f);
    str_fini(&text);
    str_fini(&clean);
}

/* Gateways answer 200 with {"error": {"code": 429, ...}}, too. One without a number is judged by its words,
 * as that of a 400 would be, and is the other side's where those say nothing. */
static bool is_error(const cJSON *root, const char *body, size_t length, struct failure *f)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(root, "error");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(error, "code");
    double status = 0;
    if (!cJSON_IsObject(error) && !cJSON_IsString(error))
        return false;
    bool known = json_number(code, &status) && status >= 400 && status <= 599;
    failure_of_http(known ? (int)status : 400, NULL, 0, body, length, f);
    enum failure_class class = !known && f->class == FAILURE_INVALID ? FAILURE_SERVER : f->class;
    char cause[sizeof f->text]; /* ": slow down" */
    snprintf(cause, sizeof cause, "%s", f->text + strlen("HTTP 400"));
    if (known)
        fails(f, "the answer is error %d%s", (int)status, cause);
    else
        fails(f, "the answer is an error%s", cause);
    f->class = class;
    return true;
}

/* A text, or parts of which some are text: [{"type": "text", "text": ...}]. */
static bool add_content(const cJSON *content, struct str *out)
{
    const cJSON *part;
    if (!cJSON_IsArray(content))
        return json_text(content, out);
    cJSON_ArrayForEach(part, content) str_add(out, json_string(part, "text", ""));
    return out->len > 0;
}

static void take_chat(const cJSON *root, const char *body, size_t length, struct str *out, struct failure *f)
{
    const cJSON *choice = json_at(root, "/choices/0");
    if (!choice && is_error(root, body, length, f))
        return;
    if (!add_content(json_at(choice, "/message/content"), out) || out->len == 0) {
        const char *why = json_string(choice, "finish_reason", NULL);
        const char *refusal = json_string(json_at(choice, "/message"), "refusal", NULL);
        fails(f, "the answer has no message%s%.100s", refusal || why ? ": " : "",
              refusal ? refusal
              : why   ? why
                      : "");
    }
}

#define TOKENS_MOST 1e9 /* of one answer: more is a mistake, or a lie */

static double tokens_of(const cJSON *usage, const char *name)
{
    double count = 0;
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(usage, name);
    return json_number(said, &count) && count >= 0 && count <= TOKENS_MOST ? count : (double)NAN;
}

/* NaN: no prices, or it doesn't say how many tokens it took. */
static double cost_of(const struct config_tier *tier, const cJSON *usage)
{
    const struct {
        const char *name;
        int64_t price_micro;
    } parts[] = {{"prompt_tokens", tier->price_in_micro}, {"completion_tokens", tier->price_out_micro}};
    double cost = tier->price_in_micro < 0 && tier->price_out_micro < 0 ? (double)NAN : 0;
    for (size_t i = 0; i < 2; i++)
        if (parts[i].price_micro >= 0)
            cost += tokens_of(usage, parts[i].name) * (double)parts[i].price_micro / 1e12;
    return cost;
}

void ask_take(const struct config_tier *tier, const char *body, size_t length, struct str *out, double *cost,
              struct failure *f)
{
    struct err e = {0};
    bool chat = tier->asking == CONFIG_ASK_CHAT;
    *cost = NAN;
    failure_of_error(ERR_NONE, true, "answered", f);
    if (!chat && !tier->take) {
        str_add_bytes(out, body, length);
        return;
    }
    cJSON *root = json_parse(body ? body : "", length, &e);
    if (!root) {
        fails(f, "the answer is not JSON: %s", e.msg);
    } else if (chat) {
        take_chat(root, body, length, out, f);
        *cost = cost_of(tier, cJSON_GetObjectItemCaseSensitive(root, "usage"));
    } else {
        const cJSON *item = json_at(root, tier->take);
        char *printed = NULL;
        if (!item)
            fails(f, "the answer has no %.100s", tier->take);
        else if (!json_text(item, out))
            str_add(out, printed = json_print(item));
        free(printed);
    }
    cJSON_Delete(root);
    if (f->class == FAILURE_NONE && (out->len == 0 || out->data[out->len - 1] != '\n'))
        str_add_char(out, '\n');
}
