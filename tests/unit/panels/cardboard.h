/* An engine made of cardboard: what panels and console ask of it is answered from fields that a test fills.
 */
#ifndef BELAY_TESTS_PANELS_CARDBOARD_H
#define BELAY_TESTS_PANELS_CARDBOARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "tui/kit/kit.h"

#define STAGE_WALL 1795317261000000LL /* 2026-11-22T03:14:21Z */
#define STAGE_NOW  (1000000LL * US_PER_S)

struct engine {
    struct platform *platform;
    struct timeline *timeline;
    struct runbook *book;
    struct run *run; /* NULL: not started */
    int64_t clock_ms;
    const char *output;
    struct config *config;
    const char *trouble, *state_trouble, *badge;
    struct mutes mutes;
    const char *oncall;
    char *said; /* with what was asked for last: its text, or the change's */
    enum engine_request_kind asked_kind;
    char *const *left; /* what closing would leave behind; NULL: nothing */
    bool observer, has_incident, empty, offered, where_differs;
    int64_t resolved_us;          /* the incidents are; 0: they are open */
    bool unsettled;               /* runbooks are still being read */
    bool elsewhere;               /* another console walks the run */
    const char *edited;           /* what of its files has changed */
    const char *failing;          /* the step that exits with 1 */
    struct engine_approval asked; /* run 0: nothing */
    struct source_status sources[8];
    size_t source_count;
    struct source_status mirror; /* name NULL: none */
    unsigned requests;
    struct run_input last_input;
    char typed[256];
    char digest[SHA256_HEX_SIZE]; /* of the last REQUEST_APPROVE */
    void (*changed)(void *context, unsigned mask);
    void *changed_context;
};

/* ---- what panels and console ask ---- */

const struct config *engine_config(const struct engine *e)
{
    return e->config;
}
const char *engine_platform_name(const struct engine *e)
{
    (void)e;
    return "rag-prod";
}
const char *engine_badge(const struct engine *e)
{
    return e->badge;
}
const struct platform *engine_platform(const struct engine *e)
{
    return e->platform;
}
int64_t engine_now_us(const struct engine *e)
{
    (void)e;
    return STAGE_NOW;
}
bool engine_is_observer(const struct engine *e)
{
    return e->observer;
}
const char *engine_actor(const struct engine *e)
{
    (void)e;
    return "alice";
}
const char *engine_person(const struct engine *e)
{
    (void)e;
    return "alice (uid 1004)";
}
const char *engine_target(const struct engine *e)
{
    (void)e;
    return "rag-prod";
}
const char *engine_actor_line(const struct engine *e)
{
    (void)e;
    return "alice (uid 1004, key SHA256:k3...) on bastion-2";
}
const char *engine_watch_holder(const struct engine *e)
{
    (void)e;
    return NULL;
}
bool engine_mirror_status(const struct engine *e, struct source_status *row)
{
    *row = e->mirror;
    return e->mirror.name != NULL;
}

const char *engine_emergency(const struct engine *e)
{
    (void)e;
    return NULL;
}

const char *engine_emergency_made(const struct engine *e)
{
    (void)e;
    return NULL;
}

const char *engine_emergency_waiting(const struct engine *e)
{
    (void)e;
    return NULL;
}

const char *engine_trouble(const struct engine *e)
{
    return e->trouble;
}
const char *engine_state_trouble(const struct engine *e)
{
    return e->state_trouble;
}
const char *engine_lifetime_warning(const struct engine *e)
{
    (void)e;
    return NULL;
}
size_t engine_source_count(const struct engine *e)
{
    return e->source_count;
}
void engine_source_status(const struct engine *e, size_t index, struct source_status *status)
{
    *status = e->sources[index];
}
size_t engine_source_mishaps(const struct engine *e, size_t index,
                             struct source_mishap out[static SOURCE_MISHAPS])
{
    if (e->sources[index].failures == 0) {
        return 0;
    }
    out[0] = (struct source_mishap){.at_us = STAGE_WALL - 2 * US_PER_S, .class = "connect"};
    snprintf(out[0].text, sizeof out[0].text, "connection refused");
    return 1;
}
bool engine_measures(const struct engine *e, const char *target,
                     struct measures_sums spans[static MEASURES_SPAN_COUNT])
{
    (void)e;
    if (!str_starts(target, "source/")) {
        return false;
    }
    for (int span = 0; span < MEASURES_SPAN_COUNT; span++) {
        uint64_t polls = span == MEASURES_1M ? 30 : 2000;
        spans[span] = (struct measures_sums){.ok = polls - 1, .failed = 1, .attempts = polls};
        spans[span].by_class[FAILURE_CONNECT] = 1;
        spans[span].durations[2] = polls;
    }
    return true;
}
void entity_target(const struct entity *entity, char target[static TARGET_NAME_LIMIT + 1])
{
    (void)entity;
    target[0] = '\0';
}
size_t engine_runbook_count(const struct engine *e)
{
    return e->book != NULL ? 1 : 0;
}
void engine_runbook_at(const struct engine *e, size_t index, struct engine_runbook *view)
{
    (void)index;
    *view = (struct engine_runbook){.book = e->book,
                                    .path = e->book->path,
                                    .offered = e->offered,
                                    .offered_entity = e->offered ? "shard docs/shard-5" : NULL,
                                    .offered_since_us = STAGE_WALL - 500 * US_PER_S,
                                    .open_run = e->run != NULL ? 12 : 0};
}
bool engine_healing_at(const struct engine *e, size_t index, struct engine_healing *view)
{
    (void)e;
    (void)index;
    (void)view;
    return false;
}
size_t engine_run_count(const struct engine *e)
{
    return e->run != NULL ? 1 : 0;
}
bool engine_run_by_id(const struct engine *e, int64_t id, struct engine_run *view)
{
    if (e->run == NULL || id != 12) {
        return false;
    }
    *view = (struct engine_run){.id = 12,
                                .incident = e->has_incident ? 7 : 0,
                                .run = e->run,
                                .book = e->book,
                                .actor = "alice",
                                .entity = "shard docs/shard-5",
                                .started_us = STAGE_WALL - e->clock_ms * US_PER_MS,
                                .edited = e->edited,
                                .ended = run_ended(e->run, NULL),
                                .elsewhere = e->elsewhere,
                                .owner = e->elsewhere ? "alice@bastion-2 #5f1c09" : "bob@bastion-1 #09ae11",
                                .current_step = run_current(e->run)};
    return true;
}
bool engine_run_at(const struct engine *e, size_t index, struct engine_run *view)
{
    return index == 0 && engine_run_by_id(e, 12, view);
}
int64_t engine_run_clock_ms(const struct engine *e, int64_t run)
{
    (void)run;
    return e->clock_ms;
}
const char *engine_step_output(const struct engine *e, int64_t run, int step)
{
    (void)run;
    (void)step;
    return e->output;
}
bool engine_step_usual_ms(const struct engine *e, int64_t run, int step, int64_t *low_ms, int64_t *high_ms)
{
    (void)e;
    (void)run;
    (void)step;
    *low_ms = 6 * 60000;
    *high_ms = 9 * 60000;
    return true;
}
void engine_where(const struct engine *e, struct engine_where *where)
{
    *where =
        (struct engine_where){.text = e->where_differs ? "kubectl context staging, NOT prod-eu as configured"
                                                       : "kubectl context prod-eu",
                              .configured = true,
                              .matches = !e->where_differs,
                              .observed_us = STAGE_NOW - 1000000};
}
bool engine_listed(const struct engine *e)
{
    return !e->unsettled;
}
size_t engine_approval_count(const struct engine *e)
{
    return e->asked.run != 0;
}
bool engine_approval_at(const struct engine *e, size_t index, struct engine_approval *view)
{
    *view = e->asked;
    return index == 0 && e->asked.run != 0;
}
const char *engine_signing(const struct engine *e)
{
    (void)e;
    return "signed through the agent by this session's key, SHA256:b0b...";
}
size_t engine_incident_count(const struct engine *e)
{
    return e->has_incident ? 2 : 0;
}
bool engine_incident_at(const struct engine *e, size_t index, struct journal_incident *incident)
{
    if (!e->has_incident || index > 1) {
        return false;
    }
    *incident = (struct journal_incident){.number = index == 0 ? 7 : 6,
                                          .state = e->resolved_us ? INCIDENT_RESOLVED : INCIDENT_OPEN,
                                          .resolved_us = e->resolved_us,
                                          .title = "customers see empty answers",
                                          .severity = "SEV2",
                                          .opened_by = "alice",
                                          .opened_us = STAGE_WALL - 14 * 60 * US_PER_S};
    return true;
}
const struct mutes *engine_mutes(const struct engine *e)
{
    return &e->mutes;
}
const char *engine_oncall(const struct engine *e)
{
    return e->oncall;
}
void engine_leftovers_read(const struct engine *e, int64_t incident, engine_sheet *done, void *context)
{
    (void)incident;
    done(context, NULL, "", e->left);
}
void engine_handover_read(const struct engine *e, engine_sheet *done, void *context)
{
    (void)e;
    done(context, NULL, "Hand-over of rag-prod\n\nINC-7 SEV2 open\n", NULL);
}
size_t engine_changes(const struct engine *e)
{
    (void)e;
    return 0;
}

int64_t engine_focused_incident(const struct engine *e)
{
    return e->has_incident ? 7 : 0;
}
const struct timeline *engine_timeline(const struct engine *e)
{
    return e->timeline;
}
struct journal *engine_journal(const struct engine *e)
{
    (void)e;
    return NULL;
}
void engine_event_read(const struct engine *e, int64_t seq, void (*done)(void *context, const char *text),
                       void *context)
{
    (void)e;
    char text[64];
    snprintf(text, sizeof text, "everything about event %lld\n", (long long)seq);
    done(context, text);
}
int engine_terminal_wanted(const struct engine *e, int64_t run)
{
    (void)e;
    (void)run;
    return STEP_NONE;
}
int engine_terminal_give(struct engine *e, int64_t run, const struct engine_terminal *terminal,
                         struct err *why)
{
    (void)e;
    (void)run;
    (void)terminal;
    return err_set(why, ERR_NOT_FOUND, "no step waits for a terminal");
}
void engine_terminal_type(struct engine *e, int64_t run, const char *bytes, size_t length)
{
    (void)e;
    (void)run;
    (void)bytes;
    (void)length;
}
void engine_terminal_resize(struct engine *e, int64_t run, int width, int height)
{
    (void)e;
    (void)run;
    (void)width;
    (void)height;
}
void engine_terminal_redraw(struct engine *e, int64_t run)
{
    (void)e;
    (void)run;
}
void engine_terminal_pause(struct engine *e, int64_t run, bool paused)
{
    (void)e;
    (void)run;
    (void)paused;
}
void engine_terminal_forget(struct engine *e, int64_t run)
{
    (void)e;
    (void)run;
}
void engine_subscribe(struct engine *e, void (*changed)(void *context, unsigned mask), void *context)
{
    e->changed = changed;
    e->changed_context = context;
}
void engine_unsubscribe(struct engine *e, void *context)
{
    (void)context;
    e->changed = NULL;
}
void engine_submit(struct engine *e, const struct engine_request *request, engine_done *done, void *context)
{
    struct err error = {0};
    e->requests++;
    e->asked_kind = request->kind;
    const struct incident_change *change = request->change;
    const char *said = change != NULL ? change->text : request->text;
    snprintf(e->digest, sizeof e->digest, "%s", request->digest != NULL ? request->digest : "");
    free(e->said);
    e->said = xasprintf("%s%s%s%s%s", change != NULL && change->role ? change->role : "",
                        change != NULL && change->role ? " " : "",
                        change != NULL && change->person ? change->person
                        : said                           ? said
                                                         : "",
                        request->entity ? " @ " : "", request->entity ? request->entity : "");
    if (request->kind == REQUEST_RUN_INPUT) {
        struct run_input input = *request->input;
        input.at_ms = e->clock_ms;
        e->last_input = input;
        snprintf(e->typed, sizeof e->typed, "%s", input.value != NULL ? input.value : "");
        if (e->run != NULL) {
            run_apply(e->run, &input, NULL, &error);
        }
    }
    if (done != NULL) {
        done(context, error.code, error.msg, 0);
    }
}

#endif
