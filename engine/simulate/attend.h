/* How long the simulation goes on: as long as a console is there, a while without one, never for ever. */
#ifndef BELAY_SIMULATE_ATTEND_H
#define BELAY_SIMULATE_ATTEND_H

#include "engine/base/base.h"

/* Waits until a signal comes, a console that is connected says "end", nobody has been connected for
 * linger_us, or SIMULATION_LIFE_US are over. Each console that connects to listen_fd is told the
 * port; one at a time, another is told "busy". listen_fd -1: until a signal or the end of its life. */
void attend(int signals, int listen_fd, unsigned port, int64_t linger_us);

#endif
