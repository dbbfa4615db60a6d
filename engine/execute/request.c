#include "engine/execute/request.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"

static const char request_magic[8] = "belayrq3";

void request_fini(struct request *r)
{
    strv_free(r->argv);
    strv_free(r->env);
    free(r->cwd);
    memset(r, 0, sizeof *r);
}

/* magic, checksum of the rest, numbers, then NUL-ended strings: cwd, argv, env. */
struct request_head {
    char magic[8];
    uint64_t checksum;
    int64_t timeout_us, grace_us, limit_bytes, capture_exports, terminal;
    uint64_t argc, envc;
};

#define CHECKED offsetof(struct request_head, timeout_us)

void request_encode(const struct request *r, struct str *out)
{
    struct request_head head = {
        .timeout_us = r->timeout_us,
        .grace_us = r->grace_us,
        .limit_bytes = r->limit_bytes,
        .capture_exports = r->capture_exports,
        .terminal = r->terminal,
        .argc = strv_count(r->argv),
        .envc = strv_count(r->env),
    };
    memcpy(head.magic, request_magic, sizeof head.magic);
    size_t start = out->len;
    str_add_bytes(out, &head, sizeof head);
    str_add_bytes(out, r->cwd, strlen(r->cwd) + 1);
    for (size_t i = 0; i < head.argc; i++)
        str_add_bytes(out, r->argv[i], strlen(r->argv[i]) + 1);
    for (size_t i = 0; i < head.envc; i++)
        str_add_bytes(out, r->env[i], strlen(r->env[i]) + 1);
    head.checksum = checksum64(out->data + start + CHECKED, out->len - start - CHECKED);
    memcpy(out->data + start, &head, sizeof head);
}

/* Copies count strings from *bytes on, and moves it; NULL when they aren't there. */
static char **strings_take(const char **bytes, const char *end, uint64_t count)
{
    if (count > (uint64_t)(end - *bytes))
        return NULL;
    char **list = xcalloc((size_t)count + 1, sizeof *list);
    for (uint64_t i = 0; i < count; i++) {
        const char *stop = memchr(*bytes, '\0', (size_t)(end - *bytes));
        if (!stop) {
            strv_free(list);
            return NULL;
        }
        list[i] = xstrdup(*bytes);
        *bytes = stop + 1;
    }
    return list;
}

int request_decode(const char *bytes, size_t length, struct request *r, struct err *e)
{
    struct request_head head;
    memset(r, 0, sizeof *r);
    if (length < sizeof head)
        goto damaged;
    memcpy(&head, bytes, sizeof head);
    if (memcmp(head.magic, request_magic, sizeof head.magic) != 0 ||
        head.checksum != checksum64(bytes + CHECKED, length - CHECKED))
        goto damaged;
    const char *at = bytes + sizeof head, *end = bytes + length;
    char **cwd = strings_take(&at, end, 1);
    if (!cwd)
        goto damaged;
    r->cwd = cwd[0];
    free(cwd);
    r->argv = strings_take(&at, end, head.argc);
    r->env = r->argv ? strings_take(&at, end, head.envc) : NULL;
    if (!r->env || at != end || head.argc == 0 || head.timeout_us < 0 || head.grace_us < 0 ||
        head.limit_bytes < 0)
        goto damaged;
    r->timeout_us = head.timeout_us;
    r->grace_us = head.grace_us;
    r->limit_bytes = head.limit_bytes;
    r->capture_exports = head.capture_exports != 0;
    r->terminal = head.terminal != 0;
    return 0;
damaged:
    request_fini(r);
    return err_set(e, ERR_CORRUPT, "the request is damaged");
}
