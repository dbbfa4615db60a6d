/* The making of a step folder: under a name that nobody looks at, until it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/spool.h"

/* A file with exactly that mode; the descriptor. */
static int file_make(int dir, const char *name, mode_t mode, struct err *e)
{
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 || fchmod(fd, mode) < 0) {
        err_errno(e, "cannot make %s", name);
        if (fd >= 0)
            close(fd);
        return e->code;
    }
    return fd;
}

static int lock_make(int dir, const char *name, mode_t mode, struct err *e)
{
    int fd = file_make(dir, name, mode, e);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        err_errno(e, "cannot lock %s", name);
        close(fd);
        return e->code;
    }
    return fd;
}

static int fifo_make(int dir, const char *name, mode_t mode, struct err *e)
{
    return mkfifoat(dir, name, mode) < 0 || fchmodat(dir, name, mode, 0) < 0
               ? err_errno(e, "cannot make %s", name)
               : 0;
}

static int about_make(int dir, const struct about *about, mode_t mode, struct err *e)
{
    struct str text = {0};
    int fd = file_make(dir, NAME_ABOUT, mode, e);
    if (fd < 0)
        return fd;
    about_encode(about, &text);
    int code = file_write_all(fd, text.data, text.len, e);
    str_fini(&text);
    close(fd);
    return code;
}

/* Its blocks are taken now, so that the outcome can be written on a full disk. */
static int exit_make(int dir, mode_t mode, struct err *e)
{
    int fd = file_make(dir, NAME_EXIT, mode, e);
    if (fd < 0)
        return fd;
    errno = posix_fallocate(fd, 0, EXIT_RECORD_SIZE);
    int code = errno ? err_errno(e, "no room for the outcome") : 0;
    close(fd);
    return code;
}

static int fill(const struct spool *s, const struct about *about, struct spool_new *made, struct err *e)
{
    if ((made->lock = lock_make(made->dir, NAME_SUPERVISOR_LOCK, s->file_mode, e)) < 0 ||
        (made->child_lock = lock_make(made->dir, NAME_CHILD_LOCK, s->file_mode, e)) < 0 ||
        about_make(made->dir, about, s->file_mode, e) < 0 || exit_make(made->dir, s->file_mode, e) < 0 ||
        fifo_make(made->dir, NAME_OUT, s->file_mode, e) < 0 ||
        fifo_make(made->dir, NAME_ERR, s->file_mode, e) < 0 ||
        fifo_make(made->dir, NAME_CONTROL, s->file_mode, e) < 0)
        return e->code;
    int spool = file_make(made->dir, NAME_SPOOL, s->file_mode, e);
    if (spool < 0)
        return spool;
    close(spool);
    return 0;
}

static int name_give(const struct spool *s, const char *from, const char *key, struct err *e)
{
    if (renameat2(s->dir, from, s->dir, key, RENAME_NOREPLACE) == 0)
        return 0;
    /* Some file systems don't know NOREPLACE; without it only an empty folder is replaced, and a step's never
     * is. */
    if (errno == EINVAL && renameat(s->dir, from, s->dir, key) == 0)
        return 0;
    if (errno == EEXIST || errno == ENOTEMPTY)
        return err_set(e, ERR_EXISTS, "a step %s exists already in %s", key, s->folder);
    return err_errno(e, "%s/%s", s->folder, key);
}

int spool_make(struct spool *s, const struct about *about, struct spool_new *made, struct err *e)
{
    char name[EXEC_KEY_MAX + 64];
    struct err own;
    e = e ? e : &own;
    *made = (struct spool_new){.dir = -1, .lock = -1, .child_lock = -1};
    snprintf(name, sizeof name, ".new-%s-%016llx", about->key, (unsigned long long)rng_entropy());
    if (mkdirat(s->dir, name, 0700) < 0 &&
        (errno != ENOENT || spool_remake(s, e) < 0 || mkdirat(s->dir, name, 0700) < 0))
        return err_errno(e, "%s/%s", s->folder, name);
    made->dir = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = made->dir < 0 || fchmod(made->dir, s->folder_mode) < 0 ? err_errno(e, "%s/%s", s->folder, name)
                                                                      : fill(s, about, made, e);
    if (code < 0)
        err_prefix(e, "step %s: ", about->key);
    else
        code = name_give(s, name, about->key, e);
    if (code < 0) {
        char *path = path_join(s->folder, name);
        folder_remove(path, NULL);
        free(path);
        spool_new_close(made);
    }
    return code;
}

void spool_new_close(struct spool_new *made)
{
    int *all[] = {&made->dir, &made->lock, &made->child_lock};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
}
