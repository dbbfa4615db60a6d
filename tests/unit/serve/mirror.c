/* The mirror: what is committed arrives in order with the heads that `belay verify` asks for, whatever the
 * target does meanwhile: dead, hanging, slow, too small. syslog is a socket of ours; connect() is turned
 * aside to it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <syslog.h>

#include "engine/serve/serve.h"
#include "tests/unit/journal/scratch.h"

#define LIMIT_US (60 * US_PER_S)

static char *syslog_at; /* instead of /dev/log */

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    const struct sockaddr_un *local = (const void *)address;
    struct sockaddr_un other = {.sun_family = AF_UNIX};
    if (address->sa_family == AF_UNIX && strcmp(local->sun_path, "/dev/log") == 0) {
        snprintf(other.sun_path, sizeof other.sun_path, "%s", syslog_at);
        address = (const void *)&other;
        length = sizeof other;
    }
    return (int)syscall(SYS_connect, fd, address, length);
}

struct rig {
    char *folder, *target; /* a file that the command appends to */
    struct loop *loop;
    struct journal *journal;
    struct config *config;
    struct mirror *mirror;
    int64_t done;
};

static void on_commit(void *context, const struct event *const *events, size_t count)
{
    struct rig *r = context;
    mirror_events(r->mirror, events, count);
}

static void on_done(void *context, const struct journal_result *result)
{
    struct rig *r = context;
    assert_int_equal(result->code, 0);
    r->done++;
}

/* option: the YAML of mirror:, where %s is the rig's folder. */
static struct rig *rig_new(const char *option)
{
    struct rig *r = xcalloc(1, sizeof *r);
    struct err e = {0};
    r->folder = scratch_folder();
    r->target = path_join(r->folder, "target");
    struct str yaml = {0};
    str_add(&yaml, "platform: test\nmirror: ");
    for (const char *at = option, *next; *at; at = next) {
        next = strstr(at, "%s");
        str_add_bytes(&yaml, at, next ? (size_t)(next - at) : strlen(at));
        str_add(&yaml, next ? r->folder : "");
        next = next ? next + 2 : at + strlen(at);
    }
    char *path = path_join(r->folder, "belay.yaml");
    assert_int_equal(file_write_atomic(path, str_text(&yaml), yaml.len, 0600, &e), 0);
    struct config_findings findings = {0};
    r->config = config_load(path, &findings, &e);
    if (!r->config)
        fail_msg("%s", e.msg);
    config_findings_fini(&findings);
    r->loop = loop_new(&e);
    struct journal_options options = {
        .folder = r->folder, .platform = "test", .create = true, .post = loop_poster, .post_ctx = r->loop};
    r->journal = journal_open(&options, &e);
    r->mirror = mirror_new(r->loop, r->journal, r->config, &e);
    assert_non_null(r->mirror);
    journal_on_commit(r->journal, on_commit, r);
    free(path);
    str_fini(&yaml);
    return r;
}

static void rig_append(struct rig *r, const char *summary, const char *data)
{
    struct event_draft draft = {
        .kind = EVENT_INCIDENT_NOTED, .actor = "alice", .summary = summary, .data = data};
    struct err e = {0};
    if (journal_append(r->journal, &draft, on_done, r, &e) < 0)
        fail_msg("%s", e.msg);
}

static void rig_wait_done(struct rig *r, int64_t count)
{
    int64_t until = clock_monotonic_us() + LIMIT_US;
    while (r->done < count && clock_monotonic_us() < until)
        loop_run_once(r->loop, US_PER_S / 10);
    assert_int_equal(r->done, count);
}

static void file_text(const char *path, struct str *text)
{
    str_clear(text);
    (void)file_read(path, 64u << 20, text, NULL);
}

/* Turns the loop until the file has the text. */
static void rig_wait_text(struct rig *r, const char *path, const char *wanted)
{
    struct str text = {0};
    int64_t until = clock_monotonic_us() + LIMIT_US;
    do {
        loop_run_once(r->loop, US_PER_S / 10);
        file_text(path, &text);
    } while (!strstr(str_text(&text), wanted) && clock_monotonic_us() < until);
    if (!strstr(str_text(&text), wanted))
        fail_msg("no %s in %s", wanted, str_text(&text));
    str_fini(&text);
}

/* The number of events of the kind, and the summary of the last one. */
struct count {
    int64_t events;
    char summary[300];
};

static int count_event(const struct event *event, void *data)
{
    struct count *count = data;
    count->events++;
    snprintf(count->summary, sizeof count->summary, "%s", event->summary);
    return 0;
}

static struct count rig_count(struct rig *r, enum event_kind kind)
{
    struct count count = {0};
    struct journal_filter filter = {.kinds = &kind, .kind_count = 1};
    assert_int_equal(journal_read(r->journal, 1, JOURNAL_FORWARD, &filter, 0, count_event, &count, NULL), 0);
    return count;
}

static void rig_wait_event(struct rig *r, enum event_kind kind, int64_t events)
{
    int64_t until = clock_monotonic_us() + LIMIT_US;
    while (rig_count(r, kind).events < events && clock_monotonic_us() < until)
        loop_run_once(r->loop, US_PER_S / 10);
    assert_int_equal(rig_count(r, kind).events, events);
}

/* As the console ends; the answer of the mirror. */
static int rig_close(struct rig *r)
{
    journal_close(r->journal);
    r->journal = NULL;
    loop_run_once(r->loop, 0);
    int code = mirror_close(r->mirror, NULL);
    r->mirror = NULL;
    return code;
}

static void rig_free(struct rig *r)
{
    loop_free(r->loop);
    config_free(r->config);
    scratch_remove(r->folder);
    free(r->target);
    free(r);
}

/* Every event's line in order, once; and heads that agree. */
static void check_mirrored(struct rig *r, const char *text, int64_t events)
{
    int64_t seq = 0;
    for (const char *at = text; (at = strstr(at, "{\"seq\":")); at++) {
        seq++;
        assert_int_equal(strtoll(at + strlen("{\"seq\":"), NULL, 10), seq);
    }
    assert_int_equal(seq, events);
    struct journal_verdict verdict = scratch_verify(r->folder, text);
    if (!verdict.ok)
        fail_msg("%s", verdict.problem);
    assert_true(verdict.heads_checked > 0);
    assert_int_equal(verdict.head_seq, events);
}

#define APPENDS "{command: [sh, -c, \"cat >> %s/target\"]}"

static void command_gets_every_line(void **state)
{
    (void)state;
    struct rig *r = rig_new(APPENDS);
    struct str text = {0};
    for (int i = 0; i < 100; i++)
        rig_append(r, "a note with \"quotes\"\nand two lines", NULL);
    rig_wait_done(r, 100);
    rig_wait_text(r, r->target, "belay-head test 100 ");
    for (int i = 0; i < 10; i++)
        rig_append(r, "just before the end", NULL);
    assert_int_equal(rig_close(r), 0);
    file_text(r->target, &text);
    check_mirrored(r, str_text(&text), 110);
    str_fini(&text);
    rig_free(r);
}

/* The chain alone can't tell. */
static void a_cut_tail_is_seen_by_heads_alone(void **state)
{
    (void)state;
    struct rig *r = rig_new(APPENDS);
    struct str text = {0};
    for (int i = 0; i < 20; i++)
        rig_append(r, "a note", NULL);
    assert_int_equal(rig_close(r), 0);
    scratch_tamper(r->folder, "DELETE FROM event WHERE seq > 15");
    struct journal_verdict verdict = scratch_verify(r->folder, NULL);
    assert_true(verdict.ok);
    file_text(r->target, &text);
    verdict = scratch_verify(r->folder, str_text(&text));
    assert_false(verdict.ok);
    assert_int_equal(verdict.bad_seq, 16);
    str_fini(&text);
    rig_free(r);
}

/* The command fails until there is a file named "up". */
static void a_dead_target_catches_up(void **state)
{
    (void)state;
    struct rig *r = rig_new("{command: [sh, -c, \"test -e %s/up || { echo no route >&2; exit 3; }; cat >> "
                            "%s/target\"]}");
    struct str text = {0};
    for (int i = 0; i < 10; i++)
        rig_append(r, "while it is dead", NULL);
    rig_wait_event(r, EVENT_MIRROR_FAILED, 1);
    assert_non_null(strstr(rig_count(r, EVENT_MIRROR_FAILED).summary, "sh: exit 3: no route"));
    struct mirror_status status;
    mirror_status(r->mirror, &status);
    assert_string_equal(status.kind, "command");
    assert_non_null(strstr(status.trouble, "no route"));
    assert_int_equal(status.last_good_us, 0);
    assert_true(status.failures > 0 && status.last_try_us > 0 && status.waiting_bytes > 0);
    rig_append(r, "still dead", NULL);
    rig_wait_done(r, 11);
    char *up = path_join(r->folder, "up");
    assert_int_equal(file_write_atomic(up, "", 0, 0600, NULL), 0);
    free(up);
    rig_wait_event(r, EVENT_MIRROR_RECOVERED, 1);
    mirror_status(r->mirror, &status);
    assert_null(status.trouble);
    assert_true(status.last_good_us > 0 && status.batches > 0);
    assert_int_equal(rig_count(r, EVENT_MIRROR_FAILED).events, 1);
    assert_non_null(strstr(rig_count(r, EVENT_MIRROR_RECOVERED).summary, ", 0 lines were not sent"));
    assert_int_equal(rig_close(r), 0);
    file_text(r->target, &text);
    check_mirrored(r, str_text(&text), 13); /* the two events of the mirror's own among them */
    str_fini(&text);
    rig_free(r);
}

struct ticks {
    int64_t last_us, longest_us;
    int count;
};

static void tick(void *data)
{
    struct ticks *t = data;
    int64_t now_us = clock_monotonic_us();
    if (t->count++ > 0 && now_us - t->last_us > t->longest_us)
        t->longest_us = now_us - t->last_us;
    t->last_us = now_us;
}

/* The target never reads: commits and the loop's timers go on, and closing is bounded. */
static void a_hanging_target_holds_nobody_up(void **state)
{
    (void)state;
    struct rig *r = rig_new("{command: [sh, -c, \"echo started > %s/target; exec sleep 600\"]}");
    struct ticks ticks = {0};
    struct loop_timer *timer = loop_timer_new(r->loop, tick, &ticks);
    char *megabyte = xmalloc((1u << 20) - 10);
    memset(megabyte, 'x', (1u << 20) - 11);
    memcpy(megabyte, "{\"a\":\"", 6);
    memcpy(megabyte + (1u << 20) - 13, "\"}", 3);
    rig_append(r, "the first", megabyte); /* more than a pipe takes */
    rig_wait_text(r, r->target, "started");
    loop_timer_start(timer, 1000, 10000);
    for (int i = 0; i < 200; i++) {
        rig_append(r, "meanwhile", NULL);
        rig_wait_done(r, 2 + i);
    }
    while (ticks.count < 20)
        loop_run_once(r->loop, US_PER_S / 10);
    assert_true(ticks.longest_us < 5 * US_PER_S); /* far below the ten seconds that the command is given */
    loop_timer_free(timer);
    int64_t start_us = clock_monotonic_us();
    assert_int_equal(rig_close(r), ERR_IO);
    assert_true(clock_monotonic_us() - start_us < 9 * US_PER_S);
    free(megabyte);
    rig_free(r);
}

/* What finds no room is counted; the heads that come after cover it. */
static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    struct rig *r = rig_new("{command: [sh, -c, \"test -e %s/up || exit 1; cat >> %s/target\"]}");
    struct str text = {0};
    char *data = xmalloc(200001);
    memset(data, 'x', 200000);
    data[200000] = '\0';
    memcpy(data, "{\"a\":\"", 6);
    memcpy(data + 199998, "\"}", 2);
    rig_append(r, "the first", data);
    rig_wait_event(r, EVENT_MIRROR_FAILED, 1);
    for (int i = 0; i < 40; i++) {
        rig_append(r, "too much", data);
        rig_wait_done(r, 2 + i);
    }
    char *up = path_join(r->folder, "up");
    assert_int_equal(file_write_atomic(up, "", 0, 0600, NULL), 0);
    free(up);
    rig_wait_event(r, EVENT_MIRROR_RECOVERED, 1);
    char *end = NULL;
    const char *summary = rig_count(r, EVENT_MIRROR_RECOVERED).summary;
    char kept[300];
    snprintf(kept, sizeof kept, "%s", summary);
    const char *number = strstr(kept, "again, ");
    assert_non_null(number);
    long dropped = strtol(number + strlen("again, "), &end, 10);
    if (dropped < 15 || dropped > 45)
        fail_msg("%s", kept);
    int64_t last = 0;
    uint8_t hash[SHA256_SIZE];
    assert_int_equal(journal_head(r->journal, &last, hash, NULL), 0);
    char *head = xasprintf("belay-head test %lld ", (long long)last);
    rig_wait_text(r, r->target, head);
    assert_int_equal(rig_close(r), 0);
    file_text(r->target, &text);
    struct journal_verdict verdict = scratch_verify(r->folder, str_text(&text));
    assert_true(verdict.ok && verdict.heads_checked > 0);
    free(head);
    free(data);
    str_fini(&text);
    rig_free(r);
}

/* Each call of the command gets whole lines, and not so many that a slow one never gets through them. */
static void batches_are_bounded(void **state)
{
    (void)state;
    struct rig *r = rig_new("{command: [sh, -c, \"n=$(ls %s | grep -c batch); cat > %s/batch.$n; cat "
                            "%s/batch.$n >> %s/target\"]}");
    struct str text = {0};
    char data[5000];
    memset(data, 'x', sizeof data);
    memcpy(data, "{\"a\":\"", 6);
    memcpy(data + sizeof data - 3, "\"}", 3);
    for (int i = 0; i < 200; i++)
        rig_append(r, "a long one", data);
    rig_wait_done(r, 200);
    rig_wait_text(r, r->target, "belay-head test 200 ");
    assert_int_equal(rig_close(r), 0);
    file_text(r->target, &text);
    check_mirrored(r, str_text(&text), 200);
    int batches = 0;
    for (;; batches++) {
        char *path = xasprintf("%s/batch.%d", r->folder, batches);
        struct stat st;
        int found = stat(path, &st);
        file_text(path, &text);
        free(path);
        if (found < 0)
            break;
        assert_true(text.len > 0 && text.len <= MIRROR_BATCH_BYTES);
        assert_true(text.data[text.len - 1] == '\n');
    }
    assert_true(batches >= 4);
    str_fini(&text);
    rig_free(r);
}

/* --- syslog ------------------------------------------------------------------------------------------------
 */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Datagrams, one a line, until one has the text. */
static void receive_until(struct rig *r, int fd, struct str *all, const char *wanted)
{
    static char datagram[70000];
    int64_t until = clock_monotonic_us() + LIMIT_US;
    while (!strstr(str_text(all), wanted) && clock_monotonic_us() < until) {
        ssize_t got = recv(fd, datagram, sizeof datagram, 0);
        if (got < 0)
            loop_run_once(r->loop, US_PER_MS);
        else {
            assert_true(got < 8192 + 100 && utf8_valid(datagram, (size_t)got, NULL));
            assert_null(memchr(datagram, '\n', (size_t)got));
            str_add_bytes(all, datagram, (size_t)got);
            str_add_char(all, '\n');
        }
    }
    if (!strstr(str_text(all), wanted))
        fail_msg("no %s in %s", wanted, str_text(all));
}

static void syslog_gets_datagrams(void **state)
{
    (void)state;
    struct rig *r = rig_new("{syslog: local3}");
    struct str all = {0};
    syslog_at = path_join(r->folder, "log");
    int fd = listen_at(syslog_at);
    char *wide = xmalloc(30001);
    for (int i = 0; i < 10000; i++)
        memcpy(wide + i * 3L, "\xe2\x98\x83", 4);
    char *data = xasprintf("{\"a\":\"%s\"}", wide);
    for (int i = 0; i < 300; i++) /* more than the socket's queue takes at once */
        rig_append(r, "a note", i == 100 ? data : NULL);
    rig_wait_done(r, 300);
    receive_until(r, fd, &all, "belay-head test 300 ");
    char *begin = xasprintf("<%d>belay[%ld]: {\"seq\":1,\"at\":", LOG_LOCAL3 | LOG_NOTICE, (long)getpid());
    assert_true(str_starts(str_text(&all), begin));
    assert_int_equal(rig_close(r), 0);
    check_mirrored(r, str_text(&all), 300);
    free(begin);
    free(data);
    free(wide);
    str_fini(&all);
    close(fd);
    free(syslog_at);
    rig_free(r);
}

static void syslog_that_starts_later(void **state)
{
    (void)state;
    struct rig *r = rig_new("{syslog: local3}");
    struct str all = {0};
    syslog_at = path_join(r->folder, "log");
    for (int i = 0; i < 10; i++)
        rig_append(r, "nobody listens", NULL);
    rig_wait_event(r, EVENT_MIRROR_FAILED, 1);
    assert_non_null(strstr(rig_count(r, EVENT_MIRROR_FAILED).summary, "syslog at /dev/log"));
    int fd = listen_at(syslog_at);
    receive_until(r, fd, &all, "belay-head test 12 "); /* mirror.recovered is the twelfth */
    assert_int_equal(rig_count(r, EVENT_MIRROR_RECOVERED).events, 1);
    assert_int_equal(rig_close(r), 0);
    check_mirrored(r, str_text(&all), 12);
    str_fini(&all);
    close(fd);
    free(syslog_at);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_gets_every_line),      cmocka_unit_test(a_cut_tail_is_seen_by_heads_alone),
        cmocka_unit_test(a_dead_target_catches_up),     cmocka_unit_test(a_hanging_target_holds_nobody_up),
        cmocka_unit_test(what_does_not_fit_is_counted), cmocka_unit_test(batches_are_bounded),
        cmocka_unit_test(syslog_gets_datagrams),        cmocka_unit_test(syslog_that_starts_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
