/* The rows of the table of sources, each defined in the file of its kind. */
#ifndef BELAY_SOURCES_TABLE_H
#define BELAY_SOURCES_TABLE_H

#include "engine/sources/source.h"

extern const struct source_kind kind_prometheus, kind_http, kind_redis, kind_command, kind_journal;

#endif
