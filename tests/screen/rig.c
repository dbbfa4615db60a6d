#include "tests/screen/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/base.h"

static void give_up(const char *what)
{
    fprintf(stderr, "rig: %s: %s\n", what, strerror(errno));
    exit(2);
}

void rig_write(struct rig *r, const char *name, const char *text)
{
    char path[128];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    /* Not file_write_atomic: ten fsyncs a second would be the disk's business, not the console's. */
    char fresh[136];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || rename(fresh, path) < 0) {
        err_errno(&e, "%s", path);
        give_up(e.msg);
    }
}

void rig_configure(struct rig *r, const char *more)
{
    struct str text = {0};
    str_addf(
        &text,
        "platform: rig\n"
        "sources:\n"
        "  - name: paper\n"
        "    kind: command\n"
        "    command: [cat, %s/state.json]\n"
        "    every: 1s\n"
        "    map:\n"
        "      - {kind: breaker, rows: /breakers/*, name: \"{/name}\", state: {from: /state, CLOSED: ok, "
        "OPEN: down,\n"
        "         HALF_OPEN: degraded, \"*\": unknown}, measures: {failure_rate: /rate, calls: /calls}}\n"
        "      - {kind: shard, rows: /shards/*, name: \"docs/{/name}\", group: docs, state: {from: /state,\n"
        "         Active: ok, Partial: degraded, Dead: down, \"*\": unknown}}\n"
        "      - {kind: job, rows: /jobs/*, name: \"{/name}\", state: /state, measures: {done: /done, total: "
        "/total,\n"
        "         rate: /rate}}\n"
        "      - {kind: signal, rows: /signals/*, name: \"{/name}\", value: /value, warn: \"50\", crit: "
        "\"90\"}\n"
        "      - {kind: component, rows: /components/*, name: \"{/name}\", measures: {ready: /ready,\n"
        "         replicas: /replicas}}\n"
        "%s",
        r->folder, more ? more : "");
    rig_write(r, "belay.yaml", str_text(&text));
    str_fini(&text);
}

static void open_folder(struct rig *r, char path[80], const char *name)
{
    snprintf(path, 80, "%s/%s", r->folder, name);
    if (mkdir(path, 0700) < 0)
        give_up(path);
}

void rig_open(struct rig *r)
{
    char path[80];
    memset(r, 0, sizeof *r);
    snprintf(r->folder, sizeof r->folder, "/tmp/belay-rig-XXXXXX");
    if (!mkdtemp(r->folder))
        give_up(r->folder);
    open_folder(r, r->home, "home");
    open_folder(r, r->config, "config");
    open_folder(r, r->state, "state");
    open_folder(r, r->runtime, "runtime");
    setenv("HOME", r->home, 1);
    setenv("XDG_CONFIG_HOME", r->config, 1);
    setenv("XDG_STATE_HOME", r->state, 1);
    setenv("XDG_RUNTIME_DIR", r->runtime, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLORTERM");
    snprintf(path, sizeof path, "%s/runbooks", r->folder);
    if (mkdir(path, 0700) < 0)
        give_up(path);
    rig_configure(r, NULL);
    rig_state_small(r, "Active");
}

void rig_close(struct rig *r)
{
    folder_remove(r->folder, NULL);
}

/* ---- states */

void rig_state_small(struct rig *r, const char *shard_state)
{
    struct str text = {0};
    str_addf(
        &text,
        "{\"breakers\":[{\"name\":\"llm-primary\",\"state\":\"CLOSED\",\"rate\":0.01,\"calls\":100},"
        "{\"name\":\"reranker\",\"state\":\"HALF_OPEN\",\"rate\":0.22,\"calls\":41}],"
        "\"shards\":[{\"name\":\"shard-4\",\"state\":\"Active\"},{\"name\":\"shard-5\",\"state\":\"%s\"}],"
        "\"jobs\":[{\"name\":\"run_sc05\",\"state\":\"running\",\"done\":30000,\"total\":50000,\"rate\":412}]"
        ","
        "\"signals\":[{\"name\":\"errors\",\"value\":4.1},{\"name\":\"p95\",\"value\":60}],"
        "\"components\":[{\"name\":\"retriever\",\"ready\":3,\"replicas\":3}]}\n",
        shard_state);
    rig_write(r, "state.json", str_text(&text));
    str_fini(&text);
}

/* The changing ones are spread over the kinds and take turns. */
static bool changes(size_t index, size_t count, size_t changing)
{
    return changing > 0 && index % (count / changing > 0 ? count / changing : 1) == 0;
}

/* A quarter each of breakers, jobs and signals, and of shards, which have only a state. */
void rig_state_many(struct rig *r, size_t count, size_t changing, uint64_t tick, bool flip)
{
    static const char *const breaker[] = {"CLOSED", "HALF_OPEN", "OPEN"};
    static const char *const shard[] = {"Active", "Partial", "Dead"};
    struct str text = {0};
    size_t part = count / 4, of = flip ? count : count - part, at = 0;
    str_add(&text, "{\"breakers\":[");
    for (size_t i = 0; i < part; i++, at++) {
        uint64_t turn = changes(at, of, changing) ? tick + at : 0;
        str_addf(&text, "%s{\"name\":\"breaker-%05zu\",\"state\":\"%s\",\"rate\":%.3f,\"calls\":%llu}",
                 i ? "," : "", i, breaker[flip ? turn % 3 : 0], (double)(turn % 100) / 100,
                 (unsigned long long)(100 + turn));
    }
    str_add(&text, "],\"jobs\":[");
    for (size_t i = 0; i < part; i++, at++)
        str_addf(
            &text,
            "%s{\"name\":\"job-%05zu\",\"state\":\"running\",\"done\":%llu,\"total\":50000,\"rate\":412}",
            i ? "," : "", i,
            (unsigned long long)(changes(at, of, changing) ? 1000 + tick * 37 % 40000 : 1000));
    str_add(&text, "],\"signals\":[");
    for (size_t i = 0; at < count - part; i++, at++)
        str_addf(&text, "%s{\"name\":\"signal-%05zu\",\"value\":%.1f}", i ? "," : "", i,
                 changes(at, of, changing) ? (double)((tick * 7 + at) % (flip ? 100 : 40)) : 10.0);
    str_add(&text, "],\"shards\":[");
    for (size_t i = 0; at < count; i++, at++)
        str_addf(&text, "%s{\"name\":\"shard-%05zu\",\"state\":\"%s\"}", i ? "," : "", i,
                 shard[flip && changes(at, of, changing) ? (tick + at) % 3 : 0]);
    str_add(&text, "],\"components\":[]}\n");
    rig_write(r, "state.json", str_text(&text));
    str_fini(&text);
}

/* ---- start */

struct pty *rig_run(struct rig *r, const char *belay, const struct rig_start *start)
{
    static const struct rig_start plain = {0};
    const char *argv[32] = {belay};
    char config[128];
    size_t count = 1;
    start = start ? start : &plain;
    snprintf(config, sizeof config, "%s/belay.yaml", r->folder);
    if (start->arguments)
        for (size_t i = 0; start->arguments[i] && count < 31; i++)
            argv[count++] = start->arguments[i];
    else
        argv[count++] = config;
    return pty_start(&(struct pty_options){.argv = argv,
                                           .environment = start->environment,
                                           .term = start->term,
                                           .width = start->width,
                                           .height = start->height});
}
