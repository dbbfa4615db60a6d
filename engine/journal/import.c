/* The way back of an emergency journal: see emergency.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/io/io.h"
#include "engine/journal/folder.h"
#include "engine/journal/handle.h"
#include "engine/journal/import.h"
#include "engine/journal/imported.h"
#include "engine/journal/item.h"
#include "engine/journal/places.h"

#define TRIES 20

/* ---- the events ---- */

struct drafts {
    struct event_draft *list;
    size_t count;
    VEC(char *) texts; /* that they borrow */
};

static const char *keep(struct drafts *d, char *text)
{
    *vec_push(&d->texts) = text;
    return text;
}

static char *head_data(const struct import *i)
{
    char hash[SHA256_HEX_SIZE];
    sha256_to_hex(i->head_hash, hash);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", i->emergency.id);
    cJSON_AddStringToObject(data, "folder", i->folder);
    cJSON_AddNumberToObject(data, "ready", (double)i->emergency.ready_seq);
    cJSON *head = cJSON_AddObjectToObject(data, "head");
    cJSON_AddNumberToObject(head, "seq", (double)i->head_seq);
    cJSON_AddStringToObject(head, "hash", hash);
    char *text = json_print(data);
    cJSON_Delete(data);
    return text;
}

static void draft_head(const struct import *i, struct drafts *d)
{
    d->list[d->count++] = (struct event_draft){
        .kind = EVENT_JOURNAL_IMPORTED,
        .actor = i->actor,
        .subject = i->emergency.id,
        .outcome = "ok",
        .summary =
            keep(d, xasprintf("imported %zu events of the emergency journal %s", i->events.len, i->folder)),
        .data = keep(d, head_data(i)),
        .imported = true};
}

static void draft_claim(const struct event *event, size_t index, const struct moved_run *run,
                        struct drafts *d, struct event_draft *draft)
{
    if (run->kept)
        draft->kind = EVENT_IMPORT_KEPT;
    else if (run->ended == index + 1 && run->fence_now)
        draft->claim = (struct claim){.op = CLAIM_RELEASE, .fence = run->fence_now};
    else if (run->took == index + 1 && !run->ended) {
        cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
        const char *owner = keep(d, xstrdup(json_string(tree, "owner", "nobody")));
        draft->claim = (struct claim){.op = CLAIM_TAKE, .owner = owner, .fence = run->fence_now};
        cJSON_Delete(tree);
    }
}

/* "run 12" and "INC-7" by their numbers here. */
static const char *subject_of(const struct event *event, const struct event_draft *draft, struct drafts *d)
{
    char was[40];
    snprintf(was, sizeof was, "INC-%lld", (long long)event->incident);
    if (event->incident && str_eq(event->subject, was))
        return keep(d, xasprintf("INC-%lld", (long long)draft->incident));
    snprintf(was, sizeof was, "run %lld", (long long)event->run);
    if (event->run && str_eq(event->subject, was))
        return keep(d, xasprintf("run %lld", (long long)draft->run));
    return event->subject;
}

static int draft_event(struct import *i, size_t index, struct drafts *d)
{
    const struct event *event = i->events.data[index];
    char *data = imported_data(i->emergency.id, event);
    if (!data)
        return err_set(i->e, ERR_CORRUPT, "event %lld of %s has data that can't be imported",
                       (long long)event->seq, i->folder);
    struct event_draft *draft = &d->list[d->count++];
    *draft = (struct event_draft){.kind = event->kind,
                                  .at_us = event->at_us,
                                  .actor = event->actor,
                                  .outcome = event->outcome,
                                  .summary = event->summary,
                                  .data = keep(d, data),
                                  .incident = event->incident ? import_incident(i, event->incident)->here : 0,
                                  .run = event->run ? import_run(i, event->run)->here : 0,
                                  .imported = true};
    draft->subject = subject_of(event, draft, d);
    if (event->run)
        draft_claim(event, index, import_run(i, event->run), d, draft);
    return 0;
}

static void draft_change(const struct import *i, const struct claim *claim, struct drafts *d)
{
    d->list[d->count++] = (struct event_draft){
        .kind = EVENT_JOURNAL_IMPORTED,
        .actor = i->actor,
        .subject = claim->key,
        .outcome = "claim",
        .summary = keep(d, xasprintf("%s %s %s", claim->owner,
                                     claim->op == CLAIM_TAKE ? "holds" : "gave back", claim->key)),
        .claim = *claim,
        .imported = true};
}

static int append(struct import *i, struct journal_result *result)
{
    struct drafts d = {.list = xcalloc(1 + i->events.len + i->changes.len, sizeof *d.list)};
    struct item *item = NULL;
    int code = 0;
    draft_head(i, &d);
    for (size_t k = 0; k < i->events.len && code == 0; k++)
        code = draft_event(i, k, &d);
    for (size_t k = 0; k < i->changes.len; k++)
        draft_change(i, &i->changes.data[k], &d);
    if (code == 0)
        code = item_from_drafts(d.list, d.count, &item, i->e);
    if (code == 0) {
        item->next_run = i->next_run;
        item->next_incident = i->next_incident;
        code = journal_submit_wait(i->into, item, result, i->e);
    }
    for (size_t k = 0; k < d.texts.len; k++)
        free(d.texts.data[k]);
    vec_fini(&d.texts);
    free(d.list);
    return code;
}

static int place_runs(struct import *i, journal_place *place, void *data)
{
    struct journal_moved *moved = xcalloc(i->runs.len + 1, sizeof *moved);
    for (size_t k = 0; k < i->runs.len; k++)
        moved[k] =
            (struct journal_moved){i->runs.data[k].there, i->runs.data[k].kept ? 0 : i->runs.data[k].here};
    int code = place ? place(data, moved, i->runs.len, i->e) : 0;
    free(moved);
    return code;
}

/* The plan holds unless somebody began a run, or took one, in this very moment. */
static int bring(struct import *i, journal_place *place, void *data, struct journal_import *report)
{
    struct journal_result result = {0};
    int code = ERR_CLAIMED;
    for (int tries = 0; tries < TRIES && code == ERR_CLAIMED; tries++) {
        code = import_plan(i);
        if (code == 0)
            code = place_runs(i, place, data);
        if (code == 0)
            code = append(i, &result);
    }
    if (code < 0)
        return code;
    report->seq = result.seq;
    report->events = (int64_t)i->events.len;
    for (size_t k = 0; k < i->runs.len; k++)
        report->kept_runs += i->runs.data[k].kept;
    return 0;
}

/* ---- all of it ---- */

static int hash_take(const struct event *event, void *data)
{
    memcpy(data, event->hash, SHA256_SIZE);
    return 1;
}

/* Is the main journal the one beside which it began? */
static int check_kinship(struct import *i)
{
    struct journal_emergency own;
    uint8_t hash[SHA256_SIZE] = {0};
    if (journal_emergency_read(i->into, &own, NULL) == 0)
        return err_set(i->e, ERR_USAGE, "%s is an emergency journal itself: import into the main one",
                       journal_path(i->into));
    if (i->emergency.main_seq == 0)
        return 0;
    int code = journal_read(i->into, i->emergency.main_seq, JOURNAL_FORWARD, NULL, 1, hash_take, hash, i->e);
    if (code == 0 && memcmp(hash, i->emergency.main_hash, SHA256_SIZE) != 0)
        code = err_set(i->e, ERR_FOREIGN,
                       "%s was begun beside another journal than %s (their event %lld differs)", i->folder,
                       journal_path(i->into), (long long)i->emergency.main_seq);
    return code;
}

static int refuse_again(struct import *i, int64_t seq, int64_t at_us)
{
    char at[CLOCK_TEXT_SIZE];
    clock_format(at_us, at);
    emergency_put_aside(i->folder, seq); /* what a crash kept the import from */
    return err_set(i->e, ERR_EXISTS, "%s was imported already, at %s (event %lld); nothing is done twice",
                   i->folder, at, (long long)seq);
}

static int run_import(struct import *i, journal_place *place, void *data, struct journal_import *report)
{
    int64_t seq = 0, at_us = 0;
    int code = journal_emergency_read(i->from, &i->emergency, i->e);
    if (code == 0)
        code = check_kinship(i);
    if (code == 0)
        code = emergency_imported(i->into, i->emergency.id, i->emergency.main_seq, &seq, &at_us, i->e);
    if (code == 0 && seq)
        code = refuse_again(i, seq, at_us);
    if (code == 0)
        code = import_read(i);
    if (code == 0)
        code = import_blobs(i);
    if (code == 0)
        code = bring(i, place, data, report);
    snprintf(report->id, sizeof report->id, "%s", i->emergency.id);
    if (code == 0)
        emergency_put_aside(i->folder, report->seq);
    return code;
}

int journal_import(const char *folder, struct journal *into, const char *actor, journal_place *place,
                   void *data, struct journal_import *report, struct err *e)
{
    struct err mine = {0};
    struct guard *guard = NULL;
    struct import i = {
        .into = into, .folder = folder, .actor = actor, .given_back = map_new(), .e = e ? e : &mine};
    char *inside = path_join(folder, "journal"), *lock = path_join(inside, FOLDER_LOCK);
    const struct journal_options options = {.folder = inside,
                                            .platform = journal_platform(into),
                                            .shared = into->options.shared,
                                            .read_only = true};
    *report = (struct journal_import){0};
    int code = (i.from = journal_open(&options, i.e)) ? 0 : i.e->code;
    if (code == 0)
        code = guard_open(lock, folder_file_mode(into->options.shared), &guard, i.e);
    if (code == 0)
        code = guard_lock(guard, GUARD_WAIT_US, i.e);
    if (code == 0)
        code = emergency_close(folder, into->options.shared, i.e);
    if (code == 0) {
        code = run_import(&i, place, data, report);
        if (code < 0 && code != ERR_EXISTS && code != ERR_TIMED_OUT)
            emergency_reopen(folder);
    }
    journal_close(i.from);
    guard_close(guard);
    import_fini(&i);
    free(inside);
    free(lock);
    return code;
}
