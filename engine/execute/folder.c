#include "engine/execute/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"

const char *spool_state_text(enum spool_state state)
{
    static const char *const words[] = {
        [SPOOL_ARMED] = "armed",           [SPOOL_VOID] = "void",   [SPOOL_RUNNING] = "running",
        [SPOOL_ALONE] = "alone",           [SPOOL_ENDED] = "ended", [SPOOL_LOST] = "lost",
        [SPOOL_UNREADABLE] = "unreadable",
    };
    return (size_t)state < sizeof words / sizeof *words ? words[state] : "?";
}

struct holder lock_look(int folder, const char *name)
{
    struct holder holder = {0};
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    holder.missing = fd < 0 && errno == ENOENT;
    if (fd < 0)
        return holder;
    /* Holders lock exclusively, lookers shared: lookers don't see each other. */
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        holder.held = errno == EWOULDBLOCK;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
        holder.main_alive = true;
        holder.main_pid = lock.l_pid > 0 ? lock.l_pid : 0;
    }
    close(fd);
    return holder;
}

static int about_read(int folder, struct about *a, bool *empty, struct err *e)
{
    char bytes[512];
    int fd = openat(folder, NAME_ABOUT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_errno(e, "%s", NAME_ABOUT);
    ssize_t got = read(fd, bytes, sizeof bytes);
    int code = got < 0 ? err_errno(e, "%s", NAME_ABOUT) : about_decode(bytes, (size_t)got, a, e);
    *empty = got == 0;
    close(fd);
    return code;
}

void result_from_record(const struct exit_record *r, struct exec_result *result)
{
    *result = (struct exec_result){
        .how = r->how,
        .status = r->status,
        .signal = r->signal,
        .error = r->error,
        .started_wall_us = r->started_wall_us,
        .ended_wall_us = r->ended_wall_us,
        .duration_us = r->duration_us,
        .stdout_bytes = r->stdout_bytes,
        .stderr_bytes = r->stderr_bytes,
        .dropped_bytes = r->dropped_bytes,
        .survivors = r->survivors,
        .exports_cut = r->exports_cut,
    };
    snprintf(result->text, sizeof result->text, "%s", r->text);
}

static void judge_void(struct spool_entry *entry)
{
    entry->state = SPOOL_VOID;
    entry->result.how = EXEC_VOID;
}

static void judge_started(int folder, struct spool_entry *entry, bool supervised)
{
    struct holder child = lock_look(folder, NAME_CHILD_LOCK);
    entry->main_pid = child.main_pid;
    entry->result.started_wall_us = entry->started_wall_us;
    if (supervised) {
        entry->state = SPOOL_RUNNING;
    } else if (child.main_alive) {
        entry->state = SPOOL_ALONE;
    } else {
        entry->state = SPOOL_LOST;
        entry->survivors = child.held;
        entry->result.how = EXEC_LOST;
        entry->result.survivors = child.held;
        snprintf(entry->result.text, sizeof entry->result.text,
                 "its supervisor ended without writing an outcome (killed, or the machine went down)%s",
                 child.held ? "; something that it started is still alive" : "");
    }
}

static void unreadable(struct spool_entry *entry, const char *text)
{
    entry->state = SPOOL_UNREADABLE;
    snprintf(entry->text, sizeof entry->text, "%.150s", text);
}

static void judge_unstarted(struct spool_entry *entry, enum fate fate, const struct holder *supervisor)
{
    if (supervisor->missing)
        /* No folder is ever without: somebody removes what is in it, and its fate may have been a part of
         * that. */
        unreadable(entry, NAME_SUPERVISOR_LOCK " was removed from it: nobody knows whether it was started");
    else if (fate == FATE_VOID || !supervisor->held)
        judge_void(entry);
    else
        entry->state = SPOOL_ARMED;
}

static bool output_stands(int folder)
{
    struct stat status;
    return fstatat(folder, NAME_SPOOL, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size > 0;
}

void folder_judge(int folder, const char *key, struct spool_entry *entry)
{
    struct err e;
    struct about about;
    struct exit_record record;
    bool empty = false;
    memset(entry, 0, sizeof *entry);
    snprintf(entry->key, sizeof entry->key, "%s", key);
    entry->result.status = -1;
    /* The locks first: a supervisor that is gone by now has written all that it ever will. Its fate last: what
     * a step leaves comes after it, so nothing is seen here whose beginning isn't. */
    struct holder supervisor = lock_look(folder, NAME_SUPERVISOR_LOCK);
    bool supervised = entry->supervised = supervisor.held;
    bool ended = exit_read(folder, key, &record);
    bool output = output_stands(folder);
    bool left = output || (ended && record.how != EXEC_NOT_STARTED);
    enum fate fate = fate_read(folder, &entry->started_wall_us);
    int code = about_read(folder, &about, &empty, &e);
    if (code < 0 && empty && fate != FATE_STARTED && !supervised && !left) {
        judge_void(entry); /* power was lost while it was being armed: about comes to the disk before anything
                              may start */
        return;
    }
    if (code == 0 && !str_eq(about.key, key))
        code = err_set(&e, ERR_CORRUPT, "%s speaks of %s", NAME_ABOUT, about.key);
    if (code < 0) {
        unreadable(entry, e.msg);
        return;
    }
    if (left && fate != FATE_STARTED) {
        unreadable(entry, output ? "there is output of a step that was never started"
                                 : "there is an outcome of a step that was never started");
        return;
    }
    if (ended) {
        entry->state = SPOOL_ENDED;
        result_from_record(&record, &entry->result);
        entry->survivors = lock_look(folder, NAME_CHILD_LOCK).held && !supervised;
    } else if (fate == FATE_STARTED) {
        judge_started(folder, entry, supervised);
    } else {
        judge_unstarted(entry, fate, &supervisor);
    }
    if (fate != FATE_STARTED)
        entry->started_wall_us = 0;
}

int folder_discard(int spool, const char *path, const char *key, struct err *e)
{
    /* Renamed first: half removed it would tell another story. */
    char name[EXEC_KEY_MAX + 64];
    snprintf(name, sizeof name, "%s%s-%lld", PREFIX_GONE, key, (long long)clock_monotonic_us());
    if (renameat(spool, key, spool, name) < 0)
        return err_errno(e, "%s/%s", path, key);
    char *gone = path_join(path, name);
    int code = folder_remove(gone, e);
    free(gone);
    return code;
}
