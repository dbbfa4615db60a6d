/* What is being typed at the bottom: the command line, a filter, a note, an answer. */
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

static void prompt_open(struct console *console, const struct prompt *prompt)
{
    prompt_close(console, false);
    console->prompt = *prompt;
    console_dirty(console);
}

/* Ends it; the answer may open the next one. */
void prompt_close(struct console *console, bool accepted)
{
    struct prompt prompt = console->prompt;
    if (prompt.editor == NULL) {
        return;
    }
    console->prompt = (struct prompt){0};
    char *text = xstrdup(editor_text(prompt.editor));
    editor_set(prompt.editor, "");
    prompt.answer(console, prompt.context, text, accepted);
    free(text);
    free(prompt.context);
    if (prompt.owned) {
        editor_free(prompt.editor);
    }
    console_dirty(console);
}

void prompt_fini(struct console *console)
{
    if (console->prompt.owned) {
        editor_free(console->prompt.editor);
    }
    free(console->prompt.context);
    console->prompt = (struct prompt){0};
    editor_free(console->command_editor);
    editor_free(console->filter_editor);
    editor_free(console->note_editor);
    free(console->filter_before);
}

void console_ask(struct console *console, const char *text, bool refuse_paste,
                 void (*answer)(struct console *, void *context, const char *text, bool accepted),
                 void *context)
{
    struct str words = {0};
    str_addf(&words, "%s ", text);
    struct editor_options options = {.prompt = str_text(&words), .refuse_paste = refuse_paste};
    struct prompt prompt = {
        .editor = editor_new(&options), .owned = true, .answer = answer, .context = context};
    str_fini(&words);
    prompt_open(console, &prompt);
}

/* ---- the command line ---- */

static void command_answer(struct console *console, void *context, const char *text, bool accepted)
{
    (void)context;
    if (accepted) {
        colon_run(console, text);
    }
}

void prompt_command(struct console *console)
{
    if (console->command_editor == NULL) {
        struct editor_options options = {
            .prompt = ":", .history = true, .complete = colon_complete, .data = console};
        console->command_editor = editor_new(&options);
    }
    struct prompt prompt = {.editor = console->command_editor, .answer = command_answer};
    prompt_open(console, &prompt);
}

/* ---- the filter: it works while it is being typed ---- */

static void filter_apply(struct console *console, const char *text)
{
    struct err e = {0};
    struct page *page = console_top(console);
    if (filter_set(page->filter, text, &e) < 0) {
        console_say(console, SAY_BAD, "filter: %s", e.msg);
    }
}

static void filter_answer(struct console *console, void *context, const char *text, bool accepted)
{
    (void)context;
    filter_apply(console, accepted ? text : console->filter_before);
}

void prompt_filter(struct console *console)
{
    if (console->filter_editor == NULL) {
        struct editor_options options = {.prompt = "/", .history = true};
        console->filter_editor = editor_new(&options);
    }
    free(console->filter_before);
    console->filter_before = xstrdup(filter_text(console_top(console)->filter));
    editor_set(console->filter_editor, console->filter_before);
    struct prompt prompt = {.editor = console->filter_editor, .live = true, .answer = filter_answer};
    prompt_open(console, &prompt);
}

/* ---- notes ---- */

static void note_answer(struct console *console, void *context, const char *text, bool accepted)
{
    (void)context;
    if (!accepted || text[strspn(text, " ")] == '\0') {
        return;
    }
    struct engine_request request = {.kind = REQUEST_NOTE, .text = text};
    console_submit(console, &request, 0, NULL);
}

void prompt_note(struct console *console)
{
    if (console->note_editor == NULL) {
        struct editor_options options = {.prompt = "note: ", .history = true};
        console->note_editor = editor_new(&options);
    }
    struct prompt prompt = {.editor = console->note_editor, .answer = note_answer};
    prompt_open(console, &prompt);
}

/* ---- keys and drawing ---- */

void prompt_key(struct console *console, const struct key *key, const char *command)
{
    struct prompt *prompt = &console->prompt;
    enum editor_answer answer =
        command != NULL ? editor_command(prompt->editor, command) : editor_type(prompt->editor, key);
    switch (answer) {
    case EDITOR_IGNORED:
        break;
    case EDITOR_CHANGED:
        if (prompt->live) {
            filter_apply(console, editor_text(prompt->editor));
        }
        break;
    case EDITOR_ACCEPTED:
        prompt_close(console, true);
        break;
    case EDITOR_CANCELLED:
        prompt_close(console, false);
        break;
    case EDITOR_REFUSED:
        console_say(console, SAY_BAD, "a paste is refused here: type it");
        break;
    case EDITOR_FULL:
        console_say(console, SAY_BAD, "too long: a line takes %d bytes, nothing was added", EDITOR_TEXT_MAX);
        break;
    }
    console_dirty(console);
}

/* Where it ends. */
static int draw_message(struct console *console, struct canvas *bar)
{
    static const unsigned styles[] = {[SAY_INFO] = ROLE_STRONG, [SAY_GOOD] = ROLE_OK, [SAY_BAD] = ROLE_DOWN};
    static const char *const words[] = {[SAY_INFO] = "", [SAY_GOOD] = "", [SAY_BAD] = "! "};
    int x = canvas_put(bar, 1, 0, styles[console->message_how], words[console->message_how]);
    return canvas_put_cut(bar, x, 0, canvas_width(bar) - x, styles[console->message_how], console->message);
}

/* What was said last or what is filtered by, and the keys as far as there is room beside it. */
static void draw_bar(struct console *console, struct canvas *bar)
{
    struct page *top = console_top(console);
    int x = 0;
    if (console->message != NULL) {
        x = draw_message(console, bar) + 1;
    } else if (filter_active(top->filter)) {
        x = canvas_putf(bar, 1, 0, ROLE_MATCH, "/%s", filter_text(top->filter)) + 1;
    }
    enum key_context stack[CONTEXT_COUNT];
    size_t depth = console_contexts(console, stack);
    struct canvas keys = canvas_sub(bar, (struct rect){x, 0, canvas_width(bar) - x, 1});
    keymap_draw_bar(key_table, stack, depth, console_reader(console), &keys);
}

void prompt_draw(struct console *console, struct canvas *canvas)
{
    int width = canvas_width(canvas), height = canvas_height(canvas);
    struct canvas bar = canvas_sub(canvas, (struct rect){0, height - 1, width, 1});
    if (console->prompt.editor != NULL) {
        struct canvas two = canvas_sub(canvas, (struct rect){0, height - 2, width, 2});
        editor_draw(console->prompt.editor, &two, ROLE_INPUT);
        if (console->message != NULL) {
            struct canvas above = canvas_sub(canvas, (struct rect){0, height - 2, width, 1});
            canvas_clear(&above, ROLE_TEXT);
            draw_message(console, &above);
        }
        return;
    }
    draw_bar(console, &bar);
}
