/* What the documentation shows works: every configuration in it, and every preset, passes the check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/sources/preset.h"
#include "engine/sources/sources.h"

static void config_check(const char *text, const char *name, const char *folder)
{
    struct err e = {0};
    struct config_findings findings = {0};
    struct config *c = config_parse(text, strlen(text), name, folder, &findings, &e);
    if (c)
        sources_check(c, &findings, &e);
    if (findings.len)
        fail_msg("%s\n%s:%d:%d: %s", text, name, findings.data[0].line, findings.data[0].column,
                 findings.data[0].message);
    assert_non_null(c);
    config_findings_fini(&findings);
    config_free(c);
}

/* It is put beside a belay.yaml, as the page says, and used with all its variables. */
static void preset_check(const char *text, const char *name)
{
    char folder[] = "/tmp/belay-documentation-XXXXXX";
    struct err e = {0};
    assert_non_null(mkdtemp(folder));
    char *preset = xstrndup(text + 8, strcspn(text + 8, " \n"));
    char *presets = path_join(folder, "presets"), *file = xasprintf("%s/%s.yaml", presets, preset);
    assert_int_equal(mkdir(presets, 0700), 0);
    assert_int_equal(file_write_atomic(file, text, strlen(text), 0600, &e), 0);
    struct config *none = config_parse("{}", 2, "belay.yaml", folder, NULL, &e);
    struct preset *loaded = preset_load(preset, none, &e);
    if (!loaded)
        fail_msg("%s: %s", name, e.msg);
    struct str yaml = {0};
    str_addf(&yaml, "sources:\n  - {name: x, kind: %s, url: 'http://h:1', preset: %s, vars: {",
             loaded->kinds[0], preset);
    const cJSON *variable;
    cJSON_ArrayForEach(variable, loaded->vars) str_addf(&yaml, "%s: '1s', ", variable->string);
    str_add(&yaml, "}}\n");
    config_check(str_text(&yaml), name, folder);
    preset_free(loaded);
    config_free(none);
    folder_remove(folder, NULL);
    str_fini(&yaml);
    free(presets);
    free(preset);
    free(file);
}

/* The fenced blocks in YAML; those of runbooks begin with their front matter. Returns how many were checked.
 */
static size_t page_check(const char *name)
{
    struct str text = {0};
    struct err e = {0};
    size_t count = 0;
    char *path = path_join(SOURCE_DIR, name);
    if (file_read(path, 1u << 20, &text, &e))
        fail_msg("%s", e.msg);
    for (const char *at = str_text(&text); (at = strstr(at, "\n```yaml\n"));) {
        at += strlen("\n```yaml\n");
        const char *end = strstr(at, "\n```");
        assert_non_null(end);
        char *block = xstrndup(at, (size_t)(end - at) + 1);
        if (str_starts(block, "preset: "))
            preset_check(block, name);
        else if (!str_starts(block, "---"))
            config_check(block, name, "/tmp");
        count += !str_starts(block, "---");
        free(block);
        at = end;
    }
    str_fini(&text);
    free(path);
    return count;
}

static void what_is_shown_works(void **state)
{
    (void)state;
    static const char *const pages[] = {
        "README.md",       "docs/guide.md",         "docs/mapping.md",      "docs/security.md",
        "docs/journal.md", "docs/configuration.md", "docs/architecture.md", "docs/chains.md"};
    size_t count = 0;
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        count += page_check(pages[i]);
    assert_true(count >= 3);
}

static void what_ships_as_an_example_works(void **state)
{
    (void)state;
    struct str text = {0};
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    static const char *const examples[] = {"belay.yaml", "chains.yaml"};
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char *path = xasprintf(SOURCE_DIR "/assets/examples/%s", examples[i]);
        str_clear(&text);
        assert_int_equal(file_read(path, 1u << 20, &text, NULL), 0);
        config_check(str_text(&text), examples[i], "/tmp");
        free(path);
    }
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_works),
        cmocka_unit_test(what_ships_as_an_example_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
