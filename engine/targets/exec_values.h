/* The values of options: each is taken whole, or refused with ERR_USAGE, a message that names the option. */
#ifndef BELAY_TARGETS_EXEC_VALUES_H
#define BELAY_TARGETS_EXEC_VALUES_H

#include <stdint.h>

#include "engine/targets/exec.h"

int exec_take_time(const char *text, const char *option, int64_t least_ms, int64_t *ms, struct err *e);
int exec_take_number(const char *text, const char *option, double least, double most, double *value,
                     struct err *e);
int exec_take_whole(const char *text, const char *option, unsigned least, unsigned most, unsigned *value,
                    struct err *e);
int exec_take_milli(const char *text, const char *option, unsigned *milli, struct err *e);
int exec_take_size(const char *text, uint64_t *bytes, struct err *e);
int exec_take_jitter(const char *text, enum backoff_jitter *jitter, struct err *e);
int exec_take_name(const char *text, const char *option, char name[static EXEC_NAME_LIMIT + 1],
                   struct err *e);

#endif
