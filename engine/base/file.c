#include "engine/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whatever size the file claims to have (/proc says 0). */
int file_read_rest(int fd, const char *path, size_t limit, struct str *out, struct err *e)
{
    size_t start = out->len;
    for (;;) {
        str_reserve(out, 16384);
        ssize_t got = read(fd, out->data + out->len, out->cap - out->len - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, "%s", path);
        if (got == 0)
            return 0;
        out->len += (size_t)got;
        out->data[out->len] = '\0';
        if (out->len - start > limit)
            return err_set(e, ERR_RANGE, "%s: larger than %zu bytes", path, limit);
    }
}

int file_read(const char *path, size_t limit, struct str *out, struct err *e)
{
    /* O_NONBLOCK: a FIFO would otherwise hold us until somebody writes. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_errno(e, "%s", path);
    size_t start = out->len;
    struct stat st;
    int code = 0;
    if (fstat(fd, &st) < 0)
        code = err_errno(e, "%s", path);
    else if (!S_ISREG(st.st_mode))
        code = err_set(e, ERR_IO, "%s: not a regular file", path);
    else if (st.st_size > 0 && (uint64_t)st.st_size > limit)
        code = err_set(e, ERR_RANGE, "%s: larger than %zu bytes", path, limit);
    else
        code = file_read_rest(fd, path, limit, out, e);
    close(fd);
    if (code < 0 && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    return code;
}

int file_write_all(int fd, const void *bytes, size_t length, struct err *e)
{
    const char *p = bytes;
    while (length > 0) {
        ssize_t put = write(fd, p, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_errno(e, "write");
        p += put;
        length -= (size_t)put;
    }
    return 0;
}

int file_write(const char *path, const void *bytes, size_t length, mode_t mode, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(e, "%s", path);
    int code = file_write_all(fd, bytes, length, e);
    close(fd);
    return code;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int folder_sync(const char *folder, struct err *e)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "%s", folder);
    /* EINVAL: a file system that can't sync folders has nothing to lose by it. */
    int code = fsync(fd) < 0 && errno != EINVAL ? err_errno(e, "%s", folder) : 0;
    close(fd);
    return code;
}

/* Gives what is whole its name, unless there is something of that name: EEXIST. A second name for it is the
 * usual way. File systems without those (FAT, some shares) may rename without replacing; what can do neither
 * gets a copy in a file that is made for it. On success temporary is of no use any more. */
static int name_anew(const char *temporary, const char *path, const void *bytes, size_t length, mode_t mode,
                     struct err *e)
{
    if (link(temporary, path) == 0)
        return 0;
    if (errno == EEXIST)
        return err_errno(e, "%s", path);
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return err_errno(e, "%s", path);
    int code = file_write_all(fd, bytes, length, e);
    if (code < 0)
        err_prefix(e, "%s: ", path);
    else if (fsync(fd) < 0)
        code = err_errno(e, "%s", path);
    if (close(fd) < 0 && code == 0)
        code = err_errno(e, "%s", path);
    if (code < 0)
        unlink(path);
    return code;
}

/* replace: what is there under that name goes; else it is ERR_EXISTS, and stays as it is. */
static int write_whole(const char *path, const void *bytes, size_t length, mode_t mode, bool replace,
                       struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = folder_of(path);
    char *temporary =
        xasprintf("%.*s.%s.XXXXXX", slash ? (int)(slash - path + 1) : 0, path, slash ? slash + 1 : path);
    int code = 0, fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        code = err_errno(e, "%s", path);
        goto out;
    }
    if (fchmod(fd, mode) < 0)
        code = err_errno(e, "%s", path);
    else if ((code = file_write_all(fd, bytes, length, e)) < 0)
        err_prefix(e, "%s: ", path);
    else if (fsync(fd) < 0)
        code = err_errno(e, "%s", path);
    if (close(fd) < 0 && code == 0)
        code = err_errno(e, "%s", path);
    if (code == 0 && !replace)
        code = name_anew(temporary, path, bytes, length, mode, e);
    else if (code == 0 && rename(temporary, path) < 0)
        code = err_errno(e, "%s", path);
    if (code < 0 || !replace)
        unlink(temporary);
    if (code == 0)
        code = folder_sync(folder, e);
out:
    free(temporary);
    free(folder);
    return code;
}

int file_write_atomic(const char *path, const void *bytes, size_t length, mode_t mode, struct err *e)
{
    return write_whole(path, bytes, length, mode, true, e);
}

int file_write_new(const char *path, const void *bytes, size_t length, mode_t mode, struct err *e)
{
    return write_whole(path, bytes, length, mode, false, e);
}

static int folder_make_one(const char *path, mode_t mode, struct err *e)
{
    if (mkdir(path, mode & 0777) == 0) {
        /* The umask and the setgid bit: mkdir alone gives neither what was asked for. */
        return chmod(path, mode) < 0 ? err_errno(e, "%s", path) : 0;
    }
    int number = errno;
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : err_set(e, ERR_EXISTS, "%s: exists and is not a folder", path);
    errno = number;
    return err_errno(e, "%s", path);
}

int folder_make(const char *path, mode_t mode, struct err *e)
{
    char *copy = xstrdup(path);
    int code = 0;
    for (char *p = copy + 1; *copy && code == 0; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char c = *p;
        *p = '\0';
        if (p[-1] != '/')
            code = folder_make_one(copy, mode, e);
        *p = c;
        if (c == '\0')
            break;
    }
    free(copy);
    return code;
}

/* Empties the folder open as fd; takes fd. */
static int folder_empty(int fd, const char *path, int depth, struct err *e)
{
    DIR *folder = depth > 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        close(fd);
        return depth > 0 ? err_errno(e, "%s", path) : err_set(e, ERR_RANGE, "%s: folders too deep", path);
    }
    int code = 0;
    struct dirent *entry;
    while (code == 0 && (errno = 0, entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (str_eq(name, ".") || str_eq(name, ".."))
            continue;
        if (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM) {
            code = err_errno(e, "%s/%s", path, name);
            break;
        }
        int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner < 0)
            code = err_errno(e, "%s/%s", path, name);
        else
            code = folder_empty(inner, path, depth - 1, e);
        if (code == 0 && unlinkat(fd, name, AT_REMOVEDIR) < 0)
            code = err_errno(e, "%s/%s", path, name);
    }
    if (!entry && errno && code == 0)
        code = err_errno(e, "%s", path);
    closedir(folder);
    return code;
}

int folder_remove(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "%s", path);
    int code = folder_empty(fd, path, 64, e);
    if (code == 0 && rmdir(path) < 0)
        code = err_errno(e, "%s", path);
    return code;
}

static char *home(void)
{
    const char *from = getenv("HOME");
    if (from && from[0] == '/')
        return xstrdup(from);
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found && found->pw_dir[0] == '/')
        return xstrdup(found->pw_dir);
    return xstrdup("/");
}

/* The XDG base directory specification: a path that is not absolute is ignored. */
static char *xdg_folder(const char *variable, const char *under_home)
{
    const char *from = getenv(variable);
    if (from && from[0] == '/')
        return path_join(from, "belay");
    char *start = home(), *middle = path_join(start, under_home), *folder = path_join(middle, "belay");
    free(middle);
    free(start);
    return folder;
}

char *folder_state(void)
{
    return xdg_folder("XDG_STATE_HOME", ".local/state");
}

char *folder_config(void)
{
    return xdg_folder("XDG_CONFIG_HOME", ".config");
}

char *folder_runtime(void)
{
    const char *from = getenv("XDG_RUNTIME_DIR");
    if (from && from[0] == '/')
        return path_join(from, "belay");
    char *state = folder_state(), *folder = path_join(state, "runtime");
    free(state);
    return folder;
}

char *path_join(const char *folder, const char *name)
{
    if (!*folder)
        return xstrdup(name);
    return xasprintf(str_ends(folder, "/") ? "%s%s" : "%s/%s", folder, name);
}
