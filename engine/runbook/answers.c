#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/runbook.h"

#define BECAUSE   "because "
#define UNWRITTEN "as the answers say"

/* One thing said: an outcome, or what a person answers. */
struct phrase {
    bool is_outcome;
    struct made_up outcome;
    struct said answer;
    char *text; /* what they point into */
    int column;
};

struct line {
    int step, number;
    bool then;
    size_t taken; /* of what persons say */
    bool used;
    VEC(struct phrase) phrases;
};

struct answers {
    const struct runbook *book;
    char **values, **start_values;
    VEC(struct line) lines;
    bool ends;
    enum run_outcome end;
};

void answers_free(struct answers *answers)
{
    if (!answers)
        return;
    for (size_t i = 0; i < answers->lines.len; i++) {
        struct line *line = &answers->lines.data[i];
        for (size_t k = 0; k < line->phrases.len; k++)
            free(line->phrases.data[k].text);
        vec_fini(&line->phrases);
    }
    vec_fini(&answers->lines);
    strv_free(answers->values);
    strv_free(answers->start_values);
    free(answers);
}

/* ---- reading ---- */

struct reader {
    struct answers *answers;
    const char *name; /* of the file */
    int line;
    const char *begin; /* of the line, for columns */
    struct err *e;
};

/* at: where in the line. */
static int wrong(const struct reader *r, int code, const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int wrong(const struct reader *r, int code, const char *at, const char *format, ...)
{
    struct str text = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    err_set(r->e, code, "%.80s:%d:%d: %.150s", r->name, r->line, (int)(at - r->begin) + 1, str_text(&text));
    str_fini(&text);
    return code;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Cuts the text at a separator (or its end) and the blanks before it; what follows, NULL at the end. */
static char *cut(char *text, char *separator)
{
    char *end = separator ? separator : text + strlen(text), *rest = separator ? separator + 1 : NULL;
    *end = '\0';
    while (end > text && isblank((unsigned char)end[-1]))
        *--end = '\0';
    return rest;
}

/* "rollback because the index is gone" gives "rollback" and the reason. */
static const char *cut_reason(char *text)
{
    char *at = strstr(text, " " BECAUSE);
    if (!at)
        return UNWRITTEN;
    const char *reason = skip_blanks(at + 1 + strlen(BECAUSE));
    cut(text, at);
    return reason;
}

static int read_then(const struct reader *r, const char *at, struct phrase *phrase)
{
    struct said *answer = &phrase->answer;
    answer->reason = cut_reason(phrase->text);
    if (str_eq(phrase->text, "ok") || str_eq(phrase->text, "failed")) {
        answer->kind = ANSWER_RESOLVE;
        answer->resolved = str_eq(phrase->text, "ok") ? OUTCOME_OK : OUTCOME_FAILED;
    } else if (!run_choice_parse(phrase->text, &answer->choice)) {
        return wrong(r, ERR_SYNTAX, at,
                     "\"%.40s\" is no choice: retry, rollback, continue, stop, skip, verify; ok or failed",
                     phrase->text);
    }
    return 0;
}

static bool is_answer(const struct step *s, const char *value)
{
    if (s->kind == STEP_MANUAL)
        return str_eq(value, "done") || str_eq(value, "failed");
    for (size_t i = 0; i < s->answers.len; i++)
        if (str_eq(s->answers.data[i].value, value))
            return true;
    return false;
}

static int read_word_of_step(const struct reader *r, const struct step *s, const char *at,
                             struct phrase *phrase)
{
    struct said *answer = &phrase->answer;
    struct err why = {0};
    size_t word = strcspn(phrase->text, " \t");
    bool skips = strncmp(phrase->text, "skip", word) == 0 && word == 4 && !is_answer(s, "skip");
    bool stops = strncmp(phrase->text, "stop", word) == 0 && word == 4 && !is_answer(s, "stop");
    if (skips || stops) {
        answer->kind = ANSWER_CHOOSE;
        answer->choice = skips ? CHOICE_SKIP : CHOICE_STOP;
        answer->reason = cut_reason(phrase->text);
        if (strlen(phrase->text) != word)
            return wrong(r, ERR_SYNTAX, at, "after %.4s comes \"because\" and why", phrase->text);
        return s->place > 0 ? 0
                            : wrong(r, ERR_SYNTAX, at,
                                    "%.60s runs by reference only: it has no place in the walk", s->id);
    }
    if (s->script) {
        phrase->is_outcome = true;
        if (made_up_parse(phrase->text, &phrase->outcome, &why) < 0)
            return wrong(r, ERR_SYNTAX, at, "%s", why.msg);
        if (phrase->outcome.all)
            return wrong(r, ERR_SYNTAX, at, "the last outcome stands for all that follow: without \"all\"");
        return 0;
    }
    answer->kind = ANSWER_VALUE;
    answer->reason = cut_reason(phrase->text);
    answer->value = phrase->text;
    return is_answer(s, phrase->text)
               ? 0
               : wrong(r, ERR_SYNTAX, at, "\"%.40s\" is no answer of %.60s", phrase->text, s->id);
}

/* Where this phrase ends: at a comma, unless its text or its reason takes the rest of the line. */
static char *phrase_end(char *text)
{
    char *comma = strchr(text, ','), *because = strstr(text, " " BECAUSE);
    bool all = str_starts(text, "output ") || str_starts(text, "output\t");
    return all || (because && comma && because < comma) ? NULL : comma;
}

static int read_phrases(const struct reader *r, struct line *line, char *text)
{
    const struct step *s = &r->answers->book->steps.data[line->step];
    int code = 0;
    while (text && code == 0) {
        text += strspn(text, " \t");
        char *rest = cut(text, phrase_end(text));
        struct phrase *phrase = vec_push(&line->phrases);
        phrase->text = xstrdup(text);
        phrase->column = (int)(text - r->begin) + 1;
        if (!*text)
            return wrong(r, ERR_SYNTAX, text, "nothing is said here");
        code = line->then ? read_then(r, text, phrase) : read_word_of_step(r, s, text, phrase);
        text = rest;
    }
    return code;
}

static int read_end(const struct reader *r, const char *text)
{
    struct answers *a = r->answers;
    a->ends = run_outcome_parse(text, &a->end) &&
              (a->end == OUTCOME_OK || a->end == OUTCOME_WARN || a->end == OUTCOME_FAILED ||
               a->end == OUTCOME_CANCELLED || a->end == OUTCOME_UNKNOWN);
    return a->ends ? 0
                   : wrong(r, ERR_SYNTAX, text,
                           "a run ends ok, warn, failed, cancelled or unknown, not \"%.40s\"", text);
}

/* Does some block hand this name on by an `export` of its own? */
static bool is_carried(const struct runbook *book, const char *name)
{
    for (size_t i = 0; i < book->steps.len; i++)
        for (char **carried = book->steps.data[i].carries; carried && *carried; carried++)
            if (str_eq(*carried, name))
                return true;
    return false;
}

static int read_value(const struct reader *r, char *name, char *value)
{
    struct answers *a = r->answers;
    int var = runbook_find_var(a->book, name);
    const struct runbook_var *v = var >= 0 ? &a->book->vars.data[var] : NULL;
    if (!v && !is_carried(a->book, name))
        return wrong(r, ERR_NOT_FOUND, name, "the document has no variable \"%.60s\"", name);
    if (v && v->secret)
        return wrong(r, ERR_SYNTAX, name, "%.60s is a secret: a rehearsal needs none", name);
    if (strlen(value) > RUNBOOK_VALUE_MAX)
        return wrong(r, ERR_RANGE, value, "a value of more than %d bytes", RUNBOOK_VALUE_MAX);
    char *pair = xasprintf("%s=%s", name, value);
    strv_add(&a->values, pair);
    if (v && !v->output)
        strv_add(&a->start_values, pair);
    free(pair);
    return 0;
}

static int read_step(const struct reader *r, char *name, char *text)
{
    struct line line = {.number = r->line};
    char *then = str_ends(name, " then") || str_ends(name, "\tthen") ? name + strlen(name) - 5 : NULL;
    line.then = then != NULL;
    if (then)
        cut(name, then);
    line.step = runbook_find(r->answers->book, name);
    if (line.step == STEP_NONE)
        return wrong(r, ERR_NOT_FOUND, name, "the document has no step \"%.60s\"", name);
    int code = read_phrases(r, &line, text);
    *vec_push(&r->answers->lines) = line;
    return code;
}

static int read_line(const struct reader *r, char *text)
{
    text += strspn(text, " \t");
    if (!*text || *text == '#')
        return 0;
    cut(text, NULL);
    char *separator = text + strcspn(text, ":=");
    if (!*separator)
        return wrong(r, ERR_SYNTAX, text, "neither NAME: WHAT nor NAME = VALUE");
    bool value = *separator == '=';
    char *rest = cut(text, separator);
    rest += strspn(rest, " \t");
    if (value)
        return read_value(r, text, rest);
    return str_eq(text, "run ends") ? read_end(r, rest) : read_step(r, text, rest);
}

static int read_lines(struct reader *r, char *bytes)
{
    int code = 0;
    if (str_starts(bytes, "\xef\xbb\xbf"))
        bytes += 3;
    for (char *line = bytes, *next; line && code == 0; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        r->line++;
        r->begin = line;
        code = read_line(r, line);
    }
    return code;
}

static const char *value_of(const struct answers *a, const char *name)
{
    size_t length = strlen(name);
    for (char **pair = a->values; pair && *pair; pair++)
        if (strncmp(*pair, name, length) == 0 && (*pair)[length] == '=')
            return *pair + length + 1;
    return NULL;
}

/* A block whose output becomes a variable has to say something when it passes. */
static int check_outputs(struct reader *r)
{
    const struct answers *a = r->answers;
    for (size_t i = 0; i < a->lines.len; i++) {
        const struct line *line = &a->lines.data[i];
        const struct step *s = &a->book->steps.data[line->step];
        for (size_t k = 0; k < line->phrases.len && s->exports; k++) {
            const struct phrase *phrase = &line->phrases.data[k];
            bool passes =
                phrase->is_outcome && (phrase->outcome.kind == MADE_UP_OK ||
                                       (phrase->outcome.kind == MADE_UP_EXIT && phrase->outcome.exit == 0));
            if (passes && !value_of(a, s->exports))
                return err_set(r->e, ERR_SYNTAX,
                               "%.80s:%d:%d: what it prints becomes %.60s: say it, %.60s = VALUE", r->name,
                               line->number, phrase->column, s->exports, s->exports);
        }
    }
    return 0;
}

struct answers *answers_parse(const struct runbook *book, const char *name, const char *bytes, size_t length,
                              struct err *e)
{
    size_t offset = 0;
    if (length > ANSWERS_BYTES_MAX) {
        err_set(e, ERR_RANGE, "%.80s: more than %d KiB of answers", name, ANSWERS_BYTES_MAX / 1024);
        return NULL;
    }
    if (!utf8_valid(bytes, length, &offset) || (length > 0 && memchr(bytes, '\0', length))) {
        err_set(e, ERR_SYNTAX, "%.80s: not UTF-8 text (byte %zu)", name, offset);
        return NULL;
    }
    struct answers *answers = xcalloc(1, sizeof *answers);
    answers->book = book;
    char *copy = xstrndup(bytes ? bytes : "", length);
    struct reader r = {.answers = answers, .name = name, .e = e};
    int code = read_lines(&r, copy);
    free(copy);
    if (code == 0)
        code = check_outputs(&r);
    if (code == 0)
        return answers;
    answers_free(answers);
    return NULL;
}

/* ---- what it says ---- */

char *const *answers_values(const struct answers *answers)
{
    return answers->values;
}

char *const *answers_start_values(const struct answers *answers)
{
    return answers->start_values;
}

bool answers_executes(const struct answers *answers, int step)
{
    for (size_t i = 0; i < answers->lines.len; i++) {
        const struct line *line = &answers->lines.data[i];
        for (size_t k = 0; line->step == step && !line->then && k < line->phrases.len; k++)
            if (line->phrases.data[k].is_outcome)
                return true;
    }
    return false;
}

bool answers_outcome(struct answers *answers, int step, unsigned nth, struct made_up *made_up)
{
    bool found = false;
    unsigned count = 0;
    for (size_t i = 0; i < answers->lines.len && (nth == 0 || count < nth); i++) {
        struct line *line = &answers->lines.data[i];
        for (size_t k = 0; line->step == step && !line->then && k < line->phrases.len && count < nth; k++) {
            if (!line->phrases.data[k].is_outcome)
                continue;
            count++;
            found = line->used = true;
            *made_up = line->phrases.data[k].outcome;
        }
    }
    return found;
}

static bool take(struct answers *answers, int step, bool then, struct said *answer)
{
    for (size_t i = 0; i < answers->lines.len; i++) {
        struct line *line = &answers->lines.data[i];
        if (line->step != step || line->then != then)
            continue;
        while (line->taken < line->phrases.len && line->phrases.data[line->taken].is_outcome)
            line->taken++;
        if (line->taken < line->phrases.len) {
            *answer = line->phrases.data[line->taken++].answer;
            line->used = true;
            return true;
        }
    }
    return false;
}

bool answers_say(struct answers *answers, int step, struct said *answer)
{
    return take(answers, step, false, answer);
}

bool answers_then(struct answers *answers, int step, struct said *answer)
{
    return take(answers, step, true, answer);
}

bool answers_end(const struct answers *answers, enum run_outcome *outcome)
{
    if (answers->ends)
        *outcome = answers->end;
    return answers->ends;
}

size_t answers_unused(const struct answers *answers, struct str *out)
{
    size_t count = 0;
    for (size_t i = 0; i < answers->lines.len; i++) {
        const struct line *line = &answers->lines.data[i];
        if (line->used)
            continue;
        count++;
        str_addf(out, "line %d: %s%s\n", line->number, answers->book->steps.data[line->step].id,
                 line->then ? " then" : "");
    }
    return count;
}
