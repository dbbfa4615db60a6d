#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/base/file.h"

/* Numbers from linux/magic.h and the file systems' own sources. FUSE can be anything: its mount line tells.
 */
static const struct {
    uint32_t magic;
    const char *name;
} remote[] = {
    {0x6969, "NFS"},      {0x517B, "SMB"},        {0xFF534D42, "CIFS"},  {0xFE534D42, "SMB2"},
    {0x01021997, "9p"},   {0x5346414F, "AFS"},    {0x6B414653, "AFS"},   {0x73757245, "Coda"},
    {0x00C36400, "Ceph"}, {0x0BD00BD0, "Lustre"}, {0x01161970, "GFS2"},  {0x7461636F, "OCFS2"},
    {0x564C, "NCP"},      {0x19830326, "BeeGFS"}, {0xAAD7AAEA, "PanFS"},
};

#define FUSE_MAGIC 0x65735546

static const char *const remote_fuse[] = {
    "sshfs",   "s3fs",    "rclone", "glusterfs", "ceph",     "gcsfuse", "goofys", "davfs",     "curlftpfs",
    "moosefs", "juicefs", "lustre", "mfs",       "smbnetfs", "afp",     "nfs",    "blobfuse2", "gvfsd-fuse",
};

static const char *remote_fuse_name(const char *type)
{
    if (!str_starts(type, "fuse."))
        return NULL;
    for (size_t i = 0; i < sizeof remote_fuse / sizeof *remote_fuse; i++)
        if (str_starts(type + 5, remote_fuse[i]))
            return remote_fuse[i];
    return NULL;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - fuse.sshfs host:/ rw" (proc(5)); the device tells whose line
 * it is. */
static const char *fuse_of_device(dev_t device)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (!mounts)
        return NULL;
    const char *found = NULL;
    char *line = NULL;
    size_t size = 0;
    while (!found && getline(&line, &size, mounts) > 0) {
        unsigned number[2];
        char type[64];
        const char *dash = strstr(line, " - ");
        if (sscanf(line, "%*d %*d %u:%u", &number[0], &number[1]) == 2 &&
            makedev(number[0], number[1]) == device && dash && sscanf(dash + 3, "%63s", type) == 1)
            found = remote_fuse_name(type);
    }
    free(line);
    fclose(mounts);
    return found;
}

/* The nearest folder above a path that exists: what will be created there lies on the same file system. */
static int open_nearest(const char *path)
{
    char *copy = xstrdup(path[0] ? path : ".");
    int fd;
    while ((fd = open(copy, O_PATH | O_CLOEXEC)) < 0) {
        char *slash = strrchr(copy, '/');
        if (!slash) {
            fd = open(".", O_PATH | O_CLOEXEC);
            break;
        }
        if (slash == copy) {
            fd = open("/", O_PATH | O_CLOEXEC);
            break;
        }
        *slash = '\0';
    }
    free(copy);
    return fd;
}

bool path_is_remote(const char *path, const char **name)
{
    const char *found = NULL;
    int fd = open_nearest(path);
    if (fd < 0)
        return false;
    struct statfs fs;
    struct stat st;
    if (fstatfs(fd, &fs) == 0) {
        uint32_t magic = (uint32_t)fs.f_type;
        for (size_t i = 0; i < sizeof remote / sizeof *remote && !found; i++)
            if (remote[i].magic == magic)
                found = remote[i].name;
        if (magic == FUSE_MAGIC && fstat(fd, &st) == 0)
            found = fuse_of_device(st.st_dev);
    }
    close(fd);
    if (name)
        *name = found;
    return found != NULL;
}
