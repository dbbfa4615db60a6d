/* Inside the journal: the fold that incident.c and incident_file.c share. */
#ifndef BELAY_JOURNAL_FOLD_H
#define BELAY_JOURNAL_FOLD_H

#include "engine/journal/journal.h"

/* Takes one of its events, in order. */
void incident_fold(struct journal_incident *incident, const struct event *event);

#endif
