/* belay handover: what the next shift has to know; giving it, and taking it. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/writing.h"
#include "tui/mute_words.h"

static void print_summary(const struct command_line *line, const char *summary)
{
    struct str clean = {0};
    utf8_clean(&clean, summary, strlen(summary), false);
    if (!command_has(line, "quiet"))
        puts(str_text(&clean));
    str_fini(&clean);
}

static void show(const struct command_line *line, const struct handover *h)
{
    struct str text = {0};
    char *json = command_has(line, "json") ? handover_json(h) : NULL;
    if (!json)
        handover_text(h, &text);
    if (json)
        puts(json);
    else
        fputs(str_text(&text), stdout);
    free(json);
    str_fini(&text);
}

/* The key is the session's own word, see ssh_key.h. */
static struct handover_who who_am_i(const struct command_line *line,
                                    char fingerprint[static SSH_FINGERPRINT_SIZE])
{
    struct str key = {0};
    bool known = ssh_key_of_session(getenv("SSH_USER_AUTH"), &key, NULL) == 0 &&
                 ssh_key_fingerprint(str_text(&key), fingerprint, NULL) == 0;
    str_fini(&key);
    return (struct handover_who){session_actor(), known ? fingerprint : NULL,
                                 command_value(line, "operator", NULL)};
}

static int give(const struct command_line *line, const struct handover *h, struct journal *journal,
                struct err *e)
{
    struct event_draft draft;
    struct draft_texts texts;
    struct words w;
    if (words_from_line(&w, line, 1, e) < 0)
        return e->code;
    char *note = words_join(&w, 0), fingerprint[SSH_FINGERPRINT_SIZE];
    const struct handover_who who = who_am_i(line, fingerprint);
    handover_give(h, &who, command_value(line, "to", NULL), note, &draft, &texts);
    draft.actor = session_actor();
    int code = journal_append_wait(journal, &draft, 1, NULL, e);
    if (code == 0)
        show(line, h);
    if (code == 0)
        print_summary(line, texts.summary);
    draft_texts_fini(&texts);
    free(note);
    return code;
}

static int take(const struct command_line *line, const struct handover *h, struct journal *journal,
                struct err *e)
{
    struct handover_acceptance a;
    char fingerprint[SSH_FINGERPRINT_SIZE];
    const struct handover_who who = who_am_i(line, fingerprint);
    int code = handover_accept(h, &who, &a, e);
    for (size_t i = 0; i < a.count; i++)
        a.drafts[i].actor = session_actor();
    if (code == 0)
        code = journal_append_wait(journal, a.drafts, a.count, NULL, e);
    for (size_t i = 0; code == 0 && i < a.count; i++)
        print_summary(line, a.texts[i].summary);
    handover_acceptance_fini(&a);
    return code;
}

static int handover_run(const struct command_line *line)
{
    struct err e = {0};
    struct handover h = {0};
    const char *verb = line->word_count > 0 ? line->words[0] : "show";
    bool gives = str_eq(verb, "give"), takes = str_eq(verb, "accept");
    if (!gives && !takes && !str_eq(verb, "show"))
        err_set(&e, ERR_USAGE, "belay handover %s is not one of: show, give, accept", verb);
    else if (!gives && command_has(line, "to"))
        err_set(&e, ERR_USAGE, "--to belongs to: belay handover give --to NAME");
    else if ((gives || takes) && command_has(line, "read-only"))
        err_set(&e, ERR_USAGE,
                "handover %s writes to the journal and --read-only is set: leave one of them out", verb);
    if (e.code)
        return command_fail(EXIT_USAGE, &e);
    struct writing *writing = gives || takes ? writing_open(line, &e) : NULL;
    struct journal *journal = e.code    ? NULL
                              : writing ? writing_journal(writing)
                                        : session_journal(line, false, &e);
    if (journal && handover_read(journal, clock_wall_us(), &h, &e) == 0) {
        if (gives)
            give(line, &h, journal, &e);
        else if (takes)
            take(line, &h, journal, &e);
        else
            show(line, &h);
    }
    handover_fini(&h);
    if (!writing)
        journal_close(journal);
    writing_close(writing);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

static const char *const handover_words[] = {"show", "give", "accept", NULL};

const struct command command_handover = {
    .name = "handover",
    .usage = "[show] [--json] | give [--to NAME] [NOTE] | accept",
    .help = "roles, open runs, unknowns, what was changed and not undone: from one shift to the next",
    .options = handover_options,
    .words = handover_words,
    .details = "The outgoing person gives it, the incoming one accepts it on their own login (or, on a "
               "shared one, with\n"
               "--operator NAME); the roles of the first pass on. Both are recorded.\n",
    .run = handover_run,
};
