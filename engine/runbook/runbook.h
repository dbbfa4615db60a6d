/* Runbooks are Markdown: the parsed document, its findings, and the run that walks it.
 *
 * runbook_parse is a pure function from bytes to a document. cmark gives the structure, annotations come from
 * the source line itself. Any Markdown works; what is wrong with it is a list of findings, and a document
 * that has errors is shown but does not run. cmark can take seconds on hostile input: call it off the loop.
 *
 * A run is a pure machine without clock, memory of its own elsewhere, or I/O. It is event-sourced: inputs go
 * in, effects come out, and the same inputs in the same order give the same state. The engine journals each
 * input before it applies it, and restores a run by applying them again and dropping the effects. All time is
 * the run clock: milliseconds since the run started, never going back.
 *
 * What a run promises (semantics.md): an acting step is executed only after a CONFIRM on its open page;
 * nothing that may have started is repeated by itself, unless it is idempotent and has a policy; nothing
 * follows an unknown outcome by itself; every run can be ended. */
#ifndef BELAY_RUNBOOK_RUNBOOK_H
#define BELAY_RUNBOOK_RUNBOOK_H

#include "engine/runbook/act.h"
#include "engine/runbook/answers.h"
#include "engine/runbook/document.h"
#include "engine/runbook/items.h"
#include "engine/runbook/made_up.h"
#include "engine/runbook/policies.h"
#include "engine/runbook/run.h"
#include "engine/runbook/run_command.h"
#include "engine/runbook/run_words.h"

#endif
