/* `belay serve` under a real Prometheus: it scrapes /metrics, takes the shipped alerts, and one of them
 * fires. Beside a console's lease, and under the signals of a service manager. */
#include "tests/integration/server.h"

static const char *belay;

struct served {
    char *folder;
    int port;
    pid_t pid;
};

/* A program in folder with its output in folder/NAME; arguments end with NULL. */
static pid_t begin(const char *folder, const char *name, char *const *argv)
{
    char *log = path_join(folder, name);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(out, 2);
        setenv("XDG_STATE_HOME", folder, 1);
        if (chdir(folder) == 0)
            execvp(argv[0], argv);
        _exit(127);
    }
    free(log);
    return pid;
}

static char *said(const char *folder, const char *name)
{
    struct str text = {0};
    char *path = path_join(folder, name);
    file_read(path, 1u << 20, &text, NULL);
    free(path);
    return str_take(&text);
}

static bool says(const char *folder, const char *name, const char *words)
{
    char *text = said(folder, name);
    bool found = text && strstr(text, words);
    free(text);
    return found;
}

#define wait_for(folder, name, condition)                                                                    \
    do {                                                                                                     \
        int64_t wait_end = clock_monotonic_us() + PATIENCE_US;                                               \
        while (!(condition)) {                                                                               \
            if (clock_monotonic_us() > wait_end)                                                             \
                fail_msg("never: %s\n%s", #condition, said(folder, name));                                   \
            usleep(50000);                                                                                   \
        }                                                                                                    \
    } while (0)

static int end(pid_t pid, int signal_number)
{
    int status = 0;
    kill(pid, signal_number);
    int64_t until = clock_monotonic_us() + PATIENCE_US;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_monotonic_us() > until)
            fail_msg("it does not end");
        usleep(10000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void serve_start(struct served *s)
{
    s->folder = scratch_folder();
    s->port = free_port();
    char *address = xasprintf("127.0.0.1:%d", s->port);
    char *yaml = xasprintf(
        "platform: served\nsources:\n"
        "  - {name: dead, kind: http, url: 'http://127.0.0.1:%d/', every: 1s, map: {kind: component, "
        "name: dead, state: {from: '@status', 2xx: ok}}}\n"
        "  - {name: word, kind: command, command: [cat, word.json], every: 1s, map: {kind: "
        "component, name: thing, state: {from: /state, ok: ok, down: down}}}\n",
        free_port());
    text_write(s->folder, "belay.yaml", yaml);
    text_write(s->folder, "word.json", "{\"state\":\"ok\"}");
    char *argv[] = {(char *)(uintptr_t)belay, "serve", "--listen", address, NULL};
    s->pid = begin(s->folder, "serve.log", argv);
    wait_for(s->folder, "serve.log", answers(s->port));
    free(address);
    free(yaml);
}

static void serve_fini(struct served *s)
{
    folder_remove(s->folder, NULL);
    free(s->folder);
}

/* ---- Prometheus ---- */

static pid_t scraping_start(const struct served *s, int port)
{
    char *yaml = xasprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                           "rule_files: [belay.rules.yaml, quick.yaml]\nscrape_configs:\n"
                           "- {job_name: belay, static_configs: [{targets: ['127.0.0.1:%d']}]}\n",
                           s->port);
    struct str rules = {0};
    assert_int_equal(file_read(SOURCE_DIR "/assets/alerts/belay.rules.yaml", 1u << 20, &rules, NULL), 0);
    text_write(s->folder, "belay.rules.yaml", str_text(&rules));
    /* The shipped one waits for five minutes. */
    text_write(s->folder, "quick.yaml",
               "groups: [{name: quick, rules: [{alert: Quick, expr: belay_source_up == 0}]}]\n");
    pid_t pid = prometheus_start(s->folder, port, yaml);
    str_fini(&rules);
    free(yaml);
    return pid;
}

static void scraped_by_prometheus(void **state)
{
    (void)state;
    struct served s;
    int port = free_port();
    serve_start(&s);
    pid_t prometheus = scraping_start(&s, port);
    char *yaml = xasprintf(
        "platform: looking\nsources:\n"
        "  - {name: up, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-query, every: 500ms, "
        "vars: "
        "{query: 'up', name: up, warn: 0.9, crit: 0.5}}\n"
        "  - {name: word, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-query, every: 500ms, "
        "vars: {query: 'sum(belay_source_up)', name: sources up}}\n"
        "  - {name: watching, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-query, every: "
        "500ms, vars: {query: 'belay_watching', name: watching}}\n"
        "  - {name: alerts, kind: http, url: 'http://127.0.0.1:%d', preset: prometheus-alerts, every: "
        "500ms}\n",
        port, port, port, port);
    struct watch w;
    watch_start(&w, yaml);
    watch_until(&w, is(&w, ENTITY_SIGNAL, "up", CONDITION_OK));
    watch_until(&w, measure_of(&w, ENTITY_SIGNAL, "sources up", "value") == 1);
    watch_until(&w, measure_of(&w, ENTITY_SIGNAL, "watching", "value") == 1);
    watch_until(&w, find(&w, ENTITY_ALERT, "Quick") != NULL);
    assert_string_equal(find(&w, ENTITY_ALERT, "Quick")->raw, "firing");
    watch_until(&w, find(&w, ENTITY_ALERT, "BelaySourceFailing") != NULL); /* it takes the shipped ones */
    assert_string_equal(find(&w, ENTITY_ALERT, "BelaySourceFailing")->raw, "pending");
    assert_int_equal(end(s.pid, SIGTERM), 0);
    watch_until(&w, is(&w, ENTITY_SIGNAL, "up", CONDITION_DOWN));
    watch_stop(&w);
    server_stop(prometheus);
    free(yaml);
    serve_fini(&s);
}

/* ---- as a service ---- */

static void ends_and_goes_on_as_told(void **state)
{
    (void)state;
    struct served s;
    serve_start(&s);
    wait_for(s.folder, "serve.log", says(s.folder, "serve.log", "journals what changes"));
    wait_for(s.folder, "serve.log", says(s.folder, "serve.log", "source dead failed: "));
    text_write(s.folder, "word.json", "{\"state\":\"down\"}");
    wait_for(s.folder, "serve.log", says(s.folder, "serve.log", "component thing"));
    kill(s.pid, SIGHUP);
    char *again = xasprintf("127.0.0.1:%d", s.port);
    char *argv[] = {(char *)(uintptr_t)belay, "serve", "--listen", again, NULL};
    pid_t second = begin(s.folder, "taken.log", argv); /* the address is taken */
    int status = 0;
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_true(says(s.folder, "taken.log", "another process listens there already"));
    char *beside[] = {(char *)(uintptr_t)belay, "serve", NULL};
    second = begin(s.folder, "beside.log", beside);
    wait_for(s.folder, "beside.log", says(s.folder, "beside.log", "does not journal what changes: pid "));
    assert_int_equal(end(s.pid, SIGINT), 0); /* SIGHUP did nothing */
    wait_for(s.folder, "beside.log", says(s.folder, "beside.log", "  serve  journals what changes"));
    assert_int_equal(end(second, SIGTERM), 0);
    free(again);
    serve_fini(&s);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    server_require("prometheus");
    const struct CMUnitTest tests[] = {cmocka_unit_test(scraped_by_prometheus),
                                       cmocka_unit_test(ends_and_goes_on_as_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
