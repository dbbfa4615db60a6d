/* belay heal: what is wrong by the rules of `heal:`, and what would mend it; and what they say of an error.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

static void say(const char *text)
{
    struct str clean = {0};
    utf8_clean(&clean, text, strlen(text), false);
    puts(str_text(&clean));
    str_fini(&clean);
}

static void say_json(cJSON *object)
{
    char *text = json_print(object);
    puts(text);
    free(text);
    cJSON_Delete(object);
}

/* ---- the cases ---- */

static cJSON *case_json(const struct engine_healing *h)
{
    char since[CLOCK_TEXT_SIZE];
    cJSON *object = cJSON_CreateObject();
    clock_format(h->since_us, since);
    cJSON_AddStringToObject(object, "resource", h->resource);
    cJSON_AddStringToObject(object, "error", h->error);
    cJSON_AddStringToObject(object, "state", h->state);
    cJSON_AddStringToObject(object, "issue", h->issue);
    cJSON_AddStringToObject(object, "fix", h->fix);
    cJSON_AddStringToObject(object, "by", h->by);
    cJSON_AddStringToObject(object, "evidence", h->evidence);
    cJSON_AddNumberToObject(object, "confidence", h->confidence);
    cJSON_AddBoolToObject(object, "automatic", h->automatic);
    json_add_int(object, "attempts", h->attempts);
    json_add_int(object, "run", h->run);
    cJSON_AddStringToObject(object, "since", since);
    return object;
}

static void case_print(const struct engine_healing *h)
{
    char *text = h->fix[0]
                     ? xasprintf("%-9s %s: %s, fix %s (%.0f %% sure, %s)%s", h->state, h->resource, h->issue,
                                 h->fix, 100 * h->confidence, h->by, h->automatic ? ", by itself" : "")
                     : xasprintf("%-9s %s: %s", h->state, h->resource, h->issue);
    say(text);
    free(text);
}

static int list(const struct command_line *line, struct err *e)
{
    struct config *config = session_config(line, e);
    struct loop *loop = config ? loop_new(e) : NULL;
    struct engine_options options = {0};
    struct engine *engine = NULL;
    if (loop) {
        session_engine_options(line, config, &options);
        options.read_only = true;
        engine = engine_open(loop, &options, e);
    }
    while (engine && !engine_listed(engine))
        loop_run_once(loop, US_PER_S);
    struct engine_healing healing;
    size_t count = engine ? engine_healing_count(engine) : 0;
    for (size_t i = 0; i < count && engine_healing_at(engine, i, &healing); i++)
        if (command_has(line, "json"))
            say_json(case_json(&healing));
        else
            case_print(&healing);
    if (engine && count == 0 && !command_has(line, "json") && !command_has(line, "quiet"))
        say(config->heal.enabled == 1 ? "nothing to heal" : "nothing to heal; heal: enabled is false");
    engine_close(engine);
    loop_free(loop);
    config_free(config);
    return e->code ? session_status(e) : EXIT_DONE;
}

/* ---- a diagnosis ---- */

struct asked {
    const struct command_line *line;
    bool done, known;
};

static void on_diagnosed(void *context, const struct heal_diagnosis *d, const char *notes)
{
    struct asked *a = context;
    a->done = true;
    a->known = d != NULL;
    if (notes[0])
        fprintf(stderr, "belay: %s\n", notes);
    if (!d && !command_has(a->line, "json")) {
        say("no diagnoser and no rule knows it");
    } else if (!command_has(a->line, "json")) {
        char *text = xasprintf("%s, %.0f %% sure (%s)\nfix: %s\nevidence: %s", d->issue, 100 * d->confidence,
                               d->by, d->fix, d->evidence);
        struct str clean = {0};
        utf8_clean(&clean, text, strlen(text), true);
        puts(str_text(&clean));
        str_fini(&clean);
        free(text);
    } else {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "issue", d ? d->issue : "");
        cJSON_AddStringToObject(object, "fix", d ? d->fix : "");
        cJSON_AddStringToObject(object, "by", d ? d->by : "");
        cJSON_AddStringToObject(object, "evidence", d ? d->evidence : "");
        cJSON_AddNumberToObject(object, "confidence", d ? d->confidence : 0);
        say_json(object);
    }
}

static int diagnose(const struct command_line *line, struct err *e)
{
    const char *error = command_value(line, "error", NULL);
    struct asked asked = {.line = line};
    if (!error)
        return err_set(e, ERR_USAGE, "diagnose needs --error TEXT"), EXIT_USAGE;
    struct config *config = session_config(line, e);
    struct loop *loop = config ? loop_new(e) : NULL;
    if (loop) {
        engine_diagnose(loop, config, command_value(line, "resource", ""), error, on_diagnosed, &asked);
        while (!asked.done)
            loop_run_once(loop, US_PER_S);
    }
    loop_free(loop);
    config_free(config);
    return e->code ? session_status(e) : asked.known ? EXIT_DONE : EXIT_FELL_SHORT;
}

static int heal_run(const struct command_line *line)
{
    struct err e = {0};
    const char *verb = line->word_count > 0 ? line->words[0] : "list";
    int status = EXIT_USAGE;
    if (line->word_count > 1 || (!str_eq(verb, "list") && !str_eq(verb, "diagnose")))
        err_set(&e, ERR_USAGE, "heal takes one word: list or diagnose");
    else
        status = str_eq(verb, "diagnose") ? diagnose(line, &e) : list(line, &e);
    return e.code ? command_fail(status, &e) : status;
}

static const char *const heal_words[] = {"list", "diagnose", NULL};

static const struct command_option heal_options[] = {
    {"error", "TEXT", "diagnose: what went wrong, in its own words", false},
    {"resource", "NAME", "diagnose: what it happened to, as \"component retriever\"", false},
    {"json", NULL, "one JSON object a line", false},
    {0},
};

const struct command command_heal = {
    .name = "heal",
    .usage = "[list|diagnose --error TEXT]",
    .help = "what is wrong by the rules of heal:, and what would mend it",
    .options = heal_options,
    .words = heal_words,
    .details = "list shows the cases of the journal; nothing is begun by it. diagnose asks the configured\n"
               "diagnosers, then the rules; it ends with 1 when nobody knows.",
    .run = heal_run,
};
