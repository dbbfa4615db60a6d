/* The stack of pages, the message line, and asking the engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/passage.h"

/* ---- pages ---- */

struct page *console_top(struct console *console)
{
    return console->page_count > 0 ? console->pages[console->page_count - 1] : NULL;
}

static void page_free(struct page *page)
{
    if (page->type->close != NULL) {
        page->type->close(page);
    }
    filter_free(page->filter);
    free(page);
}

struct page *console_push(struct console *console, const struct page_type *type, void *state)
{
    if (console->page_count == PAGES_MOST) {
        /* So deep nobody goes back: the page above the dashboard makes room. */
        page_free(console->pages[1]);
        memmove(&console->pages[1], &console->pages[2], (PAGES_MOST - 2) * sizeof console->pages[0]);
        console->page_count--;
    }
    struct page *page = xcalloc(1, sizeof *page);
    *page = (struct page){.type = type,
                          .console = console,
                          .state = state,
                          .id = ++console->last_page_id,
                          .filter = filter_new()};
    console->pages[console->page_count++] = page;
    console_dirty(console);
    return page;
}

void console_pop(struct console *console)
{
    if (console->page_count > 1) {
        page_free(console->pages[--console->page_count]);
    }
    console_dirty(console);
}

void console_home(struct console *console)
{
    while (console->page_count > 1) {
        console_pop(console);
    }
}

struct page *console_page(struct console *console, uint32_t id)
{
    for (size_t i = 0; i < console->page_count; i++) {
        if (console->pages[i]->id == id) {
            return console->pages[i];
        }
    }
    return NULL;
}

void pages_close(struct console *console)
{
    while (console->page_count > 0) {
        page_free(console->pages[--console->page_count]);
    }
}

size_t console_panel_count(const struct console *console)
{
    return console->panel_count;
}

struct panel_slot *console_panel(struct console *console, size_t index)
{
    return index < console->panel_count ? &console->panels[index] : NULL;
}

/* ---- words for the person ---- */

void console_say(struct console *console, enum say how, const char *format, ...)
{
    va_list args;
    struct str text = {0};
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    console_unsay(console);
    console->message = str_take(&text);
    console->message_how = how;
}

void console_unsay(struct console *console)
{
    free(console->message);
    console->message = NULL;
    console_dirty(console);
}

bool console_refuses_to_act(struct console *console)
{
    const char *trouble = engine_trouble(console->engine);
    if (engine_is_observer(console->engine)) {
        console_say(console, SAY_BAD, "you are an observer here: :join makes you an operator");
        return true;
    }
    if (trouble != NULL) {
        console_say(console, SAY_BAD, "nothing acts while the journal can't be written: %s", trouble);
        return true;
    }
    return false;
}

size_t console_running_steps(struct console *console, struct str *out)
{
    size_t running = 0;
    for (size_t i = 0; i < engine_run_count(console->engine); i++) {
        struct engine_run run;
        struct run_ticket tickets[8];
        if (!engine_run_at(console->engine, i, &run) || run.ended || run.elsewhere) {
            continue;
        }
        size_t count = run_tickets(run.run, tickets, 8);
        bool acts = false;
        for (size_t k = 0; k < count && k < 8; k++) {
            acts = acts || run_role_acts(tickets[k].role);
        }
        if (!acts) {
            continue;
        }
        if (running++ == 0) {
            int step = tickets[0].step;
            bool on_terminal = passage_is_of(console->passage, run.id);
            str_addf(
                out,
                on_terminal ? "run %lld: %s is hung up with its terminal. `belay%s` tells what became of it."
                            : "run %lld goes on: %s. `belay%s` finds it again.",
                (long long)run.id, run.book->steps.data[step].title, console->options->demo ? " demo" : "");
        }
    }
    return running;
}

void console_quit(struct console *console)
{
    struct str word = {0};
    if (console_running_steps(console, &word) > 0 && !console->quit_asked) {
        if (console->options->demo) {
            console_say(console, SAY_INFO, "q again ends the demo, and the step that runs in it");
        } else {
            console_say(console, SAY_INFO, "q again quits; %s", str_text(&word));
        }
        console->quit_asked = true;
    } else {
        console->quitting = true;
        loop_stop(console->loop);
    }
    str_fini(&word);
}

/* ---- asking the engine ---- */

struct asking {
    struct console_link *link;
    uint32_t page;
    console_then *then;
    bool quiet; /* good news are not said */
};

static void answered(void *context, int code, const char *message, int64_t id)
{
    struct asking *asking = context;
    struct console_link *link = asking->link;
    struct console *console = link->console;
    if (console != NULL && !console->quitting) {
        if (code != 0) {
            console_say(console, SAY_BAD, "%s", message);
        } else if (!asking->quiet && message != NULL && message[0] != '\0') {
            console_say(console, SAY_GOOD, "%s", message);
        }
        struct page *page = asking->page != 0 ? console_page(console, asking->page) : NULL;
        if (asking->then != NULL && (asking->page == 0 || page != NULL)) {
            asking->then(console, page, code, id);
        }
        console->dirty = true;
        loop_timer_start(console->frame_timer, 0, 0);
    }
    if (--link->users == 0) {
        free(link);
    }
    free(asking);
}

static void submit(struct console *console, const struct engine_request *request, uint32_t page,
                   console_then *then, bool quiet)
{
    struct asking *asking = xcalloc(1, sizeof *asking);
    *asking = (struct asking){console->link, page, then, quiet};
    console->link->users++;
    engine_submit(console->engine, request, answered, asking);
}

void console_submit(struct console *console, const struct engine_request *request, uint32_t page,
                    console_then *then)
{
    submit(console, request, page, then, false);
}

void console_input(struct console *console, int64_t run, const struct run_input *input, uint32_t page,
                   console_then *then)
{
    struct run_input own = *input;
    own.at_ms = engine_run_clock_ms(console->engine, run);
    own.actor = engine_actor(console->engine);
    struct engine_request request = {.kind = REQUEST_RUN_INPUT, .run = run, .input = &own};
    submit(console, &request, page, then, true);
}
