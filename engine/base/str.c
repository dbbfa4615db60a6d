#include "engine/base/str.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/vec.h"

static _Noreturn void out_of_memory(void)
{
    static const char text[] = "belay: out of memory\n";
    fwrite(text, 1, sizeof text - 1, stderr);
    abort();
}

void *xmalloc(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

void *xrealloc(void *memory, size_t size)
{
    memory = realloc(memory, size ? size : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

char *xstrdup(const char *text)
{
    return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xstrndup(const char *text, size_t length)
{
    length = strnlen(text, length);
    char *copy = xmalloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *xasprintf(const char *format, ...)
{
    struct str s = {0};
    va_list args;
    va_start(args, format);
    str_addv(&s, format, args);
    va_end(args);
    return str_take(&s);
}

void str_fini(struct str *s)
{
    free(s->data);
    *s = (struct str){0};
}

void str_clear(struct str *s)
{
    s->len = 0;
    if (s->data)
        s->data[0] = '\0';
}

void str_reserve(struct str *s, size_t extra)
{
    if (extra >= SIZE_MAX / 2 - s->len)
        out_of_memory();
    size_t wanted = s->len + extra + 1;
    if (wanted <= s->cap)
        return;
    size_t cap = s->cap ? s->cap : 32;
    while (cap < wanted)
        cap += cap / 2;
    s->data = xrealloc(s->data, cap);
    s->data[s->len] = '\0';
    s->cap = cap;
}

void str_add(struct str *s, const char *text)
{
    str_add_bytes(s, text, strlen(text));
}

void str_add_bytes(struct str *s, const void *bytes, size_t length)
{
    str_reserve(s, length);
    if (length)
        memcpy(s->data + s->len, bytes, length);
    s->len += length;
    s->data[s->len] = '\0';
}

void str_add_char(struct str *s, char c)
{
    str_add_bytes(s, &c, 1);
}

void str_addf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_addv(s, format, args);
    va_end(args);
}

void str_addv(struct str *s, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        out_of_memory(); /* longer than INT_MAX: nothing that we format can be */
    str_reserve(s, (size_t)length);
    vsnprintf(s->data + s->len, (size_t)length + 1, format, args);
    s->len += (size_t)length;
}

void str_remove_front(struct str *s, size_t length)
{
    if (length >= s->len) {
        str_clear(s);
        return;
    }
    if (length == 0)
        return;
    s->len -= length;
    memmove(s->data, s->data + length, s->len + 1);
}

char *str_take(struct str *s)
{
    str_reserve(s, 0);
    char *data = s->data;
    *s = (struct str){0};
    return data;
}

const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

char **strv_copy(char *const *strings)
{
    if (!strings)
        return NULL;
    size_t count = strv_count(strings);
    char **copy = xcalloc(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = xstrdup(strings[i]);
    return copy;
}

void strv_free(char **strings)
{
    if (!strings)
        return;
    for (size_t i = 0; strings[i]; i++)
        free(strings[i]);
    free(strings);
}

size_t strv_count(char *const *strings)
{
    size_t count = 0;
    while (strings && strings[count])
        count++;
    return count;
}

void strv_add(char ***strings, const char *text)
{
    size_t count = strv_count(*strings);
    *strings = xrealloc(*strings, (count + 2) * sizeof **strings);
    (*strings)[count] = xstrdup(text);
    (*strings)[count + 1] = NULL;
}

void *vec_grow(void *data, size_t *cap, size_t wanted, size_t element_size)
{
    assert(element_size > 0);
    if (wanted <= *cap)
        return data;
    size_t grown = *cap ? *cap + *cap / 2 + 1 : 8;
    if (grown < wanted)
        grown = wanted;
    if (grown > SIZE_MAX / element_size)
        out_of_memory();
    *cap = grown;
    return xrealloc(data, grown * element_size);
}
