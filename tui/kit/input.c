#include "tui/kit/input.h"

#include <stdlib.h>
#include <string.h>
#include <termkey.h>

#include "tui/kit/input_name.h"

/* A half sequence other than a lone Esc may wait longer: on a bad link its rest is under way, and its bytes
 * must never be taken for typed text. */
#define PARTIAL_US   250000
#define PASTE_US     1000000
#define SEQUENCE_MAX 48
#define QUEUE_MAX    1024
#define PASTES_MAX   4 /* pastes waiting at a time */

enum state {
    GROUND,
    UTF8,   /* inside a character */
    ESCAPE, /* after ESC */
    CSI,
    LINUX, /* after "ESC [ [": one byte more */
    MOUSE, /* after "ESC [ M": three bytes more */
    SS3,
    STRING, /* OSC, DCS, SOS, PM, APC: up to BEL or ST */
    STRING_ESCAPE,
    PASTE,
};

struct input {
    TermKey *termkey;
    enum state state;
    char sequence[SEQUENCE_MAX + 1]; /* the half sequence, from its ESC on */
    size_t length;
    bool too_long;
    size_t missing; /* bytes until the end, in UTF8 and MOUSE */
    bool swallowed; /* the string has begun */
    int64_t now_us, deadline_us;

    struct str paste;
    size_t paste_matched; /* how much of the end mark has been seen */
    bool paste_truncated;

    struct key queue[QUEUE_MAX]; /* a ring; the text of a paste is on the heap */
    size_t first, count;
    size_t pastes;
    char *taken; /* the text that the last input_next handed out */
};

static const char paste_end[] = "\x1b[201~";

struct input *input_new(const char *term, struct err *e)
{
    struct input *in = xcalloc(1, sizeof *in);
    in->deadline_us = -1;
    in->termkey = termkey_new_abstract(term, TERMKEY_FLAG_UTF8 | TERMKEY_FLAG_NOTERMIOS);
    if (!in->termkey) {
        err_set(e, ERR_UNSUPPORTED, "no keys are known for the terminal %.60s; set TERM to what it is", term);
        free(in);
        return NULL;
    }
    termkey_set_canonflags(in->termkey, TERMKEY_CANON_DELBS);
    return in;
}

void input_free(struct input *in)
{
    if (!in)
        return;
    input_discard(in);
    termkey_destroy(in->termkey);
    str_fini(&in->paste);
    free(in->taken);
    free(in);
}

/* ---- the queue */

static void queue_key(struct input *in, const struct key *key)
{
    if (in->count == QUEUE_MAX)
        return;
    struct key *slot = &in->queue[(in->first + in->count++) % QUEUE_MAX];
    *slot = *key;
    slot->at_us = in->now_us;
}

static void queue_code(struct input *in, uint32_t code, unsigned modifiers)
{
    queue_key(in, &(struct key){.code = code, .modifiers = modifiers});
}

static void queue_paste(struct input *in)
{
    struct key key = {.code = SYM_PASTE, .length = in->paste.len, .truncated = in->paste_truncated};
    if (in->count < QUEUE_MAX && in->pastes < PASTES_MAX) {
        key.text = str_take(&in->paste);
        in->pastes++;
        queue_key(in, &key);
    }
    str_fini(&in->paste);
}

bool input_next(struct input *in, struct key *key)
{
    free(in->taken);
    in->taken = NULL;
    if (in->count == 0)
        return false;
    *key = in->queue[in->first];
    in->first = (in->first + 1) % QUEUE_MAX;
    in->count--;
    if (key->text) {
        in->taken = (char *)(uintptr_t)key->text;
        in->pastes--;
    }
    return true;
}

void input_discard(struct input *in)
{
    struct key key;
    while (input_next(in, &key))
        ;
    free(in->taken);
    in->taken = NULL;
    str_clear(&in->paste);
    in->state = GROUND;
    in->length = 0;
    in->deadline_us = -1;
}

/* ---- the filter */

/* Hands one whole character or sequence to libtermkey. What gives more or less than one key was none. */
static void name_key(struct input *in, const char *bytes, size_t length)
{
    TermKeyKey from;
    struct key key;
    size_t found = 0, keys = 0;
    if (termkey_push_bytes(in->termkey, bytes, length) != length)
        return;
    while (termkey_getkey_force(in->termkey, &from) == TERMKEY_RES_KEY) {
        struct key one;
        found++;
        if (input_name(&from, &one)) {
            key = one;
            keys++;
        }
    }
    if (found == 1 && keys == 1)
        queue_key(in, &key);
}

static void enter(struct input *in, enum state state, int64_t patience_us)
{
    in->state = state;
    in->deadline_us = in->now_us + patience_us;
}

static void ground(struct input *in)
{
    in->state = GROUND;
    in->length = 0;
    in->deadline_us = -1;
}

static void keep(struct input *in, char byte)
{
    if (in->length < SEQUENCE_MAX)
        in->sequence[in->length++] = byte;
    else
        in->too_long = true;
}

static void begin(struct input *in, enum state state, char byte, int64_t patience_us)
{
    in->length = 0;
    in->too_long = false;
    keep(in, byte);
    enter(in, state, patience_us);
}

/* libtermkey 0.22 reads outside its tables when a number overflows or is missing before a tilde and when
 * there are intermediate bytes, and reads memory that nobody wrote for "27~". Only sequences of at most three
 * numbers of three digits reach it; no key needs more. */
static bool csi_is_plain(const struct input *in)
{
    size_t digits = 0, numbers = 1;
    char last = in->sequence[in->length - 1];
    if ((last == '~' || last == 'u') && (in->sequence[2] < '0' || in->sequence[2] > '9'))
        return false;
    if (last == '~' && atoi(in->sequence + 2) == 27)
        return false;
    for (size_t i = 2; i + 1 < in->length; i++) {
        char b = in->sequence[i];
        if (b == ';') {
            digits = 0;
            numbers++;
        } else if (b >= '0' && b <= '9') {
            digits++;
        } else {
            return false;
        }
        if (digits > 3 || numbers > 3)
            return false;
    }
    return !in->too_long;
}

static void csi_end(struct input *in)
{
    in->sequence[in->length] = '\0';
    if (!in->too_long && strcmp(in->sequence, "\x1b[200~") == 0) {
        str_clear(&in->paste);
        in->paste_matched = 0;
        in->paste_truncated = false;
        in->length = 0;
        enter(in, PASTE, PASTE_US);
        return;
    }
    bool plain = csi_is_plain(in) && strcmp(in->sequence, paste_end) != 0;
    size_t length = in->length;
    char last = in->sequence[in->length - 1];
    ground(in);
    if (plain && last == 'M' && length == 3) {
        in->missing = 3;
        enter(in, MOUSE, PARTIAL_US);
    } else if (plain && last != 'M') {
        name_key(in, in->sequence, length);
    }
}

static void paste_byte(struct input *in, char byte)
{
    enter(in, PASTE, PASTE_US);
    if (byte == paste_end[in->paste_matched]) {
        if (++in->paste_matched == sizeof paste_end - 1) {
            queue_paste(in);
            ground(in);
        }
        return;
    }
    /* No proper prefix of the mark ends in another of its prefixes, but for the ESC that it begins with. */
    size_t matched = in->paste_matched;
    in->paste_matched = byte == paste_end[0];
    struct str *paste = &in->paste;
    size_t more = matched + !in->paste_matched;
    if (in->paste_truncated || paste->len + more > INPUT_PASTE_MAX) {
        in->paste_truncated = true;
        return;
    }
    str_add_bytes(paste, paste_end, matched);
    if (!in->paste_matched)
        str_add_char(paste, byte);
}

static void ground_byte(struct input *in, unsigned char b)
{
    if (b == 0x1b)
        begin(in, ESCAPE, 0x1b, INPUT_ESCAPE_US);
    else if (b < 0x80)
        name_key(in, (const char *)&b, 1);
    else if (b >= 0xC2 && b <= 0xF4) {
        begin(in, UTF8, (char)b, PARTIAL_US);
        in->missing = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
    }
}

static void input_byte(struct input *in, unsigned char b);

static void utf8_byte(struct input *in, unsigned char b)
{
    if ((b & 0xC0) != 0x80) { /* the character was cut short: swallowed */
        ground(in);
        input_byte(in, b);
        return;
    }
    keep(in, (char)b);
    if (--in->missing > 0)
        return;
    size_t alt = in->sequence[0] == 0x1b, length = in->length;
    uint32_t code = 0;
    ground(in);
    /* libtermkey takes C1 characters for control keys: it isn't asked. */
    if (utf8_decode(in->sequence + alt, length - alt, &code) == length - alt && utf8_width(code) >= 0)
        queue_code(in, code, alt ? MOD_ALT : 0);
}

static void escape_byte(struct input *in, unsigned char b)
{
    if (b == 0x1b) { /* Esc, and the begin of another one */
        queue_code(in, SYM_ESCAPE, 0);
        begin(in, ESCAPE, 0x1b, INPUT_ESCAPE_US);
        return;
    }
    if (b >= 0x80 && (b < 0xC2 || b > 0xF4)) {
        ground(in);
        return;
    }
    keep(in, (char)b);
    if (b >= 0x80) {
        enter(in, UTF8, PARTIAL_US);
        in->missing = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
    } else if (b == '[') {
        enter(in, CSI, PARTIAL_US);
    } else if (b == 'O') {
        enter(in, SS3, PARTIAL_US);
    } else if (strchr("]P^_X", b) && b) {
        /* Nothing more soon: it was Alt with that character. */
        in->swallowed = false;
        enter(in, STRING, INPUT_ESCAPE_US);
    } else {
        ground(in);
        name_key(in, in->sequence, 2);
    }
}

/* A control inside a sequence ends it, unnamed, and counts itself: Enter and ^C always work. */
static bool broken(struct input *in, unsigned char b)
{
    if (b >= 0x20 && b < 0x7F)
        return false;
    ground(in);
    input_byte(in, b);
    return true;
}

static void csi_byte(struct input *in, unsigned char b)
{
    if (broken(in, b))
        return;
    keep(in, (char)b);
    if (b == '[' && in->length == 3)
        enter(in, LINUX, PARTIAL_US);
    else if (b >= 0x40)
        csi_end(in);
}

static void ss3_byte(struct input *in, unsigned char b)
{
    if (broken(in, b))
        return;
    keep(in, (char)b);
    if (b < 0x40)
        return;
    size_t length = in->length;
    ground(in);
    if (length == 3)
        name_key(in, in->sequence, 3);
}

static void string_byte(struct input *in, unsigned char b)
{
    if (b == 0x1b) {
        enter(in, STRING_ESCAPE, PARTIAL_US);
    } else if (b == 0x07) {
        ground(in);
    } else if (b < 0x20 || b == 0x7F) {
        ground(in);
        if (b != 0x18 && b != 0x1a && b < 0x20)
            ground_byte(in, b);
    } else {
        in->swallowed = true;
        enter(in, STRING, PARTIAL_US);
    }
}

static void input_byte(struct input *in, unsigned char b)
{
    switch (in->state) {
    case GROUND:
        ground_byte(in, b);
        break;
    case UTF8:
        utf8_byte(in, b);
        break;
    case ESCAPE:
        escape_byte(in, b);
        break;
    case CSI:
        csi_byte(in, b);
        break;
    case LINUX:
        if (broken(in, b))
            break;
        ground(in);
        if (b >= 'A' && b <= 'E')
            queue_code(in, (uint32_t)(SYM_F1 + b - 'A'), 0);
        break;
    case MOUSE:
        if (--in->missing == 0)
            ground(in);
        break;
    case SS3:
        ss3_byte(in, b);
        break;
    case STRING:
        string_byte(in, b);
        break;
    case STRING_ESCAPE:
        ground(in);
        if (b != '\\') {
            begin(in, ESCAPE, 0x1b, INPUT_ESCAPE_US);
            input_byte(in, b);
        }
        break;
    case PASTE:
        paste_byte(in, (char)b);
        break;
    }
}

void input_push(struct input *in, const char *bytes, size_t length, int64_t now_us)
{
    in->now_us = now_us;
    for (size_t i = 0; i < length; i++)
        input_byte(in, (unsigned char)bytes[i]);
}

int64_t input_deadline(const struct input *in)
{
    return in->deadline_us;
}

void input_timeout(struct input *in, int64_t now_us)
{
    if (in->deadline_us < 0 || now_us < in->deadline_us)
        return;
    in->now_us = now_us;
    enum state state = in->state;
    size_t length = in->length;
    ground(in);
    if (state == ESCAPE || state == STRING_ESCAPE)
        queue_code(in, SYM_ESCAPE, 0);
    else if (length == 2 && (state == CSI || state == SS3 || (state == STRING && !in->swallowed)))
        queue_code(in, (unsigned char)in->sequence[1], MOD_ALT);
    else if (state == PASTE)
        queue_paste(in);
}
