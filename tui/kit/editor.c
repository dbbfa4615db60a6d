#include <stdlib.h>
#include <string.h>

#include "tui/kit/widgets.h"

#define CANDIDATES_MAX 100

struct editor {
    char *prompt;
    bool refuse_paste, history_on;
    editor_completer *complete;
    void *data;

    struct str text; /* valid UTF-8, nothing that is never drawn as itself */
    size_t cursor;   /* in bytes, on a character's edge */
    char **history;  /* oldest first */
    size_t recalled; /* index into history; its count: the line being typed */
    char *typed;     /* the line being typed, while another is recalled */
    char **candidates;
};

struct editor *editor_new(const struct editor_options *options)
{
    struct editor *ed = xcalloc(1, sizeof *ed);
    ed->prompt = xstrdup(options->prompt ? options->prompt : "");
    ed->refuse_paste = options->refuse_paste;
    ed->history_on = options->history;
    ed->complete = options->complete;
    ed->data = options->data;
    return ed;
}

static void forget_candidates(struct editor *ed)
{
    strv_free(ed->candidates);
    ed->candidates = NULL;
}

void editor_free(struct editor *ed)
{
    if (!ed)
        return;
    forget_candidates(ed);
    strv_free(ed->history);
    str_fini(&ed->text);
    free(ed->typed);
    free(ed->prompt);
    free(ed);
}

const char *editor_text(const struct editor *ed)
{
    return str_text(&ed->text);
}

static void set_text(struct editor *ed, const char *text)
{
    str_clear(&ed->text);
    str_add(&ed->text, text);
    ed->cursor = ed->text.len;
}

void editor_set(struct editor *ed, const char *text)
{
    set_text(ed, text);
    forget_candidates(ed);
    ed->recalled = strv_count(ed->history);
}

/* ---- places */

static bool is_edge(const struct editor *ed, size_t at)
{
    uint32_t code;
    if (at >= ed->text.len)
        return true;
    if (((unsigned char)ed->text.data[at] & 0xC0) == 0x80)
        return false;
    utf8_decode(ed->text.data + at, ed->text.len - at, &code);
    return utf8_width(code) != 0; /* a combining character belongs to the one before */
}

static size_t before(const struct editor *ed, size_t at)
{
    while (at > 0 && !is_edge(ed, --at))
        ;
    return at;
}

static size_t after(const struct editor *ed, size_t at)
{
    while (at < ed->text.len && !is_edge(ed, ++at))
        ;
    return at;
}

static bool blank_at(const struct editor *ed, size_t at)
{
    return ed->text.data[at] == ' ';
}

static size_t word_before(const struct editor *ed, size_t at)
{
    while (at > 0 && blank_at(ed, at - 1))
        at--;
    while (at > 0 && !blank_at(ed, at - 1))
        at--;
    return at;
}

static size_t word_after(const struct editor *ed, size_t at)
{
    while (at < ed->text.len && blank_at(ed, at))
        at++;
    while (at < ed->text.len && !blank_at(ed, at))
        at++;
    return at;
}

/* ---- changes */

static void erase(struct editor *ed, size_t from, size_t to)
{
    memmove(ed->text.data + from, ed->text.data + to, ed->text.len - to + 1);
    ed->text.len -= to - from;
    ed->cursor = from;
}

static enum editor_answer insert(struct editor *ed, const char *bytes, size_t length)
{
    if (ed->text.len + length > EDITOR_TEXT_MAX)
        return EDITOR_FULL;
    if (length == 0)
        return EDITOR_IGNORED;
    char *rest = ed->text.data ? xstrdup(ed->text.data + ed->cursor) : xstrdup("");
    ed->text.len = ed->cursor;
    str_add_bytes(&ed->text, bytes, length);
    ed->cursor = ed->text.len;
    str_add(&ed->text, rest);
    free(rest);
    return EDITOR_CHANGED;
}

static enum editor_answer insert_paste(struct editor *ed, const struct key *key)
{
    if (ed->refuse_paste)
        return EDITOR_REFUSED;
    if (key->truncated)
        return EDITOR_FULL;
    struct str clean = {0};
    size_t length = key->length;
    /* The newline at the end of a copied line isn't meant. */
    while (length > 0 && (key->text[length - 1] == '\n' || key->text[length - 1] == '\r'))
        length--;
    for (size_t i = 0; i < length; i++)
        str_add_char(&clean, key->text[i] == '\r' ? '\n' : key->text[i]);
    struct str shown = {0};
    utf8_clean(&shown, str_text(&clean), clean.len, false);
    enum editor_answer answer = insert(ed, str_text(&shown), shown.len);
    str_fini(&clean);
    str_fini(&shown);
    return answer;
}

enum editor_answer editor_type(struct editor *ed, const struct key *key)
{
    forget_candidates(ed);
    if (key->code == SYM_PASTE)
        return insert_paste(ed, key);
    if (!key_is_text(key))
        return EDITOR_IGNORED;
    char bytes[4];
    return insert(ed, bytes, utf8_encode(key->code, bytes));
}

/* ---- history */

void editor_remember(struct editor *ed, const char *line)
{
    size_t count = strv_count(ed->history);
    if (!ed->history_on || !*line || (count > 0 && str_eq(ed->history[count - 1], line)))
        return;
    if (count == EDITOR_HISTORY_MAX) {
        free(ed->history[0]);
        memmove(ed->history, ed->history + 1, count * sizeof *ed->history);
    }
    strv_add(&ed->history, line);
    ed->recalled = strv_count(ed->history);
}

static enum editor_answer recall(struct editor *ed, bool back)
{
    size_t count = strv_count(ed->history);
    if (back ? ed->recalled == 0 : ed->recalled >= count)
        return EDITOR_IGNORED;
    if (ed->recalled == count) {
        free(ed->typed);
        ed->typed = xstrdup(editor_text(ed));
    }
    ed->recalled = back ? ed->recalled - 1 : ed->recalled + 1;
    set_text(ed, ed->recalled == count ? ed->typed : ed->history[ed->recalled]);
    return EDITOR_CHANGED;
}

/* ---- completion */

static void add_candidate(void *list, const char *candidate)
{
    struct editor *ed = list;
    if (strv_count(ed->candidates) < CANDIDATES_MAX)
        strv_add(&ed->candidates, candidate);
}

static size_t common_length(char *const *candidates)
{
    size_t length = strlen(candidates[0]);
    for (size_t i = 1; candidates[i]; i++) {
        size_t same = 0;
        while (same < length && candidates[i][same] == candidates[0][same])
            same++;
        length = same;
    }
    while (length > 0 && ((unsigned char)candidates[0][length] & 0xC0) == 0x80)
        length--;
    return length;
}

static enum editor_answer complete(struct editor *ed)
{
    forget_candidates(ed);
    if (!ed->complete)
        return EDITOR_IGNORED;
    size_t cursor = ed->cursor;
    size_t start = ed->complete(ed->data, editor_text(ed), cursor, add_candidate, ed);
    if (!ed->candidates || start > cursor)
        return EDITOR_IGNORED;
    bool only = !ed->candidates[1];
    struct str text = {0};
    str_add_bytes(&text, ed->candidates[0], common_length(ed->candidates));
    /* A whole word is followed by a space; a folder isn't whole. */
    if (only && text.len > 0 && text.data[text.len - 1] != '/' && text.data[text.len - 1] != '=' &&
        (!ed->text.data || ed->text.data[cursor] != ' '))
        str_add_char(&text, ' ');
    enum editor_answer answer = EDITOR_CHANGED;
    /* The common part is never shorter than what stands there, unless the completer ignores case. */
    if (text.len >= cursor - start) {
        if (cursor > start)
            erase(ed, start, cursor);
        answer = insert(ed, str_text(&text), text.len);
        answer = answer == EDITOR_IGNORED ? EDITOR_CHANGED : answer;
    }
    str_fini(&text);
    if (only)
        forget_candidates(ed);
    return answer;
}

/* ---- commands */

static enum editor_answer move_to(struct editor *ed, size_t place)
{
    ed->cursor = place;
    return EDITOR_CHANGED;
}

static enum editor_answer erase_span(struct editor *ed, size_t from, size_t to)
{
    if (from < to)
        erase(ed, from, to);
    return EDITOR_CHANGED;
}

enum editor_answer editor_command(struct editor *ed, const char *command)
{
    size_t at = ed->cursor, end = ed->text.len;
    if (!command)
        return EDITOR_IGNORED;
    if (str_eq(command, "complete"))
        return complete(ed);
    forget_candidates(ed);
    if (str_eq(command, "accept")) {
        editor_remember(ed, editor_text(ed));
        return EDITOR_ACCEPTED;
    }
    if (str_eq(command, "cancel"))
        return EDITOR_CANCELLED;
    if (str_eq(command, "cursor-left"))
        return move_to(ed, before(ed, at));
    if (str_eq(command, "cursor-right"))
        return move_to(ed, after(ed, at));
    if (str_eq(command, "word-left"))
        return move_to(ed, word_before(ed, at));
    if (str_eq(command, "word-right"))
        return move_to(ed, word_after(ed, at));
    if (str_eq(command, "line-start"))
        return move_to(ed, 0);
    if (str_eq(command, "line-end"))
        return move_to(ed, end);
    if (str_eq(command, "erase-left"))
        return erase_span(ed, before(ed, at), at);
    if (str_eq(command, "erase-right"))
        return erase_span(ed, at, after(ed, at));
    if (str_eq(command, "erase-word"))
        return erase_span(ed, word_before(ed, at), at);
    if (str_eq(command, "erase-line"))
        return erase_span(ed, 0, end);
    if (str_eq(command, "erase-to-end"))
        return erase_span(ed, at, end);
    if (str_eq(command, "history-back"))
        return recall(ed, true);
    if (str_eq(command, "history-forward"))
        return recall(ed, false);
    return EDITOR_IGNORED;
}

/* ---- drawing */

static int columns_of(const struct canvas *c, const char *text, size_t length)
{
    char *part = xstrndup(text, length);
    int columns = canvas_columns(c, part);
    free(part);
    return columns;
}

static void draw_candidates(const struct editor *ed, struct canvas *c)
{
    int x = 0;
    if (ed->candidates)
        canvas_fill(c, (struct rect){0, 0, canvas_width(c), 1}, ROLE_FAINT, ' ');
    for (size_t i = 0; ed->candidates && ed->candidates[i] && x < canvas_width(c); i++)
        x = canvas_put(c, x, 0, ROLE_FAINT, ed->candidates[i]) + 2;
}

void editor_draw(struct editor *ed, struct canvas *c, unsigned style)
{
    int row = canvas_height(c) - 1, width = canvas_width(c);
    if (row > 0)
        draw_candidates(ed, c);
    canvas_fill(c, (struct rect){0, row, width, 1}, style, ' ');
    int x = canvas_put(c, 0, row, ROLE_KEY, ed->prompt);
    struct canvas field = canvas_sub(c, (struct rect){x, row, width - x, 1});
    /* The text is shifted so far that the cursor shows. */
    int cursor = columns_of(c, editor_text(ed), ed->cursor);
    int shift = cursor >= canvas_width(&field) ? cursor - canvas_width(&field) + 1 : 0;
    canvas_put(&field, -shift, 0, style, editor_text(ed));
    canvas_cursor(&field, cursor - shift, 0);
}
