/* A really full file system: a tmpfs of 3 MiB in a mount namespace of its own, first under the journal
 * itself, then under the installed program. What was acknowledged is kept, refusals say why, and it goes on
 * when there is room.
 *
 *   full_disk BELAY        exit 77: this host lets nobody mount a tmpfs here */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/io/io.h"
#include "engine/journal/journal.h"
#include "tests/integration/small_disk.h"

#define CHECK(condition, ...)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                  \
            fprintf(stderr, "" __VA_ARGS__);                                                                 \
            fprintf(stderr, "\n");                                                                           \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/* --- the journal itself
 * --------------------------------------------------------------------------------------- */

struct state {
    struct loop *loop;
    bool ok, answered;
    int code, changes;
};

static void on_health(void *ctx, const struct journal_health *health)
{
    struct state *s = ctx;
    s->ok = health->ok;
    s->changes++;
}

static void on_done(void *ctx, const struct journal_result *result)
{
    struct state *s = ctx;
    s->code = result->code;
    s->answered = true;
}

/* Appends on the loop and turns it until the answer is there: 0 durable, else the reason's code. */
static int append(struct state *s, struct journal *j)
{
    char data[1200];
    memset(data, ' ', sizeof data);
    memcpy(data, "{\"x\":\"", 6);
    memcpy(data + sizeof data - 3, "\"}", 3);
    struct event_draft draft = {
        .kind = EVENT_STEP_INTENT, .actor = "alice", .summary = "an intent", .data = data, .run = 1};
    s->answered = false;
    int code = journal_append(j, &draft, on_done, s, NULL);
    for (int turns = 0; code == 0 && !s->answered && turns < 3000; turns++)
        loop_run_once(s->loop, 10000);
    CHECK(code < 0 || s->answered, "no answer within 30 s");
    return code < 0 ? code : s->code;
}

static void journal_on_a_full_disk(const char *mount_point)
{
    struct err e = {0};
    struct state s = {.loop = loop_new(&e), .ok = true};
    char *folder = path_join(mount_point, "journal"), *filler = path_join(mount_point, "filler");
    struct journal_options options = {.folder = folder,
                                      .platform = "test",
                                      .create = true,
                                      .post = loop_poster,
                                      .post_ctx = s.loop,
                                      .on_health = on_health,
                                      .health_ctx = &s};
    struct journal *j = journal_open(&options, &e);
    CHECK(j, "%s", e.msg);
    int64_t acknowledged = 0, last = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++, acknowledged++)
            CHECK(append(&s, j) == 0, "there was room");
        CHECK(small_disk_fill(filler), "%s", strerror(errno));
        int refused = 0;
        for (int i = 0; i < 5000 && refused == 0; i++) {
            refused = append(&s, j);
            acknowledged += refused == 0;
        }
        CHECK(refused == ERR_FULL, "%d", refused);
        struct journal_health health;
        journal_health(j, &health);
        CHECK(!health.ok && health.code == ERR_FULL && strstr(health.reason, "no room left"), "%s",
              health.reason);
        CHECK(append(&s, j) == ERR_FULL, "refused at once");
        CHECK(journal_last_seq(j, &last, &e) == 0 && last >= acknowledged, "%s", e.msg);
        CHECK(unlink(filler) == 0, "%s", strerror(errno));
        for (int turns = 0; !s.ok && turns < 2000; turns++)
            loop_run_once(s.loop, 10000);
        CHECK(s.ok, "no recovery within 20 s");
        acknowledged++; /* the event that tells of it */
    }
    CHECK(s.changes == 6, "%d changes of health", s.changes);
    struct journal_verdict verdict;
    CHECK(journal_verify(j, NULL, &verdict, NULL, NULL, &e) == 0, "%s", e.msg);
    CHECK(verdict.ok && verdict.events == acknowledged, "%s (%lld events, %lld acknowledged)",
          verdict.problem, (long long)verdict.events, (long long)acknowledged);
    journal_close(j);
    loop_run_once(s.loop, 0);
    loop_free(s.loop);
    folder_remove(folder, NULL);
    free(folder);
    free(filler);
}

/* Starts while there is no room at all: it must start all the same. */
static void opening_on_a_full_disk(const char *mount_point)
{
    struct err e = {0};
    struct state s = {.loop = loop_new(&e)};
    char *folder = path_join(mount_point, "late"), *filler = path_join(mount_point, "filler");
    CHECK(small_disk_fill(filler), "%s", strerror(errno));
    struct journal_options options = {.folder = folder,
                                      .platform = "test",
                                      .create = true,
                                      .tolerate = true,
                                      .post = loop_poster,
                                      .post_ctx = s.loop,
                                      .on_health = on_health,
                                      .health_ctx = &s};
    struct journal *j = journal_open(&options, &e);
    CHECK(j, "%s", e.msg);
    CHECK(append(&s, j) == ERR_FULL, "there is no room");
    CHECK(unlink(filler) == 0, "%s", strerror(errno));
    for (int turns = 0; !s.ok && turns < 2000; turns++)
        loop_run_once(s.loop, 10000);
    CHECK(s.ok && append(&s, j) == 0, "no recovery within 20 s");
    journal_close(j);
    loop_run_once(s.loop, 0);
    loop_free(s.loop);
    folder_remove(folder, NULL);
    free(folder);
    free(filler);
}

/* --- the program
 * --------------------------------------------------------------------------------------------------- */

/* Exit status; what it printed is in out, stdout and stderr. */
static int run(const char *belay, const char *const *words, struct str *out)
{
    int fds[2];
    const char *argv[12] = {belay};
    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    str_clear(out);
    CHECK(pipe2(fds, O_CLOEXEC) == 0, "%s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        execv(belay, (char **)argv);
        _exit(127);
    }
    close(fds[1]);
    char bytes[4096];
    ssize_t got;
    while ((got = read(fds[0], bytes, sizeof bytes)) > 0)
        str_add_bytes(out, bytes, (size_t)got);
    close(fds[0]);
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "%s was ended by a signal: %s", words[0],
          str_text(out));
    return WEXITSTATUS(status);
}

#define RUN(...) run(belay, (const char *const[]){__VA_ARGS__, NULL}, &out)

static void program_on_a_full_disk(const char *belay, const char *mount_point)
{
    struct str out = {0};
    char *filler = path_join(mount_point, "filler"), note[3000];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    setenv("XDG_STATE_HOME", mount_point, 1);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    CHECK(chdir(mount_point) == 0, "%s", strerror(errno));
    CHECK(RUN("incident", "open", "full disk") == 0, "%s", str_text(&out));
    CHECK(small_disk_fill(filler), "%s", strerror(errno));
    int status = 0;
    for (int i = 0; i < 2000 && status == 0; i++)
        status = RUN("incident", "note", note);
    CHECK(status == 1, "exit %d: %s", status, str_text(&out));
    CHECK(strstr(str_text(&out), "no room left"), "%s", str_text(&out));
    CHECK(RUN("timeline", "INC-1") == 0 && strstr(str_text(&out), "full disk"), "%s", str_text(&out));
    CHECK(RUN("incident", "list") == 0 && strstr(str_text(&out), "INC-1"), "%s", str_text(&out));
    CHECK(RUN("verify") == 0, "%s", str_text(&out));
    CHECK(unlink(filler) == 0, "%s", strerror(errno));
    CHECK(RUN("incident", "note", "there is room") == 0, "%s", str_text(&out));
    CHECK(RUN("verify") == 0, "%s", str_text(&out));
    str_fini(&out);
    free(filler);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/belay-full-XXXXXX", *belay = argc > 1 ? realpath(argv[1], NULL) : NULL;
    CHECK(mkdtemp(folder), "%s", strerror(errno));
    pid_t pid = fork(); /* the namespace ends with the child, and the mount with it */
    if (pid == 0) {
        if (!small_disk_allowed() || !small_disk_mount(folder, "3m"))
            _exit(77);
        journal_on_a_full_disk(folder);
        opening_on_a_full_disk(folder);
        if (belay)
            program_on_a_full_disk(belay, folder);
        fflush(NULL);
        _exit(0);
    }
    int status = 1;
    CHECK(waitpid(pid, &status, 0) == pid, "%s", strerror(errno));
    rmdir(folder);
    free(belay);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        fprintf(stderr, "skipped: no tmpfs can be mounted here\n");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
