/* room: sources
 * Any bytes as an exposition, in both formats: every view that is handed out lies inside what was given or is
 * a copy of it, and what is refused is refused with a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/sources/exposition.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void touch(struct exposition_text t, uint64_t *sum)
{
    for (size_t i = 0; i < t.length; i++)
        *sum += (unsigned char)t.bytes[i];
}

static int on_sample(const struct exposition_sample *s, void *data)
{
    uint64_t *sum = data;
    if (!s->name.length || s->label_count > EXPOSITION_LABEL_LIMIT)
        abort();
    touch(s->name, sum);
    for (size_t i = 0; i < s->label_count; i++) {
        touch(s->labels[i].name, sum);
        touch(s->labels[i].value, sum);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = xmalloc(length + 1);
    memcpy(text, bytes, length);
    text[length] = '\0';
    for (int format = EXPOSITION_TEXT; format <= EXPOSITION_OPENMETRICS; format++) {
        uint64_t sum = 0;
        struct err e = {0};
        int status = exposition_parse(text, length, (enum exposition_format)format, on_sample, &sum, &e);
        if (status && (status != ERR_SYNTAX || !e.msg[0]))
            abort();
    }
    free(text);
    return 0;
}
