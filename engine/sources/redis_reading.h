/* One key on its way through a poll of a Redis source. */
#ifndef BELAY_SOURCES_REDIS_READING_H
#define BELAY_SOURCES_REDIS_READING_H

#include "engine/base/base.h"
#include "engine/io/io.h"

struct redis_state;

struct reading {
    struct redis_state *state;
    char *key;
    char type[32];
    uint64_t bytes, print; /* of the value; of its ends */
    struct str ends, raw;
    bool whole;    /* raw is all of it */
    bool ask_ends; /* it is large: read only when its ends have changed */
    bool unchanged, skip, gone;
    cJSON *value;
    struct err problem;
};

void readings_free(struct reading *readings, size_t count);
/* Turns what was read of strings into values; pure, may take long for megabytes. */
void readings_parse(struct reading *readings, size_t count);
/* The fields of a hash as a value: name, text, name, text ... */
void reading_hash(struct reading *r, const struct redis_reply *fields);

#endif
