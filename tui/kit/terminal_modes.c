#include "tui/kit/terminal_modes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tui/kit/terminal.h"

#define RESTORE_MAX 1024

/* The file: written and read by the same build on the same machine, or not understood. */
struct kept {
    char magic[16];
    uint64_t size;
    struct termios original;
    uint64_t restore_length;
    char restore[RESTORE_MAX];
    uint64_t checksum;
};

static const char magic[16] = "belay-terminal1";

/* "terminal-136-3" in the runtime folder, by the device behind fd. */
static char *kept_path(int fd)
{
    struct stat st;
    unsigned device = 0;
    /* /dev/tty itself says 5:0 whatever it stands for. */
    if (ioctl(fd, TIOCGDEV, &device) == 0 && device != 0)
        st.st_rdev = makedev(device >> 8 & 0xfff, (device & 0xff) | (device >> 12 & 0xfff00));
    else if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode))
        return NULL;
    char *folder = folder_runtime();
    char *path = xasprintf("%s/terminal-%u-%u", folder, major(st.st_rdev), minor(st.st_rdev));
    free(folder);
    return path;
}

static struct termios raw_of(const struct termios *original)
{
    struct termios raw = *original;
    cfmakeraw(&raw);
    /* Without VMIN an empty read and a hang-up look the same. */
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return raw;
}

static bool modes_equal(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0;
}

static uint64_t kept_checksum(const struct kept *k)
{
    return checksum64(k, offsetof(struct kept, checksum));
}

static bool kept_read(const char *path, struct kept *k)
{
    struct str bytes = {0};
    bool ok = file_read(path, sizeof *k, &bytes, NULL) == 0 && bytes.len == sizeof *k;
    if (ok) {
        memcpy(k, bytes.data, sizeof *k);
        ok = memcmp(k->magic, magic, sizeof magic) == 0 && k->size == sizeof *k &&
             k->restore_length <= RESTORE_MAX && k->checksum == kept_checksum(k);
    }
    str_fini(&bytes);
    return ok;
}

/* No fsync: after a crash of the machine there is no tty to mend, and it would delay the first frame. The
 * checksum tells a torn file. */
static void write_kept(const char *path, const struct kept *k)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    file_write_all(fd, k, sizeof *k, NULL);
    close(fd);
}

static void kept_write(const char *path, const struct termios *original, const struct str *restore)
{
    struct kept k;
    memset(&k, 0, sizeof k);
    memcpy(k.magic, magic, sizeof magic);
    k.size = sizeof k;
    k.original = *original;
    if (restore->len <= RESTORE_MAX) {
        k.restore_length = restore->len;
        memcpy(k.restore, str_text(restore), restore->len);
    }
    k.checksum = kept_checksum(&k);
    char *folder = folder_runtime();
    if (folder_make(folder, 0700, NULL) == 0)
        write_kept(path, &k);
    free(folder);
}

/* True when the tty is as a killed console left it: exactly raw over what was kept. A tty that somebody has
 * put right in the meantime isn't touched. */
static bool left_behind(const char *path, const struct termios *now, struct kept *k)
{
    if (!path || !kept_read(path, k))
        return false;
    struct termios raw = raw_of(&k->original);
    return modes_equal(&raw, now);
}

int modes_take(struct modes *m, int fd, const struct str *restore, struct err *e)
{
    struct kept kept;
    modes_fini(m);
    if (tcgetattr(fd, &m->original) < 0)
        return err_errno(e, "can't read the terminal's modes");
    m->path = kept_path(fd);
    if (left_behind(m->path, &m->original, &kept))
        m->original = kept.original;
    if (m->path)
        kept_write(m->path, &m->original, restore);
    struct termios raw = raw_of(&m->original);
    if (tcsetattr(fd, TCSANOW, &raw) < 0) {
        int rc = err_errno(e, "can't set the terminal's modes");
        modes_give_back(m, fd);
        return rc;
    }
    return 0;
}

void modes_give_back(struct modes *m, int fd)
{
    modes_emergency(m, fd);
}

void modes_emergency(const struct modes *m, int fd)
{
    tcsetattr(fd, TCSANOW, &m->original);
    if (m->path)
        unlink(m->path);
}

void modes_fini(struct modes *m)
{
    free(m->path);
    m->path = NULL;
}

void terminal_mend(int fd)
{
    struct termios now;
    struct kept kept;
    if (!isatty(fd) || tcgetattr(fd, &now) < 0)
        return;
    char *path = kept_path(fd);
    /* A console that runs in the foreground, in another window on the same tty, isn't ours to end: our own
     * group has the tty, or we leave it. */
    if (tcgetpgrp(fd) == getpgrp() && left_behind(path, &now, &kept)) {
        if (kept.restore_length > 0 && write(fd, kept.restore, kept.restore_length) < 0)
            errno = 0;
        tcsetattr(fd, TCSANOW, &kept.original);
        unlink(path);
    }
    free(path);
}
