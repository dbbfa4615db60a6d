#include "engine/execute/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "engine/execute/execution.h"
#include "engine/execute/record.h"

#define PIECE_BYTES (64u << 10)

/* The other end without its name: in a container /dev/pts may be another one's. */
static int other_end(int ours)
{
    int fd = ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64];
    if (fd < 0 && ptsname_r(ours, name, sizeof name) == 0)
        fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return fd;
}

int terminal_make(const struct exec_terminal *terminal, int *ours, int *steps, struct err *e)
{
    struct winsize size = {.ws_col = (unsigned short)terminal->width,
                           .ws_row = (unsigned short)terminal->height};
    *steps = -1;
    *ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*ours < 0 || grantpt(*ours) < 0 || unlockpt(*ours) < 0 || (*steps = other_end(*ours)) < 0 ||
        fcntl(*ours, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        return err_errno(e, "no terminal for the step");
    if ((terminal->modes && tcsetattr(*steps, TCSANOW, terminal->modes) < 0) ||
        ioctl(*ours, TIOCSWINSZ, &size) < 0)
        return err_errno(e, "the terminal for the step can't be set");
    return 0;
}

int execution_terminal(const struct execution *x)
{
    return x->terminal;
}

int execution_recording(const struct execution *x, struct err *e)
{
    int fd = openat(x->dir, NAME_RECORDING, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                    x->spool->file_mode);
    if (fd < 0 || fchmod(fd, x->spool->file_mode) < 0) {
        err_errno(e, "%s/%s/%s", x->spool->folder, x->key, NAME_RECORDING);
        if (fd >= 0)
            close(fd);
        return e ? e->code : ERR_IO;
    }
    return fd;
}

/* Where the last whole line ends: a killed console may have left half of one behind it. */
static off_t whole_lines(int fd)
{
    char bytes[4096];
    off_t end = lseek(fd, 0, SEEK_END);
    while (end > 0) {
        size_t length = end < (off_t)sizeof bytes ? (size_t)end : sizeof bytes;
        ssize_t got = pread(fd, bytes, length, end - (off_t)length);
        if (got != (ssize_t)length)
            return 0;
        const char *newline = memrchr(bytes, '\n', length);
        if (newline)
            return end - (off_t)length + (newline - bytes) + 1;
        end -= (off_t)length;
    }
    return 0;
}

int spool_recording(struct spool *s, const char *key,
                    int (*each)(void *data, const char *bytes, size_t length), void *data, struct err *e)
{
    int dir = spool_step(s, key, e);
    if (dir < 0)
        return dir;
    int code = 0, fd = openat(dir, NAME_RECORDING, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    close(dir);
    if (fd < 0)
        return err_errno(e, "%s/%s/%s", s->folder, key, NAME_RECORDING);
    char *bytes = xmalloc(PIECE_BYTES);
    off_t end = whole_lines(fd);
    for (off_t at = 0; code == 0 && at < end;) {
        size_t length = end - at < (off_t)PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
        ssize_t got = pread(fd, bytes, length, at);
        if (got <= 0) {
            code = err_errno(e, "%s/%s/%s", s->folder, key, NAME_RECORDING);
            break;
        }
        code = each(data, bytes, (size_t)got);
        at += got;
    }
    free(bytes);
    close(fd);
    return code;
}
