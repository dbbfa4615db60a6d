/* This console among others: a name of its own, and a lock on a file of that name as its sign of life. It is
 * a record lock: no child inherits it, so it ends with the console itself, even in the middle of a fork. It
 * also ends when the process closes any descriptor of the file: nobody here opens its own. */
#include "engine/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char *presence_folder(const struct engine *engine)
{
    return path_join(engine->state_folder, "consoles");
}

static char *presence_path(const struct engine *engine, const char *owner)
{
    return xasprintf("%s/consoles/%s", engine->state_folder, owner);
}

/* "alice@bastion-2.5f1c09ae": nobody else's, also after a restart of the host. */
static char *presence_name(const struct engine *engine)
{
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    char *name = xasprintf("%.32s@%.64s.%08x", engine->identity.actor, host, (unsigned)rng_entropy());
    for (char *c = name; *c; c++)
        if (*c == '/' || (unsigned char)*c <= ' ')
            *c = '_';
    return name;
}

/* The lock counts only if the file is still in its place: another console may have swept it away between the
 * two calls. */
static int presence_lock(const char *path, mode_t mode)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode);
    struct stat ours, there;
    if (fd < 0)
        return -1;
    (void)fchmod(fd, mode); /* whatever the umask */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole) == 0 && fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
        ours.st_ino == there.st_ino)
        return fd;
    close(fd);
    return -1;
}

static void presence_sweep(const struct engine *engine)
{
    char *folder = presence_folder(engine);
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.' && !presence_is_alive(engine, entry->d_name)) {
            char *path = presence_path(engine, entry->d_name);
            unlink(path);
            free(path);
        }
    if (entries)
        closedir(entries);
    free(folder);
}

void presence_open(struct engine *engine)
{
    engine->presence.lock = -1;
    engine->presence.owner = presence_name(engine);
    presence_show(engine);
}

void presence_show(struct engine *engine)
{
    if (engine->read_only || engine->presence.lock >= 0)
        return;
    bool shared = config_is_shared(engine->config);
    char *folder = presence_folder(engine), *path = presence_path(engine, engine->presence.owner);
    folder_make(folder, shared ? 02770 : 0700, NULL);
    presence_sweep(engine);
    for (int tries = 0; tries < 8 && engine->presence.lock < 0; tries++)
        engine->presence.lock = presence_lock(path, shared ? 0660 : 0600);
    free(folder);
    free(path);
}

void presence_close(struct engine *engine)
{
    if (engine->presence.lock >= 0) {
        char *path = presence_path(engine, engine->presence.owner);
        unlink(path);
        close(engine->presence.lock);
        free(path);
    }
    free(engine->presence.owner);
}

static bool is_locked(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool locked = fd >= 0 && fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    return locked;
}

bool presence_is_alive(const struct engine *engine, const char *owner)
{
    if (!owner || strchr(owner, '/') || owner[0] == '.')
        return false;
    if (str_eq(owner, engine->presence.owner))
        return true;
    char *path = presence_path(engine, owner);
    bool alive = is_locked(path);
    free(path);
    return alive;
}

char *presence_of_anybody(const char *state_folder)
{
    char *folder = path_join(state_folder, "consoles"), *who = NULL;
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && !who && (entry = readdir(entries));) {
        char *path = path_join(folder, entry->d_name);
        if (entry->d_name[0] != '.' && is_locked(path))
            who = xstrdup(entry->d_name);
        free(path);
    }
    if (entries)
        closedir(entries);
    free(folder);
    return who;
}
