/* What leaves this process unasked or asked for by machines: the mirror of the journal, and the HTTP side of
 * `belay serve` (/metrics, /healthz). */
#ifndef BELAY_SERVE_SERVE_H
#define BELAY_SERVE_SERVE_H

#include "engine/serve/listener.h"
#include "engine/serve/metrics.h"
#include "engine/serve/mirror.h"

#endif
