/* An incident as a text to read, by `belay incident show` and `:incident show`. */
#include "tui/incident_verbs.h"

static void add_clean(struct str *out, const char *text)
{
    utf8_clean(out, text, strlen(text), false);
}

void incident_line(const struct journal_incident *incident, struct str *out)
{
    char opened[CLOCK_TEXT_SIZE];
    struct str line = {0};
    clock_format(incident->opened_us, opened);
    str_addf(&line, "INC-%-5lld %-9s %-5s %.19sZ  %s  %s", (long long)incident->number,
             incident_state_name(incident->state), incident->severity, opened, incident->opened_by,
             incident->title);
    add_clean(out, str_text(&line));
    str_fini(&line);
}

static void add_passage(struct str *out, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_us, text);
    if (at_us)
        str_addf(out, "%-10s %.10s %.8sZ\n", name, text, text + 11);
}

static void add_row(struct str *out, const char *name, const char *text)
{
    struct str clean = {0};
    add_clean(&clean, name);
    str_addf(out, "%-10s ", str_text(&clean));
    add_clean(out, text);
    str_add(out, "\n");
    str_fini(&clean);
}

static void add_action(struct str *out, const struct incident_action *a)
{
    str_addf(out, "  %lld %-7s ", (long long)a->number, a->state);
    add_clean(out, a->text);
    const struct {
        const char *name, *value;
    } members[] = {
        {"owner", a->owner}, {"due", a->due}, {"ticket", a->ticket}, {"test", a->test}, {"why", a->reason}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!*members[i].value)
            continue;
        str_addf(out, "; %s ", members[i].name);
        add_clean(out, members[i].value);
    }
    str_add(out, "\n");
}

/* Indented by two, line by line. */
static void add_field(struct str *out, const char *name, const char *text)
{
    str_addf(out, "%s\n", name);
    while (*text) {
        size_t length = strcspn(text, "\n");
        str_add(out, "  ");
        utf8_clean(out, text, length, false);
        str_add(out, "\n");
        text += length + (text[length] == '\n');
    }
}

void incident_sheet(const struct incident_file *file, struct str *out)
{
    const struct journal_incident *incident = &file->incident;
    incident_line(incident, out);
    str_add(out, "\n");
    add_passage(out, "mitigated", incident->mitigated_us);
    add_passage(out, "resolved", incident->resolved_us);
    add_passage(out, "reviewed", incident->reviewed_us);
    add_passage(out, "closed", incident->closed_us);
    if (file->entity && *file->entity)
        add_row(out, "about", file->entity);
    for (size_t i = 0; i < file->roles.len; i++)
        add_row(out, file->roles.data[i].role, file->roles.data[i].person);
    if (file->actions.len)
        str_add(out, "action items\n");
    for (size_t i = 0; i < file->actions.len; i++)
        add_action(out, &file->actions.data[i]);
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++)
        if (file->fields[i].text)
            add_field(out, incident_field_name((enum incident_field)i), file->fields[i].text);
    if (file->left)
        str_add(out, "left over when it was closed\n");
    for (char **text = file->left; text && *text; text++) {
        str_add(out, "  ");
        add_clean(out, *text);
        str_add(out, "\n");
    }
    if (incident->reviewed_us == 0)
        str_add(out, "its evidence is held until it is reviewed\n");
}
