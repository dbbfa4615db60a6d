/* The manual pages (assets/man/NAME.in): the lines @...@ of a template become what the tables of commands and
 * options say, so that a page can't be out of date. The build runs this. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

#define TEMPLATE_BYTES_MAX (1u << 20)

static const char *roff_escape(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    default:
        return NULL;
    }
}

/* Plain text in man(7): nothing in it is a request, an escape, or a quote that turns into another one; `this`
 * is bold. */
static void roff(struct str *out, const char *text)
{
    bool begins = true, bold = false;
    for (const char *p = text; *p; p++) {
        const char *escape = *p == '`' ? bold ? "\\fR" : "\\fB" : roff_escape(*p);
        bold ^= *p == '`';
        if (begins && *p == '.')
            str_add(out, "\\&");
        begins = *p == '\n';
        if (escape)
            str_add(out, escape);
        else
            str_add_char(out, *p);
    }
}

static void manual_options(struct str *out, const struct command_option *table)
{
    for (; table && table->name; table++) {
        str_add(out, ".TP\n.B \\-\\-");
        roff(out, table->name);
        if (table->value) {
            str_add(out, " \\fI");
            roff(out, table->value);
            str_add(out, "\\fR");
        }
        str_add_char(out, '\n');
        roff(out, table->help);
        str_add_char(out, '\n');
    }
}

static void manual_command(struct str *out, const struct command *command)
{
    str_add(out, ".SS belay ");
    roff(out, command->name);
    str_add_char(out, ' ');
    roff(out, command->usage);
    str_add_char(out, '\n');
    roff(out, command->help);
    str_add_char(out, '\n');
    if (command->details) {
        str_add(out, ".PP\n");
        roff(out, command->details);
        str_add_char(out, '\n');
    }
    manual_options(out, command->options);
}

static void manual_commands(struct str *out)
{
    for (const struct command *const *c = command_table; *c; c++)
        if (!((*c)->flags & COMMAND_HIDDEN))
            manual_command(out, *c);
}

static void manual_common(struct str *out)
{
    manual_options(out, common_options);
}

static void manual_configuration(struct str *out)
{
    for (const struct option *o = NULL; (o = option_next(o));) {
        struct str facts = {0};
        config_option_facts(o, &facts);
        str_add(out, ".TP\n.B ");
        roff(out, o->path);
        str_add(out, "\n(");
        roff(out, str_text(&facts));
        str_add(out, ") ");
        roff(out, o->help);
        str_add_char(out, '\n');
        str_fini(&facts);
    }
}

static const struct part {
    const char *line;
    void (*add)(struct str *out);
} parts[] = {
    {"@COMMANDS@", manual_commands},
    {"@OPTIONS@", manual_common},
    {"@CONFIGURATION@", manual_configuration},
};

static void manual_line(struct str *out, const char *line)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (str_eq(line, parts[i].line)) {
            parts[i].add(out);
            return;
        }
    const char *mark = strstr(line, "@VERSION@");
    if (mark)
        str_addf(out, "%.*s%s%s\n", (int)(mark - line), line, BELAY_VERSION, mark + strlen("@VERSION@"));
    else
        str_addf(out, "%s\n", line);
}

static int manual_write(const struct command_line *line, struct err *e)
{
    struct str template = {0}, page = {0};
    const char *path = command_value(line, "output", "/dev/stdout");
    if (line->word_count != 1)
        return err_set(e, ERR_USAGE, "which page? belay manual assets/man/belay.1.in");
    if (file_read(line->words[0], TEMPLATE_BYTES_MAX, &template, e) < 0)
        return e->code;
    char *copy = str_take(&template), *rest = copy;
    for (char *text; (text = strsep(&rest, "\n")) && (rest || text[0]);)
        manual_line(&page, text);
    FILE *file = fopen(path, "we");
    if (!file || fputs(str_text(&page), file) == EOF)
        err_errno(e, "%s can't be written", path);
    if (file && fclose(file) != 0 && !e->code)
        err_errno(e, "%s can't be written", path);
    str_fini(&page);
    free(copy);
    return e->code;
}

static int manual_run(const struct command_line *line)
{
    struct err e = {0};
    return manual_write(line, &e) < 0 ? command_fail(EXIT_USAGE, &e) : EXIT_DONE;
}

static const struct command_option manual_options_own[] = {
    {"output", "FILE", "write to FILE instead of printing (also -o FILE)", false},
    {0},
};

const struct command command_manual = {
    .name = "manual",
    .usage = "TEMPLATE [-o FILE]",
    .help = "a manual page out of its template (an entry for the build)",
    .options = manual_options_own,
    .flags = COMMAND_HIDDEN,
    .run = manual_run,
};
