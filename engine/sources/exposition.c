#include "engine/sources/exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/base.h"

#define NUMBER_LIMIT 64 /* characters of a value or a time */

enum class {
    NAME = 1,       /* in a metric's name */
    NAME_FIRST = 2, /* first in it */
    LABEL = 4,      /* in a label's name */
    BLANK = 8,
    SPECIAL = 16, /* in a quoted text: ends it, or needs a look */
    DIGIT = 32,
    END = 64, /* after a number */
};

#define LETTER        (NAME | NAME_FIRST | LABEL)
#define FIGURE        (NAME | LABEL | DIGIT)
#define CASES(letter) [letter] = LETTER, [letter + 32] = LETTER

/* clang-format off */
static const unsigned char classes[256] = {
    CASES('A'), CASES('B'), CASES('C'), CASES('D'), CASES('E'), CASES('F'), CASES('G'), CASES('H'), CASES('I'),
    CASES('J'), CASES('K'), CASES('L'), CASES('M'), CASES('N'), CASES('O'), CASES('P'), CASES('Q'), CASES('R'),
    CASES('S'), CASES('T'), CASES('U'), CASES('V'), CASES('W'), CASES('X'), CASES('Y'), CASES('Z'),
    ['0'] = FIGURE, ['1'] = FIGURE, ['2'] = FIGURE, ['3'] = FIGURE, ['4'] = FIGURE, ['5'] = FIGURE,
    ['6'] = FIGURE, ['7'] = FIGURE, ['8'] = FIGURE, ['9'] = FIGURE, ['_'] = LETTER, [':'] = NAME | NAME_FIRST,
    [' '] = BLANK | END, ['\t'] = BLANK | END, ['\r'] = END, ['\n'] = SPECIAL | END, ['\0'] = SPECIAL | END,
    ['"'] = SPECIAL, ['\\'] = SPECIAL,
};
/* clang-format on */

static inline bool is(char c, enum class wanted)
{
    return classes[(unsigned char)c] & wanted;
}

struct reader {
    const char *text, *p, *end; /* *end is NUL */
    enum exposition_format format;
    struct exposition_label labels[EXPOSITION_LABEL_LIMIT];
    struct exposition_sample sample;
    struct str scratch; /* of texts with escapes, of this sample */
    struct err *e;
};

/* Says what was expected where p stands. Looking for the line costs nothing until something is wrong. */
static int wrong(struct reader *r, const char *expected)
{
    size_t line = 1;
    const char *start = r->text;
    for (const char *newline; (newline = memchr(start, '\n', (size_t)(r->p - start))); start = newline + 1)
        line++;
    size_t column = (size_t)(r->p - start) + 1;
    if (r->p == r->end)
        return err_set(r->e, ERR_SYNTAX, "line %zu, column %zu: %s expected, the text ends", line, column,
                       expected);
    struct str found = {0};
    uint32_t code_point;
    utf8_clean(&found, r->p, utf8_decode(r->p, (size_t)(r->end - r->p), &code_point), true);
    const char *shown = *r->p == '\n' ? "end of line" : str_text(&found);
    err_set(r->e, ERR_SYNTAX, "line %zu, column %zu: %s expected, not '%s'", line, column, expected, shown);
    str_fini(&found);
    return ERR_SYNTAX;
}

static inline void skip_blanks(struct reader *r)
{
    while (is(*r->p, BLANK))
        r->p++;
}

/* Where the line ends: its newline, or the end of the text. */
static const char *line_end(const struct reader *r)
{
    const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));
    return newline ? newline : r->end;
}

/* The rest of a quoted text from its first backslash on. */
static int read_escaped(struct reader *r, const char *start, struct exposition_text *out)
{
    /* Room for the whole line at once: what points into the scratch must not move within a sample. */
    if (r->scratch.len == 0)
        str_reserve(&r->scratch, (size_t)(line_end(r) - start) + 1);
    size_t begin = r->scratch.len;
    str_add_bytes(&r->scratch, start, (size_t)(r->p - start));
    while (*r->p != '"') {
        if (*r->p == '\n' || *r->p == '\0')
            return wrong(r, "'\"'");
        char c = *r->p++;
        if (c == '\\' && (*r->p == '\\' || *r->p == '"' || *r->p == 'n')) {
            c = *r->p == 'n' ? '\n' : *r->p;
            r->p++;
        }
        str_add_char(&r->scratch, c); /* an unknown escape stands for itself, as Prometheus reads it */
    }
    *out = (struct exposition_text){r->scratch.data + begin, r->scratch.len - begin};
    r->p++;
    return 0;
}

/* p stands on the opening quote. */
static inline int read_quoted(struct reader *r, struct exposition_text *out)
{
    const char *start = ++r->p, *p = start;
    while (!is(*p, SPECIAL))
        p++;
    r->p = p;
    if (*p == '"') {
        *out = (struct exposition_text){start, (size_t)(p - start)};
        r->p++;
        return 0;
    }
    return *p == '\\' ? read_escaped(r, start, out) : wrong(r, "'\"'");
}

static inline int read_label_name(struct reader *r, struct exposition_text *name)
{
    const char *start = r->p;
    if (!is(*start, LABEL) || is(*start, DIGIT))
        return wrong(r, "a label's name or '}'");
    while (is(*r->p, LABEL))
        r->p++;
    *name = (struct exposition_text){start, (size_t)(r->p - start)};
    return 0;
}

/* One label, or the metric's own name in quotes. */
static inline int read_label(struct reader *r, struct exposition_sample *s)
{
    struct exposition_text name;
    bool quoted = *r->p == '"';
    int status = quoted ? read_quoted(r, &name) : read_label_name(r, &name);
    if (status)
        return status;
    skip_blanks(r);
    if (quoted && *r->p != '=') {
        if (s->name.length || !name.length)
            return wrong(r, "'='");
        s->name = name;
        return 0;
    }
    if (*r->p != '=')
        return wrong(r, "'='");
    r->p++;
    skip_blanks(r);
    if (*r->p != '"')
        return wrong(r, "'\"'");
    if (s->label_count == EXPOSITION_LABEL_LIMIT)
        return wrong(r, "at most 64 labels");
    struct exposition_label *label = &r->labels[s->label_count++];
    label->name = name;
    return read_quoted(r, &label->value);
}

/* p stands behind the opening brace. */
static inline int read_labels(struct reader *r, struct exposition_sample *s)
{
    for (;;) {
        skip_blanks(r);
        if (*r->p == '}') {
            r->p++;
            return 0;
        }
        if (read_label(r, s))
            return ERR_SYNTAX;
        skip_blanks(r);
        if (*r->p == ',')
            r->p++;
        else if (*r->p != '}')
            return wrong(r, "',' or '}'");
    }
}

/* Anything but plain decimals with at most 19 digits. */
static int read_odd_number(struct reader *r, double *value)
{
    char token[NUMBER_LIMIT];
    size_t length = 0;
    while (!is(r->p[length], END) && length < sizeof token - 1) {
        token[length] = r->p[length];
        length++;
    }
    token[length] = '\0';
    if (!length || !is(r->p[length], END) || !number_parse(token, value))
        return wrong(r, "a number");
    r->p += length;
    return 0;
}

static inline int read_number(struct reader *r, double *value)
{
    /* Exact in a double: a mantissa below 2^53 times or divided by a power of ten up to 10^22 (Clinger 1990).
     */
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *p = r->p;
    bool negative = *p == '-';
    uint64_t mantissa = 0;
    int exponent = 0, digits = 0;
    p += negative;
    const char *first = p;
    for (; is(*p, DIGIT); p++)
        mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    digits = (int)(p - first);
    if (*p == '.') {
        const char *point = ++p;
        for (; is(*p, DIGIT); p++)
            mantissa = mantissa * 10 + (uint64_t)(*p - '0');
        exponent = -(int)(p - point);
        digits -= exponent;
    }
    if ((*p == 'e' || *p == 'E') && digits) {
        const char *q = p + 1;
        bool minus = *q == '-';
        q += *q == '-' || *q == '+';
        int written = 0;
        const char *begin = q;
        for (; is(*q, DIGIT) && q - begin < 4; q++)
            written = written * 10 + (*q - '0');
        if (q == begin)
            return read_odd_number(r, value);
        exponent += minus ? -written : written;
        p = q;
    }
    /* A mantissa of 20 digits may have wrapped around. */
    if (!is(*p, END) || digits == 0 || digits > 19 || mantissa > 1ULL << 53 || exponent < -22 ||
        exponent > 22)
        return read_odd_number(r, value);
    double magnitude = exponent < 0 ? (double)mantissa / tens[-exponent] : (double)mantissa * tens[exponent];
    *value = negative ? -magnitude : magnitude;
    r->p = p;
    return 0;
}

/* Milliseconds in the text format, seconds in OpenMetrics. */
static int read_time(struct reader *r, struct exposition_sample *s)
{
    double number;
    const char *start = r->p;
    if (read_number(r, &number))
        return ERR_SYNTAX;
    double ms = r->format == EXPOSITION_OPENMETRICS ? number * 1000 : number;
    if (!(fabs(ms) < 9e15)) {
        r->p = start;
        return wrong(r, "a time");
    }
    s->has_time = true;
    s->time_ms = (int64_t)ms;
    return 0;
}

/* OpenMetrics: "# {trace_id="..."} 0.5 1795319904.3" behind a sample. Read to see that it is well-formed,
 * dropped. */
static int read_exemplar(struct reader *r)
{
    struct exposition_sample exemplar = {0};
    r->p++;
    skip_blanks(r);
    if (*r->p != '{')
        return wrong(r, "'{'");
    r->p++;
    /* The labels of the sample are kept: the exemplar's go behind them and are forgotten. */
    exemplar.label_count = r->sample.label_count;
    if (read_labels(r, &exemplar))
        return ERR_SYNTAX;
    skip_blanks(r);
    double ignored;
    if (read_number(r, &ignored))
        return ERR_SYNTAX;
    skip_blanks(r);
    return is(*r->p, END) ? 0 : read_time(r, &exemplar);
}

static inline int read_sample(struct reader *r)
{
    struct exposition_sample *s = &r->sample;
    const char *start = r->p;
    *s = (struct exposition_sample){.labels = r->labels};
    r->scratch.len = 0;
    if (is(*start, NAME_FIRST)) {
        while (is(*r->p, NAME))
            r->p++;
        s->name = (struct exposition_text){start, (size_t)(r->p - start)};
        skip_blanks(r);
    } else if (*start != '{') {
        return wrong(r, "a metric's name");
    }
    if (*r->p == '{') {
        r->p++;
        if (read_labels(r, s))
            return ERR_SYNTAX;
        if (!s->name.length)
            return wrong(r, "a metric's name inside the braces");
        skip_blanks(r);
    } else if (!is(r->p[-1], BLANK)) {
        return wrong(r, "a blank or '{'");
    }
    if (read_number(r, &s->value))
        return ERR_SYNTAX;
    skip_blanks(r);
    if (!is(*r->p, END) && *r->p != '#') {
        if (read_time(r, s))
            return ERR_SYNTAX;
        skip_blanks(r);
    }
    if (*r->p == '#' && r->format == EXPOSITION_OPENMETRICS)
        return read_exemplar(r);
    return 0;
}

/* p stands behind a whole line but for its end. */
static inline int read_line_end(struct reader *r)
{
    skip_blanks(r);
    if (*r->p == '\r')
        r->p++;
    if (*r->p == '\n') {
        r->p++;
        return 0;
    }
    return r->p == r->end ? 0 : wrong(r, "the end of the line");
}

/* A comment; *eof when it is the last word of OpenMetrics. */
static int read_comment(struct reader *r, bool *eof)
{
    const char *start = r->p, *stop = line_end(r);
    size_t length = (size_t)(stop - start) - (stop > start && stop[-1] == '\r');
    *eof = r->format == EXPOSITION_OPENMETRICS && length == 5 && memcmp(start, "# EOF", 5) == 0;
    r->p = stop < r->end ? stop + 1 : stop;
    if (*eof && r->p < r->end)
        return wrong(r, "nothing after # EOF");
    return 0;
}

static int read_all(struct reader *r, int (*sample)(const struct exposition_sample *s, void *data),
                    void *data)
{
    bool eof = false;
    while (r->p < r->end) {
        skip_blanks(r);
        int status;
        if (*r->p == '#') {
            status = read_comment(r, &eof);
        } else if (*r->p == '\n' || *r->p == '\r' || r->p == r->end) {
            status = read_line_end(r);
        } else {
            status = read_sample(r);
            if (!status)
                status = read_line_end(r);
            if (!status)
                status = sample(&r->sample, data);
        }
        if (status)
            return status;
    }
    if (r->format == EXPOSITION_OPENMETRICS && !eof)
        return wrong(r, "# EOF");
    return 0;
}

int exposition_parse(const char *text, size_t length, enum exposition_format format,
                     int (*sample)(const struct exposition_sample *s, void *data), void *data, struct err *e)
{
    size_t offset;
    struct reader r = {.text = text, .p = text, .end = text + length, .format = format, .e = e};
    if (!utf8_valid(text, length, &offset)) {
        r.p = text + offset;
        return wrong(&r, "UTF-8");
    }
    int status = read_all(&r, sample, data);
    str_fini(&r.scratch);
    return status;
}

enum exposition_format exposition_format_of(const char *content_type)
{
    return content_type && strncasecmp(content_type, "application/openmetrics-text", 28) == 0
               ? EXPOSITION_OPENMETRICS
               : EXPOSITION_TEXT;
}
