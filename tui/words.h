/* What stands behind a command's name, words and options, the same behind `:` as behind `belay`. */
#ifndef BELAY_TUI_WORDS_H
#define BELAY_TUI_WORDS_H

#include "engine/base/base.h"
#include "tui/commands/command.h"

#define WORDS_MOST 64
#define GIVEN_MOST 32

struct words {
    const char *words[WORDS_MOST + 1]; /* those that are no options, NULL-terminated; borrowed */
    size_t count;
    struct {
        const char *name, *value;
    } given[GIVEN_MOST];
    size_t given_count;
};

/* From what was typed behind `:`; options as they are in the table. "--" ends them. */
int words_parse(struct words *w, char *const *typed, const struct command_option *options, struct err *e);
int words_add(struct words *w, const char *word, struct err *e);
int words_give(struct words *w, const char *name, const char *value, struct err *e);

/* The value of the option's last occurrence, or fallback. */
const char *words_value(const struct words *w, const char *name, const char *fallback);
bool words_has(const struct words *w, const char *name);
/* The words from index on with single blanks between. The caller frees. */
char *words_join(const struct words *w, size_t from);

#endif
