#include "engine/journal/item.h"

#include <stdlib.h>

enum { ACTOR, SUBJECT, OUTCOME, SUMMARY, DATA, CLAIM_KEY, CLAIM_OWNER, TEXTS };

/* A text of a draft, as it will be stored. */
struct text {
    const char *bytes;
    size_t length;
    struct str cleaned; /* owns bytes when they had to be cleaned */
};

/* The length that ends between characters. */
static size_t cut(const char *bytes, size_t length, size_t most)
{
    if (length <= most)
        return length;
    while (most > 0 && ((unsigned char)bytes[most] & 0xC0) == 0x80)
        most--;
    return most;
}

static void text_take(struct text *t, const char *given, const char *fallback, size_t most)
{
    *t = (struct text){.bytes = given && *given ? given : fallback};
    t->length = strlen(t->bytes);
    if (!utf8_valid(t->bytes, t->length, NULL)) {
        utf8_clean(&t->cleaned, t->bytes, t->length, true);
        t->bytes = t->cleaned.data;
        t->length = t->cleaned.len;
    }
    t->length = cut(t->bytes, t->length, most);
}

static int draft_take(const struct event_draft *draft, struct text texts[static TEXTS], struct err *e)
{
    if (draft->kind <= EVENT_UNKNOWN || draft->kind >= EVENT_KIND_COUNT)
        return err_set(e, ERR_USAGE, "event kind %d does not exist", (int)draft->kind);
    if (draft->incident < JOURNAL_NEW || draft->run < JOURNAL_NEW)
        return err_set(e, ERR_USAGE, "incidents and runs are numbered from 1");
    text_take(&texts[ACTOR], draft->actor, "", JOURNAL_TEXT_MAX);
    text_take(&texts[SUBJECT], draft->subject, "", JOURNAL_TEXT_MAX);
    text_take(&texts[OUTCOME], draft->outcome, "", JOURNAL_TEXT_MAX);
    text_take(&texts[SUMMARY], draft->summary, "", JOURNAL_SUMMARY_MAX);
    text_take(&texts[DATA], draft->data, "{}", SIZE_MAX);
    text_take(&texts[CLAIM_KEY], draft->claim.key, "", JOURNAL_TEXT_MAX);
    text_take(&texts[CLAIM_OWNER], draft->claim.owner, "", JOURNAL_TEXT_MAX);
    if (texts[DATA].length > JOURNAL_DATA_MAX + (draft->imported ? JOURNAL_IMPORTED_MAX : 0))
        return err_set(e, ERR_RANGE,
                       "the data of a %s event has %zu bytes, at most %u fit; keep it in a blob",
                       event_kind_name(draft->kind), texts[DATA].length, JOURNAL_DATA_MAX);
    return 0;
}

static struct item *item_new(size_t count, size_t text_bytes)
{
    size_t head = sizeof(struct item) +
                  count * (sizeof(struct event) + sizeof(struct claim) + sizeof(struct item_label));
    struct item *item = xcalloc(1, head + text_bytes);
    item->kind = ITEM_EVENTS;
    item->count = count;
    item->events = (struct event *)(item + 1);
    item->claims = (struct claim *)(item->events + count);
    item->labels = (struct item_label *)(item->claims + count);
    /* A row's numbers and hashes, its places in the indexes. */
    item->weight = count * 160 + text_bytes;
    return item;
}

static void event_fill(struct event *event, struct claim *claim, const struct event_draft *draft,
                       struct text texts[static TEXTS], char **memory, int64_t now_us)
{
    const char **const to[TEXTS] = {&event->actor, &event->subject, &event->outcome, &event->summary,
                                    &event->data,  &claim->key,     &claim->owner};
    for (size_t i = 0; i < TEXTS; i++) {
        *to[i] = memcpy(*memory, texts[i].bytes, texts[i].length);
        (*memory)[texts[i].length] = '\0';
        *memory += texts[i].length + 1;
    }
    event->kind = draft->kind;
    event->kind_name = event_kind_name(draft->kind);
    event->at_us = draft->at_us ? draft->at_us : now_us;
    event->incident = draft->incident;
    event->run = draft->run;
    claim->op = draft->claim.op;
    claim->fence = draft->claim.fence;
}

int item_from_drafts(const struct event_draft *drafts, size_t count, struct item **item, struct err *e)
{
    if (count < 1 || (count > ITEM_EVENTS_MAX && !drafts->imported))
        return err_set(e, ERR_USAGE, "a group has 1 to %d events", ITEM_EVENTS_MAX);
    struct text few[8][TEXTS], (*texts)[TEXTS] = count <= 8 ? few : xmalloc(count * sizeof few[0]);
    size_t taken = 0, bytes = 0;
    int code = 0;
    for (; taken < count && code == 0; taken++) {
        memset(texts[taken], 0, sizeof texts[taken]);
        code = draft_take(&drafts[taken], texts[taken], e);
        for (size_t i = 0; i < TEXTS; i++)
            bytes += texts[taken][i].length + 1;
    }
    if (code == 0) {
        struct item *new = item_new(count, bytes);
        char *memory = (char *)(new->labels + count);
        int64_t now_us = clock_wall_us();
        for (size_t i = 0; i < count; i++) {
            event_fill(&new->events[i], &new->claims[i], &drafts[i], texts[i], &memory, now_us);
            new->durable |= event_kind_durable(drafts[i].kind);
        }
        new->imported = drafts->imported;
        *item = new;
    }
    for (size_t i = 0; i < taken; i++)
        for (size_t k = 0; k < TEXTS; k++)
            str_fini(&texts[i][k].cleaned);
    if (texts != few)
        free(texts);
    return code;
}

struct item *item_from_piece(const uint8_t digest[static SHA256_SIZE], size_t raw_bytes, void *zstd,
                             size_t zstd_bytes)
{
    struct item *item = xcalloc(1, sizeof *item);
    item->kind = ITEM_PIECE;
    memcpy(item->digest, digest, SHA256_SIZE);
    item->raw_bytes = raw_bytes;
    item->zstd = zstd;
    item->zstd_bytes = zstd_bytes;
    item->weight = zstd_bytes + 160;
    return item;
}

void item_free(struct item *item)
{
    if (!item)
        return;
    free(item->zstd);
    free(item);
}
