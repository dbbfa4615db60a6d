/* Words back to enums, where only this room reads them: annotations and journaled inputs. False when there is
 * no such word; the value is left alone then. */
#ifndef BELAY_RUNBOOK_NAMES_H
#define BELAY_RUNBOOK_NAMES_H

#include "engine/runbook/runbook.h"

bool step_kind_parse(const char *text, enum step_kind *value);
bool step_confirm_parse(const char *text, enum step_confirm *value);
bool step_scope_parse(const char *text, enum step_scope *value);
bool step_onfail_parse(const char *text, enum step_onfail *value);
bool run_end_parse(const char *text, enum run_end *value);
bool run_input_kind_parse(const char *text, enum run_input_kind *value);

#endif
