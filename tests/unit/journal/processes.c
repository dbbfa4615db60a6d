/* Several processes on one journal; processes that are killed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "scratch.h"

/* Appends until killed, or `count` events; each acknowledged number goes to the pipe. Never returns. */
static void writer_process(const char *folder, int actor, int count, int acknowledge)
{
    struct journal_options options = {.folder = folder, .platform = "test", .create = true};
    struct err e = {0};
    struct journal *j = journal_open(&options, &e);
    if (!j) {
        fprintf(stderr, "%s\n", e.msg);
        _exit(1);
    }
    char name[16], digest[SHA256_HEX_SIZE], output[3000];
    snprintf(name, sizeof name, "writer-%d", actor);
    for (int i = 0; i < count; i++) {
        struct event_draft drafts[2] = {
            {.kind = EVENT_STEP_OUTCOME, .actor = name, .run = actor, .incident = 1},
            {.kind = EVENT_RUN_INPUT, .actor = name, .run = actor}};
        struct journal_result result;
        memset(output, 'a' + i % 26, sizeof output);
        snprintf(output, sizeof output, "%s %d", name, i);
        struct journal_blob_origin origin = {.actor = name, .what = "output"};
        if (journal_blob_put(j, &origin, output, sizeof output, digest, NULL, NULL, &e) < 0 ||
            journal_append_wait(j, drafts, 2, &result, &e) < 0) {
            fprintf(stderr, "%s\n", e.msg);
            _exit(1);
        }
        if (write(acknowledge, &result.seq, sizeof result.seq) != sizeof result.seq)
            _exit(1);
    }
    journal_close(j);
    _exit(0);
}

static pid_t start_writer(const char *folder, int actor, int count, int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        writer_process(folder, actor, count, fds[1]);
    }
    close(fds[1]);
    return pid;
}

struct count {
    int events, actors[8], outcomes, inputs;
    bool acknowledged[20000];
};

static int count_event(const struct event *event, void *data)
{
    struct count *count = data;
    count->events++;
    if (str_starts(event->actor, "writer-"))
        count->actors[event->actor[7] - '0']++;
    count->outcomes += event->kind == EVENT_STEP_OUTCOME;
    count->inputs += event->kind == EVENT_RUN_INPUT;
    if (event->seq < 20000 && event->kind == EVENT_STEP_OUTCOME)
        count->acknowledged[event->seq] = true;
    return 0;
}

static void check_sound(const char *folder)
{
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
}

/* Two that write, one that watches: nobody's events are lost, nobody waits for good, the reader sees them in
 * order. */
static void two_writers_and_a_reader(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    journal_close(scratch_open(folder));
    int one[2], two[2];
    pid_t first = start_writer(folder, 1, 200, one), second = start_writer(folder, 2, 200, two);
    struct journal *j = scratch_open_reading(folder);
    int64_t last = 0, seen = 0, deadline = clock_monotonic_us() + 60 * US_PER_S;
    struct count *count = xcalloc(1, sizeof *count);
    while (count->actors[1] + count->actors[2] < 800 + 400 && clock_monotonic_us() < deadline) {
        assert_int_equal(journal_last_seq(j, &last, NULL), 0);
        if (last > seen) {
            int before = count->events;
            assert_int_equal(journal_read(j, seen + 1, JOURNAL_FORWARD, NULL, 0, count_event, count, NULL),
                             0);
            assert_true(count->events > before);
            seen += count->events - before;
        }
    }
    assert_int_equal(count->events, seen);
    assert_int_equal(count->actors[1], 600); /* outcome, input, manifest */
    assert_int_equal(count->actors[2], 600);
    int status;
    assert_int_equal(waitpid(first, &status, 0), first);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(status, 0);
    close(one[0]);
    close(two[0]);
    journal_close(j);
    free(count);
    check_sound(folder);
    scratch_remove(folder);
}

/* Killed at random moments: what was acknowledged is there, the chain is whole, the next one writes on. */
static void killed_writers(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    journal_close(scratch_open(folder));
    struct rng rng;
    uint64_t seed = rng_entropy();
    rng_seed(&rng, seed);
    struct count *count = xcalloc(1, sizeof *count);
    VEC(int64_t) acknowledged = {0};
    for (int round = 0; round < 25; round++) {
        int fds[2];
        pid_t pid = start_writer(folder, 3, 100000, fds);
        int64_t seq;
        uint64_t wanted = rng_below(&rng, 30);
        for (uint64_t i = 0; i < wanted && read(fds[0], &seq, sizeof seq) == sizeof seq; i++)
            *vec_push(&acknowledged) = seq;
        int64_t until = clock_monotonic_us() + (int64_t)rng_below(&rng, 3000);
        while (clock_monotonic_us() < until) /* into the middle of a commit */
            ;
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(fds[0], &seq, sizeof seq) == sizeof seq)
            *vec_push(&acknowledged) = seq;
        close(fds[0]);
        struct journal *j = scratch_open(folder); /* at once, without a wait for a lock */
        scratch_append(j, EVENT_INCIDENT_NOTED, "found it");
        journal_close(j);
    }
    struct journal *j = scratch_open_reading(folder);
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, count_event, count, NULL), 0);
    journal_close(j);
    for (size_t i = 0; i < acknowledged.len; i++)
        if (acknowledged.data[i] < 20000 && !count->acknowledged[acknowledged.data[i]])
            fail_msg("seed %llu: event %lld was acknowledged and is lost", (unsigned long long)seed,
                     (long long)acknowledged.data[i]);
    assert_true(acknowledged.len > 100);
    assert_int_equal(count->outcomes, count->inputs); /* groups are whole */
    check_sound(folder);
    vec_fini(&acknowledged);
    free(count);
    scratch_remove(folder);
}

/* Two start at once in an empty folder: one journal comes out. */
static void created_by_two_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        char *folder = scratch_folder();
        int fds[4][2];
        pid_t pids[4];
        for (int i = 0; i < 4; i++)
            pids[i] = start_writer(folder, 1 + i, 5, fds[i]);
        for (int i = 0; i < 4; i++) {
            int status;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_int_equal(status, 0);
            close(fds[i][0]);
        }
        struct journal_verdict verdict = scratch_verify(folder, NULL);
        assert_true(verdict.ok);
        assert_int_equal(verdict.events, 60);
        char *left = path_join(folder, "journal.db.new");
        assert_int_not_equal(access(left, F_OK), 0);
        free(left);
        scratch_remove(folder);
    }
}

/* Killed while it makes the journal: the next one starts over. */
static void killed_while_creating(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, rng_entropy());
    for (int round = 0; round < 20; round++) {
        char *folder = scratch_folder();
        int fds[2];
        pid_t pid = start_writer(folder, 1, 1, fds);
        int64_t until = clock_monotonic_us() + (int64_t)rng_below(&rng, 12000);
        while (clock_monotonic_us() < until)
            ;
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(fds[0]);
        struct journal *j = scratch_open(folder);
        scratch_append(j, EVENT_INCIDENT_NOTED, "started over");
        journal_close(j);
        check_sound(folder);
        scratch_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_writers_and_a_reader),
        cmocka_unit_test(killed_writers),
        cmocka_unit_test(created_by_two_at_once),
        cmocka_unit_test(killed_while_creating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
