/* A runbook to read before it is started: what it is offered for, what it asks, its steps as they are
 * written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

struct document {
    char *path;
    struct text_view *text;
    bool written, starting;
};

static bool find(struct page *page, struct engine_runbook *view)
{
    const struct document *own = page->state;
    struct engine *engine = console_engine(page->console);
    for (size_t i = 0; i < engine_runbook_count(engine); i++) {
        engine_runbook_at(engine, i, view);
        if (str_eq(view->path, own->path)) {
            return true;
        }
    }
    return false;
}

static void write_front(struct text_view *text, const struct runbook *book)
{
    text_view_addf(text, ROLE_FAINT, "%s  %s\n", book->path, book->severity);
    for (size_t i = 0; i < book->offers.len; i++) {
        char held[DURATION_TEXT_SIZE] = "at once";
        if (book->offers.data[i].for_ms > 0) {
            duration_format(book->offers.data[i].for_ms * US_PER_MS, held);
        }
        text_view_addf(text, ROLE_TEXT, "offered when %s (%s%s)\n", book->offers.data[i].condition,
                       book->offers.data[i].for_ms > 0 ? "for " : "", held);
    }
    for (size_t i = 0; i < book->vars.len; i++) {
        const struct runbook_var *var = &book->vars.data[i];
        const char *from = var->secret != NULL     ? "a secret, never shown"
                           : var->from != NULL     ? var->from
                           : var->output           ? "set by a step"
                           : var->fallback != NULL ? var->fallback
                                                   : "asked for";
        text_view_addf(text, ROLE_TEXT, "%-16s %s%s%s\n", var->name, from, var->ask != NULL ? ": " : "",
                       var->ask != NULL ? var->ask : "");
    }
}

static void write_step(struct text_view *text, const struct step *step)
{
    text_view_add(text, ROLE_TEXT, "\n");
    if (step->place > 0) {
        text_view_addf(text, ROLE_TITLE, "%d. %s\n", step->place, step->title);
    } else {
        text_view_addf(text, ROLE_TITLE, "(%s) %s\n", step->id, step->title);
    }
    struct str facts = {0};
    str_addf(&facts, "   %s", step_kind_text(step->kind));
    if (step->scope != SCOPE_NONE) {
        str_addf(&facts, ", reaches %s", step_scope_text(step->scope));
    }
    if (step->confirm != CONFIRM_NONE) {
        str_addf(&facts, ", confirmed by %s%s%s", step_confirm_text(step->confirm),
                 step->confirm_text != NULL ? " " : "", step->confirm_text != NULL ? step->confirm_text : "");
    }
    text_view_addf(text, step_kind_acts(step->kind) ? ROLE_DEGRADED : ROLE_FAINT, "%s\n", str_text(&facts));
    str_fini(&facts);
    if (step->prose[0] != '\0') {
        text_view_addf(text, ROLE_TEXT, "%s\n", step->prose);
    }
    if (step->script != NULL) {
        bool ended = str_ends(step->script, "\n");
        text_view_addf(text, ROLE_STRONG, "%s%s", step->script, ended ? "" : "\n");
    }
    for (size_t i = 0; i < step->answers.len; i++) {
        text_view_addf(text, ROLE_TEXT, "   %s: %s\n", step->answers.data[i].value,
                       step->answers.data[i].text);
    }
}

/* Errors stand first, they keep it from running; warnings can wait until the end. */
static void write_findings(struct text_view *text, const struct runbook *book, enum finding_severity severity)
{
    for (size_t i = 0; i < book->findings.len; i++) {
        const struct runbook_finding *finding = &book->findings.data[i];
        if (finding->severity == severity) {
            text_view_addf(text, severity == FINDING_ERROR ? ROLE_DOWN : ROLE_DEGRADED, "%s line %d: %s\n",
                           severity == FINDING_ERROR ? "error" : "warning", finding->line, finding->message);
        }
    }
}

static void write_document(struct document *own, const struct runbook *book)
{
    text_view_clear(own->text);
    write_front(own->text, book);
    write_findings(own->text, book, FINDING_ERROR);
    for (size_t i = 0; i < book->steps.len; i++) {
        write_step(own->text, &book->steps.data[i]);
    }
    if (book->closing[0] != '\0') {
        text_view_addf(own->text, ROLE_TEXT, "\n%s\n", book->closing);
    }
    write_findings(own->text, book, FINDING_WARNING);
    own->written = true;
}

static void draw(struct page *page, struct canvas *c)
{
    struct document *own = page->state;
    struct engine_runbook view;
    int width = canvas_width(c);
    if (!find(page, &view) || view.book == NULL) {
        canvas_put_wrapped(c, 1, 1, width - 2, ROLE_FAINT,
                           "The document is no longer there, or is being read anew.");
        own->written = false;
        return;
    }
    if (!own->written) {
        write_document(own, view.book);
    }
    const char *hint =
        view.error == NULL ? "Enter starts a run, R rehearses it; acting waits for you" : view.error;
    int end = canvas_put_right(c, width / 3, 0, width - width / 3 - 1,
                               view.error == NULL ? ROLE_FAINT : ROLE_DOWN, hint);
    canvas_put_cut(c, 1, 0, end - 2, ROLE_TITLE, view.book->title);
    struct canvas body = canvas_sub(c, (struct rect){1, 2, width - 2, canvas_height(c) - 2});
    text_view_draw(own->text, &body, page->filter);
}

static bool update(struct page *page, unsigned changes)
{
    struct document *own = page->state;
    if (changes & (ENGINE_OFFERS | ENGINE_RUNS)) {
        own->written = false; /* the file may have been read anew */
        return true;
    }
    return false;
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_DOCUMENT;
    stack[1] = CONTEXT_TEXT;
    return 2;
}

static void started(struct console *console, struct page *page, int code, int64_t id)
{
    if (page != NULL) {
        struct document *own = page->state;
        own->starting = false;
    }
    if (code != 0 || id == 0) {
        return;
    }
    if (page == console_top(console)) {
        console_pop(console);
    }
    page_open_run(console, id, true);
}

static void start(struct page *page, enum engine_request_kind kind)
{
    struct document *own = page->state;
    struct engine_runbook view;
    if (own->starting || !find(page, &view) || console_refuses_to_act(page->console)) {
        return;
    }
    if (view.error != NULL) {
        console_say(page->console, SAY_BAD, "%s", view.error);
        return;
    }
    struct engine_request request = {
        .kind = kind, .path = view.path, .entity = view.offered ? view.offered_entity : NULL};
    own->starting = true; /* a second Enter is no second run */
    console_submit(page->console, &request, page->id, started);
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    const struct document *own = page->state;
    if (str_eq(name, "open") || str_eq(name, "rehearse")) {
        start(page, str_eq(name, "open") ? REQUEST_RUN_START : REQUEST_REHEARSE);
        return true;
    }
    return name != NULL && text_view_command(own->text, name);
}

static void close(struct page *page)
{
    struct document *own = page->state;
    text_view_free(own->text);
    free(own->path);
    free(own);
}

static const struct page_type type = {
    .name = "document",
    .live = true,
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

void page_open_document(struct console *console, const char *path)
{
    struct document *own = xcalloc(1, sizeof *own);
    own->path = xstrdup(path);
    own->text = text_view_new();
    console_push(console, &type, own);
}
