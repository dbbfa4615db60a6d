#include "engine/journal/row.h"

static int wrong(sqlite3_stmt *statement, const char *what, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "event %lld: its %s is damaged",
                   (long long)sqlite3_column_int64(statement, 0), what);
}

static bool take_number(sqlite3_stmt *statement, int column, int64_t *value)
{
    *value = sqlite3_column_int64(statement, column);
    return sqlite3_column_type(statement, column) == SQLITE_INTEGER;
}

/* A NUL inside would hide what follows it from everything that handles C strings. */
static bool take_text(sqlite3_stmt *statement, int column, const char **text)
{
    *text = (const char *)sqlite3_column_text(statement, column);
    return sqlite3_column_type(statement, column) == SQLITE_TEXT && *text &&
           (size_t)sqlite3_column_bytes(statement, column) == strlen(*text);
}

static bool take_hash(sqlite3_stmt *statement, int column, uint8_t hash[static SHA256_SIZE])
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (sqlite3_column_type(statement, column) != SQLITE_BLOB ||
        sqlite3_column_bytes(statement, column) != SHA256_SIZE)
        return false;
    memcpy(hash, bytes, SHA256_SIZE);
    return true;
}

int row_event(sqlite3_stmt *statement, struct event *event, struct err *e)
{
    int64_t rowid = 0;
    if (!take_number(statement, 0, &rowid) || !take_number(statement, 1, &event->seq) || rowid != event->seq)
        return wrong(statement, "number", e);
    if (!take_number(statement, 2, &event->at_us))
        return wrong(statement, "time", e);
    const struct {
        const char **text;
        const char *name;
    } texts[] = {{&event->kind_name, "kind"},  {&event->actor, "actor"},     {&event->subject, "subject"},
                 {&event->outcome, "outcome"}, {&event->summary, "summary"}, {&event->data, "data"}};
    for (int i = 0; i < 6; i++)
        if (!take_text(statement, 3 + i, texts[i].text))
            return wrong(statement, texts[i].name, e);
    if (!take_number(statement, 9, &event->incident) || !take_number(statement, 10, &event->run))
        return wrong(statement, "incident or run", e);
    if (!take_hash(statement, 11, event->prev_hash) || !take_hash(statement, 12, event->hash))
        return wrong(statement, "hash", e);
    event->kind = event_kind_find(event->kind_name);
    return 0;
}
