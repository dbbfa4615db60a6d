#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/handle.h"
#include "engine/journal/row.h"

#define PAGE_EVENTS 256
#define PAGE_BYTES  (4u << 20)
/* Rows that a page looks through at most, however few of them it wants: the connection is held for
 * milliseconds. */
#define PAGE_WINDOW 8192

/* The condition of the index event_rare, to the letter (schema.c). */
#define RARE                                                                                                 \
    " AND kind <> 'transition' AND kind <> 'run.input' AND kind <> 'step.intent'"                            \
    " AND kind <> 'step.outcome' AND kind <> 'step.evidence' AND kind <> 'blob.stored'"

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

enum select { SELECT_ALL, SELECT_INCIDENT, SELECT_RUN, SELECT_KIND };

/* ?1 from, ?2 how many, ?3 incident, ?4 run, ?5 the far edge of the window. By incident or run: the chunks in
 * order, and in each its rows in order. Names of kinds come from our own table. */
static void add_select(struct str *sql, enum select which, bool forward, const struct journal_filter *f,
                       size_t kind)
{
    const char *compare = forward ? ">=" : "<=", *order = forward ? "ASC" : "DESC";
    const char *owner = which == SELECT_RUN ? "run" : "incident", *number = which == SELECT_RUN ? "?4" : "?3";
    bool chunks = which == SELECT_INCIDENT || which == SELECT_RUN;
    str_add(sql, "SELECT " ROW_SELECT " FROM ");
    if (chunks)
        str_addf(sql,
                 "(SELECT chunk FROM %s_chunk WHERE %s = %s AND chunk %s ?1 / 256 AND ?5 / 256 %s chunk)"
                 " CROSS JOIN event ON event.rowid BETWEEN chunk * 256 AND chunk * 256 + 255"
                 " AND event.rowid %s ?1 AND ?5 %s event.rowid WHERE %s = %s",
                 owner, owner, number, compare, compare, compare, compare, owner, number);
    else
        str_addf(sql, "event WHERE event.rowid %s ?1", compare);
    if (which == SELECT_ALL)
        str_addf(sql, " AND ?5 %s event.rowid", compare);
    if (which == SELECT_RUN && f->incident)
        str_add(sql, " AND incident = ?3");
    if (which == SELECT_KIND)
        str_addf(sql, " AND kind = '%s'" RARE, event_kind_name(f->kinds[kind]));
    for (size_t i = 0; which != SELECT_KIND && i < f->kind_count; i++)
        str_addf(sql, "%s'%s'", i ? ", " : " AND kind IN (", event_kind_name(f->kinds[i]));
    if (which != SELECT_KIND && f->kind_count)
        str_add(sql, ")");
    if (chunks)
        str_addf(sql, " ORDER BY chunk %s, event.rowid %s LIMIT ?2", order, order);
    else
        str_addf(sql, " ORDER BY event.rowid %s LIMIT ?2", order);
}

/* Rare kinds: several short lists, each in the order of the index, merged. */
static void add_merge(struct str *sql, bool forward, const struct journal_filter *f)
{
    str_add(sql, "SELECT * FROM (");
    for (size_t i = 0; i < f->kind_count; i++) {
        str_add(sql, i ? " UNION ALL SELECT * FROM (" : "SELECT * FROM (");
        add_select(sql, SELECT_KIND, forward, f, i);
        str_add(sql, ")");
    }
    str_addf(sql, ") ORDER BY 1 %s LIMIT ?2", forward ? "ASC" : "DESC");
}

static bool by_index(const struct journal_filter *f)
{
    return !f->incident && !f->run && all_rare(f);
}

static char *page_sql(bool forward, const struct journal_filter *f)
{
    struct str sql = {0};
    if (f->incident || f->run)
        add_select(&sql, f->run ? SELECT_RUN : SELECT_INCIDENT, forward, f, 0);
    else if (by_index(f))
        add_merge(&sql, forward, f);
    else
        add_select(&sql, SELECT_ALL, forward, f, 0);
    return str_take(&sql);
}

struct page {
    struct event *events[PAGE_EVENTS];
    size_t count, most;
    bool whole; /* nothing more in its window */
};

/* What journal_read was asked for, and where it is. */
struct query {
    struct journal *journal;
    const struct journal_filter *filter;
    char *sql;
    bool forward;
    int64_t from, edge; /* the window */
};

static size_t text_bytes(const struct event *event)
{
    return strlen(event->summary) + strlen(event->data);
}

static void bind_query(sqlite3_stmt *statement, const struct query *q, size_t most)
{
    const int64_t values[] = {q->from, (int64_t)most, q->filter->incident, q->filter->run, q->edge};
    for (int i = 0; i < sqlite3_bind_parameter_count(statement); i++)
        sqlite3_bind_int64(statement, i + 1, values[i]);
}

/* One page, copied, the statement finished before anybody sees it. */
static int page_read(const struct query *q, struct page *page, struct err *e)
{
    struct err mine = {0};
    e = e ? e : &mine;
    page->count = 0;
    sqlite3 *db = reader_take(q->journal->reader, e);
    if (!db)
        return e->code;
    sqlite3_stmt *statement = NULL;
    struct event event = {0};
    size_t bytes = 0;
    int code = 0, rc = sqlite3_prepare_v2(db, q->sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        bind_query(statement, q, page->most);
    while (rc == SQLITE_OK || (rc == SQLITE_ROW && bytes < PAGE_BYTES)) {
        rc = sqlite3_step(statement);
        if (rc != SQLITE_ROW || (code = row_event(statement, &event, e)) < 0)
            break;
        page->events[page->count++] = event_copy(&event);
        bytes += text_bytes(&event);
    }
    page->whole = rc == SQLITE_DONE && page->count < page->most;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        code = database_error(db, e, q->journal->path);
    sqlite3_finalize(statement);
    reader_give(q->journal->reader, rc != SQLITE_ROW && rc != SQLITE_DONE);
    return code;
}

/* Visits a page and frees it. */
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

/* Where the next page begins. */
static int64_t next_from(const struct query *q, const struct page *page, int64_t last_read)
{
    int64_t done = page->whole ? q->edge : last_read;
    return q->forward ? done + 1 : done - 1;
}

static int query_run(struct query *q, int64_t last_seq, size_t limit,
                     int (*visit)(const struct event *event, void *data), void *data, struct err *e)
{
    struct page *page = xmalloc(sizeof *page);
    int64_t window = by_index(q->filter) ? last_seq : PAGE_WINDOW;
    size_t left = limit ? limit : SIZE_MAX;
    int answer = 0;
    while (left > 0 && answer == 0 && q->from >= 1 && q->from <= last_seq) {
        q->edge = q->forward ? q->from + window - 1 : q->from - window + 1;
        page->most = left < PAGE_EVENTS ? left : PAGE_EVENTS;
        int code = page_read(q, page, e);
        int64_t last_read = page->count ? page->events[page->count - 1]->seq : q->from;
        left -= page->count;
        answer = page_visit(page, visit, data);
        answer = code < 0 ? code : answer;
        q->from = next_from(q, page, last_read);
    }
    free(page);
    return answer < 0 ? answer : 0;
}

int journal_read(struct journal *j, int64_t from_seq, enum journal_direction direction,
                 const struct journal_filter *filter, size_t limit,
                 int (*visit)(const struct event *event, void *data), void *data, struct err *e)
{
    static const struct journal_filter everything = {0};
    struct query q = {
        .journal = j, .filter = filter ? filter : &everything, .forward = direction == JOURNAL_FORWARD};
    int64_t last_seq = 0;
    int code = journal_last_seq(j, &last_seq, e);
    if (code < 0)
        return code;
    q.from = q.forward && from_seq < 1 ? 1 : !q.forward && from_seq > last_seq ? last_seq : from_seq;
    q.sql = page_sql(q.forward, q.filter);
    code = query_run(&q, last_seq, limit, visit, data, e);
    free(q.sql);
    return code;
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
