#include "panels/detail.h"
#include "panels/picture.h"
#include "panels/spans.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_SHOWN 20
#define PLOT_ROWS    10
#define PLOT_LEAST   16 /* rows of a page that has room for a plot */

struct detail {
    uint32_t entity;
    struct text_view *text;
    double values[PLATFORM_HISTORY];
    int64_t times_us[PLATFORM_HISTORY];
    size_t count;
    struct measures_sums
        spans[MEASURES_SPAN_COUNT]; /* of a target of belay's own; a frozen page keeps them */
    bool measured;
    struct str title; /* kept when the entity is forgotten while its page is open */
};

struct detail *detail_new(void)
{
    struct detail *d = xcalloc(1, sizeof *d);
    d->text = text_view_new();
    return d;
}

void detail_free(struct detail *d)
{
    if (d == NULL) {
        return;
    }
    text_view_free(d->text);
    str_fini(&d->title);
    free(d);
}

static void heading(struct detail *d, const char *text)
{
    text_view_add(d->text, ROLE_TEXT, "\n");
    text_view_addf(d->text, ROLE_TITLE, "%s\n", text);
}

static void write_facts(struct detail *d, const struct panel_scene *scene, const struct entity *e)
{
    struct str why = {0};
    entity_why(scene, e, &why);
    char age[SCENE_TEXT_SIZE], date[SCENE_TEXT_SIZE];
    scene_age(scene, e->since_us, age);
    scene_date(scene, e->since_us, date);
    text_view_addf(d->text, ROLE_TEXT, "%s since %s (%s)%s\n", condition_name(e->condition), date, age,
                   e->flags & ENTITY_SINCE_OWN ? "" : ", as first seen here");
    if (why.len > 0) {
        text_view_addf(d->text, entity_mark(e)->role, "%s\n", str_text(&why));
    }
    str_fini(&why);
    if (e->flags & ENTITY_SILENT && e->raw[0] != '\0') {
        text_view_addf(d->text, ROLE_UNKNOWN, "last heard: %s\n", e->raw);
    }
    const struct source_view *source = platform_source_find(scene->platform, e->source);
    if (source != NULL) {
        scene_age(scene, source->last_good_us, age);
        text_view_addf(d->text, ROLE_TEXT, "source %s (%s), last good answer %s%s\n", source->name,
                       source->kind, age, source->last_good_us == 0 ? " yet: none" : " ago");
    }
    if (e->change_count > 0) {
        text_view_addf(d->text, ROLE_FAINT, "%u change%s since it was first seen%s\n", e->change_count,
                       e->change_count == 1 ? "" : "s", e->flags & ENTITY_FLAPPING ? ", flapping" : "");
    }
}

static void write_measures(struct detail *d, const struct panel_scene *scene, const struct entity *e)
{
    if (e->measure_count > 0) {
        heading(d, "Measures");
    }
    for (uint32_t i = 0; i < e->measure_count; i++) {
        char value[SCENE_TEXT_SIZE];
        const char *name = e->measures[i].name;
        if (e->kind == ENTITY_SIGNAL) {
            signal_value(e, e->measures[i].value, value);
        } else {
            entity_value(scene, e, name, measure_form(name), value);
        }
        text_view_addf(d->text, ROLE_TEXT, "%-20s %12s\n", name, value);
    }
    if (e->attribute_count > 0) {
        heading(d, "Attributes");
    }
    for (uint32_t i = 0; i < e->attribute_count; i++) {
        text_view_addf(d->text, ROLE_TEXT, "%-20s %s\n", e->attributes[i].name, e->attributes[i].value);
    }
}

static void write_spans(struct detail *d, const struct panel_scene *scene, const struct entity *e, bool fresh)
{
    char target[TARGET_NAME_LIMIT + 1];
    entity_target(e, target);
    if (fresh || !scene->frozen) {
        d->measured = target[0] != '\0' && engine_measures(scene->engine, target, d->spans);
    }
    if (d->measured) {
        spans_write(d->text, d->spans);
    }
}

/* Its runbooks: those that are offered for it, and those that could be for one of its kind. */
static void write_runbooks(struct detail *d, const struct panel_scene *scene, const struct entity *e)
{
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_BOOKS, &own);
    bool any = false;
    for (size_t i = 0; i < p->books.len; i++) {
        const struct picture_book *book = &p->books.data[i];
        bool offered = book->offered && str_eq(book->entity, str_text(&d->title));
        if (!offered && (book->kinds & 1u << e->kind) == 0) {
            continue;
        }
        if (!any) {
            heading(d, "Runbooks (r opens them)");
        }
        any = true;
        text_view_addf(d->text, offered ? ROLE_STRONG : ROLE_TEXT, "%-9s %s\n", offered ? "offered" : "",
                       book->title);
    }
    picture_fini(&own);
}

static void write_healing(struct detail *d, const struct panel_scene *scene)
{
    struct picture own = {0};
    const struct picture *p = picture_look(scene, PICTURE_RUNS, &own);
    const struct picture_healing *healing = picture_healing_for(p, str_text(&d->title));
    if (healing != NULL) {
        heading(d, "Healing (:heal shows all)");
        text_view_addf(d->text, ROLE_STRONG, "%s\n", healing->next);
        text_view_addf(d->text, ROLE_TEXT, "%s\n", healing->why);
    }
    picture_fini(&own);
}

static void write_events(struct detail *d, const struct panel_scene *scene, const struct entity *e)
{
    const struct timeline *timeline = engine_timeline(scene->engine);
    size_t shown = 0;
    for (size_t i = timeline_count(timeline); i-- > 0 && shown < EVENTS_SHOWN;) {
        const struct timeline_line *line = timeline_at(timeline, i);
        if (line->seq > scene->last_seq || line->level == TIMELINE_DETAIL ||
            strstr(line->text, e->name) == NULL) {
            continue;
        }
        if (shown++ == 0) {
            heading(d, "Related events, newest first");
        }
        char time[SCENE_TEXT_SIZE];
        scene_time(scene, line->at_us, true, time);
        text_view_addf(d->text, ROLE_TEXT, "%s %-8s %s\n", time, line->who, line->text);
    }
}

/* What the configuration knows besides: `links:` and `logs:`. */
static void write_links(struct detail *d, const struct panel_scene *scene, const struct entity *e)
{
    const struct config *config = engine_config(scene->engine);
    const char *title;
    struct str url = {0};
    struct entity_logs logs;
    for (size_t i = 0; entity_link(config, e, i, &title, &url); i++) {
        if (i == 0) {
            heading(d, "Pages elsewhere (:links shows them to copy)");
        }
        text_view_addf(d->text, ROLE_TEXT, "%-20s %s\n", title, str_text(&url));
    }
    for (size_t i = 0; entity_logs(config, e, i, &logs); i++) {
        if (i == 0) {
            heading(d, "Logs (L opens the first)");
        }
        text_view_addf(d->text, ROLE_TEXT, "%-20s %s\n", logs.title, logs.e.code != 0 ? logs.e.msg : "");
        entity_logs_fini(&logs);
    }
    str_fini(&url);
}

static void write_answer(struct detail *d, const struct entity *e)
{
    if (e->snippet == NULL || e->snippet_length == 0) {
        return;
    }
    heading(d, "What the source said");
    text_view_add_bytes(d->text, ROLE_FAINT, e->snippet, e->snippet_length);
    if (e->snippet_length >= PLATFORM_SNIPPET_LIMIT) {
        text_view_add(d->text, ROLE_FAINT, "\n(cut)");
    }
}

static void read_history(struct detail *d, const struct panel_scene *scene, const struct entity *e)
{
    float samples[PLATFORM_HISTORY];
    const char *measure = entity_main_measure(e);
    d->count = measure == NULL
                   ? 0
                   : entity_history(scene->platform, e, measure, samples, d->times_us, PLATFORM_HISTORY);
    for (size_t i = 0; i < d->count; i++) {
        d->values[i] = (double)samples[i];
    }
}

void detail_update(struct detail *d, const struct panel_scene *scene, uint32_t entity)
{
    const struct entity *e = platform_entity(scene->platform, entity);
    bool fresh = entity != d->entity;
    if (fresh) {
        text_view_free(d->text);
        d->text = text_view_new();
        d->entity = entity;
    }
    if (e == NULL) {
        d->count = 0;
        return; /* the last page stays, its title says that it is gone */
    }
    str_clear(&d->title);
    entity_title(e, &d->title);
    text_view_clear(d->text);
    write_facts(d, scene, e);
    write_measures(d, scene, e);
    write_spans(d, scene, e, fresh);
    write_healing(d, scene);
    write_runbooks(d, scene, e);
    write_links(d, scene, e);
    write_events(d, scene, e);
    write_answer(d, e);
    read_history(d, scene, e);
}

static void draw_plot(const struct detail *d, const struct panel_scene *scene, const struct entity *e,
                      struct canvas *c)
{
    const char *measure = entity_main_measure(e);
    bool signal = e->kind == ENTITY_SIGNAL;
    const char *unit = entity_attribute(e, "unit");
    struct plot plot = {
        .values = d->values,
        .at_us = d->times_us,
        .count = d->count,
        .from_us = d->times_us[0],
        .to_us = d->times_us[d->count - 1] > d->times_us[0] ? d->times_us[d->count - 1]
                                                            : d->times_us[0] + US_PER_S,
        .warn = signal ? entity_measure(e, "warn") : (double)NAN,
        .critical = signal ? entity_measure(e, "crit") : (double)NAN,
        .unit = signal && unit[0] != '\0' ? unit : NULL,
    };
    char span[SCENE_TEXT_SIZE];
    scene_span(scene, plot.to_us - plot.from_us, span);
    canvas_putf(c, 1, 0, ROLE_FAINT, "%s, the last %s", measure, span);
    struct canvas area = canvas_sub(c, (struct rect){1, 1, canvas_width(c) - 2, canvas_height(c) - 1});
    plot_draw(&plot, &area, ROLE_PLOT);
}

void detail_draw(struct detail *d, const struct panel_scene *scene, struct canvas *c)
{
    const struct entity *e = platform_entity(scene->platform, d->entity);
    int width = canvas_width(c), height = canvas_height(c), top = 1;
    int x = 1;
    if (e != NULL) {
        x = mark_put(entity_mark(e), c, 1, 0) + 1;
    }
    x = canvas_put_cut(c, x, 0, width - x - 1, ROLE_STRONG, str_text(&d->title)) + 2;
    if (e != NULL) {
        entity_put_state(e, c, x, 0, width - x - 1);
    } else {
        canvas_put_cut(c, x, 0, width - x - 1, ROLE_UNKNOWN, "no longer known: this is what was known last");
    }
    if (e != NULL && d->count >= 2 && height >= PLOT_LEAST) {
        int rows = height / 3 < PLOT_ROWS ? height / 3 : PLOT_ROWS;
        struct canvas area = canvas_sub(c, (struct rect){0, 2, width, rows});
        draw_plot(d, scene, e, &area);
        top = 2 + rows + 1;
    }
    struct canvas text = canvas_sub(c, (struct rect){1, top, width - 2, height - top});
    text_view_draw(d->text, &text, scene->filter);
}

bool detail_command(struct detail *d, const char *command)
{
    return text_view_command(d->text, command);
}
