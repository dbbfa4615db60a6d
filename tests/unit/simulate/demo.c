/* The simulation as a process: what it writes for the demo, the stand-in on the PATH, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/config/config.h"
#include "engine/simulate/simulate.h"
#include "tests/unit/simulate/rig.h"

struct stage {
    char folder[64];
    int link;
    pid_t pid;
    char port[16];
};

static int stage_connect(struct stage *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.64s/socket", s->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail_msg("connect: %s", strerror(errno));
    memset(s->port, 0, sizeof s->port);
    for (size_t length = 0; length < sizeof s->port - 1 && !strchr(s->port, '\n');) {
        ssize_t got = recv(fd, s->port + length, sizeof s->port - 1 - length, 0);
        if (got <= 0)
            fail_msg("the simulation does not answer");
        length += (size_t)got;
    }
    s->port[strcspn(s->port, "\n")] = '\0';
    return fd;
}

static void stage_open(struct stage *s, int64_t linger_us)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(s->folder, "/tmp/belay-unit-XXXXXX", sizeof "/tmp/belay-unit-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(address.sun_path, sizeof address.sun_path, "%.64s/socket", s->folder);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 4), 0);
    s->pid = fork();
    if (s->pid == 0) {
        struct simulation simulation = {.scenario = "shard",
                                        .seed = 1,
                                        .speed = 20,
                                        .linger_us = linger_us,
                                        .listen_fd = listening,
                                        .http_fd = -1,
                                        .folder = s->folder};
        struct err e;
        _exit(simulate_run(&simulation, &e) == 0 ? 0 : 1);
    }
    close(listening);
    s->link = stage_connect(s);
}

/* Ends it, waits for that, and sees that it left nothing. */
static void stage_close(struct stage *s)
{
    int status = -1;
    assert_int_equal(send(s->link, "end\n", 4, 0), 4);
    for (int i = 0; i < 1000 && waitpid(s->pid, &status, WNOHANG) == 0; i++)
        poll(NULL, 0, 10);
    close(s->link);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        kill(s->pid, SIGKILL);
        fail_msg("the simulation did not end by itself: status %d", status);
    }
    assert_int_equal(access(s->folder, F_OK), -1);
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
    stage_open(&s, SIMULATION_LINGER_US);
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
    stage_open(&s, SIMULATION_LINGER_US);
    assert_int_equal(shell(&s, "kubectl config current-context", &out), 0);
    assert_string_equal(str_text(&out), "demo\n");
    assert_int_equal(shell(&s, "kubectl get pods --colour 2>&1", &out), 1);
    assert_string_equal(str_text(&out),
                        "error: unknown flag: --colour\nSee 'kubectl get --help' for usage.\n");
    assert_int_equal(shell(&s,
                           "printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a.b, annotations: "
                           "{x: \"a b\"}}\\n' | "
                           "kubectl -n rag create -f -",
                           &out),
                     0);
    assert_string_equal(str_text(&out), "configmap/a.b created\n");
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
    /* In a process list it is kubectl, not one more console: it is asked while it waits for its manifest. */
    assert_int_equal(
        shell(&s,
              "cd \"${PATH%%/bin:*}\"; mkfifo pipe; kubectl create -f - <pipe >/dev/null 2>&1 & exec 3>pipe; "
              "n=0; until grep -q ^simulate-kubectl -z /proc/$!/cmdline; do "
              "n=$((n + 1)); [ $n -lt 20000 ] || exit 9; done; "
              "cat /proc/$!/comm; exec 3>&-; wait",
              &out),
        0);
    assert_string_equal(str_text(&out), "kubectl\n");
    kill(s.pid, SIGKILL); /* so that the stand-in is still there */
    waitpid(s.pid, NULL, 0);
    close(s.link);
    assert_int_equal(shell(&s, "kubectl -n rag get pods 2>&1", &out), 1);
    assert_true(str_starts(str_text(&out), "The connection to the server 127.0.0.1:"));
    str_fini(&out);
    folder_remove(s.folder, NULL);
}

static void test_wrong_usage(void **state)
{
    (void)state;
    struct err e;
    struct simulation s = {.scenario = "flood", .seed = 1, .speed = 1, .listen_fd = -1};
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

/* A console that dies leaves the platform to the next; two at a time it does not serve. */
static void test_found_again(void **state)
{
    (void)state;
    struct stage s = {0};
    struct str out = {0};
    char first[16];
    stage_open(&s, SIMULATION_LINGER_US);
    memcpy(first, s.port, sizeof first);
    close(stage_connect(&s));
    assert_string_equal(s.port, "busy");
    close(s.link); /* as kill -9 does */
    for (int i = 0; i < 1000; i++) {
        s.link = stage_connect(&s);
        if (!str_eq(s.port, "busy"))
            break;
        close(s.link); /* it has not seen the end yet */
        poll(NULL, 0, 10);
    }
    assert_string_equal(s.port, first);
    assert_int_equal(shell(&s, "kubectl -n rag get pods", &out), 0);
    str_fini(&out);
    stage_close(&s);
}

/* Nobody comes back: it ends by itself and leaves nothing. */
static void test_nobody_comes_back(void **state)
{
    (void)state;
    struct stage s = {0};
    int status = -1;
    stage_open(&s, US_PER_S);
    poll(NULL, 0, 1500); /* longer than that: it is attended */
    assert_int_equal(waitpid(s.pid, &status, WNOHANG), 0);
    close(s.link);
    for (int i = 0; i < 3000 && waitpid(s.pid, &status, WNOHANG) == 0; i++)
        poll(NULL, 0, 10);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(access(s.folder, F_OK), -1);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "simulate-kubectl") == 0) /* the stand-ins run this very program */
        return simulate_kubectl_main(argc - 1, argv + 1);
    setenv("BELAY_ASSETS", SOURCE_DIR "/assets", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration), cmocka_unit_test(test_stand_in),
        cmocka_unit_test(test_found_again),   cmocka_unit_test(test_nobody_comes_back),
        cmocka_unit_test(test_wrong_usage),   cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
