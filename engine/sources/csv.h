/* Comma-separated values as HAProxy and others print them: the first line names the columns (behind "# " or
 * not), each further one is a row. RFC 4180: a cell may stand in quotes, a quote in it twice. */
#ifndef BELAY_SOURCES_CSV_H
#define BELAY_SOURCES_CSV_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "engine/base/base.h"
#include "engine/sources/arena.h"

#define CSV_COLUMN_LIMIT 512
#define CSV_CELL_LIMIT   1000000 /* that are not empty */

/* A list of objects, column to text; empty cells and columns without a name are left out. The names live in
 * the arena, so it goes last. NULL with ERR_SYNTAX (line:column in it) or ERR_RANGE. */
cJSON *csv_read(const char *bytes, size_t length, struct arena *names, struct err *e);

#endif
