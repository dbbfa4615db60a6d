/* The items of a run's steps: read from their files when it starts, from the journal when it is restored. */
#include "engine/walk.h"

#include <stdlib.h>

static void tables_make(struct item_tables *t, const struct runbook *book)
{
    t->count = book->steps.len;
    t->of = xcalloc(t->count + 1, sizeof *t->of);
}

bool item_tables_wanted(const struct runbook *book)
{
    for (size_t i = 0; i < book->steps.len; i++)
        if (book->steps.data[i].items)
            return true;
    return false;
}

static int table_read(struct item_tables *t, const struct runbook *book, int step, struct journal *journal,
                      const struct journal_blob_origin *origin, struct err *e)
{
    char *path = runbook_items_path(book, step), digest[SHA256_HEX_SIZE];
    struct str bytes = {0};
    int code = file_read(path, ITEMS_BYTES_MAX, &bytes, e);
    if (code == 0) {
        t->of[step] = items_parse(path, str_text(&bytes), bytes.len, e);
        code = t->of[step]
                   ? journal_blob_put(journal, origin, str_text(&bytes), bytes.len, digest, NULL, NULL, e)
                   : e->code;
    }
    str_fini(&bytes);
    free(path);
    return code < 0 ? err_prefix(e, "%s: its items: ", book->steps.data[step].id) : 0;
}

int item_tables_read(struct item_tables *t, const struct runbook *book, struct journal *journal,
                     const struct journal_blob_origin *origin, struct err *e)
{
    int code = 0;
    tables_make(t, book);
    for (size_t i = 0; i < t->count && code == 0; i++)
        if (book->steps.data[i].items)
            code = table_read(t, book, (int)i, journal, origin, e);
    return code;
}

static int on_piece(const void *bytes, size_t length, int64_t at, void *data)
{
    (void)at;
    str_add_bytes(data, bytes, length);
    return 0;
}

/* The blob's address is the digest that the start pinned. */
int item_tables_recall(struct item_tables *t, const struct runbook *book, struct journal *journal,
                       const char *start, struct err *e)
{
    struct run_input input;
    tables_make(t, book);
    int code = run_input_from_json(book, start, strlen(start), &input, e);
    for (size_t i = 0; code == 0 && i < input.pin_count; i++) {
        struct str bytes = {0};
        const struct run_pin *pin = &input.pins[i];
        code = journal_blob_read(journal, pin->digest, 0, 0, on_piece, &bytes, e);
        if (code == 0 && !t->of[pin->step]) {
            t->of[pin->step] = items_parse(book->steps.data[pin->step].items, str_text(&bytes), bytes.len, e);
            code = t->of[pin->step] ? 0 : e->code;
        }
        str_fini(&bytes);
    }
    run_input_fini(&input);
    return code;
}

void item_tables_lend(const struct item_tables *t, struct run *run)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->of[i])
            run_set_items(run, (int)i, t->of[i]);
}

struct run_pin *item_tables_pins(const struct item_tables *t, size_t *count)
{
    struct run_pin *pins = xcalloc(t->count + 1, sizeof *pins);
    *count = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->of[i])
            pins[(*count)++] = (struct run_pin){
                .step = (int)i, .digest = items_digest(t->of[i]), .count = (int64_t)items_count(t->of[i])};
    return pins;
}

void item_tables_free(struct item_tables *t)
{
    for (size_t i = 0; i < t->count; i++)
        items_free(t->of[i]);
    free(t->of);
    *t = (struct item_tables){0};
}
