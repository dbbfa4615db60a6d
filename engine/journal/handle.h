/* What stands behind struct journal, for the files of this room. */
#ifndef BELAY_JOURNAL_HANDLE_H
#define BELAY_JOURNAL_HANDLE_H

#include "engine/journal/delivery.h"
#include "engine/journal/journal.h"
#include "engine/journal/reader.h"
#include "engine/journal/writer.h"

struct journal {
    struct journal_options options; /* its texts are copies */
    char *path;
    struct reader *reader;
    struct delivery *delivery; /* NULL when read-only, as the writer */
    struct writer *writer;
    /* A context to compress with: making one costs four times what it does for a few lines. */
    _Atomic(struct ZSTD_CCtx_s *) zstd;
};

/* ERR_DENIED on a read-only journal. Takes the items in any case. */
int journal_submit(struct journal *j, struct item *items, int64_t wait_us, struct err *e);
/* One item, as journal_append_wait. */
int journal_submit_wait(struct journal *j, struct item *item, struct journal_result *result, struct err *e);

#endif
