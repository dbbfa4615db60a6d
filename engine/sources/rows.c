/* Which rows of an answer a rule looks at. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/sources/natural.h"
#include "engine/sources/rule.h"

#define SEPARATOR '\x1f'

struct collecting {
    const struct rule *rule;
    const struct answer *answer;
    struct arena *arena;
    struct rule_rows *out;
    struct err *e;
};

static int row_add(struct collecting *c, const struct row *row)
{
    if (!condition_list_holds(&c->rule->where, row)) {
        c->out->left_out++;
        return 0;
    }
    if (c->out->rows.len == MAPPING_ROW_LIMIT)
        return err_set(c->e, ERR_RANGE, "more than %d rows", MAPPING_ROW_LIMIT);
    *vec_push(&c->out->rows) = (struct rule_row){.row = *row};
    return 0;
}

/* ---- JSON ---- */

static int visit_item(const struct json_match *match, void *data)
{
    struct collecting *c = data;
    struct row row = {.answer = c->answer, .item = match->item, .capture_count = match->capture_count};
    for (size_t i = 0; i < match->capture_count; i++)
        row.captures[i] = arena_text(c->arena, match->captures[i]);
    return row_add(c, &row);
}

static int collect_pointer(struct collecting *c, const struct row_pointer *p)
{
    const cJSON *base = json_at(c->answer->root, p->base);
    bool fits = base && (!p->wild || cJSON_IsArray(base) || cJSON_IsObject(base));
    if (!fits && p->optional)
        return 0;
    if (!fits)
        return err_set(c->e, ERR_SYNTAX, "the answer has %s at '%.60s'", base ? "no list" : "nothing",
                       p->base);
    return json_each(c->answer->root, p->pointer, visit_item, c);
}

static int collect_json(struct collecting *c)
{
    const struct rule *r = c->rule;
    if (!r->pointers.len)
        return row_add(c, &(struct row){.answer = c->answer, .item = c->answer->root});
    int status = 0;
    for (size_t i = 0; i < r->pointers.len && !status; i++)
        status = collect_pointer(c, &r->pointers.data[i]);
    return status;
}

/* ---- Samples ---- */

/* Samples that differ only in the one-hot label, or agree in the labels of `by`, are one row. */
static void row_key(const struct rule *r, const char *one_hot, const struct sample *s, struct str *key)
{
    str_clear(key);
    for (char **name = r->by; name && *name; name++)
        str_addf(key, "%s%c", sample_label(s, *name), SEPARATOR);
    for (size_t i = 0; !r->by && i < s->label_count; i++)
        if (!one_hot || strcmp(s->labels[i].name, one_hot) != 0)
            str_addf(key, "%s=%s%c", s->labels[i].name, s->labels[i].value, SEPARATOR);
    str_add_char(key, SEPARATOR);
}

static int collect_sample(struct collecting *c, const char *one_hot, struct map *seen, const struct row *row)
{
    const struct sample *s = row->sample;
    struct str key = {0};
    if (!one_hot && !c->rule->by)
        return row_add(c, row);
    row_key(c->rule, one_hot, s, &key);
    bool hot = one_hot && s->value == 1;
    size_t index = (size_t)(uintptr_t)map_get(seen, key.data); /* from 1 */
    int status = 0;
    if (!index) {
        size_t before = c->out->rows.len;
        status = row_add(c, row);
        if (c->out->rows.len > before) {
            map_set(seen, key.data, (void *)(uintptr_t)c->out->rows.len);
            c->out->rows.data[before].hot_count = hot;
        }
    } else if (hot) {
        struct rule_row *kept = &c->out->rows.data[index - 1];
        if (kept->hot_count++ == 0)
            kept->row = *row;
    }
    str_fini(&key);
    return status;
}

static int collect_samples(struct collecting *c)
{
    const struct rule *r = c->rule;
    if (!r->metrics.len)
        return row_add(c, &(struct row){.answer = c->answer});
    const char *one_hot = state_one_hot(&r->state);
    struct map *seen = map_new();
    int status = 0;
    for (size_t i = 0; i < r->metrics.len && !status && !c->out->rows.len; i++)
        for (const struct sample *s = c->answer->metrics[r->metrics.data[i]]; s && !status; s = s->next)
            status = collect_sample(
                c, one_hot, seen,
                &(struct row){.answer = c->answer, .sample = s, .metric = r->metric_texts.data[i]});
    map_free(seen);
    return status;
}

/* ---- The newest of those that belong together ---- */

struct candidate {
    size_t index;
    bool has_order, is_time;
    double order;
    char *text;
};

static void candidate_read(struct candidate *k, const struct rule *r, const struct row *row)
{
    struct str text = {0};
    int64_t wall_us;
    k->text = template_text(&r->newest_by, row, &text) ? str_take(&text) : NULL;
    str_fini(&text);
    if (!k->text)
        return;
    k->has_order = true;
    if (number_parse(k->text, &k->order) && !isnan(k->order)) {
        k->is_time = true;
    } else if (clock_parse(k->text, &wall_us, NULL) == 0) {
        k->order = (double)wall_us;
        k->is_time = true;
    }
}

static bool candidate_newer(const struct candidate *a, const struct candidate *b)
{
    if (a->has_order != b->has_order)
        return a->has_order;
    if (!a->has_order)
        return false;
    if (a->is_time && b->is_time)
        return a->order > b->order;
    return natural_compare(a->text, b->text) > 0;
}

/* Rows that belong together. */
struct group {
    const struct candidate *newest, *oldest; /* oldest: of those that have an order; NULL */
    size_t count;
};

static void group_add(struct group *g, const struct candidate *k)
{
    if (g->count++ == 0 || candidate_newer(k, g->newest))
        g->newest = k;
    if (k->has_order && (!g->oldest || candidate_newer(g->oldest, k)))
        g->oldest = k;
}

static void keep_newest(const struct rule *r, struct arena *arena, struct rule_rows *out)
{
    struct map *by_name = map_new();
    struct candidate *candidates = xcalloc(out->rows.len + 1, sizeof *candidates);
    struct group *groups = xcalloc(out->rows.len + 1, sizeof *groups);
    size_t group_count = 0;
    for (size_t i = 0; i < out->rows.len; i++) {
        struct str of = {0};
        struct candidate *k = &candidates[i];
        k->index = i;
        if (template_text(&r->newest_of, &out->rows.data[i].row, &of)) {
            candidate_read(k, r, &out->rows.data[i].row);
            struct group *g = map_get(by_name, str_text(&of));
            if (!g)
                map_set(by_name, str_text(&of), g = &groups[group_count++]);
            group_add(g, k);
        }
        str_fini(&of);
    }
    struct rule_rows newest = {.left_out = out->left_out};
    for (size_t i = 0; i < group_count; i++) {
        struct rule_row *row = vec_push(&newest.rows);
        *row = out->rows.data[groups[i].newest->index];
        row->row.kept = groups[i].count;
        row->row.oldest = groups[i].oldest ? arena_text(arena, groups[i].oldest->text) : NULL;
    }
    for (size_t i = 0; i < out->rows.len; i++)
        free(candidates[i].text);
    free(candidates);
    free(groups);
    map_free(by_name);
    vec_fini(&out->rows);
    *out = newest;
}

int rule_rows_collect(const struct rule *r, const struct answer *answer, struct arena *arena,
                      struct rule_rows *out, struct err *e)
{
    struct collecting c = {.rule = r, .answer = answer, .arena = arena, .out = out, .e = e};
    int status = answer->metrics ? collect_samples(&c)
                 : answer->root  ? collect_json(&c)
                                 : row_add(&c, &(struct row){.answer = answer});
    if (!status && template_given(&r->newest_of))
        keep_newest(r, arena, out);
    return status;
}
