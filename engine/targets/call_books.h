/* The state database for one call, asked in the pool. One task at a time. Included through targets.h. */
#ifndef BELAY_TARGETS_CALL_BOOKS_H
#define BELAY_TARGETS_CALL_BOOKS_H

#include "engine/io/io.h"
#include "engine/targets/state.h"

struct books;

/* folder NULL: nothing is kept, every call is admitted. */
struct books *books_new(struct loop *l, const char *folder, bool shared);
/* A task under way is waited for in the background; a probe that it admitted gives its slot back. */
void books_free(struct books *b);

struct books_refusal {
    bool refused;
    struct breaker_refusal why;
};
/* rules and budget live until done, which runs on the loop unless freed before. */
void books_admit(struct books *b, const char *target, const struct breaker_rules *rules,
                 struct budget *budget, void (*done)(void *data, const struct books_refusal *refusal),
                 void *data);
/* What was admitted last, for whoever is to resolve it when this process is gone; false: nothing is. */
bool books_token(const struct books *b, struct breaker_token *token);
/* Instead of books_admit: it was admitted in a process that is gone. */
void books_adopt(struct books *b, const char *target, const struct breaker_rules *rules,
                 const struct breaker_token *token);
/* Of what was admitted last; does nothing when nothing is. done may be NULL. */
void books_resolve(struct books *b, enum breaker_result result, const struct failure *f, int64_t took_ms,
                   unsigned budget_tokens, void (*done)(void *data), void *data);
/* The operations' names live until done. */
void books_count(struct books *b, const struct target_operation *operations, size_t count,
                 void (*done)(void *data), void *data);
/* NULL: the database could be used. */
const char *books_trouble(const struct books *b);

#endif
