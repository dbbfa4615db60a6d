#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"

static char *room;

static void put(const char *name, const char *text)
{
    char *path = path_join(room, name), *folder = xstrdup(path);
    struct err e = {0};
    *strrchr(folder, '/') = '\0';
    assert_int_equal(folder_make(folder, 0700, &e), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &e), 0);
    free(folder);
    free(path);
}

static int make_room(void **state)
{
    (void)state;
    room = xstrdup("/tmp/belay-asset-XXXXXX");
    if (!mkdtemp(room))
        return -1;
    char *config = path_join(room, "config");
    setenv("XDG_CONFIG_HOME", config, 1);
    unsetenv("BELAY_ASSETS");
    free(config);
    return 0;
}

static int remove_room(void **state)
{
    (void)state;
    int code = folder_remove(room, NULL);
    free(room);
    return code;
}

static void test_the_build_tree_finds_its_source_tree(void **state)
{
    (void)state;
    struct err e = {0};
    char *folder = asset_path("schema", ".", &e);
    assert_non_null(folder);
    assert_string_equal(folder, SOURCE_DIR "/assets/schema/.");
    free(folder);
    folder = asset_path("themes", ".", &e);
    assert_non_null(folder);
    assert_string_equal(folder, SOURCE_DIR "/themes/.");
    free(folder);
}

static void test_the_users_own_come_before_ours_and_the_asked_before_both(void **state)
{
    (void)state;
    struct err e = {0};
    put("config/belay/presets/mine.yaml", "own");
    put("config/belay/presets/.hidden.yaml", "");
    put("config/belay/presets/note.txt", "");
    char *path = asset_path("presets", "mine.yaml", &e);
    assert_non_null(path);
    assert_true(str_starts(path, room));
    free(path);
    put("asked/presets/mine.yaml", "asked");
    put("asked/presets/also.yaml", "asked");
    char *asked = path_join(room, "asked");
    setenv("BELAY_ASSETS", asked, 1);
    path = asset_path("presets", "mine.yaml", &e);
    assert_true(str_starts(path, asked));
    free(path);
    char **names = asset_list("presets", ".yaml");
    size_t mine = 0, also = 0, other = 0;
    for (size_t i = 0; names[i]; i++) {
        mine += str_eq(names[i], "mine");
        also += str_eq(names[i], "also");
        other += str_eq(names[i], ".hidden") || str_eq(names[i], "note.txt") || str_eq(names[i], "note");
        assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
    }
    assert_int_equal(mine, 1);
    assert_int_equal(also, 1);
    assert_int_equal(other, 0);
    strv_free(names);
    unsetenv("BELAY_ASSETS");
    free(asked);
}

static void test_names_stay_inside(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/etc/passwd", "..", "../x", "a/../../x", "a/.."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_null(asset_path("presets", bad[i], &e));
        assert_int_equal(e.code, ERR_USAGE);
    }
    struct err e = {0};
    assert_null(asset_path("presets", "no-such.yaml", &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_null(asset_path("no-such-kind", "x..y", &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    char **none = asset_list("no-such-kind", ".yaml");
    assert_null(none[0]);
    strv_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_build_tree_finds_its_source_tree),
        cmocka_unit_test(test_the_users_own_come_before_ours_and_the_asked_before_both),
        cmocka_unit_test(test_names_stay_inside),
    };
    return cmocka_run_group_tests(tests, make_room, remove_room);
}
