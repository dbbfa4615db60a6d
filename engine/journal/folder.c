#include "engine/journal/folder.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

mode_t folder_file_mode(bool shared)
{
    return shared ? 0660 : 0600;
}

static int check_private(const char *folder, const struct stat *st, bool read_only, struct err *e)
{
    uid_t me = geteuid();
    if (st->st_uid != me && me != 0)
        return err_set(e, ERR_DENIED,
                       "%s belongs to another user (uid %u); a journal for several is shared:FOLDER", folder,
                       (unsigned)st->st_uid);
    if (read_only || (st->st_mode & 077) == 0)
        return 0;
    /* Others could replace the files. A sticky folder is a public place (/tmp), not somebody's own. */
    if (st->st_mode & S_ISVTX)
        return err_set(e, ERR_DENIED, "%s is a public folder; choose one of your own", folder);
    return chmod(folder, 0700) < 0 ? err_errno(e, "%s is open to others: chmod 700", folder) : 0;
}

static int check_shared(const char *folder, const struct stat *st, struct err *e)
{
    if ((st->st_mode & 07777) == 02770)
        return 0;
    return err_set(e, ERR_DENIED,
                   "%s has mode %o, a shared journal needs a folder of its own with 2770: chgrp GROUP "
                   "%s && chmod 2770 %s",
                   folder, (unsigned)(st->st_mode & 07777), folder, folder);
}

static int not_a_member(const char *folder, struct err *e)
{
    struct stat st;
    char *parent = xstrndup(folder, (size_t)(strrchr(folder, '/') - folder));
    const struct group *group = stat(parent, &st) == 0 ? getgrgid(st.st_gid) : NULL;
    err_set(e, ERR_DENIED,
            "%s: Permission denied; a shared journal is for the members of its group (%s): join it, and log "
            "in again",
            folder, group ? group->gr_name : "see ls -ld");
    free(parent);
    return ERR_DENIED;
}

int folder_prepare(const struct journal_options *o, struct err *e)
{
    const char *remote = NULL;
    if (path_is_remote(o->folder, &remote))
        return err_set(
            e, ERR_UNSUPPORTED,
            "%s lies on a network file system (%s), where locks can't be trusted; choose a local folder",
            o->folder, remote ? remote : "unknown");
    struct stat st;
    if (stat(o->folder, &st) < 0) {
        if (errno == EACCES && o->shared)
            return not_a_member(o->folder, e);
        if (errno != ENOENT)
            return err_errno(e, "%s", o->folder);
        if (!o->create || o->read_only)
            return err_set(e, ERR_NOT_FOUND, "%s: there is no journal yet", o->folder);
        return folder_make(o->folder, o->shared ? 02770 : 0700, e);
    }
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_EXISTS, "%s: not a folder", o->folder);
    return o->shared ? check_shared(o->folder, &st, e) : check_private(o->folder, &st, o->read_only, e);
}

void folder_close_files(const struct journal_options *o)
{
    static const char *const names[] = {FOLDER_DATABASE, FOLDER_DATABASE "-wal", FOLDER_DATABASE "-shm",
                                        FOLDER_LOCK};
    if (o->shared)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(o->folder, names[i]);
        struct stat st;
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
            (void)chmod(path, 0600); /* not ours: then opening it says so */
        free(path);
    }
}
