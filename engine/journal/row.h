/* A row of the event table as a struct event. */
#ifndef BELAY_JOURNAL_ROW_H
#define BELAY_JOURNAL_ROW_H

#include <sqlite3.h>

#include "engine/journal/journal.h"

/* For row_event: rowid, then the columns in their order. */
#define ROW_COLUMNS "seq, at_us, kind, actor, subject, outcome, summary, data, incident, run, prev_hash, hash"
#define ROW_SELECT  "event.rowid, " ROW_COLUMNS

/* The texts point into the statement, until it steps. Strict: a value of another type, or a seq that isn't
 * the rowid, is ERR_CORRUPT. */
int row_event(sqlite3_stmt *statement, struct event *event, struct err *e);

#endif
