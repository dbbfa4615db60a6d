#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/targets/database.h"

static struct flock byte_of(int64_t target, unsigned slot)
{
    return (struct flock){.l_type = F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = (off_t)(target * BREAKER_PROBES_MAX + slot),
                          .l_len = 1};
}

static int lease_file(const struct targets *t)
{
    mode_t mode = t->shared ? 0660 : 0600;
    int fd = open(t->lease_path, (t->read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0 && t->shared && !t->read_only)
        (void)fchmod(fd, mode); /* the umask must not decide; not ours: its maker has done it */
    return fd;
}

int lease_take(struct targets *t, int64_t target, unsigned slot)
{
    struct flock lock = byte_of(target, slot);
    int fd = lease_file(t);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool lease_is_held(struct targets *t, int64_t target, unsigned slot)
{
    struct flock lock = byte_of(target, slot);
    if (t->probe_fd < 0)
        t->probe_fd = lease_file(t);
    return t->probe_fd >= 0 && fcntl(t->probe_fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void lease_end(int lease)
{
    if (lease >= 0)
        close(lease);
}
