/* What the tests of steps share: a spool in a temporary folder, a loop, a recorder of what a step did, and
 * waiting for a condition with a bound. The test program is its own supervisor: main calls supervise_or_test.
 */
#ifndef BELAY_TESTS_UNIT_EXECUTE_HARNESS_H
#define BELAY_TESTS_UNIT_EXECUTE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/execute.h"
#include "engine/io/io.h"

#define BOUND_US (30 * US_PER_S)

struct fixture {
    char folder[64];
    char file[128]; /* for what steps write */
    struct spool *spool;
    struct loop *loop;
    struct err e;
};

/* What a step did. */
struct seen {
    struct str out, err, both;
    int ended;
    struct exec_result result;
    char **exports;
    struct execution *free_at_output; /* freed by the first output */
};

static inline void on_output(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    struct seen *seen = data;
    assert_int_equal(seen->ended, 0);
    str_add_bytes(stream == EXEC_STDOUT ? &seen->out : &seen->err, bytes, length);
    str_add_bytes(&seen->both, bytes, length);
    if (seen->free_at_output) {
        execution_free(seen->free_at_output);
        seen->free_at_output = NULL;
    }
}

static inline void on_ended(void *data, const struct exec_result *result)
{
    struct seen *seen = data;
    seen->ended++;
    seen->result = *result;
    seen->exports = strv_copy(result->exports);
    seen->result.exports = seen->exports;
}

static const struct execution_events recorder = {.output = on_output, .ended = on_ended};

static inline void seen_fini(struct seen *seen)
{
    str_fini(&seen->out);
    str_fini(&seen->err);
    str_fini(&seen->both);
    strv_free(seen->exports);
}

static inline int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/belay-execute-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->file, sizeof f->file, "%s/oracle", f->folder);
    char *spool = path_join(f->folder, "spool"), own[4096] = "";
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        return -1;
    f->loop = loop_new(&f->e);
    f->spool = spool_open(spool, false, own, &f->e);
    free(spool);
    if (!f->spool || !f->loop)
        print_error("%s\n", f->e.msg);
    *state = f;
    return f->spool && f->loop ? 0 : -1;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    loop_free(f->loop);
    spool_close(f->spool);
    folder_remove(f->folder, NULL);
    free(f);
    /* We are the subreaper of the supervisors: none may be left. */
    int64_t bound = clock_monotonic_us() + BOUND_US;
    while (waitpid(-1, NULL, WNOHANG) >= 0)
        if (clock_monotonic_us() > bound)
            return -1;
        else
            usleep(1000);
    return 0;
}

/* Turns the loop until condition; fails the test after BOUND_US. */
#define await(f, condition)                                                                                  \
    do {                                                                                                     \
        int64_t bound_ = clock_monotonic_us() + BOUND_US;                                                    \
        while (!(condition)) {                                                                               \
            if (clock_monotonic_us() > bound_)                                                               \
                fail_msg("waited in vain for %s", #condition);                                               \
            loop_run_once((f)->loop, 20 * US_PER_MS);                                                        \
        }                                                                                                    \
    } while (0)

static inline struct exec_request shell(const char *key, const char **argv, const char *script)
{
    argv[0] = "bash";
    argv[1] = "-c";
    argv[2] = script;
    argv[3] = NULL;
    return (struct exec_request){.key = key, .argv = (char *const *)(uintptr_t)argv};
}

/* Arms and goes; the caller frees. */
static inline struct execution *start(struct fixture *f, const struct exec_request *request,
                                      struct seen *seen)
{
    struct execution *x = execution_arm(f->spool, f->loop, request, &recorder, seen, &f->e);
    if (!x)
        fail_msg("arm: %s", f->e.msg);
    if (execution_go(x, &f->e) < 0)
        fail_msg("go: %s", f->e.msg);
    return x;
}

/* A whole step; the folder is forgotten. */
static inline void run(struct fixture *f, const struct exec_request *request, struct seen *seen)
{
    struct execution *x = start(f, request, seen);
    await(f, seen->ended);
    execution_free(x);
    assert_int_equal(seen->ended, 1);
    if (execution_forget(f->spool, request->key, &f->e) < 0)
        fail_msg("forget: %s", f->e.msg);
}

static inline void run_shell(struct fixture *f, const char *key, const char *script, struct seen *seen)
{
    const char *argv[4];
    struct exec_request request = shell(key, argv, script);
    run(f, &request, seen);
}

static inline enum spool_state state_of(struct fixture *f, const char *key)
{
    struct spool_entry entry;
    if (spool_find(f->spool, key, &entry, &f->e) < 0)
        fail_msg("find: %s", f->e.msg);
    return entry.state;
}

static inline bool file_has(const char *path, const char *text)
{
    struct str s = {0};
    bool has = file_read(path, 1 << 20, &s, NULL) == 0 && strstr(str_text(&s), text);
    str_fini(&s);
    return has;
}

static inline size_t file_count(const char *path, const char *text)
{
    struct str s = {0};
    size_t count = 0;
    if (file_read(path, 1 << 20, &s, NULL) == 0)
        for (const char *at = str_text(&s); (at = strstr(at, text)); at += strlen(text))
            count++;
    str_fini(&s);
    return count;
}

/* The number in a file that a step wrote it to. */
static inline pid_t pid_in(const char *path)
{
    struct str s = {0};
    pid_t pid =
        file_read(path, 64, &s, NULL) == 0 && strchr(str_text(&s), '\n') ? (pid_t)atoi(str_text(&s)) : 0;
    str_fini(&s);
    return pid;
}

/* No such process, or only its zombie. */
static inline bool is_dead(pid_t pid)
{
    char path[64];
    struct str s = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    bool dead = file_read(path, 4096, &s, NULL) < 0 || strstr(str_text(&s), ") Z ") != NULL;
    str_fini(&s);
    return dead;
}

/* The only child: the supervisor of the only step. */
static inline pid_t supervisor_pid(void)
{
    char path[64];
    struct str s = {0};
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    pid_t pid = file_read(path, 4096, &s, NULL) == 0 ? (pid_t)atoi(str_text(&s)) : 0;
    str_fini(&s);
    return pid;
}

static inline struct execution *adopt(struct fixture *f, const char *key, struct seen *seen)
{
    struct execution *x = execution_adopt(f->spool, f->loop, key, &recorder, seen, &f->e);
    if (!x)
        fail_msg("adopt: %s", f->e.msg);
    return x;
}

static inline void forget(struct fixture *f, const char *key)
{
    if (execution_forget(f->spool, key, &f->e) < 0)
        fail_msg("forget: %s", f->e.msg);
}

static inline int supervise_or_test(int argc, char **argv, int (*tests)(void))
{
    if (argc == 3 && strcmp(argv[1], "supervise") == 0)
        return execute_supervise(argv[2]);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return tests();
}

#endif
