/* belay check on bad configurations: each mistake is named with file:line:column, what it is and how to mend
 * it. */
#include "tests/integration/server.h"

static const char *belay;

#define SOURCE "sources:\n  - {name: a, kind: http, url: http://h/, "

static const struct mistake {
    const char *yaml;
    int status;
    const char *says; /* a line of the output, whole */
} mistakes[] = {
    {"platform: p\n", 0, "1 file checked: 0 errors, 0 warnings"},
    {"platform: p\n\tbadge: X\n", 2,
     "belay.yaml:2:1: found a tab character that violates indentation, while scanning a plain scalar"},
    {"platfrom: p\n", 2, "belay.yaml:1:1: unknown key \"platfrom\", did you mean \"platform\"?"},
    {"platform: p\nplatform: q\n", 2, "belay.yaml:2:1: the key \"platform\" stands there twice"},
    {"x: &a p\n", 2,
     "belay.yaml:1:4: anchors (&) and tags (!) are not supported: write the value itself, in quotes if it "
     "begins so"},
    {"theme: solarised\n", 2, "belay.yaml:1:8: there is no themes/solarised.yaml"},
    {"theme: dark\n", 0, "1 file checked: 0 errors, 0 warnings"},
    {"runbooks:\n  - nowhere/\n", 2, "belay.yaml:2:3: runbooks: there is no "},
    {SOURCE "preset: qdrnt}\n", 2,
     "belay.yaml:2:5: source a: there is no preset 'qdrnt': did you mean 'qdrant'?"},
    {SOURCE "preset: qdrant}\n", 2,
     "belay.yaml:2:5: the preset qdrant needs vars: {collection: ...}, the collection's name"},
    {SOURCE "preset: opossum, ca: /nowhere.pem}\n", 1,
     "belay.yaml:2:5: warning: source a: ca: /nowhere.pem can't be read: No such file or directory"},
    {SOURCE "preset: opossum, every: 5}\n", 2,
     "belay.yaml:2:67: every: \"5\" is not a duration: write a number and a unit (ms, s, m, h, d), as 30s"},
    {SOURCE "map: {kind: shards, rows: /*, name: x}}\n", 2,
     "belay.yaml:2:55: kind: is one of signal, breaker, chain, shard, job, alert, snapshot, component"},
    {SOURCE "map: {kind: shard, rows: /*, name: \"{n\", state: /s}}\n", 2,
     "belay.yaml:2:78: '{n': '{' without '}' (a brace itself is '{{')"},
    {SOURCE "map: {kind: shard, rows: /*, name: x, state: {from: /s, \"*\": ok}}}\n", 2,
     "belay.yaml:2:104: \"*\" can only be unknown: a state that the mapping doesn't know is not ok"},
    {"sources:\n  - {name: a, kind: redis, url: redis://h, preset: checkpoints, password: hunter2}\n", 2,
     "belay.yaml:2:75: password: secrets are not written here: use {secret: env:NAME}, {secret: file:PATH} "
     "or "
     "{secret: command:PROGRAM ARGUMENTS}"},
    {"safe_mode: {name: mode}\n", 1,
     "belay.yaml:1:12: warning: safe_mode: no runbook safe-mode-enter is in runbooks:"},
    {"safe_mode: {kind: component}\n", 2, "belay.yaml:1:12: name is missing: "},
    {"sources:\n  - {name: d, kind: journal, map: {kind: snapshot, name: x}}\n", 2,
     "belay.yaml:2:5: source d: kind: journal needs vars: {runbook: ...}, the id of a runbook"},
    {"sources:\n  - {name: d, kind: journal, preset: restore-drill}\n", 0, "1 file checked"},
    {"platform: \xff\n", 2, "belay.yaml:1:11: not UTF-8"},
};

static void each_is_named_with_its_place(void **state)
{
    (void)state;
    char *folder = scratch_folder(), *out = path_join(folder, "out.txt");
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct mistake *m = &mistakes[i];
        struct str text = {0};
        text_write(folder, "belay.yaml", m->yaml);
        char *command =
            xasprintf("cd %s && XDG_STATE_HOME=%s %s check belay.yaml > out.txt 2>&1", folder, folder, belay);
        int status = WEXITSTATUS(system(command));
        assert_int_equal(file_read(out, 1u << 20, &text, NULL), 0);
        bool first = str_starts(str_text(&text), m->says);
        bool alone = m->status == 0 || strchr(str_text(&text), '\n') + 1 == strstr(str_text(&text), "1 file");
        if (status != m->status || !first || !alone)
            fail_msg("%s\nwanted %d %s\ngot %d\n%s", m->yaml, m->status, m->says, status, str_text(&text));
        free(command);
        str_fini(&text);
    }
    folder_remove(folder, NULL);
    free(folder);
    free(out);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_named_with_its_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
