/* The two forms of an export. */
#ifndef BELAY_POSTMORTEM_EXPORT_H
#define BELAY_POSTMORTEM_EXPORT_H

#include "engine/postmortem/story.h"

void export_markdown(const struct story *story, struct str *out);
void export_json(const struct story *story, struct str *out);

/* Parts of the Markdown that have a file of their own. */
void markdown_runs(const struct story *story, struct str *out);
void markdown_evidence(const struct story *story, struct str *out);

#endif
