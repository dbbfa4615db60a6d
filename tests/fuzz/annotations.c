/* room: runbook */
/* Any bytes as a fence's info string, and as the text of a block. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/runbook/annotation.h"
#include "engine/runbook/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_info(const char *text, size_t length)
{
    struct annotations a;
    struct err e = {0};
    if (annotations_parse(text, length, 1, &a, &e) && !e.msg[0])
        abort();
    if (a.column < 1 || a.column > (int)length + 1)
        abort(); /* a position stands in the line */
    for (size_t i = 0; i < a.list.len; i++)
        if (annotations_find(&a, a.list.data[i].key) != &a.list.data[i])
            abort(); /* no key twice */
    annotations_fini(&a);
}

/* What runs and what is output are the block's lines and nothing else, but for prompts. */
static void read_block(const char *text)
{
    struct block b;
    size_t length;
    char *unix_text = text_unix(text);
    block_read(unix_text, true, &b);
    if (strlen(b.script) + strlen(b.expected) > strlen(unix_text) + 1)
        abort();
    for (const char *c = b.script; (c = placeholder_next(b.script, c, &length)); c += length)
        if (length < 3)
            abort();
    block_fini(&b);
    text_recorded(unix_text);
    free(unix_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = xstrndup((const char *)bytes, length);
    if (!memchr(text, '\n', strlen(text)))
        read_info(text, strlen(text));
    read_block(text);
    struct err e;
    size_t size = pattern_size(text); /* larger ones are only slower */
    struct pattern *p = size < 150 ? pattern_new(text, &e) : NULL;
    if (p) {
        pattern_found(p, "shard-5 ok", 10);
        pattern_covers(p, "shard-5");
        pattern_free(p);
    }
    free(text);
    return 0;
}
