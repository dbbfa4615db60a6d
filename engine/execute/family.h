/* What a step started, as its supervisor sees it: a main process, its group, and orphans that became ours (we
 * are their subreaper). The main process isn't reaped before the end, so that its number, which is the
 * group's, can't be given to a stranger whom we would then signal. */
#ifndef BELAY_EXECUTE_FAMILY_H
#define BELAY_EXECUTE_FAMILY_H

#include <stdbool.h>
#include <sys/types.h>

struct family {
    pid_t main;
    bool ended; /* the main process; status as waitpid gives it */
    int status;
};

void family_init(struct family *f, pid_t main);
/* True once the main process has ended, which this finds out. */
bool family_main_ended(struct family *f);
/* To the whole group. */
void family_signal(const struct family *f, int number);
/* Reaps orphans that have ended. */
void family_reap(struct family *f);
/* Whether the group holds anybody but the main process that has ended. */
bool family_group_alive(const struct family *f);
/* Whether anything but the main process that has ended is alive, in whatever group. */
bool family_others_alive(const struct family *f);
/* Reaps the main process. True when something that it started is still alive. */
bool family_end(struct family *f);

#endif
