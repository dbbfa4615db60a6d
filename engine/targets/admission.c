#include <stdio.h>
#include <string.h>

#include "engine/targets/row.h"

struct call {
    const char *name;
    const struct breaker_rules *rules;
    struct target_admission *admission;
    struct breaker_refusal *refusal;
    struct budget *budget;
    bool admitted, must_write;
    /* of a resolution */
    enum breaker_result result;
    int64_t took_ms, rest_ms;
    unsigned budget_tokens;
};

static int name_check(const char *name, struct err *e)
{
    size_t length = strlen(name);
    if (length == 0 || length > TARGET_NAME_LIMIT)
        return err_set(e, ERR_RANGE, "a target's name has 1 to %d bytes", TARGET_NAME_LIMIT);
    return 0;
}

static void budget_give(struct budget *budget, int64_t tenths)
{
    if (budget && tenths >= 0)
        budget->tenths = tenths < budget->most ? (int32_t)tenths : budget->most;
}

/* ---- admission ---- */

struct asked { /* a row, and its breaker as it was before it was asked */
    struct row row;
    int64_t now_ms;
    uint32_t generation;
    enum breaker_state state;
};

static int ask(struct targets *t, struct call *call, struct asked *a, struct err *e)
{
    a->now_ms = targets_now_ms(t);
    int code = row_find(t, call->name, call->rules, a->now_ms, &a->row, e);
    if (code < 0)
        return code;
    a->generation = a->row.breaker.generation;
    a->state = a->row.breaker.state;
    budget_give(call->budget, a->row.budget);
    call->admitted =
        breaker_admit(&a->row.breaker, &a->row.rules, a->now_ms, &call->admission->token, call->refusal);
    memcpy(call->admission->last_error, a->row.error, sizeof a->row.error);
    call->admission->hand = a->row.hand;
    return 0;
}

/* Reading is enough for a plain call: nothing of it need be kept before its end. */
static int admit_read(struct targets *t, void *data, struct err *e)
{
    struct call *call = data;
    struct asked a;
    int code = ask(t, call, &a, e);
    if (code == 0)
        call->must_write = !call->admitted || call->admission->token.kind == BREAKER_HALF_OPEN ||
                           a.row.breaker.generation != a.generation || a.row.breaker.state != a.state;
    return code;
}

static int admit_write(struct targets *t, void *data, struct err *e)
{
    struct call *call = data;
    struct asked a;
    int code = ask(t, call, &a, e);
    if (code == 0)
        code = row_write(t, &a.row, a.state, a.generation, a.now_ms, e);
    lease_end(call->admission->lease);
    call->admission->lease = -1;
    if (code == 0 && call->admitted && call->admission->token.kind == BREAKER_HALF_OPEN)
        call->admission->lease = lease_take(t, a.row.id, call->admission->token.slot);
    call->admission->written = code == 0 && call->admitted;
    return code;
}

int target_admit(struct targets *t, const char *name, const struct breaker_rules *rules,
                 struct target_admission *admission, struct breaker_refusal *refusal, struct budget *budget,
                 struct err *e)
{
    struct breaker_refusal why;
    struct call call = {.name = name,
                        .rules = rules,
                        .admission = admission,
                        .refusal = refusal ? refusal : &why,
                        .budget = budget};
    *admission = (struct target_admission){.lease = -1};
    int code = name_check(name, e);
    if (code == 0)
        code = targets_transact(t, false, admit_read, &call, e);
    if (code == 0 && call.must_write) {
        bool refused = !call.admitted && call.refusal->state != BREAKER_HALF_OPEN;
        struct err busy = {0};
        code = targets_transact(t, true, admit_write, &call, &busy);
        if (code < 0) {
            lease_end(admission->lease);
            admission->lease = -1;
            admission->written = false;
        }
        if (code < 0 && refused)
            code = 0; /* not counted, but refused all the same */
        else if (code < 0 && e)
            *e = busy;
    }
    return code < 0 ? code : call.admitted;
}

/* ---- the end of a call ---- */

static int trips_count(struct targets *t, const struct row *row, uint64_t before, int64_t now_ms,
                       struct err *e)
{
    struct measures_sums sums = {.trips = row->breaker.counts.trips - before};
    return sums.trips > 0 ? sums_count(t, row->id, &sums, now_ms, e) : 0;
}

static void budget_take(struct row *row, const struct call *call)
{
    struct budget budget;
    budget_init(&budget, call->budget_tokens);
    budget_give(&budget, row->budget);
    if (call->result == BREAKER_FAILURE)
        budget_failed(&budget);
    else if (call->result == BREAKER_SUCCESS)
        budget_succeeded(&budget);
    row->budget = budget.tenths;
}

static int resolve_work(struct targets *t, void *data, struct err *e)
{
    struct call *call = data;
    struct row row;
    int64_t now_ms = targets_now_ms(t);
    int code = row_find(t, call->name, call->rules, now_ms, &row, e);
    if (code < 0)
        return code;
    struct breaker *b = &row.breaker;
    uint32_t generation = b->generation;
    uint64_t trips = b->counts.trips;
    enum breaker_state was = b->state, shown = breaker_state(b, now_ms);
    if (!call->admission->written) { /* a plain call: its admission is counted with its end */
        b->counts.admitted++;
        b->unresolved++;
    }
    breaker_resolve(b, &row.rules, &call->admission->token, call->result, call->took_ms, now_ms);
    if (call->rest_ms > 0)
        breaker_rest(b, &row.rules, now_ms + call->rest_ms, now_ms);
    if (call->budget_tokens > 0)
        budget_take(&row, call);
    if (call->admission->error && call->result != BREAKER_SUCCESS)
        snprintf(row.error, sizeof row.error, "%s", call->admission->error);
    code = row_write(t, &row, was, generation, now_ms, e);
    call->admission->state = breaker_state(b, now_ms);
    call->admission->changed = call->admission->state != shown;
    return code < 0 ? code : trips_count(t, &row, trips, now_ms, e);
}

int target_resolve(struct targets *t, const char *name, const struct breaker_rules *rules,
                   struct target_admission *admission, enum breaker_result result, int64_t took_ms,
                   int64_t rest_ms, unsigned budget_tokens, struct err *e)
{
    struct call call = {.name = name,
                        .rules = rules,
                        .admission = admission,
                        .result = result,
                        .took_ms = took_ms,
                        .rest_ms = rest_ms,
                        .budget_tokens = budget_tokens};
    int code = name_check(name, e);
    if (code == 0)
        code = targets_transact(t, true, resolve_work, &call, e);
    lease_end(admission->lease);
    admission->lease = -1;
    return code;
}

/* ---- an operation's end ---- */

static int count_work(struct targets *t, void *data, struct err *e)
{
    const struct target_operation *o = data;
    struct row row;
    int64_t now_ms = targets_now_ms(t);
    int code = row_find(t, o->target, NULL, now_ms, &row, e);
    if (code == 0)
        code = row_make(t, &row, e);
    sqlite3_stmt *statement =
        code == 0 ? targets_statement(t, o->chain ? TARGETS_TIER : TARGETS_USED, e) : NULL;
    if (!statement)
        return code < 0 ? code : ERR_IO;
    sqlite3_bind_int64(statement, 1, row.id);
    sqlite3_bind_int64(statement, 2, clock_wall_us());
    if (o->chain) {
        sqlite3_bind_text(statement, 3, o->chain, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 4, o->tier);
        sqlite3_bind_int64(statement, 5, o->tier_count);
        sqlite3_bind_double(statement, 6, o->tier_cost); /* NaN is NULL */
        sqlite3_bind_double(statement, 7, o->accuracy);
        sqlite3_bind_text(statement, 8, o->passed_over, -1, SQLITE_STATIC); /* NULL is NULL */
    }
    code = targets_step(t, statement, e);
    sqlite3_reset(statement);
    return code < 0 ? code : sums_count(t, row.id, &o->sums, now_ms, e);
}

int target_count(struct targets *t, const struct target_operation *o, struct err *e)
{
    int code = name_check(o->target, e);
    return code < 0 ? code : targets_transact(t, true, count_work, (void *)o, e);
}

/* ---- by hand, and from memory ---- */

struct forcing {
    const char *name;
    enum breaker_state state;
    const struct target_hand *hand;
};

static int force_work(struct targets *t, void *data, struct err *e)
{
    const struct forcing *f = data;
    struct row row;
    int64_t now_ms = targets_now_ms(t), left_us = f->hand->until_wall_us - clock_wall_us();
    int code = row_find(t, f->name, NULL, now_ms, &row, e);
    if (code < 0)
        return code;
    if (row.id == 0 || !row.has_breaker)
        return err_set(e, ERR_NOT_FOUND, "there is no breaker \"%s\" of belay's own", f->name);
    uint32_t generation = row.breaker.generation;
    enum breaker_state was = row.breaker.state;
    int64_t until_ms = f->hand->until_wall_us == 0 ? 0 : now_ms + (left_us > 0 ? left_us / US_PER_MS : 0) + 1;
    breaker_force(&row.breaker, &row.rules, f->state, until_ms, now_ms);
    row.hand = *f->hand;
    return row_write(t, &row, was, generation, now_ms, e);
}

int target_force(struct targets *t, const char *name, enum breaker_state state,
                 const struct target_hand *hand, struct err *e)
{
    struct forcing forcing = {name, state, hand};
    int code = name_check(name, e);
    return code < 0 ? code : targets_transact(t, true, force_work, &forcing, e);
}

struct sharing {
    const char *name, *error;
    const struct breaker_rules *rules;
    struct breaker *b;
    struct breaker_counts *since;
    bool adopted;
    struct breaker merged;
};

static int share_work(struct targets *t, void *data, struct err *e)
{
    struct sharing *s = data;
    struct row row;
    int64_t now_ms = targets_now_ms(t);
    int code = row_find(t, s->name, s->rules, now_ms, &row, e);
    if (code < 0)
        return code;
    struct breaker_counts counts = row.has_breaker ? row.breaker.counts : (struct breaker_counts){0};
    uint32_t generation = row.breaker.generation;
    enum breaker_state was = row.breaker.state;
    s->adopted = row.has_breaker && row.breaker.generation > s->b->generation;
    counts_grow(&counts, &s->b->counts, s->since);
    if (!s->adopted)
        row.breaker = *s->b;
    row.breaker.unresolved = s->b->unresolved;
    row.breaker.counts = counts;
    s->merged = row.breaker;
    /* Its probes are this process's own affair. */
    memset(row.breaker.leases, 0, sizeof row.breaker.leases);
    row.breaker.unresolved = 0;
    if (s->error)
        snprintf(row.error, sizeof row.error, "%s", s->error);
    return row_write(t, &row, was, generation, now_ms, e);
}

int target_share(struct targets *t, const char *name, const struct breaker_rules *rules, struct breaker *b,
                 struct breaker_counts *since, const char *error, bool *adopted, struct err *e)
{
    struct sharing sharing = {.name = name, .rules = rules, .b = b, .since = since, .error = error};
    int code = name_check(name, e);
    if (code == 0)
        code = targets_transact(t, true, share_work, &sharing, e);
    if (code < 0)
        return code;
    *b = sharing.merged;
    *since = b->counts;
    if (adopted)
        *adopted = sharing.adopted;
    return 0;
}
