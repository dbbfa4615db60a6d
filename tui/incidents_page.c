/* `i`: the incidents that aren't closed; Enter focuses one, so that notes and exports go to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/list_page.h"

static const struct table_column columns[] = {
    {"", 1, 0, ALIGN_LEFT, 0},       {"incident", 9, 0, ALIGN_LEFT, 0},  {"severity", 8, 0, ALIGN_LEFT, 1},
    {"state", 10, 0, ALIGN_LEFT, 0}, {"opened", 8, 0, ALIGN_LEFT, 2},    {"age", 5, 0, ALIGN_RIGHT, 1},
    {"by", 8, 1, ALIGN_LEFT, 3},     {"commander", 9, 1, ALIGN_LEFT, 2}, {"notes", 5, 0, ALIGN_RIGHT, 4},
    {"title", 20, 6, ALIGN_LEFT, 0},
};

static size_t rows_count(void *data)
{
    return engine_incident_count(console_engine(((struct list_page *)data)->console));
}

static bool row_incident(void *data, size_t row, struct journal_incident *incident)
{
    return engine_incident_at(console_engine(((struct list_page *)data)->console), row, incident);
}

static const char *row_identity(void *data, size_t row)
{
    struct list_page *own = data;
    struct journal_incident incident;
    str_clear(&own->scratch);
    if (row_incident(data, row, &incident)) {
        str_addf(&own->scratch, "%lld", (long long)incident.number);
    }
    return str_text(&own->scratch);
}

static const char *row_haystack(void *data, size_t row)
{
    struct list_page *own = data;
    struct journal_incident incident;
    str_clear(&own->scratch);
    if (row_incident(data, row, &incident)) {
        str_addf(&own->scratch, "INC-%lld %s %s %s %s", (long long)incident.number, incident.severity,
                 incident_state_name(incident.state), incident.opened_by, incident.title);
    }
    return str_text(&own->scratch);
}

static void row_cell(void *data, size_t row, size_t column, struct table_cell *cell)
{
    struct list_page *own = data;
    struct journal_incident incident;
    const struct panel_scene *scene = console_scene(own->console);
    char text[SCENE_TEXT_SIZE] = "";
    const char *said = text;
    if (!row_incident(data, row, &incident)) {
        return;
    }
    const struct mark *mark = mark_find(incident_state_name(incident.state));
    bool focused = incident.number == engine_focused_incident(console_engine(own->console));
    switch (column) {
    case 0:
        said = focused ? glyph_text(GLYPH_NEXT, false, text) : "";
        cell->style = ROLE_ACTIVE;
        break;
    case 1:
        snprintf(text, sizeof text, "INC-%lld", (long long)incident.number);
        break;
    case 2:
        said = incident.severity;
        break;
    case 3:
        said = incident_state_name(incident.state);
        cell->style = mark->role;
        break;
    case 4:
        scene_time(scene, incident.opened_us, true, text);
        break;
    case 5:
        scene_age(scene, incident.opened_us, text);
        break;
    case 6:
        said = incident.opened_by;
        cell->style = ROLE_ACTOR;
        break;
    case 7:
        said = incident.commander[0] != '\0' ? incident.commander : "nobody";
        cell->style = incident.commander[0] != '\0' ? ROLE_ACTOR : ROLE_FAINT;
        break;
    case 8:
        scene_count((double)incident.notes, text);
        break;
    case 9:
        said = incident.title;
        break;
    }
    snprintf(cell->text, sizeof cell->text, "%s", said);
}

static void open_selected(struct page *page, const char *selected)
{
    struct engine_request request = {.kind = REQUEST_INCIDENT_FOCUS, .incident = strtoll(selected, NULL, 10)};
    console_submit(page->console, &request, 0, NULL);
}

static const struct list_page_type list = {
    .title = "Incidents",
    .hint = "Enter focuses one; :incident show, role, action, resolve ... (:incident Tab)",
    .nothing = "No incident is open. The first action of a run opens one by itself; :incident open TITLE "
               "does it by hand.",
    .command = "incidents",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .rows = {.count = rows_count, .identity = row_identity, .cell = row_cell, .haystack = row_haystack},
    .open = open_selected,
};

static const struct page_type type = {
    .name = "incidents",
    .live = true,
    .close = list_page_close,
    .draw = list_page_draw,
    .contexts = list_page_contexts,
    .command = list_page_command,
};

void page_open_incidents(struct console *console)
{
    list_page_open(console, &type, &list);
}
