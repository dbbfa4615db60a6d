/* The folder of step folders, inside this room. */
#ifndef BELAY_EXECUTE_SPOOL_H
#define BELAY_EXECUTE_SPOOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/base/base.h"
#include "engine/execute/execute.h"
#include "engine/execute/record.h"

struct loop;
struct loop_watch;

/* The executions of this process, and how they hear of changes (notify.h). */
struct followers {
    struct execution **data;
    size_t len, cap;
    int notify; /* inotify; -1 until needed */
    struct loop *loop;
    struct loop_watch *watch; /* while there are any */
};

struct spool {
    struct followers followers;
    char *folder;  /* absolute */
    char *program; /* the `belay` that supervises */
    int dir;
    mode_t folder_mode; /* of step folders */
    mode_t file_mode;
};

/* The descriptor of a step folder; ERR_USAGE for a bad key, ERR_NOT_FOUND. */
int spool_step(const struct spool *s, const char *key, struct err *e);

/* Its folder was removed meanwhile: makes it again, empty. */
int spool_remake(struct spool *s, struct err *e);

/* A new step folder as an armer needs it: complete, named, both locks taken. */
struct spool_new {
    int dir;
    int lock;
    int child_lock;
};
int spool_make(struct spool *s, const struct about *about, struct spool_new *made, struct err *e);
void spool_new_close(struct spool_new *made);

/* The small `belay` that belongs to this program: itself, beside it, or ../../bin from libexec/belay. The
 * caller frees; NULL and e when there is none. */
char *program_find(struct err *e);

#endif
