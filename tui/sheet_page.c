/* A text to read, or to copy from: then without header, frames and margin. */
#include <stdlib.h>

#include "tui/console_state.h"

struct sheet {
    struct text_view *text;
    char *title, *hint;
};

static void draw(struct page *page, struct canvas *c)
{
    const struct sheet *own = page->state;
    int width = canvas_width(c), top = 0;
    if (own->title != NULL) {
        int x = canvas_put_cut(c, 1, 0, width - 2, ROLE_TITLE, own->title) + 2;
        canvas_put_cut(c, x, 0, width - x - 1, ROLE_FAINT, own->hint != NULL ? own->hint : "");
        top = 2;
    }
    struct canvas body =
        canvas_sub(c, (struct rect){top > 0, top, width - 2 * (top > 0), canvas_height(c) - top});
    text_view_draw(own->text, &body, page->filter);
}

static bool update(struct page *page, unsigned changes)
{
    (void)page;
    (void)changes;
    return false; /* as it was when it was asked for */
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_TEXT;
    return 1;
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    const struct sheet *own = page->state;
    if (str_eq(name, "open") || str_eq(name, "copy")) {
        console_pop(page->console);
        return true;
    }
    return name != NULL && text_view_command(own->text, name);
}

static void close(struct page *page)
{
    struct sheet *own = page->state;
    text_view_free(own->text);
    free(own->title);
    free(own->hint);
    free(own);
}

static const struct page_type sheet = {
    .name = "sheet",
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

static const struct page_type bare = {
    .name = "copy",
    .bare = true,
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

struct page *page_open_sheet(struct console *console, const char *title, const char *hint, const char *text)
{
    struct sheet *own = xcalloc(1, sizeof *own);
    own->text = text_view_new();
    own->title = xstrdup(title);
    own->hint = xstrdup(hint);
    text_view_add(own->text, ROLE_TEXT, text);
    return console_push(console, title != NULL ? &sheet : &bare, own);
}

/* ---- `v` ---- */

/* Frames are for eyes: what is copied has none. */
static bool is_frame(const char *at, size_t *length)
{
    uint32_t c;
    *length = utf8_decode(at, 4, &c);
    return c >= 0x2500 && c <= 0x257F;
}

void copy_canvas(const struct canvas *c, struct str *out)
{
    struct str text = {0}, line = {0};
    canvas_dump(c, &text, false);
    size_t blank = 0;
    for (const char *at = str_text(&text); *at != '\0';) {
        size_t size = strcspn(at, "\n"), used = 0;
        str_clear(&line);
        for (size_t i = 0; i < size; i += used) {
            if (is_frame(at + i, &used)) {
                str_add_char(&line, ' ');
            } else {
                str_add_bytes(&line, at + i, used);
            }
        }
        while (line.len > 0 && line.data[line.len - 1] == ' ') {
            line.data[--line.len] = '\0';
        }
        if (line.len == 0) {
            blank++;
        } else {
            for (; blank > 0 && out->len > 0; blank--) {
                str_add(out, "\n");
            }
            blank = 0;
            str_addf(out, "%s\n", str_text(&line) + (line.data[0] == ' '));
        }
        at += size + (at[size] == '\n');
    }
    str_fini(&text);
    str_fini(&line);
}

void page_open_copy(struct console *console)
{
    struct page *top = console_top(console);
    int width = canvas_width(console->canvas), height = canvas_height(console->canvas);
    struct canvas *header = canvas_new(width, 1, false), *body = canvas_new(width, height - 2, false);
    struct str text = {0};
    header_draw(console, header);
    copy_canvas(header, &text);
    if (top->type->copy != NULL) {
        top->type->copy(top, width, &text);
    } else {
        canvas_clear(body, ROLE_TEXT);
        top->type->draw(top, body);
        copy_canvas(body, &text);
    }
    canvas_free(header);
    canvas_free(body);
    page_open_sheet(console, NULL, NULL, str_text(&text));
    str_fini(&text);
}
