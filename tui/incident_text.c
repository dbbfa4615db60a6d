/* The parts of a postmortem as one text, for an editor. */
#include <stdlib.h>

#include "tui/incident_verbs.h"

#define HEADING "## "

void incident_text_write(const struct incident_file *file, struct str *out)
{
    struct str title = {0};
    utf8_clean(&title, file->incident.title, strlen(file->incident.title), false);
    str_addf(out, "# INC-%lld: %s\n\n", (long long)file->incident.number, str_text(&title));
    str_add(out, "Write below the headings; what stands above the first one is not kept, an empty part is "
                 "not written.\n");
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++) {
        enum incident_field field = (enum incident_field)i;
        const char *text = file->fields[i].text ? file->fields[i].text : "";
        str_addf(out, "\n" HEADING "%s (%s)\n\n%s%s", incident_field_name(field), incident_field_help(field),
                 text, *text ? "\n" : "");
    }
    str_fini(&title);
}

/* The field whose heading the line is, INCIDENT_FIELD_COUNT when it is none: other headings are text. */
static enum incident_field heading_of(const char *line, size_t length)
{
    char name[40];
    if (length < sizeof HEADING || !str_starts(line, HEADING))
        return INCIDENT_FIELD_COUNT;
    size_t end = strcspn(line + 3, " (\r\n");
    if (end >= sizeof name)
        return INCIDENT_FIELD_COUNT;
    memcpy(name, line + 3, end);
    name[end] = '\0';
    return incident_field_find(name);
}

static char *trimmed(const struct str *text)
{
    const char *from = str_text(text);
    size_t length = text->len;
    while (length > 0 && strchr(" \t\r\n", from[length - 1]))
        length--;
    size_t start = strspn(from, "\r\n");
    return start < length ? xstrndup(from + start, length - start) : xstrdup("");
}

int incident_text_read(const struct incident_file *file, const char *text, size_t length,
                       struct incident_call *call, struct err *e)
{
    struct str parts[INCIDENT_FIELD_COUNT] = {{0}};
    enum incident_field field = INCIDENT_FIELD_COUNT;
    bool seen[INCIDENT_FIELD_COUNT] = {false};
    int code = strlen(text) == length ? 0 : err_set(e, ERR_SYNTAX, "what was written is no text");
    for (const char *line = text; *line && code == 0;) {
        size_t size = strcspn(line, "\n");
        enum incident_field heading = heading_of(line, size);
        if (heading != INCIDENT_FIELD_COUNT) {
            field = heading;
            seen[field] = true;
        } else if (field != INCIDENT_FIELD_COUNT) {
            str_add_bytes(&parts[field], line, size);
            str_add(&parts[field], "\n");
        }
        line += size + (line[size] == '\n');
    }
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++) {
        char *part = trimmed(&parts[i]);
        const char *before = file->fields[i].text ? file->fields[i].text : "";
        if (code == 0 && seen[i] && !str_eq(part, before)) {
            *vec_push(&call->owned) = part;
            call->changes[call->count++] = (struct incident_change){
                .verb = INCIDENT_WRITE, .field = incident_field_name((enum incident_field)i), .text = part};
        } else {
            free(part);
        }
        str_fini(&parts[i]);
    }
    return code;
}

char **incident_editor(const char *path)
{
    const char *editor = getenv("VISUAL");
    char **argv = NULL;
    if (!editor || !*editor)
        editor = getenv("EDITOR");
    /* It may be a command with arguments: the shell splits it, the path stays what it is. */
    char *line = xasprintf("exec %s \"$1\"", editor && *editor ? editor : "vi");
    strv_add(&argv, "sh");
    strv_add(&argv, "-c");
    strv_add(&argv, line);
    strv_add(&argv, "sh");
    strv_add(&argv, path);
    free(line);
    return argv;
}
