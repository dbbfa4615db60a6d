/* What the two files of line mode share: line_mode.c asks and answers, line_show.c prints. */
#ifndef BELAY_TUI_LINE_STATE_H
#define BELAY_TUI_LINE_STATE_H

#include "tui/line_mode.h"

struct passage;
struct terminal;

enum question {
    NO_QUESTION,
    ASKED_VALUE,
    ASKED_CONFIRM,
    ASKED_ANSWER,
    ASKED_CHOICE,
    ASKED_INTERRUPT,
    ASKED_OUTCOME, /* of an execution of a rehearsal */
};

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
    bool unended;            /* the output shown last has no newline at its end */
    enum run_outcome *shown; /* outcome of each step as it was last told */
    bool waiting;            /* a request is under way */
    bool trouble;            /* the journal can't be written, and that was told */
    bool edited;             /* the run's files were edited, and that was told */
    bool interrupted, left;
    char *progress;            /* as it was told last; NULL: nothing yet */
    int64_t progress_us;       /* monotonic */
    int missing;               /* approvals that the page lacked when it was shown */
    struct terminal *terminal; /* for steps that run on it; NULL until there is one */
    struct passage *passage;
    struct loop_signal *resized;
    int status;
    struct {                     /* line_rehearse.c */
        struct answers *answers; /* NULL: a person says everything */
        bool alone;              /* nobody is there: what is not answered ends it */
        bool refused;            /* the newest answer was */
        bool stopping;           /* an answer was missing */
        uint64_t ticket;         /* the execution that waits */
        unsigned turns;
    } rehearsal;
};

/* line_mode.c */
void line_ask_interrupt(struct line_mode *m, int step);
void line_ask(struct line_mode *m, enum question question, int step);
/* What was typed before a question stood there was not meant for it. Only right before one: it takes a ^C
 * that is still on its way, too. */
void line_forget(struct line_mode *m);
void line_submit(struct line_mode *m, const struct engine_request *request);
void line_input(struct line_mode *m, const struct run_input *input);

/* line_rehearse.c */
/* ERR_...: the answers can't be read, or are none for this run. */
int line_rehearse_open(struct line_mode *m, const struct engine_run *view, const struct line_script *script,
                       struct err *e);
/* Answers what can be answered, asks for outcomes. True: there is nothing else to ask a person now. */
bool line_rehearse(struct line_mode *m, const struct engine_run *view);
void line_rehearse_typed(struct line_mode *m, const char *text); /* the answer to ASKED_OUTCOME */
/* What there is to say once it has ended: the exit status. */
int line_rehearse_end(struct line_mode *m, const struct engine_run *view, enum run_outcome outcome);

/* line_terminal.c */
/* True while a step has the terminal, or has just been given it: nothing is to be asked or printed. */
bool line_lends(struct line_mode *m, const struct engine_run *view);
/* Back to the program that was left; false when there is none. */
bool line_returns(struct line_mode *m);
void line_terminal_close(struct line_mode *m);

/* line_show.c */
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
