#include "engine/journal/admit.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/places.h"

enum { FIRST, IMPORTED, NEWEST, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [FIRST] = "SELECT hash FROM event WHERE rowid = 1",
    [IMPORTED] = "SELECT 1 FROM event WHERE rowid > ?1 AND kind = 'journal.imported' AND subject = ?2",
    [NEWEST] = "SELECT (SELECT max(incident) FROM incident_chunk), (SELECT max(run) FROM run_chunk)",
};

struct admission {
    struct journal_options options; /* its texts are copies */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    bool first_known;
    uint8_t first[SHA256_SIZE]; /* the hash of the first event */
};

struct admission *admission_new(const struct journal_options *o)
{
    struct admission *a = xcalloc(1, sizeof *a);
    a->options = (struct journal_options){.folder = xstrdup(o->folder),
                                          .platform = xstrdup(o->platform ? o->platform : "local"),
                                          .emergency = xstrdup(o->emergency),
                                          .shared = o->shared};
    return a;
}

int admission_open(struct admission *a, sqlite3 *db, struct err *e)
{
    a->db = db;
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &a->statements[i], NULL) !=
            SQLITE_OK)
            return database_error(db, e, a->options.folder);
    return 0;
}

void admission_free(struct admission *a)
{
    if (!a)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(a->statements[i]);
    free((char *)(uintptr_t)a->options.folder);
    free((char *)(uintptr_t)a->options.platform);
    free((char *)(uintptr_t)a->options.emergency);
    free(a);
}

/* ---- runs that went on in an emergency journal ---- */

struct looking {
    struct admission *admission;
    struct item *item;
    struct err *e;
};

static int is_imported(struct admission *a, const struct emergency_about *about, struct err *e)
{
    sqlite3_stmt *statement = a->statements[IMPORTED];
    sqlite3_bind_int64(statement, 1, about->main_seq);
    sqlite3_bind_text(statement, 2, about->id, -1, SQLITE_STATIC);
    int rc = about->damaged ? SQLITE_DONE : sqlite3_step(statement);
    int code = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : database_error(a->db, e, a->options.folder);
    sqlite3_reset(statement);
    return code;
}

static int look_at(const struct emergency_about *about, void *data)
{
    struct looking *l = data;
    int64_t run = 0;
    for (size_t i = 0; i < l->item->count && !run; i++)
        if (l->item->claims[i].op != CLAIM_NONE && emergency_about_has(about, l->item->events[i].run))
            run = l->item->events[i].run;
    int imported = run ? is_imported(l->admission, about, l->e) : 1;
    if (imported != 0)
        return imported < 0 ? imported : 0;
    snprintf(l->item->refusal, sizeof l->item->refusal,
             "run %lld went on in the emergency journal %.150s: belay import", (long long)run, about->path);
    return 1;
}

static int read_first(struct admission *a, struct err *e)
{
    sqlite3_stmt *statement = a->statements[FIRST];
    int rc = a->first_known ? SQLITE_DONE : sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == SHA256_SIZE) {
        memcpy(a->first, sqlite3_column_blob(statement, 0), SHA256_SIZE);
        a->first_known = true;
    }
    sqlite3_reset(statement);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : database_error(a->db, e, a->options.folder);
}

int admit_runs(struct admission *a, struct item *item, struct err *e)
{
    bool claims = false;
    struct looking l = {a, item, e};
    for (size_t i = 0; i < item->count; i++)
        claims |= item->claims[i].op != CLAIM_NONE && item->events[i].run > 0;
    if (!claims)
        return 1;
    int code = read_first(a, e);
    if (code < 0 || !a->first_known)
        return code < 0 ? code : 1;
    code = places_each(&a->options, a->first, look_at, &l);
    return code < 0 ? code : !code;
}

/* ---- numbers ---- */

int admit_numbers(struct admission *a, struct item *item, struct err *e)
{
    sqlite3_stmt *statement = a->statements[NEWEST];
    if (sqlite3_step(statement) != SQLITE_ROW) {
        int code = database_error(a->db, e, a->options.folder);
        sqlite3_reset(statement);
        return code;
    }
    bool same = sqlite3_column_int64(statement, 0) + 1 == item->next_incident &&
                sqlite3_column_int64(statement, 1) + 1 == item->next_run;
    sqlite3_reset(statement);
    snprintf(item->refusal, sizeof item->refusal, "new incidents or runs began meanwhile");
    return same;
}
