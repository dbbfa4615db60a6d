/* A document from bytes: the whole-file refusals, then pass by pass. */
#include <stdlib.h>

#include "engine/runbook/reading.h"
#include "engine/runbook/runbook.h"

#define PATTERN_WORK_LIMIT ((size_t)8 << 20) /* some 150 ms */

static void index_lines(struct reading *r)
{
    for (size_t at = 0; at < r->length;) {
        *vec_push(&r->lines) = at;
        while (at < r->length && r->text[at] != '\n' && r->text[at] != '\r')
            at++;
        if (at + 1 < r->length && r->text[at] == '\r' && r->text[at + 1] == '\n')
            at++;
        at++;
    }
}

const char *reading_line(const struct reading *r, int number, size_t *length)
{
    if (number < 1 || number > (int)r->lines.len) {
        *length = 0;
        return "";
    }
    size_t begin = r->lines.data[number - 1];
    size_t end = number < (int)r->lines.len ? r->lines.data[number] : r->length;
    while (end > begin && (r->text[end - 1] == '\n' || r->text[end - 1] == '\r'))
        end--;
    *length = end - begin;
    return r->text + begin;
}

int reading_var_index(const struct reading *r, const char *name)
{
    return (int)(intptr_t)map_get(r->vars, name) - 1;
}

struct runbook_var *reading_var(struct reading *r, const char *name, enum var_origin origin, int line)
{
    int index = reading_var_index(r, name);
    if (index >= 0)
        return &r->book->vars.data[index];
    struct runbook_var *var = vec_push(&r->book->vars);
    *var = (struct runbook_var){.name = xstrdup(name), .origin = origin, .line = line};
    map_set(r->vars, name, (void *)(intptr_t)r->book->vars.len);
    return var;
}

struct pattern *reading_pattern(struct reading *r, const char *text, struct err *e)
{
    size_t size = pattern_size(text);
    r->pattern_work += size * size;
    if (r->pattern_work <= PATTERN_WORK_LIMIT)
        return pattern_new(text, e);
    err_set(e, ERR_RANGE, "too many patterns with long repetitions in one document");
    return NULL;
}

/* The file's name without folder and .md. */
static char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 3 && str_ends(name, ".md"))
        length -= 3;
    return xstrndup(name, length);
}

static int check_bytes(const char *path, const char *bytes, size_t length, struct err *e)
{
    size_t offset;
    if (length > RUNBOOK_BYTES_MAX)
        return err_set(e, ERR_RANGE,
                       "%s: %zu bytes, a runbook has at most %d KiB: split it, or move output out of it",
                       path, length, RUNBOOK_BYTES_MAX / 1024);
    if (!utf8_valid(bytes, length, &offset))
        return err_set(e, ERR_SYNTAX, "%s: not UTF-8 at byte offset %zu: convert it (iconv -t UTF-8)", path,
                       offset);
    const char *nul = length ? memchr(bytes, '\0', length) : NULL;
    if (nul)
        return err_set(e, ERR_SYNTAX, "%s: a NUL byte at offset %zu: this is not text", path,
                       (size_t)(nul - bytes));
    return 0;
}

static void reading_fini(struct reading *r)
{
    for (size_t i = 0; i < r->notes.len; i++)
        annotations_fini(&r->notes.data[i]);
    vec_fini(&r->notes);
    vec_fini(&r->lines);
    map_free(r->vars);
    map_free(r->carried);
    free(r->shell);
    free(r->cwd);
}

struct runbook *runbook_parse(const char *path, const char *bytes, size_t length, struct err *e)
{
    if (check_bytes(path, bytes, length, e))
        return NULL;
    struct runbook *book = xcalloc(1, sizeof *book);
    uint8_t digest[SHA256_SIZE];
    sha256_bytes(bytes, length, digest);
    sha256_to_hex(digest, book->digest);
    book->path = xstrdup(path);
    size_t mark = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct reading r = {.book = book, .text = bytes + mark, .length = length - mark};
    r.ids = book->ids = map_new();
    r.vars = map_new();
    r.carried = map_new();
    index_lines(&r);
    int code = frontmatter_read(&r, e);
    if (code == 0)
        code = steps_read(&r, e);
    if (code == 0) {
        link_steps(&r);
        lint_steps(&r);
        book_findings_sort(book);
        if (!book->id)
            book->id = base_name(path);
        if (!book->title || !*book->title) {
            free(book->title);
            book->title = base_name(path);
        }
        if (!book->severity)
            book->severity = xstrdup("");
    }
    reading_fini(&r);
    if (code == 0)
        return book;
    runbook_free(book);
    return NULL;
}
