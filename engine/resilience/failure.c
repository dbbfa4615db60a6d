#include "engine/resilience/failure.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/resilience/exit_tables.h"

static const struct {
    const char *text;
    bool retried;
    enum failure_verdict verdict;
    enum failure_onward onward;
} classes[FAILURE_CLASS_COUNT] = {
#define X(name, text, retried, verdict, onward, help) [FAILURE_##name] = {text, retried, verdict, onward},
    FAILURE_CLASSES(X)
#undef X
};

static bool is_class(enum failure_class class)
{
    return (size_t) class < FAILURE_CLASS_COUNT;
}

const char *failure_class_text(enum failure_class class)
{
    return is_class(class) ? classes[class].text : "?";
}

bool failure_class_parse(const char *text, enum failure_class *class)
{
    for (size_t i = 0; i < FAILURE_CLASS_COUNT; i++)
        if (str_eq(classes[i].text, text)) {
            *class = (enum failure_class)i;
            return true;
        }
    return false;
}

bool failure_is_retried(enum failure_class class)
{
    return is_class(class) && classes[class].retried;
}

enum failure_verdict failure_verdict(enum failure_class class)
{
    return is_class(class) ? classes[class].verdict : VERDICT_FAILURE;
}

enum failure_onward failure_onward(enum failure_class class)
{
    return is_class(class) ? classes[class].onward : ONWARD_NEXT;
}

__attribute__((format(printf, 4, 5))) static void fill(struct failure *f, enum failure_class class,
                                                       bool before, const char *format, ...)
{
    va_list args;
    *f = (struct failure){.class = class, .before_start = before, .retry_after_ms = -1};
    va_start(args, format);
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

/* ---- HTTP ---- */

static enum failure_class class_of_status(int status)
{
    switch (status) {
    case 304:
        return FAILURE_NONE;
    case 400:
    case 422:
        return FAILURE_INVALID;
    case 401:
    case 402: /* nobody pays for it: nothing that passes by waiting, and somebody must see it */
    case 403:
    case 407:
        return FAILURE_AUTH;
    case 404:
    case 410:
        return FAILURE_NOT_FOUND;
    case 408:
        return FAILURE_TIMEOUT;
    case 413:
        return FAILURE_TOO_LARGE;
    case 425: /* RFC 8470: not processed, to be sent again */
        return FAILURE_TRANSIENT;
    case 429:
        return FAILURE_LIMITED;
    }
    if (status >= 500 && status <= 599)
        return FAILURE_SERVER;
    if (status >= 300 && status <= 499) /* this server's own; another tier may say otherwise */
        return FAILURE_PERMANENT;
    return status >= 100 && status <= 299 ? FAILURE_NONE : FAILURE_CUT;
}

/* Cut at a whole character. */
static void trim(char *text)
{
    size_t bad, length = strlen(text);
    if (!utf8_valid(text, length, &bad))
        text[bad] = '\0';
}

void failure_of_status(int status, const char *retry_after, int64_t wall_us, struct failure *f)
{
    fill(f, class_of_status(status), status == 425, "HTTP %d", status);
    if (f->class == FAILURE_NONE)
        return;
    if (retry_after) {
        while (*retry_after == ' ' || *retry_after == '\t')
            retry_after++;
        int64_t us = http_retry_after_us(retry_after, wall_us);
        f->retry_after_ms = us < 0 ? -1 : us / US_PER_MS + (us % US_PER_MS > 0); /* a floor rounds up */
    }
}

/* ---- Connections ---- */

void failure_of_error(int code, bool sent, const char *reason, struct failure *f)
{
    enum failure_class class = sent ? FAILURE_CUT : FAILURE_CONNECT;
    switch (code) {
    case ERR_NONE:
        class = FAILURE_NONE;
        break;
    case ERR_TIMED_OUT:
        class = FAILURE_TIMEOUT;
        break;
    case ERR_CANCELLED:
        class = FAILURE_CANCELLED;
        break;
    case ERR_DENIED: /* of a certificate, or of a file here */
        class = FAILURE_AUTH;
        break;
    case ERR_SYNTAX: /* before: a request that can't be made; after: an answer that can't be read */
        class = sent ? FAILURE_CUT : FAILURE_LOCAL;
        break;
    case ERR_RANGE:
    case ERR_FULL:
    case ERR_USAGE:
    case ERR_UNSUPPORTED:
        class = sent ? FAILURE_OTHER : FAILURE_LOCAL;
        break;
    }
    fill(f, class, !sent && class != FAILURE_NONE, "%s", reason && *reason ? reason : err_code_text(code));
    trim(f->text);
}

/* ---- Exit statuses ---- */

/* One to three digits; the rest is left in *text. */
static bool status_read(const char **text, int *status)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits < 1 || digits > 3)
        return false;
    *status = 0;
    for (; digits > 0; digits--)
        *status = *status * 10 + *(*text)++ - '0';
    return true;
}

static int list_add(const char *word, struct exit_list *list, struct err *e)
{
    enum failure_class class;
    const char *rest = word;
    int from = 0, to = 0;
    if (failure_class_parse(word, &class) && class != FAILURE_NONE) {
        list->classes |= 1u << class;
        return 0;
    }
    if (!isdigit((unsigned char)*word))
        return err_set(e, ERR_SYNTAX, "\"%.40s\" is neither an exit status nor a class of failure", word);
    bool good = status_read(&rest, &from);
    to = from;
    if (good && *rest == '-') {
        rest++;
        good = status_read(&rest, &to);
    }
    if (!good || *rest)
        return err_set(e, ERR_SYNTAX, "\"%.40s\" is no exit status", word);
    if (from < 1 || from > 255 || to < 1 || to > 255)
        return err_set(e, ERR_RANGE, "\"%.40s\": an exit status of a failure is between 1 and 255", word);
    if (from > to)
        return err_set(e, ERR_RANGE, "\"%.40s\": a range goes up, as %d-%d", word, to, from);
    for (int status = from; status <= to; status++)
        list->statuses[status / 64] |= 1ull << status % 64;
    return 0;
}

int exit_list_parse(const char *text, struct exit_list *list, struct err *e)
{
    struct exit_list read = {0};
    for (;;) {
        text += strspn(text, " \t");
        size_t length = strcspn(text, ","), used = length;
        while (used > 0 && (text[used - 1] == ' ' || text[used - 1] == '\t'))
            used--;
        if (used == 0)
            return err_set(e, ERR_SYNTAX, "an empty entry in a list of exit statuses");
        char *word = xstrndup(text, used);
        int status = list_add(word, &read, e);
        free(word);
        if (status < 0)
            return status;
        if (!text[length])
            break;
        text += length + 1;
    }
    *list = read;
    return 0;
}

bool exit_list_has_status(const struct exit_list *list, int status)
{
    return list && status >= 1 && status <= 255 && (list->statuses[status / 64] >> status % 64 & 1);
}

bool exit_list_has_class(const struct exit_list *list, enum failure_class class)
{
    return list && is_class(class) && (list->classes >> class & 1);
}

bool exit_list_is_empty(const struct exit_list *list)
{
    return !list->classes && !list->statuses[0] && !list->statuses[1] && !list->statuses[2] &&
           !list->statuses[3];
}

void exit_list_text(const struct exit_list *list, struct str *out)
{
    const char *comma = "";
    for (int status = 1, to; status <= 255; status = to + 1) {
        to = status;
        if (!exit_list_has_status(list, status))
            continue;
        while (exit_list_has_status(list, to + 1))
            to++;
        str_addf(out, "%s%d", comma, status);
        if (to > status)
            str_addf(out, "-%d", to);
        comma = ",";
    }
    for (size_t class = 0; class < FAILURE_CLASS_COUNT; class ++)
        if (exit_list_has_class(list, (enum failure_class) class)) {
            str_addf(out, "%s%s", comma, classes[class].text);
            comma = ",";
        }
}

void failure_of_exit(const struct exit_table *table, int status, int signal, const struct exit_list *retry_on,
                     const struct exit_list *permanent, struct failure *f)
{
    const struct exit_row *row = signal > 0 ? NULL : exit_table_row(table, status);
    const char *name = signal > 0 ? sigabbrev_np(signal) : NULL;
    if (signal > 0)
        fill(f, FAILURE_OTHER, false, "killed by %s%s", name ? "SIG" : "a signal", name ? name : "");
    else if (status == 0)
        fill(f, FAILURE_NONE, false, "exit 0");
    else if (row)
        fill(f, row->class, row->before && table->certain, "exit %d: %s", status, row->text);
    else
        fill(f, FAILURE_OTHER, false, "exit %d", status);
    if (f->class == FAILURE_NONE)
        return;
    bool listed = signal <= 0;
    if ((listed && exit_list_has_status(permanent, status)) || exit_list_has_class(permanent, f->class))
        f->class = FAILURE_PERMANENT;
    else if ((listed && exit_list_has_status(retry_on, status)) ||
             (exit_list_has_class(retry_on, f->class) && !failure_is_retried(f->class)))
        f->class = FAILURE_TRANSIENT;
}
