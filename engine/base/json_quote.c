/* Apart from json.c: `belay` writes JSON, and has no cJSON to read any. */
#include "engine/base/json.h"

#include <string.h>

#include "engine/base/utf8.h"

void json_quote(struct str *out, const char *text)
{
    size_t length = strlen(text);
    str_add_char(out, '"');
    for (size_t i = 0; i < length;) {
        unsigned char b = (unsigned char)text[i];
        uint32_t c;
        size_t used = utf8_decode(text + i, length - i, &c);
        if (b == '"' || b == '\\')
            str_addf(out, "\\%c", b);
        else if (b == '\n')
            str_add(out, "\\n");
        else if (b == '\t')
            str_add(out, "\\t");
        else if (b == '\r')
            str_add(out, "\\r");
        else if (b < 0x20 || b == 0x7F)
            str_addf(out, "\\u%04x", b);
        else if (used == 1 && b >= 0x80)
            str_add(out, "\xEF\xBF\xBD"); /* JSON is UTF-8: a bad byte becomes U+FFFD */
        else
            str_add_bytes(out, text + i, used);
        i += used;
    }
    str_add_char(out, '"');
}
