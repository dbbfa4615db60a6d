/* The one table of keys: dispatcher, help, key bar and documentation read it. */
#ifndef BELAY_TUI_KEYS_H
#define BELAY_TUI_KEYS_H

#include "tui/kit/keymap.h"

extern const struct key_binding key_table[]; /* ends with a row whose keys are NULL */

#endif
