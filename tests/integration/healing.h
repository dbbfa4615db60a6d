/* `belay serve` that heals: a component whose state is a file, a runbook that would mend it, and what its
 * steps wrote down. */
#ifndef BELAY_TESTS_INTEGRATION_HEALING_H
#define BELAY_TESTS_INTEGRATION_HEALING_H

#include <sys/stat.h>

#include "tests/integration/server.h"
#include "tests/integration/upstream.h"
#include "tests/screen/expect.h"

static const char *belay;

#define DOWN "{\"pods\":[{\"name\":\"retriever\",\"state\":\"CrashLoopBackOff\"}]}"
#define WELL "{\"pods\":[{\"name\":\"retriever\",\"state\":\"Running\"}]}"

#define RULE                                                                                                 \
    "  rules:\n  - {name: loop, when: \"component.state == down\", error: \"*crash*\", issue: crash_loop, "  \
    "fix: restart-pod#restart, confidence: 0.95, policy: "

struct bench {
    char *folder;
    pid_t serve;
};

static inline void configure(const struct bench *b, const char *heal)
{
    char *yaml = xasprintf("platform: healing\nrunbooks: [rb]\nsources:\n"
                           "- {name: pods, kind: command, every: 1s, command: [cat, %s/state.json],\n"
                           "   map: {kind: component, rows: /pods/*, name: \"{/name}\",\n"
                           "         state: {from: /state, Running: ok, CrashLoopBackOff: down}}}\n"
                           "policies: [{name: mend, attempts: 1, on_failure: heal}]\n"
                           "%s",
                           b->folder, heal);
    text_write(b->folder, "belay.yaml", yaml);
    free(yaml);
}

/* annotations: of the step that mends; script: what it does besides leaving its trace. */
static inline void document(const struct bench *b, const char *annotations, const char *script)
{
    char *rb = path_join(b->folder, "rb");
    char *text = xasprintf("---\nrunbook: {vars: {POD: {from: entity.name}}}\n---\n# Restart a pod\n\n"
                           "```sh {name=other scope=cluster}\necho other >> %s/trace\n```\n\n"
                           "```sh {name=restart %s}\necho \"restart $POD\" >> %s/trace\n%s\n```\n",
                           b->folder, annotations, b->folder, script);
    text_write(rb, "restart-pod.md", text);
    free(text);
    free(rb);
}

static inline void serve_start(struct bench *b)
{
    char *log = path_join(b->folder, "log");
    b->serve = fork();
    if (b->serve == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(out, 2);
        if (chdir(b->folder) == 0)
            execl(belay, belay, "serve", "--join", (char *)NULL);
        _exit(127);
    }
    free(log);
}

static inline void bench_open(struct bench *b, const char *heal, const char *annotations, const char *script)
{
    b->folder = scratch_folder();
    setenv("XDG_STATE_HOME", b->folder, 1);
    char *rb = path_join(b->folder, "rb");
    assert_int_equal(mkdir(rb, 0700), 0);
    free(rb);
    configure(b, heal);
    document(b, annotations, script);
    text_write(b->folder, "state.json", DOWN);
    serve_start(b);
}

static inline void serve_stop(struct bench *b)
{
    server_stop(b->serve);
}

static inline void bench_close(struct bench *b)
{
    serve_stop(b);
    folder_remove(b->folder, NULL);
    free(b->folder);
}

static inline void output_of(const struct bench *b, const char *arguments, struct str *out)
{
    char line[4096];
    char *command = xasprintf("cd %s && %s %s 2>&1", b->folder, belay, arguments);
    FILE *pipe = popen(command, "r");
    str_clear(out);
    while (fgets(line, sizeof line, pipe))
        str_add(out, line);
    pclose(pipe);
    free(command);
}

static inline void trace_of(const struct bench *b, struct str *out)
{
    char *path = path_join(b->folder, "trace");
    str_clear(out);
    file_read(path, 1u << 16, out, NULL);
    free(path);
}

static inline size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

/* Until the journal says so, so often. */
static inline void journal_until(const struct bench *b, const char *part, size_t times)
{
    struct str said = {0};
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    do {
        if (clock_monotonic_us() > end)
            fail_msg("never %zu times: %s\n%s", times, part,
                     str_text(&said) + (said.len > 800 ? said.len - 800 : 0));
        usleep(100000);
        output_of(b, "timeline --all --json", &said);
    } while (count_of(str_text(&said), part) < times);
    str_fini(&said);
}

static inline void journal_lacks(const struct bench *b, const char *part)
{
    struct str said = {0};
    output_of(b, "timeline --all --json", &said);
    if (strstr(str_text(&said), part))
        fail_msg("there is: %s\n%s", part, str_text(&said));
    str_fini(&said);
}

static inline void trace_is(const struct bench *b, const char *wanted)
{
    struct str trace = {0};
    trace_of(b, &trace);
    assert_string_equal(str_text(&trace), wanted);
    str_fini(&trace);
}

static inline void verified(const struct bench *b)
{
    char *command = xasprintf("cd %s && %s verify >verified 2>&1", b->folder, belay);
    assert_int_equal(system(command), 0);
    free(command);
}

#endif
