#include "tui/outcome_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/step.h"

#define MARK "REHEARSAL: nothing is run, nothing changes, its outcomes are made up"

struct outcome_page {
    int64_t run;
    uint64_t ticket; /* what is on the page; 0: nothing yet */
    bool all;        /* said of every further item or rung, too */
    bool sent;       /* an answer is under way */
    struct text_view *text;
};

void rehearsal_mark(const struct engine_run *run, struct canvas *c, int y)
{
    if (!run->rehearsed) {
        return;
    }
    int width = canvas_width(c), columns = (int)strlen(MARK);
    for (int x = 0; x < width; x++) {
        canvas_put(c, x, y, ROLE_DEMO, " ");
    }
    canvas_put_cut(c, columns < width ? (width - columns) / 2 : 0, y, width, ROLE_DEMO | STYLE_BOLD, MARK);
}

/* The first execution that nothing was said of. */
static bool waits(const struct engine_run *run, struct run_ticket *ticket)
{
    struct run_ticket tickets[STEP_PARALLEL_MAX];
    size_t count = run->rehearsed && !run->ended && !run->elsewhere
                       ? run_tickets(run->run, tickets, STEP_PARALLEL_MAX)
                       : 0;
    for (size_t i = 0; i < count && i < STEP_PARALLEL_MAX; i++) {
        if (!tickets[i].cancelled) {
            *ticket = tickets[i];
            return true;
        }
    }
    return false;
}

static bool look(struct page *page, struct engine_run *run, struct run_ticket *ticket)
{
    const struct outcome_page *own = page->state;
    return engine_run_by_id(console_engine(page->console), own->run, run) && waits(run, ticket);
}

/* ---- what would run ---- */

static void write_command(struct page *page, const struct engine_run *run, const struct run_ticket *ticket)
{
    struct outcome_page *own = page->state;
    struct step_view view;
    struct run_context context;
    struct run_command command = {0};
    struct err e = {0};
    struct str text = {0};
    char incident[24], number[24];
    step_look_at(page->console, own->run, ticket->step, &view);
    step_context(page->console, &view, &context, incident, number);
    text_view_clear(own->text);
    if (run_ticket_command(run->run, ticket->ticket, &context, &command, &e) < 0) {
        text_view_addf(own->text, ROLE_DOWN, "%s\n", e.msg);
    } else {
        run_command_text(&command, &text);
        text_view_addf(own->text, ROLE_STRONG, "%s\n", str_text(&text));
    }
    for (size_t i = 0; i < command.env.len; i++) {
        if (command.env.data[i].interesting) {
            text_view_addf(own->text, ROLE_TEXT, "%s=%s\n", command.env.data[i].name,
                           command.env.data[i].value);
        }
    }
    run_command_fini(&command);
    str_fini(&text);
    own->ticket = ticket->ticket;
    own->sent = false;
}

static void draw(struct page *page, struct canvas *c)
{
    const struct outcome_page *own = page->state;
    struct engine_run run;
    struct run_ticket ticket;
    struct str part = {0};
    int width = canvas_width(c), height = canvas_height(c);
    if (!look(page, &run, &ticket)) {
        return;
    }
    if (own->ticket != ticket.ticket) {
        write_command(page, &run, &ticket);
    }
    run_part_text(run.run, ticket.step, ticket.part, &part);
    const struct step *what = &run.book->steps.data[ticket.step];
    char place[64];
    snprintf(place, sizeof place, "%s, run %lld", run_role_text(ticket.role), (long long)run.id);
    int end = canvas_put_right(c, 0, 0, width - 1, ROLE_TEXT, place) - 2;
    int x = canvas_put_cut(c, 1, 0, end - 1, ROLE_TITLE, what->title);
    if (part.len > 0 && x + 2 < end) {
        canvas_put_cut(c, x + 2, 0, end - x - 2, ROLE_TEXT, str_text(&part));
    }
    rehearsal_mark(&run, c, 1);
    canvas_put(c, 1, 2, ROLE_FAINT, "Not run:");
    struct canvas body = canvas_sub(c, (struct rect){1, 3, width - 2, height - 5});
    text_view_draw(own->text, &body, page->filter);
    x = canvas_put(c, 1, height - 1, ROLE_STRONG, "What comes of it?") + 1;
    canvas_put_cut(c, x, height - 1, width - x - 1, ROLE_ACTIVE,
                   ticket.part == PART_NONE ? ""
                   : own->all               ? "of it and of every further one"
                                            : "(a: of every one)");
    str_fini(&part);
}

/* ---- saying it ---- */

static void answered(struct console *console, struct page *page, int code, int64_t id)
{
    (void)id;
    (void)console;
    if (page != NULL && code != 0) {
        struct outcome_page *own = page->state;
        own->sent = false;
    }
}

static void say(struct page *page, struct made_up made_up)
{
    struct outcome_page *own = page->state;
    made_up.all = own->all;
    struct engine_request request = {
        .kind = REQUEST_OUTCOME, .run = own->run, .ticket = own->ticket, .made_up = &made_up};
    if (!own->sent) {
        own->sent = true; /* a second key is not for the next one */
        console_submit(page->console, &request, page->id, answered);
    }
}

static void typed(struct console *console, void *context, const char *text, bool accepted)
{
    const char *word = context;
    struct page *page = console_top(console);
    struct made_up made_up;
    struct err e = {0};
    if (!accepted || !str_eq(page->type->name, "outcome")) {
        return;
    }
    char *phrase = xasprintf("%s %s", word, text);
    if (made_up_parse(phrase, &made_up, &e) < 0) {
        console_say(console, SAY_BAD, "%s", e.msg);
    } else {
        say(page, made_up);
    }
    free(phrase);
}

static bool command(struct page *page, const struct key *key, const char *name)
{
    (void)key;
    struct outcome_page *own = page->state;
    struct made_up made_up;
    if (name == NULL) {
        return false;
    }
    struct engine_run run;
    struct run_ticket ticket;
    bool parts = look(page, &run, &ticket) && ticket.part != PART_NONE;
    if (str_eq(name, "outcome all") && !parts) {
        console_say(page->console, SAY_INFO, "there is only this one");
    } else if (str_eq(name, "outcome exit")) {
        console_ask(page->console, "exit:", false, typed, xstrdup("exit"));
    } else if (str_eq(name, "outcome output")) {
        console_ask(page->console, "it prints:", false, typed, xstrdup("output"));
    } else if (str_eq(name, "outcome all")) {
        own->all = !own->all;
    } else if (str_starts(name, "outcome ") &&
               made_up_parse(name + strlen("outcome "), &made_up, NULL) == 0) {
        say(page, made_up);
    } else {
        return text_view_command(own->text, name);
    }
    return true;
}

/* ---- the page ---- */

/* Goes when nothing waits any more; what is under it hears of what happened meanwhile. */
static bool update(struct page *page, unsigned changes)
{
    struct outcome_page *own = page->state;
    struct engine_run run;
    struct run_ticket ticket;
    struct console *console = page->console;
    if ((changes & ENGINE_RUNS) == 0) {
        return true;
    }
    if (!look(page, &run, &ticket)) {
        console_pop(console);
        console->changes |= ENGINE_RUNS;
        console_dirty(console);
    } else if (ticket.part == PART_NONE) {
        own->all = false;
    }
    return true;
}

static size_t contexts(struct page *page, enum key_context *stack)
{
    (void)page;
    stack[0] = CONTEXT_OUTCOME;
    stack[1] = CONTEXT_TEXT;
    return 2;
}

static void close(struct page *page)
{
    struct outcome_page *own = page->state;
    text_view_free(own->text);
    free(own);
}

static const struct page_type type = {
    .name = "outcome",
    .live = true,
    .close = close,
    .update = update,
    .draw = draw,
    .contexts = contexts,
    .command = command,
};

bool outcome_ask(struct console *console, const struct engine_run *run)
{
    struct run_ticket ticket;
    if (!waits(run, &ticket) || console->prompt.editor != NULL) {
        return false;
    }
    struct outcome_page *own = xcalloc(1, sizeof *own);
    own->run = run->id;
    own->text = text_view_new();
    console_push(console, &type, own);
    return true;
}
