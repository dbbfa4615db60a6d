/* `belay exec` among other processes: fifty of them on one breaker, one killed while it probes, curl against
 * a server that misbehaves, more output than fits into memory, a full disk, a wall clock that jumps.
 *
 *   exec BELAY */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine/targets/targets.h"
#include "tests/integration/server.h"
#include "tests/integration/small_disk.h"
#include "tests/integration/upstream.h"

static const char *belay;
static char *folder;

/* In the folder, by a shell; the state is there, too. Returns the exit status; both outputs. */
static int run(struct str *out, struct str *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int run(struct str *out, struct str *err, const char *format, ...)
{
    struct str line = {0};
    str_addf(&line, "cd %s && { ", folder);
    va_list args;
    va_start(args, format);
    str_addv(&line, format, args);
    va_end(args);
    str_add(&line, "\n} >out 2>err </dev/null");
    int status = system(str_text(&line));
    str_fini(&line);
    char *paths[] = {path_join(folder, "out"), path_join(folder, "err")};
    struct str *texts[] = {out, err};
    for (int i = 0; i < 2; i++) {
        str_clear(texts[i]);
        assert_int_equal(file_read(paths[i], 1 << 20, texts[i], NULL), 0);
        free(paths[i]);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define EXPECT(wanted, want_out, want_err)                                                                   \
    do {                                                                                                     \
        if (status != (wanted) || !str_eq(str_text(&out), want_out) || !strstr(str_text(&err), want_err))    \
            fail_msg("exit %d, out \"%s\", err \"%s\"", status, str_text(&out), str_text(&err));             \
    } while (0)

/* What is known of the target. */
static struct target_view view_of(const char *name)
{
    struct err e = {0};
    struct targets *t;
    struct target_view *views, found = {0};
    size_t count;
    char *path = path_join(folder, "state/belay/local");
    if (targets_open(path, false, true, &t, &e) < 0 || targets_read(t, &views, &count, &e) < 0)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < count; i++)
        if (str_eq(views[i].name, name))
            found = views[i];
    free(views);
    targets_close(t);
    free(path);
    assert_string_equal(found.name, name);
    return found;
}

static void test_fifty_at_once_lose_nothing_and_trip_once(void **state)
{
    (void)state;
    struct str out = {0}, err = {0};
    int status = run(&out, &err,
                     "for i in $(seq 50); do %s exec --breaker many:failures=1000 --attempts 2 --base 1ms "
                     "--idempotent -- sh -c 'sleep 0.2; exit 75' & done; wait",
                     belay);
    EXPECT(0, "", "attempt 2 of 2");
    if (strstr(str_text(&err), "without"))
        fail_msg("%s", str_text(&err));
    struct target_view v = view_of("many");
    assert_int_equal(v.counts.failed, 100);
    assert_int_equal(v.spans[MEASURES_LIFE].failed, 50);
    assert_int_equal(v.spans[MEASURES_LIFE].attempts, 100);
    assert_int_equal(v.spans[MEASURES_LIFE].retried, 50);

    status = run(&out, &err,
                 "for i in $(seq 50); do %s exec --breaker tripping:failures=5,cool-down=10m -- "
                 "sh -c 'sleep 0.2; exit 1' & done; wait",
                 belay);
    EXPECT(0, "", "its breaker opens");
    v = view_of("tripping");
    assert_int_equal(v.counts.trips, 1);
    assert_int_equal(v.state, BREAKER_OPEN);
    assert_int_equal(v.counts.failed + v.counts.refused, 50);
    status = run(&out, &err, "%s exec --breaker tripping:failures=5,cool-down=10m -- true", belay);
    EXPECT(75, "", "not called");
    str_fini(&out);
    str_fini(&err);
}

static void test_a_killed_probe_leaves_its_slot(void **state)
{
    (void)state;
    struct str out = {0}, err = {0};
    const char *rules = "probed:failures=1,cool-down=300ms,jitter=0";
    int status = run(&out, &err, "%s exec --breaker %s -- false", belay, rules);
    EXPECT(1, "", "its breaker opens");
    /* The probe is killed, its command isn't. Another one is refused while it lives. */
    status =
        run(&out, &err,
            "sleep 0.5; %s exec --breaker %s --timeout 60s -- sh -c 'touch probing; n=0; "
            "while [ ! -e killed ] && [ $((n += 1)) -lt 1200 ]; do sleep 0.05; done' & probe=$!\n"
            "while [ ! -e probing ]; do sleep 0.02; done\n"
            "%s exec --breaker %s -- true; echo refused $?; kill -9 $probe; touch killed",
            belay, rules, belay, rules);
    EXPECT(0, "refused 75\n", "not called: its breaker refuses (HALF_OPEN");
    status = 75;
    for (int i = 0; i < 200 && status == 75; i++)
        status = run(&out, &err, "sleep 0.05; %s exec --breaker %s -- echo recovered", belay, rules);
    EXPECT(0, "recovered\n", "");
    assert_int_equal(view_of("probed").state, BREAKER_CLOSED);
    str_fini(&out);
    str_fini(&err);
}

static void test_curl_against_a_server_that_misbehaves(void **state)
{
    (void)state;
    struct upstream u;
    struct str out = {0}, err = {0};
    static const struct {
        const char *script, *options;
        int status, requests;
        const char *out, *err;
    } cases[] = {
        {"503 503 ok", "--idempotent", 0, 3, "answer of /x", "attempt 2 of 3: HTTP 503, again in"},
        {"503", "", 22, 1, "", "HTTP 503; it may have had an effect"},
        {"404", "--idempotent", 22, 1, "", "HTTP 404; another attempt would fail alike"},
        {"401", "--idempotent", 22, 1, "", "HTTP 401; another attempt would fail alike"},
        {"429s ok", "--idempotent", 0, 2, "answer of /x", "attempt 1 of 3: HTTP 429, again in 1"},
        {"429d ok", "--idempotent", 0, 2, "answer of /x", "attempt 1 of 3: HTTP 429, again in "},
        {"503s ok", "--idempotent --name rested --budget 10", 0, 2, "answer of /x", "HTTP 503, again in 1"},
        {"reset ok", "--idempotent", 0, 2, "answer of /x", "attempt 1 of 3: exit "},
        {"reset", "", 56, 1, "", "it may have had an effect"},
        {"truncated ok", "--idempotent", 0, 2, "answer of /x", "attempt 1 of 3: exit 18"},
        {"stalled ok", "--idempotent --timeout 2s --timeout-growth 60", 0, 2, "answer of /x",
         "no end within 2s"},
        {"never", "--idempotent --timeout 2s --attempts 2", 124, 2, "", "attempt 2 of 2: no end"},
        {"500", "--idempotent --fallback 'backup: echo other'", 0, 2, "other", "HTTP 500; on to backup"},
        {"503", "--idempotent --deadline 30s --attempts 2", 22, 2, "", "all attempts used"},
    };
    server_require("curl");
    upstream_start(&u);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct upstream_path *path = upstream_script(&u, "/x", cases[i].script);
        int status = run(&out, &err,
                         "%s exec --base 1ms --status-fd 3 %s -- curl -sS -D /dev/fd/3 http://127.0.0.1:%d/x",
                         belay, cases[i].options, u.peer.port);
        bool well = *cases[i].out ? strstr(str_text(&out), cases[i].out) != NULL : out.len == 0;
        if (status != cases[i].status || path->asked != cases[i].requests || !well ||
            !strstr(str_text(&err), cases[i].err))
            fail_msg("%s %s: exit %d, %d requests, out \"%s\", err \"%s\"", cases[i].script, cases[i].options,
                     status, path->asked, str_text(&out), str_text(&err));
    }
    /* Nobody listens: provably before anything was sent, so that no --idempotent is needed. */
    int status = run(&out, &err, "%s exec --base 1ms -- curl -sS http://127.0.0.1:%d/", belay, free_port());
    EXPECT(7, "", "attempt 3 of 3: exit 7: couldn't connect; all attempts used");
    /* What asks for an hour isn't waited for: on to what else there is. */
    status = run(&out, &err,
                 "%s exec --status-fd 2 --idempotent --deadline 20s --fallback 'backup: echo other' -- sh -c "
                 "'printf \"503\\nRetry-After: 3600\\n\" >&2'",
                 belay);
    EXPECT(0, "other\n", "HTTP 503; on to backup");
    upstream_stop(&u);
    str_fini(&out);
    str_fini(&err);
}

static void test_output_of_200_megabytes_is_kept_back_outside_of_memory(void **state)
{
    (void)state;
    struct str out = {0}, err = {0};
    struct rusage usage;
    int status =
        run(&out, &err,
            "(ulimit -v 400000; %s exec --idempotent --retry-on 3 --base 1ms -- sh -c 'head -c 200000000 "
            "/dev/zero; [ $BELAY_ATTEMPT = 2 ] || exit 3' | wc -c)",
            belay);
    EXPECT(0, "200000000\n", "attempt 1 of 3: exit 3, again");
    getrusage(RUSAGE_CHILDREN, &usage);
    if (usage.ru_maxrss > 64 * 1024)
        fail_msg("%ld KiB", usage.ru_maxrss);
    str_fini(&out);
    str_fini(&err);
}

static void full_disk(const char *mount_point)
{
    struct str out = {0}, err = {0};
    setenv("TMPDIR", mount_point, 1);
    int status = run(&out, &err, "%s exec --idempotent --retry-on 3 -- head -c 9000000 /dev/zero", belay);
    EXPECT(125, "", "the output can't be kept back in ");
    EXPECT(125, "", "No space left on device");
    status = run(&out, &err, "%s exec --idempotent -- head -c 1000000 /dev/zero | wc -c", belay);
    EXPECT(0, "1000000\n", "");
    status = run(&out, &err, "TMPDIR=/nowhere %s exec --idempotent -- head -c 1000000 /dev/zero", belay);
    EXPECT(125, "", "set TMPDIR to a folder with room");
    str_fini(&out);
    str_fini(&err);
}

static void test_a_full_disk_is_one_clear_error(void **state)
{
    (void)state;
    char *mount_point = path_join(folder, "small");
    assert_int_equal(mkdir(mount_point, 0700), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (!small_disk_allowed() || !small_disk_mount(mount_point, "3m"))
            _exit(SKIP_STATUS);
        full_disk(mount_point);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    free(mount_point);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIP_STATUS) {
        printf("skipped: no tmpfs can be mounted here\n");
        exit(SKIP_STATUS);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* One life of a breaker, the wall clock set before each call: what happens must not depend on it. */
static void trace(const char *name, const char *const clocks[static 6], struct str *trace)
{
    static const char *const calls[6] = {"exit 1", "exit 1", "exit 0", "exit 0", "exit 0", "exit 75"};
    struct str out = {0}, err = {0};
    for (int i = 0; i < 6; i++) {
        text_write(folder, "clock", clocks[i]);
        /* Before the fourth one the cool-down passes. */
        int status = run(
            &out, &err,
            "export FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1\n"
            "%sLD_PRELOAD=libfaketime.so.1 %s exec --json=report --breaker "
            "%s:failures=2,cool-down=%s,jitter=0 "
            "--attempts 2 --base 10ms --jitter none --idempotent -- sh -c '%s'",
            i == 3 ? "sleep 5.2; " : "", belay, name, "5s", calls[i]);
        char *path = path_join(folder, "report");
        struct str text = {0};
        struct err e = {0};
        assert_int_equal(file_read(path, 1 << 16, &text, &e), 0);
        cJSON *report = json_parse(str_text(&text), text.len, &e);
        assert_non_null(report);
        str_addf(trace, "%d %s %d;", status, json_string(report, "outcome", "?"),
                 (int)json_int(report, "attempts", -1));
        cJSON_Delete(report);
        free(path);
        str_fini(&text);
    }
    str_fini(&out);
    str_fini(&err);
}

static void test_the_wall_clock_may_jump(void **state)
{
    (void)state;
    static const char *const still[6] = {"+0", "+0", "+0", "+0", "+0", "+0"};
    static const char *const jumps[6] = {"+0", "+1h", "-1h", "+1h", "-1h", "+1h"};
    struct str quiet = {0}, jumping = {0}, out = {0}, err = {0};
    server_require("faketime");
    /* The clock does jump, for whoever looks at the wall. */
    text_write(folder, "clock", "+1h");
    run(&out, &err,
        "real=$(date +%%s); seen=$(FAKETIME_TIMESTAMP_FILE=$PWD/clock LD_PRELOAD=libfaketime.so.1 date "
        "+%%s); "
        "[ $((seen - real)) -gt 3000 ] && echo jumped");
    trace("still", still, &quiet);
    trace("jumping", jumps, &jumping);
    assert_string_equal(str_text(&quiet), str_text(&jumping));
    assert_string_equal(str_text(&quiet),
                        "1 failed 1;1 failed 1;75 rejected 0;0 served 1;0 served 1;75 failed 2;");
    str_fini(&quiet);
    str_fini(&jumping);
    str_fini(&out);
    str_fini(&err);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifty_at_once_lose_nothing_and_trip_once),
        cmocka_unit_test(test_a_killed_probe_leaves_its_slot),
        cmocka_unit_test(test_curl_against_a_server_that_misbehaves),
        cmocka_unit_test(test_output_of_200_megabytes_is_kept_back_outside_of_memory),
        cmocka_unit_test(test_a_full_disk_is_one_clear_error),
        cmocka_unit_test(test_the_wall_clock_may_jump),
    };
    belay = argc > 1 ? realpath(argv[1], NULL) : NULL;
    if (!belay)
        return 2;
    folder = scratch_folder();
    char *state = path_join(folder, "state");
    setenv("XDG_STATE_HOME", state, 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(folder, NULL);
    free(state);
    free(folder);
    return failed;
}
