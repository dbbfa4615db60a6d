/* Errors from outside the program. A function that can fail returns 0 or a negative code and fills a
 * caller-owned struct err whose message says what went wrong, where, and how to mend it. */
#ifndef BELAY_BASE_ERR_H
#define BELAY_BASE_ERR_H

#include <stdarg.h>

#define ERR_CODES(X)                                                                                         \
    X(IO, -1, "input or output failed")                                                                      \
    X(SYNTAX, -2, "not well-formed")                                                                         \
    X(RANGE, -3, "outside the permitted range")                                                              \
    X(NOT_FOUND, -4, "not found")                                                                            \
    X(EXISTS, -5, "exists already")                                                                          \
    X(BUSY, -6, "held by somebody else")                                                                     \
    X(DENIED, -7, "not permitted")                                                                           \
    X(FULL, -8, "no room left")                                                                              \
    X(CORRUPT, -9, "damaged")                                                                                \
    X(FOREIGN, -10, "not belay's own")                                                                       \
    X(TIMED_OUT, -11, "took too long")                                                                       \
    X(UNSUPPORTED, -12, "not supported")                                                                     \
    X(CANCELLED, -13, "cancelled")                                                                           \
    X(USAGE, -14, "wrong usage")                                                                             \
    X(CLAIMED, -15, "claimed by somebody else")

enum err_code {
    ERR_NONE = 0,
#define X(name, code, text) ERR_##name = (code),
    ERR_CODES(X)
#undef X
};

struct err {
    int code;
    char msg[256];
};

/* Fills e (which may be NULL) and returns code, so that a function can `return err_set(...)`. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the text of errno appended; picks FULL, DENIED, NOT_FOUND, EXISTS or IO by errno. */
int err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts text in front of the message that e has. Returns e's code. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "not found" for ERR_NOT_FOUND and so on; never NULL. */
const char *err_code_text(int code);

#endif
