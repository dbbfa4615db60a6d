/* What a panel is to the console. A panel is one file in panels/ and one line of panels/table.c; the console
 * knows panels only by this header. A panel sees the engine's model and a canvas, never a socket, and never
 * acts: it answers a key with a command line that the one dispatcher checks. */
#ifndef BELAY_KIT_PANEL_H
#define BELAY_KIT_PANEL_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/kit/canvas.h"
#include "tui/kit/keymap.h"
#include "tui/kit/widgets.h"

struct engine;
struct picture;
struct platform;

/* The moment that is drawn. One for all panels of a frame. */
struct panel_scene {
    const struct engine *engine;
    const struct platform *platform; /* the engine's; while the picture is frozen a copy */
    const struct picture *picture;   /* frozen: what the engine said beside the model; else NULL */
    int64_t last_seq;                /* frozen: the newest event that is shown; else INT64_MAX */
    int64_t now_us;                  /* monotonic */
    int64_t wall_us;                 /* UTC */
    bool local_time;                 /* `t` */
    bool seconds;  /* an incident is active: ages tick by the second, else by whole minutes */
    bool observer; /* acting is refused */
    bool frozen;   /* `Z` */
    const struct filter *filter;
};

enum panel_shape {
    PANEL_TILE,   /* one of several on the dashboard, inside its frame */
    PANEL_FULL,   /* the whole screen: list with columns, sort, filter */
    PANEL_DETAIL, /* the page of the selected thing */
};

enum panel_answer {
    PANEL_IGNORED, /* not its key */
    PANEL_REDRAW,
    PANEL_DETAILS, /* open the detail page of the selected thing */
    PANEL_BACK,    /* leave the detail page */
    PANEL_COMMAND, /* reply holds a command line, without the colon, for the dispatcher */
};

struct panel {
    const char *name;  /* "breakers": also the command that opens it */
    const char *title; /* "Breakers" */
    char digit;        /* '0'..'9', its row in tui/keys.c; '\0': one of the two strips above the panels */
    const char *help;  /* one line */

    const void *type; /* what panels that share their functions differ by; NULL */

    /* The panel's private state; closed by close. */
    void *(*open)(const struct panel *panel);
    void (*close)(void *state);

    /* The model or the scene has changed: look again. True when the panel would look different. */
    bool (*update)(void *state, const struct panel_scene *scene);

    /* Beside the title in the frame: "1 open · 11 closed"; the lower corner: the interval, "2s". Either may
     * be NULL. */
    void (*note)(void *state, const struct panel_scene *scene, struct str *out);
    void (*corner)(void *state, const struct panel_scene *scene, struct str *out);

    /* How bad the worst of it is: 0 fine, to 3 down. Where there is no room for all panels, the worst are
     * shown. NULL: 0. */
    int (*worst)(void *state, const struct panel_scene *scene);

    /* The worst of it in one row, for 80x24. */
    void (*summary)(void *state, const struct panel_scene *scene, struct canvas *row);
    void (*draw)(void *state, const struct panel_scene *scene, struct canvas *c, enum panel_shape shape,
                 bool focus);

    /* command: what the key table says that the key does here, or NULL when nothing; reply: see
     * PANEL_COMMAND. A tile is asked for "open" alone: PANEL_IGNORED opens the panel in full. */
    enum panel_answer (*key)(void *state, const struct panel_scene *scene, const struct key *key,
                             const char *command, enum panel_shape shape, struct str *reply);
    /* The context of its keys in that shape; NULL: CONTEXT_LIST, in detail CONTEXT_TEXT. */
    enum key_context (*context)(void *state, enum panel_shape shape);

    /* The thing selected, as "kind/source/name" or another identity; NULL when none. May be NULL. */
    const char *(*selected)(void *state);
};

/* What panels draw of the engine beside the model, kept as it is now; defined in panels/picture.c. */
struct picture *picture_new(const struct engine *engine);
void picture_free(struct picture *p);

/* NULL-terminated; defined in panels/table.c. */
extern const struct panel *const panel_table[];

#endif
