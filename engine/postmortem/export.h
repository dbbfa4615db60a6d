/* The two forms of an export. */
#ifndef BELAY_POSTMORTEM_EXPORT_H
#define BELAY_POSTMORTEM_EXPORT_H

#include "engine/postmortem/story.h"

void export_markdown(const struct story *story, struct str *out);
void export_json(const struct story *story, struct str *out);

/* Parts of the Markdown that have a file of their own. */
/* Paragraphs of one field; false, and nothing, when nobody has written it. */
bool markdown_field(const struct story *story, enum incident_field field, struct str *out);
/* Root cause and what else was learnt; then what is to be done. */
void markdown_findings(const struct story *story, struct str *out);
void markdown_followup(const struct story *story, struct str *out);
void markdown_runs(const struct story *story, struct str *out);
void markdown_evidence(const struct story *story, struct str *out);

#endif
