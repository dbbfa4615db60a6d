/* Fewer bytes for the same picture. curses says attributes and colours in sequences of their own, resets what
 * the next sequence sets, and names the character set with every reset. Internal to the kit. */
#ifndef BELAY_KIT_SQUEEZE_H
#define BELAY_KIT_SQUEEZE_H

#include "engine/base/base.h"

/* Works on out's bytes from start on. Joins neighbouring SGR sequences, drops those that a reset follows, and
 * drops "ESC ( B": the character set is never another one. drop is a string that is removed wherever it
 * stands (may be NULL). */
void squeeze(struct str *out, size_t start, const char *drop);

#endif
