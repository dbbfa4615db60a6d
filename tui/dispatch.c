/* Keys: what the innermost context says, else the page, else what they mean everywhere. */
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

size_t console_contexts(struct console *console, enum key_context stack[static CONTEXT_COUNT])
{
    struct page *top = console_top(console);
    size_t depth = top->type->contexts != NULL ? top->type->contexts(top, stack) : 0;
    if (top->type->modal == NULL || !top->type->modal(top)) {
        stack[depth++] = CONTEXT_ANYWHERE;
    }
    return depth;
}

enum key_reader console_reader(struct console *console)
{
    struct page *top = console_top(console);
    return engine_is_observer(console->engine)                     ? READER_OBSERVER
           : top->type->follows != NULL && top->type->follows(top) ? READER_FOLLOWER
                                                                   : READER_OPERATOR;
}

/* ---- what keys mean everywhere ---- */

static void do_help(struct console *console, const char *argument)
{
    (void)argument;
    enum key_context stack[CONTEXT_COUNT];
    size_t depth = console_contexts(console, stack);
    page_open_help(console, stack, depth);
}

static void do_filter(struct console *console, const char *argument)
{
    (void)argument;
    prompt_filter(console);
}

static void do_command(struct console *console, const char *argument)
{
    (void)argument;
    prompt_command(console);
}

static void do_panel(struct console *console, const char *argument)
{
    for (size_t i = 0; i < console->panel_count; i++) {
        if (console->panels[i].panel->digit == argument[0] && argument[0] != '\0') {
            page_open_panel(console, i);
            return;
        }
    }
}

static void do_back(struct console *console, const char *argument)
{
    (void)argument;
    struct page *top = console_top(console);
    if (filter_active(top->filter)) {
        filter_set(top->filter, "", NULL);
    } else {
        console_pop(console);
    }
}

static void do_runbooks(struct console *console, const char *argument)
{
    (void)argument;
    page_open_runbooks(console);
}

static void do_note(struct console *console, const char *argument)
{
    (void)argument;
    prompt_note(console);
}

static void do_incidents(struct console *console, const char *argument)
{
    (void)argument;
    page_open_incidents(console);
}

static void do_approvals(struct console *console, const char *argument)
{
    (void)argument;
    page_open_approvals(console);
}

static void do_update(struct console *console, const char *argument)
{
    (void)argument;
    page_open_update(console, 0, UPDATE_NEXT_US);
}

static void do_copy(struct console *console, const char *argument)
{
    (void)argument;
    page_open_copy(console);
}

static void do_logs(struct console *console, const char *argument)
{
    (void)argument;
    console_say(console, SAY_INFO, "select a thing first (1-9), or :logs ENTITY");
}

static void do_freeze(struct console *console, const char *argument)
{
    (void)argument;
    console_freeze(console);
}

static void do_time(struct console *console, const char *argument)
{
    (void)argument;
    console->local_time = !console->local_time;
}

static void do_redraw(struct console *console, const char *argument)
{
    (void)argument;
    terminal_redraw(console->terminal);
}

static void do_suspend(struct console *console, const char *argument)
{
    (void)argument;
    console_suspend(console);
}

static void do_interrupt(struct console *console, const char *argument)
{
    (void)argument;
    console_say(console, SAY_INFO, "q quits; nothing was interrupted");
}

static void do_quit(struct console *console, const char *argument)
{
    (void)argument;
    console_quit(console);
}

static const struct {
    const char *name;
    void (*run)(struct console *console, const char *argument);
} everywhere[] = {
    {"help", do_help},     {"filter", do_filter},       {"command", do_command}, {"panel", do_panel},
    {"back", do_back},     {"runbooks", do_runbooks},   {"note", do_note},       {"incidents", do_incidents},
    {"freeze", do_freeze}, {"time", do_time},           {"redraw", do_redraw},   {"suspend", do_suspend},
    {"update", do_update}, {"copy", do_copy},           {"logs", do_logs},       {"interrupt", do_interrupt},
    {"quit", do_quit},     {"approvals", do_approvals},
};

static void run_everywhere(struct console *console, const char *command)
{
    size_t length = strcspn(command, " ");
    const char *argument = command[length] != '\0' ? command + length + 1 : "";
    for (size_t i = 0; i < sizeof everywhere / sizeof everywhere[0]; i++) {
        if (strlen(everywhere[i].name) == length && strncmp(everywhere[i].name, command, length) == 0) {
            everywhere[i].run(console, argument);
            return;
        }
    }
}

/* Nobody sees the page: a key can't be meant for it. */
static void hidden_key(struct console *console, const struct key *key)
{
    const enum key_context anywhere = CONTEXT_ANYWHERE;
    const struct key_binding *binding = keymap_find(key_table, &anywhere, 1, key);
    static const char *const kept[] = {"quit", "suspend", "redraw"};
    for (size_t i = 0; binding != NULL && i < sizeof kept / sizeof kept[0]; i++) {
        if (str_eq(binding->command, kept[i])) {
            run_everywhere(console, binding->command);
            return;
        }
    }
}

void console_key(struct console *console, const struct key *key)
{
    enum key_context stack[CONTEXT_COUNT];
    if (console->hidden) {
        hidden_key(console, key);
        return;
    }
    console_unsay(console);
    if (console->prompt.editor != NULL) {
        const enum key_context editing = CONTEXT_EDITOR;
        const struct key_binding *binding = keymap_find(key_table, &editing, 1, key);
        const char *command = binding != NULL ? binding->command : NULL;
        if (str_eq(command, "redraw") || str_eq(command, "suspend")) {
            run_everywhere(console, command);
        } else {
            prompt_key(console, key, command);
        }
        return;
    }
    console_scene_update(console);
    size_t depth = console_contexts(console, stack);
    const struct key_binding *binding = keymap_find(key_table, stack, depth, key);
    const char *command = binding != NULL ? binding->command : NULL;
    bool quit_asked = console->quit_asked;
    bool stops = binding != NULL && (binding->flags & KEY_STOPS) && !engine_is_observer(console->engine);
    if (binding != NULL && (binding->flags & KEY_ACTS) && !stops && console_refuses_to_act(console)) {
        return;
    }
    struct page *top = console_top(console);
    if (binding != NULL && key_refused(binding, console_reader(console))) {
        console_say(console, SAY_BAD, "another console walks this run: nothing of it acts from here (T)");
        return;
    }
    if (!top->type->command(top, key, command) && command != NULL) {
        run_everywhere(console, command);
    }
    if (quit_asked) {
        console->quit_asked = false; /* only the very next key quits */
    }
}
