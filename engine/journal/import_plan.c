#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/handle.h"
#include "engine/journal/import.h"
#include "engine/journal/item.h"
#include "engine/journal/manifest.h"

#define PIECE_WAIT_US (30 * US_PER_S)

/* ---- what there is in the emergency journal ---- */

struct moved_run *import_run(struct import *i, int64_t there)
{
    for (size_t k = 0; k < i->runs.len; k++)
        if (i->runs.data[k].there == there)
            return &i->runs.data[k];
    struct moved_run *run = vec_push(&i->runs);
    *run = (struct moved_run){.there = there};
    return run;
}

struct number *import_incident(struct import *i, int64_t there)
{
    for (size_t k = 0; k < i->incidents.len; k++)
        if (i->incidents.data[k].there == there)
            return &i->incidents.data[k];
    struct number *incident = vec_push(&i->incidents);
    *incident = (struct number){.there = there};
    return incident;
}

static bool takes_run(enum event_kind kind)
{
    return kind == EVENT_RUN_STARTED || kind == EVENT_RUN_CLAIMED || kind == EVENT_RUN_TAKEN;
}

static bool run_number(const char *key, int64_t *number)
{
    long long n = 0;
    char rest;
    bool is = sscanf(key, "run %lld%c", &n, &rest) == 1;
    *number = n;
    return is;
}

/* What was claimed in the main journal. */
static void learn_ready(struct import *i, const struct event *event)
{
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    const cJSON *claim = cJSON_GetObjectItemCaseSensitive(tree, "claims");
    int64_t run;
    for (claim = claim ? claim->child : NULL; claim; claim = claim->next)
        if (run_number(json_string(claim, "key", ""), &run))
            import_run(i, run)->fence = json_int(claim, "fence", 0);
        else
            map_set(i->given_back, json_string(claim, "key", ""), i);
    cJSON_Delete(tree);
}

static void learn_copy(struct import *i, const struct event *event)
{
    /* Whatever stands in front of "ready" has the main journal's numbers. */
    if (event->kind != EVENT_JOURNAL_EMERGENCY && event->run)
        import_run(i, event->run)->along = true;
    if (event->kind != EVENT_JOURNAL_EMERGENCY && event->incident)
        import_incident(i, event->incident)->along = true;
    if (event->seq == i->emergency.ready_seq)
        learn_ready(i, event);
}

static int learn(const struct event *event, void *data)
{
    struct import *i = data;
    if (event->seq <= i->emergency.ready_seq) {
        learn_copy(i, event);
        return 0;
    }
    if (event->kind == EVENT_UNKNOWN)
        return err_set(i->e, ERR_UNSUPPORTED, "event %lld of %s is of a newer belay (%s): use that one",
                       (long long)event->seq, i->folder, event->kind_name);
    *vec_push(&i->events) = event_copy(event);
    if (event->incident)
        import_incident(i, event->incident);
    if (!event->run)
        return 0;
    struct moved_run *run = import_run(i, event->run);
    if (takes_run(event->kind))
        run->took = i->events.len;
    if (event->kind == EVENT_RUN_ENDED)
        run->ended = i->events.len;
    return 0;
}

static int on_lock_there(const struct claim *claim, void *data)
{
    struct import *i = data;
    int64_t run;
    if (run_number(claim->key, &run))
        return 0;
    map_remove(i->given_back, claim->key);
    *vec_push(&i->locks) =
        (struct claim){.key = xstrdup(claim->key), .owner = xstrdup(claim->owner), .fence = claim->fence};
    return 0;
}

int import_read(struct import *i)
{
    struct journal_verdict verdict;
    int code = journal_verify(i->from, NULL, &verdict, NULL, NULL, i->e);
    if (code == 0 && !verdict.ok)
        code = err_set(i->e, ERR_CORRUPT, "%s is not intact: %s", i->folder, verdict.problem);
    if (code == 0)
        code = journal_head(i->from, &i->head_seq, i->head_hash, i->e);
    if (code == 0)
        code = journal_read(i->from, 1, JOURNAL_FORWARD, NULL, 0, learn, i, i->e);
    return code == 0 ? journal_claims(i->from, on_lock_there, i, i->e) : code;
}

/* ---- blobs: their pieces go over as they are; without their events they are loose, which harms nothing ----
 */

static int copy_piece(struct import *i, sqlite3_stmt *find, const struct manifest_piece *piece)
{
    sqlite3_bind_blob(find, 1, piece->digest, SHA256_SIZE, SQLITE_STATIC);
    int rc = sqlite3_step(find);
    struct item *item = NULL;
    if (rc == SQLITE_ROW) {
        size_t length = (size_t)sqlite3_column_bytes(find, 0);
        void *zstd = xmalloc(length + 1);
        memcpy(zstd, sqlite3_column_blob(find, 0), length);
        item = item_from_piece(piece->digest, piece->bytes, zstd, length);
    }
    sqlite3_reset(find);
    if (!item)
        return err_set(i->e, ERR_CORRUPT, "%s: a piece of a blob is missing", i->folder);
    return journal_submit(i->into, item, PIECE_WAIT_US, i->e);
}

static int copy_pieces(struct import *i, sqlite3_stmt *find, const struct event *event)
{
    struct manifest manifest;
    int code = manifest_parse(event->data, event->seq, &manifest, i->e);
    for (size_t k = 0; code == 0 && k < manifest.count; k++)
        code = copy_piece(i, find, &manifest.pieces[k]);
    manifest_fini(&manifest);
    return code;
}

int import_blobs(struct import *i)
{
    sqlite3_stmt *find = NULL;
    sqlite3 *db = reader_take(i->from->reader, i->e);
    int code = db ? 0 : i->e->code;
    if (db &&
        sqlite3_prepare_v2(db, "SELECT zstd FROM piece WHERE digest = ?1", -1, &find, NULL) != SQLITE_OK)
        code = database_error(db, i->e, journal_path(i->from));
    for (size_t k = 0; code == 0 && k < i->events.len; k++)
        if (i->events.data[k]->kind == EVENT_BLOB_STORED)
            code = copy_pieces(i, find, i->events.data[k]);
    sqlite3_finalize(find);
    if (db)
        reader_give(i->from->reader, false);
    return code;
}

/* ---- the plan: numbers and claims, as the main journal is now ---- */

static int newest_numbers(struct import *i)
{
    static const char sql[] =
        "SELECT (SELECT max(run) FROM run_chunk), (SELECT max(incident) FROM incident_chunk)";
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = reader_take(i->into->reader, i->e);
    if (!db)
        return i->e->code;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                       sqlite3_step(statement) == SQLITE_ROW
                   ? 0
                   : database_error(db, i->e, journal_path(i->into));
    if (code == 0) {
        i->next_run = sqlite3_column_int64(statement, 0) + 1;
        i->next_incident = sqlite3_column_int64(statement, 1) + 1;
    }
    sqlite3_finalize(statement);
    reader_give(i->into->reader, code < 0);
    return code;
}

static void give_numbers(struct import *i)
{
    int64_t run = i->next_run, incident = i->next_incident;
    for (size_t k = 0; k < i->runs.len; k++)
        i->runs.data[k].here = i->runs.data[k].along ? i->runs.data[k].there : run++;
    for (size_t k = 0; k < i->incidents.len; k++)
        i->incidents.data[k].here = i->incidents.data[k].along ? i->incidents.data[k].there : incident++;
}

static struct moved_run *run_named(struct import *i, const char *owner)
{
    int64_t there;
    for (size_t k = 0; run_number(owner, &there) && k < i->runs.len; k++)
        if (i->runs.data[k].there == there)
            return &i->runs.data[k];
    return NULL;
}

static void change(struct import *i, enum claim_op op, const char *key, int64_t run, int64_t fence)
{
    *vec_push(&i->changes) = (struct claim){
        .op = op, .key = xstrdup(key), .owner = xasprintf("run %lld", (long long)run), .fence = fence};
}

static int on_run_here(const struct claim *claim, void *data)
{
    struct moved_run *run = run_named(data, claim->key);
    if (run && run->along)
        run->fence_now = claim->fence;
    return 0;
}

/* A lock that is held here: by a run that went along, which may have given it back there, or by another one,
 * which keeps it. */
static int on_lock_here(const struct claim *claim, void *data)
{
    struct import *i = data;
    int64_t run;
    if (run_number(claim->key, &run))
        return 0;
    const struct moved_run *owner = run_named(i, claim->owner);
    bool along = owner && owner->along && !owner->kept;
    for (size_t k = 0; k < i->locks.len; k++)
        if (str_eq(i->locks.data[k].key, claim->key)) {
            i->locks.data[k].op =
                along && !str_eq(i->locks.data[k].owner, claim->owner) ? CLAIM_TAKE : CLAIM_NONE;
            i->locks.data[k].fence = claim->fence;
        }
    if (along && map_has(i->given_back, claim->key))
        change(i, CLAIM_RELEASE, claim->key, owner->here, claim->fence);
    return 0;
}

static void changes_drop(struct import *i)
{
    for (size_t k = 0; k < i->changes.len; k++) {
        free((char *)(uintptr_t)i->changes.data[k].key);
        free((char *)(uintptr_t)i->changes.data[k].owner);
    }
    i->changes.len = 0;
}

int import_plan(struct import *i)
{
    int code = newest_numbers(i);
    if (code < 0)
        return code;
    changes_drop(i);
    give_numbers(i);
    for (size_t k = 0; k < i->runs.len; k++)
        i->runs.data[k].fence_now = 0;
    for (size_t k = 0; k < i->locks.len; k++) {
        i->locks.data[k].op = CLAIM_TAKE;
        i->locks.data[k].fence = 0;
    }
    code = journal_claims(i->into, on_run_here, i, i->e);
    for (size_t k = 0; k < i->runs.len; k++)
        i->runs.data[k].kept = i->runs.data[k].along && i->runs.data[k].fence_now != i->runs.data[k].fence;
    if (code == 0)
        code = journal_claims(i->into, on_lock_here, i, i->e);
    for (size_t k = 0; k < i->locks.len; k++) {
        const struct claim *lock = &i->locks.data[k];
        const struct moved_run *owner = run_named(i, lock->owner);
        if (lock->op == CLAIM_TAKE && owner && !owner->kept && owner->took && !owner->ended)
            change(i, CLAIM_TAKE, lock->key, owner->here, lock->fence);
    }
    return code;
}

void import_fini(struct import *i)
{
    for (size_t k = 0; k < i->events.len; k++)
        free(i->events.data[k]);
    for (size_t k = 0; k < i->locks.len; k++) {
        free((char *)(uintptr_t)i->locks.data[k].key);
        free((char *)(uintptr_t)i->locks.data[k].owner);
    }
    changes_drop(i);
    vec_fini(&i->events);
    vec_fini(&i->runs);
    vec_fini(&i->incidents);
    vec_fini(&i->locks);
    vec_fini(&i->changes);
    map_free(i->given_back);
}
