/* For tests of mappings: a mapping from a preset or from text, applied to answers, and what came out written
 * as lines KIND NAME [GROUP] CONDITION RAW {measure=value ...} (attribute=value ...) REASON with flags !
 * expected, ~ idle, @since. A condition in brackets was derived by the platform's table. */
#ifndef BELAY_TESTS_UNIT_SOURCES_MAPPED_H
#define BELAY_TESTS_UNIT_SOURCES_MAPPED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/base/number.h"
#include "engine/sources/answer.h"
#include "engine/sources/mapping.h"
#include "engine/sources/preset.h"

struct mapped_test {
    struct preset *preset;
    cJSON *tree, *vars;
    struct mapping *mapping;
    struct mapping_memory *memory;
    int64_t now_us, wall_us;
    struct mapped last;
    int status; /* HTTP status of the next answer */
    char error[256];
};

static inline void mapped_test_compile(struct mapped_test *t, const cJSON *map, const char *file,
                                       enum answer_form form, bool keys)
{
    struct err e = {0};
    struct mapping_part part = {map, file};
    t->mapping = mapping_compile(
        &(struct mapping_options){
            .parts = &part, .part_count = 1, .vars = t->vars, .form = form, .keys = keys, .expected = -1},
        NULL, &e);
    if (!t->mapping) {
        snprintf(t->error, sizeof t->error, "%s", e.msg);
        return;
    }
    t->memory = mapping_memory_new(t->mapping);
    t->now_us = 1000 * US_PER_S;
    t->status = 200;
    if (!t->wall_us)
        clock_parse("2026-11-22T04:00:00Z", &t->wall_us, NULL);
}

/* vars: "a=1 b=2", or NULL */
static inline void mapped_test_preset(struct mapped_test *t, const char *name, const char *vars,
                                      bool exposition)
{
    *t = (struct mapped_test){0};
    struct err e = {0};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    t->preset = preset_load(name, NULL, &e);
    if (!t->preset)
        fail_msg("%s", e.msg);
    struct config_source s = {.vars = cJSON_CreateObject()};
    char *copy = xstrdup(vars ? vars : ""), *rest = copy;
    for (char *word; (word = strsep(&rest, " "));)
        if (*word) {
            char *equal = strchr(word, '=');
            *equal = '\0';
            cJSON_AddStringToObject(s.vars, word, equal + 1);
        }
    t->vars = preset_variables(t->preset, &s, NULL, NULL, &e);
    if (!t->vars)
        fail_msg("%s", e.msg);
    cJSON_Delete(s.vars);
    free(copy);
    bool keys = preset_suits(t->preset, "redis"), csv = str_eq(t->preset->parse, "csv");
    mapped_test_compile(t, t->preset->map, t->preset->file,
                        csv          ? FORM_CSV
                        : exposition ? FORM_EXPOSITION
                                     : FORM_JSON,
                        keys);
    if (t->error[0])
        fail_msg("%s", t->error);
}

static inline void mapped_test_yaml(struct mapped_test *t, const char *yaml, enum answer_form form)
{
    struct err e = {0};
    *t = (struct mapped_test){0};
    t->tree = yaml_parse(yaml, strlen(yaml), "test.yaml", 0, &e);
    if (!t->tree)
        fail_msg("%s", e.msg);
    mapped_test_compile(t, t->tree, "test.yaml", form, false);
}

static inline void mapped_test_fini(struct mapped_test *t)
{
    mapped_fini(&t->last);
    mapping_memory_free(t->memory);
    mapping_free(t->mapping);
    cJSON_Delete(t->vars);
    cJSON_Delete(t->tree);
    preset_free(t->preset);
}

/* 0 or a code with the reason in t->error. */
static inline int mapped_test_apply(struct mapped_test *t, const char *body)
{
    struct answer a = {.status = t->status, .now_us = t->now_us, .wall_us = t->wall_us, .latency_us = 5000};
    struct err e = {0};
    str_add(&a.body, body);
    a.bytes = a.body.len;
    mapped_fini(&t->last);
    if (strstr(body, "# EOF"))
        a.format = EXPOSITION_OPENMETRICS;
    int code = answer_read(&a, mapping_form(t->mapping), mapping_metrics(t->mapping), &e);
    if (!code)
        code = mapping_apply(t->mapping, t->memory, &a, &t->last, &e);
    snprintf(t->error, sizeof t->error, "%s", code ? e.msg : "");
    answer_fini(&a);
    return code;
}

static inline void observation_write(const struct observation *o, struct str *out)
{
    enum condition condition = o->condition ? o->condition : condition_derive(o);
    str_addf(out, "%s %s", entity_kind_text(o->kind), o->name);
    if (o->group && *o->group)
        str_addf(out, " [%s]", o->group);
    str_addf(out, o->condition ? " %s" : " <%s>", condition_name(condition));
    if (o->raw && *o->raw)
        str_addf(out, " %s", o->raw);
    str_add(out, " {");
    for (size_t i = 0; i < o->measure_count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.6g", o->measures[i].value);
        str_addf(out, "%s%s=%s", i ? " " : "", o->measures[i].name, number);
    }
    str_add(out, "}");
    if (o->attribute_count) {
        str_add(out, " (");
        for (size_t i = 0; i < o->attribute_count; i++)
            str_addf(out, "%s%s=%s", i ? " " : "", o->attributes[i].name, o->attributes[i].value);
        str_add(out, ")");
    }
    str_addf(out, "%s%s", o->expected ? " !" : "", o->idle ? " ~" : "");
    if (o->since_us) {
        char since[CLOCK_TEXT_SIZE];
        clock_format(o->since_us, since);
        str_addf(out, " @%.19s", since);
    }
    if (o->reason && *o->reason)
        str_addf(out, " %s", o->reason);
    str_add_char(out, '\n');
}

/* Everything, or "error: ...". */
static inline char *mapped_test_text(const struct mapped_test *t)
{
    struct str out = {0};
    if (t->error[0])
        str_addf(&out, "error: %s", t->error);
    for (size_t i = 0; i < t->last.observations.len; i++)
        observation_write(&t->last.observations.data[i], &out);
    return str_take(&out);
}

static inline void mapped_test_expect(struct mapped_test *t, const char *body, const char *wanted)
{
    mapped_test_apply(t, body);
    char *got = mapped_test_text(t);
    if (strcmp(got, wanted) != 0)
        fail_msg("got\n%s\nwanted\n%s", got, wanted);
    free(got);
}

static inline char *sample_read(const char *name)
{
    struct str text = {0};
    struct err e = {0};
    char *path = xasprintf(SOURCE_DIR "/tests/unit/sources/samples/%s", name);
    if (file_read(path, 1u << 20, &text, &e))
        fail_msg("%s", e.msg);
    free(path);
    return str_take(&text);
}

static inline void expect_sample(struct mapped_test *t, const char *file, const char *wanted)
{
    char *body = sample_read(file);
    mapped_test_expect(t, body, wanted);
    free(body);
}

#endif
