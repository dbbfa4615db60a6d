/* One step folder, judged from its locks and files alone. */
#ifndef BELAY_EXECUTE_FOLDER_H
#define BELAY_EXECUTE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/base.h"
#include "engine/execute/execute.h"
#include "engine/execute/record.h"

/* Who holds a lock file. */
struct holder {
    bool missing;    /* there is no such file */
    bool held;       /* flock: the process that it was given to, or any that inherited it */
    pid_t main_pid;  /* of the record lock; 0 when there is none, or it isn't in this PID namespace's sight */
    bool main_alive; /* somebody has the record lock */
};

/* Never waits and never keeps a lock. A missing file is held by nobody. */
struct holder lock_look(int folder, const char *name);

/* Fills all of entry but its key, which says what the folder must be about. */
void folder_judge(int folder, const char *key, struct spool_entry *entry);

#define PREFIX_GONE ".gone-" /* of a folder that is being removed */

/* Removes it from its spool, by that one's descriptor and path. */
int folder_discard(int spool, const char *path, const char *key, struct err *e);

/* What an outcome of that record, or of none, comes to; counts are the record's. */
void result_from_record(const struct exit_record *r, struct exec_result *result);

#endif
