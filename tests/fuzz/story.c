/* room: postmortem */
/* Events with data of any shape, as a newer, careless or hostile writer leaves them: each line of the input
 * is an event, its first byte the kind, its second run and outcome, the rest its data and its texts. Both
 * exports come out, valid, without a character that a terminal would act on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/postmortem/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void take(struct story *story, const char *line, int64_t seq)
{
    static const char *const outcomes[] = {"", "ok", "failed", "unknown"};
    if (strlen(line) < 2 || !utf8_valid(line + 2, strlen(line + 2), NULL))
        return;
    enum event_kind kind = (enum event_kind)((unsigned char)line[0] % EVENT_KIND_COUNT);
    struct event event = {.seq = seq,
                          .at_us = 1006390800000000LL + seq * 1000000,
                          .kind = kind,
                          .kind_name = event_kind_name(kind),
                          .actor = line + 2,
                          .subject = line + 2,
                          .outcome = outcomes[(unsigned char)line[1] / 8 % 4],
                          .summary = line + 2,
                          .data = line + 2,
                          .incident = 1,
                          .run = (unsigned char)line[1] % 4};
    *vec_push(&story->events) = event_copy(&event);
    const struct event *kept = story->events.data[story->events.len - 1];
    cJSON *tree = json_parse(kept->data, strlen(kept->data), NULL);
    story_take_run(story, kept, tree);
    story_take_change(story, kept, tree);
    story_take_decision(story, kept, tree);
    story_take_evidence(story, kept, tree);
    story_take_gap(story, kept);
    cJSON_Delete(tree);
    story->last_seq = seq;
}

static void check_markdown(const char *text)
{
    for (const char *p = text; *p; p++)
        must((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
    must(utf8_valid(text, strlen(text), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct story story = {.incident = {.number = 1, .state = INCIDENT_CLOSED, .closed_us = 1}};
    struct str markdown = {0}, json = {0};
    char *text = xstrndup((const char *)data, size), *rest = text, *line;
    for (int64_t seq = 1; seq < 200 && (line = strsep(&rest, "\n")); seq++)
        take(&story, line, seq);
    story_find_unknowns(&story);
    export_markdown(&story, &markdown);
    export_json(&story, &json);
    check_markdown(str_text(&markdown));
    cJSON *tree = json_parse(str_text(&json), json.len, NULL);
    must(tree != NULL);
    cJSON_Delete(tree);
    str_fini(&markdown);
    str_fini(&json);
    story_fini(&story);
    free(text);
    return 0;
}
