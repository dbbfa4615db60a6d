/* What goes wrong, and when: a scenario's name, with variants behind a colon ("provider:no-backup"). */
#ifndef BELAY_SIMULATE_SCRIPT_H
#define BELAY_SIMULATE_SCRIPT_H

#include "engine/base/base.h"

struct script {
    int64_t shard_us, provider_us, bootstrap_us; /* virtual times; -1: that does not happen */
    bool no_replica;                             /* the shard that dies has none */
    bool transient;                              /* re-opening its index mends it */
    bool no_backup;                              /* no second provider is configured */
    bool bad_token;                              /* there is one, and it refuses our token */
    bool auth;                                   /* the provider refuses our token, nothing else is wrong */
    bool hooks;                                  /* what needs the controller waits for it by itself */
    bool migrated;       /* the migration went well, the deadlock is there all the same */
    bool late_snapshots; /* nobody has made any for 31 hours */
    bool lost_snapshots; /* those older than three days are gone */
};

/* ERR_USAGE with what there is. */
int script_read(const char *text, struct script *s, struct err *e);

#endif
