/* room: journal */
/* What the journal reads as text: mirrored heads (anybody's syslog), manifests and events (a damaged or
 * hostile file). Heads are found or passed over, a manifest that is taken covers its blob without gaps, an
 * event is one line of JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/journal/heads.h"
#include "engine/journal/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_heads(const char *text)
{
    struct heads *heads = heads_new(text, "rag-prod");
    uint8_t hash[SHA256_SIZE] = {0};
    struct err e;
    for (int64_t seq = 1; seq < 4; seq++)
        if (heads_check(heads, seq, hash, &e) < 0)
            must(e.code == ERR_CORRUPT && strstr(e.msg, "event "));
    (void)heads_check_end(heads, 3, &e);
    must(heads_agreed(heads) >= 0);
    heads_free(heads);
}

static void check_manifest(const char *text)
{
    struct manifest m;
    int64_t at = 0, dropped = 0;
    if (manifest_parse(text, 1, &m, NULL) == 0) {
        for (size_t i = 0; i < m.count; i++) {
            must(m.pieces[i].bytes >= 1 && m.pieces[i].bytes <= JOURNAL_PIECE_BYTES && m.pieces[i].at >= at);
            dropped += m.pieces[i].at - at;
            at = m.pieces[i].at + (int64_t)m.pieces[i].bytes;
        }
        must(at == m.info.bytes && (dropped == 0 || dropped == m.info.dropped_bytes));
    }
    manifest_fini(&m);
}

static void check_event(const char *text)
{
    if (!utf8_valid(text, strlen(text), NULL)) /* never stored otherwise */
        return;
    struct str line = {0};
    struct event event = {.seq = 1,
                          .kind_name = text,
                          .actor = text,
                          .subject = text,
                          .outcome = text,
                          .summary = text,
                          .data = text};
    event_json(&event, &line);
    must(!strpbrk(line.data, "\r\n"));
    cJSON *tree = json_parse(line.data, line.len, NULL);
    must(tree != NULL && str_eq(json_string(tree, "summary", NULL), text));
    cJSON_Delete(tree);
    str_fini(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    check_heads(text);
    check_manifest(text);
    check_event(text);
    free(text);
    return 0;
}
