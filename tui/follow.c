#include "tui/follow.h"

#include <stdlib.h>

#include "tui/console_state.h"

void follow_text(struct console *console, const struct engine_run *run, struct str *out)
{
    const char *owner = run->owner != NULL ? run->owner : run->actor;
    bool observer = engine_is_observer(console_engine(console));
    if (run->abandoned) {
        str_addf(out, "%s walked this run and is gone%s", owner,
                 observer ? ": :join takes it up" : ": it is being taken up here");
        return;
    }
    str_addf(out, "%s walks this run: it is only shown here%s", owner,
             observer ? " (:join first)" : ". T takes it over, with a reason");
}

int follow_foot(struct console *console, const struct engine_run *run, struct canvas *c)
{
    int width = canvas_width(c) - 2, height = canvas_height(c);
    if (run->edited != NULL) {
        canvas_put_cut(c, 1, --height, width, ROLE_DEGRADED, run->edited);
    }
    if (run->elsewhere && !run->ended) {
        struct str text = {0};
        follow_text(console, run, &text);
        canvas_put_cut(c, 1, --height, width, ROLE_ACTIVE, str_text(&text));
        str_fini(&text);
    }
    return height;
}

struct taking {
    int64_t run;
};

static void taken(struct console *console, void *context, const char *text, bool accepted)
{
    const struct taking *taking = context;
    if (!accepted) {
        return;
    }
    if (text[strspn(text, " ")] == '\0') {
        console_say(console, SAY_BAD, "taking a run over needs a reason: it is recorded");
        return;
    }
    struct engine_request request = {.kind = REQUEST_RUN_TAKE, .run = taking->run, .text = text};
    console_submit(console, &request, 0, NULL);
}

void follow_take(struct console *console, int64_t run)
{
    struct taking *taking = xmalloc(sizeof *taking);
    *taking = (struct taking){run};
    console_ask(console, "take it over, because:", false, taken, taking);
}
