#include <stdlib.h>

#include "engine/postmortem/story.h"
#include "engine/runbook/runbook.h"

static const struct {
    const char *name;
    bool asks;
} kinds[] = {
#define X(NAME, name, asks) [LEFTOVER_##NAME] = {name, asks},
    LEFTOVERS(X)
#undef X
};

const char *leftover_name(enum leftover_kind kind)
{
    return kinds[kind].name;
}

static void add(struct leftovers *left, enum leftover_kind kind, int64_t run, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void add(struct leftovers *left, enum leftover_kind kind, int64_t run, const char *format, ...)
{
    struct str text = {0}, clean = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    utf8_clean(&clean, str_text(&text), text.len, false);
    *vec_push(left) = (struct leftover){kind, run, str_take(&clean)};
    str_fini(&text);
}

static void add_run(struct leftovers *left, const struct story_run *run)
{
    char since[CLOCK_TEXT_SIZE];
    const struct story_step *last = NULL;
    int64_t newest = 0;
    for (size_t i = 0; i < run->steps.len; i++) {
        const struct story_step *step = &run->steps.data[i];
        const struct story_execution *x =
            step->executions.len ? &step->executions.data[step->executions.len - 1] : NULL;
        int64_t seq = !x ? 0 : x->outcome_seq ? x->outcome_seq : x->intent_seq;
        if (seq > newest) {
            newest = seq;
            last = step;
        }
    }
    clock_format(run->started_us, since);
    add(left, LEFTOVER_RUN, run->number, "run %lld, %s, by %s since %.16sZ%s%s%s%s", (long long)run->number,
        run->title, run->who, since, last ? "; last: " : "", last ? last->title : "", last ? " " : "",
        last ? story_step_outcome(last) : "");
}

static void add_unknowns(struct leftovers *left, const struct story_run *run)
{
    for (size_t i = 0; i < run->steps.len && !run->rehearsed; i++) {
        const struct story_step *step = &run->steps.data[i];
        bool acts = false;
        for (size_t k = 0; k < step->executions.len; k++)
            acts = acts || step->executions.data[k].acts;
        if (acts && str_eq(story_step_outcome(step), "unknown"))
            add(left, LEFTOVER_UNKNOWN, run->number, "run %lld, %s: what came of it is unknown%s%s",
                (long long)run->number, step->title, step->reason && *step->reason ? ": " : "",
                step->reason ? step->reason : "");
    }
}

/* Not asked for lately any more, or the step has gone on since. */
static bool approval_waits(struct event *const *events, size_t count, size_t index, const char *step,
                           const char *digest, int64_t needs, int64_t now_us)
{
    const struct event *asked = events[index];
    int64_t good_us = RUN_APPROVAL_MS * US_PER_MS, given = 0;
    if (now_us - asked->at_us >= good_us)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct event *event = events[i];
        cJSON *data = event->run == asked->run ? json_parse(event->data, strlen(event->data), NULL) : NULL;
        bool same = str_eq(json_string(data, "digest", ""), digest);
        bool later = i > index && str_eq(json_string(data, "step", ""), step);
        bool over = i > index && event->run == asked->run && event->kind == EVENT_RUN_ENDED;
        over |= later && (event->kind == EVENT_APPROVAL_REQUESTED || event->kind == EVENT_STEP_INTENT ||
                          event->kind == EVENT_STEP_CONCLUDED);
        given += same && event->kind == EVENT_APPROVAL_GIVEN && now_us - event->at_us < good_us;
        given -= same && event->kind == EVENT_APPROVAL_REFUSED && now_us - event->at_us < good_us;
        cJSON_Delete(data);
        if (over)
            return false;
    }
    return given < needs;
}

void leftover_approvals(struct leftovers *left, struct event *const *events, size_t count, int64_t now_us)
{
    for (size_t i = 0; i < count; i++) {
        const struct event *event = events[i];
        if (event->kind != EVENT_APPROVAL_REQUESTED)
            continue;
        cJSON *data = json_parse(event->data, strlen(event->data), NULL);
        const char *step = json_string(data, "step", "");
        if (approval_waits(events, count, i, step, json_string(data, "digest", ""),
                           json_int(data, "needs", 1), now_us))
            add(left, LEFTOVER_APPROVAL, event->run,
                "run %lld, %s: %s waits for an approval (belay approve %lld %s)", (long long)event->run,
                json_string(data, "title", step), json_string(data, "by", "somebody"), (long long)event->run,
                step);
        cJSON_Delete(data);
    }
}

static void add_changes(struct leftovers *left, const struct story *story)
{
    struct story_lasting *lasting;
    size_t count = story_lasting(story, &lasting);
    for (size_t i = 0; i < count; i++) {
        const char *outcome = story_step_outcome(lasting[i].step), *undo = lasting[i].undo;
        if (!lasting[i].undone_by && !str_eq(outcome, "unknown"))
            add(left, LEFTOVER_CHANGED, lasting[i].run->number, "run %lld, %s: %s; %s%s",
                (long long)lasting[i].run->number, lasting[i].step->title, outcome,
                *undo ? "can be taken back by " : "no way back is declared", undo);
    }
    free(lasting);
}

static void add_mutes(struct leftovers *left, struct journal *j, int64_t incident, int64_t now_us)
{
    struct mutes mutes;
    char until[CLOCK_TEXT_SIZE];
    mutes_read(j, now_us, &mutes, NULL);
    for (size_t i = 0; i < mutes.len; i++) {
        clock_format(mutes.data[i].until_us, until);
        if (mutes.data[i].incident == incident)
            add(left, LEFTOVER_MUTED, 0, "%s until %.16sZ: %s", mutes.data[i].entity, until,
                mutes.data[i].reason);
    }
    mutes_fini(&mutes);
}

int leftover_overrides(struct leftovers *left, struct journal *j, int64_t incident, int64_t now_us,
                       struct err *e)
{
    struct overrides all;
    char until[CLOCK_TEXT_SIZE] = "";
    int code = overrides_read(j, &all, e);
    for (size_t i = 0; code == 0 && i < all.len; i++) {
        const struct override *o = &all.data[i];
        if (o->incident != incident || (o->until_us && o->until_us <= now_us))
            continue;
        if (o->until_us)
            clock_format(o->until_us, until);
        add(left, LEFTOVER_CHANGED, 0,
            "breaker %s is %s by %s%s%.16s%s: %s; can be taken back by belay breaker %s auto", o->name,
            o->state, o->who, o->until_us ? " until " : "", o->until_us ? until : "", o->until_us ? "Z" : "",
            o->reason, o->name);
    }
    overrides_fini(&all);
    return code;
}

struct locking {
    struct leftovers *left;
    const struct story *story;
};

/* Locks are claims of runs: "lock shard-5" is held by "run 12". */
static int take_lock(const struct claim *claim, void *data)
{
    struct locking *l = data;
    if (!str_starts(claim->key, "lock ") || !str_starts(claim->owner, "run "))
        return 0;
    int64_t run = strtoll(claim->owner + strlen("run "), NULL, 10);
    for (size_t i = 0; i < l->story->runs.len; i++)
        if (l->story->runs.data[i]->number == run)
            add(l->left, LEFTOVER_LOCK, run, "run %lld holds the lock \"%s\"", (long long)run,
                claim->key + strlen("lock "));
    return 0;
}

static void add_actions(struct leftovers *left, const struct incident_file *file)
{
    for (size_t i = 0; i < file->actions.len; i++) {
        const struct incident_action *a = &file->actions.data[i];
        if (str_eq(a->state, "open"))
            add(left, *a->ticket ? LEFTOVER_ACTION : LEFTOVER_TICKET, 0, "action item %lld: %s (%s%s%s%s%s)",
                (long long)a->number, a->text, *a->owner ? a->owner : "no owner", *a->due ? ", due " : "",
                a->due, *a->ticket ? ", " : ", no ticket", a->ticket);
    }
}

static void add_state(struct leftovers *left, const struct journal_incident *incident)
{
    if (incident->state < INCIDENT_RESOLVED)
        add(left, LEFTOVER_STATE, 0, "it is %s, not resolved", incident_state_name(incident->state));
    if (incident->reviewed_us == 0)
        add(left, LEFTOVER_STATE, 0, "nobody has reviewed it: its evidence is held until somebody does");
}

int leftovers_read(struct journal *j, int64_t incident, int64_t now_us, struct leftovers *left, struct err *e)
{
    struct story story;
    *left = (struct leftovers){0};
    int code = story_read(&story, j, incident, e);
    for (size_t i = 0; code == 0 && i < story.runs.len; i++)
        if (story.runs.data[i]->ended_us == 0 && !story.runs.data[i]->rehearsed)
            add_run(left, story.runs.data[i]);
    if (code == 0)
        add_changes(left, &story);
    for (size_t i = 0; code == 0 && i < story.runs.len; i++)
        add_unknowns(left, story.runs.data[i]);
    if (code == 0) {
        struct locking locking = {left, &story};
        code = journal_claims(j, take_lock, &locking, e);
        leftover_approvals(left, story.events.data, story.events.len, now_us);
        add_mutes(left, j, incident, now_us);
        if (code == 0)
            code = leftover_overrides(left, j, incident, now_us, e);
        add_actions(left, &story.file);
        add_state(left, &story.incident);
    }
    story_fini(&story);
    return code;
}

void leftovers_fini(struct leftovers *left)
{
    for (size_t i = 0; i < left->len; i++)
        free(left->data[i].text);
    vec_fini(left);
}

size_t leftovers_of(const struct leftovers *left, enum leftover_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < left->len; i++)
        count += left->data[i].kind == kind;
    return count;
}

char **leftovers_asking(const struct leftovers *left)
{
    char **texts = NULL;
    for (size_t i = 0; i < left->len; i++) {
        if (!kinds[left->data[i].kind].asks)
            continue;
        char *text = xasprintf("%s: %s", kinds[left->data[i].kind].name, left->data[i].text);
        strv_add(&texts, text);
        free(text);
    }
    return texts;
}

static int look_before_closing(struct journal *j, int64_t incident, bool accept_left, int64_t now_us,
                               char ***asking, struct err *e)
{
    struct leftovers left;
    int code = leftovers_read(j, incident, now_us, &left, e);
    size_t runs = leftovers_of(&left, LEFTOVER_RUN);
    if (code == 0 && runs > 0)
        code = err_set(e, ERR_BUSY,
                       "INC-%lld has %zu open run%s: finish or stop them first (belay runbook resume)",
                       (long long)incident, runs, runs == 1 ? "" : "s");
    *asking = code == 0 ? leftovers_asking(&left) : NULL;
    size_t count = strv_count(*asking);
    if (count > 0 && !accept_left)
        code = err_set(
            e, ERR_DENIED,
            "INC-%lld leaves %zu thing%s behind (%s%s): close it with a reason, or clear them first",
            (long long)incident, count, count == 1 ? "" : "s", (*asking)[0], count > 1 ? ", ..." : "");
    leftovers_fini(&left);
    return code;
}

int incident_decide(struct journal *j, int64_t incident, const struct incident_change *change,
                    bool accept_left, int64_t now_us, struct event_draft *draft, struct draft_texts *texts,
                    struct err *e)
{
    struct incident_file file = {0};
    struct incident_change own = *change;
    char **asking = NULL;
    *texts = (struct draft_texts){0};
    int code = incident || change->verb != INCIDENT_NOTE ? incident_file_read(j, incident, &file, e) : 0;
    if (code == 0 && change->verb == INCIDENT_CLOSE)
        code = journal_incident_admits(&file.incident, EVENT_INCIDENT_CLOSED, e);
    if (code == 0 && change->verb == INCIDENT_CLOSE)
        code = look_before_closing(j, incident, accept_left, now_us, &asking, e);
    own.left = asking;
    if (code == 0)
        code = incident_change_draft(&file, &own, draft, texts, e);
    strv_free(asking);
    incident_file_fini(&file);
    return code;
}
