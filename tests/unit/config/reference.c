#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/config/config.h"

/* The shipped page and schema are what the table says. BELAY_REGENERATE=1 writes them anew. */
static void file_holds(const char *path, char *expected)
{
    struct str text = {0};
    struct err e = {0};
    if (getenv("BELAY_REGENERATE"))
        assert_int_equal(file_write_atomic(path, expected, strlen(expected), 0644, &e), 0);
    if (file_read(path, 1 << 20, &text, &e) < 0)
        fail_msg("%s", e.msg);
    if (!str_eq(str_text(&text), expected))
        fail_msg("%s differs from the options table: BELAY_REGENERATE=1 unit_config_reference writes it",
                 path);
    str_fini(&text);
    free(expected);
}

static void test_the_shipped_page_and_schema(void **state)
{
    (void)state;
    file_holds(SOURCE_DIR "/docs/configuration.md", config_reference_markdown());
    file_holds(SOURCE_DIR "/assets/schema/belay.schema.json", config_schema_json());
}

/* Every option is on the page and in the schema, described. */
static void test_nothing_is_left_out(void **state)
{
    (void)state;
    char *page = config_reference_markdown(), *text = config_schema_json();
    struct err e = {0};
    cJSON *schema = json_parse(text, strlen(text), &e);
    assert_non_null(schema);
    for (const struct option *o = NULL; (o = option_next(o));) {
        char *row = xasprintf("| `%s`", o->path);
        assert_non_null(strstr(page, row));
        free(row);
        assert_true(o->help && strlen(o->help) > 8 && str_ends(o->help, "."));
        struct str pointer = {0};
        const char *p = o->path;
        for (; *p; p++) {
            if (p == o->path || p[-1] == '.')
                str_add(&pointer, *p == '*' ? "" : "/properties/");
            if (*p == '*')
                str_add(&pointer, "/additionalProperties");
            else if (*p == '[' && p[1] == ']')
                str_add(&pointer, "/items"), p++;
            else if (*p != '.')
                str_add_char(&pointer, *p);
        }
        const cJSON *item = json_at(schema, str_text(&pointer));
        if (!item)
            fail_msg("%s is not in the schema", str_text(&pointer));
        assert_string_equal(json_string(item, "description", ""), o->help);
        str_fini(&pointer);
    }
    cJSON_Delete(schema);
    free(text);
    free(page);
}

/* A default, read as the option's own value, is accepted. */
static void test_the_defaults_are_valid(void **state)
{
    (void)state;
    for (const struct option *o = NULL; (o = option_next(o));) {
        if (!o->fallback || strpbrk(o->path, ".["))
            continue;
        struct config *c = config_new();
        struct err e = {0};
        if (config_set(c, o->path, o->fallback, &e) < 0)
            fail_msg("%s: %s", o->path, e.msg);
        config_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_shipped_page_and_schema),
        cmocka_unit_test(test_nothing_is_left_out),
        cmocka_unit_test(test_the_defaults_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
