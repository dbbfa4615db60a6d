#include "tui/kit/theme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THEME_BYTES_MAX 65536

static const unsigned mono[ROLE_COUNT] = {
#define X(name, text, bits, help) bits,
    ROLES(X)
#undef X
};

static const char *const ansi[] = {
    "black",        "red",           "green",       "yellow",         "blue",
    "magenta",      "cyan",          "white",       "bright-black",   "bright-red",
    "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan",
    "bright-white",
};

/* xterm's defaults for the first 16; the others are computed. */
static const uint8_t ansi_rgb[16][3] = {
    {0, 0, 0},     {205, 0, 0},     {0, 205, 0},     {205, 205, 0},   {0, 0, 238}, {205, 0, 205},
    {0, 205, 205}, {229, 229, 229}, {127, 127, 127}, {255, 0, 0},     {0, 255, 0}, {255, 255, 0},
    {92, 92, 255}, {255, 0, 255},   {0, 255, 255},   {255, 255, 255},
};

static void palette_rgb(int number, int rgb[3])
{
    static const int level[6] = {0, 95, 135, 175, 215, 255};
    for (int i = 0; i < 3; i++) {
        if (number < 16)
            rgb[i] = ansi_rgb[number][i];
        else if (number >= 232)
            rgb[i] = 8 + 10 * (number - 232);
        else
            rgb[i] = level[(number - 16) / (i == 0 ? 36 : i == 1 ? 6 : 1) % 6];
    }
}

/* The nearest of the palette's numbers first..last. */
static int16_t nearest(const int rgb[3], int first, int last)
{
    int best = first, best_distance = INT32_MAX;
    for (int n = first; n <= last; n++) {
        int other[3], distance = 0;
        palette_rgb(n, other);
        for (int i = 0; i < 3; i++)
            distance += (rgb[i] - other[i]) * (rgb[i] - other[i]) * (i == 0 ? 3 : i == 1 ? 6 : 1);
        if (distance < best_distance)
            best_distance = distance, best = n;
    }
    return (int16_t)best;
}

void theme_init(struct theme *t)
{
    memset(t, 0, sizeof *t);
    snprintf(t->name, sizeof t->name, "mono");
    struct colour none = {COLOUR_DEFAULT, COLOUR_DEFAULT};
    for (int i = 0; i < ROLE_COUNT; i++)
        t->looks[i] = (struct look){none, none, mono[i]};
}

/* ---- reading */

struct reader {
    const char *name;
    struct err *e;
};

static int fault(const struct reader *r, const cJSON *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fault(const struct reader *r, const cJSON *item, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(r->e, ERR_SYNTAX, "%s:%d:%d: %s", r->name, yaml_line(item), yaml_column(item), text);
}

static int read_bits(const struct reader *r, const cJSON *item, unsigned bit, unsigned *bits)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    if (str_eq(text, "yes") || str_eq(text, "true"))
        *bits |= bit;
    else if (str_eq(text, "no") || str_eq(text, "false"))
        *bits &= ~bit;
    else
        return fault(r, item, "%s takes yes or no", item->string);
    return 0;
}

static int read_one(const struct reader *r, const cJSON *item, struct colour *colour)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : NULL;
    if (!text)
        return fault(r, item, "a colour is \"#rrggbb\", 0..255 or a name");
    if (str_eq(text, "default")) {
        *colour = (struct colour){COLOUR_DEFAULT, COLOUR_DEFAULT};
        return 0;
    }
    for (int16_t i = 0; i < 16; i++) {
        if (str_eq(text, ansi[i])) {
            *colour = (struct colour){i, i};
            return 0;
        }
    }
    unsigned red, green, blue;
    char rest;
    if (strlen(text) == 7 && strspn(text + 1, "0123456789abcdefABCDEF") == 6 &&
        sscanf(text, "#%2x%2x%2x%c", &red, &green, &blue, &rest) == 3) {
        int rgb[3] = {(int)red, (int)green, (int)blue};
        /* The first 16 are the user's to change: a colour asked for by value isn't mapped to them. */
        *colour = (struct colour){nearest(rgb, 16, 255), nearest(rgb, 0, 15)};
        return 0;
    }
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number > 255)
        return fault(r, item, "no colour: %.60s (\"#rrggbb\", 0..255 or a name)", text);
    int rgb[3];
    palette_rgb((int)number, rgb);
    *colour = (struct colour){(int16_t)number, number < 16 ? (int16_t)number : nearest(rgb, 0, 15)};
    return 0;
}

static int read_colour(const struct reader *r, const cJSON *item, struct colour *colour)
{
    if (!cJSON_IsArray(item))
        return read_one(r, item, colour);
    struct colour poor;
    if (cJSON_GetArraySize(item) != 2)
        return fault(r, item, "a list of colours has two: for 256 colours, and for 16 or 8");
    if (read_one(r, item->child, colour) < 0 || read_one(r, item->child->next, &poor) < 0)
        return ERR_SYNTAX;
    colour->poor = poor.poor;
    return 0;
}

static int read_look(const struct reader *r, const cJSON *item, struct look *look)
{
    struct colour none = {COLOUR_DEFAULT, COLOUR_DEFAULT};
    *look = (struct look){none, none, 0};
    /* An empty plain scalar: the role in the terminal's own colours. */
    if (cJSON_IsString(item) && !*item->valuestring)
        return 0;
    if (!cJSON_IsObject(item))
        return fault(r, item, "%s: expected fg, bg, bold, underline, reverse", item->string);
    const cJSON *part;
    cJSON_ArrayForEach(part, item)
    {
        int rc;
        if (str_eq(part->string, "fg"))
            rc = read_colour(r, part, &look->foreground);
        else if (str_eq(part->string, "bg"))
            rc = read_colour(r, part, &look->background);
        else if (str_eq(part->string, "bold"))
            rc = read_bits(r, part, STYLE_BOLD, &look->bits);
        else if (str_eq(part->string, "underline"))
            rc = read_bits(r, part, STYLE_UNDERLINE, &look->bits);
        else if (str_eq(part->string, "reverse"))
            rc = read_bits(r, part, STYLE_REVERSE, &look->bits);
        else
            rc = fault(r, part, "unknown: %.60s (fg, bg, bold, underline, reverse)", part->string);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_roles(const struct reader *r, const cJSON *roles, struct theme *t)
{
    if (!cJSON_IsObject(roles))
        return fault(r, roles, "roles: expected a role a line");
    const cJSON *item;
    cJSON_ArrayForEach(item, roles)
    {
        enum role role = 0;
        while (role < ROLE_COUNT && !str_eq(role_name(role), item->string))
            role++;
        if (role == ROLE_COUNT)
            return fault(r, item, "no such role: %.60s", item->string);
        int rc = read_look(r, item, &t->looks[role]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int theme_parse(struct theme *t, const char *text, size_t length, const char *name, struct err *e)
{
    struct reader r = {name, e};
    struct theme read;
    theme_init(&read);
    read.name[0] = '\0';
    int rc = ERR_SYNTAX;
    cJSON *root = yaml_parse(text, length, name, 0, e);
    if (!root)
        return e && e->code ? e->code : rc;
    if (!cJSON_IsObject(root)) {
        rc = fault(&r, root, "a theme has name and roles");
        goto out;
    }
    rc = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        if (str_eq(item->string, "roles"))
            rc = read_roles(&r, item, &read);
        else if (str_eq(item->string, "name") && cJSON_IsString(item) &&
                 strlen(item->valuestring) < sizeof read.name)
            snprintf(read.name, sizeof read.name, "%s", item->valuestring);
        else
            rc = fault(&r, item, "unknown or wrong: %.60s (name, roles)", item->string);
        if (rc < 0)
            goto out;
    }
    if (!read.name[0])
        rc = err_set(e, ERR_SYNTAX, "%s:1:1: the theme has no name", name);
    else
        *t = read;
out:
    cJSON_Delete(root);
    return rc;
}

int theme_load(struct theme *t, const char *name, struct err *e)
{
    char *path;
    if (strchr(name, '/')) {
        path = xstrdup(name);
    } else {
        char *file = xasprintf("%s.yaml", name);
        path = asset_path("themes", file, e);
        free(file);
    }
    if (!path)
        return ERR_NOT_FOUND;
    struct str text = {0};
    int rc = file_read(path, THEME_BYTES_MAX, &text, e);
    if (rc == 0)
        rc = theme_parse(t, str_text(&text), text.len, path, e);
    str_fini(&text);
    free(path);
    return rc;
}

/* ---- showing */

struct theme_paint theme_paint(const struct theme *t, unsigned style, int colours)
{
    unsigned role = style & 0xff;
    const struct look *look = &t->looks[role < ROLE_COUNT ? role : ROLE_TEXT];
    struct theme_paint paint = {COLOUR_DEFAULT, COLOUR_DEFAULT, look->bits | (style & STYLE_MASK)};
    if (colours < 8) {
        paint.bits = mono[role < ROLE_COUNT ? role : ROLE_TEXT] | (style & STYLE_MASK);
        return paint;
    }
    if (colours >= 256) {
        paint.foreground = look->foreground.rich;
        paint.background = look->background.rich;
        return paint;
    }
    paint.foreground = look->foreground.poor;
    paint.background = look->background.poor;
    if (colours < 16) {
        /* Bright colours are bold ones where there are eight. Bright black, bold black, would be invisible on
         * many consoles. */
        if (paint.foreground == 8)
            paint.foreground = COLOUR_DEFAULT;
        else if (paint.foreground > 8)
            paint.bits |= STYLE_BOLD;
        if (paint.foreground >= 8)
            paint.foreground -= 8;
        if (paint.background >= 8)
            paint.background -= 8;
    }
    return paint;
}
