#include "engine/targets/exec_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void exec_spool_init(struct exec_spool *s, const char *what, uint64_t limit)
{
    *s = (struct exec_spool){.what = what, .file = -1, .limit = limit};
}

void exec_spool_fini(struct exec_spool *s)
{
    str_fini(&s->memory);
    if (s->file >= 0)
        close(s->file);
    s->file = -1;
}

static const char *folder(void)
{
    const char *said = getenv("TMPDIR");
    return said && *said ? said : "/tmp";
}

/* A file that has no name. */
static int file_open(const struct exec_spool *s, struct err *e)
{
    int fd = open(folder(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != ENOENT && errno != ENOSPC) { /* a file system that knows no O_TMPFILE */
        char *path = path_join(folder(), ".belay-exec-XXXXXX");
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
        free(path);
    }
    if (fd < 0)
        return err_errno(e, "the %s can't be kept back in %s (set TMPDIR to a folder with room)", s->what,
                         folder());
    return fd;
}

static int file_add(struct exec_spool *s, uint64_t at, const void *bytes, size_t length, struct err *e)
{
    for (size_t done = 0; done < length;) {
        ssize_t wrote = pwrite(s->file, (const char *)bytes + done, length - done, (off_t)(at + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            errno = wrote == 0 ? ENOSPC : errno;
            return err_errno(e,
                             "the %s can't be kept back in %s (make room, or set TMPDIR to another folder)",
                             s->what, folder());
        }
        done += (size_t)wrote;
    }
    return 0;
}

/* From memory into a file. */
static int move_out(struct exec_spool *s, struct err *e)
{
    int fd = file_open(s, e);
    if (fd < 0)
        return fd;
    s->file = fd;
    int code = file_add(s, 0, str_text(&s->memory), s->memory.len, e);
    if (code < 0) {
        close(fd);
        s->file = -1;
        return code;
    }
    str_fini(&s->memory);
    return 0;
}

int exec_spool_add(struct exec_spool *s, const void *bytes, size_t length, struct err *e)
{
    int code = 0;
    if (length > s->limit - s->length)
        return err_set(e, ERR_FULL, "the %s is larger than %llu bytes, and can't be kept back: raise --spool",
                       s->what, (unsigned long long)s->limit);
    if (s->file < 0 && s->memory.len + length > EXEC_SPOOL_MEMORY)
        code = move_out(s, e);
    if (code == 0 && s->file >= 0)
        code = file_add(s, s->length, bytes, length, e);
    else if (code == 0)
        str_add_bytes(&s->memory, bytes, length);
    if (code == 0)
        s->length += length;
    return code;
}

ssize_t exec_spool_read(const struct exec_spool *s, uint64_t offset, void *bytes, size_t room)
{
    if (offset >= s->length)
        return 0;
    size_t length = s->length - offset < room ? (size_t)(s->length - offset) : room;
    if (s->file < 0) {
        memcpy(bytes, s->memory.data + offset, length);
        return (ssize_t)length;
    }
    ssize_t got;
    do
        got = pread(s->file, bytes, length, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got;
}

void exec_spool_clear(struct exec_spool *s)
{
    str_clear(&s->memory);
    s->length = 0;
    if (s->file >= 0)
        close(s->file); /* and with it what it took of the disk */
    s->file = -1;
}
