/* One annotation at its place, for the rows of the table of keys: keys.c has the plain ones, keys_power.c
 * those of the powers (items, rungs, locks ...). */
#ifndef BELAY_RUNBOOK_KEYS_H
#define BELAY_RUNBOOK_KEYS_H

#include "engine/runbook/reading.h"

struct place {
    struct reading *r;
    int number;
    struct step *step;
    const struct annotation *note;
};

#define bad(p, ...)         book_finding((p)->r->book, FINDING_ERROR, (p)->step->line, (p)->note->column, __VA_ARGS__)
#define bad_foreign(p, ...) book_finding_strict((p)->r->book, (p)->step->line, (p)->note->column, __VA_ARGS__)

bool key_boolean(const char *text, bool *value);
void key_time(struct place *p, struct step_time *time, int64_t least);
void key_text(struct place *p, char **text);

/* keys_power.c */
void key_interactive(struct place *p);
void key_lock(struct place *p);
void key_policy(struct place *p);
void key_approvals(struct place *p);
void key_follow(struct place *p);
void key_items(struct place *p);
void key_minimum(struct place *p);
void key_threshold(struct place *p);
void key_parallel(struct place *p);
void key_rungs(struct place *p);
void key_rung_hold(struct place *p);
/* "NAME[:lower|higher][:5%]": the name's length and the rest into the step; -1 and a finding when it is none.
 */
int guard_read(struct place *p);

#endif
