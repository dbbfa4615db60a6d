/* The full-screen list of a panel whose things are entities of the model: columns described by data, sort,
 * filter, a selection that stays on its thing, and the detail page. A panel of entities is this plus its
 * tile. */
#ifndef BELAY_PANELS_LIST_H
#define BELAY_PANELS_LIST_H

#include "engine/engine.h"
#include "panels/entity.h"

enum column_kind {
    COLUMN_MARK,
    COLUMN_KIND,
    COLUMN_NAME,
    COLUMN_GROUP,
    COLUMN_STATE,
    COLUMN_SINCE, /* age of the state */
    COLUMN_WHY,
    COLUMN_SOURCE,
    COLUMN_OWN,       /* of a breaker: belay's own, or read from a source */
    COLUMN_MEASURE,   /* of that name */
    COLUMN_SIGNAL,    /* the same, with the signal's unit */
    COLUMN_ATTRIBUTE, /* of that name */
};

struct list_column {
    struct table_column head;
    enum column_kind kind;
    const char *name;
    enum value_form form;
};

#define LIST_ALL_KINDS ((1u << ENTITY_KIND_COUNT) - 1)

struct list_type {
    unsigned kinds;     /* 1u << ENTITY_... */
    bool problems_only; /* what isn't ok, worst first over all kinds */
    const struct list_column *columns;
    size_t column_count;
    void (*tile)(const struct panel_scene *scene, struct canvas *c);
    const char *nothing;                                         /* what an empty list says, */
    const char *(*why_nothing)(const struct panel_scene *scene); /* unless this knows better; may be NULL */
};

/* The functions of struct panel, whose type is a list_type. */
void *list_open(const struct panel *panel);
void list_close(void *state);
bool list_update(void *state, const struct panel_scene *scene);
int list_worst(void *state, const struct panel_scene *scene);
void list_corner(void *state, const struct panel_scene *scene, struct str *out);
void list_draw(void *state, const struct panel_scene *scene, struct canvas *c, enum panel_shape shape,
               bool focus);
enum panel_answer list_key(void *state, const struct panel_scene *scene, const struct key *key,
                           const char *command, enum panel_shape shape, struct str *reply);
const char *list_selected(void *state);

/* Those that every panel of this kind has. */
#define LIST_PANEL(list_type)                                                                                \
    .type = &(list_type), .open = list_open, .close = list_close, .update = list_update, .draw = list_draw,  \
    .key = list_key, .selected = list_selected

#endif
