/* Completion behind `:`: the words of the table, then what a command takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/colon.h"
#include "tui/console_state.h"
#include "tui/incident_verbs.h"

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

/* What a verb of an incident takes: its options, the fields and roles that everybody has. */
static void offer_verb(struct console *console, const char *verb, const char *before,
                       const struct candidates *c)
{
    static const char *const roles[] = {"commander", "operations", "communications", "scribe"};
    const struct incident_verb_row *row = incident_verb_find(verb);
    const char *options = row != NULL              ? row->options
                          : str_eq(verb, "open")   ? "severity entity"
                          : str_eq(verb, "update") ? "next"
                                                   : "";
    for (const char *at = options; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        char name[40];
        snprintf(name, sizeof name, "--%.*s", (int)strcspn(at, " "), at);
        offer(c, name);
    }
    for (size_t i = 0; str_ends(before, " role ") && i < sizeof roles / sizeof roles[0]; i++) {
        offer(c, roles[i]);
    }
    for (int i = 0; str_ends(before, " write ") && i < INCIDENT_FIELD_COUNT; i++) {
        offer(c, incident_field_name((enum incident_field)i));
    }
    if (!str_eq(verb, "open")) {
        offer_incidents(console, c);
    }
}

/* "shard docs/shard-5": the kind, then the names of that kind. */
static void offer_entities(struct console *console, const char *typed, const struct candidates *c)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(engine_platform(console->engine), ENTITY_ANY, &count);
    bool kinds = typed[0] == '\0';
    const char *last = "";
    for (size_t i = 0; i < count; i++) {
        const char *kind = entity_kind_text(list[i]->kind);
        size_t length = strlen(kind);
        if (kinds && !str_eq(kind, last)) {
            offer(c, kind);
            last = kind;
        } else if (!kinds && strncmp(typed, kind, length) == 0 && str_eq(typed + length, " ")) {
            offer(c, list[i]->name);
        }
    }
}

static void offer_muted(struct console *console, const char *typed, const struct candidates *c)
{
    const struct mutes *mutes = engine_mutes(console->engine);
    for (size_t i = 0; i < mutes->len; i++) {
        const char *entity = mutes->data[i].entity;
        if (strncmp(entity, typed, strlen(typed)) == 0) {
            char word[256];
            const char *at = entity + strlen(typed);
            snprintf(word, sizeof word, "%.*s", (int)strcspn(at, " "), at);
            offer(c, word);
        }
    }
}

/* Belay's own; then what is to become of it. */
static void offer_breaker(struct console *console, const char *typed, const struct candidates *c)
{
    static const char *const words[] = {"open", "disable", "metrics-only", "auto", "--reason", "--for"};
    size_t count = 0;
    const struct entity *const *list =
        platform_list_by_name(engine_platform(console->engine), ENTITY_BREAKER, &count);
    bool named = strchr(typed, ' ') != NULL;
    for (size_t i = 0; !named && i < count; i++) {
        if (entity_attribute(list[i], "own")[0] != '\0') {
            offer(c, list[i]->name);
        }
    }
    for (size_t i = 0; named && i < sizeof words / sizeof words[0]; i++) {
        offer(c, words[i]);
    }
}

static void offer_values(struct console *console, const struct colon *command, const char *before,
                         const struct candidates *c)
{
    static const char *const export_words[] = {"--format", "-o"};
    static const char *const mode_words[] = {"enter", "leave", "status", "--anyway"};
    if (str_eq(command->name, "runbook run") || str_eq(command->name, "runbook show") ||
        str_eq(command->name, "runbook rehearse")) {
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
    } else if (str_starts(command->name, "incident ")) {
        offer_verb(console, command->name + strlen("incident "), before, c);
    } else if (str_eq(command->name, "mute") || str_eq(command->name, "logs") ||
               str_eq(command->name, "links")) {
        offer_entities(console, before + strlen(command->name) + 1, c);
    } else if (str_eq(command->name, "breaker")) {
        offer_breaker(console, before + strlen(command->name) + 1, c);
    } else if (str_eq(command->name, "unmute")) {
        offer_muted(console, before + strlen(command->name) + 1, c);
    } else if (str_eq(command->name, "safe-mode")) {
        for (size_t i = 0; i < sizeof mode_words / sizeof mode_words[0]; i++) {
            offer(c, mode_words[i]);
        }
    } else if (str_eq(command->name, "handover give")) {
        offer(c, "--to");
    } else if (str_eq(command->name, "note")) {
        offer(c, "--at");
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
    offer_names(console, before, start, &candidates); /* "handover " may go on with "give" */
    if (command != NULL) {
        offer_values(console, command, before, &candidates);
    }
    free(before);
    free(prefix);
    return start;
}
