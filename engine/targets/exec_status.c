#include "engine/targets/exec_status.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char header[] = "Retry-After:";

/* Three digits that begin a final or interim status, and nothing but blanks (or, behind a version, a reason)
 * after them. */
static int status_at(const char *text, bool reason)
{
    for (int i = 0; i < 3; i++)
        if (!isdigit((unsigned char)text[i]))
            return 0;
    int status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0';
    const char *end = text + 3;
    if (*end && *end != ' ' && *end != '\t')
        return 0;
    if (!reason && end[strspn(end, " \t")])
        return 0;
    return status >= 100 && status < 600 ? status : 0;
}

/* Takes a whole line. False: it is none of ours. */
static bool line_take(struct exec_status *s, const char *line)
{
    int status = 0;
    if (strncasecmp(line, header, sizeof header - 1) == 0) {
        const char *value = line + sizeof header - 1;
        snprintf(s->retry_after, sizeof s->retry_after, "%s", value + strspn(value, " \t"));
        return true;
    }
    if (strncmp(line, "HTTP/", 5) == 0) {
        const char *blank = strchr(line, ' ');
        status = blank ? status_at(blank + 1, true) : 0;
    } else {
        status = status_at(line, false);
    }
    if (status == 0)
        return false;
    s->retry_after[0] = '\0'; /* of an answer before this one: a redirect, an interim one */
    if (status >= 200)
        s->status = status;
    return true;
}

/* Whether what begins so may still become one of ours. */
static bool may_become(const char *text, size_t length)
{
    size_t digits = 0;
    while (digits < length && digits < 3 && isdigit((unsigned char)text[digits]))
        digits++;
    if (digits == length || digits == 3)
        return true;
    if (strncmp(text, "HTTP/", length < 5 ? length : 5) == 0)
        return true;
    return strncasecmp(text, header, length < sizeof header - 1 ? length : sizeof header - 1) == 0;
}

static void line_pass(struct exec_status *s, struct str *rest)
{
    if (rest)
        str_add_bytes(rest, s->line, s->length);
    s->length = 0;
}

static void line_end(struct exec_status *s, bool newline, struct str *rest)
{
    size_t length = s->length;
    while (length > 0 && s->line[length - 1] == '\r')
        length--;
    char line[EXEC_STATUS_LINE + 1];
    memcpy(line, s->line, length);
    line[length] = '\0';
    bool ours = length > 0 && !memchr(line, 0, length) && line_take(s, line);
    if (!ours) {
        line_pass(s, rest);
        if (newline && rest)
            str_add_char(rest, '\n');
    }
    s->length = 0;
}

void exec_status_feed(struct exec_status *s, const char *bytes, size_t length, struct str *rest)
{
    for (size_t i = 0; i < length; i++) {
        if (s->passing) {
            if (rest)
                str_add_char(rest, bytes[i]);
            s->passing = bytes[i] != '\n';
        } else if (bytes[i] == '\n') {
            line_end(s, true, rest);
        } else {
            s->line[s->length++] = bytes[i];
            if (s->length == EXEC_STATUS_LINE || !may_become(s->line, s->length)) {
                line_pass(s, rest);
                s->passing = true;
            }
        }
    }
}

void exec_status_finish(struct exec_status *s, struct str *rest)
{
    if (s->length > 0)
        line_end(s, false, rest);
    s->passing = false;
}
