/* From a fence or a task to a step. Used by the walk over cmark's tree (structure.c). */
#ifndef BELAY_RUNBOOK_STEPS_H
#define BELAY_RUNBOOK_STEPS_H

#include "engine/runbook/reading.h"

struct fence { /* a fenced block as it stands in the document */
    int line;  /* of its opening, in the file */
    int info_column;
    const char *info; /* not terminated */
    size_t info_length;
    const char *meant; /* the same as CommonMark reads it: entities and backslashes undone */
    char *text;        /* \n line ends */
};

struct title_source {
    const char *section;
    char *title;
    char *prose;
};

/* What a block is: nothing of ours (it stays guidance), a step, or the record of a session (the document is
 * refused). */
enum fence_use { FENCE_GUIDANCE, FENCE_STEP };
enum fence_use fence_use(struct reading *r, const struct fence *f, struct annotations *notes);
/* Both take title and prose. */
void step_from_fence(struct reading *r, const struct fence *f, struct annotations *notes,
                     struct title_source *from);
void step_from_task(struct reading *r, int line, const char *text, struct title_source *from);
/* Gives ids to the steps that have no name. */
void steps_number(struct reading *r);
bool language_is_shell(const char *language);

#endif
