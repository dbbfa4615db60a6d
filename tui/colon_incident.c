/* Behind `:`: incidents, mutes, shifts. Words and options are those of the subcommands of the same names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/colon.h"
#include "tui/console_state.h"
#include "tui/foreground.h"
#include "tui/incident_verbs.h"
#include "tui/mute_words.h"

/* An answer of the engine that may come after the console has gone. */
struct late {
    struct console_link *link;
    int64_t incident;
    char *reason;
};

static struct late *late_new(struct console *console, int64_t incident, const char *reason)
{
    struct late *late = xcalloc(1, sizeof *late);
    *late = (struct late){console->link, incident, xstrdup(reason)};
    console->link->users++;
    return late;
}

/* NULL when it has gone. */
static struct console *late_console(struct late *late)
{
    struct console *console = late->link->console;
    return console != NULL && !console->quitting ? console : NULL;
}

static void late_free(struct late *late)
{
    if (--late->link->users == 0) {
        free(late->link);
    }
    free(late->reason);
    free(late);
}

/* ---- submitting ---- */

static void submit_change(struct console *console, int64_t incident, const struct incident_change *change,
                          bool accept_left)
{
    bool moves = change->verb >= INCIDENT_MITIGATE;
    struct engine_request request = {.kind = moves ? REQUEST_INCIDENT_MOVE : REQUEST_INCIDENT,
                                     .incident = incident,
                                     .change = change,
                                     .accept_left = accept_left};
    console_submit(console, &request, 0, NULL);
}

/* ---- closing: what is left over asks ---- */

static void close_answer(struct console *console, void *context, const char *text, bool accepted)
{
    const int64_t *incident = context;
    char name[32];
    snprintf(name, sizeof name, "INC-%lld", (long long)*incident);
    size_t length = strlen(name);
    const char *reason = strncmp(text, name, length) == 0 ? text + length + strspn(text + length, " :,") : "";
    if (str_eq(console_top(console)->type->name, "sheet")) {
        console_pop(console);
    }
    if (!accepted || *reason == '\0' || text[length] == '\0' || strchr(" :,", text[length]) == NULL) {
        console_say(console, SAY_INFO, "%s is not closed", name);
        return;
    }
    struct incident_change change = {.verb = INCIDENT_CLOSE, .text = reason};
    submit_change(console, *incident, &change, true);
}

static void ask_to_leave(struct console *console, int64_t incident, char *const *left)
{
    struct str text = {0}, prompt = {0};
    char title[64];
    for (; *left != NULL; left++) {
        str_addf(&text, "%s\n", *left);
    }
    str_add(&text, "\nIt is recorded as left over, with your reason.\n");
    snprintf(title, sizeof title, "Closing INC-%lld leaves behind", (long long)incident);
    page_open_sheet(console, title, NULL, str_text(&text));
    int64_t *context = xmalloc(sizeof *context);
    *context = incident;
    str_addf(&prompt,
             "Type INC-%lld and why it is closed all the same, Esc leaves it open:", (long long)incident);
    console_ask(console, str_text(&prompt), true, close_answer, context);
    str_fini(&text);
    str_fini(&prompt);
}

static void left_known(void *context, const struct err *e, const char *text, char *const *left)
{
    struct late *late = context;
    struct console *console = late_console(late);
    (void)text;
    if (console != NULL) {
        struct incident_change change = {.verb = INCIDENT_CLOSE, .text = late->reason};
        if (e == NULL && left != NULL) {
            ask_to_leave(console, late->incident, left);
        } else {
            submit_change(console, late->incident, &change,
                          false); /* which says what is wrong, if anything */
        }
        console->dirty = true;
        loop_timer_start(console->frame_timer, 0, 0);
    }
    late_free(late);
}

static bool run_open(struct console *console, int64_t incident)
{
    for (size_t i = 0; i < engine_run_count(console->engine); i++) {
        struct engine_run run;
        if (engine_run_at(console->engine, i, &run) && run.incident == incident && !run.ended &&
            !run.rehearsed) {
            return true;
        }
    }
    return false;
}

static void close_incident(struct console *console, const struct incident_call *call)
{
    int64_t incident = call->incident != 0 ? call->incident : engine_focused_incident(console->engine);
    if (incident == 0 || call->accept_left || run_open(console, incident)) {
        submit_change(console, incident, &call->changes[0], call->accept_left);
        return;
    }
    engine_leftovers_read(console->engine, incident, left_known,
                          late_new(console, incident, call->changes[0].text));
}

/* ---- writing in an editor ---- */

struct editing {
    int64_t incident;
    char path[]; /* freed as a whole */
};

static void edited(struct console *console, void *context, int status)
{
    const struct editing *editing = context;
    struct incident_file file = {0};
    struct incident_call call = {0};
    struct str text = {0};
    struct err e = {0};
    bool well = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!well) {
        err_set(&e, ERR_CANCELLED, "the editor did not end well: nothing is written");
    } else if (file_read(editing->path, INCIDENT_TEXT_MAX * INCIDENT_FIELD_COUNT, &text, &e) == 0 &&
               incident_file_read(engine_journal(console->engine), editing->incident, &file, &e) == 0) {
        incident_text_read(&file, str_text(&text), text.len, &call, &e);
    }
    for (size_t i = 0; e.code == 0 && i < call.count; i++) {
        submit_change(console, editing->incident, &call.changes[i], false);
    }
    if (e.code != 0 || call.count == 0) {
        console_say(console, e.code != 0 ? SAY_BAD : SAY_INFO, "%s",
                    e.code != 0 ? e.msg : "nothing was changed");
    }
    unlink(editing->path);
    incident_call_fini(&call);
    incident_file_fini(&file);
    str_fini(&text);
}

static void edit(struct console *console, int64_t incident, struct err *e)
{
    struct incident_file file = {0};
    struct str text = {0};
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (incident == 0) {
        incident = engine_focused_incident(console->engine);
    }
    if (engine_journal(console->engine) == NULL || incident == 0) {
        err_set(e, ERR_NOT_FOUND, "no incident is open: :incident open TITLE opens one");
        return;
    }
    char *path = xasprintf("%s/belay-INC-%lld-%d.md", runtime != NULL && *runtime != '\0' ? runtime : "/tmp",
                           (long long)incident, (int)getpid());
    struct editing *editing = xcalloc(1, sizeof *editing + strlen(path) + 1);
    editing->incident = incident;
    strcpy(editing->path, path);
    if (incident_file_read(engine_journal(console->engine), incident, &file, e) == 0) {
        incident_text_write(&file, &text);
        char **argv = incident_editor(path);
        if (file_write_atomic(path, str_text(&text), text.len, 0600, e) == 0 &&
            foreground_start(console, argv, NULL, -1, edited, editing, e) == 0) {
            editing = NULL; /* the program's, until it ends */
        }
        strv_free(argv);
    }
    free(editing);
    free(path);
    incident_file_fini(&file);
    str_fini(&text);
}

/* ---- the verbs of the shared table ---- */

/* The console has no standard input to give: its keys come from there. */
static int stdin_refuse(const struct words *w, struct err *e)
{
    for (size_t i = 0; i < w->given_count; i++)
        if (str_eq(w->given[i].name, "file") && w->given[i].value && str_ends(w->given[i].value, "=-"))
            return err_set(e, ERR_USAGE, "- is for belay incident write in a shell: name a file here");
    return 0;
}

static void run_verb(struct console *console, const char *name, char *const *words, struct err *e)
{
    struct words w;
    struct incident_call call = {0};
    if (words_parse(&w, words, incident_options, e) == 0 && stdin_refuse(&w, e) == 0 &&
        incident_call_build(&call, incident_verb_find(name), &w, console->wall_us(), e) == 0) {
        if (call.count == 0) {
            edit(console, call.incident, e);
        } else if (call.changes[0].verb == INCIDENT_CLOSE) {
            close_incident(console, &call);
        } else {
            for (size_t i = 0; i < call.count; i++) {
                submit_change(console, call.incident, &call.changes[i], false);
            }
        }
    }
    incident_call_fini(&call);
}

#define VERB(verb)                                                                                           \
    void colon_incident_##verb(struct console *console, const char *rest, char *const *words, struct err *e) \
    {                                                                                                        \
        (void)rest;                                                                                          \
        run_verb(console, #verb, words, e);                                                                  \
    }
VERB(role)
VERB(severity)
VERB(action)
VERB(write)
VERB(mitigate)
VERB(resolve)
VERB(review)
VERB(close)

void colon_incident_note(struct console *console, const char *rest, char *const *words, struct err *e)
{
    if (rest[0] == '\0') {
        prompt_note(console);
    } else {
        run_verb(console, "note", words, e);
    }
}

void colon_incident_open(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct words w;
    if (words_parse(&w, words, incident_options, e) < 0 ||
        incident_options_check(&w, "open", "severity entity", e) < 0) {
        return;
    }
    char *title = words_join(&w, 0);
    struct engine_request request = {.kind = REQUEST_INCIDENT_OPEN,
                                     .text = title,
                                     .severity = words_value(&w, "severity", NULL),
                                     .entity = words_value(&w, "entity", NULL)};
    if (title[0] == '\0') {
        err_set(e, ERR_USAGE, "give it a title: :incident open customers see empty answers");
    } else {
        console_submit(console, &request, 0, NULL);
    }
    free(title);
}

static int64_t incident_of(const struct words *w, struct err *e)
{
    int64_t number = 0;
    const char *name = words_value(w, "incident", w->count > 0 ? w->words[0] : NULL);
    if (name != NULL) {
        incident_number_parse(name, &number, e);
    }
    return number;
}

void colon_incident_update(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct words w;
    int64_t next_us = UPDATE_NEXT_US;
    if (words_parse(&w, words, incident_options, e) < 0 ||
        incident_options_check(&w, "update", "next", e) < 0 ||
        (words_has(&w, "next") && duration_parse(words_value(&w, "next", ""), &next_us, e) < 0)) {
        return;
    }
    int64_t incident = incident_of(&w, e);
    if (e->code == 0) {
        page_open_update(console, incident, next_us);
    }
}

void colon_incident_show(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct words w;
    struct incident_file file = {0};
    struct str text = {0};
    if (words_parse(&w, words, incident_options, e) < 0 || incident_options_check(&w, "show", "", e) < 0) {
        return;
    }
    int64_t incident = incident_of(&w, e);
    if (incident == 0) {
        incident = engine_focused_incident(console->engine);
    }
    if (e->code == 0 && (incident == 0 || engine_journal(console->engine) == NULL)) {
        err_set(e, ERR_NOT_FOUND, "no incident is open: :incident show INC-7 names one");
    } else if (e->code == 0 && incident_file_read(engine_journal(console->engine), incident, &file, e) == 0) {
        incident_sheet(&file, &text);
        page_open_sheet(console, "Incident", ":incident role, action, write ... change it", str_text(&text));
    }
    incident_file_fini(&file);
    str_fini(&text);
}

/* ---- mutes ---- */

void colon_mute(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    struct mute_words mute;
    struct engine_request request = {.kind = REQUEST_MUTE};
    if (rest[0] == '\0' || str_eq(rest, "list")) {
        page_open_mutes(console);
        return;
    }
    if (mute_words_parse(&mute, rest, console->wall_us(), e) == 0) {
        request.entity = mute.entity;
        request.until_us = mute.until_us;
        request.text = mute.reason;
        console_submit(console, &request, 0, NULL);
    }
    mute_words_fini(&mute);
}

void colon_unmute(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    struct engine_request request = {.kind = REQUEST_MUTE, .entity = rest};
    if (mutes_find(engine_mutes(console->engine), rest, console->wall_us()) == NULL) {
        err_set(e, ERR_NOT_FOUND, "%s is not muted (:mute lists what is)", rest[0] != '\0' ? rest : "that");
        return;
    }
    console_submit(console, &request, 0, NULL);
}

/* ---- shifts ---- */

void colon_handover(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    if (rest[0] != '\0') {
        err_set(e, ERR_USAGE,
                ":handover shows the sheet, :handover give gives it, :handover accept takes it");
        return;
    }
    page_open_handover(console);
}

void colon_handover_give(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct words w;
    if (words_parse(&w, words, handover_options, e) < 0) {
        return;
    }
    char *note = words_join(&w, 0);
    struct engine_request request = {
        .kind = REQUEST_HANDOVER_GIVE, .person = words_value(&w, "to", NULL), .text = note};
    console_submit(console, &request, 0, NULL);
    free(note);
}

void colon_handover_accept(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    (void)words;
    (void)e;
    struct engine_request request = {.kind = REQUEST_HANDOVER_ACCEPT};
    console_submit(console, &request, 0, NULL);
}

/* ---- the pages ---- */

void page_open_mutes(struct console *console)
{
    const struct mutes *mutes = engine_mutes(console->engine);
    struct str text = {0};
    for (size_t i = 0; i < mutes->len; i++) {
        char until[CLOCK_TEXT_SIZE];
        clock_format(mutes->data[i].until_us, until);
        str_addf(&text, "%s until %.16sZ, by %s: %s\n", mutes->data[i].entity, until, mutes->data[i].who,
                 mutes->data[i].reason);
    }
    if (mutes->len == 0) {
        str_add(&text, "Nothing is muted.\n");
    }
    page_open_sheet(console, "Muted", ":mute ENTITY for 2h REASON, :unmute ENTITY", str_text(&text));
    str_fini(&text);
}

static void sheet_known(void *context, const struct err *e, const char *text, char *const *left)
{
    struct late *late = context;
    struct console *console = late_console(late);
    (void)left;
    if (console != NULL && e != NULL) {
        console_say(console, SAY_BAD, "%s", e->msg);
    } else if (console != NULL) {
        page_open_sheet(console, "Hand-over",
                        ":handover give [--to NAME] NOTE, then :handover accept by the next", text);
    }
    if (console != NULL) {
        console->dirty = true;
        loop_timer_start(console->frame_timer, 0, 0);
    }
    late_free(late);
}

void page_open_handover(struct console *console)
{
    engine_handover_read(console->engine, sheet_known, late_new(console, 0, NULL));
}

static bool find_incident(struct console *console, int64_t number, struct journal_incident *incident)
{
    for (size_t i = 0; i < engine_incident_count(console->engine); i++) {
        if (engine_incident_at(console->engine, i, incident) && incident->number == number) {
            return true;
        }
    }
    return false;
}

void page_open_update(struct console *console, int64_t number, int64_t next_us)
{
    struct journal_incident incident;
    struct str text = {0};
    char **doing = NULL;
    number = number != 0 ? number : engine_focused_incident(console->engine);
    if (number == 0 || !find_incident(console, number, &incident)) {
        console_say(console, SAY_INFO,
                    number == 0 ? "no incident is open, there is nothing to tell"
                                : "there is no such incident open (i lists them)");
        return;
    }
    for (size_t i = 0; i < engine_run_count(console->engine); i++) {
        struct engine_run run;
        if (!engine_run_at(console->engine, i, &run) || run.ended || run.rehearsed ||
            run.incident != number) {
            continue;
        }
        bool stands = run.current_step >= 0;
        char *line =
            xasprintf("%s, run %lld, %s%s%s", run.actor, (long long)run.id, run.book->title,
                      stands ? ": " : "", stands ? run.book->steps.data[run.current_step].title : "");
        strv_add(&doing, line);
        free(line);
    }
    int64_t now_us = console->wall_us();
    struct engine_update update = {.incident = &incident,
                                   .platform = console_scene(console)->platform,
                                   .doing = doing,
                                   .now_us = now_us,
                                   .next_us = now_us + next_us};
    update_text(&update, &text);
    page_open_sheet(console, NULL, NULL, str_text(&text));
    str_fini(&text);
    strv_free(doing);
}
