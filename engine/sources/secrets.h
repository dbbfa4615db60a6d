/* The secrets of one source: references in its headers and its password, resolved in the pool (files and
 * commands block) and kept in memory for a minute, because tokens rotate. Never in a message. */
#ifndef BELAY_SOURCES_SECRETS_H
#define BELAY_SOURCES_SECRETS_H

#include "engine/config/config.h"
#include "engine/io/io.h"

struct secrets;

struct secrets *secrets_new(const struct config_source *s);
void secrets_free(struct secrets *s); /* also while being resolved; NULL is fine */

/* True when they can be used now. */
bool secrets_ready(const struct secrets *s, int64_t now_us);
/* Resolves them; done runs on the loop, unless freed before. error is NULL when they are ready. */
void secrets_resolve(struct secrets *s, struct loop *l, void (*done)(void *data, const struct err *error),
                     void *data);
/* The source did not accept them: read them again before the next use. */
void secrets_forget(struct secrets *s);

/* "Name: value" lines of all headers, Authorization for user and password included; NULL-terminated. */
const char *const *secrets_headers(const struct secrets *s);
const char *secrets_password(const struct secrets *s); /* NULL without one */

#endif
