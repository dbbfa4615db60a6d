/* Inside config: one value of the tree, checked by its option's type and put into its field. */
#ifndef BELAY_CONFIG_VALUES_H
#define BELAY_CONFIG_VALUES_H

#include "engine/config/config.h"

struct value_place {
    const char *file;   /* stands in findings; may be NULL */
    const char *folder; /* relative paths start here; NULL: the current folder */
    struct config_findings *findings;
};

/* Adds an error at the item, or at the key that it stands under. */
void value_complain(const struct value_place *place, const cJSON *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void value_complain_key(const struct value_place *place, const cJSON *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads item into the option's field of base (struct config or struct config_source). Groups, and headers,
 * are not values. What is wrong becomes a finding, and the field stays as it was. */
void value_set(const struct value_place *place, const struct option *option, const cJSON *item, void *base);

/* Messages name an option by the last part of its path, as the user wrote it. */
const char *value_label(const struct option *option);

/* One line without control characters, of a length within the option's range (0: none); NULL and a finding
 * otherwise. */
const char *value_text(const struct value_place *place, const struct option *option, const cJSON *item);

/* numbers.c */
void value_set_number(const struct value_place *place, const struct option *option, const cJSON *item,
                      void *field);

/* A header: text, or {secret: REFERENCE, prefix: TEXT}. */
void value_add_header(const struct value_place *place, const cJSON *item, struct config_header **headers,
                      size_t *count);

#endif
