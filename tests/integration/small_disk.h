/* A small disk of a test's own: a tmpfs in a namespace of mounts that ends with the process. */
#ifndef BELAY_TEST_SMALL_DISK_H
#define BELAY_TEST_SMALL_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline void small_disk_map(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    close(fd);
}

/* Root in a namespace of mounts, or in one of users too. False: this host lets nobody mount here. */
static inline bool small_disk_allowed(void)
{
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (uid != 0) {
        char map[64];
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return false;
        small_disk_map("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
        small_disk_map("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
        small_disk_map("/proc/self/gid_map", map);
    } else if (unshare(CLONE_NEWNS) < 0) {
        return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* size as tmpfs takes it: "3m". */
static inline bool small_disk_mount(const char *folder, const char *size)
{
    char options[64];
    snprintf(options, sizeof options, "size=%s,mode=0755", size);
    return mount("belay", folder, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0;
}

static inline bool small_disk_writable(const char *folder, bool writable)
{
    return mount(NULL, folder, NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV | (writable ? 0 : MS_RDONLY), NULL) ==
           0;
}

/* Takes all that is left, to the last byte; false when it could not. */
static inline bool small_disk_fill(const char *filler)
{
    char block[4096] = {1};
    int fd = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    while (write(fd, block, sizeof block) > 0)
        ;
    while (write(fd, block, 1) > 0)
        ;
    bool full = errno == ENOSPC;
    close(fd);
    return full;
}

#endif
