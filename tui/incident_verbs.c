#include "tui/incident_verbs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

const struct command_option incident_options[] = {
    {"incident", "ID", "which one (INC-7); the newest open one otherwise", false},
    {"severity", "SEV", "open: SEV1 (the worst) to SEV5", false},
    {"entity", "ENTITY", "open: what it is about, as \"shard docs/shard-5\"", false},
    {"reason", "TEXT", "why: severity, mitigate, resolve, review, close", false},
    {"at", "TIME", "note: when it was, if not now: 03:12, \"2026-11-22 03:12\" (UTC), 10m ago", false},
    {"owner", "NAME", "action: who does it", false},
    {"due", "DATE", "action: until when, 2026-12-01", false},
    {"ticket", "ID", "action: where it is tracked", false},
    {"test", "TEXT", "action: the test that would have caught it", false},
    {"done", NULL, "action N: it is done", false},
    {"dropped", "REASON", "action N: it will not be done, and why", false},
    {"reopen", NULL, "action N: it is to be done after all", false},
    {"field", "NAME=TEXT", "write: one part of the postmortem (may be repeated)", true},
    {"file", "NAME=PATH", "write: the same, from a file; - is the standard input", true},
    {"yes-with", "REASON", "close: although something is left over", false},
    {"next", "DURATION", "update: when the next one comes (30m)", false},
    {"open", NULL, "list: only those that are open or mitigated", false},
    {"json", NULL, "list, show: one JSON object a line", false},
    {0},
};

/* Keeps a text of its own for the changes. */
static const char *own(struct incident_call *call, char *text)
{
    *vec_push(&call->owned) = text;
    return text;
}

static struct incident_change *add_change(struct incident_call *call, enum incident_verb verb)
{
    struct incident_change *change = &call->changes[call->count++];
    *change = (struct incident_change){.verb = verb};
    return change;
}

/* The words from index on; NULL when there are none. */
static const char *rest(struct incident_call *call, const struct words *w, size_t index)
{
    return index < w->count ? own(call, words_join(w, index)) : NULL;
}

/* "INC-7" in front; where no other number can stand there, "7" too. Returns the index behind it. */
static size_t take_incident(struct incident_call *call, const struct words *w, bool bare)
{
    struct err ignored;
    int64_t number;
    if (w->count == 0 || (!bare && strncasecmp(w->words[0], "INC-", 4) != 0) ||
        incident_number_parse(w->words[0], &number, &ignored) < 0)
        return 0;
    call->incident = number;
    return 1;
}

static int build_note(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    struct incident_change *change = add_change(call, INCIDENT_NOTE);
    const char *at = words_value(w, "at", NULL);
    change->text = rest(call, w, take_incident(call, w, false));
    if (!change->text || change->text[strspn(change->text, " \t\r\n")] == '\0')
        return err_set(e, ERR_USAGE, "a note needs a text");
    return at ? clock_parse_past(at, now_us, &change->said_us, e) : 0;
}

static int build_role(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    struct incident_change *change = add_change(call, INCIDENT_SET_ROLE);
    size_t at = take_incident(call, w, false);
    (void)now_us;
    (void)e;
    change->role = at < w->count ? w->words[at] : NULL;
    change->person = rest(call, w, at + 1);
    return 0;
}

static int build_severity(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    struct incident_change *change = add_change(call, INCIDENT_SET_SEVERITY);
    size_t at = take_incident(call, w, false);
    (void)now_us;
    (void)e;
    change->severity = at < w->count ? w->words[at] : NULL;
    change->text = words_value(w, "reason", rest(call, w, at + 1));
    return 0;
}

static int build_action(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    struct incident_change *change = add_change(call, INCIDENT_SET_ACTION);
    size_t at = take_incident(call, w, false);
    const char *first = at < w->count ? w->words[at] : "", *dropped = words_value(w, "dropped", NULL);
    bool numbered = *first && first[strspn(first, "0123456789")] == '\0' && strlen(first) < 10;
    int states = words_has(w, "done") + words_has(w, "reopen") + (dropped != NULL);
    (void)now_us;
    if (states > 1)
        return err_set(e, ERR_USAGE, "done, dropped or reopen: one of them");
    if (states && !numbered)
        return err_set(e, ERR_USAGE, "which action item? as: action 2 --done");
    change->action = numbered ? strtoll(first, NULL, 10) : 0;
    if (numbered && change->action == 0)
        return err_set(e, ERR_USAGE, "action items are numbered from 1");
    change->text = rest(call, w, at + (numbered ? 1 : 0));
    if (dropped && change->text)
        return err_set(e, ERR_USAGE, "a new text for an action item that is dropped: one of them");
    change->text = dropped ? dropped : change->text;
    change->state = words_has(w, "done")     ? "done"
                    : dropped                ? "dropped"
                    : words_has(w, "reopen") ? "open"
                                             : NULL;
    change->owner = words_value(w, "owner", NULL);
    change->due = words_value(w, "due", NULL);
    change->ticket = words_value(w, "ticket", NULL);
    change->test = words_value(w, "test", NULL);
    return 0;
}

static int build_move(struct incident_call *call, const struct words *w, enum incident_verb verb)
{
    struct incident_change *change = add_change(call, verb);
    const char *text = rest(call, w, take_incident(call, w, true));
    change->text = words_value(w, "reason", text);
    return 0;
}

static int build_mitigate(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    (void)now_us;
    (void)e;
    return build_move(call, w, INCIDENT_MITIGATE);
}

static int build_resolve(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    (void)now_us;
    (void)e;
    return build_move(call, w, INCIDENT_RESOLVE);
}

static int build_review(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    (void)now_us;
    (void)e;
    return build_move(call, w, INCIDENT_REVIEW);
}

static int build_close(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    const char *reason = words_value(w, "yes-with", NULL);
    (void)now_us;
    build_move(call, w, INCIDENT_CLOSE);
    if (reason && reason[strspn(reason, " ")] == '\0')
        return err_set(e, ERR_USAGE, "--yes-with needs a reason");
    call->accept_left = reason != NULL;
    if (reason)
        call->changes[0].text = reason;
    return 0;
}

/* "root-cause=the disk was full": the name, and where the text begins; NULL without "=". */
static const char *split_field(struct incident_call *call, const char *given, const char **text)
{
    const char *equals = strchr(given, '=');
    if (!equals)
        return NULL;
    *text = equals + 1;
    return own(call, xstrndup(given, (size_t)(equals - given)));
}

static int read_field(struct incident_call *call, const char *path, const char **text, struct err *e)
{
    struct str read = {0};
    int code = str_eq(path, "-") ? file_read_rest(STDIN_FILENO, "standard input", INCIDENT_TEXT_MAX, &read, e)
                                 : file_read(path, INCIDENT_TEXT_MAX, &read, e);
    if (code == 0 && strlen(str_text(&read)) != read.len)
        code = err_set(e, ERR_SYNTAX, "%s: is no text", path);
    *text = own(call, str_take(&read));
    return code;
}

static int build_write(struct incident_call *call, const struct words *w, int64_t now_us, struct err *e)
{
    size_t at = take_incident(call, w, false);
    (void)now_us;
    for (size_t i = 0; i < w->given_count; i++) {
        bool file = str_eq(w->given[i].name, "file");
        const char *text = NULL, *name;
        if (!file && !str_eq(w->given[i].name, "field"))
            continue;
        name = split_field(call, w->given[i].value, &text);
        if (!name)
            return err_set(e, ERR_USAGE, "--%s is written NAME=%s", w->given[i].name, file ? "PATH" : "TEXT");
        if (call->count == INCIDENT_CHANGES_MOST - 1)
            return err_set(e, ERR_USAGE, "too many fields");
        if (file && read_field(call, text, &text, e) < 0)
            return e->code;
        struct incident_change *change = add_change(call, INCIDENT_WRITE);
        change->field = name;
        change->text = text;
    }
    if (at < w->count) {
        struct incident_change *change = add_change(call, INCIDENT_WRITE);
        change->field = w->words[at];
        change->text = rest(call, w, at + 1);
        if (!change->text)
            return err_set(e, ERR_USAGE, "what is to be written? write %s TEXT", w->words[at]);
    }
    return 0;
}

const struct incident_verb_row incident_verbs[] = {
    {"note", "[INC-7] [--at TIME] TEXT", "write a note; --at: about something earlier", "at", false,
     build_note},
    {"role", "[INC-7] ROLE PERSON", "who has a role: commander, scribe ...; nobody takes it away", "", false,
     build_role},
    {"severity", "[INC-7] SEV [REASON]", "how bad it is, from now on", "reason", false, build_severity},
    {"action", "[INC-7] TEXT | N [--done]",
     "an action item: owner, due, ticket, test that would have caught it",
     "owner due ticket test done dropped reopen", false, build_action},
    {"write", "[INC-7] [FIELD TEXT]", "a part of the postmortem; alone: all of them in $EDITOR", "field file",
     false, build_write},
    {"mitigate", "[INC-7] [REASON]", "users no longer feel it", "reason", true, build_mitigate},
    {"resolve", "[INC-7] [REASON]", "its cause is gone", "reason", true, build_resolve},
    {"review", "[INC-7] [REASON]", "the postmortem was held; its evidence may be pruned from now on",
     "reason", true, build_review},
    {"close", "[INC-7] [REASON]", "nothing is left to do; what is left over asks", "reason yes-with", true,
     build_close},
    {0},
};

const struct incident_verb_row *incident_verb_find(const char *name)
{
    for (const struct incident_verb_row *row = incident_verbs; row->name; row++)
        if (str_eq(row->name, name))
            return row;
    return NULL;
}

static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

int incident_options_check(const struct words *w, const char *verb, const char *options, struct err *e)
{
    for (size_t i = 0; i < w->given_count; i++)
        if (!str_eq(w->given[i].name, "incident") && !is_listed(options, w->given[i].name))
            return err_set(e, ERR_USAGE, "incident %s takes no --%s", verb, w->given[i].name);
    return 0;
}

int incident_call_build(struct incident_call *call, const struct incident_verb_row *verb,
                        const struct words *w, int64_t now_us, struct err *e)
{
    const char *incident = words_value(w, "incident", NULL);
    *call = (struct incident_call){0};
    if (incident_options_check(w, verb->name, verb->options, e) < 0 || verb->build(call, w, now_us, e) < 0)
        return e->code;
    if (incident && call->incident)
        return err_set(e, ERR_USAGE, "the incident is named twice");
    if (incident && incident_number_parse(incident, &call->incident, e) < 0)
        return err_set(e, ERR_USAGE, "%.40s names no incident: write INC-7, or 7", incident);
    return 0;
}

void incident_call_fini(struct incident_call *call)
{
    for (size_t i = 0; i < call->owned.len; i++)
        free(call->owned.data[i]);
    vec_fini(&call->owned);
    *call = (struct incident_call){0};
}
