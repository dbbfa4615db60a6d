/* A step that has ended, taken along into another spool: what it left is all in a few files. */
#include "engine/execute/spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/base.h"
#include <sys/stat.h>

#define COPY_BYTES 65536

static int copy_bytes(int from, int to, const char *name, struct err *e)
{
    char *bytes = xmalloc(COPY_BYTES);
    int code = 0;
    for (;;) {
        ssize_t got = read(from, bytes, COPY_BYTES);
        if (got < 0)
            code = err_errno(e, "%s", name);
        if (got <= 0 || code < 0)
            break;
        code = file_write_all(to, bytes, (size_t)got, e);
        if (code < 0)
            break;
    }
    free(bytes);
    return code < 0 || fsync(to) == 0 ? code : err_errno(e, "%s", name);
}

/* What isn't there isn't copied. */
static int copy_file(int from, int to, const char *name, mode_t mode, struct err *e)
{
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (in < 0)
        return 0;
    int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    int code = out < 0 ? err_errno(e, "%s", name) : copy_bytes(in, out, name, e);
    close(in);
    if (out >= 0)
        close(out);
    return code;
}

static int write_about(int from, int to, const char *key, mode_t mode, struct err *e)
{
    char bytes[512];
    struct str text = {0};
    struct about about;
    int in = openat(from, NAME_ABOUT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out = openat(to, NAME_ABOUT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    ssize_t got = in < 0 ? -1 : read(in, bytes, sizeof bytes);
    int code =
        got < 0 || out < 0 ? err_errno(e, "%s", NAME_ABOUT) : about_decode(bytes, (size_t)got, &about, e);
    if (code == 0) {
        snprintf(about.key, sizeof about.key, "%s", key);
        about_encode(&about, &text);
        code = file_write_all(out, str_text(&text), text.len, e);
    }
    if (code == 0 && fsync(out) < 0)
        code = err_errno(e, "%s", NAME_ABOUT);
    str_fini(&text);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return code;
}

/* The record names the key that it belongs to. */
static int write_exit(int from, int to, const char *key, const char *new_key, mode_t mode, struct err *e)
{
    struct exit_record record;
    if (!exit_read(from, key, &record))
        return 0;
    int out = openat(to, NAME_EXIT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    int code = out < 0 ? err_errno(e, "%s", NAME_EXIT) : exit_write(out, &record, new_key, e);
    if (out >= 0)
        close(out);
    return code;
}

static int copy_files(int from, int to, const char *key, const char *new_key, mode_t mode, struct err *e)
{
    static const char *const names[] = {NAME_SUPERVISOR_LOCK, NAME_SPOOL, NAME_EXPORTS, NAME_RECORDING,
                                        NAME_FATE};
    int code = write_about(from, to, new_key, mode, e);
    for (size_t i = 0; i < sizeof names / sizeof *names && code == 0; i++)
        code = copy_file(from, to, names[i], mode, e);
    return code == 0 ? write_exit(from, to, key, new_key, mode, e) : code;
}

int spool_copy(struct spool *from, struct spool *to, const char *key, const char *new_key, struct err *e)
{
    char made[EXEC_KEY_MAX + 16];
    int source = spool_step(from, key, e), target = -1, code = 0;
    if (source < 0)
        return source;
    snprintf(made, sizeof made, ".new-%s", new_key);
    char *path = path_join(to->folder, made);
    folder_remove(path, NULL); /* half made, once */
    if (faccessat(to->dir, new_key, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        code = err_set(e, ERR_EXISTS, "%s/%s is there already", to->folder, new_key);
    else if (mkdirat(to->dir, made, to->folder_mode) < 0 ||
             (target = openat(to->dir, made, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        code = err_errno(e, "%s", path);
    if (code == 0 && fchmod(target, to->folder_mode) < 0) /* whatever the umask */
        code = err_errno(e, "%s", path);
    if (code == 0)
        code = copy_files(source, target, key, new_key, to->file_mode, e);
    if (code == 0 && renameat(to->dir, made, to->dir, new_key) < 0)
        code = err_errno(e, "%s/%s", to->folder, new_key);
    if (target >= 0)
        close(target);
    close(source);
    free(path);
    return code;
}
