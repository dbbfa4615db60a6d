/* The walk over cmark's tree: headings, prose, tasks and fences in the order of the document. */
#include <cmark.h>
#include <stdlib.h>

#include "engine/runbook/block.h"
#include "engine/runbook/plain.h"
#include "engine/runbook/steps.h"

struct walk {
    struct reading *r;
    struct prose prose;
    char *section;     /* the newest heading, "" before the first */
    bool section_used; /* some step has its title */
    struct str near;   /* the newest paragraph since the last step or heading */
    VEC(int) ordinals; /* of the lists around: the next number, -1 for bullets */
    int items;         /* how many list items are around */
    char mark[16];     /* of the item that has no paragraph yet */
    bool *starts;      /* by line of the file: a code block begins there */
};

/* ---- Fences ---- */

static int count_lines(const char *literal)
{
    int count = 0;
    for (; *literal; literal++)
        count += *literal == '\n' || (*literal == '\r' && literal[1] != '\n');
    return count;
}

/* How many fence marks begin the line at column; 0: none. */
static size_t fence_marks(const char *line, size_t length, size_t at)
{
    if (at >= length || (line[at] != '`' && line[at] != '~'))
        return 0;
    size_t n = 1;
    while (at + n < length && line[at + n] == line[at])
        n++;
    return n >= 3 ? n : 0;
}

/* An indented block whose first line looks like a fence: its text begins with that very line. */
static bool is_indented(const char *literal, const char *line, size_t length, size_t at)
{
    size_t n = strcspn(literal, "\r\n");
    return n == length - at && memcmp(literal, line + at, n) == 0;
}

/* cmark doesn't tell a fence that was closed from one that its container, or the file, ended. The line behind
 * its text is its closing fence if it looks like one and doesn't open another block. */
static bool is_closed(const struct walk *w, int after, char mark, size_t marks)
{
    if (after > (int)w->r->lines.len || w->starts[after])
        return false;
    size_t length;
    const char *line = reading_line(w->r, after, &length);
    size_t at = 0;
    while (at < length && (line[at] == ' ' || line[at] == '\t' || line[at] == '>'))
        at++;
    size_t n = fence_marks(line, length, at);
    if (n < marks || line[at] != mark)
        return false;
    for (at += n; at < length; at++)
        if (line[at] != ' ' && line[at] != '\t')
            return false;
    return true;
}

static char *take_title(struct walk *w, bool *from_heading)
{
    *from_heading = false;
    if (w->items > 0 && w->near.len > 0)
        return plain_title(str_text(&w->near));
    if (!w->section_used && *w->section) {
        w->section_used = *from_heading = true;
        return xstrdup(w->section);
    }
    if (w->near.len > 0)
        return plain_title(str_text(&w->near));
    return xstrdup("");
}

static void add_fence(struct walk *w, const struct fence *f, struct annotations *notes)
{
    bool from_heading;
    struct title_source from = {.section = w->section};
    from.title = take_title(w, &from_heading);
    from.prose = prose_take(&w->prose, from_heading);
    str_clear(&w->near);
    step_from_fence(w->r, f, notes, &from);
}

/* 0, or the document is refused. */
static int on_code(struct walk *w, cmark_node *node, struct err *e)
{
    struct reading *r = w->r;
    const char *literal = cmark_node_get_literal(node);
    int number = cmark_node_get_start_line(node) + r->body_line;
    size_t length, at = (size_t)cmark_node_get_start_column(node) - 1;
    const char *line = reading_line(r, number, &length);
    size_t marks = fence_marks(line, length, at);
    struct fence f = {.line = number, .text = text_unix(literal)};
    struct annotations notes = {0};
    int code = 0;
    if (marks > 0 && !is_indented(literal, line, length, at)) {
        f.info = line + at + marks;
        f.info_length = length - at - marks;
        f.meant = cmark_node_get_fence_info(node);
        f.info_column = (int)(at + marks) + 1;
        int recorded = text_recorded(f.text);
        bool closed = is_closed(w, number + count_lines(literal) + 1, line[at], marks);
        enum fence_use use = fence_use(r, &f, &notes);
        if (recorded && language_is_shell(notes.language)) {
            code = err_set(
                e, ERR_FOREIGN,
                "%s:%d: it carries the recorded output of a session, which would be run as commands: run "
                "the document that it was recorded from",
                r->book->path, number + recorded);
        } else if (use == FENCE_STEP && !closed) {
            book_finding(r->book, FINDING_WARNING, number, (int)at + 1,
                         "nothing closes this block: it is shown, never run");
            prose_code(&w->prose, f.text);
        } else if (use == FENCE_STEP) {
            add_fence(w, &f, &notes);
        } else {
            prose_code(&w->prose, f.text);
        }
    } else {
        prose_code(&w->prose, f.text);
    }
    annotations_fini(&notes);
    free(f.text);
    return code;
}

/* ---- Text ---- */

/* ```sh {name=`x`} opens nothing, and the fence that was to close it opens one. */
static void look_for_lost_fence(struct walk *w, cmark_node *node)
{
    int first = cmark_node_get_start_line(node), last = cmark_node_get_end_line(node);
    for (int i = first; i <= last; i++) {
        size_t length, at = 0;
        const char *line = reading_line(w->r, i + w->r->body_line, &length);
        while (at < length && (line[at] == ' ' || line[at] == '\t' || line[at] == '>'))
            at++;
        size_t marks = fence_marks(line, length, at);
        if (marks == 0 || line[at] != '`')
            continue;
        bool ticks = false, closes = false;
        for (size_t c = at + marks, n; c < length; c += n) {
            for (n = 0; c + n < length && line[c + n] == '`'; n++)
                ticks = true;
            closes |= n == marks; /* a code span */
            n += n == 0;
        }
        if (ticks && !closes)
            book_finding(
                w->r->book, FINDING_WARNING, i + w->r->body_line, (int)at + 1,
                "backticks in the info string: this line opens no block, and what closes it opens one");
    }
}

/* A paragraph that begins a list item with "[ ] " is a manual step. */
static bool is_task(const struct walk *w, cmark_node *node)
{
    cmark_node *parent = cmark_node_parent(node);
    if (!parent || cmark_node_get_type(parent) != CMARK_NODE_ITEM || cmark_node_previous(node))
        return false;
    size_t length, at = (size_t)cmark_node_get_start_column(node) - 1;
    const char *line = reading_line(w->r, cmark_node_get_start_line(node) + w->r->body_line, &length);
    return at + 3 < length && memcmp(line + at, "[ ]", 3) == 0 &&
           (line[at + 3] == ' ' || line[at + 3] == '\t');
}

static void add_task(struct walk *w, cmark_node *node, const char *text)
{
    struct title_source from = {.section = w->section};
    while (*text && *text != ']')
        text++;
    while (*text == ']' || *text == ' ' || *text == '\t')
        text++;
    const char *end = text + strcspn(text, ".!?");
    while (*end && end[1] && end[1] != ' ')
        end += 1 + strcspn(end + 1, ".!?");
    char *first = xstrndup(text, (size_t)(end - text));
    from.title = plain_title(first);
    from.prose = prose_take(&w->prose, false);
    str_clear(&w->near);
    step_from_task(w->r, cmark_node_get_start_line(node) + w->r->body_line, text, &from);
    free(first);
}

static void on_paragraph(struct walk *w, cmark_node *node)
{
    struct str text = {0};
    plain_inline(&text, node, true);
    look_for_lost_fence(w, node);
    if (is_task(w, node)) {
        add_task(w, node, str_text(&text));
    } else {
        prose_paragraph(&w->prose, str_text(&text), w->items, *w->mark ? w->mark : NULL);
        bool done =
            w->items > 0 && (str_starts(str_text(&text), "[x] ") || str_starts(str_text(&text), "[X] "));
        str_clear(&w->near);
        if (!done)
            str_add(&w->near, str_text(&text));
    }
    w->mark[0] = '\0';
    str_fini(&text);
}

static void on_heading(struct walk *w, cmark_node *node)
{
    struct str text = {0};
    plain_inline(&text, node, false);
    for (char *c = text.data; c && *c; c++)
        if (*c == '\n')
            *c = ' ';
    free(w->section);
    w->section = str_take(&text);
    w->section_used = false;
    str_clear(&w->near);
    if (!w->r->book->title && *w->section)
        w->r->book->title = xstrdup(w->section);
    /* The document's own title stands above everything anyway. */
    if (!str_eq(w->section, w->r->book->title ? w->r->book->title : ""))
        prose_heading(&w->prose, w->section);
}

static void on_item(struct walk *w)
{
    int *next = w->ordinals.len ? &w->ordinals.data[w->ordinals.len - 1] : NULL;
    w->items++;
    if (next && *next >= 0)
        snprintf(w->mark, sizeof w->mark, "%d.", (*next)++);
    else
        snprintf(w->mark, sizeof w->mark, "-");
}

static void on_list(struct walk *w, cmark_node *node)
{
    bool ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
    *vec_push(&w->ordinals) = ordered ? cmark_node_get_list_start(node) : -1;
}

static void on_html(struct walk *w, cmark_node *node)
{
    struct str text = {0};
    plain_html(&text, cmark_node_get_literal(node));
    lint_html(w->r, cmark_node_get_literal(node), cmark_node_get_start_line(node) + w->r->body_line);
    const char *from = str_text(&text);
    from += strspn(from, " \t\r\n");
    prose_paragraph(&w->prose, from, 0, NULL);
    str_fini(&text);
}

/* ---- The walk ---- */

static int on_enter(struct walk *w, cmark_iter *iter, cmark_node *node, struct err *e)
{
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_HEADING:
        on_heading(w, node);
        cmark_iter_reset(iter, node, CMARK_EVENT_EXIT);
        return 0;
    case CMARK_NODE_PARAGRAPH:
        on_paragraph(w, node);
        cmark_iter_reset(iter, node, CMARK_EVENT_EXIT);
        return 0;
    case CMARK_NODE_LIST:
        on_list(w, node);
        return 0;
    case CMARK_NODE_ITEM:
        on_item(w);
        return 0;
    case CMARK_NODE_HTML_BLOCK:
        on_html(w, node);
        return 0;
    case CMARK_NODE_CODE_BLOCK:
        return on_code(w, node, e);
    default:
        return 0;
    }
}

static void on_exit_node(struct walk *w, cmark_node *node)
{
    if (cmark_node_get_type(node) == CMARK_NODE_LIST)
        w->ordinals.len--;
    else if (cmark_node_get_type(node) == CMARK_NODE_ITEM)
        w->items--;
}

static void mark_starts(struct walk *w, cmark_node *root)
{
    cmark_iter *iter = cmark_iter_new(root);
    while (cmark_iter_next(iter) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        int line = cmark_node_get_start_line(node) + w->r->body_line;
        if (cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK && line <= (int)w->r->lines.len)
            w->starts[line] = true;
    }
    cmark_iter_free(iter);
}

int steps_read(struct reading *r, struct err *e)
{
    struct walk w = {.r = r, .section = xstrdup(""), .starts = xcalloc(r->lines.len + 2, sizeof(bool))};
    cmark_node *root = cmark_parse_document(r->text + r->body, r->length - r->body, CMARK_OPT_DEFAULT);
    mark_starts(&w, root);
    cmark_iter *iter = cmark_iter_new(root);
    cmark_event_type event;
    int code = 0;
    while (code == 0 && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        if (event == CMARK_EVENT_ENTER)
            code = on_enter(&w, iter, node, e);
        else
            on_exit_node(&w, node);
    }
    if (code == 0) {
        r->book->closing = prose_take(&w.prose, false);
        steps_number(r);
    }
    cmark_iter_free(iter);
    cmark_node_free(root);
    prose_fini(&w.prose);
    str_fini(&w.near);
    vec_fini(&w.ordinals);
    free(w.section);
    free(w.starts);
    return code;
}
