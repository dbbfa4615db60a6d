#include "panels/entity.h"

#include "engine/engine.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool word_is(const char *raw, const char *word)
{
    for (; *raw != '\0' && *word != '\0'; raw++, word++) {
        bool blank = *raw == ' ' || *raw == '-' || *raw == '_';
        if (*word == '_' ? !blank : tolower((unsigned char)*raw) != *word) {
            return false;
        }
    }
    return *raw == *word;
}

const struct mark *entity_mark(const struct entity *e)
{
    if (e->condition == CONDITION_OK && (e->flags & ENTITY_IDLE)) {
        return mark_find("idle");
    }
    if (e->kind == ENTITY_BREAKER && e->condition == CONDITION_DEGRADED && word_is(e->raw, "half_open")) {
        return mark_find("half-open");
    }
    return mark_find(condition_name(e->condition));
}

void entity_state(const struct entity *e, struct str *out)
{
    if (e->flags & ENTITY_GONE) {
        str_add(out, "gone");
    } else if (e->condition == CONDITION_UNKNOWN && (e->flags & ENTITY_SILENT || e->raw[0] == '\0')) {
        str_add(out, "unknown"); /* the word it had is old news */
    } else if (e->condition == CONDITION_OK && (e->flags & ENTITY_IDLE)) {
        str_add(out, "idle");
    } else {
        str_add(out, e->raw[0] != '\0' ? e->raw : condition_name(e->condition));
    }
    if (e->flags & ENTITY_FLAPPING) {
        str_add(out, " flapping");
    }
}

void entity_why(const struct panel_scene *scene, const struct entity *e, struct str *out)
{
    struct str title = {0};
    entity_title(e, &title);
    const struct mute *mute = mutes_find(engine_mutes(scene->engine), str_text(&title), scene->wall_us);
    if (mute != NULL) {
        char until[SCENE_TEXT_SIZE];
        scene_time(scene, mute->until_us, false, until);
        str_addf(out, "muted until %s by %s: %s", until, mute->who, mute->reason);
    }
    str_clear(&title);
    entity_reason(scene->platform, e, scene->wall_us, !scene->seconds, &title);
    str_addf(out, "%s%s", mute != NULL && title.len > 0 ? "; " : "", str_text(&title));
    str_fini(&title);
}

void value_write(const struct panel_scene *scene, double value, enum value_form form,
                 char text[static SCENE_TEXT_SIZE])
{
    if (!isfinite(value)) {
        memcpy(text, "-", 2);
        return;
    }
    switch (form) {
    case FORM_NUMBER:
        scene_number(value, NULL, text);
        break;
    case FORM_COUNT:
        scene_count(value, text);
        break;
    case FORM_PERCENT:
        scene_percent(value, text);
        break;
    case FORM_SECONDS:
        if (fabs(value) < 1e12) {
            scene_span(scene, (int64_t)(value * 1e6), text);
        } else {
            memcpy(text, "-", 2);
        }
        break;
    case FORM_MONEY:
        scene_money(value, text);
        break;
    case FORM_RATE:
        scene_number(value, "/s", text);
        break;
    }
}

void entity_value(const struct panel_scene *scene, const struct entity *e, const char *measure,
                  enum value_form form, char text[static SCENE_TEXT_SIZE])
{
    value_write(scene, entity_measure(e, measure), form, text);
}

enum value_form measure_form(const char *measure)
{
    static const struct {
        const char *name;
        enum value_form form;
    } forms[] = {
        {"failure_rate", FORM_PERCENT}, {"slow_rate", FORM_PERCENT}, {"calls", FORM_COUNT},
        {"trips", FORM_COUNT},          {"hits", FORM_COUNT},        {"hits_rate", FORM_RATE},
        {"not_permitted", FORM_COUNT},  {"cost", FORM_MONEY},        {"points", FORM_COUNT},
        {"replicas", FORM_COUNT},       {"replicas_ok", FORM_COUNT}, {"done", FORM_COUNT},
        {"total", FORM_COUNT},          {"rate", FORM_RATE},         {"interval", FORM_COUNT},
        {"restarts", FORM_COUNT},       {"ready", FORM_COUNT},       {"tier", FORM_COUNT},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (str_eq(forms[i].name, measure)) {
            return forms[i].form;
        }
    }
    return str_ends(measure, "_s") ? FORM_SECONDS : FORM_NUMBER;
}

void signal_value(const struct entity *e, double value, char text[static SCENE_TEXT_SIZE])
{
    const char *unit = entity_attribute(e, "unit");
    if (str_eq(unit, "%") || str_eq(unit, "percent")) {
        scene_number(value, "%", text);
    } else if (str_eq(unit, "share")) {
        scene_percent(value, text);
    } else {
        scene_number(value, unit[0] != '\0' ? unit : NULL, text);
    }
}

/* The whole history in `width` columns, each the mean of its share. */
void entity_spark(const struct panel_scene *scene, const struct entity *e, const char *measure,
                  struct canvas *c, int x, int y, int width, unsigned style)
{
    float samples[PLATFORM_HISTORY];
    double values[PLATFORM_HISTORY];
    size_t count = entity_history(scene->platform, e, measure, samples, NULL, PLATFORM_HISTORY);
    size_t columns = width < 0 ? 0 : (size_t)width < count ? (size_t)width : count;
    for (size_t i = 0; i < columns; i++) {
        double sum = 0, known = 0;
        for (size_t k = i * count / columns; k < (i + 1) * count / columns; k++) {
            if (isfinite(samples[k])) {
                sum += (double)samples[k];
                known++;
            }
        }
        values[i] = known > 0 ? sum / known : (double)NAN;
    }
    canvas_spark(c, x, y, width, style, values, columns, 0, 0);
}

int mark_put(const struct mark *mark, struct canvas *c, int x, int y)
{
    return canvas_put_glyph(c, x, y, mark->role, mark->glyph);
}

int entity_put_state(const struct entity *e, struct canvas *c, int x, int y, int width)
{
    struct str text = {0};
    entity_state(e, &text);
    int end = canvas_put_cut(c, x, y, width, entity_mark(e)->role, str_text(&text));
    str_fini(&text);
    return end;
}

const char *entity_main_measure(const struct entity *e)
{
    static const char *const measures[ENTITY_KIND_COUNT] = {
        [ENTITY_SIGNAL] = "value",       [ENTITY_BREAKER] = "failure_rate",
        [ENTITY_CHAIN] = "hits_rate",    [ENTITY_SHARD] = "replicas_ok",
        [ENTITY_JOB] = "done",           [ENTITY_SNAPSHOT] = "age_s",
        [ENTITY_COMPONENT] = "restarts",
    };
    const char *measure = e->kind < ENTITY_KIND_COUNT ? measures[e->kind] : NULL;
    for (uint32_t i = 0; measure != NULL && i < e->measure_count; i++) {
        if (str_eq(e->measures[i].name, measure)) {
            return measure;
        }
    }
    return e->measure_count > 0 ? e->measures[0].name : NULL;
}

const struct entity *entity_at(const struct panel_scene *scene, enum entity_kind kind, size_t index)
{
    size_t count = 0;
    const struct entity *const *list = platform_list(scene->platform, kind, &count);
    return index < count ? list[index] : NULL;
}

int entity_worst(const struct panel_scene *scene, enum entity_kind kind)
{
    const struct entity *e = entity_at(scene, kind, 0);
    if (e == NULL) {
        return 0;
    }
    return e->condition == CONDITION_DOWN       ? 3
           : e->condition == CONDITION_UNKNOWN  ? 2
           : e->condition == CONDITION_DEGRADED ? 1
                                                : 0;
}

void entity_interval(const struct panel_scene *scene, enum entity_kind kind, struct str *out)
{
    const struct entity *e = entity_at(scene, kind, 0);
    const struct source_view *source = e == NULL ? NULL : platform_source_find(scene->platform, e->source);
    if (source == NULL || source->every_us <= 0) {
        return;
    }
    char text[DURATION_TEXT_SIZE];
    duration_format(source->every_us, text);
    str_add(out, source->every_us < US_PER_S ? "<1s" : text);
}

void note_part(struct str *out, const char *format, ...)
{
    if (out->len > 0) {
        str_add(out, " · ");
    }
    va_list args;
    va_start(args, format);
    str_addv(out, format, args);
    va_end(args);
}

bool entity_is_own(const struct entity *e)
{
    return e->kind == ENTITY_BREAKER && entity_attribute(e, "own")[0] != '\0';
}
