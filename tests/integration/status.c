/* belay status, as monitoring runs it: what it exits with, and that what is not known is never ok. */
#include "tests/integration/server.h"

static const char *belay;

struct expectation {
    const char *source; /* YAML of one source named s */
    int status;
    const char *error; /* part of what it says of the source; "": the source is ok */
};

#define PRINTS(json)        "kind: command, command: [printf, '%s', '" json "'], timeout: 30s, "
#define PRINTS_METRIC(text) "kind: command, command: [printf, '" text "\\n'], timeout: 30s, "
#define SHARDS              "map: {kind: shard, rows: /queues/*, name: '{name}', state: {from: /s, up: ok, gone: down}}"
#define ALERTS              "map: {kind: alert, rows: /alerts/*, name: '{name}', state: {from: /s, on: down}}"

static const struct expectation expectations[] = {
    {PRINTS("{\"queues\":[{\"name\":\"a\",\"s\":\"up\"}]}") SHARDS, 0, ""},
    {PRINTS("{\"queues\":[{\"name\":\"a\",\"s\":\"gone\"}]}") SHARDS, 2, ""},
    {PRINTS("{\"queues\":[{\"name\":\"a\",\"s\":\"Up\"}]}") SHARDS, 3, ""},
    /* the mapping finds nothing: a wrong rows:, a wrong name:, another version of the system, an empty list
     */
    {PRINTS("{\"queues\":[]}") SHARDS, 3, "answered, but /queues/* has no rows"},
    {PRINTS("{\"Queues\":[{\"name\":\"a\",\"s\":\"up\"}]}") SHARDS, 3, "nothing at '/queues'"},
    {PRINTS("{\"queues\":[{\"title\":\"a\",\"s\":\"up\"}]}") SHARDS, 3, "1 of 1 rows have no name"},
    {PRINTS("{\"queues\":[{\"name\":\"a\",\"s\":\"up\"},{\"s\":\"gone\"}]}") SHARDS, 3,
     "1 of 2 rows have no name"},
    {PRINTS_METRIC("up 1") "preset: resilience4j", 3, "no sample of resilience4j_circuitbreaker_state"},
    {PRINTS("[]") "preset: opossum", 3, "answered, but /* has no rows"},
    {PRINTS("{\"queues\":[]}") "expected: 0, " SHARDS, 0, ""},
    {PRINTS("[]") "preset: opossum, expected: 0", 0, ""},
    {PRINTS("{\"queues\":[]}") "expected: 2, " SHARDS, 2, ""},
    /* alerts say by their absence that all is well */
    {PRINTS("{\"alerts\":[]}") ALERTS, 0, ""},
    {PRINTS("{\"alerts\":[{\"name\":\"x\",\"s\":\"on\"}]}") ALERTS, 2, ""},
    {PRINTS("{\"alerts\":[{\"title\":\"x\",\"s\":\"on\"}]}") ALERTS, 3, "1 of 1 rows have no name"},
    {PRINTS("{}") ALERTS, 3, "nothing at '/alerts'"},
};

static void what_was_not_found_is_unknown(void **state)
{
    (void)state;
    char *folder = scratch_folder();
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *x = &expectations[i];
        char *yaml = xasprintf("platform: status-test\nsources:\n  - {name: s, %s}\n", x->source);
        cJSON *root;
        int status = status_run(belay, folder, yaml, &root), again;
        const char *error = status_error(root, "s");
        char *text = status_text(belay, folder, &again), *shown = json_print(root);
        bool right = x->error[0] ? strstr(error, x->error) && strstr(text, x->error) : !error[0];
        if (status != x->status || again != status || !right)
            fail_msg("%s: wanted %d '%s', got %d and\n%s\n%s", yaml, x->status, x->error, status, text,
                     shown);
        if (x->error[0])
            assert_string_equal(json_string(root, "state", ""), "unknown");
        free(text);
        free(shown);
        free(yaml);
        cJSON_Delete(root);
    }
    folder_remove(folder, NULL);
    free(folder);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_not_found_is_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
