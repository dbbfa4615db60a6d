/* The simulation as a process: what it writes for the demo, the stand-in on the PATH, and its end. */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/config/config.h"
#include "engine/simulate/simulate.h"
#include "tests/unit/simulate/rig.h"

struct stage {
    char folder[64];
    int ready;
    pid_t pid;
    char port[16];
};

static void stage_open(struct stage *s)
{
    int ends[2];
    memcpy(s->folder, "/tmp/belay-unit-XXXXXX", sizeof "/tmp/belay-unit-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->ready = ends[0];
    s->pid = fork();
    if (s->pid == 0) {
        close(ends[0]);
        struct simulation simulation = {
            .scenario = "shard", .seed = 1, .speed = 20, .ready_fd = ends[1], .folder = s->folder};
        struct err e;
        _exit(simulate_run(&simulation, &e) == 0 ? 0 : 1);
    }
    close(ends[1]);
    size_t length = 0;
    while (length < sizeof s->port - 1 && !memchr(s->port, '\n', length)) {
        ssize_t got = read(s->ready, s->port + length, sizeof s->port - 1 - length);
        if (got <= 0)
            fail_msg("the simulation did not start");
        length += (size_t)got;
    }
    s->port[length - 1] = '\0';
}

/* Lets go of it and waits for its end. */
static void stage_close(struct stage *s)
{
    int status = -1;
    close(s->ready);
    for (int i = 0; i < 1000 && waitpid(s->pid, &status, WNOHANG) == 0; i++)
        poll(NULL, 0, 10);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        kill(s->pid, SIGKILL);
        fail_msg("the simulation did not end by itself: status %d", status);
    }
    folder_remove(s->folder, NULL);
}

/* What the shell command prints; $BIN is the folder of the stand-ins. */
static int shell(const struct stage *s, const char *command, struct str *out)
{
    char *line = xasprintf("PATH=%s/bin:$PATH; %s", s->folder, command);
    FILE *pipe = popen(line, "r");
    char buffer[4096];
    size_t got;
    assert_non_null(pipe);
    str_clear(out);
    while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0)
        str_add_bytes(out, buffer, got);
    free(line);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_configuration(void **state)
{
    (void)state;
    struct stage s = {0};
    stage_open(&s);
    struct config_findings findings = {0};
    struct err e;
    char *path = path_join(s.folder, "belay.yaml"), *kubectl = path_join(s.folder, "bin/kubectl");
    struct config *c = config_load(path, &findings, &e);
    if (!c)
        fail_msg("%s", e.msg);
    assert_int_equal(findings.len, 0);
    assert_string_equal(c->badge, "DEMO");
    assert_false(config_observer(c));
    assert_true(c->source_count >= 8);
    assert_non_null(strstr(c->sources[0].url, s.port));
    assert_int_equal(access(c->runbooks[0], R_OK), 0);
    assert_string_equal(c->identity.command[0], kubectl);
    struct stat about;
    assert_int_equal(stat(kubectl, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    config_free(c);
    config_findings_fini(&findings);
    free(path);
    free(kubectl);
    stage_close(&s);
}

static void test_stand_in(void **state)
{
    (void)state;
    struct stage s = {0};
    struct str out = {0};
    stage_open(&s);
    assert_int_equal(shell(&s, "kubectl config current-context", &out), 0);
    assert_string_equal(str_text(&out), "demo\n");
    assert_int_equal(shell(&s, "kubectl get pods --colour 2>&1", &out), 1);
    assert_string_equal(str_text(&out),
                        "error: unknown flag: --colour\nSee 'kubectl get --help' for usage.\n");
    assert_int_equal(shell(&s,
                           "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: \"a b\"}\\n' | "
                           "kubectl -n rag create -f -",
                           &out),
                     0);
    assert_string_equal(str_text(&out), "configmap/a b created\n");
    assert_int_equal(
        shell(&s, "head -c 300000 /dev/zero | tr '\\0' x | kubectl -n rag create -f - 2>&1", &out), 1);
    assert_string_equal(str_text(&out), "the manifest is too large\n");
    assert_int_equal(shell(&s, "kubectl -n rag exec deploy/vectorstore -- ctl index reopen shard-4", &out),
                     0); /* waits */
    assert_non_null(strstr(str_text(&out), "docs/shard-4: open"));
    assert_int_equal(shell(&s,
                           "kubectl -n rag create job j --from=cronjob/reindex-docs && kubectl -n rag wait "
                           "--for=condition=complete job/j",
                           &out),
                     0);
    assert_string_equal(str_text(&out), "job.batch/j created\njob.batch/j condition met\n");
    close(s.ready);
    waitpid(s.pid, NULL, 0);
    assert_int_equal(shell(&s, "kubectl -n rag get pods 2>&1", &out), 1);
    assert_true(str_starts(str_text(&out), "The connection to the server 127.0.0.1:"));
    str_fini(&out);
    folder_remove(s.folder, NULL);
}

static void test_wrong_usage(void **state)
{
    (void)state;
    struct err e;
    struct simulation s = {.scenario = "flood", .seed = 1, .speed = 1, .ready_fd = -1};
    assert_int_equal(simulate_run(&s, &e), ERR_USAGE);
    s.scenario = "shard";
    s.speed = 0;
    assert_int_equal(simulate_run(&s, &e), ERR_USAGE);
    s.speed = (double)NAN;
    assert_int_equal(simulate_run(&s, &e), ERR_USAGE);
}

/* The example for a user's own platform is read without a word. */
static void test_example(void **state)
{
    (void)state;
    struct config_findings findings = {0};
    struct err e;
    struct config *c = config_load(SOURCE_DIR "/assets/examples/belay.yaml", &findings, &e);
    if (!c || findings.len > 0)
        fail_msg("%s", c ? findings.data[0].message : e.msg);
    assert_true(config_observer(c));
    config_free(c);
    config_findings_fini(&findings);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "simulate-kubectl") == 0) /* the stand-ins run this very program */
        return simulate_kubectl_main(argc - 1, argv + 1);
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_stand_in),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
