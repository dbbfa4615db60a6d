/* YAML for people: libyaml events into a cJSON tree. Depth at most 64, input at most 1 MiB, no aliases, tags
 * or anchors, duplicate keys are errors. Every scalar stays a JSON string (an empty plain scalar and `~` too:
 * ""), until an option's type reads it. Each item knows where it stood. */
#ifndef BELAY_BASE_YAML_H
#define BELAY_BASE_YAML_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"

/* The tree (cJSON_Delete), or NULL; e's message begins with "name:line:column: ". An empty document is {}.
 * line_offset is added to every line: front matter and code blocks stand inside another file. */
cJSON *yaml_parse(const char *text, size_t length, const char *name, int line_offset, struct err *e);

/* Position of an item's value, and of the key it stands under (for an element of a list: its own); from 1, 0
 * for NULL. */
int yaml_line(const cJSON *item);
int yaml_column(const cJSON *item);
int yaml_key_line(const cJSON *item);
int yaml_key_column(const cJSON *item);

#endif
