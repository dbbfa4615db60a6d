#include "engine/runbook/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>

#define LENGTH_LIMIT 1024
#define DEPTH_LIMIT  32
#define SIZE_LIMIT                                                                                           \
    600 /* nodes that repetition may expand to: regcomp copies them, in memory of their square */

struct pattern {
    regex_t compiled;
};

/* Reads "{n}", "{n,}" or "{n,m}" at text; gives the bytes read, 0 when it is none. */
static size_t repetition(const char *text, size_t *times)
{
    char *end;
    if (!isdigit((unsigned char)text[1]))
        return 0;
    unsigned long most = strtoul(text + 1, &end, 10);
    if (*end == ',' && isdigit((unsigned char)end[1]))
        most = strtoul(end + 1, &end, 10);
    else if (*end == ',' && end++)
        most++;
    if (*end != '}')
        return 0;
    *times = most > SIZE_LIMIT ? SIZE_LIMIT : most ? most : 1;
    return (size_t)(end - text) + 1;
}

static size_t skip_bracket(const char *text)
{
    size_t i = 1;
    if (text[i] == '^')
        i++;
    if (text[i] == ']')
        i++;
    while (text[i] && text[i] != ']') {
        if (text[i] == '[' && (text[i + 1] == ':' || text[i + 1] == '.' || text[i + 1] == '=')) {
            char kind = text[i + 1];
            for (i += 2; text[i] && !(text[i] == kind && text[i + 1] == ']'); i++)
                ;
            if (text[i])
                i++;
        }
        if (text[i])
            i++;
    }
    return text[i] ? i + 1 : i;
}

/* How many nodes the pattern expands to, and whether it holds what would be misread. */
static int pattern_measure(const char *text, size_t *size, struct err *e)
{
    size_t sums[DEPTH_LIMIT + 1] = {0}, last = 0, depth = 0, times;
    for (size_t i = 0; text[i];) {
        size_t used = 1;
        if (text[i] == '\\') {
            if (isdigit((unsigned char)text[i + 1]))
                return err_set(e, ERR_SYNTAX, "back references (\\%c) are not supported", text[i + 1]);
            if (text[i + 1] == 'd' || text[i + 1] == 'D')
                return err_set(e, ERR_SYNTAX, "\\%c is not known: write [%s0-9]", text[i + 1],
                               text[i + 1] == 'D' ? "^" : "");
            used = text[i + 1] ? 2 : 1;
            sums[depth] += last = 1;
        } else if (text[i] == '(') {
            if (++depth > DEPTH_LIMIT)
                return err_set(e, ERR_RANGE, "more than %d nested groups", DEPTH_LIMIT);
            sums[depth] = 0;
        } else if (text[i] == ')' && depth > 0) {
            last = sums[depth--] + 1;
            sums[depth] += last;
        } else if (text[i] == '{' && (used = repetition(text + i, &times)) > 0) {
            sums[depth] += last * (times - 1);
            last *= times;
        } else if (text[i] == '+') { /* a+ is compiled as aa*, and so doubles with each further one */
            used = 1;
            sums[depth] += last;
            last *= 2;
        } else {
            used = text[i] == '[' ? skip_bracket(text + i) : 1;
            sums[depth] += last = 1;
        }
        if (sums[depth] > SIZE_LIMIT || last > SIZE_LIMIT)
            return err_set(e, ERR_RANGE, "its repetitions multiply to more than %d", SIZE_LIMIT);
        i += used;
    }
    *size = sums[0] + 1;
    return 0;
}

size_t pattern_size(const char *text)
{
    size_t size = 0;
    return strlen(text) <= LENGTH_LIMIT && pattern_measure(text, &size, NULL) == 0 ? size : 0;
}

struct pattern *pattern_new(const char *text, struct err *e)
{
    if (strlen(text) > LENGTH_LIMIT) {
        err_set(e, ERR_RANGE, "a pattern of more than %d bytes", LENGTH_LIMIT);
        return NULL;
    }
    size_t size;
    if (pattern_measure(text, &size, e))
        return NULL;
    struct pattern *p = xcalloc(1, sizeof *p);
    int code = regcomp(&p->compiled, text, REG_EXTENDED);
    if (code == 0)
        return p;
    char message[128];
    regerror(code, &p->compiled, message, sizeof message);
    err_set(e, ERR_SYNTAX, "%s", message);
    free(p);
    return NULL;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    regfree(&p->compiled);
    free(p);
}

bool pattern_found(const struct pattern *p, const char *bytes, size_t length)
{
    regmatch_t span = {.rm_so = 0, .rm_eo = (regoff_t)length};
    return regexec(&p->compiled, bytes, 1, &span, REG_STARTEND) == 0;
}

bool pattern_covers(const struct pattern *p, const char *text)
{
    /* The leftmost match is the longest that starts there (POSIX): it covers the text, or nothing does. */
    regmatch_t span;
    return regexec(&p->compiled, text, 1, &span, 0) == 0 && span.rm_so == 0 &&
           (size_t)span.rm_eo == strlen(text);
}

char *pattern_extract(const struct pattern *p, const char *text)
{
    regmatch_t spans[2];
    if (regexec(&p->compiled, text, 2, spans, 0) != 0)
        return NULL;
    const regmatch_t *span = p->compiled.re_nsub > 0 && spans[1].rm_so >= 0 ? &spans[1] : &spans[0];
    return xstrndup(text + span->rm_so, (size_t)(span->rm_eo - span->rm_so));
}

bool value_is_safe(const char *text)
{
    size_t length = strlen(text);
    return length >= 1 && length <= 253 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@-") == length;
}

void pattern_quote(struct str *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\^$.[]|()?*+{}", *text))
            str_add_char(out, '\\');
        str_add_char(out, *text);
    }
}
