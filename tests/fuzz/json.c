/* room: base */
/* The JSON reader: what it accepts is written as JSON that it accepts again, and from then on reading and
 * writing change nothing (once they may: 1000000000000000010e0 is a number, written without its exponent it
 * is an id). Numbers, texts and matches of any value can be asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visit(const struct json_match *match, void *data)
{
    struct str *out = data;
    double number;
    str_clear(out);
    json_number(match->item, &number);
    json_text(match->item, out);
    if (!utf8_valid(str_text(out), out->len, NULL))
        abort();
    return 0;
}

/* Takes text; reads it and writes it again. */
static char *again(char *text)
{
    struct err e = {0};
    cJSON *tree = json_parse(text, strlen(text), &e);
    if (!tree)
        abort();
    char *printed = json_print(tree);
    cJSON_Delete(tree);
    free(text);
    return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    cJSON *tree = json_parse((const char *)data, size, &e);
    if (!tree) {
        if (e.code != ERR_SYNTAX || !strstr(e.msg, "byte "))
            abort();
        return 0;
    }
    struct str text = {0};
    json_each(tree, "/*/*", visit, &text);
    json_each(tree, "/*/*/*/*", visit, &text);
    str_fini(&text);
    char *once = again(json_print(tree)), *twice = again(xstrdup(once));
    if (strcmp(once, twice) != 0)
        abort();
    free(once);
    free(twice);
    cJSON_Delete(tree);
    return 0;
}
