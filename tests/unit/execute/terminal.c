/* Steps on a terminal: it is theirs, it is a terminal, and when the console that holds it goes they are hung
 * up, told so, and what is left of them proves nothing. */
#include <sys/ioctl.h>
#include <termios.h>

#include "tests/unit/execute/harness.h"

/* What the program wrote, as it comes through the terminal. */
static void listen_to(struct execution *x, struct str *text)
{
    char bytes[4096];
    ssize_t got;
    while ((got = read(execution_terminal(x), bytes, sizeof bytes)) > 0)
        str_add_bytes(text, bytes, (size_t)got);
}

static bool shows(struct execution *x, struct str *text, const char *wanted)
{
    listen_to(x, text);
    return strstr(str_text(text), wanted) != NULL;
}

static const struct exec_terminal eighty = {.width = 81, .height = 25};

static struct execution *start_on_terminal(struct fixture *f, const char *script, struct seen *seen)
{
    const char *argv[4];
    struct exec_request request = shell("k", argv, script);
    request.terminal = &eighty;
    return start(f, &request, seen);
}

static void it_is_a_terminal(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct str text = {0};
    struct execution *x = start_on_terminal(
        f, "test -t 0 && test -t 1 && test -t 2 && echo all; stty size; tty; exec 3</dev/tty; exit 3", &seen);
    await(f, seen.ended);
    listen_to(x, &text);
    assert_string_equal(strtok(text.data, "\r"), "all");
    assert_string_equal(strtok(NULL, "\r"), "\n25 81");
    assert_true(str_starts(strtok(NULL, "\r"), "\n/dev/pts/"));
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 3);
    assert_int_equal(seen.result.stdout_bytes, 0);
    execution_free(x);
    forget(f, "k");
    str_fini(&text);
    seen_fini(&seen);
}

/* All of what it wrote last is there once it has ended. */
static void its_last_words_are_kept(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 20; round++) {
        struct seen seen = {0};
        struct str text = {0};
        struct execution *x = start_on_terminal(f, "stty -opost; seq -s, 500; printf last", &seen);
        await(f, seen.ended);
        listen_to(x, &text);
        if (!str_ends(str_text(&text), "499,500\nlast"))
            fail_msg("round %d: %s", round, str_text(&text));
        execution_free(x);
        forget(f, "k");
        str_fini(&text);
        seen_fini(&seen);
    }
}

static void typing_and_control_c(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct str text = {0};
    struct execution *x = start_on_terminal(f,
                                            "read -r -p 'name? ' name; echo \"hello $name\"; trap 'echo "
                                            "caught; exit 7' INT; while :; do sleep 0.1; done",
                                            &seen);
    await(f, shows(x, &text, "name? "));
    assert_int_equal(write(execution_terminal(x), "bob\r", 4), 4);
    await(f, shows(x, &text, "hello bob"));
    assert_int_equal(write(execution_terminal(x), "\x03", 1), 1);
    await(f, seen.ended);
    assert_true(shows(x, &text, "caught"));
    assert_int_equal(seen.result.how, EXEC_EXITED);
    assert_int_equal(seen.result.status, 7);
    execution_free(x);
    forget(f, "k");
    str_fini(&text);
    seen_fini(&seen);
}

/* A shell at a terminal ignores TERM. */
static void cancel_ends_an_interactive_shell(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct str text = {0};
    struct execution *x = start_on_terminal(f, "exec bash --norc --noprofile -i", &seen);
    await(f, shows(x, &text, "$ ") || shows(x, &text, "# "));
    assert_int_equal(execution_cancel(x, &f->e), 0);
    await(f, seen.ended);
    assert_int_equal(seen.result.how, EXEC_CANCELLED);
    assert_true(seen.result.duration_us < EXEC_GRACE_US); /* without KILL */
    execution_free(x);
    forget(f, "k");
    str_fini(&text);
    seen_fini(&seen);
}

static void hang_up(struct fixture *f, const char *script, struct seen *seen)
{
    struct str text = {0};
    struct execution *x = start_on_terminal(f, script, seen);
    await(f, shows(x, &text, "ready"));
    execution_free(x); /* as the console's end does */
    x = adopt(f, "k", seen);
    assert_int_equal(execution_terminal(x), -1);
    await(f, seen->ended);
    execution_free(x);
    assert_int_equal(seen->result.how, EXEC_HUNG_UP);
    forget(f, "k");
    str_fini(&text);
}

static void a_gone_console_hangs_it_up(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    hang_up(f, "echo ready; read -r line; echo \"read $?\"", &seen);
    assert_int_equal(seen.result.signal, SIGHUP);
    assert_string_equal(seen.result.text, "its terminal was gone before it ended");
    seen_fini(&seen);
}

/* It cleans up and says that all is well, or not: nobody saw what it was in the middle of. */
static void a_status_after_that_proves_nothing(void **state)
{
    struct fixture *f = *state;
    for (int status = 0; status < 2; status++) {
        struct seen seen = {0};
        char *script = xasprintf("trap 'exit %d' HUP; echo ready; while :; do sleep 0.05; done", status);
        char *text =
            xasprintf("its terminal was gone before it ended; it ended with exit %d after that", status);
        hang_up(f, script, &seen);
        assert_int_equal(seen.result.status, status);
        assert_string_equal(seen.result.text, text);
        free(script);
        free(text);
        seen_fini(&seen);
    }
}

/* Nobody waits for ever at a terminal that is gone. */
static void reading_on_finds_the_end(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    hang_up(f, "trap '' HUP; echo ready; while read -r line; do :; done; exit 0", &seen);
    assert_int_equal(seen.result.status, 0);
    seen_fini(&seen);
}

static int add_piece(void *data, const char *bytes, size_t length)
{
    str_add_bytes(data, bytes, length);
    return 0;
}

/* A killed console may leave half a line behind. */
static void recording_in_whole_lines(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    struct str text = {0};
    struct execution *x = start_on_terminal(f, "exit 0", &seen);
    assert_int_equal(spool_recording(f->spool, "k", add_piece, &text, &f->e), ERR_NOT_FOUND);
    int fd = execution_recording(x, &f->e);
    assert_true(fd >= 0);
    char *filler = xmalloc(9000);
    memset(filler, 'x', 9000);
    assert_int_equal(file_write_all(fd, "one\ntwo\nthr", 11, &f->e), 0);
    assert_int_equal(spool_recording(f->spool, "k", add_piece, &text, &f->e), 0);
    assert_string_equal(str_text(&text), "one\ntwo\n");
    assert_int_equal(file_write_all(fd, filler, 9000, &f->e), 0);
    str_clear(&text);
    assert_int_equal(spool_recording(f->spool, "k", add_piece, &text, &f->e), 0);
    assert_string_equal(str_text(&text), "one\ntwo\n");
    assert_int_equal(file_write_all(fd, "\n", 1, &f->e), 0);
    str_clear(&text);
    assert_int_equal(spool_recording(f->spool, "k", add_piece, &text, &f->e), 0);
    assert_int_equal(text.len, 11 + 9000 + 1);
    close(fd);
    free(filler);
    await(f, seen.ended);
    execution_free(x);
    forget(f, "k");
    str_fini(&text);
    seen_fini(&seen);
}

static int tests(void)
{
    const struct CMUnitTest list[] = {
        cmocka_unit_test_setup_teardown(it_is_a_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(its_last_words_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(typing_and_control_c, setup, teardown),
        cmocka_unit_test_setup_teardown(cancel_ends_an_interactive_shell, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gone_console_hangs_it_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_status_after_that_proves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_on_finds_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(recording_in_whole_lines, setup, teardown),
    };
    return cmocka_run_group_tests(list, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
