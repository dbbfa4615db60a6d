/* The folder that the demo works in: its configuration and the stand-ins on the steps' PATH. */
#ifndef BELAY_SIMULATE_DEMO_H
#define BELAY_SIMULATE_DEMO_H

#include "engine/base/base.h"

/* Writes folder/belay.yaml (from the shipped example demo.yaml) and folder/bin/kubectl. */
int demo_write(const char *folder, unsigned port, struct err *e);

struct demo_values {
    unsigned port;
    const char *runbooks, *kubectl; /* absolute paths of a folder and a program */
    int64_t drilled_us; /* wall: when somebody last restored a snapshot to see whether it can be */
};
/* Appends text to out with every @PORT@, @RUNBOOKS@, @KUBECTL@ and @DRILLED@ replaced, paths in quotes. */
void demo_fill(const char *text, const struct demo_values *values, struct str *out);

#endif
