/* Whether a process that we start outlives this login, from facts that the system shows. */
#ifndef BELAY_EXECUTE_LIFETIME_H
#define BELAY_EXECUTE_LIFETIME_H

#include <stdbool.h>

#include "engine/execute/execute.h"

struct lifetime_facts {
    bool container_main; /* our session is that of process 1, or we are it */
    bool logind;         /* systemd runs the machine */
    bool session_scope;  /* our control group is a login's session-*.scope */
    bool user_service;   /* it is below user@UID.service */
    bool kills;          /* logind's KillUserProcesses holds for this user */
    bool lingers;        /* enable-linger */
    bool scope_possible; /* systemd-run and the user's manager are there */
    char user[64];
};

void lifetime_judge(const struct lifetime_facts *f, struct execute_lifetime *l);

/* Reads one logind.conf into *kills, which keeps its value where the text says nothing. A value that is
 * commented out shows what was compiled in, and counts until one is set. */
struct logind_setting {
    bool kills, kills_set;
    bool only, excluded; /* this user is in KillOnlyUsers (or that is empty); in KillExcludeUsers */
};
void logind_read(const char *text, const char *user, struct logind_setting *s);

#endif
