/* A walk through a shipped runbook: where, with which answers, and what must be so afterwards. */
#ifndef BELAY_TESTS_INTEGRATION_RUNBOOKS_H
#define BELAY_TESTS_INTEGRATION_RUNBOOKS_H

#include <stdbool.h>

#define ANSWERS_MAX   24
#define TOLD_MAX      24
#define AFTER_MAX     8
#define VARIABLES_MAX 12

struct walk {
    const char *name;
    const char *scenario, *speed; /* NULL: 20 virtual seconds a second */
    const char *before;           /* a shell command: the walk begins when it succeeds */
    bool goes_on;                 /* on the platform of the walk before, with its journal */
    const char *opens;            /* an incident of this title first; NULL: the run does */
    const char *document;
    const char *mode; /* belay safe-mode of this word finds the document; NULL: it is named */
    const char *variables[VARIABLES_MAX];
    /* To the first question that has `to` in what is shown before it. Confirmations that are not here get
     * what they ask for, manual steps "done". */
    struct {
        const char *to, *say;
    } answers[ANSWERS_MAX];
    int status;                   /* of the run */
    const char *told[TOLD_MAX];   /* in the transcript; behind a `!`: not in it */
    const char *after[AFTER_MAX]; /* shell commands that succeed then */
};

extern const struct walk walks[]; /* ends with one without a name */

#endif
