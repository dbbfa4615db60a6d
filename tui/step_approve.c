/* Approving another's exact command: read in full, then asked for with the guards of a confirmation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"
#include "tui/step.h"

void approve_left(const struct panel_scene *scene, const struct engine_approval *asked, struct str *out)
{
    int64_t left_s = (asked->expires_us - scene->wall_us) / US_PER_S;
    left_s = left_s > 0 ? left_s : 0;
    if (!scene->seconds) {
        str_addf(out, left_s < 60 ? "<1m" : "%lldm", (long long)(left_s / 60));
        return;
    }
    str_addf(out, "%lld:%02lld", (long long)(left_s / 60), (long long)(left_s % 60));
}

void approve_guard(struct page *page, const struct step_view *view)
{
    struct step_page *own = page->state;
    char digest[SHA256_HEX_SIZE] = "";
    struct err e = {0};
    run_command_digest(view->run.run, own->step, engine_target(console_engine(page->console)), digest, &e);
    if (!str_eq(own->approved, digest) || digest[0] == '\0') {
        snprintf(own->approved, sizeof own->approved, "%s", digest);
        confirm_init(&own->confirm, "y", true);
        own->disarmed = false;
    }
    own->disarmed = own->disarmed || confirm_disarmed(&own->confirm, page->console->now_us());
}

static void answered(struct console *console, struct page *page, int code, int64_t id)
{
    (void)id;
    if (code != 0 && page != NULL) {
        struct step_page *own = page->state;
        own->approved[0] = '\0'; /* refused: asked for anew, with all guards */
        console_dirty(console);
    }
}

static void approve(struct page *page, const struct step_view *view)
{
    const struct step_page *own = page->state;
    struct engine_request request = {.kind = REQUEST_APPROVE,
                                     .run = own->run,
                                     .text = view->what->id,
                                     .path = own->key,
                                     .digest = own->approved};
    console_say(page->console, SAY_INFO, "signing; the key may want to be touched");
    console_submit(page->console, &request, page->id, answered);
}

bool approve_command(struct page *page, const struct step_view *view, const struct key *key, const char *name)
{
    struct step_page *own = page->state;
    if (confirm_scroll(page, name)) {
        return true;
    }
    bool answers = name == NULL || str_eq(name, "confirm-accept");
    if (answers && (console_refuses_to_act(page->console) || confirm_unread(page))) {
        return true;
    }
    if (own->disarmed) {
        if (str_eq(name, "confirm-accept")) {
            own->approved[0] = '\0';
        }
        return name == NULL || str_eq(name, "confirm-accept");
    }
    if (!str_eq(own->approved, view->asked.digest)) {
        console_say(page->console, SAY_BAD, "not approved: what is asked for is not what is seen here");
        return answers;
    }
    enum confirm_answer answer =
        step_confirm_key(page, key, name, "press y", "not approved: y approves it, Esc leaves");
    if (answer == CONFIRM_GO) {
        approve(page, view);
    }
    return answer != CONFIRM_IGNORED;
}

void approve_draw(struct page *page, const struct step_view *view, struct canvas *c, int y)
{
    const struct step_page *own = page->state;
    int width = canvas_width(c), unseen = confirm_unseen(own);
    struct str text = {0};
    unsigned style = ROLE_ACTIVE;
    if (console_scene(page->console)->observer) {
        str_add(&text, "You are an observer: :join makes you an operator, who may approve it.");
    } else if (!str_eq(own->approved, view->asked.digest)) {
        str_add(&text, "What is asked for is another command, or lands elsewhere, than what is seen here.");
        style = ROLE_DOWN;
    } else if (own->disarmed) {
        str_add(&text, "The page had been open for 60 s. Enter opens it anew, Esc leaves.");
    } else if (unseen > 0) {
        str_addf(&text, "PgDn: %d more line%s of it to be seen before it can be approved. Esc leaves.",
                 unseen, unseen == 1 ? "" : "s");
    } else if (own->confirm.done) {
        str_add(&text, "Approved from here; the console that walks the run has yet to count it.");
    } else {
        int x = canvas_put(c, 1, y, ROLE_TEXT, "Press") + 2;
        x = canvas_put(c, x, y, ROLE_STRONG, "y") + 2;
        x = canvas_put_cut(c, x, y, width - x, ROLE_TEXT, "to approve exactly this, Esc to leave.") + 2;
        x = canvas_put(c, x, y, ROLE_ACTIVE, ">") + 1;
        canvas_cursor(c, x < width ? x : width - 1, y);
    }
    canvas_put_cut(c, 1, y, width - 2, style, str_text(&text));
    str_fini(&text);
}
