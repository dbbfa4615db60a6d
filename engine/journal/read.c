#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/handle.h"
#include "engine/journal/row.h"

#define PAGE_EVENTS 256
#define PAGE_BYTES  (4u << 20)

/* The condition of the index event_rare, to the letter (schema.c). */
#define RARE                                                                                                 \
    " AND kind NOT IN"                                                                                       \
    " ('transition', 'run.input', 'step.intent', 'step.outcome', 'step.evidence', 'blob.stored')"

static bool kind_is_rare(enum event_kind kind)
{
    return kind != EVENT_TRANSITION && kind != EVENT_RUN_INPUT && kind != EVENT_STEP_INTENT &&
           kind != EVENT_STEP_OUTCOME && kind != EVENT_STEP_EVIDENCE && kind != EVENT_BLOB_STORED;
}

static bool all_rare(const struct journal_filter *filter)
{
    for (size_t i = 0; i < filter->kind_count; i++)
        if (!kind_is_rare(filter->kinds[i]))
            return false;
    return filter->kind_count > 0;
}

enum select { SELECT_ALL, SELECT_BARE, SELECT_IN_RUNS, SELECT_KIND };

/* ?1 from, ?2 how many, ?3 incident, ?4 run. Names of kinds come from our own table. Conditions repeat those
 * of the partial indexes. */
static void add_select(struct str *sql, enum select which, bool forward, const struct journal_filter *f,
                       size_t kind)
{
    str_addf(sql, "SELECT " ROW_COLUMNS " FROM event WHERE rowid %s ?1", forward ? ">=" : "<=");
    if (f->incident)
        str_add(sql, " AND incident = ?3 AND incident > 0");
    if (which == SELECT_BARE)
        str_add(sql, " AND run = 0");
    if (which == SELECT_IN_RUNS)
        str_add(sql, " AND run > 0 AND run IN (SELECT run FROM incident_run WHERE incident = ?3)");
    if (f->run)
        str_add(sql, " AND run = ?4 AND run > 0");
    if (which == SELECT_KIND)
        str_addf(sql, " AND kind = '%s'" RARE, event_kind_name(f->kinds[kind]));
    for (size_t i = 0; which != SELECT_KIND && i < f->kind_count; i++)
        str_addf(sql, "%s'%s'", i ? ", " : " AND kind IN (", event_kind_name(f->kinds[i]));
    if (which != SELECT_KIND && f->kind_count)
        str_add(sql, ")");
    str_addf(sql, " ORDER BY rowid %s LIMIT ?2", forward ? "ASC" : "DESC");
}

/* Several short lists, each in the order of an index, merged. */
static char *merge_sql(const enum select *parts, size_t count, bool forward, const struct journal_filter *f)
{
    struct str sql = {0};
    str_add(&sql, "SELECT * FROM (");
    for (size_t i = 0; i < count; i++) {
        str_add(&sql, i ? " UNION ALL SELECT * FROM (" : "SELECT * FROM (");
        add_select(&sql, parts[i], forward, f, i);
        str_add(&sql, ")");
    }
    str_addf(&sql, ") ORDER BY 1 %s LIMIT ?2", forward ? "ASC" : "DESC");
    return str_take(&sql);
}

/* An incident has events of its own and those in its runs; rare kinds have an index; everything else is found
 * by its run or by its number, and filtered. */
static char *page_sql(bool forward, const struct journal_filter *f)
{
    enum select parts[EVENT_KIND_COUNT] = {SELECT_BARE, SELECT_IN_RUNS};
    if (f->incident && !f->run)
        return merge_sql(parts, 2, forward, f);
    if (!f->run && f->kind_count <= EVENT_KIND_COUNT && all_rare(f)) {
        for (size_t i = 0; i < f->kind_count; i++)
            parts[i] = SELECT_KIND;
        return merge_sql(parts, f->kind_count, forward, f);
    }
    struct str sql = {0};
    add_select(&sql, SELECT_ALL, forward, f, 0);
    return str_take(&sql);
}

struct page {
    struct event *events[PAGE_EVENTS];
    size_t count;
};

static size_t text_bytes(const struct event *event)
{
    return strlen(event->summary) + strlen(event->data);
}

/* One page, copied, the statement finished before anybody sees it. */
static int page_read(struct journal *j, const char *sql, int64_t from, const struct journal_filter *f,
                     size_t most, struct page *page, struct err *e)
{
    page->count = 0;
    struct err mine = {0};
    e = e ? e : &mine;
    sqlite3 *db = reader_take(j->reader, e);
    if (!db)
        return e->code;
    sqlite3_stmt *statement = NULL;
    struct event event = {0};
    size_t bytes = 0;
    int code = 0, rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, from);
        sqlite3_bind_int64(statement, 2, (int64_t)most);
        if (sqlite3_bind_parameter_count(statement) >= 3)
            sqlite3_bind_int64(statement, 3, f->incident);
        if (sqlite3_bind_parameter_count(statement) >= 4)
            sqlite3_bind_int64(statement, 4, f->run);
        while (bytes < PAGE_BYTES && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
            code = row_event(statement, &event, e);
            if (code < 0)
                break;
            page->events[page->count++] = event_copy(&event);
            bytes += text_bytes(&event);
        }
    }
    if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        code = database_error(db, e, j->path);
    sqlite3_finalize(statement);
    reader_give(j->reader, rc != SQLITE_ROW && rc != SQLITE_DONE);
    return code;
}

/* Visits a page and frees it; 1: stopped. */
static int page_visit(struct page *page, int (*visit)(const struct event *event, void *data), void *data)
{
    int answer = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (answer == 0)
            answer = visit(page->events[i], data);
        free(page->events[i]);
    }
    return answer;
}

int journal_read(struct journal *j, int64_t from_seq, enum journal_direction direction,
                 const struct journal_filter *filter, size_t limit,
                 int (*visit)(const struct event *event, void *data), void *data, struct err *e)
{
    static const struct journal_filter everything = {0};
    const struct journal_filter *f = filter ? filter : &everything;
    bool forward = direction == JOURNAL_FORWARD;
    char *sql = page_sql(forward, f);
    struct page *page = xmalloc(sizeof *page);
    size_t left = limit ? limit : SIZE_MAX;
    int64_t from = from_seq;
    int answer = 0;
    while (left > 0 && answer == 0) {
        size_t most = left < PAGE_EVENTS ? left : PAGE_EVENTS;
        answer = page_read(j, sql, from, f, most, page, e);
        if (page->count == 0)
            break;
        int64_t last = page->events[page->count - 1]->seq;
        left -= page->count;
        int stopped = page_visit(page, visit, data);
        answer = answer < 0 ? answer : stopped;
        if (forward ? last == INT64_MAX : last <= 1)
            break;
        from = forward ? last + 1 : last - 1;
    }
    free(page);
    free(sql);
    return answer < 0 ? answer : 0;
}

int journal_last_seq(struct journal *j, int64_t *seq, struct err *e)
{
    struct event last;
    int code = reader_head(j->reader, &last, e);
    *seq = last.seq;
    return code;
}

int journal_head(struct journal *j, int64_t *seq, uint8_t hash[static SHA256_SIZE], struct err *e)
{
    struct event last;
    int code = reader_head(j->reader, &last, e);
    *seq = last.seq;
    memcpy(hash, last.hash, SHA256_SIZE);
    return code;
}
