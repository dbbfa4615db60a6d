/* belay breaker: belay's own breakers of this host, and overriding one by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/targets/targets.h"
#include "tui/breaker_words.h"
#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/writing.h"

static void print_json(const struct target_view *v)
{
    char at[CLOCK_TEXT_SIZE];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", v->name);
    cJSON_AddStringToObject(object, "state", breaker_state_text(v->state));
    clock_format(v->since_wall_us, at);
    cJSON_AddStringToObject(object, "since", at);
    if (v->state == BREAKER_OPEN && v->due_ms >= 0)
        json_add_int(object, "due_ms", v->due_ms);
    json_add_int(object, "calls", (int64_t)v->counts.admitted);
    json_add_int(object, "not_permitted", (int64_t)v->counts.refused);
    json_add_int(object, "failed", (int64_t)v->counts.failed);
    json_add_int(object, "trips", (int64_t)v->counts.trips);
    if (v->hand.actor[0]) {
        cJSON_AddStringToObject(object, "by", v->hand.actor);
        cJSON_AddStringToObject(object, "reason", v->hand.reason);
    }
    if (v->hand.until_wall_us) {
        clock_format(v->hand.until_wall_us, at);
        cJSON_AddStringToObject(object, "until", at);
    }
    if (v->last_error[0])
        cJSON_AddStringToObject(object, "error", v->last_error);
    char *line = json_print(object);
    puts(line);
    free(line);
    cJSON_Delete(object);
}

static void print_text(const struct target_view *v)
{
    char age[DURATION_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    struct str text = {0}, clean = {0};
    duration_format(clock_wall_us() - v->since_wall_us, age);
    str_addf(&text, "%-24s %-12s %5s  calls %llu  failed %llu  refused %llu  trips %llu", v->name,
             breaker_state_text(v->state), age, (unsigned long long)v->counts.admitted,
             (unsigned long long)v->counts.failed, (unsigned long long)v->counts.refused,
             (unsigned long long)v->counts.trips);
    if (v->state == BREAKER_OPEN && v->due_ms >= 0) {
        duration_format(v->due_ms * US_PER_MS, age);
        str_addf(&text, "  probe in %s", age);
    }
    if (v->hand.actor[0]) {
        clock_format(v->hand.until_wall_us, until);
        str_addf(&text, "  by %s%s%.16s%s: %s", v->hand.actor, v->hand.until_wall_us ? " until " : "",
                 v->hand.until_wall_us ? until : "", v->hand.until_wall_us ? "Z" : "", v->hand.reason);
    } else if (v->state != BREAKER_CLOSED && v->last_error[0]) {
        str_addf(&text, "  %s", v->last_error);
    }
    utf8_clean(&clean, str_text(&text), text.len, false);
    puts(str_text(&clean));
    str_fini(&text);
    str_fini(&clean);
}

static int list(const struct command_line *line, const struct config *config, struct err *e)
{
    struct target_view *views = NULL;
    size_t count = 0;
    int code = engine_targets_read(config, &views, &count, e);
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (views[i].has_breaker && command_has(line, "json"))
            print_json(&views[i]);
        else if (views[i].has_breaker)
            print_text(&views[i]);
    }
    free(views);
    return code;
}

/* It was journaled, and then it could not be done: the journal doesn't leave it standing. */
static void take_back(struct journal *journal, const char *name, const char *message)
{
    struct event_draft draft;
    struct draft_texts texts = {0};
    char *why = xasprintf("it could not be done: %s", message);
    override_draft(name, NULL, clock_wall_us(), 0, why, 0, &draft, &texts, NULL);
    draft.actor = session_actor();
    journal_append_wait(journal, &draft, 1, NULL, NULL);
    draft_texts_fini(&texts);
    free(why);
}

/* Journaled first, as everything is that a person does. */
static int override(const struct command_line *line, const struct config *config,
                    const struct breaker_words *b, struct err *e)
{
    struct event_draft draft;
    struct draft_texts texts = {0};
    int64_t incident = 0;
    int code = engine_breaker_known(config, b->name, e);
    struct writing *writing = code == 0 ? writing_open(line, e) : NULL;
    struct journal *journal = writing ? writing_journal(writing) : NULL;
    if (code == 0)
        code = journal ? journal_incident_current(journal, false, &incident, e) : e->code;
    if (code == 0)
        code = override_draft(b->name, b->state, clock_wall_us(), b->until_us, b->reason, incident, &draft,
                              &texts, e);
    draft.actor = session_actor();
    if (code == 0)
        code = journal_append_wait(journal, &draft, 1, NULL, e);
    if (code == 0) {
        code = engine_breaker_override(config, b->name, b->state, session_actor(), b->reason, b->until_us, e);
        if (code < 0 && b->state)
            take_back(journal, b->name, e->msg);
    }
    if (code == 0 && !command_has(line, "quiet")) {
        struct str clean = {0};
        utf8_clean(&clean, texts.summary, strlen(texts.summary), false);
        puts(str_text(&clean));
        str_fini(&clean);
    }
    draft_texts_fini(&texts);
    writing_close(writing);
    return code;
}

static int breaker_run(const struct command_line *line)
{
    struct err e = {0};
    struct words w = {0};
    struct breaker_words b;
    struct config *config = session_config(line, &e);
    if (config && words_from_line(&w, line, 0, &e) == 0 &&
        breaker_words_read(&w, clock_wall_us(), &b, &e) == 0) {
        if (!b.name)
            list(line, config, &e);
        else if (session_writes(line, "breaker", &e) == 0)
            override(line, config, &b, &e);
    }
    config_free(config);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

const struct command command_breaker = {
    .name = "breaker",
    .usage = "[list | NAME open|disable|metrics-only|auto --reason TEXT [--for 30m]]",
    .help = "override a breaker of belay's own by hand, and take it back; alone: what there is",
    .options = breaker_options,
    .details = "belay breaker pay-api open --reason 'their maintenance' --for 2h\n"
               "belay breaker pay-api auto\n"
               "open refuses every call, disable lets every call through, metrics-only counts too but never\n"
               "trips. Breakers that are read from a source are overridden there.\n",
    .run = breaker_run,
};
