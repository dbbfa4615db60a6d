/* What people wrote: root cause, lessons, action items, who was told. */
#include "engine/postmortem/export.h"
#include "engine/postmortem/text.h"

bool markdown_field(const struct story *story, enum incident_field field, struct str *out)
{
    const struct incident_text *own = &story->file.fields[field];
    if (!own->text)
        return false;
    text_prose(out, own->text);
    return true;
}

static void add_section(const struct story *story, enum incident_field field, bool always, struct str *out)
{
    if (!always && !story->file.fields[field].text)
        return;
    str_addf(out, "## %s\n\n", incident_field_heading(field));
    if (!markdown_field(story, field, out))
        str_add(out, "Nobody has written it yet.\n");
    str_add(out, "\n");
}

void markdown_findings(const struct story *story, struct str *out)
{
    static const enum incident_field others[] = {INCIDENT_FIELD_DETECTION, INCIDENT_FIELD_WENT_WELL,
                                                 INCIDENT_FIELD_WENT_BADLY, INCIDENT_FIELD_LUCKY};
    if (story->incident.number == 0)
        return;
    add_section(story, INCIDENT_FIELD_ROOT_CAUSE, true, out);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        add_section(story, others[i], false, out);
}

static void add_cell(struct str *out, const char *text)
{
    str_add(out, " ");
    text_markdown(out, text);
    str_add(out, " |");
}

static void add_action(const struct incident_action *action, struct str *out)
{
    str_addf(out, "| %lld |", (long long)action->number);
    add_cell(out, action->text);
    add_cell(out, *action->owner ? action->owner : "nobody");
    add_cell(out, action->due);
    add_cell(out, action->ticket);
    add_cell(out, action->test);
    str_add(out, " ");
    text_markdown(out, action->state);
    if (*action->reason) {
        str_add(out, ": ");
        text_markdown(out, action->reason);
    }
    str_add(out, " |\n");
}

void markdown_followup(const struct story *story, struct str *out)
{
    const struct incident_file *file = &story->file;
    if (story->incident.number == 0)
        return;
    str_add(out, "## Action items\n\n");
    if (file->actions.len)
        str_add(out, "| # | What | Owner | Due | Ticket | Test that would have caught it | State |\n"
                     "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < file->actions.len; i++)
        add_action(&file->actions.data[i], out);
    str_add(out, file->actions.len ? "\n" : "None.\n\n");
    add_section(story, INCIDENT_FIELD_RUNBOOKS, true, out);
    add_section(story, INCIDENT_FIELD_NOTIFIED, true, out);
    if (!file->left)
        return;
    str_add(out, "## Left over when it was closed\n\nReason: ");
    text_markdown(out, file->closed_reason);
    str_add(out, "\n\n");
    for (char **left = file->left; *left; left++) {
        str_add(out, "- ");
        text_markdown(out, *left);
        str_add(out, "\n");
    }
    str_add(out, "\n");
}
