#include "tui/mute_words.h"

#include <stdlib.h>

#include "engine/platform/platform.h"

const struct command_option handover_options[] = {
    {"to", "NAME", "give: who is to take it", false},
    {"json", NULL, "the sheet as one JSON document", false},
    {0},
};

static bool is_kind(const char *text, size_t length)
{
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        const char *name = entity_kind_text((enum entity_kind)kind);
        if (strlen(name) == length && memcmp(name, text, length) == 0)
            return true;
    }
    return false;
}

int mute_words_parse(struct mute_words *mute, const char *text, int64_t now_us, struct err *e)
{
    const char *end = strstr(text, " for ");
    char duration[32];
    int64_t span_us;
    *mute = (struct mute_words){0};
    if (!end)
        return err_set(e, ERR_USAGE, "for how long, and why? mute shard docs/shard-5 for 2h being restored");
    mute->entity = xstrndup(text, (size_t)(end - text));
    if (!is_kind(mute->entity, strcspn(mute->entity, " ")) || !strchr(mute->entity, ' '))
        return err_set(e, ERR_USAGE, "\"%.60s\" is no entity: its kind and its name, as shard docs/shard-5",
                       mute->entity);
    end += strlen(" for ");
    size_t length = strcspn(end, " ");
    if (length >= sizeof duration)
        return err_set(e, ERR_USAGE, "\"%.40s\" is no duration: 30m, 2h", end);
    memcpy(duration, end, length);
    duration[length] = '\0';
    if (duration_parse(duration, &span_us, e) < 0)
        return e->code;
    mute->until_us = now_us + span_us;
    mute->reason = xstrdup(end + length + strspn(end + length, " "));
    return 0;
}

void mute_words_fini(struct mute_words *mute)
{
    free(mute->entity);
    free(mute->reason);
    *mute = (struct mute_words){0};
}
