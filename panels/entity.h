/* How an entity of the model is written: mark, state, ages, measures. One place, so that all panels say the
 * same of the same thing. */
#ifndef BELAY_PANELS_ENTITY_H
#define BELAY_PANELS_ENTITY_H

#include "engine/platform/platform.h"
#include "tui/kit/kit.h"

/* What a measure is written as. */
enum value_form {
    FORM_NUMBER,
    FORM_COUNT,
    FORM_PERCENT, /* of a share 0..1 */
    FORM_SECONDS,
    FORM_MONEY,
    FORM_RATE, /* "41/s" */
};

const struct mark *entity_mark(const struct entity *e);
/* "Dead", "OPEN", "idle", "unknown", "gone": the field's own word where there is one that still counts. */
void entity_state(const struct entity *e, struct str *out);
/* "trips 3", "source silent 48s": why, or "". */
void entity_why(const struct panel_scene *scene, const struct entity *e, struct str *out);
/* A measure as text; "-" when it has none. */
void entity_value(const struct panel_scene *scene, const struct entity *e, const char *measure,
                  enum value_form form, char text[static SCENE_TEXT_SIZE]);
void value_write(const struct panel_scene *scene, double value, enum value_form form,
                 char text[static SCENE_TEXT_SIZE]);
/* The form that a measure of this name has, by its name. */
enum value_form measure_form(const char *measure);
/* A signal's value with its unit: "4.1%", "2.9s". */
void signal_value(const struct entity *e, double value, char text[static SCENE_TEXT_SIZE]);

/* The history of a measure as a sparkline of width columns. */
void entity_spark(const struct panel_scene *scene, const struct entity *e, const char *measure,
                  struct canvas *c, int x, int y, int width, unsigned style);
/* Mark and word, as far as width columns allow; returns the column after. */
int entity_put_state(const struct entity *e, struct canvas *c, int x, int y, int width);
int mark_put(const struct mark *mark, struct canvas *c, int x, int y);

/* The measure that the thing is about: a signal's value, a breaker's failure rate. NULL when it has none. */
const char *entity_main_measure(const struct entity *e);

/* The n worst of a kind: see platform_list. NULL past the end. */
const struct entity *entity_at(const struct panel_scene *scene, enum entity_kind kind, size_t index);
/* 0 fine, 1 degraded, 2 unknown, 3 down. */
int entity_worst(const struct panel_scene *scene, enum entity_kind kind);
/* The interval of the source that most entities of the kind come from, "2s"; nothing when there is none. */
void entity_interval(const struct panel_scene *scene, enum entity_kind kind, struct str *out);

/* Adds " · " between parts of a note. */
void note_part(struct str *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A breaker that belay keeps itself, as against one that a source tells of. */
bool entity_is_own(const struct entity *e);

#endif
