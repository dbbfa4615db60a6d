/* room: runbook */
/* Any bytes as an items file: refused with a sentence, or every item has a label and fields that can stand in
 * an environment. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/runbook/runbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err e = {0};
    struct items *items = items_parse("fuzz.jsonl", (const char *)bytes, length, &e);
    if (!items) {
        if (!e.msg[0])
            abort();
        return 0;
    }
    for (size_t i = 0; i < items_count(items); i++) {
        struct str label = {0};
        char **fields = items_fields(items, i);
        items_label(items, i, &label);
        if (label.len > 80 || !utf8_valid(str_text(&label), label.len, NULL) || !fields[0])
            abort();
        for (char **field = fields; *field; field++) {
            if (!str_starts(*field, "ITEM_") || !strchr(*field, '='))
                abort();
            for (const char *c = *field; *c != '='; c++)
                if (!(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') && *c != '_')
                    abort();
        }
        strv_free(fields);
        str_fini(&label);
    }
    items_free(items);
    return 0;
}
