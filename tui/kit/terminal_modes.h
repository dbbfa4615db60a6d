/* The modes of a tty: raw while it is ours, as they were after. What they were is kept in the runtime folder
 * as long as they are changed, so that after kill -9 the next start knows. Internal to the kit. */
#ifndef BELAY_KIT_TERMINAL_MODES_H
#define BELAY_KIT_TERMINAL_MODES_H

#include <termios.h>

#include "engine/base/base.h"

struct modes {
    struct termios original;
    char *path; /* where they are kept; NULL: nowhere */
};

/* Makes the tty raw, remembers its modes (those of before, when somebody was killed here) and keeps them with
 * the bytes that restore the screen. Not being able to keep them is no error. */
int modes_take(struct modes *m, int fd, const struct str *restore, struct err *e);
/* Restores the modes and forgets what was kept. */
void modes_give_back(struct modes *m, int fd);
/* The same, async-signal-safe. */
void modes_emergency(const struct modes *m, int fd);
void modes_fini(struct modes *m);

#endif
