#include "engine/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"

/* vsnprintf may cut a character in half; what follows the last whole one goes. */
static void trim_partial(char *text)
{
    size_t length = strlen(text);
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0)
        start--;
    if (start < length && !utf8_valid(text + start, length - start, NULL))
        text[start] = '\0';
}

int err_set(struct err *e, int code, const char *format, ...)
{
    if (!e)
        return code;
    char text[sizeof e->msg]; /* the arguments may point into e->msg */
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length >= (int)sizeof text)
        trim_partial(text);
    memcpy(e->msg, text, sizeof text);
    e->code = code;
    return code;
}

static int code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case ETIMEDOUT:
        return ERR_TIMED_OUT;
    default:
        return ERR_IO;
    }
}

int err_errno(struct err *e, const char *format, ...)
{
    int number = errno;
    int code = code_of_errno(number);
    if (!e)
        return code;
    char text[sizeof e->msg], reason[96];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length >= (int)sizeof text)
        trim_partial(text);
    return err_set(e, code, "%s: %s", text, strerror_r(number, reason, sizeof reason));
}

int err_prefix(struct err *e, const char *format, ...)
{
    if (!e)
        return ERR_IO;
    char text[sizeof e->msg];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length >= (int)sizeof text)
        trim_partial(text);
    return err_set(e, e->code, "%s%s", text, e->msg);
}

const char *err_code_text(int code)
{
    switch (code) {
    case ERR_NONE:
        return "no error";
#define X(name, number, text)                                                                                \
    case ERR_##name:                                                                                         \
        return text;
        ERR_CODES(X)
#undef X
    default:
        return "unknown error";
    }
}
