/* belay mute, belay unmute: a problem out of the way for a while, with a reason and an end. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"
#include "tui/commands/writing.h"
#include "tui/mute_words.h"

static void print_mute(const struct mute *mute, bool json)
{
    char until[CLOCK_TEXT_SIZE];
    struct str text = {0}, clean = {0};
    clock_format(mute->until_us, until);
    if (json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "entity", mute->entity);
        cJSON_AddStringToObject(object, "until", until);
        cJSON_AddStringToObject(object, "by", mute->who);
        cJSON_AddStringToObject(object, "reason", mute->reason);
        char *line = json_print(object);
        puts(line);
        free(line);
        cJSON_Delete(object);
    } else {
        str_addf(&text, "%s until %.16sZ, by %s: %s", mute->entity, until, mute->who, mute->reason);
        utf8_clean(&clean, str_text(&text), text.len, false);
        puts(str_text(&clean));
    }
    str_fini(&text);
    str_fini(&clean);
}

static int list(const struct command_line *line, struct err *e)
{
    struct mutes mutes = {0};
    struct journal *journal = session_journal(line, false, e);
    if (journal && mutes_read(journal, clock_wall_us(), &mutes, e) == 0)
        for (size_t i = 0; i < mutes.len; i++)
            print_mute(&mutes.data[i], command_has(line, "json"));
    mutes_fini(&mutes);
    journal_close(journal);
    return e->code;
}

static int append(const struct command_line *line, const char *entity, int64_t until_us, const char *reason,
                  struct err *e)
{
    struct event_draft draft;
    struct draft_texts texts = {0};
    int64_t incident = 0;
    struct writing *writing = writing_open(line, e);
    struct journal *journal = writing ? writing_journal(writing) : NULL;
    int code = journal ? journal_incident_current(journal, false, &incident, e) : e->code;
    if (code == 0)
        code = mute_draft(entity, clock_wall_us(), until_us, reason, incident, &draft, &texts, e);
    draft.actor = session_actor();
    if (code == 0)
        code = journal_append_wait(journal, &draft, 1, NULL, e);
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

static char *all_words(const struct command_line *line)
{
    struct str text = {0};
    for (size_t i = 0; i < line->word_count; i++)
        str_addf(&text, "%s%s", i ? " " : "", line->words[i]);
    return str_take(&text);
}

static int mute_run(const struct command_line *line)
{
    struct err e = {0};
    struct mute_words mute = {0};
    char *text = all_words(line);
    if (!*text || str_eq(text, "list"))
        list(line, &e);
    else if (session_writes(line, "mute", &e) == 0 && mute_words_parse(&mute, text, clock_wall_us(), &e) == 0)
        append(line, mute.entity, mute.until_us, mute.reason, &e);
    mute_words_fini(&mute);
    free(text);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

static int is_muted(const struct command_line *line, const char *entity, struct err *e)
{
    struct mutes mutes = {0};
    struct journal *journal = session_journal(line, false, e);
    int64_t now_us = clock_wall_us();
    if (journal && mutes_read(journal, now_us, &mutes, e) == 0 && !mutes_find(&mutes, entity, now_us))
        err_set(e, ERR_NOT_FOUND, "%s is not muted (belay mute lists what is)", *entity ? entity : "that");
    mutes_fini(&mutes);
    journal_close(journal);
    return e->code;
}

static int unmute_run(const struct command_line *line)
{
    struct err e = {0};
    char *entity = all_words(line);
    if (session_writes(line, "unmute", &e) == 0 && is_muted(line, entity, &e) == 0)
        append(line, entity, 0, NULL, &e);
    free(entity);
    return e.code ? command_fail(session_status(&e), &e) : EXIT_DONE;
}

static const struct command_option mute_options[] = {
    {"json", NULL, "what is muted: one JSON object a line", false},
    {0},
};

const struct command command_mute = {
    .name = "mute",
    .usage = "[ENTITY for DURATION REASON]",
    .help = "take a problem out of the way for a while (7d at most); alone: what is muted",
    .options = mute_options,
    .details = "belay mute shard docs/shard-5 for 2h being restored\n"
               "Muted problems are counted and shown as muted; their state stays what it is.\n",
    .run = mute_run,
};

const struct command command_unmute = {
    .name = "unmute",
    .usage = "ENTITY",
    .help = "show a muted problem again",
    .run = unmute_run,
};
