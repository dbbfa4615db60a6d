/* What stands behind `:`. One table; each row is also a subcommand of the same name and options. A row that
 * is not marked safe is refused to observers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/approvals.h"
#include "tui/colon.h"
#include "tui/console_state.h"
#include "tui/runbook_name.h"
#include "tui/words.h"

/* ---- words ---- */

/* Splits at blanks; "..." and '...' at the beginning of a word, or behind a =, keep them. NULL-terminated,
 * strv_free; NULL with an error for an open quote. */
static char **split(const char *text, struct err *e)
{
    char **words = xcalloc(1, sizeof *words);
    struct str word = {0};
    size_t count = 0;
    while (*text != '\0') {
        text += strspn(text, " \t");
        if (*text == '\0') {
            break;
        }
        str_clear(&word);
        char quote = '\0';
        for (; *text != '\0' && (quote != '\0' || (*text != ' ' && *text != '\t')); text++) {
            bool begins = word.len == 0 || word.data[word.len - 1] == '='; /* don't is a word */
            if (quote == '\0' && begins && (*text == '"' || *text == '\'')) {
                quote = *text;
            } else if (*text == quote) {
                quote = '\0';
            } else {
                str_add_char(&word, *text);
            }
        }
        if (quote != '\0' || ++count > WORDS_MOST) {
            err_set(e, ERR_USAGE, quote != '\0' ? "a quote is left open" : "too many words");
            strv_free(words);
            words = NULL;
            break;
        }
        strv_add(&words, str_text(&word));
    }
    str_fini(&word);
    return words;
}

static const char *value_after(char *const *words, size_t *index, struct err *e)
{
    const char *option = words[*index];
    if (words[*index + 1] == NULL) {
        err_set(e, ERR_USAGE, "%s needs a value", option);
        return NULL;
    }
    return words[++*index];
}

/* The words from index on, with single blanks between. */
static void join(char *const *words, size_t index, struct str *out)
{
    for (size_t i = index; words[i] != NULL; i++) {
        str_addf(out, "%s%s", out->len > 0 ? " " : "", words[i]);
    }
}

/* ---- the commands ---- */

/* "INC-7" in front of the rest, else 0: the focused one. */
static int64_t take_incident(char *const *words, size_t *index)
{
    int64_t number = 0;
    struct err ignored = {0};
    if (words[*index] != NULL && incident_number_parse(words[*index], &number, &ignored) == 0) {
        (*index)++;
    }
    return number;
}

static void run_incident_focus(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    size_t index = 0;
    struct engine_request request = {.kind = REQUEST_INCIDENT_FOCUS,
                                     .incident = take_incident(words, &index)};
    if (request.incident == 0) {
        err_set(e, ERR_USAGE, "which one? :incident focus INC-7");
        return;
    }
    console_submit(console, &request, 0, NULL);
}

static void run_incident_list(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    (void)words;
    (void)e;
    page_open_incidents(console);
}

static void run_export(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct engine_request request = {.kind = REQUEST_EXPORT, .format = "md"};
    size_t index = 0;
    request.incident = take_incident(words, &index);
    for (size_t i = index; words[i] != NULL && e->code == 0; i++) {
        if (str_eq(words[i], "--format")) {
            request.format = value_after(words, &i, e);
        } else if (str_eq(words[i], "-o") || str_eq(words[i], "--output")) {
            request.text = value_after(words, &i, e);
        } else {
            err_set(e, ERR_USAGE, "%s is nothing that :export takes", words[i]);
        }
    }
    if (e->code == 0 && export_format_find(request.format) < 0) {
        err_set(e, ERR_USAGE, "no format %s: md or json", request.format);
    }
    if (e->code == 0) {
        console_submit(console, &request, 0, NULL);
    }
}

static void run_join(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    (void)e;
    struct engine_request request = {.kind = REQUEST_JOIN, .text = rest[0] != '\0' ? rest : NULL};
    console_submit(console, &request, 0, NULL);
}

static void run_theme(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    if (rest[0] == '\0') {
        console_say(console, SAY_INFO, "the theme is %s",
                    console->theme_name != NULL ? console->theme_name : "plain");
    } else if (console_theme(console, rest, e) == 0) {
        console_say(console, SAY_GOOD, "theme %s", rest);
    }
}

static void run_runbook_list(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    (void)words;
    (void)e;
    page_open_runbooks(console);
}

static void run_runbook_show(struct console *console, const char *rest, char *const *words, struct err *e)
{
    struct engine_runbook view;
    (void)rest;
    if (words[0] == NULL) {
        err_set(e, ERR_USAGE, "which one? :runbook show ID (r lists them)");
        return;
    }
    char *path = runbook_name_path(console->engine, words[0], e);
    if (path != NULL && runbook_name_view(console->engine, path, &view)) {
        page_open_document(console, view.path);
    } else if (path != NULL) {
        err_set(e, ERR_NOT_FOUND, "%s is not listed here: :runbook run %s starts it", words[0], words[0]);
    }
    free(path);
}

static void start_done(struct console *console, struct page *page, int code, int64_t id)
{
    (void)page;
    if (code == 0 && id != 0) {
        page_open_run(console, id, true);
    }
}

static void begin(struct console *console, enum engine_request_kind kind, char *const *words, struct err *e)
{
    char **variables = NULL, *path = NULL;
    const char *name = NULL;
    for (size_t i = 0; words[i] != NULL && e->code == 0; i++) {
        if (str_eq(words[i], "--var")) {
            const char *value = value_after(words, &i, e);
            strv_add(&variables, value != NULL ? value : "");
        } else {
            name = words[i];
        }
    }
    if (e->code == 0 && name == NULL) {
        err_set(e, ERR_USAGE, "which one? an id (r lists them), or a file");
    }
    if (e->code == 0) {
        path = runbook_name_path(console->engine, name, e);
    }
    if (path != NULL) {
        struct engine_runbook view = {0};
        bool offered = runbook_name_view(console->engine, path, &view) && view.offered;
        struct engine_request request = {.kind = kind,
                                         .path = view.path != NULL ? view.path : path,
                                         .entity = offered ? view.offered_entity : NULL,
                                         .variables = variables};
        console_submit(console, &request, 0, start_done);
    }
    free(path);
    strv_free(variables);
}

static void run_runbook_run(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    begin(console, REQUEST_RUN_START, words, e);
}

static void run_runbook_rehearse(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    begin(console, REQUEST_REHEARSE, words, e);
}

/* All of the line is the command, quotes and blanks as they stand. */
static void run_do(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    static const char option[] = "--interactive ";
    bool interactive = str_starts(rest, option);
    rest += interactive ? sizeof option - 1 : 0;
    rest += str_starts(rest, "-- ") ? 3 : 0; /* as `belay do` has it */
    char *cwd = getcwd(NULL, 0);
    struct runbook_act act = {.text = rest, .cwd = cwd, .interactive = interactive};
    struct engine_request request = {.kind = REQUEST_ACT, .act = &act};
    if (rest[strspn(rest, " ")] == '\0') {
        err_set(e, ERR_USAGE, "what? :do kubectl -n rag delete pod api-0");
    } else {
        console_submit(console, &request, 0, start_done);
    }
    free(cwd);
}

static void run_runbook_resume(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct engine_run run;
    int64_t id = words[0] != NULL ? strtoll(words[0], NULL, 10) : 0;
    if (id <= 0 || !engine_run_by_id(console->engine, id, &run)) {
        err_set(e, ERR_NOT_FOUND, "no such run here: %s", words[0] != NULL ? words[0] : "");
        return;
    }
    page_open_run(console, id, false);
}

static void run_runbook_take(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct str reason = {0};
    int64_t id = words[0] != NULL ? strtoll(words[0], NULL, 10) : 0;
    if (id <= 0 || words[1] == NULL) {
        err_set(e, ERR_USAGE, "which one, and why? :runbook take 12 alice lost her link");
        return;
    }
    join(words, 1, &reason);
    struct engine_request request = {.kind = REQUEST_RUN_TAKE, .run = id, .text = str_text(&reason)};
    console_submit(console, &request, 0, NULL);
    str_fini(&reason);
}

static void run_approve(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct words w = {0};
    struct engine_approval asked;
    struct engine_run run;
    if (words_parse(&w, words, approve_options, e) < 0) {
        return;
    }
    int64_t id = w.count > 0 ? strtoll(w.words[0], NULL, 10) : 0;
    const char *digest = words_value(&w, "digest", NULL), *key = words_value(&w, "key", NULL);
    if (id <= 0) {
        err_set(e, ERR_USAGE, "which one? :approve 12 restore (a lists those that wait)");
        return;
    }
    struct engine_request request = {
        .kind = REQUEST_APPROVE, .run = id, .text = w.words[1], .path = key, .digest = digest};
    if (digest != NULL) {
        console_submit(console, &request, 0, NULL);
        return;
    }
    for (size_t i = 0; engine_approval_at(console->engine, i, &asked); i++) {
        if (asked.run == id && engine_run_by_id(console->engine, id, &run) &&
            (w.count < 2 || asked.step == runbook_find(run.book, w.words[1]))) {
            page_open_approval(console, id, asked.step, key);
            return;
        }
    }
    err_set(e, ERR_NOT_FOUND, "run %lld waits for no approval from here (a lists those that do)",
            (long long)id);
}

/* The step that waits on its page, in the run that this console walks. */
static void run_break_glass(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    struct engine_run run;
    struct run_step step;
    for (size_t i = 0; rest[0] != '\0' && i < engine_run_count(console->engine); i++) {
        if (!engine_run_at(console->engine, i, &run) || run.ended || run.elsewhere || run.current_step < 0) {
            continue;
        }
        run_step_at(run.run, run.current_step, &step);
        if (step.opened_ms >= 0) {
            struct run_input input = {.kind = INPUT_BREAK_GLASS,
                                      .step = run.current_step,
                                      .reason = rest,
                                      .actor = engine_actor(console->engine)};
            struct engine_request request = {.kind = REQUEST_RUN_INPUT, .run = run.id, .input = &input};
            console_submit(console, &request, 0, NULL);
            return;
        }
    }
    err_set(e, ERR_USAGE, rest[0] != '\0' ? "no page is open" : "a reason is needed: it is recorded");
}

static void moved(struct console *console, struct page *page, int code, int64_t id)
{
    (void)page;
    (void)id;
    if (code == 0) {
        console->quitting = true; /* it goes on with another engine: console.h, CONSOLE_MOVED */
        loop_stop(console->loop);
    }
}

static void run_emergency(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)words;
    if (rest[0] != '\0' && !str_eq(rest, "leave")) {
        err_set(e, ERR_USAGE, ":emergency, or :emergency leave");
        return;
    }
    struct engine_request request = {.kind = REQUEST_EMERGENCY, .text = rest[0] != '\0' ? rest : NULL};
    console_submit(console, &request, 0, moved);
}

static void run_help(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    (void)words;
    (void)e;
    enum key_context stack[CONTEXT_COUNT];
    size_t depth = console_contexts(console, stack);
    page_open_help(console, stack, depth);
}

static void run_quit(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    (void)words;
    (void)e;
    console_quit(console);
}

/* ---- the table ---- */

const struct colon colon_table[] = {
    {"note", "[--at TIME] TEXT", "write a note to the timeline", COLON_SAFE, colon_incident_note},
    {"incident open", "[--severity SEV2] [--entity ENTITY] TITLE", "open an incident", COLON_SAFE,
     colon_incident_open},
    {"incident focus", "INC-7", "notes and exports go to this incident", COLON_SAFE, run_incident_focus},
    {"incident list", "", "the incidents that aren't closed", COLON_SAFE, run_incident_list},
    {"incident show", "[INC-7]", "its roles, action items and postmortem", COLON_SAFE, colon_incident_show},
    {"incident note", "[INC-7] [--at TIME] TEXT", "write a note; --at: about something earlier", COLON_SAFE,
     colon_incident_note},
    {"incident role", "[INC-7] ROLE PERSON", "who has a role: commander, scribe ...; nobody takes it away",
     COLON_SAFE, colon_incident_role},
    {"incident severity", "[INC-7] SEV [REASON]", "how bad it is, from now on", COLON_SAFE,
     colon_incident_severity},
    {"incident action", "[INC-7] TEXT | N [--done ...]", "an action item: --owner, --due, --ticket, --test",
     COLON_SAFE, colon_incident_action},
    {"incident write", "[INC-7] [FIELD TEXT]", "a part of the postmortem; alone: all of them in $EDITOR",
     COLON_SAFE, colon_incident_write},
    {"incident update", "[INC-7] [--next 30m]", "a status update, ready to paste", COLON_SAFE,
     colon_incident_update},
    {"incident mitigate", "[INC-7] [REASON]", "users no longer feel it", 0, colon_incident_mitigate},
    {"incident resolve", "[INC-7] [REASON]", "its cause is gone", 0, colon_incident_resolve},
    {"incident review", "[INC-7] [REASON]", "the postmortem was held; evidence may be pruned from now on", 0,
     colon_incident_review},
    {"incident close", "[INC-7] [REASON]", "close an incident; what is left over asks", 0,
     colon_incident_close},
    {"mute", "ENTITY for 2h REASON", "take a problem out of the way for a while; alone: what is muted",
     COLON_TEXT, colon_mute},
    {"unmute", "ENTITY", "show it again", COLON_TEXT, colon_unmute},
    {"breaker", "[NAME open|disable|metrics-only|auto --reason TEXT [--for 30m]]",
     "override a breaker of belay's own; auto takes it back; alone: what there is", COLON_SAFE,
     colon_breaker},
    {"handover give", "[--to NAME] [NOTE]", "hand the shift over", COLON_SAFE, colon_handover_give},
    {"handover accept", "", "take the shift over", COLON_SAFE, colon_handover_accept},
    {"handover", "", "what the next shift has to know", COLON_SAFE, colon_handover},
    {"logs", "ENTITY [--title TITLE]", "its logs in a pager, as configured", COLON_SAFE | COLON_TEXT,
     colon_logs},
    {"links", "ENTITY", "its pages elsewhere, as configured", COLON_SAFE | COLON_TEXT, colon_links},
    {"export", "[INC-7] [--format md|json] [-o FILE]", "write the timeline to a file here", COLON_SAFE,
     run_export},
    {"runbook list", "", "the runbooks", COLON_SAFE, run_runbook_list},
    {"runbook show", "ID", "read a runbook", COLON_SAFE, run_runbook_show},
    {"runbook run", "ID|FILE [--var NAME=VALUE]", "start a runbook", 0, run_runbook_run},
    {"runbook rehearse", "ID|FILE [--var NAME=VALUE]", "rehearse a runbook: the same walk, nothing is run", 0,
     run_runbook_rehearse},
    {"runbook resume", "RUN", "open a run; an interrupted one goes on from there", COLON_SAFE,
     run_runbook_resume},
    {"approve", "RUN [STEP] [--key FILE]", "approve the exact command of another operator's step", 0,
     run_approve},
    {"break-glass", "REASON", "confirm the open page without the approvals that it needs", 0,
     run_break_glass},
    {"runbook take", "RUN REASON", "take a run over from a console that is there", 0, run_runbook_take},
    {"safe-mode", "[enter|leave|status] [--anyway]", "what holds; the runbook that enters or leaves it",
     COLON_SAFE, colon_safe_mode},
    {"heal", "", "what is wrong by the rules of heal:, and what would mend it", COLON_SAFE, colon_heal},
    {"do", "[--interactive] COMMAND", "act outside of any runbook: one text for bash -eo pipefail",
     COLON_TEXT, run_do},
    {"join", "[REASON]", "become an operator: from now on acting is possible", COLON_SAFE, run_join},
    {"emergency", "[leave]", "act on while the journal can't be written: in one elsewhere", COLON_SAFE,
     run_emergency},
    {"theme", "NAME", "change the colours", COLON_SAFE, run_theme},
    {"help", "", "what keys and commands do", COLON_SAFE, run_help},
    {"quit", "", "quit; a running step goes on", COLON_SAFE, run_quit},
    {NULL, NULL, NULL, 0, NULL},
};

bool console_command_at(size_t index, const char **name, const char **usage, const char **help)
{
    if (index >= sizeof colon_table / sizeof colon_table[0] - 1) {
        return false;
    }
    *name = colon_table[index].name;
    *usage = colon_table[index].usage;
    *help = colon_table[index].help;
    return true;
}

/* The row whose name the line begins with; *rest is what stands behind it. */
const struct colon *colon_find(const char *line, const char **rest)
{
    for (size_t i = 0; colon_table[i].name != NULL; i++) {
        size_t length = strlen(colon_table[i].name);
        if (strncmp(line, colon_table[i].name, length) == 0 &&
            (line[length] == '\0' || line[length] == ' ')) {
            *rest = line + length + strspn(line + length, " ");
            return &colon_table[i];
        }
    }
    return NULL;
}

/* ":breakers", ":timeline": a panel by its name. */
static bool open_panel(struct console *console, const char *name)
{
    for (size_t i = 0; i < console->panel_count; i++) {
        if (str_eq(console->panels[i].panel->name, name) && console->panels[i].panel->key != NULL) {
            page_open_panel(console, i);
            return true;
        }
    }
    return false;
}

void colon_run(struct console *console, const char *line)
{
    struct err e = {0};
    const char *rest = "";
    line += strspn(line, " :");
    char *text = xstrdup(line);
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' '; length--) {
        text[length - 1] = '\0';
    }
    const struct colon *command = colon_find(text, &rest);
    bool whole = command != NULL && (command->flags & COLON_TEXT) != 0;
    char **words = command != NULL && !whole ? split(rest, &e) : NULL;
    if (text[0] == '\0' || (command == NULL && open_panel(console, text))) {
        /* nothing, or done */
    } else if (command == NULL) {
        console_say(console, SAY_BAD, "no such command: %s (? lists them, Tab completes)", text);
    } else if ((command->flags & COLON_SAFE) == 0 && console_refuses_to_act(console)) {
        /* it has said why */
    } else if (words != NULL || whole) {
        command->run(console, rest, words, &e);
    }
    if (e.code != 0) {
        console_say(console, SAY_BAD, "%s", e.msg);
    }
    strv_free(words);
    free(text);
}
