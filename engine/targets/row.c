#include "engine/targets/row.h"

#include <math.h>
#include <stdio.h>

#include "engine/targets/coding.h"

enum { /* the columns of TARGETS_GET and TARGETS_ALL */
       ID,
       NAME,
       BOOT,
       AT_MS,
       SINCE_US,
       USED_US,
       BREAKER,
       RULES,
       BUDGET,
       ERROR,
       ACTOR,
       REASON,
       UNTIL_US,
       CHAIN,
       TIER,
       TIERS,
       COST,
       ACCURACY,
};

static void text_of(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    const unsigned char *value = sqlite3_column_text(statement, column);
    snprintf(text, size, "%s", value ? (const char *)value : "");
}

static double number_of(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN
                                                                 : sqlite3_column_double(statement, column);
}

/* Whoever holds the byte lives, however long the call takes; a lease that nobody holds is over. Before
 * anything looks at the breaker: to that, one past its time is over. */
static void leases_check(struct targets *t, struct row *row, int64_t now_ms)
{
    if (row->breaker.state != BREAKER_HALF_OPEN)
        return;
    for (unsigned slot = 0; slot < BREAKER_PROBES_MAX; slot++)
        if (row->breaker.leases[slot] != 0)
            breaker_lease(&row->breaker, &row->rules, slot, lease_is_held(t, row->id, slot), now_ms);
}

static void breaker_of(struct targets *t, sqlite3_stmt *statement, int64_t now_ms, struct row *row)
{
    const uint8_t *bytes = sqlite3_column_blob(statement, BREAKER);
    int64_t passed_ms = sqlite3_column_int64(statement, BOOT) == t->boot
                            ? now_ms - sqlite3_column_int64(statement, AT_MS)
                            : 0;
    row->has_breaker = bytes && breaker_restore(&row->breaker, &row->rules, bytes,
                                                (size_t)sqlite3_column_bytes(statement, BREAKER), now_ms,
                                                passed_ms > 0 ? passed_ms : 0, NULL) == 0;
}

void row_read(struct targets *t, sqlite3_stmt *statement, const struct breaker_rules *rules, int64_t now_ms,
              struct row *row)
{
    const uint8_t *stored = sqlite3_column_blob(statement, RULES);
    row->rules = rules ? *rules : breaker_rules_default();
    if (!rules && stored)
        rules_decode(stored, (size_t)sqlite3_column_bytes(statement, RULES), &row->rules);
    row->id = sqlite3_column_int64(statement, ID);
    row->since_us = sqlite3_column_int64(statement, SINCE_US);
    row->used_us = sqlite3_column_int64(statement, USED_US);
    row->budget =
        sqlite3_column_type(statement, BUDGET) == SQLITE_NULL ? -1 : sqlite3_column_int64(statement, BUDGET);
    row->hand.until_wall_us = sqlite3_column_int64(statement, UNTIL_US);
    row->tier = (unsigned)sqlite3_column_int64(statement, TIER);
    row->tiers = (unsigned)sqlite3_column_int64(statement, TIERS);
    row->cost = number_of(statement, COST);
    row->accuracy = number_of(statement, ACCURACY);
    text_of(statement, NAME, row->name, sizeof row->name);
    text_of(statement, CHAIN, row->chain, sizeof row->chain);
    text_of(statement, ERROR, row->error, sizeof row->error);
    text_of(statement, ACTOR, row->hand.actor, sizeof row->hand.actor);
    text_of(statement, REASON, row->hand.reason, sizeof row->hand.reason);
    breaker_of(t, statement, now_ms, row);
    if (row->has_breaker)
        leases_check(t, row, now_ms);
    else
        breaker_init(&row->breaker, &row->rules, rng_entropy(), now_ms);
}

int row_find(struct targets *t, const char *name, const struct breaker_rules *rules, int64_t now_ms,
             struct row *row, struct err *e)
{
    sqlite3_stmt *statement = targets_statement(t, TARGETS_GET, e);
    if (!statement)
        return ERR_IO;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = targets_step(t, statement, e);
    if (code == 1) {
        row_read(t, statement, rules, now_ms, row);
    } else if (code == 0) {
        *row = (struct row){.budget = -1, .cost = NAN, .accuracy = NAN};
        row->rules = rules ? *rules : breaker_rules_default();
        snprintf(row->name, sizeof row->name, "%s", name);
        breaker_init(&row->breaker, &row->rules, rng_entropy(), now_ms);
    }
    sqlite3_reset(statement);
    return code < 0 ? code : 0;
}

#define UNUSED_US (30LL * 24 * 3600 * US_PER_S)

/* A new name is the moment to forget those that nobody has used for a month. */
static int stale_remove(struct targets *t, struct err *e)
{
    static const int which[] = {TARGETS_STALE_SUMS, TARGETS_STALE};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *statement = targets_statement(t, which[i], e);
        if (!statement)
            return ERR_IO;
        sqlite3_bind_int64(statement, 1, clock_wall_us() - UNUSED_US);
        int code = targets_step(t, statement, e);
        sqlite3_reset(statement);
        if (code < 0)
            return code;
    }
    return 0;
}

int row_make(struct targets *t, struct row *row, struct err *e)
{
    if (row->id)
        return 0;
    int code = stale_remove(t, e);
    sqlite3_stmt *statement = code == 0 ? targets_statement(t, TARGETS_MAKE, e) : NULL;
    if (!statement)
        return code < 0 ? code : ERR_IO;
    sqlite3_bind_text(statement, 1, row->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, clock_wall_us());
    code = targets_step(t, statement, e);
    sqlite3_reset(statement);
    row->id = sqlite3_last_insert_rowid(t->db);
    return code;
}

void counts_grow(struct breaker_counts *to, const struct breaker_counts *now,
                 const struct breaker_counts *since)
{
    to->admitted += now->admitted - since->admitted;
    to->refused += now->refused - since->refused;
    to->succeeded += now->succeeded - since->succeeded;
    to->failed += now->failed - since->failed;
    to->ignored += now->ignored - since->ignored;
    to->cancelled += now->cancelled - since->cancelled;
    to->late += now->late - since->late;
    to->expired += now->expired - since->expired;
    to->trips += now->trips - since->trips;
}

static void bind_some(sqlite3_stmt *statement, int column, const char *text)
{
    if (*text)
        sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement, column);
}

static bool is_forced(enum breaker_state state)
{
    return state == BREAKER_FORCED_OPEN || state == BREAKER_DISABLED || state == BREAKER_METRICS_ONLY;
}

int row_write(struct targets *t, struct row *row, enum breaker_state state, uint32_t generation,
              int64_t now_ms, struct err *e)
{
    uint8_t stored[BREAKER_STORED_BYTES], rules[CODING_RULES_MAX];
    int code = row_make(t, row, e);
    sqlite3_stmt *statement = code == 0 ? targets_statement(t, TARGETS_PUT, e) : NULL;
    if (!statement)
        return code < 0 ? code : ERR_IO;
    if (row->since_us == 0 || generation != row->breaker.generation || state != row->breaker.state)
        row->since_us = clock_wall_us();
    if (!is_forced(row->breaker.state))
        row->hand = (struct target_hand){0};
    sqlite3_bind_int64(statement, 1, row->id);
    sqlite3_bind_int64(statement, 2, t->boot);
    sqlite3_bind_int64(statement, 3, now_ms);
    sqlite3_bind_int64(statement, 4, clock_wall_us());
    sqlite3_bind_int64(statement, 5, row->since_us);
    sqlite3_bind_blob(statement, 6, stored, (int)breaker_store(&row->breaker, now_ms, stored), SQLITE_STATIC);
    sqlite3_bind_blob(statement, 7, rules, (int)rules_encode(&row->rules, rules), SQLITE_STATIC);
    if (row->budget >= 0)
        sqlite3_bind_int64(statement, 8, row->budget);
    else
        sqlite3_bind_null(statement, 8);
    bind_some(statement, 9, row->error);
    bind_some(statement, 10, row->hand.actor);
    bind_some(statement, 11, row->hand.reason);
    sqlite3_bind_int64(statement, 12, row->hand.until_wall_us);
    code = targets_step(t, statement, e);
    sqlite3_reset(statement);
    return code;
}
