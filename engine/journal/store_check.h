/* What is looked at before anything is written to a journal. */
#ifndef BELAY_JOURNAL_STORE_CHECK_H
#define BELAY_JOURNAL_STORE_CHECK_H

#include <sqlite3.h>

#include "engine/base/base.h"
#include "engine/journal/chain.h"

/* The triggers that keep events from being changed are there, and the last event bears its own hash and that
 * of the one before. ERR_CORRUPT, or the database's error. */
int store_check(sqlite3 *db, const char *path, struct chain *chain, struct err *e);

#endif
