/* Locks between two consoles, and steps that run once for each line of a file, on the real journal. */
#include <stdlib.h>

#include "tests/screen/walk.h"

static struct walk walk;

static const char locks[] = "# Index anew\n\n"
                            "```bash {name=index lock=reindex timeout=2m}\n"
                            "echo begin $BELAY_RUN >> \"$ORACLE\"\n"
                            "for i in $(seq 900); do test -e \"$GATE\" && break; sleep 0.1; done\n"
                            "echo end $BELAY_RUN >> \"$ORACLE\"\n"
                            "```\n";

/* c fails as long as the gate is shut. */
static const char items[] =
    "# Each of them\n\n"
    "```bash {name=each items=each.jsonl parallel=2 timeout=1m}\n"
    "echo $ITEM_ID $ITEM_WORD >> \"$ORACLE\"; test $ITEM_ID != c || test -e \"$GATE\"\n"
    "```\n";

#define LINE(id, word) "{\"id\":\"" id "\",\"word\":\"" word "\"}\n"
static const char lines[] = LINE("a", "one") LINE("b", "two") LINE("c", "three") LINE("d", "four");

static int setup(void **state)
{
    walk_open(&walk, *state);
    rig_write(&walk.rig, "runbooks/each.jsonl", lines);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

/* ---- locks ---- */

static struct pty *confirmed(void)
{
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    return p;
}

#define HELD_BY_1 "the lock .reindex. is held by run 1(.|\n)*Type +yes"

static void test_one_holder_at_a_time(void **state)
{
    (void)state;
    struct pty *first = confirmed();
    walk_oracle_await(&walk, first, "begin 1\n");
    struct pty *second = confirmed();
    walk_sees(second, HELD_BY_1);
    walk_oracle_is(&walk, "begin 1\n");
    walk_open_gate(&walk);
    walk_sees(first, "run 1 ended");
    walk_ends(first, 0);
    walk_confirm(second, "yes\r");
    walk_sees(second, "run 2 ended");
    walk_ends(second, 0);
    walk_oracle_is(&walk, "begin 1\nend 1\nbegin 2\nend 2\n");
    walk_verify(&walk, BELAY);
}

/* The lock is the run's, not the console's: it stays as long as the step goes on, and is given back when the
 * step has ended, whoever sees to that. */
static void test_a_dead_console_holds_on(void **state)
{
    (void)state;
    struct pty *first = confirmed();
    walk_oracle_await(&walk, first, "begin 1\n");
    pty_signal(first, SIGKILL);
    pty_free(first);
    struct pty *second = confirmed();
    walk_sees(second, HELD_BY_1);
    walk_oracle_is(&walk, "begin 1\n");
    walk_open_gate(&walk);
    walk_oracle_await(&walk, second, "begin 1\nend 1\n");
    for (int tries = 0; tries < 20 && !pty_matches(second, "run 2 ended"); tries++) {
        walk_confirm(second, "yes\r"); /* refused until the end of run 1 is in the journal */
        pty_wait(second, "run 2 ended", 1000);
    }
    walk_sees(second, "run 2 ended");
    walk_ends(second, 0);
    walk_oracle_is(&walk, "begin 1\nend 1\nbegin 2\nend 2\n");
    walk_verify(&walk, BELAY);
}

/* ---- items ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The oracle's lines are these, whatever their order. */
static void oracle_has(const char *wanted)
{
    struct str text = {0}, sorted = {0};
    char *seen[64], *rest, *line;
    size_t count = 0;
    walk_oracle_read(&walk, &text);
    for (rest = text.data; (line = strsep(&rest, "\n")) && *line && count < 64;)
        seen[count++] = line;
    qsort(seen, count, sizeof *seen, by_text);
    for (size_t i = 0; i < count; i++)
        str_addf(&sorted, "%s\n", seen[i]);
    assert_string_equal(str_text(&sorted), wanted);
    str_fini(&text);
    str_fini(&sorted);
}

#define ALL "a one\nb two\nc three\nd four\n"

/* The file is another one by the time of the confirmation: what was pinned at the start is what runs. */
static void test_an_edited_file_changes_nothing(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    rig_write(&walk.rig, "runbooks/each.jsonl", LINE("a", "evil") LINE("x", "evil"));
    walk_open_gate(&walk);
    walk_confirm(p, "yes\r");
    walk_ends(p, 0);
    oracle_has(ALL);
    p = walk_line_mode(&walk, BELAY, "run"); /* a new run has the new lines */
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_ends(p, 0);
    oracle_has("a evil\n" ALL "x evil\n");
    walk_verify(&walk, BELAY);
}

/* One fails; its console dies; the next one runs that one again, and no other, as it was pinned. */
static void test_failed_items_alone_again(void **state)
{
    (void)state;
    struct pty *p = walk_line_mode(&walk, BELAY, "run");
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "3 of 4 ok, first item 3(.|\n)*Your choice");
    oracle_has(ALL);
    pty_signal(p, SIGKILL);
    pty_free(p);
    rig_write(&walk.rig, "runbooks/each.jsonl", LINE("c", "evil"));
    p = walk_line_mode(&walk, BELAY, "resume");
    walk_sees(p, "3 of 4 ok, first item 3(.|\n)*Your choice");
    walk_open_gate(&walk);
    pty_type(p, "retry\r");
    walk_sees(p, "Type +yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "run 1 ended");
    walk_ends(p, 0);
    oracle_has("a one\nb two\nc three\nc three\nd four\n");
    walk_verify(&walk, BELAY);
}

#define TEST(test, document)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(test, setup, teardown, (void *)(uintptr_t)document)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_holder_at_a_time, locks),
        TEST(test_a_dead_console_holds_on, locks),
        TEST(test_an_edited_file_changes_nothing, items),
        TEST(test_failed_items_alone_again, items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
