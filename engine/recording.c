#include "engine/recording.h"

#include <stdio.h>

#define REPLACEMENT "\xEF\xBF\xBD"

static void quote(struct str *out, const char *bytes, size_t length)
{
    str_add_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == '"' || byte == '\\')
            str_add_char(out, '\\');
        if (byte < 0x20 || byte == 0x7f)
            str_addf(out, "\\u%04x", byte);
        else
            str_add_char(out, (char)byte);
    }
    str_add_char(out, '"');
}

/* The length that a character has by its first byte; 1 for a byte that begins none. */
static size_t expected(unsigned char byte)
{
    return byte >= 0xF0 && byte < 0xF5   ? 4
           : byte >= 0xE0 && byte < 0xF0 ? 3
           : byte >= 0xC2 && byte < 0xE0 ? 2
                                         : 1;
}

/* True when what is there may still become a character: asked by filling it up with continuation bytes. */
static bool may_become(const char *bytes, size_t length)
{
    static const char fillers[] = {(char)0x80, (char)0x90, (char)0xBF};
    size_t whole = expected((unsigned char)bytes[0]);
    for (size_t i = 0; i < sizeof fillers && length < whole; i++) {
        char full[4];
        for (size_t k = 0; k < whole; k++)
            full[k] = k < length ? bytes[k] : fillers[i];
        if (utf8_valid(full, whole, NULL))
            return true;
    }
    return false;
}

/* Valid UTF-8 only; returns the bytes at the end that may become a character. */
static size_t clean(struct str *out, const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length) {
        size_t good = length - at;
        if (utf8_valid(bytes + at, length - at, &good))
            good = length - at;
        str_add_bytes(out, bytes + at, good);
        at += good;
        if (at == length)
            break;
        if (length - at < 4 && may_become(bytes + at, length - at))
            return length - at;
        str_add(out, REPLACEMENT);
        at++;
    }
    return 0;
}

static void event(struct recording *r, int64_t now_us, char code, const char *bytes, size_t length)
{
    int64_t since = now_us > r->start_us ? now_us - r->start_us : 0;
    size_t before = r->lines.len;
    str_addf(&r->lines, "[%lld.%06d, \"%c\", ", (long long)(since / US_PER_S), (int)(since % US_PER_S), code);
    quote(&r->lines, bytes, length);
    str_add(&r->lines, "]\n");
    r->total += r->lines.len - before;
}

/* True when that much more would be too much; says so once. */
static bool is_full(struct recording *r, size_t length, int64_t now_us)
{
    if (!r->full && r->total + 6 * length + 64 > r->limit) { /* a byte takes up to six */
        char text[96];
        int written = snprintf(text, sizeof text, "belay: the recording ends here, at its limit of %zu bytes",
                               r->limit);
        r->full = true;
        event(r, now_us, 'm', text, (size_t)written);
    }
    return r->full;
}

void recording_begin(struct recording *r, const struct recording_head *head, size_t limit, int64_t now_us)
{
    cJSON *tree = cJSON_CreateObject(), *env;
    *r = (struct recording){.start_us = now_us, .limit = limit ? limit : RECORDING_BYTES};
    json_add_int(tree, "version", 2);
    json_add_int(tree, "width", head->width);
    json_add_int(tree, "height", head->height);
    json_add_int(tree, "timestamp", head->wall_us / US_PER_S);
    if (head->title)
        cJSON_AddStringToObject(tree, "title", head->title);
    env = cJSON_AddObjectToObject(tree, "env");
    if (head->shell)
        cJSON_AddStringToObject(env, "SHELL", head->shell);
    if (head->term)
        cJSON_AddStringToObject(env, "TERM", head->term);
    char *text = json_print(tree);
    str_addf(&r->lines, "%s\n", text);
    r->total = r->lines.len;
    free(text);
    cJSON_Delete(tree);
}

void recording_output(struct recording *r, const char *bytes, size_t length, int64_t now_us)
{
    if (length == 0)
        return;
    if (is_full(r, length + r->split_length, now_us)) {
        r->dropped += (int64_t)length;
        return;
    }
    struct str all = {0}, text = {0};
    str_add_bytes(&all, r->split, r->split_length);
    str_add_bytes(&all, bytes, length);
    r->split_length = clean(&text, all.data, all.len);
    memcpy(r->split, all.data + all.len - r->split_length, r->split_length);
    if (text.len > 0)
        event(r, now_us, 'o', text.data, text.len);
    str_fini(&all);
    str_fini(&text);
}

void recording_resize(struct recording *r, int width, int height, int64_t now_us)
{
    char size[32];
    int length = snprintf(size, sizeof size, "%dx%d", width, height);
    if (!is_full(r, (size_t)length, now_us))
        event(r, now_us, 'r', size, (size_t)length);
}

void recording_end(struct recording *r, int64_t now_us)
{
    if (r->split_length > 0 && !r->full)
        event(r, now_us, 'o', REPLACEMENT, strlen(REPLACEMENT));
    r->split_length = 0;
}

void recording_fini(struct recording *r)
{
    str_fini(&r->lines);
}
