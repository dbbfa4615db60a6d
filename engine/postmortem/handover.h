/* What is left open: what closing an incident leaves behind, and what one shift hands to the next. Folds over
 * the journal. postmortem.h includes this. */
#ifndef BELAY_POSTMORTEM_HANDOVER_H
#define BELAY_POSTMORTEM_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/journal/journal.h"

/* X(NAME, name, does it keep an incident from being closed without a word) */
#define LEFTOVERS(X)                                                                                         \
    X(RUN, "run", false)          /* open: finish or stop it first */                                        \
    X(CHANGED, "changed", true)   /* and not undone */                                                       \
    X(UNKNOWN, "unknown", true)   /* what came of it */                                                      \
    X(LOCK, "lock", true)         /* still held by one of its runs */                                        \
    X(APPROVAL, "approval", true) /* asked for, and not given yet */                                         \
    X(MUTED, "muted", true)       /* for this incident */                                                    \
    X(ACTION, "action", false)    /* open action item */                                                     \
    X(TICKET, "no ticket", true)  /* an open one that nobody will find again */                              \
    X(STATE, "state", true)       /* not resolved, not reviewed */

enum leftover_kind {
#define X(NAME, name, asks) LEFTOVER_##NAME,
    LEFTOVERS(X)
#undef X
};
const char *leftover_name(enum leftover_kind kind);

struct leftover {
    enum leftover_kind kind;
    int64_t run; /* 0 none */
    char *text;  /* "run 12, Restore the latest snapshot: ok; can be taken back by drop"; cleaned */
};

struct leftovers {
    struct leftover *data;
    size_t len, cap;
};

/* Of one incident, worst first. Blocks for the disk: milliseconds to seconds, so in the pool. */
int leftovers_read(struct journal *j, int64_t incident, int64_t now_us, struct leftovers *left,
                   struct err *e);
void leftovers_fini(struct leftovers *left);
size_t leftovers_of(const struct leftovers *left, enum leftover_kind kind);
/* "KIND: text" of those that ask before closing, NULL-terminated; NULL when there are none. strv_free. */
char **leftovers_asking(const struct leftovers *left);

/* Reads the file of the incident and drafts the change, as incident_change_draft. Closing looks for what
 * would be left behind: an open run refuses it (ERR_BUSY), what asks does so too (ERR_DENIED, it is named)
 * unless accept_left, and is recorded then. incident 0: a note that belongs to none. draft_texts_fini in
 * either case. */
int incident_decide(struct journal *j, int64_t incident, const struct incident_change *change,
                    bool accept_left, int64_t now_us, struct event_draft *draft, struct draft_texts *texts,
                    struct err *e);

struct handover_incident {
    struct incident_file file;
    struct leftovers left;
};

/* Who gives or accepts. Two people on one login differ by their SSH keys, or by what they say they are. */
struct handover_who {
    const char *actor;
    const char *key;   /* fingerprint; NULL: no SSH key is known */
    const char *claim; /* --operator; NULL */
};

/* Given by whom, and not accepted yet. */
struct handover_given {
    int64_t seq; /* 0: nothing waits */
    int64_t at_us;
    char *who, *key, *operator_claim, *to, *note; /* "" */
};

struct handover {
    char *platform;
    int64_t at_us;
    VEC(struct handover_incident) incidents; /* not closed, newest first */
    struct leftovers runs; /* open runs that belong to no incident, what they ask others for */
    struct mutes mutes;
    struct handover_given given;
};

/* handover_fini also after an error. Blocks for the disk. */
int handover_read(struct journal *j, int64_t now_us, struct handover *h, struct err *e);
void handover_fini(struct handover *h);
/* For a screen, a pipe, a chat: no borders, no line longer than what stands in it. Cleaned. */
void handover_text(const struct handover *h, struct str *out);
/* One line of JSON. The caller frees. */
char *handover_json(const struct handover *h);

/* The event by which it is given. to, note may be NULL. draft_texts_fini in either case. */
void handover_give(const struct handover *h, const struct handover_who *who, const char *to, const char *note,
                   struct event_draft *draft, struct draft_texts *texts);

/* The events by which somebody else accepts it: the acceptance, and the roles that the giver had, which pass
 * on. Refused when nothing waits, and to whoever gave it. */
struct handover_acceptance {
    struct event_draft drafts[8];
    struct draft_texts texts[8];
    size_t count;
};
int handover_accept(const struct handover *h, const struct handover_who *who, struct handover_acceptance *a,
                    struct err *e);
void handover_acceptance_fini(struct handover_acceptance *a);

#endif
