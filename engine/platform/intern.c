#include "engine/platform/intern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

struct interned {
    size_t users;
    char text[];
};

void interns_init(struct interns *s)
{
    s->map = map_new();
}

void interns_fini(struct interns *s)
{
    const char *key;
    void *value;
    for (size_t i = 0; map_next(s->map, &i, &key, &value);)
        free(value);
    map_free(s->map);
    s->map = NULL;
}

size_t text_cut(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    size_t cut = limit;
    while (cut > 0 && cut > limit - 4 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    return cut;
}

const char *intern_get(struct interns *s, const char *text, size_t limit)
{
    if (!text || !*text)
        return "";
    size_t length = text_cut(text, strnlen(text, limit + 1), limit);
    char short_text[PLATFORM_INTERN_BUFFER];
    memcpy(short_text, text, length);
    short_text[length] = '\0';
    struct interned *found = map_get(s->map, short_text);
    if (!found) {
        found = xmalloc(sizeof *found + length + 1);
        found->users = 0;
        memcpy(found->text, short_text, length + 1);
        map_set(s->map, short_text, found);
    }
    found->users++;
    return found->text;
}

void intern_put(struct interns *s, const char *text)
{
    if (!text || !*text)
        return;
    struct interned *found =
        (struct interned *)(void *)((char *)(uintptr_t)text - offsetof(struct interned, text));
    if (--found->users == 0) {
        map_remove(s->map, text);
        free(found);
    }
}

int intern_set(struct interns *s, const char **slot, const char *text, size_t limit)
{
    if (!text)
        text = "";
    if (*slot && strcmp(*slot, text) == 0)
        return 0;
    const char *fresh = intern_get(s, text, limit);
    const char *old = *slot;
    *slot = fresh;
    intern_put(s, old);
    return fresh != old;
}
