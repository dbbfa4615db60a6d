/* The rows of the confirmation page, each a label and what stands behind it. */
#ifndef BELAY_TUI_CONFIRM_ROWS_H
#define BELAY_TUI_CONFIRM_ROWS_H

#include "tui/step.h"

#define ROWS_LABEL 11 /* columns: " Meanwhile " */

struct rows {
    struct canvas *c;
    int y;
};

/* Of the row that comes next. */
void rows_label(struct rows *r, const char *text);
void rows_wrap(struct rows *r, unsigned style, const char *text);

void confirm_rows_what(struct rows *r, const struct run_page *data);
/* Everything but the command itself. */
void confirm_rows_around(struct rows *r, struct page *page, const struct step_view *view,
                         const struct run_page *data);
void confirm_rows_guide(struct rows *r, const struct step_view *view);
/* What line mode says, too. "   Usually takes 2-3 s, limit 90 min". */
void confirm_time_text(const struct engine *engine, int64_t run, const struct run_page *data,
                       struct str *out);
/* "If it fails: rollback "drop" is offered; taken back by "restore"". */
void confirm_failure_text(const struct engine_run *view, const struct run_page *data, struct str *out);
/* Nothing for a step without items and rungs. */
void confirm_parts_text(const struct engine_run *view, const struct step *what, const struct run_parts *parts,
                        struct str *out);
/* confirm_powers.c: approvals, items, rungs, policy, lock. */
void confirm_rows_powers(struct rows *r, struct page *page, const struct step_view *view,
                         const struct run_page *data);

#endif
