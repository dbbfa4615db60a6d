/* Whether the files of a run, its document and its items, still are what it began with. The run keeps what it
 * began with; that they differ is told. Looked at in the pool: a file may be on a share that hangs. */
#include "engine/walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct edition_file {
    char *path;
    char digest[SHA256_HEX_SIZE]; /* of what the run keeps */
    struct timespec modified;     /* as it was read last */
    off_t size;
    bool changed;
};

struct edition {
    struct edition_file *files; /* the document first */
    size_t count;
    bool away; /* in the pool */
};

struct looking {
    struct engine *engine;
    int64_t run;
    struct edition *edition;
    bool news;
};

static void file_add(struct edition *edition, char *path, const char *digest)
{
    struct edition_file *file = &edition->files[edition->count++];
    file->path = path;
    memcpy(file->digest, digest, sizeof file->digest);
}

static struct edition *edition_new(const struct walk *w)
{
    struct edition *edition = xcalloc(1, sizeof *edition);
    edition->files = xcalloc(w->items.count + 1, sizeof *edition->files);
    file_add(edition, xstrdup(w->book->path), w->book->digest);
    for (size_t i = 0; i < w->items.count; i++)
        if (w->items.of[i])
            file_add(edition, runbook_items_path(w->book, (int)i), items_digest(w->items.of[i]));
    return edition;
}

static void edition_free(struct edition *edition)
{
    for (size_t i = 0; edition && i < edition->count; i++)
        free(edition->files[i].path);
    free(edition ? edition->files : NULL);
    free(edition);
}

/* A file that can't be read may be on another host: that says nothing about an edit. */
static bool differs(const struct edition_file *file)
{
    struct str bytes = {0};
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    bool changed = false;
    struct err e = {0};
    if (file_read(file->path, ITEMS_BYTES_MAX, &bytes, &e) == 0) {
        sha256_bytes(str_text(&bytes), bytes.len, digest);
        sha256_to_hex(digest, hex);
        changed = !str_eq(hex, file->digest);
    }
    str_fini(&bytes);
    return changed || e.code == ERR_RANGE;
}

static void looking_work(void *data)
{
    struct looking *l = data;
    for (size_t i = 0; i < l->edition->count; i++) {
        struct edition_file *file = &l->edition->files[i];
        struct stat info;
        if (stat(file->path, &info) < 0 ||
            (info.st_size == file->size && info.st_mtim.tv_sec == file->modified.tv_sec &&
             info.st_mtim.tv_nsec == file->modified.tv_nsec))
            continue;
        bool changed = differs(file);
        l->news |= changed != file->changed;
        file->changed = changed;
        file->size = info.st_size;
        file->modified = info.st_mtim;
    }
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *edition_text(const struct edition *edition)
{
    struct str text = {0};
    size_t changed = 0, named = 0;
    for (size_t i = 0; i < edition->count; i++)
        changed += edition->files[i].changed;
    for (size_t i = 0; i < edition->count; i++)
        if (edition->files[i].changed) {
            str_add(&text, named == 0 ? "" : named + 1 == changed ? " and " : ", ");
            str_add(&text, name_of(edition->files[i].path));
            named++;
        }
    if (changed > 0)
        str_addf(&text, " %s changed since this run began; the run keeps %s", changed == 1 ? "has" : "have",
                 changed > 1                 ? "what it began with"
                 : edition->files[0].changed ? "its own text"
                                             : "its own lines");
    return changed > 0 ? str_take(&text) : NULL;
}

static void looking_done(void *data)
{
    struct looking *l = data;
    struct engine *engine = l->engine;
    struct walk *w = walk_find(engine, l->run);
    engine->runs.storing--;
    l->edition->away = false;
    if (!w || w->edition != l->edition) {
        edition_free(l->edition);
    } else if (l->news) {
        free(w->edited);
        w->edited = edition_text(l->edition);
        if (!engine->closing)
            engine_changed(engine, ENGINE_RUNS);
    }
    free(l);
}

void edition_drop(struct walk *w)
{
    if (w->edition && !w->edition->away)
        edition_free(w->edition);
    w->edition = NULL; /* else the job that has it frees it */
    free(w->edited);
    w->edited = NULL;
}

void edition_look(struct walk *w)
{
    if (w->ended || w->lost || w->book->act || w->engine->closing)
        return;
    if (!w->edition)
        w->edition = edition_new(w);
    if (w->edition->away)
        return;
    struct looking *l = xcalloc(1, sizeof *l);
    *l = (struct looking){.engine = w->engine, .run = w->id, .edition = w->edition};
    w->edition->away = true;
    w->engine->runs.storing++;
    loop_work(w->engine->loop, looking_work, looking_done, l);
}
