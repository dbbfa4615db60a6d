#include "engine/runbook/block.h"

#include <ctype.h>
#include <stdlib.h>

#include "engine/runbook/shell.h"

#define PLACEHOLDER_LIMIT 64
#define CARRY_LIMIT       128

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool name_is_exportable(const char *name, size_t length)
{
    if (length == 0 || length > 64 || isdigit((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!name_byte(name[i]))
            return false;
    return length < 6 || memcmp(name, "BELAY_", 6) != 0;
}

char *text_unix(const char *text)
{
    struct str out = {0};
    str_reserve(&out, strlen(text));
    for (; *text; text++) {
        if (*text != '\r')
            str_add_char(&out, *text);
        else if (text[1] != '\n')
            str_add_char(&out, '\n');
    }
    return str_take(&out);
}

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end : line + strlen(line);
}

static const char *line_next(const char *end)
{
    return *end ? end + 1 : end;
}

int text_recorded(const char *source)
{
    int number = 1;
    for (const char *line = source, *end; *line; line = line_next(end), number++) {
        end = line_end(line);
        bool ran = str_starts(line, "# Ran on ");
        if (!ran && !str_starts(line, "# Exited with "))
            continue;
        const char *last = end;
        while (last > line && isdigit((unsigned char)last[-1]))
            last--;
        if (last < end && last - line >= 11 && memcmp(last - 11, "xited with ", 11) == 0)
            return number;
    }
    return 0;
}

/* ---- Prompts ---- */

static bool prompt_at(const char *line)
{
    return line[0] == '$' && line[1] == ' ';
}

/* Is there a line with a prompt that isn't text of a here-document? */
static bool has_prompt(const char *source)
{
    struct shell_state state = {0};
    for (const char *line = source, *end; *line; line = line_next(end)) {
        end = line_end(line);
        if (prompt_at(line) && !state.reading)
            return true;
        shell_line(&state, line, (size_t)(end - line));
    }
    return false;
}

static void take_prompted(const char *source, struct str *script, struct str *expected)
{
    struct shell_state state = {0};
    bool inside = false;
    for (const char *line = source, *end; *line; line = line_next(end)) {
        end = line_end(line);
        bool prompted = prompt_at(line) && !state.reading;
        if (prompted) {
            state = (struct shell_state){0};
            line += 2;
        }
        struct str *to = prompted || inside ? script : expected;
        str_add_bytes(to, line, (size_t)(end - line));
        str_add_char(to, '\n');
        if (to == script) {
            shell_line(&state, line, (size_t)(end - line));
            inside = shell_goes_on(&state);
        }
    }
}

/* ---- Exports ---- */

/* "export NAME=" at the line's beginning (after blanks); gives the name and what stands behind the =. */
static bool export_at(const char *line, const char *end, const char **name, size_t *length,
                      const char **value)
{
    while (line < end && blank(*line))
        line++;
    if (end - line < 8 || memcmp(line, "export", 6) != 0 || !blank(line[6]))
        return false;
    line += 6;
    while (line < end && blank(*line))
        line++;
    *name = line;
    while (line < end && name_byte(*line))
        line++;
    *length = (size_t)(line - *name);
    *value = line + 1;
    return line < end && *line == '=' && name_is_exportable(*name, *length);
}

/* Several plain words: nothing that a shell would read as more than text. The message, or NULL. */
static char *message_of(const char *value, const char *end)
{
    int words = 0;
    const char *last = value;
    for (const char *c = value; c < end;) {
        while (c < end && blank(*c))
            c++;
        if (c == end || *c == '#')
            break;
        if (words == 0 && c != value)
            return NULL;
        for (words++; c < end && !blank(*c); c++)
            if (strchr("'\"`$(){}[];|&<>\\=*", *c))
                return NULL;
        last = c;
    }
    return words > 1 ? xstrndup(value, (size_t)(last - value)) : NULL;
}

static bool listed(char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (str_eq(*names, name))
            return true;
    return false;
}

/* The value of an assignment, quotes and substitutions and all. */
static const char *skip_value(const char *c, const char *end)
{
    int depth = 0;
    for (char quote = 0; c < end && (quote || depth > 0 || (!blank(*c) && !strchr(";&|)", *c))); c++) {
        if (quote)
            quote = *c == quote ? 0 : quote;
        else if (*c == '"' || *c == '\'' || *c == '`')
            quote = *c;
        else
            depth += (*c == '(') - (*c == ')');
    }
    return c;
}

/* Names after an `export`, up to the command's end. */
static const char *take_names(struct block *b, const char *c, const char *end)
{
    for (;;) {
        while (c < end && blank(*c))
            c++;
        const char *name = c;
        while (c < end && name_byte(*c))
            c++;
        if (!name_is_exportable(name, (size_t)(c - name)))
            return c;
        char *copy = xstrndup(name, (size_t)(c - name));
        if (strv_count(b->carries) < CARRY_LIMIT && !listed(b->carries, copy))
            strv_add(&b->carries, copy);
        free(copy);
        if (c < end && *c == '=')
            c = skip_value(c, end);
    }
}

/* Words of the shell's own, behind which a command begins. */
static bool opens_command(const char *word, size_t length)
{
    static const char *const words[] = {"then", "do", "else", "!", "time"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
            return true;
    return false;
}

/* Every `export` that stands as a command's first word. */
static void find_carries(struct block *b, const char *line, const char *end)
{
    bool first = true;
    for (const char *c = line; c < end;) {
        const char *word = c;
        while (c < end && !blank(*c) && !strchr(";&|(){", *c))
            c++;
        if (c > word) {
            if (first && c - word == 6 && memcmp(word, "export", 6) == 0)
                c = take_names(b, c, end);
            first = first && opens_command(word, (size_t)(c - word));
        } else {
            first |= !blank(*c);
            c++;
        }
    }
}

static char *read_exports(struct block *b, const char *script, bool ask)
{
    struct str out = {0};
    struct shell_state state = {0};
    int number = 0;
    for (const char *line = script, *end; *line; line = line_next(end), number++) {
        end = line_end(line);
        const char *name, *value;
        size_t length;
        char *message = NULL;
        bool text = shell_in_text(&state);
        if (!text && line[0] == '$' && b->dollar < 0)
            b->dollar = number;
        if (!text && ask && export_at(line, end, &name, &length, &value))
            message = message_of(value, end);
        if (message) {
            *vec_push(&b->prompts) =
                (struct block_prompt){.name = xstrndup(name, length), .message = message, .line = number};
            str_addf(&out, "export %.*s", (int)length, name);
        } else {
            if (!text)
                find_carries(b, line, end);
            shell_line(&state, line, (size_t)(end - line));
            str_add_bytes(&out, line, (size_t)(end - line));
        }
        if (*end)
            str_add_char(&out, '\n');
    }
    return str_take(&out);
}

void block_read(const char *source, bool ask, struct block *out)
{
    *out = (struct block){.dollar = -1};
    struct str script = {0}, expected = {0};
    out->prompted = has_prompt(source);
    if (out->prompted)
        take_prompted(source, &script, &expected);
    else
        str_add(&script, source);
    out->script = read_exports(out, str_text(&script), ask);
    out->expected = str_take(&expected);
    str_fini(&script);
}

void block_fini(struct block *b)
{
    for (size_t i = 0; i < b->prompts.len; i++) {
        free(b->prompts.data[i].name);
        free(b->prompts.data[i].message);
    }
    vec_fini(&b->prompts);
    strv_free(b->carries);
    free(b->script);
    free(b->expected);
    *b = (struct block){0};
}

/* ---- Placeholders ---- */

static bool letter_or_digit(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

const char *placeholder_next(const char *begin, const char *text, size_t *length)
{
    for (const char *c = strchr(text, '<'); c; c = strchr(c + 1, '<')) {
        if (c > begin && c[-1] == '<')
            continue;
        size_t n = 1;
        while (n <= PLACEHOLDER_LIMIT && (letter_or_digit(c[n]) || c[n] == ' ' || c[n] == '-' || c[n] == '_'))
            n++;
        if (n > 1 && n <= PLACEHOLDER_LIMIT && c[n] == '>' && letter_or_digit(c[1]) &&
            letter_or_digit(c[n - 1])) {
            *length = n + 1;
            return c;
        }
    }
    return NULL;
}
