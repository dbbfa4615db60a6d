/* identity: end to end: an acting step runs only where the configuration says that it may land. Each case
 * walks a document in line mode; what the step itself wrote down is the oracle. */
#include "tests/integration/server.h"
#include "tests/screen/expect.h"

#define WAIT_MS  60000
#define GUARD_MS 1000 /* what is typed too soon after a page has opened is not taken for an answer */

static const char *belay;

struct situation {
    const char *identity; /* YAML behind `identity:`; WHERE is a file of the test's folder */
    const char *where;    /* what that file says when the page opens ... */
    const char *then;     /* ... and when it is confirmed; NULL: the same */
    bool allowed;
    const char *page, *refusal; /* patterns; NULL: not looked for */
};

#define EXPECTS_EU "command: [cat, WHERE], expect: prod-eu"

static const struct situation situations[] = {
    {EXPECTS_EU, "prod-eu\n", NULL, true, "Where .*prod-eu", NULL},
    {EXPECTS_EU, " \t prod-eu \r\n\n", NULL, true, "Where .*prod-eu", NULL}, /* blanks around it aside */
    {EXPECTS_EU, "prod-us\n", NULL, false, "Where .*prod-us, NOT prod-eu as configured",
     "land in prod-us, the configuration expects prod-eu"},
    {EXPECTS_EU, "prod-eu\nprod-us\n", NULL, false, "NOT prod-eu", "expects prod-eu"},
    {EXPECTS_EU, "prod-eu-2\n", NULL, false, "prod-eu-2, NOT prod-eu",
     "land in prod-eu-2, .*expects prod-eu"},
    {EXPECTS_EU, "", NULL, false, "NOT prod-eu", "nothing was printed.*expects prod-eu"},
    /* seen on the page, and another one by the time of the act */
    {EXPECTS_EU, "prod-eu\n", "prod-us\n", false, "Where .*prod-eu", "land in prod-us, .*expects prod-eu"},
    {EXPECTS_EU, "prod-us\n", "prod-eu\n", true, "NOT prod-eu", NULL},
    {"command: [sleep, '1000'], expect: prod-eu, timeout: 300ms", "", NULL, false,
     "unknown: ", "can't be observed: "},
    {"command: [cat, /nowhere/at/all], expect: prod-eu", "", NULL, false, "unknown: ", "can't be observed: "},
    {"command: [sh, -c, 'echo prod-eu; exit 3'], expect: prod-eu", "", NULL, false,
     "unknown: ", "can't be observed: "},
    {"command: [no-such-program-anywhere], expect: prod-eu", "", NULL, false,
     "unknown: ", "can't be observed: "},
    {"command: [yes, prod-eu], expect: prod-eu", "", NULL, false, "unknown: ", "can't be observed: "},
    {"command: [printf, 'prod-eu\\033[2K'], expect: prod-eu", "", NULL, false, "<U\\+001B>|<0x1B>",
     "expects prod-eu"},
};

static void files_write(const char *folder, const struct situation *x)
{
    char *where = path_join(folder, "where.txt");
    const char *cut = strstr(x->identity, "WHERE");
    char *yaml = cut ? xasprintf("platform: id\nidentity: {%.*s%s%s}\n", (int)(cut - x->identity),
                                 x->identity, where, cut + 5)
                     : xasprintf("platform: id\nidentity: {%s}\n", x->identity);
    char *document = xasprintf("# Restart\n\n## Look\n\n```sh {name=look kind=check}\ntrue\n```\n\n"
                               "## 1. Restart it\n\n```sh {name=restart kind=action "
                               "scope=process}\necho ran >> %s/oracle\n```\n",
                               folder);
    text_write(folder, "belay.yaml", yaml);
    text_write(folder, "doc.md", document);
    text_write(folder, "where.txt", x->where);
    free(where);
    free(yaml);
    free(document);
}

static struct pty *walk(const char *folder)
{
    char *config = path_join(folder, "belay.yaml"), *document = path_join(folder, "doc.md");
    char *state = xasprintf("XDG_STATE_HOME=%s", folder), *runtime = xasprintf("XDG_RUNTIME_DIR=%s", folder);
    struct pty *p = pty_start(&(struct pty_options){
        .argv = (const char *const[]){belay, "runbook", "run", "--line", "--config", config, document, NULL},
        .environment = (const char *const[]){state, runtime, NULL},
        .width = 200,
        .height = 50});
    free(config);
    free(document);
    free(state);
    free(runtime);
    return p;
}

static void expect_said(struct pty *p, size_t number, const char *pattern)
{
    if (pattern && !pty_wait(p, pattern, WAIT_MS))
        fail_with_screen(p, "situation %zu: never said: %s", number, pattern);
}

static char *oracle(const char *folder)
{
    struct str text = {0};
    char *path = path_join(folder, "oracle");
    if (access(path, F_OK) == 0)
        assert_int_equal(file_read(path, 4096, &text, NULL), 0);
    free(path);
    return text.len ? str_take(&text) : xstrdup("");
}

static void situation_try(const struct situation *x, size_t number)
{
    char *folder = scratch_folder();
    files_write(folder, x);
    struct pty *p = walk(folder);
    expect_said(p, number, x->page);
    expect_said(p, number, "Type yes to run it");
    if (x->then)
        text_write(folder, "where.txt", x->then);
    const char *said = x->allowed ? "Restart it: exit 0" : "not started: ";
    for (int64_t end = clock_monotonic_us() + WAIT_MS * US_PER_MS;
         !pty_wait(p, said, GUARD_MS) && clock_monotonic_us() < end;)
        pty_type(p, "yes\n");
    expect_said(p, number, said);
    expect_said(p, number, x->refusal);
    char *wrote = oracle(folder);
    if (!str_eq(wrote, x->allowed ? "ran\n" : ""))
        fail_with_screen(p, "situation %zu: the step wrote '%s'", number, wrote);
    free(wrote);
    pty_free(p);

    /* the refusal is journaled; an act that was refused never had an intent; a place is told only where one
     * was observed: of the act, not of the check before it */
    const char *told = x->allowed
                           ? "grep -q 'act begins' timeline.txt && $BELAY export "
                             "--format json | jq -e '[.runs[].steps[].executions[].where] | sort == [null, "
                             "\"prod-eu\"]'"
                           : "grep -q 'act not-started' timeline.txt && ! grep 'act begins' timeline.txt";
    char *command =
        xasprintf("cd %s && export XDG_STATE_HOME=%s BELAY=%s && $BELAY timeline > timeline.txt && %s",
                  folder, folder, belay, told);
    int status = system(command);
    if (status != 0)
        fail_msg("situation %zu: the timeline does not tell (%d)", number, status);
    free(command);
    folder_remove(folder, NULL);
    free(folder);
}

static void acts_land_where_they_may(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof situations / sizeof situations[0]; i++)
        situation_try(&situations[i], i);
}

int main(int argc, char **argv)
{
    belay = argc > 1 ? argv[1] : "belay";
    const struct CMUnitTest tests[] = {cmocka_unit_test(acts_land_where_they_may)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
