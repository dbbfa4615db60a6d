/* From libtermkey's names of keys to ours. Internal to the kit. */
#ifndef BELAY_KIT_INPUT_NAME_H
#define BELAY_KIT_INPUT_NAME_H

#include <termkey.h>

#include "tui/kit/keymap.h"

/* False for what is no key of ours: reports, function keys above 12, characters that are never drawn. */
bool input_name(const TermKeyKey *from, struct key *key);

#endif
