/* room: targets */
/* What belay exec reads of others: status lines on a descriptor (in any pieces the same), a fallback's text,
 * a misspelt option. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/targets/exec_request.h"
#include "engine/targets/exec_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exec_status whole = {0}, pieces = {0};
    struct str rest = {0}, rests = {0};
    exec_status_feed(&whole, (const char *)data, size, &rest);
    exec_status_finish(&whole, &rest);
    for (size_t i = 0, n; i < size; i += n) {
        n = 1 + data[i] % 7;
        n = n < size - i ? n : size - i;
        exec_status_feed(&pieces, (const char *)data + i, n, &rests);
    }
    exec_status_finish(&pieces, &rests);
    if (whole.status != pieces.status || !str_eq(whole.retry_after, pieces.retry_after) ||
        rest.len != rests.len || (rest.len && memcmp(rest.data, rests.data, rest.len) != 0) ||
        rest.len > size)
        abort();
    struct exec_tier tier;
    char *text = xstrndup((const char *)data, size);
    static const char *const names[] = {"attempts", "timeout-growth", "id", "json", ""};
    exec_nearest(text, names, sizeof names / sizeof *names);
    str_clear(&rest);
    struct err e;
    if (exec_fallback_parse(text, &tier, &rest, &e) == 0 && (!tier.name[0] || rest.len == 0))
        abort();
    free(text);
    str_fini(&rest);
    str_fini(&rests);
    return 0;
}
