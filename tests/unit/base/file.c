#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"

static char *room; /* a folder for this test alone */

/* What a file system refuses: FAT and some shares have no second names, some can't rename without replacing.
 * In place of the C library's. */
static int links_refused, renames_refused;

int link(const char *from, const char *to)
{
    if (links_refused)
        return errno = links_refused, -1;
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (renames_refused)
        return errno = renames_refused, -1;
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

static char *in_room(const char *name)
{
    return path_join(room, name);
}

static int make_room(void **state)
{
    (void)state;
    room = xstrdup("/tmp/belay-file-XXXXXX");
    return mkdtemp(room) ? 0 : -1;
}

static int remove_room(void **state)
{
    (void)state;
    int code = folder_remove(room, NULL);
    free(room);
    return code;
}

static int open_count(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    char *path = in_room("data");
    struct str text = {0};
    struct err e = {0};
    char bytes[50000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    int before = open_count();
    for (size_t length = 0; length <= sizeof bytes; length = length * 3 + 1) {
        assert_int_equal(file_write_atomic(path, bytes, length, 0640, &e), 0);
        str_clear(&text);
        str_add(&text, "kept");
        assert_int_equal(file_read(path, sizeof bytes, &text, &e), 0);
        assert_int_equal(text.len, length + 4);
        assert_memory_equal(text.data, "kept", 4);
        assert_memory_equal(text.data + 4, bytes, length);
        assert_int_equal(text.data[text.len], 0);
    }
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(open_count(), before);
    str_fini(&text);
    free(path);
}

static void test_a_new_file_replaces_nothing(void **state)
{
    (void)state;
    static const int refused[][2] = {{0, 0}, {EPERM, 0}, {EOPNOTSUPP, EINVAL}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char name[16];
        snprintf(name, sizeof name, "new%zu", i);
        char *folder = in_room(name), *path = path_join(folder, "file");
        struct err e = {0};
        struct str text = {0};
        int before = open_count();
        assert_int_equal(folder_make(folder, 0700, &e), 0);
        links_refused = refused[i][0];
        renames_refused = refused[i][1];
        assert_int_equal(file_write_new(path, "first", 5, 0600, &e), 0);
        assert_int_equal(file_write_new(path, "second", 6, 0600, &e), ERR_EXISTS);
        links_refused = renames_refused = 0;
        assert_non_null(strstr(e.msg, path));
        assert_int_equal(file_read(path, 100, &text, &e), 0);
        assert_string_equal(str_text(&text), "first");
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_nlink, 1);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0); /* nothing is left beside it */
        assert_int_equal(open_count(), before);
        str_fini(&text);
        free(path);
        free(folder);
    }
}

static void test_the_limit_is_exact_and_leaves_the_text_alone(void **state)
{
    (void)state;
    char *path = in_room("limited");
    struct err e = {0};
    struct str text = {0};
    str_add(&text, "before");
    assert_int_equal(file_write_atomic(path, "12345", 5, 0600, &e), 0);
    assert_int_equal(file_read(path, 4, &text, &e), ERR_RANGE);
    assert_string_equal(str_text(&text), "before");
    assert_int_equal(file_read(path, 5, &text, &e), 0);
    assert_string_equal(str_text(&text), "before12345");
    str_fini(&text);
    free(path);
}

static void test_what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    struct err e = {0};
    struct str text = {0};
    char *fifo = in_room("fifo"), *missing = in_room("missing");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(file_read(fifo, 100, &text, &e), ERR_IO); /* would wait for ever for a writer */
    assert_int_equal(file_read(room, 100, &text, &e), ERR_IO);
    assert_int_equal(file_read("/dev/zero", 100, &text, &e), ERR_IO);
    assert_int_equal(file_read(missing, 100, &text, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, missing));
    assert_int_equal(file_read("/proc/self/status", 65536, &text, &e), 0); /* claims to have 0 bytes */
    assert_true(text.len > 100);
    str_clear(&text);
    assert_int_equal(file_read("/proc/self/status", 10, &text, &e), ERR_RANGE);
    str_fini(&text);
    free(fifo);
    free(missing);
}

/* The file is the old one or the new one, and nothing is left over. */
static void test_a_failed_write_changes_nothing(void **state)
{
    (void)state;
    struct err e = {0};
    char *folder = in_room("locked"), *path = path_join(folder, "data"),
         *nowhere = in_room("no/such/folder/x");
    assert_int_equal(folder_make(folder, 0700, &e), 0);
    assert_int_equal(file_write_atomic(path, "old", 3, 0600, &e), 0);
    assert_true(file_write_atomic(nowhere, "new", 3, 0600, &e) < 0);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    /* A folder in the file's place: rename fails, after everything else has gone well. */
    char *blocked = path_join(folder, "blocked");
    assert_int_equal(folder_make(blocked, 0700, &e), 0);
    assert_true(file_write_atomic(blocked, "new", 3, 0600, &e) < 0);
    assert_int_equal(rmdir(blocked), 0);
    struct str text = {0};
    assert_int_equal(file_read(path, 10, &text, &e), 0);
    assert_string_equal(str_text(&text), "old");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* only when it is empty */
    str_fini(&text);
    free(blocked);
    free(nowhere);
    free(path);
    free(folder);
}

static void test_write_all_goes_through_short_writes(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    size_t length = 1 << 20;
    pid_t pid = fork();
    if (pid == 0) {
        char buffer[777];
        size_t total = 0;
        ssize_t got;
        close(ends[1]);
        while ((got = read(ends[0], buffer, sizeof buffer)) > 0)
            total += (size_t)got;
        _exit(total == length ? 0 : 1);
    }
    close(ends[0]);
    char *bytes = xcalloc(1, length);
    struct err e = {0};
    assert_int_equal(file_write_all(ends[1], bytes, length, &e), 0);
    free(bytes);
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(file_write_all(-1, "x", 1, &e) < 0);
    assert_int_equal(file_write_all(-1, "x", 0, &e), 0);
}

static void test_folders_get_their_mode(void **state)
{
    (void)state;
    struct err e = {0};
    struct stat st;
    char *deep = in_room("a/b//c/"), *middle = in_room("a/b"), *file = in_room("plain"),
         *under = in_room("plain/x");
    mode_t mask = umask(077);
    assert_int_equal(folder_make(deep, 02770, &e), 0);
    umask(mask);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    assert_int_equal(stat(middle, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    assert_int_equal(folder_make(deep, 0700, &e), 0); /* there already: nothing changes */
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 07777, 02770);
    assert_int_equal(file_write_atomic(file, "", 0, 0600, &e), 0);
    assert_int_equal(folder_make(file, 0700, &e), ERR_EXISTS);
    assert_true(folder_make(under, 0700, &e) < 0);
    assert_int_equal(folder_make("/", 0700, &e), 0);
    assert_int_equal(folder_make("", 0700, &e), 0);
    free(deep);
    free(middle);
    free(file);
    free(under);
}

static void test_removing_never_follows_a_link(void **state)
{
    (void)state;
    struct err e = {0};
    char *precious = in_room("precious"), *file = in_room("precious/file"), *tree = in_room("tree"),
         *inner = in_room("tree/x/y"), *link = in_room("tree/x/link"), *top = in_room("top-link");
    assert_int_equal(folder_make(precious, 0700, &e), 0);
    assert_int_equal(file_write_atomic(file, "1", 1, 0600, &e), 0);
    assert_int_equal(folder_make(inner, 0700, &e), 0);
    assert_int_equal(symlink(precious, link), 0);
    assert_int_equal(symlink(precious, top), 0);
    assert_int_equal(folder_remove(tree, &e), 0);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(access(file, F_OK), 0);
    assert_true(folder_remove(top, &e) < 0);
    assert_int_equal(access(file, F_OK), 0);
    assert_int_equal(folder_remove(tree, &e), ERR_NOT_FOUND);
    free(precious);
    free(file);
    free(tree);
    free(inner);
    free(link);
    free(top);
}

static void folder_is(char *folder, const char *expected)
{
    assert_string_equal(folder, expected);
    free(folder);
}

static void test_the_xdg_folders(void **state)
{
    (void)state;
    setenv("HOME", "/home/u", 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_RUNTIME_DIR");
    folder_is(folder_state(), "/home/u/.local/state/belay");
    folder_is(folder_config(), "/home/u/.config/belay");
    folder_is(folder_runtime(), "/home/u/.local/state/belay/runtime");
    setenv("XDG_STATE_HOME", "/s/", 1);
    setenv("XDG_CONFIG_HOME", "relative", 1); /* to be ignored, says the standard */
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    folder_is(folder_state(), "/s/belay");
    folder_is(folder_config(), "/home/u/.config/belay");
    folder_is(folder_runtime(), "/run/user/1/belay");
    unsetenv("HOME");
    char *folder = folder_config();
    assert_true(folder[0] == '/');
    free(folder);
}

static void test_joining(void **state)
{
    (void)state;
    folder_is(path_join("a", "b"), "a/b");
    folder_is(path_join("a/", "b"), "a/b");
    folder_is(path_join("", "b"), "b");
    folder_is(path_join("/", "b"), "/b");
}

static void test_local_folders_are_not_remote(void **state)
{
    (void)state;
    const char *name = "x";
    assert_false(path_is_remote("/proc/self", &name));
    assert_null(name);
    assert_false(path_is_remote("/dev/shm/not/there/yet", NULL));
    assert_false(path_is_remote("", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_new_file_replaces_nothing),
        cmocka_unit_test(test_the_limit_is_exact_and_leaves_the_text_alone),
        cmocka_unit_test(test_what_is_no_file_is_refused_at_once),
        cmocka_unit_test(test_a_failed_write_changes_nothing),
        cmocka_unit_test(test_write_all_goes_through_short_writes),
        cmocka_unit_test(test_folders_get_their_mode),
        cmocka_unit_test(test_removing_never_follows_a_link),
        cmocka_unit_test(test_the_xdg_folders),
        cmocka_unit_test(test_joining),
        cmocka_unit_test(test_local_folders_are_not_remote),
    };
    return cmocka_run_group_tests(tests, make_room, remove_room);
}
