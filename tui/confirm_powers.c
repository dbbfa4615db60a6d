/* What a step needs of others before it runs, and how it runs: approvals, its lock, items, rungs, policy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/confirm_rows.h"
#include "tui/console_state.h"
#include "tui/powers.h"

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

/* A time to the letter: "60 s", "1500 ms". */
static void add_ms(struct str *out, int64_t ms)
{
    str_addf(out, ms % 1000 == 0 ? "%lld s" : "%lld ms", (long long)(ms % 1000 == 0 ? ms / 1000 : ms));
}

void confirm_parts_text(const struct engine_run *view, const struct step *what, const struct run_parts *parts,
                        struct str *out)
{
    if (parts->kind == PARTS_ITEMS) {
        str_addf(out, "once for each of %zu lines of %s, %d at a time; %.4g%% of them must be ok",
                 parts->total, what->items, what->parallel, (double)what->threshold / 10000);
        if (what->minimum > 1) {
            str_addf(out, ", fewer than %lld lines fail it", (long long)what->minimum);
        }
        if (parts->ok > 0) {
            str_addf(out, "; %zu are ok already: only the others run", parts->ok);
        }
    } else if (parts->kind == PARTS_RUNGS) {
        for (size_t i = 0; i < parts->total; i++) {
            str_addf(out, "%s%s", i > 0 ? ", " : "", what->rungs[i]);
        }
        str_add(out, "; each held for ");
        add_ms(out, what->rung_hold.ms > 0 ? what->rung_hold.ms : RUN_RUNG_HOLD_MS);
        if (what->guard != STEP_NONE) {
            str_addf(out, "; \"%s\" is measured before and at each: worse steps back one rung and asks",
                     view->book->steps.data[what->guard].title);
        }
        if (parts->rung != PART_NONE) {
            str_addf(out, "; %s is in effect", what->rungs[parts->rung]);
        }
    }
}

static void put_parts(struct rows *r, const struct step_view *view, const struct run_page *data)
{
    struct str text = {0};
    confirm_parts_text(&view->run, view->what, &data->parts, &text);
    if (text.len > 0) {
        rows_label(r, data->parts.kind == PARTS_ITEMS ? "Items" : "Rungs");
        rows_wrap(r, ROLE_TEXT, str_text(&text));
    }
    str_fini(&text);
}

static void put_policy(struct rows *r, const struct run_page *data)
{
    const struct backoff *b = data->policy != NULL ? &data->policy->rules.backoff : NULL;
    if (b == NULL) {
        return;
    }
    struct str text = {0};
    str_add(&text, data->policy->name);
    if (data->policy->target != NULL) {
        str_addf(&text, ", asks the breaker %s before", data->policy->target);
    }
    str_addf(&text, ": tried up to %u times, first again after ", b->attempts);
    add_ms(&text, b->base_ms);
    if (b->deadline_ms > 0) {
        str_add(&text, ", all within ");
        add_ms(&text, b->deadline_ms);
    }
    str_add(&text, "; never after an unknown outcome");
    rows_label(r, "Policy");
    rows_wrap(r, ROLE_TEXT, str_text(&text));
    str_fini(&text);
}

static void put_lock(struct rows *r, struct page *page, const struct step_view *view,
                     const struct run_page *data)
{
    struct engine_run holder;
    struct str text = {0};
    if (data->lock == NULL) {
        return;
    }
    bool taken =
        lock_holder(console_engine(page->console), data->lock, &holder) != NULL && holder.id != view->run.id;
    str_addf(&text, "\"%s\", one run at a time", data->lock);
    if (taken) {
        str_addf(&text, ": run %lld (%s) holds it now", (long long)holder.id,
                 holder.owner != NULL ? holder.owner : holder.actor);
    }
    rows_label(r, "Lock");
    rows_wrap(r, taken ? ROLE_DEGRADED : ROLE_TEXT, str_text(&text));
    str_fini(&text);
}

static void put_progress(struct rows *r, struct page *page, const struct step_view *view)
{
    struct run_context context;
    char incident[24], run[24];
    step_context(page->console, view, &context, incident, run);
    char *job = run_follow(view->run.run, view->index, &context);
    if (job != NULL) {
        struct str text = {0};
        str_addf(&text, "that of the job %s, shown while it runs", job);
        rows_label(r, "Progress");
        rows_wrap(r, ROLE_TEXT, str_text(&text));
        str_fini(&text);
        free(job);
    }
}

void confirm_rows_powers(struct rows *r, struct page *page, const struct step_view *view,
                         const struct run_page *data)
{
    if (data->approvals > 0) {
        put_approvals(r, page, view, data);
    }
    put_parts(r, view, data);
    put_policy(r, data);
    put_lock(r, page, view, data);
    put_progress(r, page, view);
}
