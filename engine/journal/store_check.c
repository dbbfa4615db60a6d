#include "engine/journal/store_check.h"

#include <string.h>

#include "engine/io/io.h"
#include "engine/journal/row.h"

/* The newest of two rows must bear its own hash and that of the other. */
static int check_end_rows(sqlite3 *db, sqlite3_stmt *statement, const char *path, struct chain *chain,
                          struct err *e)
{
    struct event last, before = {0};
    uint8_t hash[SHA256_SIZE];
    int rc = sqlite3_step(statement), code = 0;
    if (rc == SQLITE_DONE)
        return 0;
    if (rc != SQLITE_ROW)
        return database_error(db, e, path);
    code = row_event(statement, &last, e);
    if (code < 0)
        return code;
    chain_hash(chain, &last, hash);
    bool sound = memcmp(hash, last.hash, SHA256_SIZE) == 0;
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        code = row_event(statement, &before, e);
    else if (rc != SQLITE_DONE)
        return database_error(db, e, path);
    if (code == 0 &&
        (!sound || before.seq + 1 != last.seq || memcmp(before.hash, last.prev_hash, SHA256_SIZE) != 0))
        code = err_set(e, ERR_CORRUPT, "event %lld does not fit the chain; `belay verify` says more",
                       (long long)last.seq);
    return code;
}

static int check_end(sqlite3 *db, const char *path, struct chain *chain, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code;
    if (sqlite3_prepare_v2(db, "SELECT " ROW_SELECT " FROM event ORDER BY rowid DESC LIMIT 2", -1, &statement,
                           NULL) != SQLITE_OK)
        code = database_error(db, e, path);
    else if ((code = check_end_rows(db, statement, path, chain, e)) == ERR_CORRUPT)
        err_prefix(e, "%s: ", path);
    sqlite3_finalize(statement);
    return code;
}

static int check_triggers(sqlite3 *db, const char *path, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(
            db,
            "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name IN ('event_next',"
            " 'event_update', 'event_delete', 'piece_update', 'piece_delete')",
            -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = database_error(db, e, path);
    else if (sqlite3_column_int(statement, 0) != 5)
        code = err_set(e, ERR_CORRUPT,
                       "%s: the triggers that keep events from being changed are gone; `belay verify` "
                       "says what else is",
                       path);
    sqlite3_finalize(statement);
    return code;
}

int store_check(sqlite3 *db, const char *path, struct chain *chain, struct err *e)
{
    int code = check_triggers(db, path, e);
    return code == 0 ? check_end(db, path, chain, e) : code;
}
