/* What a step needs of others before it acts: its lock, and other people's approvals of the exact command. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/runbook/run_state.h"

/* ---- Locks ---- */

int lock_text(const struct run *run, int step, char **text, struct err *e)
{
    const struct step *s = STEP(run, step);
    *text = s->lock ? values_expand(run, s->lock, false) : NULL;
    bool good = !*text || (**text && strlen(*text) <= RUN_LOCK_MAX);
    for (const char *c = *text; c && *c && good; c++)
        good = (unsigned char)*c >= 0x20 && *c != 0x7f;
    if (good)
        return 0;
    int code = err_set(e, ERR_RANGE, "%s: its lock is one line of at most %d bytes, not \"%.60s\"", s->id,
                       RUN_LOCK_MAX, *text);
    free(*text);
    *text = NULL;
    return code;
}

struct lock *lock_find(const struct run *run, uint64_t ticket)
{
    for (size_t i = 0; i < run->locks.len; i++)
        if (!run->locks.data[i].held && run->locks.data[i].ticket == ticket)
            return &run->locks.data[i];
    return NULL;
}

static const struct lock *lock_of(const struct run *run, const char *text)
{
    for (size_t i = 0; i < run->locks.len; i++)
        if (str_eq(run->locks.data[i].text, text))
            return &run->locks.data[i];
    return NULL;
}

static void say_lock(struct run *run, enum run_effect_kind kind, int step, uint64_t ticket, const char *text)
{
    struct run_effect *e = run_effect_add(run, kind);
    if (!e)
        return;
    e->step = step;
    e->ticket = ticket;
    snprintf(e->text, sizeof e->text, "%s", text);
}

bool lock_ask(struct run *run, int step)
{
    char *text = NULL;
    if (run->rehearsed || lock_text(run, step, &text, NULL) || !text)
        return false;
    const struct lock *ours =
        lock_of(run, text); /* by another step of this run: its outcome isn't known yet */
    bool held = ours && ours->held;
    struct lock *lock = vec_push(&run->locks);
    *lock = (struct lock){.step = step, .text = text, .held = held};
    if (!held) {
        lock->ticket = ++run->last_ticket;
        say_lock(run, EFFECT_LOCK, step, lock->ticket, text);
    }
    return !held;
}

void lock_answer(struct run *run, const struct run_input *in)
{
    struct lock *lock = lock_find(run, in->ticket);
    int step = lock->step;
    if (in->kind == INPUT_LOCKED) {
        lock->held = true;
        act_locked(run, step);
        return;
    }
    char *why = xasprintf("the lock \"%s\" is held by %.100s", lock->text,
                          in->value && *in->value ? in->value : "somebody else");
    free(lock->text);
    vec_remove(&run->locks, (size_t)(lock - run->locks.data));
    run_record(run, step, "nothing was run: %s", why);
    act_back(run, step, why);
    free(why);
}

static bool lock_needed(const struct run *run, int step)
{
    const struct step_state *st = STATE(run, step);
    return st->outcome == OUTCOME_RUNNING || (st->outcome == OUTCOME_UNKNOWN && st->ask == ASK_UNKNOWN);
}

void locks_sweep(struct run *run)
{
    for (size_t i = 0; i < run->locks.len;) {
        struct lock lock = run->locks.data[i];
        if (lock_needed(run, lock.step)) {
            i++;
            continue;
        }
        vec_remove(&run->locks, i);
        if (!lock_of(run, lock.text))
            say_lock(run, EFFECT_UNLOCK, lock.step, 0, lock.text);
        free(lock.text);
    }
}

size_t run_locks(const struct run *run, struct run_lock *out, size_t limit)
{
    for (size_t i = 0; i < run->locks.len && i < limit; i++) {
        const struct lock *lock = &run->locks.data[i];
        out[i] = (struct run_lock){
            .ticket = lock->ticket, .step = lock->step, .text = lock->text, .held = lock->held};
    }
    return run->locks.len;
}

/* ---- Approvals ---- */

static bool is_live(const struct approval *a, int64_t now)
{
    return now - a->given_ms < RUN_APPROVAL_MS;
}

static int digest_of(const struct run *run, int step, const char *where, char hex[static SHA256_HEX_SIZE],
                     struct err *e)
{
    return run_command_digest(run, step, where, hex, e);
}

int approvals_missing(const struct run *run, int step, const char *actor, const char *where, int64_t now)
{
    const struct step *s = STEP(run, step);
    const char *requester = STATE(run, step)->requester;
    char digest[SHA256_HEX_SIZE];
    struct err ignored;
    int there = 0;
    if (s->approvals == 0 || run->rehearsed)
        return 0;
    if (digest_of(run, step, where, digest, &ignored))
        return s->approvals;
    for (size_t i = 0; i < run->approvals.len; i++) {
        const struct approval *a = &run->approvals.data[i];
        if (a->step != step || !is_live(a, now) || !str_eq(a->digest, digest))
            continue;
        if (a->glass)
            return 0;
        there += !str_eq(a->actor, requester) && !str_eq(a->actor, actor);
    }
    return there < s->approvals ? s->approvals - there : 0;
}

/* Its page was opened, and nothing of it was run since. */
static bool is_asked_for(const struct run *run, int step)
{
    const struct step_state *st = STATE(run, step);
    return st->requester && (st->outcome == OUTCOME_PENDING || st->outcome == OUTCOME_ARMED);
}

static bool has_approved(const struct run *run, int step, const char *actor, const char *digest, int64_t now)
{
    for (size_t i = 0; i < run->approvals.len; i++) {
        const struct approval *a = &run->approvals.data[i];
        if (a->step == step && !a->glass && is_live(a, now) && str_eq(a->actor, actor) &&
            str_eq(a->digest, digest))
            return true;
    }
    return false;
}

static int admit_given(const struct run *run, const struct run_input *in, const char *digest, int64_t now,
                       struct err *e)
{
    const char *id = STEP(run, in->step)->id;
    if (!str_eq(in->value, digest))
        return err_set(e, ERR_DENIED, "%s: what is approved is not what it would run now: read it again", id);
    if (str_eq(in->actor, STATE(run, in->step)->requester))
        return err_set(e, ERR_DENIED, "%s: who opened its page can't approve it: another person must", id);
    if (has_approved(run, in->step, in->actor, digest, now))
        return err_set(e, ERR_EXISTS, "%s: %s has approved it already", id, in->actor);
    return 0;
}

int approval_admit(const struct run *run, const struct run_input *in, int64_t now, struct err *e)
{
    const struct step *s = STEP(run, in->step);
    char digest[SHA256_HEX_SIZE];
    bool glass = in->kind == INPUT_BREAK_GLASS;
    if (s->approvals == 0 || run->rehearsed)
        return err_set(e, ERR_USAGE, "%s needs no approval", s->id);
    if (!in->actor || !*in->actor)
        return err_set(e, ERR_DENIED, "%s: an approval without a person", s->id);
    if (!is_asked_for(run, in->step) || (glass && STATE(run, in->step)->outcome != OUTCOME_ARMED))
        return err_set(e, ERR_USAGE, "%s: nobody asks for its approval now: open its page first", s->id);
    if (glass && (!in->reason || !in->reason[strspn(in->reason, " \t\n")]))
        return err_set(e, ERR_USAGE, "%s: breaking the glass needs a reason", s->id);
    int code = digest_of(run, in->step, in->where, digest, e);
    if (code)
        return code;
    return glass ? 0 : admit_given(run, in, digest, now, e);
}

void approval_give(struct run *run, const struct run_input *in)
{
    struct approval *a = vec_push(&run->approvals);
    struct err ignored;
    *a = (struct approval){.step = in->step,
                           .actor = xstrdup(in->actor),
                           .reason = xstrdup(in->reason ? in->reason : ""),
                           .where = xstrdup(in->where ? in->where : ""),
                           .has_signature = in->has_signature,
                           .glass = in->kind == INPUT_BREAK_GLASS,
                           .given_ms = run->now_ms};
    digest_of(run, in->step, in->where, a->digest, &ignored);
    if (a->glass)
        run_note(run, in->step, "%s breaks the glass: %s", a->actor, a->reason);
    else
        run_note(run, in->step, "approved by %s%s", a->actor, a->has_signature ? "" : ", unsigned");
    run_wake(run, run->now_ms + RUN_APPROVAL_MS);
}

static void forget(struct run *run, size_t index)
{
    struct approval *a = &run->approvals.data[index];
    free(a->actor);
    free(a->reason);
    free(a->where);
    vec_remove(&run->approvals, index);
}

void approvals_use(struct run *run, int step)
{
    for (size_t i = run->approvals.len; i > 0; i--)
        if (run->approvals.data[i - 1].step == step)
            forget(run, i - 1);
}

void approvals_request(struct run *run, const struct run_input *in)
{
    struct step_state *st = STATE(run, in->step);
    struct err ignored;
    free(st->requester);
    st->requester = xstrdup(in->actor ? in->actor : "");
    if (approvals_missing(run, in->step, in->actor, in->where, run->now_ms) == 0)
        return;
    struct run_effect *e = run_effect_add(run, EFFECT_REQUEST);
    if (!e)
        return;
    e->step = in->step;
    if (digest_of(run, in->step, in->where, e->text, &ignored))
        e->text[0] = '\0';
}

/* Too old, or of something that it would no longer run. */
void approvals_sweep(struct run *run)
{
    for (size_t i = run->approvals.len; i > 0; i--) {
        const struct approval *a = &run->approvals.data[i - 1];
        char digest[SHA256_HEX_SIZE];
        struct err ignored;
        if (!is_asked_for(run, a->step)) {
            forget(run, i - 1);
        } else if (!is_live(a, run->now_ms)) {
            run_record(run, a->step, "the approval of %s has expired", a->actor);
            forget(run, i - 1);
        } else if (digest_of(run, a->step, a->where, digest, &ignored) || !str_eq(digest, a->digest)) {
            run_record(run, a->step, "the approval of %s is void: what would run has changed", a->actor);
            forget(run, i - 1);
        }
    }
}

size_t run_approvals(const struct run *run, struct run_approval *out, size_t limit)
{
    for (size_t i = 0; i < run->approvals.len && i < limit; i++) {
        const struct approval *a = &run->approvals.data[i];
        out[i] = (struct run_approval){.step = a->step,
                                       .actor = a->actor,
                                       .digest = a->digest,
                                       .reason = a->reason,
                                       .has_signature = a->has_signature,
                                       .glass = a->glass,
                                       .given_ms = a->given_ms,
                                       .expires_ms = a->given_ms + RUN_APPROVAL_MS};
    }
    return run->approvals.len;
}

int run_approvals_missing(const struct run *run, int step, const char *actor, const char *where)
{
    return approvals_missing(run, step, actor, where, run->now_ms);
}
