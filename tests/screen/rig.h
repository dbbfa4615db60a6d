/* A platform on paper: a folder that is a user's home, a configuration whose one source prints a file, and
 * that file. The console that is started on it sees exactly what the file says. */
#ifndef BELAY_TEST_RIG_H
#define BELAY_TEST_RIG_H

#include <stdint.h>

#include "tests/screen/pty.h"

struct rig {
    char folder[48];
    char home[80], config[80], state[80], runtime[80];
};

/* Environment, folder, configuration (every 1 s) and a small state of all kinds. Ends the program when that
 * fails. */
void rig_open(struct rig *r);
void rig_close(struct rig *r);

/* Replaces a file of the folder as a whole; name has no slash. */
void rig_write(struct rig *r, const char *name, const char *text);
/* What a configuration holds besides the source: runbooks, badge. */
void rig_configure(struct rig *r, const char *more);

/* One of each kind in the state named, and others that are fine. */
void rig_state_small(struct rig *r, const char *shard_state);
/* count entities, of which `changing` have new values at each tick; with flip their states change, too. */
void rig_state_many(struct rig *r, size_t count, size_t changing, uint64_t tick, bool flip);

struct rig_start {
    const char *const *arguments; /* after the program's name; NULL: the configuration */
    const char *const *environment;
    const char *term;
    int width, height;
};
/* belay on the rig; start may be NULL. */
struct pty *rig_run(struct rig *r, const char *belay, const struct rig_start *start);

#endif
