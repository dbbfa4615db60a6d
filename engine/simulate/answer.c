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

static bool answers(const struct world *w, const struct golden *g, const char *target)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "docs-shard-%d-", g->shard);
    bool meant = target && str_starts(target, prefix);
    double share = world_shard_answers(w, "docs", g->shard, meant ? target : NULL);
    uint64_t draw =
        checksum64(g->id, strlen(g->id)) ^ (uint64_t)(w->now_us / WORLD_STEP_US) * 0x9e3779b97f4a7c15ULL;
    return share >= 1 || (double)(draw % 1000) < share * 1000;
}

cJSON *ask_answer(const struct world *w, const char *question, const char *target)
{
    cJSON *out = cJSON_CreateObject();
    struct golden g;
    bool found = false;
    for (int n = 0; !found && golden_read(w, n, &g); n++)
        found = strcmp(g.question, question) == 0 && answers(w, &g, target);
    char text[256] = "I could not find anything about that in the documents.";
    if (found)
        snprintf(text, sizeof text, "According to %s, yes: it is described there in full.", g.document);
    cJSON_AddStringToObject(out, "question", question);
    cJSON_AddStringToObject(out, "answer", text);
    cJSON *citations = cJSON_AddArrayToObject(out, "citations");
    if (found) {
        cJSON *citation = cJSON_CreateObject();
        char shard[32];
        snprintf(shard, sizeof shard, "docs/shard-%d", g.shard);
        cJSON_AddStringToObject(citation, "document", g.document);
        cJSON_AddStringToObject(citation, "shard", shard);
        cJSON_AddItemToArray(citations, citation);
    }
    cJSON_AddNumberToObject(out, "took_ms", (double)(int)(w->p95_s * 400));
    return out;
}

cJSON *provider_answer(const struct world *w, int number, const cJSON *request)
{
    static const char *const models[] = {"gpt-4", "claude", "local"};
    cJSON *out = cJSON_CreateObject();
    char id[48];
    snprintf(id, sizeof id, "chatcmpl-%d-%lld", number, (long long)(w->now_us / WORLD_STEP_US));
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddStringToObject(out, "object", "chat.completion");
    cJSON_AddNumberToObject(out, "created", (double)(world_wall_us(w, w->now_us) / US_PER_S));
    cJSON_AddStringToObject(out, "model", json_string(request, "model", models[number - 1]));
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
