/* The onlooker's part for the powers: items, attempts, rungs, locks, approvals. It judges by the document,
 * the results that it saw and a clock of its own. */
#ifndef BELAY_TESTS_ONLOOKER_PARTS_H
#define BELAY_TESTS_ONLOOKER_PARTS_H

#include "tests/unit/runbook/world.h"

static inline const struct backoff *policy_of(const struct world *w, const struct step *s)
{
    return !s->policy ? NULL : &w->policies[s->policy[1] - '0'].backoff;
}

static inline enum last verdict_of(const struct step *s, const struct run_result *r)
{
    if (r->end == END_NOT_STARTED)
        return LAST_NOT_BEGUN;
    if (r->end != END_EXITED)
        return LAST_UNSURE;
    if (!s->expect)
        return r->exit == 0 ? LAST_PASSED : r->exit == 1 ? LAST_FAILED : LAST_UNSURE;
    return r->exit != 0 || r->match == MATCH_UNDECIDED || r->match == MATCH_NONE ? LAST_UNSURE
           : r->match == MATCH_YES                                               ? LAST_PASSED
                                                                                 : LAST_FAILED;
}

/* ---- Locks ---- */

static inline struct asked *asked_for(struct world *w, const char *text)
{
    for (size_t i = 0; i < w->locks.len; i++)
        if (str_eq(w->locks.data[i].text, text))
            return &w->locks.data[i];
    return NULL;
}

static inline void lock_name(const struct world *w, const struct step *s, char text[RUN_LOCK_MAX + 1])
{
    const char *ns = "";
    for (size_t i = 0; i < run_value_count(w->run); i++) {
        struct run_value v;
        run_value_at(w->run, i, &v);
        if (str_eq(v.name, "NS"))
            ns = v.value;
    }
    bool of = str_starts(s->lock, "of-");
    snprintf(text, RUN_LOCK_MAX + 1, "%s%s", of ? "of-" : s->lock, of ? ns : "");
}

/* As long as nobody knows how an act ended, its lock is held. */
static inline void see_unlock(struct world *w, const char *text)
{
    int now = run_current(w->run);
    struct run_step s;
    char own[RUN_LOCK_MAX + 1];
    if (now == STEP_NONE || !w->book->steps.data[now].lock)
        return;
    run_step_at(w->run, now, &s);
    lock_name(w, &w->book->steps.data[now], own);
    blame(w, s.ask != ASK_UNKNOWN || !str_eq(own, text), "the lock of an unknown outcome was given back");
}

static inline void see_lock(struct world *w, const struct run_effect *e)
{
    if (e->kind == EFFECT_LOCK) {
        blame(w, !asked_for(w, e->text), "a lock is asked for that it has");
        struct asked *a = vec_push(&w->locks);
        a->ticket = e->ticket;
        snprintf(a->text, sizeof a->text, "%.*s", RUN_LOCK_MAX, e->text);
    } else if (e->kind == EFFECT_UNLOCK) {
        struct asked *a = asked_for(w, e->text);
        blame(w, a != NULL, "a lock is given back that it doesn't have");
        if (!a)
            return;
        see_unlock(w, e->text);
        if (!a->held)
            *vec_push(&w->dropped) = *a;
        vec_remove(&w->locks, (size_t)(a - w->locks.data));
    }
}

static inline void see_answer(struct world *w, const struct run_input *in)
{
    for (size_t i = 0; i < w->locks.len; i++)
        if (!w->locks.data[i].held && w->locks.data[i].ticket == in->ticket) {
            w->locks.data[i].held = true;
            w->counts[SEEN_LOST_LOCKS] += in->kind == INPUT_REFUSED;
            if (in->kind == INPUT_REFUSED)
                vec_remove(&w->locks, i);
            return;
        }
    blame(w, false, "the answer to a lock that it doesn't wait for was taken");
}

static inline void see_held(struct world *w, int step)
{
    const struct step *s = &w->book->steps.data[step];
    char text[RUN_LOCK_MAX + 1];
    if (!s->lock)
        return;
    lock_name(w, s, text);
    struct asked *a = asked_for(w, text);
    blame(w, a && a->held, "it acts without its lock");
    w->counts[SEEN_LOCKED]++;
}

/* ---- Approvals ---- */

static inline void see_given(struct world *w, const struct run_input *in)
{
    const struct known *k = &w->known[in->step];
    bool glass = in->kind == INPUT_BREAK_GLASS;
    blame(w, k->opener != NULL, "an approval that nobody asked for was taken");
    blame(w, glass || !str_eq(k->opener, in->actor), "the requester has approved it");
    *vec_push(&w->approvals) = (struct given){.step = in->step,
                                              .actor = in->actor,
                                              .where = in->where,
                                              .values = values_sum(w->run),
                                              .at_ms = in->at_ms,
                                              .glass = glass};
}

static inline void see_confirm(struct world *w, const struct run_input *in)
{
    const struct step *s = &w->book->steps.data[in->step];
    struct known *k = &w->known[in->step];
    int others = 0;
    bool glass = false;
    for (size_t i = 0; i < w->approvals.len; i++) {
        struct given *g = &w->approvals.data[i];
        if (g->step != in->step)
            continue;
        bool good = !g->over && in->at_ms - g->at_ms < RUN_APPROVAL_MS && str_eq(g->where, in->where) &&
                    g->values == values_sum(w->run);
        bool twice = false;
        for (size_t j = 0; j < i; j++)
            twice |= w->approvals.data[j].step == in->step && !w->approvals.data[j].over &&
                     !w->approvals.data[j].glass && str_eq(w->approvals.data[j].actor, g->actor);
        glass |= good && g->glass;
        others += good && !g->glass && !twice && !str_eq(g->actor, in->actor) && !str_eq(g->actor, k->opener);
    }
    for (size_t i = 0; i < w->approvals.len; i++)
        w->approvals.data[i].over |= w->approvals.data[i].step == in->step;
    blame(w, glass || others >= s->approvals, "it was confirmed without the approvals that it needs");
    w->counts[SEEN_APPROVED] += s->approvals > 0 && others >= s->approvals;
    w->counts[SEEN_GLASSES] += glass;
    k->licensed = false;
    for (int i = 0; i < PARTS_MAX; i++)
        k->parts[i].runs = 0;
    k->rung_ms = -1;
    k->guard = GUARD_NONE;
    k->wanted = PART_NONE;
    if (s->rungs && k->rung == (int)strv_count(s->rungs) - 1)
        k->raised = --k->rung;
}

/* Void stays void, too old stays too old. */
static inline void see_void(struct world *w)
{
    for (size_t i = 0; i < w->approvals.len; i++) {
        struct given *g = &w->approvals.data[i];
        bool changed = g->values != values_sum(w->run), old = w->now_ms - g->at_ms >= RUN_APPROVAL_MS;
        w->counts[SEEN_VOID] += !g->over && changed;
        w->counts[SEEN_EXPIRED] += !g->over && old;
        g->over |= changed || old;
    }
}

/* ---- Parts ---- */

static inline void see_rung(struct world *w, const struct run_effect *e)
{
    const struct step *s = &w->book->steps.data[e->step];
    struct known *k = &w->known[e->step];
    int p = e->part;
    bool again = p == k->wanted && k->parts[p].last == LAST_FAILED; /* by its policy */
    if (again)
        return;
    k->wanted = p;
    if (p > k->rung) {
        blame(w, p == k->rung + 1, "a rung was left out");
        blame(w, s->guard == STEP_NONE || k->guard == GUARD_FINE,
              "a rung was raised after a worse guard, or none");
        blame(w, k->rung_ms < 0 || w->now_ms - k->rung_ms >= s->rung_hold.ms, "a rung was not held");
        w->counts[SEEN_RAISED] += s->guard != STEP_NONE;
    } else {
        blame(w, k->guard == GUARD_WORSE, "it stepped back, and nothing was worse");
        blame(w, p == k->raised - 1, "it stepped back by more than one rung");
        w->counts[SEEN_BACK]++;
    }
    k->guard = GUARD_NONE;
}

/* Once, unless it may be repeated, failed for certain, and has attempts and time left. */
static inline void see_again(struct world *w, const struct step *s, const struct part_known *p)
{
    const struct backoff *policy = policy_of(w, s);
    bool failed = p->last == LAST_FAILED;
    for (size_t i = 0; i < s->verify.len && !s->items && !s->rungs;
         i++) { /* too few items fail without a result */
        struct run_step verify;
        run_step_at(w->run, s->verify.data[i], &verify);
        failed |= verify.outcome == OUTCOME_FAILED;
    }
    blame(w, failed, "it was repeated, and had not failed for certain");
    blame(w, s->idempotent && policy, "what is not idempotent was repeated by itself");
    if (!policy)
        return;
    blame(w, p->runs < policy->attempts, "more attempts than its policy allows");
    blame(w, w->now_ms - p->ended_ms >= backoff_series_ms(policy, p->runs - 1), "an attempt came too early");
    blame(w, !policy->deadline_ms || w->now_ms - p->begun_ms < policy->deadline_ms,
          "an attempt was begun past the deadline");
    w->counts[SEEN_TRIES]++;
}

static inline void see_part(struct world *w, const struct run_effect *e, bool first)
{
    const struct step *s = &w->book->steps.data[e->step];
    struct known *k = &w->known[e->step];
    struct part_known *p = &k->parts[e->part == PART_NONE ? 0 : e->part];
    bool back = s->rungs && k->guard == GUARD_WORSE;
    blame(w, (e->part == PART_NONE) == (!s->items && !s->rungs),
          "a part of a step that has none, or the whole of one");
    blame(w, !w->stopped, "it acted after the run was stopped");
    see_held(w, e->step);
    if (s->rungs)
        see_rung(w, e);
    if (p->runs > 0 && !back)
        see_again(w, s, p);
    blame(w, !p->ok || !s->items || s->kind != STEP_ACTION, "an item that was ok was run again");
    blame(w, !s->items || (int64_t)items_count(w->items[s->items[1] - '0']) >= s->minimum,
          "fewer items than the minimum, and they were run");
    w->counts[SEEN_ITEMS] += s->items != NULL;
    w->counts[SEEN_ITEMS_AGAIN] += s->items && e->attempt > 1 && p->runs == 0;
    if (p->runs++ == 0 || first)
        p->begun_ms = w->now_ms;
    p->last = LAST_RUNS;
    struct run_ticket tickets[64];
    size_t count = run_tickets(w->run, tickets, 64), mine = 0;
    for (size_t i = 0; i < count; i++) {
        blame(w, !run_role_acts(tickets[i].role) || tickets[i].step == e->step, "two act at once");
        mine += run_role_acts(tickets[i].role);
    }
    blame(w, mine <= (s->items ? (size_t)s->parallel : 1), "more at a time than allowed");
}

static inline void see_guard(struct world *w, int step, enum last verdict, const char *output)
{
    const struct step *s = &w->book->steps.data[step];
    struct known *k = &w->known[step];
    double value = 0;
    struct run_step after;
    run_step_at(w->run, step, &after);
    if (after.outcome != OUTCOME_RUNNING && !k->has_baseline)
        return; /* it came too late to be a baseline: cancelled, stopped, adopted */
    bool number = output && number_parse(output, &value);
    k->guard = verdict == LAST_FAILED && k->has_baseline ? GUARD_WORSE : GUARD_UNSURE;
    if (verdict != LAST_PASSED)
        return;
    k->guard = GUARD_FINE;
    if (!k->has_baseline) {
        k->has_baseline = true;
        k->baseline_is_number = number;
        k->baseline = value;
    } else if (k->baseline_is_number && !number) {
        k->guard = GUARD_UNSURE;
    } else if (k->baseline_is_number) {
        double slack = k->baseline * (double)s->guard_slack / 1e6;
        bool worse = s->guard_lower ? value > k->baseline + slack : value < k->baseline - slack;
        k->guard = worse ? GUARD_WORSE : GUARD_FINE;
    }
}

static inline void see_part_result(struct world *w, const struct run_input *in, const struct run_ticket *t)
{
    const struct step *s = &w->book->steps.data[t->step];
    enum last verdict = verdict_of(s, &in->result);
    int now = run_current(w->run);
    if (t->role == ROLE_GUARD && now != STEP_NONE && w->book->steps.data[now].guard == t->step)
        see_guard(w, now, verdict, in->result.output);
    bool whole = now != STEP_NONE && !w->book->steps.data[now].items && !w->book->steps.data[now].rungs;
    if (t->role == ROLE_VERIFY && verdict == LAST_FAILED && whole) {
        w->known[now].parts[0].last = LAST_FAILED; /* for certain, whatever it had seemed to be */
        w->known[now].parts[0].ended_ms = in->at_ms;
    }
    if (!run_role_acts(t->role))
        return;
    struct known *k = &w->known[t->step];
    struct part_known *p = &k->parts[t->part == PART_NONE ? 0 : t->part];
    p->last = verdict;
    p->ended_ms = in->at_ms;
    p->ok = verdict == LAST_PASSED;
    if (!s->rungs)
        return;
    if (verdict == LAST_PASSED) {
        k->rung = k->raised = t->part;
        k->rung_ms = in->at_ms;
    } else if (verdict == LAST_UNSURE && t->part > k->raised) {
        k->raised = t->part;
    }
}

/* An act with items is over: its parts are those that were seen, and its outcome is what they come to. */
static inline void see_items(struct world *w, int step, const struct run_parts *parts,
                             enum run_outcome outcome)
{
    const struct step *s = &w->book->steps.data[step];
    const struct known *k = &w->known[step];
    size_t count[LAST_NOT_BEGUN + 1] = {0}, ok = 0;
    for (size_t i = 0; i < parts->total; i++) {
        count[k->parts[i].runs ? k->parts[i].last : LAST_NONE]++;
        ok += k->parts[i].ok;
    }
    blame(w, parts->running == 0 && parts->waiting == 0, "a step is over, and some of its items are not");
    blame(w, parts->ok == ok, "items that ended ok are counted wrong");
    blame(w, parts->unknown + parts->cancelled == count[LAST_UNSURE], "unknown items are counted wrong");
    blame(w, parts->cancelled == 0, "an act is cancelled for certain");
    bool all = (int64_t)parts->ok * 1000000 >= s->threshold * (int64_t)parts->total;
    if (outcome == OUTCOME_WARN || outcome == OUTCOME_OK) {
        blame(w, s->verify.len > 0 || all, "fewer items ok than the threshold, and the step passed");
        blame(w, s->verify.len > 0 || parts->unknown == 0 || s->idempotent,
              "an unknown item, and the step passed");
        blame(w, parts->skipped == 0 || s->verify.len > 0, "items were left out, and the step passed");
    } else if (outcome == OUTCOME_FAILED) {
        blame(w, parts->ok < parts->total || s->verify.len > 0 || (int64_t)parts->total < s->minimum,
              "all items ok, and the step failed");
    }
}

static inline void see_parts(struct world *w, int before, bool person)
{
    struct run_step now = {.outcome = OUTCOME_RUNNING};
    if (before != STEP_NONE)
        run_step_at(w->run, before, &now);
    if (now.outcome != OUTCOME_RUNNING) /* the confirmation was good for what is over now */
        w->known[before].confirmed = false;
    int next = run_current(w->run);
    bool from_undo =
        before != STEP_NONE && str_eq(w->book->steps.data[before].id, "u0"); /* back where it was */
    bool detour =
        next != before && next != STEP_NONE && w->book->steps.data[next].kind == STEP_ROLLBACK && !from_undo;
    for (int k = 0; detour && k < PARTS_MAX; k++) /* a rollback or undo begins with all of it, each time */
        w->known[next].parts[k].ok = false;
    for (size_t i = 0; i < w->book->steps.len; i++) {
        const struct step *s = &w->book->steps.data[i];
        struct run_parts parts;
        struct run_step view;
        if (!s->items && !s->rungs)
            continue;
        run_parts_at(w->run, (int)i, &parts);
        run_step_at(w->run, (int)i, &view);
        blame(w,
              parts.total == parts.pending + parts.running + parts.ok + parts.failed + parts.skipped +
                                 parts.cancelled + parts.unknown,
              "parts don't add up");
        if (view.undone) {
            w->known[i].rung = w->known[i].raised = PART_NONE;
            memset(w->known[i].parts, 0, sizeof w->known[i].parts);
        }
        bool over = view.outcome >= OUTCOME_OK && view.outcome != OUTCOME_SKIPPED;
        if ((int)i == before && over && !person && s->items && acts(w, before))
            see_items(w, before, &parts, view.outcome);
    }
}

#endif
