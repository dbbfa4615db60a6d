/* kubectl's command lines: flags as pflag reads them, with its messages. */
#ifndef BELAY_SIMULATE_ARGUMENTS_H
#define BELAY_SIMULATE_ARGUMENTS_H

#include "engine/base/base.h"

struct arguments {
    char *verb; /* "rollout status" and the like are one verb */
    struct {
        char *name, *value;
    } flags[32];
    size_t flag_count;
    char **words;   /* what is no flag; NULL-terminated or NULL */
    char **command; /* behind `--`; NULL without it */
    bool dashes;    /* there was a `--` */
};

/* flags: "selector,l: output,o: all no-headers filename,f:", a colon where a value follows. Those of every
 * verb (namespace, context ...) are known besides. argv begins behind the verb. */
int arguments_read(struct arguments *a, const char *verb, const char *flags, int argc, char *const *argv,
                   struct err *e);
void arguments_fini(struct arguments *a);
/* NULL when it was not given; a flag without a value is "true". The last one counts. */
const char *arguments_flag(const struct arguments *a, const char *name);
bool arguments_has(const struct arguments *a, const char *name);     /* given, and not =false */
const char *arguments_word(const struct arguments *a, size_t index); /* NULL past the end */
size_t arguments_count(const struct arguments *a);

#endif
