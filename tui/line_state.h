/* What the two files of line mode share: line_mode.c asks and answers, line_show.c prints. */
#ifndef BELAY_TUI_LINE_STATE_H
#define BELAY_TUI_LINE_STATE_H

#include "tui/line_mode.h"

enum question { NO_QUESTION, ASKED_VALUE, ASKED_CONFIRM, ASKED_ANSWER, ASKED_CHOICE, ASKED_INTERRUPT };

struct line_mode {
    struct loop *loop;
    struct engine *engine;
    int64_t id;
    struct str typed; /* bytes of stdin that are not a whole line yet */
    int input;
    struct loop_watch *watch;
    enum question question;
    int step;
    char *variable;
    uint64_t *printed;       /* bytes of each step's output that were shown */
    enum run_outcome *shown; /* outcome of each step as it was last told */
    bool waiting;            /* a request is under way */
    bool trouble;            /* the journal can't be written, and that was told */
    bool interrupted, left;
    char *progress;      /* as it was told last; NULL: nothing yet */
    int64_t progress_us; /* monotonic */
    int missing;         /* approvals that the page lacked when it was shown */
    int status;
};

/* Cleaned, to stdout, at once. */
void line_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
const struct step *line_step(const struct engine_run *view, int step);
/* What is new of a step's output: whole lines while it runs, all of it once it is over. */
void line_output_show(struct line_mode *m, int step, bool over);
/* How far the step is, whenever that changes, but not more often than a person reads. */
void line_progress_show(struct line_mode *m, const struct engine_run *view);
/* The steps that have ended since it was called last. */
void line_outcomes_show(struct line_mode *m, const struct engine_run *view);
/* The confirmation page. */
void line_page_show(struct line_mode *m, const struct engine_run *view, const struct run_page *page);

#endif
