#include "engine/journal/claim.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/handle.h"

enum { FIND, SET, DROP, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [FIND] = "SELECT owner, fence FROM claim WHERE key = ?1",
    [SET] = "REPLACE INTO claim (key, owner, fence) VALUES (?1, ?2, ?3)",
    [DROP] = "DELETE FROM claim WHERE key = ?1",
};

struct claims {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

int claims_open(sqlite3 *db, struct claims **claims, struct err *e)
{
    struct claims *c = xcalloc(1, sizeof *c);
    c->db = db;
    *claims = c;
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i], NULL) !=
            SQLITE_OK)
            return database_error(db, e, "claims");
    return 0;
}

void claims_close(struct claims *c)
{
    if (!c)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(c->statements[i]);
    free(c);
}

static bool admits(const struct claim *claim, bool held, int64_t fence)
{
    if (claim->op == CLAIM_TAKE)
        return !held || fence == claim->fence;
    return held && fence == claim->fence;
}

static int admit(struct claims *c, const struct claim *claim, char reason[static CLAIM_REASON_MAX],
                 struct err *e)
{
    sqlite3_stmt *find = c->statements[FIND];
    sqlite3_bind_text(find, 1, claim->key, -1, SQLITE_STATIC);
    int rc = sqlite3_step(find), answer = 1;
    bool held = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        answer = database_error(c->db, e, "claims");
    } else if (!admits(claim, held, held ? sqlite3_column_int64(find, 1) : 0)) {
        answer = 0;
        if (held)
            snprintf(reason, CLAIM_REASON_MAX, "%.100s is held by %.120s", claim->key,
                     (const char *)sqlite3_column_text(find, 0));
        else
            snprintf(reason, CLAIM_REASON_MAX, "%.100s was given back", claim->key);
    }
    sqlite3_reset(find);
    return answer;
}

int claims_admit(struct claims *c, const struct claim *claims, size_t count,
                 char reason[static CLAIM_REASON_MAX], struct err *e)
{
    int answer = 1;
    for (size_t i = 0; i < count && answer == 1; i++)
        if (claims[i].op != CLAIM_NONE)
            answer = admit(c, &claims[i], reason, e);
    return answer;
}

int claims_apply(struct claims *c, const struct claim *claim, int64_t seq, struct err *e)
{
    if (claim->op == CLAIM_NONE || claim->op == CLAIM_CHECK)
        return 0;
    sqlite3_stmt *statement = c->statements[claim->op == CLAIM_TAKE ? SET : DROP];
    sqlite3_bind_text(statement, 1, claim->key, -1, SQLITE_STATIC);
    if (claim->op == CLAIM_TAKE) {
        sqlite3_bind_text(statement, 2, claim->owner, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, seq);
    }
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc == SQLITE_DONE ? 0 : database_error(c->db, e, "claims");
}

static int visit_claims(sqlite3 *db, int (*visit)(const struct claim *claim, void *data), void *data,
                        struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = 0,
        rc = sqlite3_prepare_v2(db, "SELECT key, owner, fence FROM claim ORDER BY key", -1, &statement, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW)
            break;
        struct claim claim = {.key = (const char *)sqlite3_column_text(statement, 0),
                              .owner = (const char *)sqlite3_column_text(statement, 1),
                              .fence = sqlite3_column_int64(statement, 2)};
        code = visit(&claim, data);
        if (code != 0)
            break;
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        code = database_error(db, e, "claims");
    sqlite3_finalize(statement);
    return code < 0 ? code : 0;
}

int journal_claims(struct journal *j, int (*visit)(const struct claim *claim, void *data), void *data,
                   struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    sqlite3 *db = reader_take(j->reader, e);
    if (!db)
        return e->code;
    int code = visit_claims(db, visit, data, e);
    reader_give(j->reader, code < 0);
    return code;
}
