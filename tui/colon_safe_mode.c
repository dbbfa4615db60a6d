/* :safe-mode. The runbook that enters or leaves it, at its first step: nothing happens by itself. */
#include <stdlib.h>

#include "tui/colon.h"
#include "tui/console_state.h"
#include "tui/safe_mode.h"

static void walk_begun(struct console *console, struct page *page, int code, int64_t id)
{
    (void)page;
    if (code == 0 && id != 0) {
        page_open_run(console, id, true);
    }
}

static void walk(struct console *console, enum safe_mode_verb verb, bool anyway, struct err *e)
{
    struct engine_runbook view;
    const struct config *config = engine_config(console->engine);
    if (safe_mode_plan(console->engine, engine_platform(console->engine), verb, anyway, &view, e) < 0) {
        return;
    }
    if (view.open_run != 0) {
        page_open_run(console, view.open_run, false);
        return;
    }
    char *entity = safe_mode_entity(config);
    struct engine_request request = {.kind = REQUEST_RUN_START, .path = view.path, .entity = entity};
    console_submit(console, &request, 0, walk_begun);
    free(entity);
}

void colon_safe_mode(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    bool anyway = false;
    const char *word = NULL;
    enum safe_mode_verb verb;
    for (; *words != NULL; words++) {
        if (str_eq(*words, "--anyway")) {
            anyway = true;
        } else {
            word = *words;
        }
    }
    if (safe_mode_verb_parse(word, &verb, e) < 0) {
        return;
    }
    if (verb != SAFE_MODE_STATUS) {
        if (!console_refuses_to_act(console)) {
            walk(console, verb, anyway, e);
        }
        return;
    }
    struct str says = {0};
    if (safe_mode_says(engine_config(console->engine), engine_platform(console->engine), &says, e) == 0) {
        console_say(console, SAY_INFO, "%s", str_text(&says));
    }
    str_fini(&says);
}
