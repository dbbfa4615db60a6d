#include "engine/base/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_LIMIT 1024
#define DEPTH_LIMIT  32
#define SIZE_LIMIT                                                                                           \
    600 /* nodes that repetition may expand to: regcomp copies them, in memory of their square */

struct pattern {
    regex_t compiled;
};

/* Reads "{n}", "{n,}", "{n,m}" or "{,m}" at text; gives the bytes read, 0 when it is none. */
static size_t repetition(const char *text, size_t *times)
{
    char *end;
    if (!isdigit((unsigned char)text[1]) && text[1] != ',')
        return 0;
    unsigned long most = strtoul(text + 1, &end, 10);
    if (end == text + 1 || *end == ',') {
        end = strchr(text, ',') + 1;
        most = isdigit((unsigned char)*end) ? strtoul(end, &end, 10) : most + 1;
    }
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

/* The pattern while it is measured: nodes by depth of groups, those of the last atom, and whether a
 * repetition has just been read. */
struct measure {
    size_t sums[DEPTH_LIMIT + 1];
    size_t depth, last;
    bool repeated;
};

static int measure_escape(struct measure *m, char escaped, struct err *e)
{
    if (isdigit((unsigned char)escaped))
        return err_set(e, ERR_SYNTAX, "back references (\\%c) are not supported", escaped);
    if (escaped == 'd' || escaped == 'D')
        return err_set(e, ERR_SYNTAX, "\\%c is not known: write [%s0-9]", escaped, escaped == 'D' ? "^" : "");
    m->sums[m->depth] += m->last = 1;
    return 0;
}

/* a{3} becomes aaa; a+ is compiled as aa*, and so doubles. Of two in a row POSIX says nothing, and glibc
 * takes seconds for ten of them. */
static int measure_repetition(struct measure *m, size_t times, struct err *e)
{
    if (m->repeated)
        return err_set(e, ERR_SYNTAX, "a repetition of a repetition: put the first into a group");
    m->sums[m->depth] += m->last * (times - 1);
    m->last *= times;
    m->repeated = true;
    return 0;
}

static int measure_group(struct measure *m, struct err *e)
{
    if (++m->depth > DEPTH_LIMIT)
        return err_set(e, ERR_RANGE, "more than %d nested groups", DEPTH_LIMIT);
    m->sums[m->depth] = 0;
    return 0;
}

/* One element of the pattern; used: its bytes. */
static int measure_element(struct measure *m, const char *text, size_t *used, struct err *e)
{
    size_t times = text[0] == '+' ? 2 : 1, braces = text[0] == '{' ? repetition(text, &times) : 0;
    *used = braces ? braces : 1;
    if (braces || strchr("*+?", text[0]))
        return measure_repetition(m, times, e);
    m->repeated = false;
    if (text[0] == '(')
        return measure_group(m, e);
    if (text[0] == '\\') {
        *used = text[1] ? 2 : 1;
        return measure_escape(m, text[1], e);
    }
    if (text[0] == ')' && m->depth > 0) {
        m->last = m->sums[m->depth--] + 1;
    } else {
        *used = text[0] == '[' ? skip_bracket(text) : 1;
        m->last = 1;
    }
    m->sums[m->depth] += m->last;
    return 0;
}

/* How many nodes the pattern expands to, and whether it holds what would be misread. */
static int pattern_measure(const char *text, size_t *size, struct err *e)
{
    struct measure m = {.last = 1};
    for (size_t i = 0, used; text[i]; i += used) {
        int code = measure_element(&m, text + i, &used, e);
        if (code < 0)
            return code;
        if (m.sums[m.depth] > SIZE_LIMIT || m.last > SIZE_LIMIT)
            return err_set(e, ERR_RANGE, "its repetitions multiply to more than %d", SIZE_LIMIT);
    }
    *size = m.sums[0] + 1;
    return 0;
}

size_t pattern_size(const char *text)
{
    size_t size = 0;
    return strlen(text) <= LENGTH_LIMIT && pattern_measure(text, &size, NULL) == 0 ? size : 0;
}

static struct pattern *compile(const char *text, int flags, struct err *e)
{
    size_t size;
    if (strlen(text) > LENGTH_LIMIT) {
        err_set(e, ERR_RANGE, "a pattern of more than %d bytes", LENGTH_LIMIT);
        return NULL;
    }
    if (pattern_measure(text, &size, e) < 0)
        return NULL;
    struct pattern *p = xcalloc(1, sizeof *p);
    int code = regcomp(&p->compiled, text, REG_EXTENDED | flags);
    if (code == 0)
        return p;
    char message[128];
    regerror(code, &p->compiled, message, sizeof message);
    err_set(e, ERR_SYNTAX, "%s", message);
    free(p);
    return NULL;
}

struct pattern *pattern_new(const char *text, struct err *e)
{
    return compile(text, 0, e);
}

struct pattern *pattern_new_caseless(const char *text, struct err *e)
{
    return compile(text, REG_ICASE, e);
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
