/* A step that prints 1 GB: console and supervisor stay small, the spool keeps what it has room for and says
 * so, the journal keeps the beginning and the end, and the console answers its keys all the time. */
#include "tests/crash/supervisors.h"
#include "tests/screen/walk.h"

#define MEMORY_KB  65536
#define MEAN_MS    1000  /* a console that the flood starves answers once, when it is over */
#define ANSWER_MS  10000 /* the machine may stand still for a while */
#define FLOOD_MS   240000
#define KEEPS_MIB  256
#define KEPT_BYTES (64LL << 20)

static struct walk walk;

static const char zeros[] = "# Flood\n\n```bash {name=flood timeout=10m}\nhead -c 1G /dev/zero\n```\n";
static const char text[] =
    "# Flood\n\n```bash {name=flood timeout=10m}\n"
    "(yes 'a line of text, as logs have them, \xc3\xbc\x1b[31m' || :) | head -c 1G\n```\n";

static int setup(void **state)
{
    walk_open(&walk, *state);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    walk_close(&walk);
    return 0;
}

/* The most that a process ever had in memory; 0: it is gone. */
static long peak_kb(pid_t pid)
{
    char path[40];
    struct str status = {0};
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file_read(path, 1u << 16, &status, NULL);
    const char *line = strstr(str_text(&status), "VmHWM:");
    long kb = line ? strtol(line + strlen("VmHWM:"), NULL, 10) : 0;
    str_fini(&status);
    return kb;
}

/* A key, and how long its answer takes. */
static double answer_ms(struct pty *p, const char *key, const char *pattern)
{
    int64_t start = clock_monotonic_us();
    pty_type(p, key);
    walk_sees(p, pattern);
    return (double)(clock_monotonic_us() - start) / 1000;
}

static const cJSON *outcome_read(void)
{
    char command[300];
    struct str line = {0};
    static cJSON *found;
    snprintf(command, sizeof command, "%s timeline --all --json --config %s/belay.yaml | grep step.outcome",
             BELAY, walk.rig.folder);
    FILE *events = popen(command, "re");
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, events)) > 0;)
        str_add_bytes(&line, bytes, n);
    assert_int_equal(pclose(events), 0);
    cJSON_Delete(found);
    found = json_parse(str_text(&line), line.len, NULL);
    str_fini(&line);
    return cJSON_GetObjectItem(found, "data");
}

static void test_a_gigabyte(void **state)
{
    (void)state;
    struct pty *p = walk_console(&walk, BELAY);
    walk_start(p, "Flood", "Type  yes");
    walk_confirm(p, "yes\r");
    walk_sees(p, "b background"); /* its supervisor was there before: since the page was opened */
    long supervisor_kb = 0, console_kb = 0;
    double worst_ms = 0, total_ms = 0;
    int answers = 0;
    int64_t start = clock_monotonic_us(), end = start + FLOOD_MS * US_PER_MS;
    pid_t supervisor = 0;
    for (bool begun = false; clock_monotonic_us() < end;) {
        supervisor = supervisor_find(walk.rig.folder);
        if (!supervisor && begun)
            break;
        if (!supervisor) {
            pty_run(p, 5);
            continue;
        }
        begun = true;
        long kb = peak_kb(supervisor);
        supervisor_kb = kb > supervisor_kb ? kb : supervisor_kb;
        double ms = answer_ms(p, answers % 2 ? ESCAPE : "?", answers % 2 ? "Flood" : "Keys");
        worst_ms = ms > worst_ms ? ms : worst_ms;
        total_ms += ms;
        answers++;
    }
    if (supervisor)
        fail_with_screen(p, "the step never ended");
    if (answers % 2)
        pty_type(p, ESCAPE);
    walk_sees(p, "bytes of output were dropped");
    walk_sees(p, "exit 0, unverified");
    console_kb = peak_kb(pty_pid(p));
    print_message("%.1f s; at most: console %ld kB, supervisor %ld kB, a key %.0f ms (of %d)\n",
                  (double)(clock_monotonic_us() - start) / 1e6, console_kb, supervisor_kb, worst_ms, answers);
    assert_true(console_kb > 0 && console_kb < MEMORY_KB);
    assert_true(supervisor_kb > 0 && supervisor_kb < MEMORY_KB);
    assert_true(answers > 0 && worst_ms < ANSWER_MS && total_ms / answers < MEAN_MS);
    walk_quit(p);
    const cJSON *outcome = outcome_read();
    const cJSON *out = cJSON_GetObjectItem(outcome, "stdout");
    int64_t kept = json_int(out, "bytes", 0), dropped = json_int(outcome, "dropped_bytes", 0);
    print_message("the spool kept %lld bytes, %lld were dropped\n", (long long)kept, (long long)dropped);
    assert_true(dropped > 0);
    assert_int_equal(kept, 1LL << 30);
    walk_verify(&walk, BELAY);
}

#define TEST(test, document)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(test, setup, teardown, (void *)(uintptr_t)document)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_a_gigabyte, zeros), TEST(test_a_gigabyte, text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
