/* Asking what is wrong: the configured diagnosers in their order, then the rules. Private to the engine's own
 * room. */
#ifndef BELAY_ENGINE_DIAGNOSIS_H
#define BELAY_ENGINE_DIAGNOSIS_H

#include "engine/engine.h"

struct diagnosing;

/* As engine_diagnose; rule: the one that found it, which is asked first among the rules; NULL: none did. */
struct diagnosing *diagnosing_new(struct loop *loop, const struct config *config, const char *resource,
                                  const char *error, const struct config_heal_rule *rule,
                                  engine_diagnosed *done, void *context);
/* done will not run. Not after done. NULL is fine. */
void diagnosing_cancel(struct diagnosing *d);

#endif
