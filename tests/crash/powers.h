/* Runs with every power, two consoles on one journal, and everything killed at random moments. In parts:
 * powers.c walks and kills, powers_hand.c is what the steps run, powers_verdict.c judges what came of it. */
#ifndef BELAY_TESTS_CRASH_POWERS_H
#define BELAY_TESTS_CRASH_POWERS_H

#include "engine/journal/journal.h"

/* ---- The document's steps, by name. Each heading of the document is the name of its step. ---- */
#define POWERS_ITEMS 6
#define POWERS_TRIES 4 /* of its policy */

extern const char powers_document[], powers_items[], powers_config[];

/* ---- The hand: it appends what it does to the oracle, a file for each run ----
 *
 *   begin LABEL KEY PID INTENT       INTENT: yes, when the journal had the intent as it began
 *   overlap LABEL KEY                somebody else was at what the lock is for
 *   end LABEL KEY STATUS
 *
 * LABEL: the step, "many.c" for an item, "ramp@50" for a rung. KEY: its place in the spool, "r12-p07f3a91c". */
#define LABEL_MAX 32

struct oracle_line {
    char label[LABEL_MAX], key[64];
    int pid, status;
    bool begins, ends, overlaps, intended;
};

struct oracle {
    VEC(struct oracle_line) lines;
    struct str text;
};

void oracle_read(struct oracle *o, const char *base, int64_t run); /* before: {0} */
void oracle_fini(struct oracle *o);
/* Lines `end LABEL * 0`. */
size_t oracle_done(const struct oracle *o, const char *label);
size_t oracle_begun(const struct oracle *o, const char *label);
bool label_is_of(const char *label, const char *step);

/* `hand STEP`: acts. `look STEP`: says whether it has been done; of "rate" the guard's number. */
int powers_hand(const char *word, const char *step);

/* ---- The truth and the verdict ---- */

/* Is what the step has to do done? As a person would find out who looks at the thing itself. */
bool powers_truth(const struct oracle *o, const char *step);
/* The run has ended: NULL, or what is wrong with it (the caller frees). */
char *powers_verdict(struct journal *journal, const struct oracle *o, int64_t run);

#endif
