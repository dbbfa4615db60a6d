/* The spool: opening, listing, voiding, reading and removing step folders. */
#include "engine/execute/spool.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/folder.h"

#define PREFIX_NEW ".new-" /* being made */

#define HALF_MADE_AGE_S 60 /* a younger one may be in the hands of a living console */

/* ---- Opening ---- */

/* Its descriptor, when it is fit to run steps out of. */
static int folder_open(const struct spool *s, struct err *e)
{
    struct stat st;
    int fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
    bool shared = s->folder_mode & 070;
    if (fd < 0 || fstat(fd, &st) < 0)
        code = err_errno(e, "%s", s->folder);
    else if (!shared && st.st_uid != geteuid())
        code = err_set(e, ERR_DENIED, "%s belongs to another user (uid %u): steps are never run out of it",
                       s->folder, (unsigned)st.st_uid);
    else if (!shared && (st.st_mode & 077) && fchmod(fd, s->folder_mode) < 0)
        code = err_errno(e, "%s is open to others, and can't be closed", s->folder);
    if (code == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return code;
}

int spool_remake(struct spool *s, struct err *e)
{
    int fd = folder_make(s->folder, s->folder_mode, e) < 0 ? e->code : folder_open(s, e);
    if (fd < 0)
        return fd;
    /* Under the old number: a thread may be about to look into it. */
    int code = dup3(fd, s->dir, O_CLOEXEC) < 0 ? err_errno(e, "%s", s->folder) : 0;
    close(fd);
    return code;
}

static bool abandoned(const struct spool *s, const char *name)
{
    struct stat st;
    int fd = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool old = fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > HALF_MADE_AGE_S;
    bool held = lock_look(fd, NAME_SUPERVISOR_LOCK).held;
    close(fd);
    return old && !held;
}

/* What a crash left half made or half removed. Never an error: the next one tries again. */
static void sweep(const struct spool *s)
{
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        bool gone = str_starts(entry->d_name, PREFIX_GONE);
        if (!gone && !(str_starts(entry->d_name, PREFIX_NEW) && abandoned(s, entry->d_name)))
            continue;
        char *path = path_join(s->folder, entry->d_name);
        folder_remove(path, NULL);
        free(path);
    }
    closedir(folder);
}

struct spool *spool_open(const char *folder, bool shared, const char *program, struct err *e)
{
    struct spool *s = xcalloc(1, sizeof *s);
    const char *remote;
    s->dir = s->followers.notify = -1;
    s->folder_mode = shared ? 02770 : 0700;
    s->file_mode = shared ? 0660 : 0600;
    if (path_is_remote(folder, &remote)) {
        err_set(e, ERR_UNSUPPORTED,
                "%s lies on %s: locks can't be trusted there, choose a local folder (XDG_STATE_HOME)", folder,
                remote);
        goto failed;
    }
    if (folder_make(folder, s->folder_mode, e) < 0)
        goto failed;
    s->folder = realpath(folder, NULL);
    if (!s->folder) {
        err_errno(e, "%s", folder);
        goto failed;
    }
    if ((s->dir = folder_open(s, e)) < 0)
        goto failed;
    s->program = program ? xstrdup(program) : program_find(e);
    if (!s->program)
        goto failed;
    sweep(s);
    return s;
failed:
    spool_close(s);
    return NULL;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    assert(s->followers.len == 0);
    if (s->dir >= 0)
        close(s->dir);
    if (s->followers.notify >= 0)
        close(s->followers.notify);
    vec_fini(&s->followers);
    free(s->folder);
    free(s->program);
    free(s);
}

int spool_step(const struct spool *s, const char *key, struct err *e)
{
    if (!key_valid(key))
        return err_set(e, ERR_USAGE, "\"%.40s\" is no key of a step", key);
    int fd = openat(s->dir, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_errno(e, "%s/%s", s->folder, key) : fd;
}

/* ---- Looking ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_read(const struct spool *s, char ***names, struct err *e)
{
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        err_errno(e, "%s", s->folder);
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    VEC(char *) list = {0};
    for (struct dirent *entry; (entry = readdir(folder));)
        if (key_valid(entry->d_name))
            *vec_push(&list) = xstrdup(entry->d_name);
    closedir(folder);
    if (list.len)
        qsort(list.data, list.len, sizeof *list.data, by_name);
    *vec_push(&list) = NULL;
    *names = list.data;
    return 0;
}

int spool_each(struct spool *s, void (*visit)(void *data, const struct spool_entry *entry), void *data,
               struct err *e)
{
    char **names;
    int code = names_read(s, &names, e);
    if (code < 0)
        return code;
    for (size_t i = 0; names[i]; i++) {
        struct spool_entry entry;
        /* What went away meanwhile, or isn't a folder, is nothing. */
        if (spool_find(s, names[i], &entry, NULL) == 0)
            visit(data, &entry);
    }
    strv_free(names);
    return 0;
}

int spool_find(struct spool *s, const char *key, struct spool_entry *entry, struct err *e)
{
    int dir = spool_step(s, key, e);
    if (dir < 0)
        return dir;
    folder_judge(dir, key, entry);
    close(dir);
    /* Removed meanwhile, and what is removed loses its name first: half of it would tell another story. */
    return faccessat(s->dir, key, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? err_errno(e, "%s/%s", s->folder, key) : 0;
}

int spool_output(struct spool *s, const char *key,
                 int (*each)(void *data, enum exec_stream stream, const char *bytes, size_t length),
                 void *data, struct err *e)
{
    int dir = spool_step(s, key, e);
    if (dir < 0)
        return dir;
    int code = 0, fd = openat(dir, NAME_SPOOL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    close(dir);
    if (fd < 0)
        return err_errno(e, "%s/%s/%s", s->folder, key, NAME_SPOOL);
    uint8_t *bytes = xmalloc(FRAME_MAX);
    off_t offset = 0;
    while (code == 0) {
        enum exec_stream stream;
        size_t payload;
        ssize_t got = pread(fd, bytes, FRAME_MAX, offset);
        if (got < 0)
            code = err_errno(e, "%s/%s/%s", s->folder, key, NAME_SPOOL);
        ssize_t size = got > 0 ? frame_open(bytes, (size_t)got, &stream, &payload) : 0;
        if (size <= 0)
            break;
        code = each(data, stream, (const char *)bytes + FRAME_HEAD, payload);
        offset += size;
    }
    free(bytes);
    close(fd);
    return code;
}

/* ---- Deciding and removing ---- */

int spool_void(struct spool *s, const char *key, struct err *e)
{
    int64_t wall_us;
    int dir = spool_step(s, key, e);
    if (dir < 0)
        return dir;
    int code = fate_decide(dir, FATE_VOID, clock_wall_us(), s->file_mode, e);
    if (code == ERR_EXISTS) {
        bool supervised = lock_look(dir, NAME_SUPERVISOR_LOCK).held;
        enum fate fate = fate_read(dir, &wall_us);
        if (fate == FATE_VOID || (fate == FATE_EMPTY && !supervised))
            code = 0;
        else if (fate == FATE_EMPTY)
            code = err_set(e, ERR_BUSY, "the fate of %s is being decided just now", key);
        else
            code = err_set(e, ERR_EXISTS, "%s has been started", key);
    }
    close(dir);
    return code;
}

int execution_forget(struct spool *s, const char *key, struct err *e)
{
    struct spool_entry entry;
    int code = spool_find(s, key, &entry, e);
    if (code < 0)
        return code;
    switch (entry.state) {
    case SPOOL_ARMED:
    case SPOOL_RUNNING:
    case SPOOL_ALONE:
        return err_set(e, ERR_BUSY, "%s is %s", key, spool_state_text(entry.state));
    case SPOOL_UNREADABLE:
        return err_set(e, ERR_CORRUPT, "%s/%s: %s; remove the folder by hand if it is of no use", s->folder,
                       key, entry.text);
    case SPOOL_VOID:
        /* It still has to look for its fate: were that gone, it would make its own, and start. */
        if (entry.supervised)
            return err_set(e, ERR_BUSY, "%s is void, and its supervisor hasn't seen it yet", key);
        break;
    case SPOOL_ENDED:
    case SPOOL_LOST:
        break;
    }
    return folder_discard(s->dir, s->folder, key, e);
}
