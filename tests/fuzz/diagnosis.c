/* room: resilience */
/* A diagnosis from outside: a command's output, a chat's answer. And rules over any text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/resilience/resilience.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must_be_clean(const char *text, size_t size)
{
    if (strnlen(text, size) == size || !utf8_valid(text, strlen(text), NULL))
        abort();
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = {"restart-pod", "drain#2", NULL};
    struct heal_diagnosis d;
    struct err e = {0};
    int status = heal_read_answer((const char *)bytes, length, names, &d, &e);
    if (status < 0 && (!e.msg[0] || d.fix[0]))
        abort();
    if (status == 0 && !str_eq(d.fix, names[0]) && !str_eq(d.fix, names[1]))
        abort(); /* only what was offered */
    if (status == 0 && !(d.confidence >= 0 && d.confidence <= 1))
        abort();
    must_be_clean(d.issue, sizeof d.issue);
    must_be_clean(d.evidence, sizeof d.evidence);

    char *text = xstrndup((const char *)bytes, length);
    char *split = strchr(text, '\n');
    if (split)
        *split++ = '\0';
    struct heal_rule rule = {.name = "r", .issue = "i", .match = text, .fix = "f", .confidence = 1};
    heal_diagnose(&rule, 1, "resource", split ? split : text, &d);
    if (!split && !d.fix[0] && !strpbrk(text, "*?"))
        abort(); /* a text covers itself */
    must_be_clean(d.evidence, sizeof d.evidence);
    free(text);
    return 0;
}
