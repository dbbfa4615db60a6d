/* The toolkit: everything between a terminal and what is drawn. It knows nothing of belay's model; of the
 * engine it uses engine/base alone, and no loop: it shows descriptors and deadlines, the owner waits. */
#ifndef BELAY_KIT_KIT_H
#define BELAY_KIT_KIT_H

#include "tui/kit/canvas.h"
#include "tui/kit/input.h"
#include "tui/kit/keymap.h"
#include "tui/kit/mark.h"
#include "tui/kit/panel.h"
#include "tui/kit/scene.h"
#include "tui/kit/terminal.h"
#include "tui/kit/theme.h"
#include "tui/kit/widgets.h"

#endif
