/* The text exposition format 0.0.4, line by line; after prometheus/docs, exposition_formats.md. Private to
 * the room. */
#ifndef BELAY_SERVE_WRITER_H
#define BELAY_SERVE_WRITER_H

#include "engine/base/base.h"

/* type: "counter", "gauge", "histogram". help is a line of ours, without backslash. */
void metric_family(struct str *out, const char *name, const char *type, const char *help);
/* Labels are pairs of texts, ended by NULL; values may hold anything. */
void metric_sample(struct str *out, const char *name, double value, ...) __attribute__((sentinel));
/* A family of one sample without labels. */
void metric_single(struct str *out, const char *name, const char *type, const char *help, double value);

#endif
