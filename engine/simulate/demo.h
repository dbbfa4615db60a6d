/* The folder that the demo works in: its configuration and the stand-ins on the steps' PATH. */
#ifndef BELAY_SIMULATE_DEMO_H
#define BELAY_SIMULATE_DEMO_H

#include "engine/base/base.h"

/* Writes folder/belay.yaml (from the shipped example demo.yaml) and folder/bin/kubectl. */
int demo_write(const char *folder, unsigned port, struct err *e);

/* Appends text to out with every @PORT@ and @RUNBOOK@ replaced. */
void demo_fill(const char *text, unsigned port, const char *runbook, struct str *out);

#endif
