/* room: resilience */
/* What people write on command lines: lists of exit statuses and classes, rules of a breaker, words. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/resilience/resilience.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_list(const char *text)
{
    struct exit_list list = {.classes = 1}, before = list, again = {0};
    struct err e = {0};
    struct str out = {0};
    if (exit_list_parse(text, &list, &e) < 0) {
        if (!e.msg[0] || memcmp(&list, &before, sizeof list) != 0)
            abort(); /* as it was, and it says why */
        return;
    }
    exit_list_text(&list, &out);
    if (exit_list_is_empty(&list) || exit_list_parse(str_text(&out), &again, &e) < 0 ||
        memcmp(&list, &again, sizeof list) != 0)
        abort(); /* what it says of itself is the same list */
    for (int status = 0; status < 256; status++) {
        struct failure f;
        failure_of_exit(exit_table_find("curl"), status, 0, &list, NULL, &f);
        if ((status == 0) != (f.class == FAILURE_NONE))
            abort();
        if (exit_list_has_status(&list, status) && !failure_is_retried(f.class))
            abort();
        failure_of_exit(exit_table_find(text), status, 0, &list, &list, &f);
        if (exit_list_has_status(&list, status) && f.class != FAILURE_PERMANENT)
            abort();
    }
    str_fini(&out);
}

static void read_rules(const char *text)
{
    struct breaker_rules rules = breaker_rules_default();
    struct err e = {0};
    if (breaker_rules_parse(text, &rules, &e) < 0) {
        if (!e.msg[0])
            abort();
        return;
    }
    if (breaker_rules_check(&rules, &e) < 0)
        return;
    struct breaker b; /* rules that pass the check make a breaker that admits, trips and comes back */
    struct breaker_token token;
    breaker_init(&b, &rules, 1, 1000);
    for (int i = 0; i < 100; i++)
        if (breaker_admit(&b, &rules, 1000 + i, &token, NULL))
            breaker_resolve(&b, &rules, &token, BREAKER_FAILURE, 1, 1000 + i);
    if (breaker_state(&b, 1100) == BREAKER_OPEN && breaker_due_ms(&b, 1100) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *text = xstrndup((const char *)bytes, length);
    char *argv[] = {(char *)(uintptr_t) "curl", text, NULL};
    enum policy_end end;
    enum failure_class class;
    read_list(text);
    read_rules(text);
    exit_table_for(argv);
    if (policy_end_parse(text, &end) && !str_eq(policy_end_text(end), text))
        abort();
    if (failure_class_parse(text, &class) && !str_eq(failure_class_text(class), text))
        abort();
    free(text);
    return 0;
}
