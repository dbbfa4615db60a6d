/* One event in full, as text for a person: its fields, its data, and the beginning of every output that it
 * refers to. */
#include "engine/state.h"

#include <stdlib.h>

#define OUTPUT_SHOWN  (64u << 10)
#define OUTPUTS_SHOWN 16

struct reading {
    struct engine *engine;
    struct journal *journal;
    int64_t seq;
    struct str text;
    struct str raw;
    size_t outputs;
    void (*done)(void *context, const char *text);
    void *context;
};

static int add_bytes(const void *bytes, size_t length, int64_t at, void *data)
{
    (void)at;
    struct reading *r = data;
    str_add_bytes(&r->raw, bytes, length);
    return 0;
}

static void add_output(struct reading *r, const char *name, const char *digest)
{
    struct err e = {0};
    if (r->outputs++ >= OUTPUTS_SHOWN)
        return;
    str_addf(&r->text, "\n--- %s (%.12s) ---\n", name, digest);
    str_clear(&r->raw);
    if (journal_blob_read(r->journal, digest, 0, OUTPUT_SHOWN, add_bytes, r, &e) < 0)
        str_addf(&r->text, "can't be read: %s\n", e.msg);
    utf8_clean(&r->text, str_text(&r->raw), r->raw.len, true);
    str_add_char(&r->text, '\n');
}

static void add_member(struct reading *r, const cJSON *item, int depth);

static void add_members(struct reading *r, const cJSON *tree, int depth)
{
    for (const cJSON *item = tree ? tree->child : NULL; item; item = item->next)
        add_member(r, item, depth);
}

static void add_member(struct reading *r, const cJSON *item, int depth)
{
    const char *name = item->string ? item->string : "-";
    struct str value = {0};
    if (json_text(item, &value)) {
        str_addf(&r->text, "%*s%-10s ", depth * 2, "", name);
        utf8_clean(&r->text, str_text(&value), value.len, true);
        str_add_char(&r->text, '\n');
    } else if (depth < 4) {
        str_addf(&r->text, "%*s%s\n", depth * 2, "", name);
        add_members(r, item, depth + 1);
    }
    str_fini(&value);
}

static void add_outputs(struct reading *r, const cJSON *data)
{
    static const char *const names[] = {"stdout", "stderr"};
    for (size_t i = 0; i < 2; i++) {
        const char *digest = json_string(cJSON_GetObjectItemCaseSensitive(data, names[i]), "digest", NULL);
        if (digest)
            add_output(r, names[i], digest);
    }
    const char *blob = json_string(data, "blob", json_string(data, "digest", NULL));
    if (blob && strlen(blob) == SHA256_HEX_SIZE - 1)
        add_output(r, "content", blob);
}

static int read_event(const struct event *event, void *data)
{
    struct reading *r = data;
    char at[CLOCK_TEXT_SIZE], hash[SHA256_HEX_SIZE];
    clock_format(event->at_us, at);
    sha256_to_hex(event->hash, hash);
    str_addf(&r->text, "event      %lld\nat         %s\nkind       %s\n", (long long)event->seq, at,
             event->kind_name);
    const char *const fields[][2] = {{"actor", event->actor},
                                     {"subject", event->subject},
                                     {"outcome", event->outcome},
                                     {"summary", event->summary}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!fields[i][1][0])
            continue;
        str_addf(&r->text, "%-10s ", fields[i][0]);
        utf8_clean(&r->text, fields[i][1], strlen(fields[i][1]), true);
        str_add_char(&r->text, '\n');
    }
    if (event->incident)
        str_addf(&r->text, "incident   INC-%lld\n", (long long)event->incident);
    if (event->run)
        str_addf(&r->text, "run        %lld\n", (long long)event->run);
    str_addf(&r->text, "hash       %s\n\n", hash);
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    add_members(r, tree, 0);
    add_outputs(r, tree);
    cJSON_Delete(tree);
    return 1;
}

static void reading_work(void *data)
{
    struct reading *r = data;
    struct err e = {0};
    if (!r->journal)
        return;
    if (journal_read(r->journal, r->seq, JOURNAL_FORWARD, NULL, 1, read_event, r, &e) < 0)
        str_addf(&r->text, "event %lld can't be read: %s\n", (long long)r->seq, e.msg);
}

static void reading_done(void *data)
{
    struct reading *r = data;
    r->engine->runs.storing--;
    r->done(r->context, r->engine->closing ? "" : str_text(&r->text));
    str_fini(&r->text);
    str_fini(&r->raw);
    free(r);
}

void engine_event_read(const struct engine *engine, int64_t seq,
                       void (*done)(void *context, const char *text), void *context)
{
    struct reading *r = xcalloc(1, sizeof *r);
    r->engine = (struct engine *)(uintptr_t)engine; /* counts the job: not what anybody sees of it */
    r->journal = engine->chronicle.journal;
    r->seq = seq;
    r->done = done;
    r->context = context;
    r->engine->runs.storing++;
    loop_work(engine->loop, reading_work, reading_done, r);
}
