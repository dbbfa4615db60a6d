#include "engine/base/severity.h"

#include <stdio.h>
#include <strings.h>

int severity_parse(const char *text, char severity[static SEVERITY_SIZE], struct err *e)
{
    const char *digit = text && strncasecmp(text, "SEV", 3) == 0 ? text + 3 : text;
    if (!digit || digit[0] < '1' || digit[0] > '5' || digit[1] != '\0')
        return err_set(e, ERR_USAGE, "\"%.40s\" is no severity: they are SEV1, the worst, to SEV5",
                       text ? text : "");
    snprintf(severity, SEVERITY_SIZE, "SEV%c", digit[0]);
    return 0;
}
