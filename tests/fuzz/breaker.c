/* room: resilience */
/* A breaker's rules as text, and its stored form: what is accepted works, whatever it was. The first byte
 * says which of the two it is. */
#include <stdlib.h>
#include <string.h>

#include "engine/resilience/resilience.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool ok)
{
    if (!ok)
        abort();
}

/* Trips, cools down, probes, closes: a breaker that does this is none that is stuck. */
static void use(struct breaker *b, const struct breaker_rules *r, int64_t now_ms)
{
    struct breaker_token token;
    struct breaker_refusal refusal;
    for (int i = 0; i < 64; i++) {
        need(breaker_due_ms(b, now_ms) >= -1);
        if (breaker_admit(b, r, now_ms, &token, &refusal)) {
            need(token.generation != 0);
            breaker_resolve(b, r, &token, i % 3 ? BREAKER_FAILURE : BREAKER_SUCCESS, i, now_ms);
            now_ms += 10;
        } else {
            need(refusal.retry_after_ms == -1 || refusal.retry_after_ms > 0);
            need(refusal.retry_after_ms >= 0 || refusal.state == BREAKER_FORCED_OPEN);
            now_ms += refusal.retry_after_ms > 0 ? refusal.retry_after_ms : 1;
        }
    }
    breaker_force(b, r, BREAKER_CLOSED, 0, now_ms);
    need(breaker_state(b, now_ms) == BREAKER_CLOSED);
    need(breaker_admit(b, r, now_ms, &token, &refusal));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct breaker_rules rules = breaker_rules_default();
    struct breaker b;
    struct err e = {0};
    if (size == 0)
        return 0;
    if (data[0] % 2) {
        char *text = xstrndup((const char *)data + 1, size - 1);
        int code = breaker_rules_parse(text, &rules, &e);
        need(code == 0 ? breaker_rules_check(&rules, &e) == 0 : e.msg[0] != '\0');
        breaker_init(&b, &rules, 1, 1000);
        use(&b, &rules, 1000);
        free(text);
    } else if (breaker_restore(&b, &rules, data + 1, size - 1, 1000, data[0], &e) == 0) {
        uint8_t bytes[BREAKER_STORED_BYTES];
        struct breaker again;
        size_t length = breaker_store(&b, 1000, bytes);
        need(breaker_restore(&again, &rules, bytes, length, 1000, 0, &e) == 0);
        need(breaker_state(&again, 1000) == breaker_state(&b, 1000));
        use(&b, &rules, 1000);
    }
    return 0;
}
