#include "engine/postmortem/text.h"

#include <ctype.h>
#include <stdlib.h>

/* What begins a list, a heading or code at the beginning of a line is text here. */
static const char *guard_beginning(struct str *out, const char *text)
{
    size_t digits;
    while (*text == ' ')
        text++;
    digits = strspn(text, "0123456789");
    if (digits > 0 && (text[digits] == '.' || text[digits] == ')')) {
        str_add_bytes(out, text, digits);
        str_add_char(out, '\\');
        return text + digits;
    }
    if (*text && strchr("-+=", *text))
        str_add_char(out, '\\');
    return text;
}

void text_markdown(struct str *out, const char *text)
{
    struct str line = {0};
    utf8_clean(&line, text, strlen(text), false);
    for (const char *p = guard_beginning(out, str_text(&line)); *p; p++) {
        if (strchr("\\`*_{}[]<>#|~!&$", *p))
            str_add_char(out, '\\');
        str_add_char(out, *p);
    }
    str_fini(&line);
}

static size_t longest_run(const char *text, char c)
{
    size_t longest = 0, run = 0;
    for (; *text; text++) {
        run = *text == c ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* A line that would be a heading, the underline of one, a rule, or a fence. */
static bool opens_something(const char *line, size_t length)
{
    size_t at = strspn(line, " ");
    char first = at < length ? line[at] : '\0';
    size_t same = strspn(line + at, (char[]){first ? first : 'x', '\0'});
    if (at > 3 || at >= length)
        return false;
    if (first == '#' || first == '=')
        return true;
    if (first == '`' || first == '~')
        return same >= 3;
    return first == '-' && at + same == length; /* "---" makes a heading of the line above */
}

void text_prose(struct str *out, const char *text)
{
    struct str clean = {0};
    utf8_clean(&clean, text, strlen(text), true);
    for (const char *line = str_text(&clean); *line;) {
        size_t length = strcspn(line, "\n"), at = strspn(line, " \t");
        if (at < length && (line[0] == '\t' || at > 3)) {
            line += at; /* four blanks would be a block of code, whatever it is */
            length -= at;
            str_add(out, "  ");
        }
        if (opens_something(line, length))
            str_add(out, "\\");
        for (size_t i = 0; i < length; i++) {
            if (line[i] == '<' || line[i] == '&')
                str_add_char(out, '\\');
            str_add_char(out, line[i]);
        }
        str_add(out, "\n");
        line += length + (line[length] == '\n');
    }
    str_fini(&clean);
}

void text_fence(struct str *out, const char *text, size_t length, size_t lines)
{
    struct str body = {0};
    utf8_clean(&body, text, length, true);
    while (body.len > 0 && body.data[body.len - 1] == '\n')
        body.data[--body.len] = '\0';
    size_t ticks = longest_run(str_text(&body), '`') + 1;
    ticks = ticks < 3 ? 3 : ticks;
    for (size_t i = 0; i < ticks; i++)
        str_add_char(out, '`');
    str_add(out, "text\n");
    const char *at = str_text(&body);
    size_t left = 0;
    for (size_t i = 0; *at; i++) {
        size_t line = strcspn(at, "\n");
        if (i < lines) {
            str_add_bytes(out, at, line);
            str_add_char(out, '\n');
        } else {
            left++;
        }
        at += line + (at[line] == '\n');
    }
    if (left > 0)
        str_addf(out, "(%zu more lines)\n", left);
    for (size_t i = 0; i < ticks; i++)
        str_add_char(out, '`');
    str_add_char(out, '\n');
    str_fini(&body);
}

void text_duration(struct str *out, int64_t us)
{
    int64_t s = us / US_PER_S;
    if (s < 1)
        str_add(out, us > 0 ? "<1s" : "0s");
    else if (s < 60)
        str_addf(out, "%llds", (long long)s);
    else if (s < 3600)
        str_addf(out, "%lldm %llds", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        str_addf(out, "%lldh %lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        str_addf(out, "%lldd %lldh", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

void text_time(struct str *out, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    if (at_us == 0)
        return;
    clock_format(at_us, text);
    str_addf(out, "%.10s %.8sZ", text, text + 11);
}

void text_clock(struct str *out, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_us, text);
    str_addf(out, "%.8s", text + 11);
}

void text_bytes(struct str *out, int64_t bytes)
{
    if (bytes < 1024)
        str_addf(out, "%lld bytes", (long long)bytes);
    else if (bytes < 1 << 20)
        str_addf(out, "%lld.%lld KiB", (long long)(bytes >> 10), (long long)((bytes & 1023) * 10 >> 10));
    else
        str_addf(out, "%lld.%lld MiB", (long long)(bytes >> 20),
                 (long long)((bytes >> 10 & 1023) * 10 >> 10));
}

static bool plain_word(const char *word)
{
    if (!*word)
        return false;
    for (; *word; word++)
        if (!isalnum((unsigned char)*word) && !strchr("-_./:=@%+,", *word))
            return false;
    return true;
}

static void add_word(struct str *out, const char *word)
{
    if (plain_word(word)) {
        str_add(out, word);
        return;
    }
    str_add_char(out, '\'');
    for (; *word; word++)
        if (*word == '\'')
            str_add(out, "'\\''");
        else
            str_add_char(out, *word);
    str_add_char(out, '\'');
}

void text_command(struct str *out, const cJSON *argv)
{
    const cJSON *word;
    bool first = true;
    cJSON_ArrayForEach(word, argv)
    {
        if (!cJSON_IsString(word))
            continue;
        if (!first)
            str_add_char(out, ' ');
        add_word(out, word->valuestring);
        first = false;
    }
}
