/* What the shells' completions ask for (assets/completions): candidates from the table of commands. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/simulate/simulate.h"
#include "tui/commands/commands.h"

/* A line being completed: its command, what is typed of the last word, and where candidates go. */
struct completion {
    struct str *out;
    size_t count;
    char *const *words;
    const struct command *command;
    const char *typed;
};

static void offer(const struct completion *c, const char *before, const char *word, const char *help)
{
    struct str whole = {0};
    str_addf(&whole, "%s%s", before, word);
    if (str_starts(str_text(&whole), c->typed))
        str_addf(c->out, help ? "%s\t%s\n" : "%s\n", str_text(&whole), help);
    str_fini(&whole);
}

static void offer_commands(const struct completion *c)
{
    for (const struct command *const *entry = command_table; *entry; entry++)
        if (!((*entry)->flags & COMMAND_HIDDEN))
            offer(c, "", (*entry)->name, (*entry)->help);
}

/* The values that can be listed: choices out of "md|json" (what is in capitals stands for something else),
 * themes, scenarios. Of anything else the shell knows more: files. */
static void offer_values(const struct completion *c, const struct command_option *option, const char *before)
{
    if (str_eq(option->value, "THEME")) {
        char **themes = asset_list("themes", ".yaml");
        for (size_t i = 0; themes[i]; i++)
            offer(c, before, themes[i], NULL);
        strv_free(themes);
        return;
    }
    for (const struct simulation_scenario *s = simulate_scenarios;
         s->name && str_eq(option->value, "SCENARIO"); s++)
        offer(c, before, s->name, s->help);
    char *copy = xstrdup(option->value), *rest = copy;
    for (char *choice; strchr(option->value, '|') && (choice = strsep(&rest, "|"));)
        if (islower((unsigned char)choice[0]) && !strpbrk(choice, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            offer(c, before, choice, NULL);
    free(copy);
}

static const struct command_option *option_named(const struct command_option *table, const char *word)
{
    if (!str_starts(word, "--"))
        return NULL;
    size_t length = strcspn(word + 2, "=");
    for (; table && table->name; table++)
        if (strlen(table->name) == length && strncmp(table->name, word + 2, length) == 0)
            return table;
    return NULL;
}

static const struct command_option *option_of(const struct completion *c, const char *word)
{
    const struct command_option *own = option_named(c->command->options, word);
    return own ? own : option_named(common_options, word);
}

static bool given_already(const struct completion *c, const struct command_option *option)
{
    for (size_t i = 0; i + 1 < c->count; i++)
        if (option_of(c, c->words[i]) == option)
            return true;
    return false;
}

static void offer_options(const struct completion *c, const struct command_option *table)
{
    for (; table && table->name; table++)
        if (table->repeated || !given_already(c, table))
            offer(c, "--", table->name, table->help);
}

/* `--option VALUE` and `--option=VALUE`. False when the last word is no value. */
static bool complete_value(const struct completion *c)
{
    const struct command_option *here = option_of(c, c->typed);
    const struct command_option *before = c->count > 1 ? option_of(c, c->words[c->count - 2]) : NULL;
    if (here && here->value && strchr(c->typed, '=')) {
        struct str front = {0};
        str_addf(&front, "--%s=", here->name);
        offer_values(c, here, str_text(&front));
        str_fini(&front);
        return true;
    }
    if (before && before->value && !strchr(c->words[c->count - 2], '=')) {
        offer_values(c, before, "");
        return true;
    }
    return false;
}

void command_candidates(struct str *out, size_t count, char *const *words)
{
    struct completion c = {out, count, words, NULL, count > 0 ? words[count - 1] : ""};
    for (size_t i = 0; i + 1 < count; i++)
        if (str_eq(words[i], "--"))
            return; /* text, or a command of the user's own */
    if (count > 1)
        c.command = command_find(words[0]);
    if (!c.command || (c.command->flags & COMMAND_HIDDEN))
        c.command = command_find("console");
    if (complete_value(&c))
        return;
    if (str_starts(c.typed, "-")) {
        offer_options(&c, c.command->options);
        offer_options(&c, common_options);
    } else if (count <= 1 || (count == 2 && str_eq(words[0], "help"))) {
        offer_commands(&c);
    } else if (count == 2 && c.command->words) {
        for (const char *const *word = c.command->words; *word; word++)
            offer(&c, "", *word, NULL);
    }
}

static int complete_run(const struct command_line *line)
{
    struct str text = {0};
    command_candidates(&text, strv_count(line->rest), line->rest);
    fputs(str_text(&text), stdout);
    str_fini(&text);
    return EXIT_DONE;
}

const struct command command_complete = {
    .name = "complete",
    .usage = "-- WORD...",
    .help = "candidates for a shell's completion, one a line",
    .flags = COMMAND_HIDDEN,
    .run = complete_run,
};
