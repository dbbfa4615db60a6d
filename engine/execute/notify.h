/* One inotify for all steps that this process follows. One, because closing one costs the kernel 4 to 20 ms
 * in which the loop would stand still; taking a watch out of it costs nothing. */
#ifndef BELAY_EXECUTE_NOTIFY_H
#define BELAY_EXECUTE_NOTIFY_H

#include <stdbool.h>

#include "engine/execute/execution.h"

/* False where the user's limit of watches is reached: then x has to look by itself. */
bool notify_add(struct execution *x);
void notify_remove(struct execution *x);

#endif
