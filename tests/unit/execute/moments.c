/* A look into a step folder is several reads, and the step goes on between them. Here its whole life is laid
 * over one look in every way there is: what the look concludes is never more than what has happened, and a
 * folder that is in order is never called unreadable. exit_read and fate_read are wrapped by the linker. */
#include <sys/file.h>

#include "engine/execute/folder.h"
#include "tests/unit/execute/harness.h"

#define KEY "k"

enum { BEFORE_LOOK, BEFORE_EXIT, AFTER_EXIT, BEFORE_FATE, AFTER_FATE, AFTER_LOOK };
#define DEEDS_MAX 5

struct stage {
    int dir;
    int lock; /* of its supervisor */
    const struct life *life;
    int when[DEEDS_MAX]; /* the moment of each deed, never falling */
    size_t done;
};

/* One thing that its supervisor does. */
typedef void deed(struct stage *s);

struct life {
    const char *name;
    deed *deeds[DEEDS_MAX + 1];
    size_t enough; /* of them, for its end to be true */
    enum spool_state end;
    enum exec_how how;
};

static void put(const struct stage *s, const char *name, const void *bytes, size_t length)
{
    int fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, bytes, length, NULL), 0);
    close(fd);
}

static void put_exit(const struct stage *s, enum exec_how how)
{
    uint8_t bytes[EXIT_RECORD_SIZE];
    struct exit_record r = {.how = how, .status = how == EXEC_EXITED ? 0 : -1, .text = "why"};
    exit_encode(&r, KEY, bytes);
    put(s, NAME_EXIT, bytes, sizeof bytes);
}

static void decides(struct stage *s)
{
    put(s, NAME_FATE, "", 0);
}

static void starts(struct stage *s)
{
    put(s, NAME_FATE, "started 5\n", 10);
}

static void voids(struct stage *s)
{
    put(s, NAME_FATE, "void 5\n", 7);
}

static void writes(struct stage *s)
{
    put(s, NAME_SPOOL, "output", 6);
}

static void exits(struct stage *s)
{
    put_exit(s, EXEC_EXITED);
}

static void starts_nothing(struct stage *s)
{
    put_exit(s, EXEC_NOT_STARTED);
}

static void leaves(struct stage *s)
{
    close(s->lock);
    s->lock = -1;
}

/* A console that has its outcome in the journal removes the folder. */
static void goes(struct stage *s)
{
    assert_int_equal(renameat(s->dir, "../" KEY, s->dir, "../.gone-" KEY), 0);
    assert_int_equal(unlinkat(s->dir, NAME_SUPERVISOR_LOCK, 0), 0);
    assert_int_equal(unlinkat(s->dir, NAME_ABOUT, 0), 0);
    leaves(s);
}

static const struct life lives[] = {
    {"a short step", {decides, starts, writes, exits, leaves}, 4, SPOOL_ENDED, EXEC_EXITED},
    {"a silent one", {decides, starts, exits, leaves}, 3, SPOOL_ENDED, EXEC_EXITED},
    {"no such program", {decides, starts, starts_nothing, leaves}, 3, SPOOL_ENDED, EXEC_NOT_STARTED},
    {"no room for its fate", {decides, starts_nothing, leaves}, 2, SPOOL_ENDED, EXEC_NOT_STARTED},
    {"not even for its name", {starts_nothing, leaves}, 1, SPOOL_ENDED, EXEC_NOT_STARTED},
    {"void", {decides, voids, leaves}, 2, SPOOL_VOID, EXEC_VOID},
    {"its supervisor killed before", {decides, leaves}, 2, SPOOL_VOID, EXEC_VOID},
    {"its supervisor killed while it ran", {decides, starts, writes, leaves}, 4, SPOOL_LOST, EXEC_LOST},
};

static struct stage *on_stage; /* while a look is under way */

static void live_until(struct stage *s, int moment)
{
    for (; s->life->deeds[s->done] && s->when[s->done] <= moment; s->done++)
        s->life->deeds[s->done](s);
}

bool __real_exit_read(int folder, const char *key, struct exit_record *r);
bool __wrap_exit_read(int folder, const char *key, struct exit_record *r);
enum fate __real_fate_read(int folder, int64_t *wall_us);
enum fate __wrap_fate_read(int folder, int64_t *wall_us);

bool __wrap_exit_read(int folder, const char *key, struct exit_record *r)
{
    if (on_stage)
        live_until(on_stage, BEFORE_EXIT);
    bool ended = __real_exit_read(folder, key, r);
    if (on_stage)
        live_until(on_stage, AFTER_EXIT);
    return ended;
}

enum fate __wrap_fate_read(int folder, int64_t *wall_us)
{
    if (on_stage)
        live_until(on_stage, BEFORE_FATE);
    enum fate fate = __real_fate_read(folder, wall_us);
    if (on_stage)
        live_until(on_stage, AFTER_FATE);
    return fate;
}

static void stage_open(struct fixture *f, struct stage *s)
{
    char *folder = path_join(f->folder, "spool/" KEY);
    assert_int_equal(folder_make(folder, 0700, &f->e), 0);
    s->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
}

static void stage_set(struct stage *s)
{
    struct str about = {0};
    char zeros[EXIT_RECORD_SIZE] = {0};
    about_encode(&(struct about){.key = KEY, .limit_bytes = 1000, .armed_wall_us = 1}, &about);
    put(s, NAME_ABOUT, about.data, about.len);
    put(s, NAME_EXIT, zeros, sizeof zeros);
    put(s, NAME_SPOOL, "", 0);
    put(s, NAME_CHILD_LOCK, "", 0);
    put(s, NAME_SUPERVISOR_LOCK, "", 0);
    unlinkat(s->dir, NAME_FATE, 0);
    s->lock = openat(s->dir, NAME_SUPERVISOR_LOCK, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(s->lock, LOCK_EX | LOCK_NB), 0);
    str_fini(&about);
}

/* An end is concluded only once it is true, and always by a look that came after everything. */
static void expect(const struct stage *s, const struct spool_entry *entry, bool after)
{
    const struct life *life = s->life;
    struct str when = {0};
    for (size_t i = 0; life->deeds[i]; i++)
        str_addf(&when, " %d", s->when[i]);
    bool under_way = entry->state == SPOOL_ARMED || entry->state == SPOOL_RUNNING;
    bool end = entry->state == life->end && entry->result.how == life->how;
    if (under_way ? after : !end || s->done < life->enough)
        fail_msg("%s, its deeds at%s: %s %s", life->name, str_text(&when), spool_state_text(entry->state),
                 entry->text);
    str_fini(&when);
}

/* The next way to lay the deeds over the look; false after the last. */
static bool next(struct stage *s)
{
    size_t count = 0;
    while (s->life->deeds[count])
        count++;
    size_t i = count;
    while (i > 0 && s->when[i - 1] == AFTER_LOOK)
        i--;
    if (i == 0)
        return false;
    int moment = s->when[i - 1] + 1;
    for (i--; i < count; i++)
        s->when[i] = moment;
    return true;
}

static void a_look_at_any_moment(void **state)
{
    struct fixture *f = *state;
    struct spool_entry entry;
    int ways = 0;
    struct stage s = {0};
    stage_open(f, &s);
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        memset(s.when, 0, sizeof s.when);
        s.life = &lives[i];
        do {
            s.done = 0;
            stage_set(&s);
            live_until(&s, BEFORE_LOOK);
            on_stage = &s;
            folder_judge(s.dir, KEY, &entry);
            on_stage = NULL;
            expect(&s, &entry, false);
            live_until(&s, AFTER_LOOK);
            folder_judge(s.dir, KEY, &entry);
            expect(&s, &entry, true);
            ways++;
        } while (next(&s));
    }
    assert_int_equal(ways, 784);
    close(s.dir);
}

/* Not there, as after that: never a folder that is damaged. */
static void what_is_removed_under_a_look(void **state)
{
    static const struct life removal = {.name = "removed", .deeds = {goes}};
    struct fixture *f = *state;
    struct seen seen = {0};
    struct stage s = {.life = &removal, .when = {BEFORE_EXIT}};
    stage_open(f, &s);
    stage_set(&s);
    on_stage = &s;
    assert_null(execution_adopt(f->spool, f->loop, KEY, &recorder, &seen, &f->e));
    on_stage = NULL;
    assert_int_equal(f->e.code, ERR_NOT_FOUND);
    assert_int_equal(s.done, 1);
    close(s.dir);
}

static int tests(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(a_look_at_any_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_removed_under_a_look, setup, teardown),
    };
    return cmocka_run_group_tests_name("execute.moments", all, NULL, NULL);
}

int main(int argc, char **argv)
{
    return supervise_or_test(argc, argv, tests);
}
