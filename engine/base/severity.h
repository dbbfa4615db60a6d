/* How bad an incident is: SEV1, the worst, to SEV5. */
#ifndef BELAY_BASE_SEVERITY_H
#define BELAY_BASE_SEVERITY_H

#include "engine/base/err.h"

/* Also from "sev2" and "2". ERR_USAGE otherwise. */
#define SEVERITY_SIZE 5
int severity_parse(const char *text, char severity[static SEVERITY_SIZE], struct err *e);

#endif
