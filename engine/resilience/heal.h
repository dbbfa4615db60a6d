/* Healing: detect, diagnose, fix, try again, in bounded attempts, then escalate. Here: what the rules say,
 * what an untrusted diagnosis may choose, and whether a fix may run unattended. Included through
 * resilience.h. */
#ifndef BELAY_RESILIENCE_HEAL_H
#define BELAY_RESILIENCE_HEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

struct heal_rule {
    const char *name;
    const char *issue;    /* what it concludes: "image_quality" */
    const char *match;    /* a pattern with * and ? over the error's text, any case; NULL: any */
    const char *resource; /* a pattern over the resource's name; NULL: any */
    const char *fix;      /* id of a runbook, or RUNBOOK#STEP */
    double confidence;    /* 0 to 1 */
};

struct heal_diagnosis {
    char issue[64], fix[128], by[64]; /* by: "rule NAME", "command", "chat NAME" */
    char evidence[256];
    double confidence;
};

/* The first rule that matches the whole text of the error and the resource's name; the shipped ones come
 * after the given ones. The evidence is the error. False: nothing is known. */
bool heal_diagnose(const struct heal_rule *rules, size_t count, const char *resource, const char *error,
                   struct heal_diagnosis *d);
extern const struct heal_rule heal_shipped[];
extern const size_t heal_shipped_count;

/* An answer from outside (a command's output, a chat's message): JSON
 * {"issue","fix","confidence","evidence"}, whatever stands before and after the object. It is untrusted: fix
 * must be one of names (NULL-terminated), texts are cut and cleaned, confidence is 0 to 1 (0 when it isn't
 * said). by is left empty. ERR_SYNTAX, ERR_NOT_FOUND. */
int heal_read_answer(const char *text, size_t length, const char *const *names, struct heal_diagnosis *d,
                     struct err *e);

/* Bounded attempts for each (issue, resource). */
struct heal_case {
    unsigned attempts, attempts_most; /* then it escalates */
    int64_t begun_ms, rest_until_ms;  /* begun: of the fix that is running; 0: none is */
    int64_t calm_ms;                  /* well again, and when nobody asks before then it begins anew; 0 */
    bool escalated;
};
/* Show it to a person; run it; do nothing now (off, a fix is running, or the rest after one); it is a
 * person's now. */
enum heal_verdict { HEAL_PROPOSE, HEAL_RUN, HEAL_REST, HEAL_ESCALATE };
struct heal_permission {
    bool enabled, automatic; /* heal: on; policy auto */
    bool idempotent, narrow; /* of the fix's step: scope process or pod */
    double confidence_least;
};
/* RUN counts as an attempt and is followed by heal_ended. Only what is idempotent, narrow, allowed and sure
 * enough is ever run; anything else is proposed. */
enum heal_verdict heal_decide(struct heal_case *c, const struct heal_permission *p,
                              const struct heal_diagnosis *d, int64_t now_ms);
/* The fix that runs has ended, whatever came of it: the next one waits rest_ms. */
void heal_ended(struct heal_case *c, int64_t now_ms, int64_t rest_ms);
/* What was wrong is over since now_ms. Attempts count on until it has stayed so for ten rests: what comes
 * back sooner was not healed. */
void heal_well(struct heal_case *c, int64_t now_ms, int64_t rest_ms);
/* Has it stayed well so long that it may be forgotten? */
bool heal_is_calm(const struct heal_case *c, int64_t now_ms);

#endif
