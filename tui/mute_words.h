/* "shard docs/shard-5 for 2h being restored": how a mute is written, and the options of a hand-over. */
#ifndef BELAY_TUI_MUTE_WORDS_H
#define BELAY_TUI_MUTE_WORDS_H

#include "tui/words.h"

struct mute_words {
    char *entity, *reason;
    int64_t until_us;
};

/* mute_words_fini in either case. */
int mute_words_parse(struct mute_words *mute, const char *text, int64_t now_us, struct err *e);
void mute_words_fini(struct mute_words *mute);

extern const struct command_option handover_options[];

#endif
