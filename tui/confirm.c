#include "tui/confirm.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/base.h"

void confirm_init(struct confirm *c, const char *word, bool single_key)
{
    memset(c, 0, sizeof *c);
    snprintf(c->word, sizeof c->word, "%s", word);
    /* A word that doesn't fit would be one that can't be typed: nothing confirms it. */
    if (strlen(word) >= sizeof c->word) {
        c->word[0] = '\0';
    }
    c->single_key = single_key;
    c->shown_us = -1;
}

void confirm_shown(struct confirm *c, int64_t now_us, bool anew)
{
    if (c->shown_us < 0) {
        c->shown_us = now_us;
    } else if (!anew) {
        return;
    }
    c->settles_us = now_us + CONFIRM_SETTLE_US;
}

void confirm_away(struct confirm *c)
{
    c->settles_us = INT64_MAX;
}

bool confirm_disarmed(const struct confirm *c, int64_t now_us)
{
    return c->shown_us >= 0 && now_us >= c->shown_us + CONFIRM_LIFE_US;
}

static enum confirm_answer go(struct confirm *c)
{
    c->done = true;
    return CONFIRM_GO;
}

static enum confirm_answer accept(struct confirm *c)
{
    if (c->word[0] != '\0' && !c->single_key && str_eq(c->typed, c->word)) {
        return go(c);
    }
    c->length = 0;
    c->typed[0] = '\0';
    return CONFIRM_MISMATCH;
}

static enum confirm_answer erase(struct confirm *c, bool all)
{
    do {
        while (c->length > 0 && ((unsigned char)c->typed[--c->length] & 0xC0) == 0x80) {
        }
    } while (all && c->length > 0);
    c->typed[c->length] = '\0';
    return CONFIRM_CHANGED;
}

static enum confirm_answer type(struct confirm *c, const struct key *key)
{
    char bytes[4];
    size_t length = utf8_encode(key->code, bytes);
    if (c->length + length >= sizeof c->typed) {
        return CONFIRM_IGNORED;
    }
    memcpy(c->typed + c->length, bytes, length);
    c->length += length;
    c->typed[c->length] = '\0';
    if (!c->single_key) {
        return CONFIRM_CHANGED;
    }
    if (c->word[0] != '\0' && str_eq(c->typed, c->word)) {
        return go(c);
    }
    c->length = 0;
    c->typed[0] = '\0';
    return CONFIRM_MISMATCH;
}

enum confirm_answer confirm_key(struct confirm *c, const struct key *key, const char *command, int64_t now_us)
{
    bool typing = command == NULL && key_is_text(key);
    bool paste = key->code == SYM_PASTE;
    bool mine = typing || paste || str_eq(command, "confirm-accept") || str_eq(command, "confirm-erase") ||
                str_eq(command, "confirm-clear");
    if (!mine || c->done) {
        return CONFIRM_IGNORED;
    }
    /* The key's own time counts, not when the loop came to it. */
    if (c->shown_us < 0 || key->at_us < c->settles_us) {
        return CONFIRM_TOO_EARLY;
    }
    if (confirm_disarmed(c, now_us) || confirm_disarmed(c, key->at_us)) {
        return CONFIRM_OVER;
    }
    if (paste) {
        return CONFIRM_PASTE_REFUSED;
    }
    if (typing) {
        return type(c, key);
    }
    return str_eq(command, "confirm-accept") ? accept(c) : erase(c, str_eq(command, "confirm-clear"));
}
