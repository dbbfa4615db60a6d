/* What the passes of the parser share while one document is being read: front matter, structure, references,
 * lint. */
#ifndef BELAY_RUNBOOK_READING_H
#define BELAY_RUNBOOK_READING_H

#include "engine/runbook/annotation.h"
#include "engine/runbook/document.h"

struct reading {
    struct runbook *book;
    const char *text; /* without a byte order mark */
    size_t length;
    size_t body;                   /* where Markdown begins, behind the front matter */
    int body_line;                 /* lines before it */
    char *shell;                   /* front matter's, NULL */
    char *cwd;                     /* front matter's, NULL */
    VEC(size_t) lines;             /* where each line of the text begins */
    VEC(struct annotations) notes; /* of each step, by number */
    struct map *ids;               /* id -> step number + 1 */
    struct map *vars;              /* name -> index + 1 */
    struct map *carried;           /* names that some block exports itself */
    size_t pattern_work;           /* spent on compiling patterns */
    int plain_steps;               /* steps without any annotation */
};

#define FINDING_LIMIT 1000

/* A problem, at a line and column of the file; the messages of one document are bounded. */
void book_finding(struct runbook *book, enum finding_severity severity, int line, int column,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* An error in a document that says `runbook:`, a warning in any other. */
#define book_finding_strict(book, ...)                                                                       \
    book_finding((book), (book)->declared ? FINDING_ERROR : FINDING_WARNING, __VA_ARGS__)
void book_findings_sort(struct runbook *book);

/* The line's text without its end; numbers from 1. */
const char *reading_line(const struct reading *r, int number, size_t *length);
struct runbook_var *reading_var(struct reading *r, const char *name, enum var_origin origin,
                                int line);                        /* finds or adds */
int reading_var_index(const struct reading *r, const char *name); /* -1 */

/* pattern_new within what one document may spend. */
struct pattern *reading_pattern(struct reading *r, const char *text, struct err *e);

/* frontmatter.c: 0, or the document is refused. Sets body, body_line, shell, cwd and the book's head. */
int frontmatter_read(struct reading *r, struct err *e);
/* keys.c: the annotations of r->notes into the step's typed fields; references stay for link.c. */
void keys_apply(struct reading *r, int step);
bool keys_known(const char *key);
/* "bash -eo pipefail -c": how a text is handed to an interpreter. NULL and e when there is no known way. */
char *interpreter_complete(const char *given, struct err *e);
/* structure.c: cmark's tree into steps. 0, or the document is refused. */
int steps_read(struct reading *r, struct err *e);
/* link.c: names into step numbers; cycles; what can never run. */
void link_steps(struct reading *r);
/* lint.c: what works and is not wise. */
void lint_steps(struct reading *r);
/* An HTML block, as it stands from this line of the file on. */
void lint_html(struct reading *r, const char *html, int line);

#endif
