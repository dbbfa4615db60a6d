/* Completion behind `:`: the words of the table, then what a command takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/colon.h"
#include "tui/console_state.h"

struct candidates {
    const char *prefix;
    size_t length;
    void (*add)(void *list, const char *candidate);
    void *list;
};

static void offer(const struct candidates *c, const char *word)
{
    if (strncmp(word, c->prefix, c->length) == 0) {
        c->add(c->list, word);
    }
}

/* The words of the table and of the panels that the line may go on with: word by word, so "incident" comes
 * first. */
static void offer_names(struct console *console, const char *line, size_t start, const struct candidates *c)
{
    char last[64] = "";
    for (size_t i = 0; colon_table[i].name != NULL; i++) {
        const char *name = colon_table[i].name;
        if (strncmp(name, line, start) != 0 || strlen(name) < start) {
            continue;
        }
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(name + start, " "), name + start);
        if (!str_eq(word, last) && word[0] != '\0') {
            offer(c, word);
        }
        snprintf(last, sizeof last, "%s", word);
    }
    for (size_t i = 0; start == 0 && i < console->panel_count; i++) {
        if (console->panels[i].panel->key != NULL) {
            offer(c, console->panels[i].panel->name);
        }
    }
}

static void offer_runbooks(struct console *console, const struct candidates *c)
{
    for (size_t i = 0; i < engine_runbook_count(console->engine); i++) {
        struct engine_runbook view;
        engine_runbook_at(console->engine, i, &view);
        if (view.book != NULL) {
            offer(c, view.book->id);
        }
    }
}

static void offer_runs(struct console *console, const struct candidates *c)
{
    for (size_t i = 0; i < engine_run_count(console->engine); i++) {
        struct engine_run run;
        char id[24];
        if (engine_run_at(console->engine, i, &run)) {
            snprintf(id, sizeof id, "%lld", (long long)run.id);
            offer(c, id);
        }
    }
}

static void offer_incidents(struct console *console, const struct candidates *c)
{
    for (size_t i = 0; i < engine_incident_count(console->engine); i++) {
        struct journal_incident incident;
        char name[32];
        if (engine_incident_at(console->engine, i, &incident)) {
            snprintf(name, sizeof name, "INC-%lld", (long long)incident.number);
            offer(c, name);
        }
    }
}

static void offer_themes(const struct candidates *c)
{
    char **names = asset_list("themes", ".yaml");
    for (size_t i = 0; names[i] != NULL; i++) {
        offer(c, names[i]);
    }
    strv_free(names);
}

static void offer_values(struct console *console, const struct colon *command, const char *before,
                         const struct candidates *c)
{
    static const char *const export_words[] = {"--format", "-o"};
    if (str_eq(command->name, "runbook run") || str_eq(command->name, "runbook show")) {
        offer_runbooks(console, c);
    } else if (str_eq(command->name, "runbook resume")) {
        offer_runs(console, c);
    } else if (str_eq(command->name, "theme")) {
        offer_themes(c);
    } else if (str_ends(before, "--format ")) {
        offer(c, "md");
        offer(c, "json");
    } else if (str_eq(command->name, "export")) {
        offer_incidents(console, c);
        offer(c, export_words[0]);
        offer(c, export_words[1]);
    } else if (str_starts(command->name, "incident ") && !str_eq(command->name, "incident open")) {
        offer_incidents(console, c);
    }
}

size_t colon_complete(void *data, const char *text, size_t cursor,
                      void (*add)(void *list, const char *candidate), void *list)
{
    struct console *console = data;
    size_t start = cursor;
    while (start > 0 && text[start - 1] != ' ') {
        start--;
    }
    char *before = xstrndup(text, start);
    char *prefix = xstrndup(text + start, cursor - start);
    struct candidates candidates = {prefix, strlen(prefix), add, list};
    const char *rest;
    const struct colon *command = colon_find(before, &rest);
    if (command != NULL) {
        offer_values(console, command, before, &candidates);
    } else {
        offer_names(console, before, start, &candidates);
    }
    free(before);
    free(prefix);
    return start;
}
