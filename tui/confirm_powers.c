/* What a step needs of others before it runs, and how it runs: approvals, its lock, items, rungs, policy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/confirm_rows.h"
#include "tui/console_state.h"

/* Those that are there, each with its time. */
static void put_given(struct rows *r, struct page *page, const struct step_view *view,
                      const struct run_page *data)
{
    struct run_approval given[STEP_APPROVALS_MAX * 2];
    const size_t most = sizeof given / sizeof given[0];
    size_t count = run_approvals(view->run.run, given, most);
    int64_t now_ms = engine_run_clock_ms(console_engine(page->console), view->run.id);
    for (size_t i = 0; i < count && i < most; i++) {
        int64_t left_ms = given[i].expires_ms - now_ms;
        if (given[i].step != view->index || !str_eq(given[i].digest, data->digest) || left_ms <= 0) {
            continue;
        }
        struct str text = {0};
        char left[DURATION_TEXT_SIZE];
        duration_format(left_ms * US_PER_MS, left);
        str_addf(&text, "%s: %s, good for %s", given[i].glass ? "without, by" : "by", given[i].actor, left);
        str_add(&text, given[i].glass ? "" : given[i].has_signature ? ", signature checked" : ", not signed");
        if (given[i].reason[0] != '\0') {
            str_addf(&text, ": %s", given[i].reason);
        }
        rows_wrap(r, given[i].glass ? ROLE_DANGER : ROLE_TEXT, str_text(&text));
        str_fini(&text);
    }
}

/* For who may give one: who asks, until when, and what it would be worth. */
static void put_asked(struct rows *r, struct page *page, const struct step_view *view, struct str *text)
{
    const struct step_page *own = page->state;
    const struct engine_approval *asked = &view->asked;
    str_addf(text, "%d of %d here; %s asks, ", asked->needed - asked->missing, asked->needed, asked->by);
    approve_left(console_scene(page->console), asked, text);
    str_add(text, " left");
    rows_wrap(r, ROLE_ACTIVE, str_text(text));
    str_clear(text);
    if (asked->refused != NULL) {
        str_addf(text, "what was approved from here does not count: %s", asked->refused);
        rows_wrap(r, ROLE_DOWN, str_text(text));
        str_clear(text);
    }
    if (asked->given) {
        str_add(text, "approved from here");
    } else if (own->key != NULL) {
        str_addf(text, "yours would be signed with %s", own->key);
    } else {
        str_addf(text, "yours would be %s", engine_signing(console_engine(page->console)));
    }
    rows_wrap(r, ROLE_TEXT, str_text(text));
}

static void put_approvals(struct rows *r, struct page *page, const struct step_view *view,
                          const struct run_page *data)
{
    struct str text = {0};
    rows_label(r, "Approvals");
    if (view->is_asked) {
        put_asked(r, page, view, &text);
    } else {
        str_addf(&text, "%d of %d here%s", data->approvals - data->approvals_missing, data->approvals,
                 data->approvals_missing > 0 && !view->run.elsewhere ? "; another operator gives one: a, or "
                                                                     : "");
        if (data->approvals_missing > 0 && !view->run.elsewhere) {
            str_addf(&text, "belay approve %lld %s", (long long)view->run.id, view->what->id);
        }
        rows_wrap(r, data->approvals_missing > 0 ? ROLE_ACTIVE : ROLE_TEXT, str_text(&text));
    }
    put_given(r, page, view, data);
    rows_label(r, "Digest");
    rows_wrap(r, ROLE_FAINT, data->digest);
    str_fini(&text);
}

void confirm_rows_powers(struct rows *r, struct page *page, const struct step_view *view,
                         const struct run_page *data)
{
    if (data->approvals > 0) {
        put_approvals(r, page, view, data);
    }
}
