/* Texts that many entities share (states, groups, names of measures) are kept once, counted. */
#ifndef BELAY_PLATFORM_INTERN_H
#define BELAY_PLATFORM_INTERN_H

#include <stddef.h>

#define PLATFORM_INTERN_BUFFER 1025 /* longest limit that intern_get is given, and a NUL */

struct map;

struct interns {
    struct map *map;
};

void interns_init(struct interns *s);
void interns_fini(struct interns *s);
/* The shared copy of at most limit bytes of text (cut at a character's edge); NULL is "". */
const char *intern_get(struct interns *s, const char *text, size_t limit);
void intern_put(struct interns *s, const char *text);
/* Puts text in place of *slot, unless it is that already. True when it changed. */
int intern_set(struct interns *s, const char **slot, const char *text, size_t limit);

/* How many bytes of text fit into limit without cutting a UTF-8 character. */
size_t text_cut(const char *text, size_t length, size_t limit);

#endif
