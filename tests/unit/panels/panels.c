/* Every panel in every shape: goldens from a platform filled by hand, and no size at which one of them trips.
 */
#include "tests/unit/panels/stage.h"

static size_t panel_count(void)
{
    size_t count = 0;
    while (panel_table[count] != NULL) {
        count++;
    }
    return count;
}

static void draw_tile(const struct panel *panel, void *state, const struct panel_scene *scene,
                      struct canvas *c)
{
    struct str note = {0}, corner = {0};
    char title[80];
    if (panel->note != NULL) {
        panel->note(state, scene, &note);
    }
    if (panel->corner != NULL) {
        panel->corner(state, scene, &corner);
    }
    snprintf(title, sizeof title, "%c %s", panel->digit != '\0' ? panel->digit : '-', panel->title);
    canvas_frame(c, ROLE_FRAME, title, str_text(&note), str_text(&corner));
    struct canvas inside = canvas_inside(c);
    if (panel->draw != NULL) {
        panel->draw(state, scene, &inside, PANEL_TILE, false);
    } else {
        panel->summary(state, scene, &inside);
    }
    str_fini(&note);
    str_fini(&corner);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < panel_count(); i++) {
        const struct panel *panel = panel_table[i];
        assert_non_null(panel->name);
        assert_non_null(panel->title);
        assert_non_null(panel->help);
        assert_non_null(panel->open);
        assert_non_null(panel->close);
        assert_true(panel->draw != NULL || panel->summary != NULL);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(panel->name, panel_table[k]->name);
            assert_true(panel->digit == '\0' || panel->digit != panel_table[k]->digit);
        }
    }
}

/* All tiles at one width, one below the other. */
static void tiles_golden(struct engine *engine, int width, const char *name)
{
    struct panel_scene scene = stage_scene(engine);
    size_t count = panel_count();
    struct canvas *c = canvas_new(width, (int)count * 7, false);
    canvas_clear(c, ROLE_TEXT);
    for (size_t i = 0; i < count; i++) {
        void *state = panel_table[i]->open(panel_table[i]);
        struct canvas tile = canvas_sub(c, (struct rect){0, (int)i * 7, width, 6});
        draw_tile(panel_table[i], state, &scene, &tile);
        panel_table[i]->close(state);
    }
    stage_golden(c, "panels", name, false);
    canvas_free(c);
}

static void test_tiles(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    tiles_golden(engine, 60, "tiles-60");
    stage_walk(engine, "restore");
    tiles_golden(engine, 76, "tiles-76-run");
    stage_free(engine);
    engine = stage_new(false);
    tiles_golden(engine, 60, "tiles-empty");
    stage_free(engine);
}

static void test_lines(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct panel_scene scene = stage_scene(engine);
    struct canvas *c = canvas_new(78, (int)panel_count(), false);
    canvas_clear(c, ROLE_TEXT);
    for (size_t i = 0; i < panel_count(); i++) {
        void *own = panel_table[i]->open(panel_table[i]);
        struct canvas row = canvas_sub(c, (struct rect){14, (int)i, 64, 1});
        canvas_put(c, 0, (int)i, ROLE_TITLE, panel_table[i]->title);
        if (panel_table[i]->summary != NULL) {
            panel_table[i]->summary(own, &scene, &row);
        }
        panel_table[i]->close(own);
    }
    stage_golden(c, "panels", "lines-64", false);
    canvas_free(c);
    stage_free(engine);
}

static void test_full_and_detail(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    struct panel_scene scene = stage_scene(engine);
    struct filter *filter = filter_new();
    scene.filter = filter;
    for (size_t i = 0; i < panel_count(); i++) {
        const struct panel *panel = panel_table[i];
        if (panel->key == NULL) {
            continue;
        }
        char name[64];
        void *own = panel->open(panel);
        struct str reply = {0};
        struct key key = {.code = SYM_ENTER};
        struct canvas *c = canvas_new(120, 24, false);
        canvas_clear(c, ROLE_TEXT);
        panel->draw(own, &scene, c, PANEL_FULL, true);
        snprintf(name, sizeof name, "full-%s", panel->name);
        stage_golden(c, "panels", name, false);
        assert_non_null(panel->selected(own));
        enum panel_answer answer = panel->key(own, &scene, &key, "open", PANEL_FULL, &reply);
        if (answer == PANEL_DETAILS) {
            canvas_clear(c, ROLE_TEXT);
            panel->draw(own, &scene, c, PANEL_DETAIL, true);
            snprintf(name, sizeof name, "detail-%s", panel->name);
            stage_golden(c, "panels", name, false);
        } else {
            assert_int_equal(answer, PANEL_COMMAND);
            assert_string_equal(str_text(&reply), "runbook resume 12");
        }
        str_fini(&reply);
        canvas_free(c);
        panel->close(own);
    }
    filter_free(filter);
    stage_free(engine);
}

/* The selection is a thing, not a row: it stays on it when the list is sorted anew or worse things come in.
 */
static void test_selection_stays(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct panel_scene scene = stage_scene(engine);
    struct filter *filter = filter_new();
    scene.filter = filter;
    const struct panel *panel = panel_table[2];
    assert_string_equal(panel->name, "breakers");
    void *own = panel->open(panel);
    struct canvas *c = canvas_new(120, 24, false);
    struct str reply = {0};
    struct key key = {.code = 'j'};
    panel->draw(own, &scene, c, PANEL_FULL, true);
    for (int i = 0; i < 5; i++) {
        panel->key(own, &scene, &key, "down", PANEL_FULL, &reply);
    }
    char *before = xstrdup(panel->selected(own));
    struct observation rows[] = {{.kind = ENTITY_BREAKER, .name = "service-11", .raw = "OPEN"},
                                 {.kind = ENTITY_BREAKER, .name = "aaa", .raw = "OPEN"}};
    struct batch batch = {
        .source = "breakers", .partial = true, .observations = rows, .observation_count = 2};
    platform_apply(engine->platform, &batch, STAGE_NOW, STAGE_WALL);
    assert_true(panel->update(own, &scene));
    panel->draw(own, &scene, c, PANEL_FULL, true);
    assert_string_equal(panel->selected(own), before);
    for (int i = 0; i < 4; i++) {
        panel->key(own, &scene, &key, i == 2 ? "sort-reverse" : "sort", PANEL_FULL, &reply);
        panel->draw(own, &scene, c, PANEL_FULL, true);
        assert_string_equal(panel->selected(own), before);
    }
    assert_false(panel->update(own, &scene));
    free(before);
    str_fini(&reply);
    canvas_free(c);
    panel->close(own);
    filter_free(filter);
    stage_free(engine);
}

static void test_filter(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct panel_scene scene = stage_scene(engine);
    struct filter *filter = filter_new();
    struct err e = {0};
    scene.filter = filter;
    const struct panel *panel = panel_table[2];
    void *own = panel->open(panel);
    struct canvas *c = canvas_new(120, 24, false);
    assert_int_equal(filter_set(filter, "reranker", &e), 0);
    panel->draw(own, &scene, c, PANEL_FULL, true);
    assert_string_equal(panel->selected(own), "breaker:breakers:reranker");
    assert_int_equal(filter_set(filter, "!closed|open", &e), 0);
    panel->draw(own, &scene, c, PANEL_FULL, true);
    assert_string_equal(panel->selected(own),
                        "breaker:billing:billing"); /* silent: what it last said isn't its state */
    canvas_free(c);
    panel->close(own);
    filter_free(filter);
    stage_free(engine);
}

static void squeeze(struct engine *engine, bool ascii)
{
    struct panel_scene scene = stage_scene(engine);
    struct filter *filter = filter_new();
    scene.filter = filter;
    for (size_t i = 0; i < panel_count(); i++) {
        const struct panel *panel = panel_table[i];
        void *own = panel->open(panel);
        struct str reply = {0};
        struct key key = {.code = SYM_ENTER};
        for (int height = 1; height <= 30; height++) {
            for (int width = 1; width <= 60; width += 1 + height / 10) {
                struct canvas *c = canvas_new(width, height, ascii);
                if (panel->summary != NULL) {
                    struct canvas row = canvas_sub(c, (struct rect){0, 0, width, 1});
                    panel->summary(own, &scene, &row);
                }
                if (panel->draw != NULL) {
                    panel->draw(own, &scene, c, PANEL_TILE, true);
                }
                if (panel->key != NULL) {
                    panel->draw(own, &scene, c, PANEL_FULL, true);
                    if (panel->key(own, &scene, &key, "open", PANEL_FULL, &reply) == PANEL_DETAILS) {
                        panel->draw(own, &scene, c, PANEL_DETAIL, true);
                    }
                    panel->key(own, &scene, &key, "down", PANEL_FULL, &reply);
                    str_clear(&reply);
                }
                canvas_free(c);
            }
        }
        str_fini(&reply);
        panel->close(own);
    }
    filter_free(filter);
}

static void test_every_size(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    squeeze(engine, false);
    squeeze(engine, true);
    stage_free(engine);
    engine = stage_new(false);
    squeeze(engine, false);
    stage_free(engine);
}

/* Names, states and reasons from outside are long, wide, or lie about their direction. */
static void test_hostile_texts(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    char name[256];
    for (size_t i = 0; i + 3 < sizeof name; i += 3) {
        memcpy(name + i, i % 2 ? "\xe2\x80\xae" : "\xe6\xbc\xa2", 3);
    }
    name[sizeof name - 1] = '\0';
    static const char raw[] = "\x1b[2J\x9b\xffOPEN\n\n";
    struct observation rows[ENTITY_KIND_COUNT];
    static const struct measurement wild[] = {{"value", INFINITY}, {"tier", -1e300},  {"hits", NAN},
                                              {"done", 1e300},     {"total", 1e-300}, {"age_s", 1e300},
                                              {"failure_rate", -1}};
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        rows[kind] = (struct observation){.kind = (enum entity_kind)kind,
                                          .name = name,
                                          .group = name,
                                          .raw = raw,
                                          .reason = raw,
                                          .condition = CONDITION_DOWN,
                                          .snippet = raw,
                                          .snippet_length = sizeof raw,
                                          .measures = wild,
                                          .measure_count = sizeof wild / sizeof wild[0]};
    }
    stage_source(engine, "hostile", "http", US_PER_S);
    stage_apply(engine, "hostile", rows, ENTITY_KIND_COUNT, 0);
    squeeze(engine, false);
    stage_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),           cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_lines),           cmocka_unit_test(test_full_and_detail),
        cmocka_unit_test(test_selection_stays), cmocka_unit_test(test_filter),
        cmocka_unit_test(test_every_size),      cmocka_unit_test(test_hostile_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
