/* Marks: what a state looks like. State is a glyph and a word, never colour alone; whoever has the word (of a
 * condition, a step's outcome, an incident's state) finds glyph and colour here. */
#ifndef BELAY_KIT_MARK_H
#define BELAY_KIT_MARK_H

#include "tui/kit/canvas.h"

struct mark {
    const char *word;
    enum glyph glyph;
    enum role role;
};

/* Never NULL: a word that nobody knows has the mark of "unknown". */
const struct mark *mark_find(const char *word);

#endif
