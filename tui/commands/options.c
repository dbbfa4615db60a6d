#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/commands/command.h"

struct given {
    const struct command_option *option;
    const char *value;
};

struct command_values {
    VEC(struct given) given;
    VEC(char **) lists;
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = command_table; *c; c++)
        if (str_eq((*c)->name, name))
            return *c;
    return NULL;
}

static const struct command_option *option_in(const struct command_option *table, const char *name,
                                              size_t length)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == length && memcmp(table->name, name, length) == 0)
            return table;
    return NULL;
}

static const struct command_option *option_find(const struct command *command, const char *name,
                                                size_t length)
{
    const struct command_option *own = option_in(command->options, name, length);
    return own ? own : option_in(common_options, name, length);
}

int command_at(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            return i;
        const char *name = str_starts(argv[i], "--") ? argv[i] + 2 : "";
        const struct command_option *option = option_in(common_options, name, strcspn(name, "="));
        if (!option)
            return 0;
        if (option->value && !strchr(name, '='))
            i++;
    }
    return 0;
}

static bool option_given(const struct command_line *line, const struct command_option *option)
{
    for (size_t i = 0; i < line->values->given.len; i++)
        if (line->values->given.data[i].option == option)
            return true;
    return false;
}

/* Takes argv[i] ("--name", "--name=value"), and the value behind it; returns how many arguments it took. */
static int option_take(struct command_line *line, int argc, char *const *argv, int i, struct err *e)
{
    const char *name = argv[i] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct command_option *option = option_find(line->command, name, length);
    if (!option)
        return err_set(e, ERR_USAGE, "%s: no such option: --%.*s (belay help %s lists them)",
                       line->command->name, (int)length, name, line->command->name);
    if (!option->repeated && option_given(line, option))
        return err_set(e, ERR_USAGE, "--%s is given twice: once is enough", option->name);
    if (!option->value && equals)
        return err_set(e, ERR_USAGE, "--%s takes no value", option->name);
    bool behind = option->value && !equals;
    if (behind && i + 1 >= argc)
        return err_set(e, ERR_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                       option->value);
    struct given *given = vec_push(&line->values->given);
    given->option = option;
    given->value = equals ? equals + 1 : behind ? argv[i + 1] : "";
    return behind ? 2 : 1;
}

int command_line_parse(struct command_line *line, const struct command *command, int argc, char *const *argv,
                       struct err *e)
{
    *line = (struct command_line){.command = command};
    line->values = xcalloc(1, sizeof *line->values);
    line->words = xcalloc((size_t)argc + 1, sizeof *line->words);
    if (command->flags & COMMAND_RAW)
        line->rest = argv;
    for (int i = 0; i < argc && !line->rest;) {
        if (str_eq(argv[i], "--")) {
            line->rest = argv + i + 1;
            return 0;
        }
        if (str_eq(argv[i], "-h") || str_eq(argv[i], "-o")) {
            /* The two short forms that everybody types. */
            char *longer[] = {argv[i][1] == 'h' ? (char[]){"--help"} : (char[]){"--output"},
                              i + 1 < argc ? argv[i + 1] : NULL};
            int taken = option_take(line, longer[1] ? 2 : 1, longer, 0, e);
            if (taken < 0)
                return taken;
            i += taken;
        } else if (str_starts(argv[i], "--")) {
            int taken = option_take(line, argc, argv, i, e);
            if (taken < 0)
                return taken;
            i += taken;
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return err_set(e, ERR_USAGE, "%s: no such option: %s (options are written --name)", command->name,
                           argv[i]);
        } else {
            line->words[line->word_count++] = argv[i++];
        }
    }
    return 0;
}

int command_line_check(const struct command_line *line, struct err *e)
{
    const struct command *command = line->command;
    size_t most = command->flags & COMMAND_NO_WORD ? 0 : command->flags & COMMAND_ONE_WORD ? 1 : SIZE_MAX;
    if (line->word_count > most)
        return err_set(e, ERR_USAGE, "%s: what does %s mean? (belay help %s)", command->name,
                       line->words[most], command->name);
    if (most != SIZE_MAX && line->rest && line->rest[0] && !(command->flags & COMMAND_RAW))
        return err_set(e, ERR_USAGE, "%s: what does %s mean? (belay help %s)", command->name, line->rest[0],
                       command->name);
    bool changes = (command->flags & (COMMAND_ACTS | COMMAND_JOURNALS)) != 0;
    if (changes && command_has(line, "read-only"))
        return err_set(e, ERR_DENIED, "%s changes something and --read-only is set: leave one of them out",
                       command->name);
    return 0;
}

void command_line_fini(struct command_line *line)
{
    free(line->words);
    if (line->values) {
        for (size_t i = 0; i < line->values->lists.len; i++)
            free(line->values->lists.data[i]);
        vec_fini(&line->values->lists);
        vec_fini(&line->values->given);
        free(line->values);
    }
    *line = (struct command_line){0};
}

bool command_has(const struct command_line *line, const char *option)
{
    return command_value(line, option, NULL) != NULL;
}

const char *command_value(const struct command_line *line, const char *option, const char *fallback)
{
    for (size_t i = line->values->given.len; i-- > 0;)
        if (str_eq(line->values->given.data[i].option->name, option))
            return line->values->given.data[i].value;
    return fallback;
}

char *const *command_value_list(const struct command_line *line, const char *option)
{
    char **list = xcalloc(line->values->given.len + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < line->values->given.len; i++)
        if (str_eq(line->values->given.data[i].option->name, option))
            list[count++] = (char *)(uintptr_t)line->values->given.data[i].value;
    *vec_push(&line->values->lists) = list;
    return list;
}

int command_fail(int status, const struct err *e)
{
    struct str clean = {0};
    utf8_clean(&clean, e->msg, strlen(e->msg), false);
    fprintf(stderr, "belay: %s\n", str_text(&clean));
    str_fini(&clean);
    return status;
}
