#include <stdlib.h>

#include "engine/journal/journal.h"

static const struct {
    const char *name;
    bool durable;
} kinds[EVENT_KIND_COUNT] = {[EVENT_UNKNOWN] = {"unknown", false},
#define X(NAME, name, durable, help) [EVENT_##NAME] = {name, durable},
                             EVENT_KINDS(X)
#undef X
};

const char *event_kind_name(enum event_kind kind)
{
    return kinds[kind].name;
}

bool event_kind_durable(enum event_kind kind)
{
    return kinds[kind].durable;
}

enum event_kind event_kind_find(const char *name)
{
    for (int i = EVENT_UNKNOWN + 1; i < EVENT_KIND_COUNT; i++)
        if (str_eq(name, kinds[i].name))
            return (enum event_kind)i;
    return EVENT_UNKNOWN;
}

struct event *event_copy(const struct event *event)
{
    const char *const from[] = {event->kind_name, event->actor,   event->subject,
                                event->outcome,   event->summary, event->data};
    enum { TEXTS = sizeof from / sizeof *from };
    size_t lengths[TEXTS], total = sizeof *event;
    for (size_t i = 0; i < TEXTS; i++)
        total += lengths[i] = strlen(from[i]) + 1;
    struct event *copy = xmalloc(total);
    *copy = *event;
    const char **const to[] = {&copy->kind_name, &copy->actor,   &copy->subject,
                               &copy->outcome,   &copy->summary, &copy->data};
    char *texts = (char *)(copy + 1);
    for (size_t i = 0; i < TEXTS; i++) {
        *to[i] = memcpy(texts, from[i], lengths[i]);
        texts += lengths[i];
    }
    return copy;
}

/* data as it stands when it is a JSON object of one line, printed anew when it is any other JSON (with line
 * ends, with a byte order mark), quoted when it is none. */
static void add_data(const char *data, struct str *out)
{
    cJSON *tree = json_parse(data, strlen(data), NULL);
    if (!tree) {
        json_quote(out, data);
    } else if (data[0] == '{' && !strpbrk(data, "\r\n")) {
        str_add(out, data);
    } else {
        char *line = json_print(tree);
        str_add(out, line);
        free(line);
    }
    cJSON_Delete(tree);
}

static void add_member(struct str *out, const char *name, const char *text)
{
    str_addf(out, ",\"%s\":", name);
    json_quote(out, text);
}

void event_json(const struct event *event, struct str *out)
{
    char at[CLOCK_TEXT_SIZE], hash[SHA256_HEX_SIZE], prev_hash[SHA256_HEX_SIZE];
    clock_format(event->at_us, at);
    sha256_to_hex(event->hash, hash);
    sha256_to_hex(event->prev_hash, prev_hash);
    str_addf(out, "{\"seq\":%lld,\"at\":\"%s\"", (long long)event->seq, at);
    add_member(out, "kind", event->kind_name);
    add_member(out, "actor", event->actor);
    add_member(out, "subject", event->subject);
    add_member(out, "outcome", event->outcome);
    add_member(out, "summary", event->summary);
    str_add(out, ",\"data\":");
    add_data(event->data, out);
    str_addf(out, ",\"hash\":\"%s\",\"prev_hash\":\"%s\",\"incident\":%lld,\"run\":%lld}", hash, prev_hash,
             (long long)event->incident, (long long)event->run);
}

void journal_head_line(const char *platform, int64_t seq, const uint8_t hash[static SHA256_SIZE],
                       struct str *out)
{
    char hex[SHA256_HEX_SIZE];
    sha256_to_hex(hash, hex);
    str_addf(out, "belay-head %s %lld %s", platform, (long long)seq, hex);
}
