/* belay check: everything that is wrong with a configuration and with runbooks, without touching anything. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/targets/targets.h"
#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/kit/theme.h"

#define CHECK_DEPTH 4

struct checking {
    size_t errors, warnings, files;
    const struct config *config; /* whose policies count; NULL: none */
    bool enters, leaves;         /* its runbooks for safe mode are there */
};

static void report(struct checking *c, bool error, const char *file, int line, int column,
                   const char *message)
{
    struct str text = {0};
    size_t named = strlen(file);
    if (str_starts(message, file) && str_starts(message + named, ": "))
        message += named + 2;
    if (line > 0)
        str_addf(&text, "%s:%d:%d: ", file, line, column > 0 ? column : 1);
    else
        str_addf(&text, "%s: ", file);
    str_addf(&text, "%s%s", error ? "" : "warning: ", message);
    struct str clean = {0};
    utf8_clean(&clean, str_text(&text), text.len, false);
    puts(str_text(&clean));
    str_fini(&clean);
    str_fini(&text);
    *(error ? &c->errors : &c->warnings) += 1;
}

static void check_offers(struct checking *c, const char *path, const struct runbook *book)
{
    for (size_t i = 0; i < book->offers.len; i++) {
        const struct runbook_offer *offer = &book->offers.data[i];
        struct err e = {0};
        struct offer_condition *condition = condition_parse(offer->condition, &e);
        if (!condition)
            report(c, true, path, offer->line, offer->column, e.msg);
        condition_free(condition);
    }
}

/* What can't be read at all: the message may begin with the place, "PATH:LINE: ". */
static void report_unreadable(struct checking *c, const char *path, const char *message)
{
    long line = 0;
    size_t length = strlen(path);
    if (strncmp(message, path, length) == 0 && message[length] == ':') {
        message += length + 1;
        char *end;
        line = strtol(message, &end, 10);
        message = line > 0 && *end == ':' ? end + 1 : message;
        message += strspn(message, " ");
    }
    report(c, true, path, line > 0 && line < INT_MAX ? (int)line : 0, 0, message);
}

/* The files that its steps take their items from. */
static void check_items(struct checking *c, const char *path, const struct runbook *book)
{
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        struct str bytes = {0};
        struct err e = {0};
        if (!s->items)
            continue;
        char *file = runbook_items_path(book, (int)i);
        struct items *items = NULL;
        if (file_read(file, ITEMS_BYTES_MAX, &bytes, &e) == 0)
            items = items_parse(file, str_text(&bytes), bytes.len, &e);
        if (!items)
            report(c, true, path, s->line, 1, e.msg);
        else if ((int64_t)items_count(items) < s->minimum)
            report(c, false, path, s->line, 1, "its items are fewer than its minimum: it will fail");
        items_free(items);
        str_fini(&bytes);
        free(file);
    }
}

/* named: somebody asked for this document, so it is said when nothing in it runs; in a folder it may be a
 * README. */
static void check_runbook(struct checking *c, const char *path, bool named)
{
    struct str bytes = {0};
    struct err e = {0};
    struct runbook *book = NULL;
    c->files++;
    if (file_read(path, RUNBOOK_BYTES_MAX, &bytes, &e) == 0)
        book = runbook_parse(path, str_text(&bytes), bytes.len, &e);
    if (!book) {
        report_unreadable(c, path, e.msg);
    } else {
        runbook_lint_policies(book, c->config);
        for (size_t i = 0; i < book->findings.len; i++) {
            const struct runbook_finding *f = &book->findings.data[i];
            report(c, f->severity == FINDING_ERROR, path, f->line, f->column, f->message);
        }
        if (named && book->walk.len == 0)
            report(c, false, path, 1, 1,
                   "nothing in it runs: no shell block (```sh) and no task (- [ ]) stands there");
        check_offers(c, path, book);
        c->enters |= c->config && str_eq(book->id, c->config->safe_mode.enter);
        c->leaves |= c->config && str_eq(book->id, c->config->safe_mode.leave);
        check_items(c, path, book);
    }
    runbook_free(book);
    str_fini(&bytes);
}

static void check_folder(struct checking *c, const char *path, int depth)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *child = path_join(path, entries[i]->d_name);
        struct stat info;
        if (entries[i]->d_name[0] != '.' && stat(child, &info) == 0) {
            if (S_ISDIR(info.st_mode) && depth > 0)
                check_folder(c, child, depth - 1);
            else if (S_ISREG(info.st_mode) && str_ends(child, ".md"))
                check_runbook(c, child, false);
        }
        free(child);
        free(entries[i]);
    }
    free(entries);
}

static void check_named_folder(struct checking *c, const char *path)
{
    size_t before = c->files;
    check_folder(c, path, CHECK_DEPTH);
    if (c->files == before)
        report(c, false, path, 0, 0, "no document (*.md) is in this folder");
}

static void check_path(struct checking *c, const char *path);

/* What the configuration names and this host should have. */
static void check_names(struct checking *c, const struct config *config, const char *file)
{
    const struct config_place *theme = &config->theme_place, *runbooks = &config->runbooks_place;
    struct theme loaded;
    struct err e = {0};
    if (config->theme && theme_load(&loaded, config->theme, &e) < 0)
        report(c, true, file, theme->line, theme->column, e.msg);
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *s = &config->sources[i];
        char message[400];
        if (!s->ca || access(s->ca, R_OK) == 0)
            continue;
        snprintf(message, sizeof message, "source %s: ca: %.200s can't be read: %s", s->name, s->ca,
                 strerror(errno));
        report(c, false, file, s->line, s->column, message);
    }
    for (char **path = config->runbooks; path && *path; path++) {
        char message[400];
        snprintf(message, sizeof message, "runbooks: there is no %.300s", *path);
        if (access(*path, F_OK) != 0)
            report(c, true, file, runbooks->line, runbooks->column, message);
        else
            check_path(c, *path);
    }
}

static void check_safe_mode(struct checking *c, const struct config *config, const char *file)
{
    const struct config_place *place = &config->safe_mode.place;
    const char *missing = !c->enters ? config->safe_mode.enter : !c->leaves ? config->safe_mode.leave : NULL;
    char message[300];
    if (!config->safe_mode.name || !missing)
        return;
    snprintf(message, sizeof message, "safe_mode: no runbook %.128s is in runbooks:", missing);
    report(c, false, file, place->line, place->column, message);
}

/* The conditions of the healing rules, which only the model can read. */
static void check_healing(struct checking *c, const struct config *config, const char *file)
{
    for (size_t i = 0; i < config->heal.rule_count; i++) {
        const struct config_heal_rule *rule = &config->heal.rules[i];
        struct err e = {0};
        struct offer_condition *condition = rule->when ? condition_parse(rule->when, &e) : NULL;
        char *message = e.code ? xasprintf("heal rule %s: when: %s", rule->name, e.msg) : NULL;
        if (message)
            report(c, true, file, rule->place.line, rule->place.column, message);
        condition_free(condition);
        free(message);
    }
}

static void check_config(struct checking *c, const char *path)
{
    struct config_findings findings = {0};
    struct err e = {0};
    c->files++;
    struct config *config = config_load(path, &findings, &e);
    const char *file = path ? path : config && config->path ? config->path : "belay.yaml";
    if (config) {
        sources_check(config, &findings, &e);
        declared_check(config, &findings);
    } else if (findings.len == 0) {
        report(c, true, file, 0, 0, e.msg);
    }
    for (size_t i = 0; i < findings.len; i++) {
        const struct config_finding *f = &findings.data[i];
        bool here = !f->file || (config && str_eq(f->file, config->path));
        report(c, f->severity == CONFIG_ERROR, here ? file : f->file, f->line, f->column, f->message);
    }
    const struct config *outer = c->config;
    c->config = config;
    c->enters = c->leaves = false;
    if (config) {
        check_names(c, config, file);
        check_safe_mode(c, config, file);
        check_healing(c, config, file);
    }
    c->config = outer;
    config_findings_fini(&findings);
    config_free(config);
}

static void check_path(struct checking *c, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        report(c, true, path, 0, 0, "there is no such file");
    else if (S_ISDIR(info.st_mode))
        check_named_folder(c, path);
    else if (str_ends(path, ".md") || str_ends(path, ".markdown"))
        check_runbook(c, path, true);
    else
        check_config(c, path);
}

static int check_run(const struct command_line *line)
{
    struct checking c = {0};
    if (line->word_count == 0)
        check_config(&c, command_value(line, "config", NULL));
    struct config *config =
        line->word_count ? config_load(command_value(line, "config", NULL), NULL, NULL) : NULL;
    c.config = config; /* what is wrong with it is told when it is checked itself */
    for (size_t i = 0; i < line->word_count; i++)
        check_path(&c, line->words[i]);
    config_free(config);
    if (!command_has(line, "quiet") || c.errors + c.warnings > 0)
        printf("%zu file%s checked: %zu error%s, %zu warning%s\n", c.files, c.files == 1 ? "" : "s", c.errors,
               c.errors == 1 ? "" : "s", c.warnings, c.warnings == 1 ? "" : "s");
    return c.errors ? EXIT_USAGE : c.warnings ? EXIT_FELL_SHORT : EXIT_DONE;
}

const struct command command_check = {
    .name = "check",
    .usage = "[PATH...]",
    .help = "validate a configuration and runbooks: file:line:column: message",
    .details =
        "PATH is a belay.yaml, a runbook (.md) or a folder of runbooks; without one the configuration that\n"
        "belay would use is checked, with its runbooks. Exit status: 0 fine, 1 warnings, 2 errors.",
    .run = check_run,
};
