/* room: kit */
/* Bytes from a terminal: whatever comes, in whatever pieces, every key is printable or a symbol, pastes are
 * bounded, and the same bytes in one piece give the same keys. The first byte of the input chooses where the
 * pieces end. */
#include <stdlib.h>
#include <string.h>

#include "tui/kit/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct input *in, struct str *keys)
{
    struct key key;
    while (input_next(in, &key)) {
        char name[KEY_NAME_SIZE];
        if (key.code == SYM_PASTE && (key.length > INPUT_PASTE_MAX || key.text[key.length] != '\0'))
            abort();
        if (key.code < SYM_NONE && utf8_width(key.code) < 0)
            abort();
        if (key.code == SYM_NONE || key.code >= SYM_END_OF_LIST)
            abort();
        key_format(&key, name);
        str_addf(keys, "%s(%zu) ", name, key.length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    /* Made once: libtermkey reads its tables for a millisecond. */
    static struct input *whole, *split;
    if (!whole) {
        whole = input_new("xterm-256color", NULL);
        split = input_new("xterm-256color", NULL);
    }
    struct str a = {0}, b = {0};
    const char *bytes = (const char *)data + 1;
    size_t piece = data[0] % 7 + 1;
    size--;
    input_push(whole, bytes, size, 1);
    take(whole, &a);
    for (size_t at = 0; at < size; at += piece) {
        input_push(split, bytes + at, size - at < piece ? size - at : piece, 1);
        take(split, &b);
    }
    input_timeout(whole, 100 * US_PER_S);
    input_timeout(split, 100 * US_PER_S);
    take(whole, &a);
    take(split, &b);
    /* In one piece the queue may have run over: 1,024 keys or four pastes. */
    size_t pastes = 0;
    for (const char *p = str_text(&b); (p = strstr(p, "Paste(")); p++)
        pastes++;
    if (size < 1000 && pastes <= 4 && strcmp(str_text(&a), str_text(&b)) != 0)
        abort();
    if (input_deadline(whole) != -1)
        abort();
    str_fini(&a);
    str_fini(&b);
    input_discard(whole);
    input_discard(split);
    return 0;
}
