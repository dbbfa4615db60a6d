/* room: resilience */
/* An HTTP answer from somewhere: status, Retry-After (the first line), and a body that may be an error of a
 * chat provider. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/resilience/resilience.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const int statuses[] = {200, 301, 400, 401, 402, 403, 404, 408,
                               409, 413, 422, 425, 429, 500, 503, 999};

static void read_retry_after(const char *text, int64_t wall_us)
{
    int64_t us = http_retry_after_us(text, wall_us), at_us;
    size_t digits = strspn(text, "0123456789");
    if (us < -1)
        abort();
    if (digits > 0 && !text[digits] && us < 0)
        abort(); /* digits are never junk */
    if (http_date_parse(text, wall_us, &at_us) && (us < 0 || (at_us <= wall_us && us != 0)))
        abort(); /* what has passed is now */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const int64_t walls[] = {0, 784111777LL * US_PER_S, 1795377928LL * US_PER_S, INT64_MAX / 2};
    if (length < 2)
        return 0;
    int status = statuses[bytes[0] % (sizeof statuses / sizeof *statuses)];
    int64_t wall_us = walls[bytes[1] % 4];
    const char *text = (const char *)bytes + 2;
    const char *line = memchr(text, '\n', length - 2);
    char *retry_after = xstrndup(text, line ? (size_t)(line - text) : length - 2);
    size_t body_length = line ? length - 2 - (size_t)(line + 1 - text) : 0;
    char *body = xmalloc(body_length + 1); /* NUL bytes and all */
    memcpy(body, line ? line + 1 : "", body_length);
    struct failure f, bare;
    failure_of_http(status, retry_after, wall_us, body, body_length, &f);
    failure_of_http(status, NULL, wall_us, NULL, 0, &bare);
    if ((f.class == FAILURE_NONE) != (bare.class == FAILURE_NONE) ||
        (bare.class == FAILURE_SERVER && f.class != FAILURE_SERVER))
        abort(); /* a body makes no success, and hides no failing server */
    if (f.retry_after_ms < -1 || strlen(f.text) >= sizeof f.text || !utf8_valid(f.text, strlen(f.text), NULL))
        abort();
    for (const char *c = f.text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            abort(); /* one clean line */
    read_retry_after(retry_after, wall_us);
    free(retry_after);
    free(body);
    return 0;
}
