/* One pass over every source: what is there now, for commands without a screen. */
#ifndef BELAY_TUI_COMMANDS_PASS_H
#define BELAY_TUI_COMMANDS_PASS_H

#include "engine/engine.h"

struct pass {
    struct loop *loop;
    struct platform *platform; /* NULL: there is nothing to watch */
    struct sources *sources;
    struct journal *journal; /* NULL: nothing was journaled yet, or it can't be read */
    bool borrowed;
};

/* Waits until every source has answered or failed, within their time-outs. Since when things are as they are
 * is told by the journal: borrowed until pass_fini, or with NULL opened here. pass_fini also after an error.
 */
int pass_run(struct pass *pass, const struct config *config, struct journal *journal, struct err *e);
void pass_fini(struct pass *pass);

/* "shard docs/shard-5", or a name alone that only one entity has. NULL and e. */
const struct entity *pass_entity(const struct pass *pass, const char *title, struct err *e);

#endif
