/* belay incident: open, list, show, and the verbs of the table that the console shares. */
#include "tui/commands/incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/pass.h"
#include "tui/commands/writing.h"

int incident_append(struct journal *journal, const struct command_line *line, struct event_draft *draft,
                    int64_t *incident, struct err *e)
{
    struct journal_result result = {0};
    draft->actor = session_actor();
    (void)line;
    int code = journal_append_wait(journal, draft, 1, &result, e);
    if (incident && code == 0 && result.incident)
        *incident = result.incident;
    return code;
}

static int incident_open(const struct command_line *line, const struct words *w, struct journal *journal,
                         struct err *e)
{
    char *title = words_join(w, 0);
    int64_t number = 0;
    if (!title[0]) {
        free(title);
        return err_set(e, ERR_USAGE, "an incident needs a title: belay incident open TITLE");
    }
    char severity[SEVERITY_SIZE] = "";
    if (words_has(w, "severity") &&
        severity_parse(words_value(w, "severity", ""), severity, e) < 0) {
        free(title);
        return e->code;
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "title", title);
    cJSON_AddStringToObject(data, "severity", severity);
    if (words_has(w, "entity"))
        cJSON_AddStringToObject(data, "entity", words_value(w, "entity", ""));
    char *text = json_print(data);
    struct event_draft draft = {
        .kind = EVENT_INCIDENT_OPENED, .summary = title, .data = text, .incident = JOURNAL_NEW};
    int code = incident_append(journal, line, &draft, &number, e);
    if (code == 0)
        printf("INC-%lld\n", (long long)number);
    free(text);
    cJSON_Delete(data);
    free(title);
    return code;
}

/* ---- the verbs of the table ------------------------------------------------------------------------------
 */

/* What would be left behind is shown, and whoever closes it types its name and why. */
static int ask_to_leave(struct incident_call *call, struct journal *journal, struct err *e)
{
    struct leftovers left;
    char typed[1024], name[32];
    int code = leftovers_read(journal, call->incident, clock_wall_us(), &left, e);
    char **asking = code == 0 ? leftovers_asking(&left) : NULL;
    bool runs = leftovers_of(&left, LEFTOVER_RUN) > 0;
    leftovers_fini(&left);
    if (code < 0 || runs || !asking) {
        strv_free(asking); /* nothing to ask about, or it is refused anyway */
        return code;
    }
    snprintf(name, sizeof name, "INC-%lld", (long long)call->incident);
    fprintf(stderr, "%s leaves behind:\n", name);
    for (char **text = asking; *text; text++)
        fprintf(stderr, "  %s\n", *text);
    strv_free(asking);
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return err_set(e, ERR_DENIED,
                       "%s is not closed: clear that first, or close it with --yes-with REASON", name);
    fprintf(stderr, "Type %s and why it is closed all the same: ", name);
    if (!fgets(typed, sizeof typed, stdin))
        typed[0] = '\0';
    typed[strcspn(typed, "\r\n")] = '\0';
    size_t length = strlen(name);
    const char *reason =
        typed + length + strspn(typed + (strlen(typed) < length ? strlen(typed) : length), " :,");
    if (strncmp(typed, name, length) != 0 || strlen(typed) <= length || !*reason)
        return err_set(e, ERR_CANCELLED, "%s is not closed", name);
    char *copy = xstrdup(reason);
    *vec_push(&call->owned) = copy;
    call->changes[0].text = copy;
    call->accept_left = true;
    return 0;
}

static int decide(const struct command_line *line, const struct incident_call *call, size_t index,
                  struct journal *journal, struct err *e)
{
    struct event_draft draft;
    struct draft_texts texts;
    const struct incident_change *change = &call->changes[index];
    int code = incident_decide(journal, call->incident, change, call->accept_left, clock_wall_us(), &draft,
                               &texts, e);
    if (code == 0)
        code = incident_append(journal, line, &draft, NULL, e);
    if (code == 0 && !command_has(line, "quiet")) {
        struct str clean = {0};
        if (change->verb == INCIDENT_NOTE)
            incident_noted_text(call->incident, change->said_us, clock_wall_us(), &clean);
        else {
            str_addf(&clean, "INC-%lld ", (long long)call->incident);
            const char *said = draft.outcome ? draft.outcome : draft.summary;
            utf8_clean(&clean, said, strlen(said), false);
        }
        puts(str_text(&clean));
        str_fini(&clean);
    }
    draft_texts_fini(&texts);
    return code;
}

static int run_verb(const struct command_line *line, const struct incident_verb_row *verb,
                    const struct words *w, struct journal *journal, struct err *e)
{
    struct incident_call call;
    char *name = NULL;
    int code = incident_call_build(&call, verb, w, clock_wall_us(), e);
    if (code == 0 && call.incident)
        name = xasprintf("%lld", (long long)call.incident);
    if (code == 0)
        code = session_incident(journal, name, &call.incident, e);
    if (code == 0 && call.count == 0)
        code = incident_edit(&call, journal, e);
    if (code == 0 && call.changes[0].verb == INCIDENT_CLOSE && !call.accept_left)
        code = ask_to_leave(&call, journal, e);
    for (size_t i = 0; code == 0 && i < call.count; i++)
        code = decide(line, &call, i, journal, e);
    incident_call_fini(&call);
    free(name);
    return code;
}

/* ---- reading ---------------------------------------------------------------------------------------------
 */

static int incident_list(const struct command_line *line, const struct words *w, struct journal *journal,
                         struct err *e)
{
    (void)line;
    return incident_print_list(journal, words_has(w, "open"), words_has(w, "json"), e);
}

static int incident_show(const struct command_line *line, const struct words *w, struct journal *journal,
                         struct err *e)
{
    int64_t number = 0;
    (void)line;
    if (session_incident(journal, w->count > 0 ? w->words[0] : words_value(w, "incident", NULL), &number, e) <
        0)
        return e->code;
    return incident_print(journal, number, words_has(w, "json"), e);
}

/* The text that `u` shows in the console. */
static int incident_update(const struct command_line *line, const struct words *w, struct journal *journal,
                           struct err *e)
{
    int64_t number = 0, next_us = UPDATE_NEXT_US, now_us = clock_wall_us();
    struct incident_file file = {0};
    struct leftovers left = {0};
    struct pass pass = {0};
    struct str text = {0};
    char **doing = NULL;
    const char *next = words_value(w, "next", NULL);
    struct config *config = NULL;
    if ((next && duration_parse(next, &next_us, e) < 0) ||
        session_incident(journal, w->count > 0 ? w->words[0] : words_value(w, "incident", NULL), &number, e) <
            0 ||
        incident_file_read(journal, number, &file, e) < 0 ||
        leftovers_read(journal, number, now_us, &left, e) < 0)
        goto out;
    config = session_config(line, e);
    if (!config || (config->source_count > 0 && pass_run(&pass, config, journal, e) < 0))
        goto out;
    for (size_t i = 0; i < left.len; i++)
        if (left.data[i].kind == LEFTOVER_RUN)
            strv_add(&doing, left.data[i].text);
    struct engine_update update = {.incident = &file.incident,
                                   .platform = pass.platform,
                                   .doing = doing,
                                   .now_us = now_us,
                                   .next_us = now_us + next_us};
    update_text(&update, &text);
    fputs(str_text(&text), stdout);
out:
    str_fini(&text);
    strv_free(doing);
    pass_fini(&pass);
    config_free(config);
    leftovers_fini(&left);
    incident_file_fini(&file);
    return e->code;
}

static const struct own_verb {
    const char *name, *options;
    bool writes;
    int (*run)(const struct command_line *line, const struct words *w, struct journal *journal,
               struct err *e);
} own_verbs[] = {
    {"open", "severity entity", true, incident_open},
    {"list", "open json", false, incident_list},
    {"show", "json", false, incident_show},
    {"update", "next", false, incident_update},
};

static int refuse_verb(struct err *e)
{
    struct str names = {0};
    for (const char *const *word = incident_words; *word; word++)
        str_addf(&names, "%s%s", word == incident_words ? "" : ", ", *word);
    err_set(e, ERR_USAGE, "belay incident needs one of: %s", str_text(&names));
    str_fini(&names);
    return e->code;
}

static int check(const struct command_line *line, const struct own_verb *own,
                 const struct incident_verb_row *shared, struct err *e)
{
    const char *name = line->word_count > 0 ? line->words[0] : NULL;
    if (!own && !shared)
        return refuse_verb(e);
    if ((shared || own->writes) && command_has(line, "read-only"))
        return err_set(e, ERR_USAGE,
                       "incident %s writes to the journal and --read-only is set: leave one of them out",
                       name);
    return shared && shared->moves ? session_acts(line, name, e) : 0;
}

static int incident_run(const struct command_line *line)
{
    struct err e = {0};
    struct words w;
    const char *name = line->word_count > 0 ? line->words[0] : NULL;
    const struct incident_verb_row *shared = name ? incident_verb_find(name) : NULL;
    const struct own_verb *own = NULL;
    for (size_t i = 0; i < sizeof own_verbs / sizeof own_verbs[0]; i++)
        if (str_eq(own_verbs[i].name, name))
            own = &own_verbs[i];
    if (check(line, own, shared, &e) < 0 || words_from_line(&w, line, 1, &e) < 0 ||
        (own && incident_options_check(&w, own->name, own->options, &e) < 0))
        return command_fail(EXIT_USAGE, &e);
    struct writing *writing = shared || own->writes ? writing_open(line, &e) : NULL;
    struct journal *journal = e.code    ? NULL
                              : writing ? writing_journal(writing)
                                        : session_journal(line, false, &e);
    if (journal && shared)
        run_verb(line, shared, &w, journal, &e);
    else if (journal)
        own->run(line, &w, journal, &e);
    if (!writing)
        journal_close(journal);
    writing_close(writing);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

const char *const incident_words[] = {"open",   "list",  "show",     "update",  "note",   "role",  "severity",
                                      "action", "write", "mitigate", "resolve", "review", "close", NULL};

static const char incident_details[] =
    "  open [--severity SEV] [--entity ENTITY] TITLE\n"
    "  note [ID] [--at TIME] TEXT\n"
    "  role [ID] ROLE PERSON\n"
    "  severity [ID] SEV [REASON]\n"
    "  action [ID] TEXT [--owner NAME] [--due DATE] [--ticket ID] [--test TEXT]\n"
    "  action [ID] N [--done | --dropped REASON | --reopen | --owner NAME ...]\n"
    "  write [ID] [FIELD TEXT] [--field NAME=TEXT] [--file NAME=PATH]    alone: in $EDITOR\n"
    "  mitigate, resolve, review [ID] [REASON]\n"
    "  close [ID] [REASON] [--yes-with REASON]\n"
    "  list [--open] [--json], show [ID] [--json], update [ID] [--next DURATION]\n"
    "Fields: summary, impact, root-cause, detection, went-well, went-badly, lucky, runbook-changes, "
    "notified.\n";

const struct command command_incident = {
    .name = "incident",
    .usage = "VERB [ID] ...",
    .help = "open, annotate, write up, move on and close incidents",
    .options = incident_options,
    .words = incident_words,
    .details = incident_details,
    .run = incident_run,
};
