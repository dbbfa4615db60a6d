/* An emergency journal in the making, and what is known of one: see emergency.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/journal/handle.h"
#include "engine/journal/places.h"
#include "engine/journal/take_along.h"

/* ---- which kind of journal is it? ---- */

static int on_emergency(const struct event *event, void *data)
{
    struct journal_emergency *found = data;
    if (str_eq(event->outcome, "begun")) {
        cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
        const cJSON *main = cJSON_GetObjectItemCaseSensitive(tree, "main");
        found->begun_us = event->at_us;
        found->main_seq = json_int(main, "seq", 0);
        if (found->main_seq && sha256_from_hex(json_string(main, "hash", ""), found->main_hash, NULL) < 0)
            found->main_seq = 0;
        cJSON_Delete(tree);
    } else if (str_eq(event->outcome, "ready")) {
        found->ready_seq = event->seq;
        sha256_to_hex(event->hash, found->id);
        return 1;
    }
    return 0;
}

int journal_emergency_read(struct journal *j, struct journal_emergency *emergency, struct err *e)
{
    static const enum event_kind kinds[] = {EVENT_JOURNAL_EMERGENCY};
    const struct journal_filter filter = {.kinds = kinds, .kind_count = 1};
    *emergency = (struct journal_emergency){0};
    int code = journal_read(j, 1, JOURNAL_FORWARD, &filter, 0, on_emergency, emergency, e);
    if (code < 0)
        return code;
    return emergency->ready_seq ? 0 : err_set(e, ERR_NOT_FOUND, "%s: no emergency journal", journal_path(j));
}

/* ---- those that wait ---- */

struct imported_look {
    const char *id;
    int64_t seq, at_us;
};

static int on_imported(const struct event *event, void *data)
{
    struct imported_look *look = data;
    if (!str_eq(event->outcome, "ok") || !str_eq(event->subject, look->id))
        return 0;
    look->seq = event->seq;
    look->at_us = event->at_us;
    return 1;
}

int emergency_imported(struct journal *j, const char *id, int64_t from_seq, int64_t *seq, int64_t *at_us,
                       struct err *e)
{
    static const enum event_kind kinds[] = {EVENT_JOURNAL_IMPORTED};
    const struct journal_filter filter = {.kinds = kinds, .kind_count = 1};
    struct imported_look look = {.id = id};
    int code = journal_read(j, from_seq + 1, JOURNAL_FORWARD, &filter, 0, on_imported, &look, e);
    *seq = look.seq;
    *at_us = look.at_us;
    return code;
}

static int on_first(const struct event *event, void *data)
{
    memcpy(data, event->hash, SHA256_SIZE);
    return 1;
}

/* NULL: there is no event yet, or it can't be read. */
static const uint8_t *genesis(struct journal *j, uint8_t hash[static SHA256_SIZE])
{
    static const uint8_t none[SHA256_SIZE];
    memset(hash, 0, SHA256_SIZE);
    if (journal_read(j, 1, JOURNAL_FORWARD, NULL, 1, on_first, hash, NULL) < 0)
        return NULL;
    return memcmp(hash, none, SHA256_SIZE) != 0 ? hash : NULL;
}

struct waiting {
    struct journal *journal;
    int (*visit)(const struct journal_waiting *waiting, void *data);
    void *data;
    struct err *e;
};

static int on_about(const struct emergency_about *about, void *data)
{
    struct waiting *w = data;
    int64_t seq = 0, at_us;
    const struct journal_waiting waiting = {
        .path = about->path,
        .runs = about->runs,
        .run_count = about->run_count,
        .damage = about->damaged ? "its file `about` can't be read" : NULL,
    };
    if (!about->damaged)
        emergency_imported(w->journal, about->id, about->main_seq, &seq, &at_us, NULL);
    return seq ? 0 : w->visit(&waiting, w->data);
}

int journal_waiting(struct journal *j, int (*visit)(const struct journal_waiting *waiting, void *data),
                    void *data, struct err *e)
{
    uint8_t hash[SHA256_SIZE];
    struct waiting w = {j, visit, data, e};
    int code = places_each(&j->options, genesis(j, hash), on_about, &w);
    return code < 0 ? code : 0;
}

/* ---- when it is over ---- */

void emergency_put_aside(const char *folder, int64_t seq)
{
    char *aside = xasprintf("%s.imported-%lld", folder, (long long)seq);
    (void)rename(folder, aside);
    free(aside);
}

int emergency_close(const char *folder, bool shared, struct err *e)
{
    char *path = path_join(folder, "importing");
    int code = file_write_atomic(path, "", 0, shared ? 0660 : 0600, e);
    free(path);
    return code;
}

void emergency_reopen(const char *folder)
{
    char *path = path_join(folder, "importing");
    unlink(path);
    free(path);
}

int journal_emergency_open(const char *folder, struct err *e)
{
    char *closed = path_join(folder, "importing"), *journal = path_join(folder, "journal/journal.db");
    int code = access(closed, F_OK) == 0
                   ? err_set(e, ERR_EXISTS, "%s is being imported, or was: belay import says which", folder)
               : access(journal, F_OK) != 0
                   ? err_set(e, ERR_NOT_FOUND, "%s: there is no emergency journal", folder)
                   : 0;
    free(closed);
    free(journal);
    return code;
}

/* ---- making one ---- */

/* An imported one that is still in its place is in the way of a new one. */
static int on_old(const struct emergency_about *about, void *data)
{
    int64_t seq = 0, at_us;
    if (!about->damaged)
        emergency_imported(data, about->id, about->main_seq, &seq, &at_us, NULL);
    if (seq)
        emergency_put_aside(about->path, seq);
    return 0;
}

static int make_journal(struct taking_along *t, const struct journal_emergency_plan *plan, const char *folder,
                        struct err *e)
{
    uint8_t head[SHA256_SIZE];
    int64_t last;
    char *inside = path_join(folder, "journal");
    const struct journal_options options = {
        .folder = inside, .platform = plan->main->platform, .shared = plan->main->shared, .create = true};
    t->to = journal_open(&options, e);
    int code = t->to ? take_along(t, e) : e->code;
    if (code == 0)
        code = journal_head(t->to, &last, head, e);
    journal_close(t->to);
    free(inside);
    if (code < 0)
        return code;
    struct emergency_about about = {
        .main_seq = t->main_seq, .runs = (int64_t *)(uintptr_t)t->runs, .run_count = t->run_count};
    sha256_to_hex(head, about.id);
    return emergency_about_write(folder, plan->main->shared ? 0660 : 0600, &about, e);
}

/* The main journal's own lock. Not its guard: that would be opened for writing. */
static int main_lock(const struct journal_options *main, struct err *e)
{
    char *path = path_join(main->folder, "journal.lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int64_t end_us = clock_monotonic_us() + 2 * US_PER_S;
    if (fd < 0)
        err_errno(e, "%s", path);
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (clock_monotonic_us() < end_us) {
            usleep(2000);
            continue;
        }
        err_set(e, ERR_BUSY, "%s: held by somebody else for more than 2 s", path);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

/* With runs that went along: what was gathered is still all that there is, and nothing can follow that does
 * not see it. */
static int publish(const struct taking_along *t, const struct journal_options *main,
                   struct emergency_making *making, struct err *e)
{
    int64_t last = 0;
    if (!t->from)
        return places_publish(making, e);
    int lock = main_lock(main, e);
    if (lock < 0)
        return e->code;
    int code = journal_last_seq(t->from, &last, e);
    if (code == 0 && last != t->main_seq)
        code =
            err_set(e, ERR_BUSY, "the main journal was written meanwhile: look whether it can be used again");
    if (code == 0)
        code = places_publish(making, e);
    close(lock);
    return code;
}

static int on_there(const struct journal_waiting *waiting, void *data)
{
    *(char **)data = xstrdup(waiting->path);
    return 1;
}

static int on_any(const struct emergency_about *about, void *data)
{
    *(char **)data = xstrdup(about->path);
    return 1;
}

int journal_emergency_make(const struct journal_emergency_plan *plan, char **path, struct err *e)
{
    uint8_t hash[SHA256_SIZE];
    struct emergency_making making = {.lock = -1};
    struct taking_along t = {
        .from = plan->from, .actor = plan->actor, .runs = plan->runs, .run_count = plan->run_count};
    *path = NULL;
    if (plan->from && genesis(plan->from, hash))
        places_each(plan->main, hash, on_old, plan->from);
    if (plan->from)
        journal_waiting(plan->from, on_there, path, NULL);
    else
        places_each(plan->main, NULL, on_any, path);
    if (*path)
        return err_set(e, ERR_EXISTS, "there is an emergency journal already: %s", *path);
    int code = places_make(plan->main, plan->from ? genesis(plan->from, hash) : NULL, &making, e);
    if (code == 0 && plan->fill)
        code = plan->fill(making.folder, plan->data, e);
    if (code == 0)
        code = make_journal(&t, plan, making.folder, e);
    if (code == 0)
        code = publish(&t, plan->main, &making, e);
    if (code == 0)
        *path = xstrdup(making.path);
    places_making_fini(&making);
    taking_along_fini(&t);
    return code;
}
