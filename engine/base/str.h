/* Memory that is never NULL, and a growing string. Out of memory ends the program: there is nothing sensible
 * to do with half a console. */
#ifndef BELAY_BASE_STR_H
#define BELAY_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *memory, size_t size);
char *xstrdup(const char *text);                  /* NULL stays NULL */
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A byte string that grows; data is always terminated by a NUL that len does not count. {0} is empty: then
 * data may be NULL, and str_text() gives "". */
struct str {
    char *data;
    size_t len;
    size_t cap;
};

void str_fini(struct str *s);
void str_clear(struct str *s);                     /* keeps the memory */
void str_reserve(struct str *s, size_t extra);
void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t length);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_addv(struct str *s, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void str_remove_front(struct str *s, size_t length);
char *str_take(struct str *s);                     /* the heap string, s is empty after; never NULL */
const char *str_text(const struct str *s);

bool str_eq(const char *a, const char *b);         /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* A NULL-terminated vector of heap strings, as argv is. strv_copy(NULL) and strv_free(NULL) are fine. */
char **strv_copy(char *const *strings);
void strv_free(char **strings);
size_t strv_count(char *const *strings);
/* Appends a copy of text; *strings may be NULL. */
void strv_add(char ***strings, const char *text);

#endif
