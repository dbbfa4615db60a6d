#include "engine/journal/imported.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMBER "\"imported\":{"

/* Up to the brace that closes the object; 0 when it is none. */
static size_t body_length(const char *data)
{
    size_t length = strlen(data);
    return length > 1 && data[0] == '{' && data[length - 1] == '}' ? length - 1 : 0;
}

static void member_add(struct str *out, bool first, const char *id, const struct event *event)
{
    char hash[SHA256_HEX_SIZE];
    sha256_to_hex(event->hash, hash);
    str_addf(out, "%s" MEMBER "\"id\":\"%s\",\"seq\":%lld,\"incident\":%lld,\"run\":%lld,\"kind\":",
             first ? "" : ",", id, (long long)event->seq, (long long)event->incident, (long long)event->run);
    json_quote(out, event->kind_name);
    str_add(out, ",\"subject\":");
    json_quote(out, event->subject);
    str_addf(out, ",\"hash\":\"%s\"}}", hash);
}

char *imported_data(const char *id, const struct event *event)
{
    struct str out = {0};
    size_t length = body_length(event->data);
    if (length == 0)
        return NULL;
    str_add_bytes(&out, event->data, length);
    member_add(&out, length == 1, id, event);
    return str_take(&out);
}

bool event_imported(const struct event *event)
{
    struct imported imported;
    bool is = imported_read(event->data, &imported, NULL) == 1;
    imported_fini(&imported);
    return is;
}

void imported_fini(struct imported *imported)
{
    free(imported->kind);
    free(imported->subject);
    *imported = (struct imported){0};
}

int imported_read(const char *data, struct imported *imported, struct err *e)
{
    *imported = (struct imported){0};
    if (!strstr(data, MEMBER))
        return 0;
    cJSON *tree = json_parse(data, strlen(data), NULL);
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(tree, "imported");
    uint8_t hash[SHA256_SIZE];
    int code = cJSON_IsObject(member) ? 1 : 0;
    const char *id = json_string(member, "id", ""), *own = json_string(member, "hash", "");
    if (code == 1 && (sha256_from_hex(id, hash, NULL) < 0 || sha256_from_hex(own, hash, NULL) < 0))
        code = err_set(e, ERR_CORRUPT, "what it says of its import is damaged");
    if (code == 1) {
        snprintf(imported->id, sizeof imported->id, "%s", id);
        snprintf(imported->hash, sizeof imported->hash, "%s", own);
        imported->seq = json_int(member, "seq", 0);
        imported->incident = json_int(member, "incident", 0);
        imported->run = json_int(member, "run", 0);
        imported->kind = xstrdup(json_string(member, "kind", ""));
        imported->subject = xstrdup(json_string(member, "subject", ""));
    }
    cJSON_Delete(tree);
    return code;
}

/* ---- verifying ---- */

/* An import is one transaction: its events stand together, behind the journal.imported that names the
 * emergency chain's two ends. */
struct imports {
    char id[SHA256_HEX_SIZE];  /* of the import that goes on here; "" none */
    int64_t seq, head_seq;     /* its newest event met, and the last one that there is */
    uint8_t hash[SHA256_SIZE]; /* of that newest */
    char head[SHA256_HEX_SIZE];
    struct map *done; /* ids */
    bool copies;      /* an emergency journal's beginning: of events that were imported once, too */
};

struct imports *imports_new(void)
{
    struct imports *imports = xcalloc(1, sizeof *imports);
    imports->done = map_new();
    return imports;
}

void imports_free(struct imports *imports)
{
    if (imports)
        map_free(imports->done);
    free(imports);
}

static int missing(const struct imports *m, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "event %lld of the emergency journal %.12s is missing here",
                   (long long)m->seq + 1, m->id);
}

/* The last one is there: is it what journal.imported says? */
static int finish(struct imports *m, struct err *e)
{
    char hex[SHA256_HEX_SIZE];
    if (m->seq < m->head_seq)
        return 0;
    sha256_to_hex(m->hash, hex);
    int code =
        m->seq == m->head_seq && str_eq(hex, m->head)
            ? 0
            : err_set(e, ERR_CORRUPT, "it does not end the emergency journal %.12s as was imported", m->id);
    m->id[0] = '\0';
    return code;
}

static int begin(struct imports *m, const struct event *event, struct err *e)
{
    cJSON *tree = json_parse(event->data, strlen(event->data), NULL);
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(tree, "head");
    snprintf(m->id, sizeof m->id, "%s", json_string(tree, "id", ""));
    snprintf(m->head, sizeof m->head, "%s", json_string(head, "hash", ""));
    m->seq = json_int(tree, "ready", 0);
    m->head_seq = json_int(head, "seq", 0);
    int code = sha256_from_hex(m->id, m->hash, NULL);
    if (code < 0 || map_has(m->done, m->id) || !str_eq(m->id, event->subject)) {
        code = err_set(e, ERR_CORRUPT, "an import that begins here can't be told from others");
        m->id[0] = '\0';
    } else {
        map_set(m->done, m->id, m);
        code = finish(m, e);
    }
    cJSON_Delete(tree);
    return code;
}

/* The event as it stood in the emergency journal. */
static int check(struct imports *m, const struct event *event, const struct imported *imported, struct err *e)
{
    char *end = strstr(event->data, MEMBER), hex[SHA256_HEX_SIZE];
    for (char *later = end; later; later = strstr(later + 1, MEMBER))
        end = later;
    size_t length = (size_t)(end - event->data);
    length -= length > 1 && event->data[length - 1] == ',';
    char *data = xasprintf("%.*s}", (int)length, event->data);
    struct event was = *event;
    was.seq = imported->seq;
    was.incident = imported->incident;
    was.run = imported->run;
    was.kind_name = imported->kind;
    was.subject = imported->subject;
    was.data = data;
    memcpy(was.prev_hash, m->hash, SHA256_SIZE);
    event_hash(&was, m->hash);
    sha256_to_hex(m->hash, hex);
    free(data);
    if (imported->seq != m->seq + 1)
        return missing(m, e);
    m->seq++;
    if (!str_eq(hex, imported->hash))
        return err_set(e, ERR_CORRUPT, "it is not what the emergency journal %.12s had as event %lld",
                       imported->id, (long long)imported->seq);
    return finish(m, e);
}

int imports_check(struct imports *m, const struct event *event, struct err *e)
{
    struct imported imported = {0};
    if (event->kind == EVENT_JOURNAL_EMERGENCY && (str_eq(event->outcome, "begun") || m->copies))
        m->copies = !str_eq(event->outcome, "ready");
    if (m->copies)
        return 0;
    bool begins = event->kind == EVENT_JOURNAL_IMPORTED && str_eq(event->outcome, "ok");
    int code = begins ? 0 : imported_read(event->data, &imported, e);
    if (code < 0)
        return code;
    bool inside = m->id[0] != '\0', belongs = code == 1 && inside && str_eq(imported.id, m->id);
    if (belongs)
        code = check(m, event, &imported, e);
    else if (inside)
        code = missing(m, e);
    else if (code == 1)
        code =
            err_set(e, ERR_CORRUPT, "no import of the emergency journal %.12s stands before it", imported.id);
    else if (begins)
        code = begin(m, event, e);
    imported_fini(&imported);
    return code;
}

int imports_end(const struct imports *m, struct err *e)
{
    return m->id[0] ? missing(m, e) : 0;
}
