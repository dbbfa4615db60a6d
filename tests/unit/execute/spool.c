/* Step folders made by hand: every combination of fate, outcome and locks means one thing, and what is torn,
 * foreign or newer is never taken for an outcome. */
#include <sys/file.h>
#include <sys/wait.h>

#include "engine/execute/record.h"
#include "tests/unit/execute/harness.h"

static char *path_of(struct fixture *f, const char *key, const char *name)
{
    return xasprintf("%s/spool/%s/%s", f->folder, key, name);
}

static void put(struct fixture *f, const char *key, const char *name, const void *bytes, size_t length)
{
    char *path = path_of(f, key, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, length, &f->e), 0);
    close(fd);
    free(path);
}

static void put_text(struct fixture *f, const char *key, const char *name, const char *text)
{
    put(f, key, name, text, strlen(text));
}

static void step_make(struct fixture *f, const char *key)
{
    struct about a = {.limit_bytes = 1000, .armed_wall_us = 1};
    struct str text = {0};
    char *path = path_of(f, key, "");
    char zeros[EXIT_RECORD_SIZE] = {0};
    snprintf(a.key, sizeof a.key, "%s", key);
    about_encode(&a, &text);
    assert_int_equal(folder_make(path, 0700, &f->e), 0);
    put(f, key, NAME_ABOUT, text.data, text.len);
    put(f, key, NAME_EXIT, zeros, sizeof zeros);
    put_text(f, key, NAME_SUPERVISOR_LOCK, "");
    put_text(f, key, NAME_CHILD_LOCK, "");
    put_text(f, key, NAME_SPOOL, "");
    free(path);
    str_fini(&text);
}

static void put_exit(struct fixture *f, const char *key, enum exec_how how, int status, const char *of)
{
    uint8_t bytes[EXIT_RECORD_SIZE];
    struct exit_record r = {.how = how, .status = status, .started_wall_us = 5, .ended_wall_us = 6};
    exit_encode(&r, of, bytes);
    put(f, key, NAME_EXIT, bytes, sizeof bytes);
}

static int lock(struct fixture *f, const char *key, const char *name)
{
    char *path = path_of(f, key, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    free(path);
    return fd;
}

static void expect_state(struct fixture *f, const char *key, enum spool_state state, const char *when)
{
    enum spool_state seen = state_of(f, key);
    if (seen != state)
        fail_msg("%s: %s instead of %s", when, spool_state_text(seen), spool_state_text(state));
}

static void each_combination_means_one_thing(void **state)
{
    struct fixture *f = *state;
    static const char *const fates[] = {NULL, "", "started 5\n", "void 5\n", "torn"};
    /* By fate, then without and with a supervisor. */
    static const enum spool_state nothing[][2] = {{SPOOL_VOID, SPOOL_ARMED},
                                                  {SPOOL_VOID, SPOOL_ARMED},
                                                  {SPOOL_LOST, SPOOL_RUNNING},
                                                  {SPOOL_VOID, SPOOL_VOID},
                                                  {SPOOL_LOST, SPOOL_RUNNING}};
    static const enum spool_state exited[] = {SPOOL_UNREADABLE, SPOOL_UNREADABLE, SPOOL_ENDED,
                                              SPOOL_UNREADABLE, SPOOL_ENDED};
    for (int i = 0; i < 5; i++) {
        char key[16], when[64];
        snprintf(key, sizeof key, "k%d", i);
        step_make(f, key);
        if (fates[i])
            put_text(f, key, NAME_FATE, fates[i]);
        for (int supervised = 0; supervised < 2; supervised++) {
            int fd = supervised ? lock(f, key, NAME_SUPERVISOR_LOCK) : -1;
            char zeros[EXIT_RECORD_SIZE] = {0};
            snprintf(when, sizeof when, "fate \"%s\", supervised %d", fates[i] ? fates[i] : "none",
                     supervised);
            put(f, key, NAME_EXIT, zeros, sizeof zeros);
            expect_state(f, key, nothing[i][supervised], when);
            put_exit(f, key, EXEC_EXITED, 0, key);
            expect_state(f, key, exited[i], when);
            put_exit(f, key, EXEC_NOT_STARTED, -1, key);
            expect_state(f, key, SPOOL_ENDED, when);
            /* Not an outcome: another step's, cut off, too long, of noise. */
            put_exit(f, key, EXEC_EXITED, 0, "other");
            expect_state(f, key, nothing[i][supervised], when);
            put_text(f, key, NAME_EXIT, "belayex1");
            expect_state(f, key, nothing[i][supervised], when);
            char noise[EXIT_RECORD_SIZE + 1];
            memset(noise, 0x5a, sizeof noise);
            put(f, key, NAME_EXIT, noise, sizeof noise);
            expect_state(f, key, nothing[i][supervised], when);
            if (fd >= 0)
                close(fd);
        }
    }
}

/* Its fate was removed, or is void, and yet it has written: nobody may say that it never ran. */
static void output_without_a_beginning_concludes_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const fates[] = {NULL, "", "void 5\n"};
    for (int i = 0; i < 3; i++)
        for (int supervised = 0; supervised < 2; supervised++) {
            struct seen seen = {0};
            char key[32], when[64];
            snprintf(key, sizeof key, "k%d-%d", i, supervised);
            snprintf(when, sizeof when, "fate \"%s\", supervised %d", fates[i] ? fates[i] : "none",
                     supervised);
            step_make(f, key);
            int fd = lock(f, key, NAME_SUPERVISOR_LOCK);
            struct execution *x = adopt(f, key, &seen); /* while there is nothing to be seen */
            await(f, execution_state(x) == SPOOL_ARMED);
            put_text(f, key, NAME_SPOOL, "output");
            if (fates[i])
                put_text(f, key, NAME_FATE, fates[i]);
            if (!supervised)
                close(fd);
            expect_state(f, key, SPOOL_UNREADABLE, when);
            await(f, seen.ended);
            assert_int_equal(seen.result.how, EXEC_LOST);
            execution_free(x);
            assert_null(execution_adopt(f->spool, f->loop, key, &recorder, &seen, &f->e));
            assert_int_equal(f->e.code, ERR_CORRUPT);
            assert_int_equal(execution_forget(f->spool, key, &f->e), ERR_CORRUPT);
            put_exit(f, key, EXEC_NOT_STARTED, -1, key);
            expect_state(f, key, SPOOL_UNREADABLE, "and its record says that it was not started");
            put_text(f, key, NAME_ABOUT, ""); /* not even after a loss of power */
            expect_state(f, key, SPOOL_UNREADABLE, "about empty");
            put_text(f, key, NAME_SPOOL, "");
            if (supervised)
                close(fd);
            seen_fini(&seen);
        }
}

/* Whether it got as far as a fate or not, the record of its supervisor is believed, and says why. */
static void a_step_that_could_not_be_started_says_why(void **state)
{
    struct fixture *f = *state;
    static const char *const fates[] = {NULL, "", "started 5\n"};
    for (int i = 0; i < 3; i++) {
        struct seen seen = {0};
        uint8_t bytes[EXIT_RECORD_SIZE];
        struct exit_record r = {
            .how = EXEC_NOT_STARTED, .status = -1, .error = ENOSPC, .text = "no space left on device"};
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        step_make(f, key);
        if (fates[i])
            put_text(f, key, NAME_FATE, fates[i]);
        exit_encode(&r, key, bytes);
        put(f, key, NAME_EXIT, bytes, sizeof bytes);
        struct execution *x = adopt(f, key, &seen);
        await(f, seen.ended);
        assert_int_equal(seen.result.how, EXEC_NOT_STARTED);
        assert_int_equal(seen.result.error, ENOSPC);
        assert_string_equal(seen.result.text, r.text);
        execution_free(x);
        forget(f, key);
        seen_fini(&seen);
    }
}

static void a_living_child_is_alone_or_a_survivor(void **state)
{
    struct fixture *f = *state;
    struct spool_entry entry;
    step_make(f, "k");
    put_text(f, "k", NAME_FATE, "started 5\n");
    int fd = lock(f, "k", NAME_CHILD_LOCK);
    assert_int_equal(spool_find(f->spool, "k", &entry, &f->e), 0);
    assert_int_equal(entry.state, SPOOL_LOST);
    assert_true(entry.survivors);
    assert_int_equal(entry.started_wall_us, 5);
    int ready[2], stop[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(stop, O_CLOEXEC), 0);
    pid_t main_process = fork();
    if (main_process == 0) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        char byte = (char)fcntl(fd, F_SETLK, &whole);
        close(stop[1]);
        if (write(ready[1], &byte, 1) != 1 || read(stop[0], &byte, 1) != 0)
            _exit(1);
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(spool_find(f->spool, "k", &entry, &f->e), 0);
    assert_int_equal(entry.state, SPOOL_ALONE);
    assert_int_equal(entry.main_pid, main_process);
    close(stop[1]);
    assert_int_equal(waitpid(main_process, NULL, 0), main_process);
    expect_state(f, "k", SPOOL_LOST, "after its end");
    close(fd);
    assert_int_equal(spool_find(f->spool, "k", &entry, &f->e), 0);
    assert_false(entry.survivors);
    close(stop[0]);
    close(ready[0]);
    close(ready[1]);
}

static void what_is_not_ours_concludes_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct spool_entry entry;
    static const char *const abouts[] = {"belay-spool 2\nkey k\n", "hello",
                                         "belay-spool 1\nkey other\nlimit 1\narmed 1\nend\n",
                                         "belay-spool 1\nkey k\nlimit 1\n"};
    step_make(f, "k");
    for (size_t i = 0; i < sizeof abouts / sizeof *abouts; i++) {
        put_text(f, "k", NAME_ABOUT, abouts[i]);
        assert_int_equal(spool_find(f->spool, "k", &entry, &f->e), 0);
        assert_int_equal(entry.state, SPOOL_UNREADABLE);
        assert_true(entry.text[0]);
        assert_null(execution_adopt(f->spool, f->loop, "k", &recorder, &seen, &f->e));
        assert_int_equal(execution_forget(f->spool, "k", &f->e), ERR_CORRUPT);
    }
    /* Power lost while it was being armed: then about may be empty, and nothing can have started. */
    put_text(f, "k", NAME_ABOUT, "");
    expect_state(f, "k", SPOOL_VOID, "about empty");
    assert_int_equal(execution_forget(f->spool, "k", &f->e), 0);
}

static void void_is_for_good(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    step_make(f, "k");
    struct execution *x = execution_adopt(f->spool, f->loop, "k", &recorder, &seen, &f->e);
    assert_non_null(x);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID);
    char *path = path_of(f, "k", NAME_FATE);
    assert_true(file_has(path, "void "));
    free(path);
    execution_free(x);
    assert_int_equal(spool_void(f->spool, "k", &f->e), 0); /* said before */
    put_text(f, "k", NAME_FATE, "");
    assert_int_equal(spool_void(f->spool, "k", &f->e), 0); /* nobody is left who could fill it */
    int fd = lock(f, "k", NAME_SUPERVISOR_LOCK);
    assert_int_equal(spool_void(f->spool, "k", &f->e), ERR_BUSY);
    close(fd);
    put_text(f, "k", NAME_FATE, "started 1\n");
    assert_int_equal(spool_void(f->spool, "k", &f->e), ERR_EXISTS);
    assert_int_equal(spool_void(f->spool, "none", &f->e), ERR_NOT_FOUND);
    assert_int_equal(spool_void(f->spool, "../k", &f->e), ERR_USAGE);
}

static void missing_output_is_counted(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    uint8_t *frames = xmalloc(2 * FRAME_MAX), bytes[EXIT_RECORD_SIZE];
    memcpy(frames + FRAME_HEAD, "hello", 5);
    size_t size = frame_seal(frames, EXEC_STDOUT, 5);
    memcpy(frames + size + FRAME_HEAD, "world", 5);
    size += frame_seal(frames + size, EXEC_STDERR, 5);
    step_make(f, "k");
    put_text(f, "k", NAME_FATE, "started 5\n");
    struct exit_record r = {.how = EXEC_EXITED, .stdout_bytes = 8, .stderr_bytes = 5, .dropped_bytes = 3};
    exit_encode(&r, "k", bytes);
    put(f, "k", NAME_EXIT, bytes, sizeof bytes);
    for (int cut = 0; cut < 3; cut++) {
        memset(&seen, 0, sizeof seen);
        if (cut == 2)
            frames[FRAME_HEAD + 5 + FRAME_TAIL + FRAME_HEAD] ^= 1;
        put(f, "k", NAME_SPOOL, frames, cut == 1 ? size - 1 : size);
        struct execution *x = execution_adopt(f->spool, f->loop, "k", &recorder, &seen, &f->e);
        await(f, seen.ended);
        assert_int_equal(seen.result.how, EXEC_EXITED);
        assert_string_equal(str_text(&seen.out), "hello");
        assert_string_equal(str_text(&seen.err), cut ? "" : "world");
        assert_int_equal(seen.result.missing_bytes, cut ? 5 : 0);
        execution_free(x);
        seen_fini(&seen);
    }
    free(frames);
}

/* Another console follows it: an onlooker gets its output and decides nothing, not even that it never starts.
 */
static void who_only_watches_touches_nothing(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    uint8_t *frame = xmalloc(FRAME_MAX);
    char *fate = path_of(f, "k", NAME_FATE);
    step_make(f, "k");
    struct execution *x = execution_watch(f->spool, f->loop, "k", &recorder, &seen, &f->e);
    assert_non_null(x);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_VOID); /* as it looks: nobody said so */
    assert_int_not_equal(access(fate, F_OK), 0);
    execution_free(x);
    seen_fini(&seen);
    memset(&seen, 0, sizeof seen);
    memcpy(frame + FRAME_HEAD, "hello", 5);
    put(f, "k", NAME_SPOOL, frame, frame_seal(frame, EXEC_STDOUT, 5));
    put_text(f, "k", NAME_FATE, "started 5\n"); /* lost: its FIFOs are for the console that follows it */
    x = execution_watch(f->spool, f->loop, "k", &recorder, &seen, &f->e);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_LOST);
    assert_string_equal(str_text(&seen.out), "hello");
    execution_free(x);
    assert_null(execution_watch(f->spool, f->loop, "none", &recorder, &seen, &f->e));
    assert_int_equal(f->e.code, ERR_NOT_FOUND);
    seen_fini(&seen);
    free(frame);
    free(fate);
}

static void count(void *data, const struct spool_entry *entry)
{
    str_addf(data, "%s=%s ", entry->key, spool_state_text(entry->state));
}

static void each_is_in_order_and_skips_strangers(void **state)
{
    struct fixture *f = *state;
    struct str list = {0};
    static const char *const keys[] = {"b", "a", "r10", "r2"};
    for (size_t i = 0; i < 4; i++)
        step_make(f, keys[i]);
    put_text(f, ".", "a-file", "x");
    char *hidden = path_of(f, ".new-x-1", ""), *link = path_of(f, "link", "");
    link[strlen(link) - 1] = '\0';
    assert_int_equal(folder_make(hidden, 0700, &f->e), 0);
    assert_int_equal(symlink("a", link), 0);
    put_text(f, "b", NAME_FATE, "started 1\n");
    assert_int_equal(spool_each(f->spool, count, &list, &f->e), 0);
    assert_string_equal(str_text(&list), "a=void b=lost r10=void r2=void ");
    str_fini(&list);
    free(link);
    free(hidden);
}

#define FORGOTTEN 500

static int gone_key(char *key, int i)
{
    return snprintf(key, EXEC_KEY_MAX + 1, "gone-%d", i);
}

/* Another process forgets them one by one: none is ever seen as half of itself. */
static void what_is_being_removed_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct spool_entry entry;
    char key[EXEC_KEY_MAX + 1];
    int status = 0;
    for (int i = 0; i < FORGOTTEN && gone_key(key, i); i++)
        step_make(f, key);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < FORGOTTEN && gone_key(key, i); i++)
            status |= execution_forget(f->spool, key, NULL);
        _exit(status != 0);
    }
    for (int i = 0; i < FORGOTTEN && gone_key(key, i); i++) {
        while (spool_find(f->spool, key, &entry, &f->e) == 0)
            assert_int_equal(entry.state, SPOOL_VOID);
        assert_int_equal(f->e.code, ERR_NOT_FOUND);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void opening_sweeps_and_closes_to_others(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char *folder = xasprintf("%s/spool", f->folder), *gone = path_of(f, ".gone-k-1", "deep"),
         *fresh = path_of(f, ".new-k-1", ""), *old = path_of(f, ".new-k-2", "");
    assert_int_equal(
        folder_make(gone, 0700, &f->e) | folder_make(fresh, 0700, &f->e) | folder_make(old, 0700, &f->e), 0);
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    struct spool *s = spool_open(folder, false, "/bin/true", &f->e);
    assert_non_null(s);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_not_equal(stat(gone, &st), 0);
    assert_int_not_equal(stat(old, &st), 0);
    assert_int_equal(stat(fresh, &st), 0); /* in somebody's hands */
    spool_close(s);
    free(old);
    free(fresh);
    free(gone);
    free(folder);
}

static void modes_are_as_promised(void **state)
{
    struct fixture *f = *state;
    mode_t mask = umask(077);
    char own[4096] = "";
    assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    for (int shared = 0; shared < 2; shared++) {
        struct seen seen = {0};
        const char *argv[4];
        char *folder = xasprintf("%s/%s", f->folder, shared ? "shared" : "private");
        struct spool *s = spool_open(folder, shared, own, &f->e);
        struct exec_request request = shell("k", argv, "exit 0");
        struct execution *x = execution_arm(s, f->loop, &request, &recorder, &seen, &f->e);
        assert_int_equal(execution_go(x, &f->e), 0);
        await(f, seen.ended);
        static const char *const names[] = {"",         NAME_ABOUT, NAME_FATE,    NAME_EXIT,
                                            NAME_SPOOL, NAME_OUT,   NAME_CONTROL, NAME_CHILD_LOCK};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct stat st;
            char *path = xasprintf("%s/k/%s", folder, names[i]);
            assert_int_equal(stat(path, &st), 0);
            mode_t expected = i == 0 ? (shared ? 02770 : 0700) : shared ? 0660 : 0600;
            if ((st.st_mode & 07777) != expected)
                fail_msg("%s has mode %o", path, st.st_mode & 07777);
            free(path);
        }
        execution_free(x);
        spool_close(s);
        free(folder);
        seen_fini(&seen);
    }
    umask(mask);
}

/* The environment may hold secrets. */
static void no_secret_touches_the_disk(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    const char *argv[4], *env[] = {"TOKEN=s3cret-of-the-house", NULL};
    struct exec_request request = shell("k", argv, "export OTHER=1; [ ${#TOKEN} = 19 ]");
    request.env = (char *const *)(uintptr_t)env;
    request.capture_exports = true;
    struct execution *x = start(f, &request, &seen);
    await(f, seen.ended);
    assert_int_equal(seen.result.status, 0);
    assert_int_equal(strv_count(seen.exports), 1);
    char *command =
        xasprintf("grep -rqsa s3cret-of --exclude=out --exclude=err --exclude=control %s", f->folder);
    assert_int_not_equal(system(command), 0);
    free(command);
    execution_free(x);
    seen_fini(&seen);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(each_combination_means_one_thing, setup, teardown),
        cmocka_unit_test_setup_teardown(output_without_a_beginning_concludes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_that_could_not_be_started_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_living_child_is_alone_or_a_survivor, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_ours_concludes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(void_is_for_good, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_output_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(who_only_watches_touches_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(each_is_in_order_and_skips_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_being_removed_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(opening_sweeps_and_closes_to_others, setup, teardown),
        cmocka_unit_test_setup_teardown(modes_are_as_promised, setup, teardown),
        cmocka_unit_test_setup_teardown(no_secret_touches_the_disk, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.spool", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
