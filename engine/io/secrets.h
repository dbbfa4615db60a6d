/* The secrets of one who is asked: references in the headers and the password, resolved in the pool (files
 * and commands block) and kept in memory for a minute, because tokens rotate. Never in a message. */
#ifndef BELAY_IO_SECRETS_H
#define BELAY_IO_SECRETS_H

#include "engine/config/config.h"
#include "engine/io/loop.h"

struct secrets;

/* user and password (a reference) may be NULL. All is copied. */
struct secrets *secrets_new(const struct config_header *headers, size_t count, const char *user,
                            const char *password);
void secrets_free(struct secrets *s); /* also while being resolved; NULL is fine */

/* True when they can be used now. */
bool secrets_ready(const struct secrets *s, int64_t now_us);
/* Resolves them; done runs on the loop, unless freed before. error is NULL when they are ready. */
void secrets_resolve(struct secrets *s, struct loop *l, void (*done)(void *data, const struct err *error),
                     void *data);
/* They were not accepted: read them again before the next use. */
void secrets_forget(struct secrets *s);

/* "Name: value" lines of all headers, Authorization for user and password included; NULL-terminated. */
const char *const *secrets_headers(const struct secrets *s);
const char *secrets_password(const struct secrets *s); /* NULL without one */
/* Puts *** over each of their values in a text that somebody else wrote: some repeat what they were sent. */
void secrets_mask(const struct secrets *s, char *text);

#endif
