#include "tui/kit/squeeze.h"

#include <string.h>

/* Old terminals read no more than 16 numbers of a sequence. */
#define NUMBERS_MAX 12

/* An SGR sequence not yet written: its text between "ESC [" and "m". */
struct sgr {
    char text[64];
    size_t length, numbers;
    bool pending;
};

struct writer {
    char *bytes;
    size_t length;
    struct sgr sgr;
};

static void write_bytes(struct writer *w, const char *bytes, size_t length)
{
    memmove(w->bytes + w->length, bytes, length);
    w->length += length;
}

static void write_sgr(struct writer *w)
{
    if (!w->sgr.pending)
        return;
    write_bytes(w, "\x1b[", 2);
    write_bytes(w, w->sgr.text, w->sgr.length);
    write_bytes(w, "m", 1);
    w->sgr = (struct sgr){0};
}

static bool sgr_resets(const char *text, size_t length)
{
    return length == 0 || (text[0] == '0' && (length == 1 || text[1] == ';'));
}

static size_t count_numbers(const char *text, size_t length)
{
    size_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += text[i] == ';';
    return count;
}

static void add_sgr(struct writer *w, const char *text, size_t length)
{
    struct sgr *s = &w->sgr;
    size_t numbers = count_numbers(text, length);
    if (sgr_resets(text, length)) {
        *s = (struct sgr){.pending = true}; /* whatever was set before is gone */
        if (length <= 1)
            return;
    } else if (s->pending &&
               (s->numbers + numbers > NUMBERS_MAX || s->length + length + 2 > sizeof s->text)) {
        write_sgr(w);
    }
    if (s->pending && s->length == 0 && !sgr_resets(text, length))
        s->text[s->length++] = '0';
    if (s->length > 0)
        s->text[s->length++] = ';';
    memcpy(s->text + s->length, text, length);
    s->length += length;
    s->numbers += numbers;
    s->pending = true;
}

/* The length of the SGR sequence at bytes, 0 when there is none that is plain and short. */
static size_t sgr_length(const char *bytes, size_t length)
{
    if (length < 3 || bytes[0] != 0x1b || bytes[1] != '[')
        return 0;
    size_t digits = strspn(bytes + 2, "0123456789;");
    if (digits + 3 > length || digits > 40 || bytes[2 + digits] != 'm')
        return 0;
    return digits + 3;
}

void squeeze(struct str *out, size_t start, const char *drop)
{
    if (out->len <= start)
        return;
    size_t dropped = drop ? strlen(drop) : 0;
    const char *in = out->data + start;
    size_t left = out->len - start;
    /* Never longer than what was read: written into the same place. */
    struct writer w = {.bytes = out->data + start};
    while (left > 0) {
        size_t used = sgr_length(in, left);
        if (used > 0) {
            add_sgr(&w, in + 2, used - 3);
        } else if (left >= 3 && memcmp(in, "\x1b(B", 3) == 0) {
            used = 3;
        } else if (dropped > 0 && left >= dropped && memcmp(in, drop, dropped) == 0) {
            used = dropped;
        } else {
            write_sgr(&w);
            write_bytes(&w, in, 1);
            used = 1;
        }
        in += used;
        left -= used;
    }
    write_sgr(&w);
    out->len = start + w.length;
    out->data[out->len] = '\0';
}
