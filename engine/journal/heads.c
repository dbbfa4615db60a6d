#include "engine/journal/heads.h"

#include <stdlib.h>

struct head {
    int64_t seq;
    uint8_t hash[SHA256_SIZE];
};

struct heads {
    VEC(struct head) all; /* sorted by seq */
    size_t next;
    int64_t agreed;
};

#define TAG "belay-head "

/* What follows the tag: PLATFORM SEQ HASH. */
static bool head_parse(const char *text, const char *platform, struct head *head)
{
    size_t length = strlen(platform);
    if (strncmp(text, platform, length) != 0 || text[length] != ' ')
        return false;
    char *end = NULL, hex[SHA256_HEX_SIZE];
    const char *digits = text + length + 1;
    if (strspn(digits, "0123456789") < 1 || strspn(digits, "0123456789") > 18)
        return false;
    head->seq = strtoll(digits, &end, 10);
    if (*end != ' ' || strspn(end + 1, "0123456789abcdef") < SHA256_HEX_SIZE - 1)
        return false;
    memcpy(hex, end + 1, SHA256_HEX_SIZE - 1);
    hex[SHA256_HEX_SIZE - 1] = '\0';
    return sha256_from_hex(hex, head->hash, NULL) == 0;
}

static int compare(const void *a, const void *b)
{
    const struct head *one = a, *other = b;
    return (one->seq > other->seq) - (one->seq < other->seq);
}

struct heads *heads_new(const char *text, const char *platform)
{
    struct heads *h = xcalloc(1, sizeof *h);
    struct head head;
    for (const char *at = text; at && (at = strstr(at, TAG));) {
        at += sizeof TAG - 1;
        if (head_parse(at, platform, &head))
            *vec_push(&h->all) = head;
    }
    if (h->all.len)
        qsort(h->all.data, h->all.len, sizeof *h->all.data, compare);
    return h;
}

void heads_free(struct heads *h)
{
    if (!h)
        return;
    vec_fini(&h->all);
    free(h);
}

int heads_check(struct heads *h, int64_t seq, const uint8_t hash[static SHA256_SIZE], struct err *e)
{
    for (; h->next < h->all.len && h->all.data[h->next].seq <= seq; h->next++) {
        const struct head *head = &h->all.data[h->next];
        if (head->seq < seq) /* 0, or twice the same line */
            continue;
        if (memcmp(head->hash, hash, SHA256_SIZE) != 0)
            return err_set(e, ERR_CORRUPT,
                           "event %lld: the mirror has another hash for it; it or one before was rewritten",
                           (long long)seq);
        h->agreed++;
    }
    return 0;
}

int heads_check_end(const struct heads *h, int64_t last_seq, struct err *e)
{
    if (h->all.len == 0 || h->all.data[h->all.len - 1].seq <= last_seq)
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "event %lld: missing: the mirror has seen event %lld, the journal ends at %lld",
                   (long long)last_seq + 1, (long long)h->all.data[h->all.len - 1].seq, (long long)last_seq);
}

int64_t heads_agreed(const struct heads *h)
{
    return h->agreed;
}
