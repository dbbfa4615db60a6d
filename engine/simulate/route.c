#include "engine/simulate/route.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/kubectl.h"

static void answer_json(struct answer *a, int status, cJSON *tree)
{
    char *text = json_print(tree);
    a->status = status;
    a->type = "application/json";
    str_add(&a->body, text);
    free(text);
    cJSON_Delete(tree);
}

static void answer_text(struct answer *a, int status, const char *text)
{
    a->status = status;
    a->type = "text/plain; charset=utf-8";
    str_add(&a->body, text);
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

static char *form_decode(const char *text, size_t length)
{
    struct str out = {0};
    for (size_t i = 0; i < length; i++) {
        bool escaped =
            text[i] == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        if (escaped && (hex_digit(text[i + 1]) || hex_digit(text[i + 2]))) {
            str_add_char(&out, (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            str_add_char(&out, text[i] == '+' ? ' ' : text[i]);
        }
    }
    return str_take(&out);
}

char *form_value(const char *form, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = form; p && *p; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL)
        if (strncmp(p, name, length) == 0 && p[length] == '=')
            return form_decode(p + length + 1, strcspn(p + length + 1, "&"));
    return NULL;
}

/* Qdrant wraps what it says: {"result":...,"status":"ok","time":...}. */
static void answer_store(struct answer *a, bool found, cJSON *result)
{
    cJSON *out = cJSON_CreateObject();
    if (found) {
        cJSON_AddItemToObject(out, "result", result);
        cJSON_AddStringToObject(out, "status", "ok");
    } else {
        cJSON_Delete(result);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(out, "status"), "error",
                                "Not found: Collection doesn't exist!");
    }
    cJSON_AddNumberToObject(out, "time", .0003);
    answer_json(a, found ? 200 : 404, out);
}

/* /collections/NAME[/cluster|/snapshots] */
static void collection_route(struct world *w, const char *rest, struct answer *a)
{
    char name[64];
    size_t length = strcspn(rest, "/");
    if (length >= sizeof name) {
        answer_store(a, false, NULL);
        return;
    }
    memcpy(name, rest, length);
    name[length] = '\0';
    const char *part = rest + length;
    cJSON *result = strcmp(part, "/snapshots") == 0 ? cJSON_CreateArray() : cJSON_CreateObject();
    bool found = strcmp(part, "") == 0             ? shape_collection(w, name, result)
                 : strcmp(part, "/cluster") == 0   ? shape_cluster_info(w, name, result)
                 : strcmp(part, "/snapshots") == 0 ? shape_snapshots(w, name, result)
                                                   : false;
    answer_store(a, found, result);
}

static void ask_route(struct world *w, const struct request *r, struct answer *a)
{
    cJSON *tree = r->body_length > 0 && r->body[0] == '{' ? json_parse(r->body, r->body_length, NULL) : NULL;
    const char *form = tree ? "" : r->body_length > 0 ? r->body : r->query;
    char *question = tree ? xstrdup(json_string(tree, "question", NULL)) : form_value(form, "question");
    char *target = tree ? xstrdup(json_string(tree, "target", NULL)) : form_value(form, "target");
    char *only = tree ? xstrdup(json_string(tree, "only", NULL)) : form_value(form, "only");
    if (question && *question) {
        int status;
        struct question q = {
            .text = question, .target = target, .retrieval = str_eq(only, "retrieval"), .pod = r->pod};
        cJSON *answer = ask_answer(w, &q, &status);
        answer_json(a, status, answer);
    } else
        answer_text(a, 400, "a question is missing: POST {\"question\": \"...\"}\n");
    cJSON_Delete(tree);
    free(question);
    free(target);
    free(only);
}

/* /v1/providerN/models, /v1/providerN/chat/completions */
static bool provider_route(struct world *w, const struct request *r, struct answer *a)
{
    int number;
    char tail[24];
    if (sscanf(r->path, "/v1/provider%1d/%20s", &number, tail) != 2 || number < 1 || number > PROVIDERS)
        return false;
    bool models = strcmp(tail, "models") == 0;
    if (!models && strcmp(tail, "chat/completions") != 0)
        return false;
    if (strcmp(r->method, models ? "GET" : "POST") != 0) {
        answer_text(a, 405, models ? "GET only\n" : "POST only\n");
        return true;
    }
    cJSON *request = models ? NULL : json_parse(r->body, r->body_length, NULL);
    cJSON *answer = provider_answer(w, (enum provider)(number - 1), request, models, a);
    answer_json(a, a->status, answer);
    cJSON_Delete(request);
    return true;
}

/* /providers/NAME/probe: the service asks the provider something cheap, with its own token, and passes the
 * status on. */
static bool probe_route(struct world *w, const struct request *r, struct answer *a)
{
    char name[16];
    int end = 0;
    if (sscanf(r->path, "/providers/%15[a-z]/probe%n", name, &end) != 1 || end == 0 || r->path[end])
        return false;
    enum provider provider = provider_named(name);
    uint64_t draw = (uint64_t)(w->now_us / WORLD_STEP_US) * 0x9e3779b97f4a7c15ULL >> 32;
    int status = provider_status(w, provider, draw, &a->retry_after_s);
    if (provider == PROVIDER_BACKUP && status == 200)
        w->token_us = w->now_us;
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "provider", name);
    cJSON_AddNumberToObject(out, "status", status);
    answer_json(a, status, out);
    return true;
}

/* Documents to index. In safe mode nothing is written. */
static void documents_route(struct world *w, struct answer *a)
{
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "result", w->service.writes ? "accepted" : "refused: read-only");
    answer_json(a, w->service.writes ? 202 : 503, out);
}

/* {"argv":[...],"stdin":"...","token":N} -> {"exit","stdout","stderr","again_ms","token"} */
static void kubectl_route(struct world *w, const struct request *r, struct answer *a)
{
    cJSON *tree = json_parse(r->body, r->body_length, NULL);
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(tree, "argv"), *word;
    if (!cJSON_IsArray(words)) {
        answer_text(a, 400, "argv is missing\n");
        cJSON_Delete(tree);
        return;
    }
    char **argv = NULL;
    strv_add(&argv, "kubectl");
    cJSON_ArrayForEach(word, words) strv_add(&argv, cJSON_IsString(word) ? word->valuestring : "");
    struct kubectl_result result = {0};
    struct kubectl_call call = {.argv = argv,
                                .argc = (int)strv_count(argv),
                                .input = json_string(tree, "stdin", ""),
                                .token_us = (int64_t)json_double(tree, "token", -1)};
    kubectl_run(w, &call, &result);
    cJSON *out = cJSON_CreateObject();
    cJSON_AddNumberToObject(out, "exit", result.exit);
    cJSON_AddStringToObject(out, "stdout", str_text(&result.out));
    cJSON_AddStringToObject(out, "stderr", str_text(&result.err));
    cJSON_AddNumberToObject(out, "again_ms", (double)result.again_ms);
    cJSON_AddNumberToObject(out, "token", (double)result.token_us);
    answer_json(a, 200, out);
    a->acted = true;
    kubectl_result_fini(&result);
    strv_free(argv);
    cJSON_Delete(tree);
}

static const char store_title[] = "{\"title\":\"qdrant - vector search engine\",\"version\":\"1.11.3\"}";
static const char store_cluster[] =
    "{\"result\":{\"status\":\"enabled\",\"peer_id\":1840377193,\"peers\":{\"1840377193\":{\"uri\":\"http://"
    "10.42.0.10:6335/\"},"
    "\"2753109284\":{\"uri\":\"http://10.42.0.11:6335/"
    "\"}},\"raft_info\":{\"term\":7,\"commit\":412,\"pending_operations\":0,"
    "\"leader\":1840377193,\"role\":\"Leader\",\"is_voter\":true},\"consensus_thread_status\":{\"consensus_"
    "thread_status\":"
    "\"working\"},\"message_send_failures\":{}},\"status\":\"ok\",\"time\":0.0001}";

static void route_get(struct world *w, const struct request *r, struct answer *a)
{
    static const struct {
        const char *path;
        cJSON *(*shape)(const struct world *w);
    } shapes[] = {{"/api/v2/alerts", shape_alerts},
                  {"/actuator/circuitbreakers", shape_breakers},
                  {"/jobs", shape_jobs},
                  {"/checkpoints", shape_checkpoints},
                  {"/components", shape_components},
                  {"/mode", shape_mode}};
    const char *path = r->path;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(path, shapes[i].path) == 0) {
            answer_json(a, 200, shapes[i].shape(w));
            return;
        }
    }
    if (strcmp(path, "/metrics") == 0) {
        a->status = 200;
        a->type = "text/plain; version=0.0.4; charset=utf-8";
        exposition_write(w, &a->body);
    } else if (strcmp(path, "/collections") == 0) {
        cJSON *result = cJSON_CreateObject();
        shape_collections(w, result);
        answer_store(a, true, result);
    } else if (str_starts(path, "/collections/")) {
        collection_route(w, path + strlen("/collections/"), a);
    } else if (strcmp(path, "/ask") == 0) {
        ask_route(w, r, a);
    } else if (strcmp(path, "/") == 0 || strcmp(path, "/cluster") == 0) {
        a->status = 200;
        a->type = "application/json";
        str_add(&a->body, path[1] ? store_cluster : store_title);
    } else if (strcmp(path, "/readyz") == 0 || strcmp(path, "/livez") == 0 || strcmp(path, "/healthz") == 0) {
        answer_text(a, 200, "all shards are ready\n");
    } else {
        answer_text(a, 404, "not found\n");
    }
}

void route(struct world *w, const struct request *r, struct answer *a)
{
    bool get = strcmp(r->method, "GET") == 0, post = strcmp(r->method, "POST") == 0;
    if (provider_route(w, r, a) || (get && probe_route(w, r, a)))
        return;
    if (get)
        route_get(w, r, a);
    else if (post && strcmp(r->path, "/ask") == 0)
        ask_route(w, r, a);
    else if (post && strcmp(r->path, "/documents") == 0)
        documents_route(w, a);
    else if (post && strcmp(r->path, "/kubectl") == 0)
        kubectl_route(w, r, a);
    else
        answer_text(a, 404, "not found\n");
}
