/* Themes: what the roles of canvas.h look like. A theme is a YAML file:
 *
 *     name: dark
 *     roles:
 *       text: {}
 *       down: {fg: "#ff5f5f", bold: yes}
 *       danger: {fg: ["#ffffff", white], bg: ["#af0000", red], bold: yes}
 *
 * A colour is "#rrggbb", a number of the 256-colour palette, one of the 16 names (black red green yellow blue
 * magenta cyan white, bright-...), or `default`; of two in a list the second is for terminals with 16 or 8
 * colours. Without colours (NO_COLOR, mono terminals) every theme shows the third column of ROLES. */
#ifndef BELAY_KIT_THEME_H
#define BELAY_KIT_THEME_H

#include <stdint.h>

#include "engine/base/base.h"
#include "tui/kit/canvas.h"

#define COLOUR_DEFAULT (-1)

struct colour {
    int16_t rich; /* 0..255 of the xterm palette, or COLOUR_DEFAULT */
    int16_t poor; /* 0..15, or COLOUR_DEFAULT */
};

struct look {
    struct colour foreground, background;
    unsigned bits; /* STYLE_... */
};

struct theme {
    char name[32];
    struct look looks[ROLE_COUNT];
};

/* The theme without any file: every role in its monochrome look. */
void theme_init(struct theme *t);

/* Parses YAML; name is for messages "name:line:column: ...". Unknown roles, keys and colours are errors. t is
 * untouched on an error. */
int theme_parse(struct theme *t, const char *text, size_t length, const char *name, struct err *e);

/* A name with a slash is a file; else the theme NAME.yaml among the assets of kind "themes" (asset_path). */
int theme_load(struct theme *t, const char *name, struct err *e);

/* The look of a style (role and bits) on a terminal of 0 (mono), 8, 16 or 256 colours: foreground and
 * background are then numbers below that, or COLOUR_DEFAULT. */
struct theme_paint {
    int foreground, background;
    unsigned bits;
};
struct theme_paint theme_paint(const struct theme *t, unsigned style, int colours);

#endif
