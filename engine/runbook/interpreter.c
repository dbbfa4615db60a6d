/* How a program is handed to an interpreter: bash -eo pipefail -c, python3 -c. */
#include <stdlib.h>

#include "engine/runbook/reading.h"

/* How each takes a program as an argument. Shells stop at the first failure, where they can. */
static const struct {
    const char *name, *options;
} interpreter_table[] = {
    {"bash", "-eo pipefail -c"},
    {"zsh", "-eo pipefail -c"},
    {"ksh", "-eo pipefail -c"},
    {"sh", "-e -c"},
    {"dash", "-e -c"},
    {"ash", "-e -c"},
    {"python", "-c"},
    {"python3", "-c"},
    {"perl", "-e"},
    {"ruby", "-e"},
    {"node", "-e"},
    {"php", "-r"},
    {"lua", "-e"},
};

/* Does the last word already say that a program follows: -c, -lc, --eval? */
static bool takes_program(const char *last, const char *flag)
{
    if (last[0] != '-' || strchr(last, ' '))
        return false;
    return last[1] == '-' ? str_eq(last, "--eval") : strpbrk(last, flag) != NULL;
}

char *interpreter_complete(const char *given, struct err *e)
{
    const char *last = given, *program = NULL;
    size_t length = 0;
    for (const char *c = given; *c;) {
        size_t n = strcspn(c, " \t");
        const char *slash = memrchr(c, '/', n);
        const char *base = slash ? slash + 1 : c;
        size_t base_length = n - (size_t)(base - c);
        if (n > 0)
            last = c;
        if (n > 0 && !program && !(base_length == 3 && memcmp(base, "env", 3) == 0)) {
            program = base;
            length = base_length;
        }
        c += n + (c[n] != '\0');
    }
    for (size_t i = 0; program && i < sizeof interpreter_table / sizeof *interpreter_table; i++) {
        const char *name = interpreter_table[i].name, *options = interpreter_table[i].options;
        if (strlen(name) == length && memcmp(name, program, length) == 0)
            return takes_program(last, options + strlen(options) - 1) ? xstrdup(given)
                                                                      : xasprintf("%s %s", given, options);
    }
    if (program && last != program && takes_program(last, "ce"))
        return xstrdup(given);
    err_set(
        e, ERR_UNSUPPORTED,
        "how \"%.60s\" takes a program as an argument is not known: end it with the option for that (-c, -e)",
        given);
    return NULL;
}
