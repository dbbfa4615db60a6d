/* What an imported event says of itself in the emergency journal: the last member of its data. */
#ifndef BELAY_JOURNAL_IMPORTED_H
#define BELAY_JOURNAL_IMPORTED_H

#include "engine/journal/journal.h"

struct imported {
    char id[SHA256_HEX_SIZE];
    int64_t seq, incident, run;
    char *kind, *subject; /* imported_fini */
    char hash[SHA256_HEX_SIZE];
};

/* The event's data with the member added. The caller frees. NULL: its data is no JSON object. */
char *imported_data(const char *id, const struct event *event);

/* 1 and filled in (imported_fini), 0: it was not imported, ERR_CORRUPT. */
int imported_read(const char *data, struct imported *imported, struct err *e);
void imported_fini(struct imported *imported);

/* The chains of imported events, as they are met from the first event of a journal on. */
struct imports;
struct imports *imports_new(void);
void imports_free(struct imports *imports);
/* ERR_CORRUPT: the event says that it was imported, and isn't what the emergency journal's chain says; or it
 * stands where an imported one belongs. */
int imports_check(struct imports *imports, const struct event *event, struct err *e);
/* ERR_CORRUPT: an import has no end. */
int imports_end(const struct imports *imports, struct err *e);

#endif
