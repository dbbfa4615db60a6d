/* The exit statuses that a program documents, as const tables. Used by failure.c alone. */
#ifndef BELAY_RESILIENCE_EXIT_TABLES_H
#define BELAY_RESILIENCE_EXIT_TABLES_H

#include "engine/resilience/failure.h"

struct exit_row {
    uint8_t status; /* 0 ends the table */
    enum failure_class class;
    bool before; /* provably nothing had been sent yet */
    const char *text;
};

struct exit_table {
    const char *program; /* NULL: whatever has no table of its own */
    const struct exit_row *rows;
    bool certain; /* `before` can be believed: see exit_table_for */
};

/* NULL: it documents no such status. */
const struct exit_row *exit_table_row(const struct exit_table *table, int status);

#endif
