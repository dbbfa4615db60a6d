/* The text of a block: what of it runs, what is recorded output, and which names it asks for or hands on. */
#ifndef BELAY_RUNBOOK_BLOCK_H
#define BELAY_RUNBOOK_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/base.h"

struct block_prompt { /* export NAME=Some message to ask */
    char *name;
    char *message;
    int line; /* in the block, from 0 */
};

struct block {
    char *script;   /* what runs; "" when nothing does */
    char *expected; /* recorded output; "" */
    bool prompted;  /* it was written with `$ ` prompts */
    int dollar;     /* line (from 0) of the script that begins with `$`, -1 */
    VEC(struct block_prompt) prompts;
    char **carries; /* names that it exports, NULL-terminated; NULL: none */
};

/* source has \n line ends. ask: `export X=several words` asks. */
void block_read(const char *source, bool ask, struct block *out);
void block_fini(struct block *b);

/* The next <placeholder> at or after text: its begin (at `<`), its length with the brackets; NULL when there
 * is none. The name is what stands between the brackets. */
const char *placeholder_next(const char *begin, const char *text, size_t *length);

/* "\r\n" and "\r" as "\n"; the caller frees. */
char *text_unix(const char *text);
/* The line number (from 1) of a recorded result of another runner's session in a block, 0 when there is none.
 */
int text_recorded(const char *source);
/* A name that a shell can export and that is not belay's own. */
bool name_is_exportable(const char *name, size_t length);

#endif
