/* Plain text out of Markdown: what stands between steps, titles, slugs. */
#ifndef BELAY_RUNBOOK_PLAIN_H
#define BELAY_RUNBOOK_PLAIN_H

#include <cmark.h>
#include <stdbool.h>

#include "engine/base/base.h"

/* Appends a heading's or paragraph's text: marks dropped, line breaks as blanks, a link's address in
 * brackets. */
void plain_inline(struct str *out, cmark_node *block, bool addresses);
/* Appends raw HTML without tags and comments. */
void plain_html(struct str *out, const char *html);
/* The last sentence of a text as one line of at most 120 bytes, without the `:` that announces a block; the
 * caller frees. */
char *plain_title(const char *text);
/* "Re-open the shard!" -> "re-open-the-shard"; at most 48 bytes, "step" where nothing is left. */
void plain_slug(const char *heading, char slug[static 49]);

/* Paragraphs that pile up until a step takes them. */
struct prose {
    struct str text;
    size_t heading;   /* where the newest heading begins in it */
    bool has_heading; /* it is still there */
    bool in_list;     /* the last paragraph was a list's */
};

void prose_heading(struct prose *p, const char *text);
/* depth: of lists around it, 0 outside; mark: "-", "3." for an item's first paragraph, else NULL. */
void prose_paragraph(struct prose *p, const char *text, int depth, const char *mark);
void prose_code(struct prose *p, const char *text);
/* Takes all of it; without its newest heading, if it is the last thing or titles the step. */
char *prose_take(struct prose *p, bool drop_heading);
void prose_fini(struct prose *p);

#endif
