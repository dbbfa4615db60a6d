#include "engine/runbook/shell.h"

#include <ctype.h>
#include <string.h>

static bool word_break(char c)
{
    return c == ' ' || c == '\t' || strchr(";|&()<>", c) != NULL;
}

/* "<<WORD", "<<-WORD", "<<'WORD'" at line[i]; gives the bytes used, 0 when it is none ("<<<" is a
 * here-string). */
static size_t announce(struct shell_state *s, const char *line, size_t length, size_t i)
{
    size_t start = i;
    if (i + 2 >= length || line[i + 1] != '<' || line[i + 2] == '<' || s->open == SHELL_HEREDOC_LIMIT)
        return 0;
    i += 2;
    bool tabs = line[i] == '-';
    if (tabs)
        i++;
    while (i < length && (line[i] == ' ' || line[i] == '\t'))
        i++;
    char *word = s->heredocs[s->open].word;
    size_t n = 0;
    for (; i < length && !word_break(line[i]); i++)
        if (line[i] != '\'' && line[i] != '"' && line[i] != '\\' && n + 1 < SHELL_WORD_LIMIT)
            word[n++] = line[i];
    word[n] = '\0';
    if (n == 0 || !(isalpha((unsigned char)word[0]) || word[0] == '_'))
        return 0;
    s->heredocs[s->open++].tabs = tabs;
    return i - start;
}

static void read_body(struct shell_state *s, const char *line, size_t length)
{
    if (s->heredocs[s->first].tabs)
        for (; length > 0 && *line == '\t'; line++)
            length--;
    const char *word = s->heredocs[s->first].word;
    if (strlen(word) != length || memcmp(word, line, length) != 0)
        return;
    if (++s->first == s->open) {
        s->reading = false;
        s->open = s->first = 0;
    }
}

static bool joins(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    if (length > 0 && line[length - 1] == '|')
        return true;
    return length > 1 && line[length - 1] == '&' && line[length - 2] == '&';
}

void shell_line(struct shell_state *s, const char *line, size_t length)
{
    if (s->reading) {
        read_body(s, line, length);
        return;
    }
    s->joined = false;
    size_t end = length;
    for (size_t i = 0; i < length; i++) {
        char c = line[i];
        if (c == '\\' && s->quote != '\'') {
            s->joined = ++i == length;
        } else if (s->quote) {
            if (c == s->quote)
                s->quote = 0;
        } else if (c == '\'' || c == '"' || c == '`') {
            s->quote = c;
        } else if (c == '#' && (i == 0 || word_break(line[i - 1]))) {
            end = i;
            break;
        } else if (c == '(' && i + 1 < length && line[i + 1] == '(') {
            s->arithmetic++, i++;
        } else if (c == ')' && s->arithmetic > 0 && i + 1 < length && line[i + 1] == ')') {
            s->arithmetic--, i++;
        } else if (c == '<' && s->arithmetic == 0) {
            size_t used = announce(s, line, length, i);
            if (used > 0)
                i += used - 1;
            else
                while (i + 1 < length && line[i + 1] == '<')
                    i++;
        }
    }
    if (!s->quote && !s->joined)
        s->joined = joins(line, end);
    if (s->open > 0 && !s->quote)
        s->reading = true;
}

bool shell_goes_on(const struct shell_state *s)
{
    return s->quote || s->joined || s->reading;
}

bool shell_in_text(const struct shell_state *s)
{
    return s->quote || s->reading;
}
