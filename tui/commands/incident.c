/* belay incident: open, note, close, list, show. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/writing.h"

static char *words_join(const struct command_line *line, size_t from)
{
    struct str text = {0};
    for (size_t i = from; i < line->word_count; i++)
        str_addf(&text, "%s%s", i > from ? " " : "", line->words[i]);
    for (char *const *word = line->rest; word && *word; word++)
        str_addf(&text, "%s%s", text.len ? " " : "", *word);
    return str_take(&text);
}

static const char *actor_name(void)
{
    const struct passwd *entry = getpwuid(getuid());
    return entry ? entry->pw_name : "unknown";
}

static int append(struct journal *journal, struct event_draft *draft, int64_t *incident, struct err *e)
{
    struct journal_result result = {0};
    draft->actor = actor_name();
    int code = journal_append_wait(journal, draft, 1, &result, e);
    if (incident && code == 0 && result.incident)
        *incident = result.incident;
    return code;
}

static int incident_open(const struct command_line *line, struct journal *journal, struct err *e)
{
    char *title = words_join(line, 1);
    int64_t number = 0;
    if (!title[0]) {
        free(title);
        return err_set(e, ERR_USAGE, "an incident needs a title: belay incident open TITLE");
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "title", title);
    cJSON_AddStringToObject(data, "severity", command_value(line, "severity", ""));
    char *text = json_print(data);
    struct event_draft draft = {
        .kind = EVENT_INCIDENT_OPENED, .summary = title, .data = text, .incident = JOURNAL_NEW};
    int code = append(journal, &draft, &number, e);
    if (code == 0)
        printf("INC-%lld\n", (long long)number);
    free(text);
    cJSON_Delete(data);
    free(title);
    return code;
}

static int incident_note(const struct command_line *line, struct journal *journal, struct err *e)
{
    int64_t number = 0;
    char *text = words_join(line, 1);
    int code = text[0] ? session_incident(journal, command_value(line, "incident", NULL), &number, e)
                       : err_set(e, ERR_USAGE, "a note needs a text: belay incident note TEXT");
    struct event_draft draft = {.kind = EVENT_INCIDENT_NOTED, .summary = text, .incident = number};
    if (code == 0)
        code = append(journal, &draft, NULL, e);
    if (code == 0 && !command_has(line, "quiet"))
        printf("noted in INC-%lld\n", (long long)number);
    free(text);
    return code;
}

struct open_runs {
    int64_t *data;
    size_t len, cap;
};

/* A run belongs to the incident from its first acting step on, so any event of it counts. */
static int note_run(const struct event *event, void *data)
{
    struct open_runs *open = data;
    size_t i = 0;
    while (i < open->len && open->data[i] != event->run)
        i++;
    if (event->kind == EVENT_RUN_ENDED && i < open->len)
        vec_remove(open, i);
    else if (event->run && event->kind != EVENT_RUN_ENDED && i == open->len)
        *vec_push(open) = event->run;
    return 0;
}

static int incident_close(const struct command_line *line, struct journal *journal, struct err *e)
{
    int64_t number = 0;
    struct open_runs open = {0};
    struct journal_incident incident;
    const char *word = line->word_count > 1 ? line->words[1] : command_value(line, "incident", NULL);
    if (session_incident(journal, word, &number, e) < 0 ||
        journal_incident(journal, number, &incident, e) < 0 ||
        journal_incident_admits(&incident, EVENT_INCIDENT_CLOSED, e) < 0)
        return e->code;
    struct journal_filter filter = {.incident = number};
    int code = journal_read(journal, 1, JOURNAL_FORWARD, &filter, 0, note_run, &open, e);
    size_t count = open.len;
    vec_fini(&open);
    if (code < 0)
        return code;
    if (count > 0)
        return err_set(e, ERR_BUSY,
                       "INC-%lld has %zu open run%s: finish or stop them first (belay runbook resume)",
                       (long long)number, count, count == 1 ? "" : "s");
    const char *reason = command_value(line, "reason", "closed");
    struct event_draft draft = {
        .kind = EVENT_INCIDENT_CLOSED, .summary = reason, .outcome = "closed", .incident = number};
    code = append(journal, &draft, NULL, e);
    if (code == 0 && !command_has(line, "quiet"))
        printf("INC-%lld closed\n", (long long)number);
    return code;
}

static void print_incident(const struct journal_incident *incident, bool json)
{
    char opened[CLOCK_TEXT_SIZE];
    clock_format(incident->opened_us, opened);
    if (json) {
        cJSON *object = cJSON_CreateObject();
        char *name = xasprintf("INC-%lld", (long long)incident->number);
        cJSON_AddStringToObject(object, "incident", name);
        cJSON_AddStringToObject(object, "state", incident_state_name(incident->state));
        cJSON_AddStringToObject(object, "severity", incident->severity);
        cJSON_AddStringToObject(object, "title", incident->title);
        cJSON_AddStringToObject(object, "opened_by", incident->opened_by);
        cJSON_AddStringToObject(object, "opened", opened);
        json_add_int(object, "notes", incident->notes);
        char *text = json_print(object);
        puts(text);
        free(text);
        free(name);
        cJSON_Delete(object);
        return;
    }
    struct str line = {0}, clean = {0};
    str_addf(&line, "INC-%-5lld %-9s %-5s %.19sZ  %s  %s", (long long)incident->number,
             incident_state_name(incident->state), incident->severity, opened, incident->opened_by,
             incident->title);
    utf8_clean(&clean, str_text(&line), line.len, false);
    puts(str_text(&clean));
    str_fini(&line);
    str_fini(&clean);
}

static int visit_incident(const struct journal_incident *incident, void *data)
{
    print_incident(incident, *(const bool *)data);
    return 0;
}

static int incident_list(const struct command_line *line, struct journal *journal, struct err *e)
{
    bool json = command_has(line, "json");
    return journal_incidents(journal, command_has(line, "open"), 0, visit_incident, &json, e);
}

static int incident_show(const struct command_line *line, struct journal *journal, struct err *e)
{
    int64_t number = 0;
    struct journal_incident incident;
    const char *word = line->word_count > 1 ? line->words[1] : command_value(line, "incident", NULL);
    if (session_incident(journal, word, &number, e) < 0 ||
        journal_incident(journal, number, &incident, e) < 0)
        return e->code;
    print_incident(&incident, command_has(line, "json"));
    return 0;
}

static const struct verb {
    const char *name;
    bool writes;
    int (*run)(const struct command_line *line, struct journal *journal, struct err *e);
} verbs[] = {
    {"open", true, incident_open},  {"note", true, incident_note},  {"close", true, incident_close},
    {"list", false, incident_list}, {"show", false, incident_show},
};

static void run_writing(const struct verb *verb, const struct command_line *line, struct err *e)
{
    struct writing *writing = writing_open(line, e);
    if (writing)
        verb->run(line, writing_journal(writing), e);
    writing_close(writing);
}

static void run_reading(const struct verb *verb, const struct command_line *line, struct err *e)
{
    struct journal *journal = session_journal(line, false, e);
    if (journal)
        verb->run(line, journal, e);
    journal_close(journal);
}

static int incident_run(const struct command_line *line)
{
    struct err e = {0};
    const struct verb *verb = NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (line->word_count > 0 && str_eq(verbs[i].name, line->words[0]))
            verb = &verbs[i];
    if (!verb)
        err_set(&e, ERR_USAGE, "belay incident needs one of: open, note, close, list, show");
    else if (verb->writes && command_has(line, "read-only"))
        err_set(&e, ERR_USAGE,
                "incident %s writes to the journal and --read-only is set: leave one of them out",
                verb->name);
    if (e.code)
        return command_fail(EXIT_USAGE, &e);
    if (verb->writes)
        run_writing(verb, line, &e);
    else
        run_reading(verb, line, &e);
    return e.code ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT, &e) : EXIT_DONE;
}

static const char *const incident_words[] = {"open", "note", "close", "list", "show", NULL};

static const struct command_option incident_options[] = {
    {"incident", "ID", "which one (INC-7); the newest open one otherwise", false},
    {"severity", "SEV", "of a new one: SEV1, SEV2 ...", false},
    {"reason", "TEXT", "why it is closed", false},
    {"open", NULL, "list: only those that are open or mitigated", false},
    {"json", NULL, "list, show: one JSON object a line", false},
    {0},
};

const struct command command_incident = {
    .name = "incident",
    .usage = "open TITLE | note TEXT | close [ID] | list | show [ID]",
    .help = "open, annotate, close and list incidents",
    .options = incident_options,
    .words = incident_words,
    .run = incident_run,
};
