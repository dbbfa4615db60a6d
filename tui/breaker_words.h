/* `breaker NAME open|disable|metrics-only|auto --reason TEXT --for 30m`, the same behind `:` as behind
 * `belay`. */
#ifndef BELAY_TUI_BREAKER_WORDS_H
#define BELAY_TUI_BREAKER_WORDS_H

#include "tui/words.h"

extern const struct command_option breaker_options[];

struct breaker_words {
    const char *name;   /* NULL: list them */
    const char *state;  /* "FORCED_OPEN" ...; NULL: automatic again */
    const char *reason; /* NULL: none was given */
    int64_t until_us;   /* wall; 0: until told otherwise */
};

/* Texts are borrowed from w. */
int breaker_words_read(const struct words *w, int64_t now_us, struct breaker_words *b, struct err *e);
/* "open" to "FORCED_OPEN", "auto" to NULL. */
int breaker_verb_find(const char *verb, const char **state, struct err *e);

#endif
