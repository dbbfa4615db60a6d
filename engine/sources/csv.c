#include "engine/sources/csv.h"

#include <string.h>

struct reading {
    const char *at, *end;
    int line;
    struct str cell;
    struct arena *names;
    const char *columns[CSV_COLUMN_LIMIT];
    size_t column_count, cell_count;
    struct err *e;
};

enum edge { EDGE_CELL, EDGE_LINE, EDGE_BAD };

/* Behind a cell there is a comma, the end of the line, or the end. */
static enum edge edge_take(struct reading *r)
{
    if (r->at == r->end)
        return EDGE_LINE;
    if (*r->at == ',') {
        r->at++;
        return EDGE_CELL;
    }
    if (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n')
        r->at++;
    if (*r->at != '\n') {
        err_set(r->e, ERR_SYNTAX, "line %d: a comma is expected behind the closing quote", r->line);
        return EDGE_BAD;
    }
    r->at++;
    return EDGE_LINE;
}

static enum edge quoted_take(struct reading *r)
{
    for (r->at++; r->at < r->end; r->at++) {
        if (*r->at == '"' && (r->at + 1 == r->end || r->at[1] != '"')) {
            r->at++;
            return edge_take(r);
        }
        if (*r->at == '"')
            r->at++;
        str_add_char(&r->cell, *r->at);
    }
    err_set(r->e, ERR_SYNTAX, "line %d: the quote is not closed", r->line);
    return EDGE_BAD;
}

static enum edge cell_take(struct reading *r)
{
    str_clear(&r->cell);
    if (r->at < r->end && *r->at == '"')
        return quoted_take(r);
    const char *from = r->at;
    while (r->at < r->end && *r->at != ',' && *r->at != '\n')
        r->at++;
    size_t length = (size_t)(r->at - from);
    bool cr = length && from[length - 1] == '\r' && (r->at == r->end || *r->at == '\n');
    str_add_bytes(&r->cell, from, length - cr);
    return edge_take(r);
}

static int column_add(struct reading *r)
{
    const char *name = str_text(&r->cell);
    if (r->column_count == CSV_COLUMN_LIMIT)
        return err_set(r->e, ERR_RANGE, "line 1: more than %d columns", CSV_COLUMN_LIMIT);
    for (size_t i = 0; i < r->column_count; i++)
        if (*name && str_eq(r->columns[i], name))
            return err_set(r->e, ERR_SYNTAX, "line 1: two columns are named '%.40s'", name);
    r->columns[r->column_count++] = arena_text(r->names, name);
    return 0;
}

static int columns_take(struct reading *r)
{
    enum edge edge = EDGE_CELL;
    if (r->at < r->end && *r->at == '#')
        r->at++;
    while (r->at < r->end && *r->at == ' ')
        r->at++;
    while (edge == EDGE_CELL) {
        edge = cell_take(r);
        if (edge == EDGE_BAD || column_add(r) < 0)
            return r->e->code;
    }
    bool named = false;
    for (size_t i = 0; i < r->column_count; i++)
        named |= *r->columns[i] != '\0';
    return named ? 0 : err_set(r->e, ERR_SYNTAX, "line 1: it names no columns");
}

static int row_take(struct reading *r, cJSON *rows)
{
    cJSON *row = cJSON_CreateObject();
    enum edge edge = EDGE_CELL;
    size_t count = 0;
    cJSON_AddItemToArray(rows, row);
    for (; edge == EDGE_CELL; count++) {
        edge = cell_take(r);
        if (edge == EDGE_BAD)
            return r->e->code;
        if (!r->cell.len || count >= r->column_count || !*r->columns[count])
            continue;
        if (++r->cell_count > CSV_CELL_LIMIT)
            return err_set(r->e, ERR_RANGE, "more than %d cells", CSV_CELL_LIMIT);
        cJSON_AddItemToObjectCS(row, r->columns[count], cJSON_CreateString(str_text(&r->cell)));
    }
    if (count != r->column_count)
        return err_set(r->e, ERR_SYNTAX, "line %d has %zu columns, the first has %zu", r->line, count,
                       r->column_count);
    return 0;
}

static bool blank_line_take(struct reading *r)
{
    size_t length = r->at < r->end && *r->at == '\r' ? 1 : 0;
    if (r->at + length >= r->end || r->at[length] != '\n')
        return false;
    r->at += length + 1;
    return true;
}

cJSON *csv_read(const char *bytes, size_t length, struct arena *names, struct err *e)
{
    struct reading r = {.at = bytes, .end = bytes + length, .line = 1, .names = names, .e = e};
    size_t bad;
    if (!utf8_valid(bytes, length, &bad) || memchr(bytes, '\0', length)) {
        err_set(e, ERR_SYNTAX, "it is not UTF-8 text");
        return NULL;
    }
    if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) /* as spreadsheets begin */
        r.at += 3;
    cJSON *rows = cJSON_CreateArray();
    int status = columns_take(&r);
    for (r.line = 2; !status && r.at < r.end; r.line++)
        if (!blank_line_take(&r))
            status = row_take(&r, rows);
    str_fini(&r.cell);
    if (!status)
        return rows;
    cJSON_Delete(rows);
    return NULL;
}
