/* A journal in a folder of its own, for the tests of this room. Every helper fails the test by itself. */
#ifndef BELAY_TESTS_SCRATCH_H
#define BELAY_TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/journal/journal.h"

static inline char *scratch_folder(void)
{
    char *folder = xstrdup("/tmp/belay-journal-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static inline void scratch_remove(char *folder)
{
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

static inline struct journal *scratch_open(const char *folder)
{
    struct journal_options options = {.folder = folder, .platform = "test", .create = true};
    struct err e = {0};
    struct journal *j = journal_open(&options, &e);
    if (!j)
        print_error("journal_open: %s\n", e.msg);
    assert_non_null(j);
    return j;
}

static inline struct journal *scratch_open_reading(const char *folder)
{
    struct journal_options options = {.folder = folder, .platform = "test", .read_only = true};
    struct err e = {0};
    struct journal *j = journal_open(&options, &e);
    if (!j)
        print_error("journal_open: %s\n", e.msg);
    assert_non_null(j);
    return j;
}

static inline int64_t scratch_append(struct journal *j, enum event_kind kind, const char *summary)
{
    struct event_draft draft = {.kind = kind,
                                .actor = "alice",
                                .subject = "thing",
                                .outcome = "ok",
                                .summary = summary,
                                .data = "{\"a\":1}"};
    struct journal_result result;
    struct err e = {0};
    if (journal_append_wait(j, &draft, 1, &result, &e) < 0)
        fail_msg("append: %s", e.msg);
    return result.seq;
}

static inline void scratch_fill(struct journal *j, int count)
{
    char text[32];
    for (int i = 1; i <= count; i++) {
        snprintf(text, sizeof text, "number %d", i);
        struct event_draft draft = {.kind = i % 3 ? EVENT_TRANSITION : EVENT_STEP_INTENT,
                                    .actor = "watch",
                                    .subject = "shard docs/shard-5",
                                    .outcome = "down",
                                    .summary = text,
                                    .data = "{\"from\":\"Active\",\"to\":\"Dead\"}",
                                    .incident = i % 5 == 0,
                                    .run = i % 7 == 0};
        struct err e = {0};
        if (journal_append(j, &draft, NULL, NULL, &e) < 0)
            fail_msg("append: %s", e.msg);
    }
    scratch_append(j, EVENT_INCIDENT_NOTED, "the last");
}

static inline void scratch_sql(const char *folder, const char *sql)
{
    char *path = path_join(folder, "journal.db"), *message = NULL;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db); /* the last connection: checkpoints, so that the file has it all */
    free(path);
}

#define DROP_TRIGGERS "DROP TRIGGER event_update; DROP TRIGGER event_delete; DROP TRIGGER event_next;"
#define MAKE_TRIGGERS                                                                                        \
    "CREATE TRIGGER event_next BEFORE INSERT ON event"                                                       \
    " WHEN NEW.seq IS NOT (SELECT coalesce(max(rowid), 0) + 1 FROM event)"                                   \
    " BEGIN SELECT RAISE(ABORT, 'events are only added at the end'); END;"                                   \
    "CREATE TRIGGER event_update BEFORE UPDATE ON event"                                                     \
    " BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;"                                           \
    "CREATE TRIGGER event_delete BEFORE DELETE ON event"                                                     \
    " BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;"

/* Around the triggers, which are made again: what somebody with the file and a plan would do. */
static inline void scratch_tamper(const char *folder, const char *sql)
{
    char *all = xasprintf("BEGIN; %s %s; %s COMMIT", DROP_TRIGGERS, sql, MAKE_TRIGGERS);
    scratch_sql(folder, all);
    free(all);
}

static inline struct journal_verdict scratch_verify(const char *folder, const char *heads)
{
    struct journal *j = scratch_open_reading(folder);
    struct journal_verdict verdict;
    struct err e = {0};
    if (journal_verify(j, heads, &verdict, NULL, NULL, &e) < 0)
        fail_msg("verify: %s", e.msg);
    journal_close(j);
    return verdict;
}

#endif
