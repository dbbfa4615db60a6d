#include "engine/journal/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ABOUT_VERSION   "belay-emergency 1\n"
#define ABOUT_BYTES_MAX (1u << 20)

/* /var/tmp survives a restart of the host, memory does not. */
static const char *const default_places[] = {"/var/tmp", "/dev/shm"};
#define PLACES_MOST (1 + sizeof default_places / sizeof *default_places)

static size_t places(const struct journal_options *main, const char *list[static PLACES_MOST])
{
    size_t count = 0;
    if (main->emergency)
        list[count++] = main->emergency;
    for (size_t i = 0; i < sizeof default_places / sizeof *default_places; i++)
        list[count++] = default_places[i];
    return count;
}

/* ---- about ---- */

void emergency_about_fini(struct emergency_about *about)
{
    free(about->path);
    free(about->runs);
    *about = (struct emergency_about){0};
}

bool emergency_about_has(const struct emergency_about *about, int64_t run)
{
    for (size_t i = 0; i < about->run_count; i++)
        if (about->runs[i] == run)
            return true;
    return about->damaged;
}

static bool about_line(struct emergency_about *about, const char *line)
{
    uint8_t hash[SHA256_SIZE];
    long long number = 0;
    char rest = 0;
    if (sscanf(line, "run %lld%c", &number, &rest) == 1 && number > 0) {
        about->runs = xrealloc(about->runs, (about->run_count + 1) * sizeof *about->runs);
        about->runs[about->run_count++] = number;
        return true;
    }
    if (sscanf(line, "seq %lld%c", &number, &rest) == 1 && number >= 0) {
        about->main_seq = number;
        return true;
    }
    if (!str_starts(line, "id ") || sha256_from_hex(line + 3, hash, NULL) < 0)
        return false;
    snprintf(about->id, sizeof about->id, "%s", line + 3);
    return true;
}

int emergency_about_read(const char *folder, struct emergency_about *about, struct err *e)
{
    struct str text = {0};
    char *path = path_join(folder, "about"), *rest = NULL;
    *about = (struct emergency_about){.path = xstrdup(folder)};
    int code = file_read(path, ABOUT_BYTES_MAX, &text, e);
    bool sound = code == 0 && str_starts(str_text(&text), ABOUT_VERSION);
    if (sound)
        for (char *line = strtok_r(text.data + strlen(ABOUT_VERSION), "\n", &rest); line && sound;
             line = strtok_r(NULL, "\n", &rest))
            sound = about_line(about, line);
    if (!sound || !about->id[0]) {
        about->damaged = true;
        code = code ? code : err_set(e, ERR_CORRUPT, "%s: damaged, or of a newer belay", path);
    }
    str_fini(&text);
    free(path);
    return code;
}

int emergency_about_write(const char *folder, mode_t mode, const struct emergency_about *about, struct err *e)
{
    struct str text = {0};
    char *path = path_join(folder, "about");
    str_addf(&text, "%sid %s\nseq %lld\n", ABOUT_VERSION, about->id, (long long)about->main_seq);
    for (size_t i = 0; i < about->run_count; i++)
        str_addf(&text, "run %lld\n", (long long)about->runs[i]);
    int code = file_write_atomic(path, str_text(&text), text.len, mode, e);
    str_fini(&text);
    free(path);
    return code;
}

/* ---- whose they are ---- */

struct looking {
    const struct journal_options *main;
    const uint8_t *genesis; /* NULL: unknown */
    uid_t owner;            /* of a private journal */
    gid_t group;            /* of a shared one; -1: unknown */
    char names[2][160];
    size_t name_count;
    int (*visit)(const struct emergency_about *about, void *data);
    void *data;
};

static void looking_init(struct looking *l, const struct journal_options *main, const uint8_t *genesis)
{
    struct stat st;
    bool there = stat(main->folder, &st) == 0;
    *l = (struct looking){.main = main,
                          .genesis = genesis,
                          .owner = there && !main->shared ? st.st_uid : geteuid(),
                          .group = there ? st.st_gid : (gid_t)-1};
}

/* Only where there is a folder for them: every console looks at its start, and almost none finds any. */
static void names_make(struct looking *l)
{
    uint8_t hash[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    if (l->name_count > 0)
        return;
    if (l->genesis) {
        sha256_to_hex(l->genesis, hex);
        snprintf(l->names[l->name_count++], sizeof l->names[0], "%.64s-%.16s", l->main->platform, hex);
    }
    sha256_bytes(l->main->folder, strlen(l->main->folder), hash);
    sha256_to_hex(hash, hex);
    snprintf(l->names[l->name_count++], sizeof l->names[0], "%.64s-p%.16s", l->main->platform, hex);
}

/* The user's folder in a place: only that user can have put anything there. */
static bool user_folder_is_own(const char *path, uid_t uid)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid && (st.st_mode & 022) == 0;
}

/* Nobody but a member of a group can give a folder to it: that proves whose it is. */
static bool is_trusted(const struct looking *l, const char *path, uid_t uid)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != uid)
        return false;
    if (l->main->shared && uid != geteuid())
        return st.st_gid == l->group && (st.st_mode & 07777) == 02770;
    return (uid == l->owner || uid == geteuid()) && (l->main->shared || (st.st_mode & 077) == 0);
}

static int look_at(struct looking *l, const char *place, uid_t uid)
{
    char *folder = xasprintf("%s/belay-%u", place, (unsigned)uid);
    int code = 0;
    bool own = user_folder_is_own(folder, uid);
    if (own)
        names_make(l);
    for (size_t i = 0; i < l->name_count && own && code == 0; i++) {
        struct emergency_about about;
        char *path = path_join(folder, l->names[i]);
        char *journal = path_join(path, "journal/journal.db");
        if (is_trusted(l, path, uid) && access(journal, F_OK) == 0) { /* else nothing went on there */
            emergency_about_read(path, &about, NULL);
            code = l->visit(&about, l->data);
            emergency_about_fini(&about);
        }
        free(journal);
        free(path);
    }
    free(folder);
    return code;
}

static int look_for_all(struct looking *l, const char *place)
{
    DIR *entries = opendir(place);
    int code = 0;
    for (const struct dirent *entry; entries && code == 0 && (entry = readdir(entries));) {
        unsigned uid;
        char rest;
        if (sscanf(entry->d_name, "belay-%u%c", &uid, &rest) == 1)
            code = look_at(l, place, uid);
    }
    if (entries)
        closedir(entries);
    return code;
}

int places_each(const struct journal_options *main, const uint8_t *genesis,
                int (*visit)(const struct emergency_about *about, void *data), void *data)
{
    struct looking l;
    const char *list[PLACES_MOST];
    size_t count = places(main, list);
    int code = 0;
    looking_init(&l, main, genesis);
    l.visit = visit;
    l.data = data;
    for (size_t i = 0; i < count && code == 0; i++)
        code = main->shared ? look_for_all(&l, list[i]) : look_at(&l, list[i], l.owner);
    return code;
}

/* ---- a new one ---- */

static int user_folder_make(const char *path, bool shared, struct err *e)
{
    struct stat st;
    if (mkdir(path, shared ? 0711 : 0700) < 0 && errno != EEXIST)
        return err_errno(e, "%s", path);
    if (!user_folder_is_own(path, geteuid()))
        return err_set(e, ERR_DENIED, "%s is not a folder of your own that others can't write", path);
    if (shared && stat(path, &st) == 0 && (st.st_mode & 0711) != 0711 && chmod(path, 0711) < 0)
        return err_errno(e, "%s", path);
    return 0;
}

static int place_fits(const struct looking *l, const char *place, struct err *e)
{
    struct stat there, journal;
    struct statvfs room;
    const char *remote = NULL;
    bool named = l->main->emergency && str_eq(place, l->main->emergency);
    if (named && folder_make(place, 0700, e) < 0)
        return e->code;
    if (path_is_remote(place, &remote))
        return err_set(e, ERR_UNSUPPORTED, "%s lies on a network file system (%s)", place,
                       remote ? remote : "unknown");
    if (stat(place, &there) < 0 || statvfs(place, &room) < 0)
        return err_errno(e, "%s", place);
    if (there.st_uid != geteuid() && there.st_uid != 0)
        return err_set(e, ERR_DENIED, "%s belongs to another user (uid %u)", place, (unsigned)there.st_uid);
    if ((there.st_mode & 01002) == 02)
        return err_set(e, ERR_DENIED, "%s is open to everybody's renaming (no sticky bit)", place);
    if (!named && stat(l->main->folder, &journal) == 0 && journal.st_dev == there.st_dev)
        return err_set(e, ERR_FULL, "%s lies on the same disk", place);
    if (!named && (uint64_t)room.f_bavail * room.f_frsize < PLACES_FREE_BYTES)
        return err_set(e, ERR_FULL, "%s has too little room", place);
    return 0;
}

static int making_folder(const struct looking *l, struct emergency_making *m, struct err *e)
{
    bool shared = l->main->shared;
    if (access(m->path, F_OK) == 0)
        return err_set(e, ERR_EXISTS, "%s is there already", m->path);
    if (access(m->folder, F_OK) == 0 && folder_remove(m->folder, e) < 0) /* a crash left it */
        return e->code;
    if (mkdir(m->folder, 0700) < 0)
        return err_errno(e, "%s", m->folder);
    if (shared && l->group != (gid_t)-1 &&
        (chown(m->folder, (uid_t)-1, l->group) < 0 || chmod(m->folder, 02770) < 0))
        return err_errno(e, "%s", m->folder);
    return 0;
}

static int make_in(struct looking *l, const char *place, struct emergency_making *m, struct err *e)
{
    char *user = xasprintf("%s/belay-%u", place, (unsigned)geteuid());
    int code = place_fits(l, place, e);
    if (code == 0)
        code = user_folder_make(user, l->main->shared, e);
    if (code == 0 && (m->lock = open(user, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        code = err_errno(e, "%s", user);
    if (code == 0 && flock(m->lock, LOCK_EX | LOCK_NB) < 0)
        code = err_set(e, ERR_BUSY, "another emergency journal is being made in %s: try again", user);
    if (code == 0) {
        names_make(l);
        m->path = path_join(user, l->names[0]);
        m->folder = xasprintf("%s.making", m->path);
        code = making_folder(l, m, e);
    }
    free(user);
    return code;
}

int places_make(const struct journal_options *main, const uint8_t *genesis, struct emergency_making *m,
                struct err *e)
{
    struct looking l;
    struct str tried = {0};
    const char *list[PLACES_MOST];
    size_t count = places(main, list);
    int code = ERR_FULL;
    looking_init(&l, main, genesis);
    for (size_t i = 0; i < count && code != 0; i++) {
        struct err why = {0};
        *m = (struct emergency_making){.lock = -1};
        code = make_in(&l, list[i], m, &why);
        if (code == 0)
            break;
        str_addf(&tried, "%s%s", tried.len ? "; " : "", why.msg);
        free(m->path);
        free(m->folder);
        if (m->lock >= 0)
            close(m->lock);
        *m = (struct emergency_making){.lock = -1};
    }
    if (code != 0)
        err_set(e, code, "no place for an emergency journal (%s); emergency: in the configuration names one",
                str_text(&tried));
    str_fini(&tried);
    return code;
}

int places_publish(struct emergency_making *m, struct err *e)
{
    if (rename(m->folder, m->path) < 0)
        return err_errno(e, "%s", m->path);
    free(m->folder);
    m->folder = NULL;
    return fsync(m->lock) < 0 ? err_errno(e, "%s", m->path) : 0;
}

void places_making_fini(struct emergency_making *m)
{
    if (m->folder)
        folder_remove(m->folder, NULL);
    free(m->folder);
    free(m->path);
    if (m->lock >= 0)
        close(m->lock);
    *m = (struct emergency_making){.lock = -1};
}
