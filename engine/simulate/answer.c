/* The retrieval service and its providers: questions in, answers out. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/cluster.h"
#include "engine/simulate/route.h"

struct golden {
    char id[8], question[128], document[64];
    int shard; /* where its document is */
};

/* The nth golden question of the config map; false past the end. Every third one lives on the shard that
 * fails. */
static bool golden_read(const struct world *w, int n, struct golden *g)
{
    const cJSON *map = cluster_find(w->cluster, "ConfigMap", "golden-docs");
    const char *line = json_string(cJSON_GetObjectItemCaseSensitive(map, "data"), "queries", "");
    for (int i = 0; i < n && *line; i++) {
        line = strchr(line, '\n');
        if (!line)
            return false;
        line++;
    }
    if (sscanf(line, "%7[^|\n]|%127[^|\n]|%63[^|\n]", g->id, g->question, g->document) != 3)
        return false;
    int shards = w->collections[0].shard_count, shard = n % shards;
    if (shard == w->fault_shard)
        shard = (shard + 1) % shards;
    g->shard = n % 3 == 1 ? w->fault_shard : shard;
    return true;
}

static bool golden_find(const struct world *w, const char *question, struct golden *g)
{
    for (int n = 0; golden_read(w, n, g); n++)
        if (strcmp(g->question, question) == 0)
            return true;
    return false;
}

static bool retrieved(const struct world *w, const struct golden *g, const char *target)
{
    char shard[64];
    snprintf(shard, sizeof shard, "docs-shard-%d-", g->shard);
    bool meant = target && strstr(target, shard);
    double share = world_shard_answers(w, "docs", g->shard, meant ? target : NULL);
    uint64_t draw =
        checksum64(g->id, strlen(g->id)) ^ (uint64_t)(w->now_us / WORLD_STEP_US) * 0x9e3779b97f4a7c15ULL;
    return share >= 1 || (double)(draw % 1000) < share * 1000;
}

static void citation_add(cJSON *citations, const char *document, int shard)
{
    cJSON *citation = cJSON_CreateObject();
    char name[32];
    snprintf(name, sizeof name, "docs/shard-%d", shard);
    cJSON_AddStringToObject(citation, "document", document);
    cJSON_AddStringToObject(citation, "shard", name);
    cJSON_AddItemToArray(citations, citation);
}

static const char nothing_found[] = "I could not find anything about that in the documents.";
static const char refusal[] = "I can't answer that safely right now. Please try again later.";

static cJSON *answer_make(const char *question, const char *source)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "question", question);
    cJSON_AddStringToObject(out, "source", source);
    return out;
}

static void answer_fill(cJSON *out, const struct golden *g, const char *document)
{
    char text[256];
    snprintf(text, sizeof text, "According to %s, yes: it is described there in full.", document);
    cJSON_AddStringToObject(out, "answer", g ? text : nothing_found);
    cJSON *citations = cJSON_AddArrayToObject(out, "citations");
    if (g)
        citation_add(citations, document, g->shard);
}

/* Without a provider: what is known by heart, and a refusal for all else. */
static cJSON *answer_cached(const char *question, const struct golden *g)
{
    cJSON *out = answer_make(question, g ? "cache" : "refusal");
    if (g) {
        answer_fill(out, g, g->document);
        return out;
    }
    cJSON_AddStringToObject(out, "answer", refusal);
    cJSON_AddBoolToObject(out, "refused", true);
    cJSON_AddArrayToObject(out, "citations");
    return out;
}

static cJSON *answer_error(int *status, int code, const char *text)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "error", text);
    *status = code;
    return out;
}

/* A question goes to the same provider as long as the shares stay as they are. */
static bool goes_to_primary(const struct settings *s, const char *question)
{
    return (double)(checksum64(question, strlen(question)) >> 16 & 0xffff) / 65536 < s->primary;
}

static cJSON *answer_live(const struct world *w, const struct question *q, const struct golden *g,
                          const struct settings *s, int *status)
{
    bool primary = goes_to_primary(s, q->text);
    enum provider provider = primary ? PROVIDER_PRIMARY : PROVIDER_BACKUP;
    uint64_t draw = checksum64(q->text, strlen(q->text)) ^ (uint64_t)(w->now_us / WORLD_STEP_US);
    int retry_after_s, code = provider_status(w, provider, draw, &retry_after_s);
    char text[64];
    snprintf(text, sizeof text, "provider %s answered %d", primary ? "primary" : "backup", code);
    if (code != 200)
        return answer_error(status, 502, text);
    cJSON *out = answer_make(q->text, "live");
    bool found = g && retrieved(w, g, NULL), worse = primary && w->regression == REGRESSION_ON;
    cJSON_AddStringToObject(out, "model", provider_model(provider));
    answer_fill(out, found ? g : NULL, worse && found ? "guide/general-1" : found ? g->document : "");
    return out;
}

cJSON *ask_answer(const struct world *w, const struct question *q, int *status)
{
    struct golden g;
    const struct golden *known = golden_find(w, q->text, &g) ? &g : NULL;
    const cJSON *pod = q->pod ? q->pod : service_pod(w, (uint64_t)(w->now_us / WORLD_STEP_US));
    struct settings s;
    cJSON *out;
    *status = 200;
    service_settings(pod, &s);
    if (!pod) {
        out = answer_error(status, 503, "no pod of rag-api is ready");
    } else if (q->retrieval || (q->target && *q->target)) {
        out = answer_make(q->text, "retrieval");
        bool found = known && retrieved(w, known, q->target);
        answer_fill(out, found ? known : NULL, found ? known->document : "");
    } else if (s.safe || (s.cached && !goes_to_primary(&s, q->text))) {
        out = answer_cached(q->text, known);
    } else if (!w->service.behind) {
        out = answer_error(status, 503, "the retriever or the generator can't be reached");
    } else {
        out = answer_live(w, q, known, &s, status);
    }
    cJSON_AddNumberToObject(out, "took_ms", (double)(int)(w->p95_s * 400));
    return out;
}

/* ---- Providers ---- */

static cJSON *provider_refusal(int status)
{
    static const struct {
        int status;
        const char *type, *message;
    } texts[] = {{401, "invalid_api_key", "Incorrect API key provided."},
                 {404, "not_found", "No such provider is configured."},
                 {429, "rate_limit_exceeded", "Rate limit reached, please retry later."},
                 {503, "server_error", "The server is overloaded or not ready yet."}};
    cJSON *out = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(out, "error");
    size_t i = 0;
    while (i + 1 < sizeof texts / sizeof *texts && texts[i].status != status)
        i++;
    cJSON_AddStringToObject(error, "message", texts[i].message);
    cJSON_AddStringToObject(error, "type", texts[i].type);
    return out;
}

static cJSON *models_list(enum provider provider)
{
    cJSON *out = cJSON_CreateObject(), *model = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "object", "list");
    cJSON_AddStringToObject(model, "id", provider_model(provider));
    cJSON_AddStringToObject(model, "object", "model");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(out, "data"), model);
    return out;
}

static cJSON *completion(const struct world *w, enum provider provider, const cJSON *request)
{
    cJSON *out = cJSON_CreateObject();
    char id[48];
    snprintf(id, sizeof id, "chatcmpl-%d-%lld", (int)provider + 1, (long long)(w->now_us / WORLD_STEP_US));
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddStringToObject(out, "object", "chat.completion");
    cJSON_AddNumberToObject(out, "created", (double)(world_wall_us(w, w->now_us) / US_PER_S));
    cJSON_AddStringToObject(out, "model", json_string(request, "model", provider_model(provider)));
    cJSON *choice = cJSON_CreateObject();
    cJSON_AddNumberToObject(choice, "index", 0);
    cJSON *message = cJSON_AddObjectToObject(choice, "message");
    cJSON_AddStringToObject(message, "role", "assistant");
    cJSON_AddStringToObject(message, "content", "ok");
    cJSON_AddStringToObject(choice, "finish_reason", "stop");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(out, "choices"), choice);
    cJSON *usage = cJSON_AddObjectToObject(out, "usage");
    cJSON_AddNumberToObject(usage, "prompt_tokens", 8);
    cJSON_AddNumberToObject(usage, "completion_tokens", 1);
    cJSON_AddNumberToObject(usage, "total_tokens", 9);
    return out;
}

cJSON *provider_answer(const struct world *w, enum provider provider, const cJSON *request, bool models,
                       struct answer *a)
{
    uint64_t draw = (uint64_t)(w->now_us / WORLD_STEP_US) * 0x9e3779b97f4a7c15ULL >> 32;
    a->status = provider_status(w, provider, draw, &a->retry_after_s);
    if (a->status != 200)
        return provider_refusal(a->status);
    if (models)
        return models_list(provider);
    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(request, "messages")))
        return completion(w, provider, request);
    cJSON *out = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(out, "error");
    cJSON_AddStringToObject(error, "message", "messages is required");
    cJSON_AddStringToObject(error, "type", "invalid_request_error");
    a->status = 400;
    return out;
}
