/* What is served has the shape of what the real systems serve. */
#include "tests/unit/simulate/rig.h"

/* Everything that the sample has, ours has too, and of the same type; elements of lists are compared with the
 * sample's first. */
static void same_shape(const cJSON *sample, const cJSON *ours, const char *where)
{
    bool numbers = cJSON_IsNumber(sample) && cJSON_IsNumber(ours),
         bools = cJSON_IsBool(sample) && cJSON_IsBool(ours);
    if (!ours || (!numbers && !bools && (sample->type & 0xff) != (ours->type & 0xff)))
        fail_msg("%s is missing or of another type", where);
    const cJSON *member;
    if (cJSON_IsArray(sample)) {
        cJSON_ArrayForEach(member, ours) if (sample->child) same_shape(sample->child, member, where);
    } else {
        cJSON_ArrayForEach(member, sample)
        {
            char *place = xasprintf("%s/%s", where, member->string);
            same_shape(member, cJSON_GetObjectItemCaseSensitive(ours, member->string), place);
            free(place);
        }
    }
}

static void expect_shape(struct world *w, const char *path, const char *pointer, const char *sample)
{
    struct err e;
    cJSON *tree = rig_get(w, path), *wanted = json_parse(sample, strlen(sample), &e);
    if (!wanted)
        fail_msg("the sample for %s: %s", path, e.msg);
    same_shape(wanted, json_at(tree, pointer), path);
    cJSON_Delete(tree);
    cJSON_Delete(wanted);
}

/* An answer of Alertmanager 0.25. */
static const char alertmanager[] =
    "[{\"annotations\":{\"summary\":\"target is "
    "down\"},\"endsAt\":\"2026-11-22T04:02:20.709Z\",\"fingerprint\":\"9046aa367bed8ed1\","
    "\"receivers\":[{\"name\":\"hook\"}],\"startsAt\":\"2026-11-22T03:58:20.709Z\",\"status\":{"
    "\"inhibitedBy\":[],\"silencedBy\":[],"
    "\"state\":\"active\"},\"updatedAt\":\"2026-11-22T03:58:20.712Z\",\"generatorURL\":\"http://vm:29090/"
    "graph\",\"labels\":{"
    "\"alertname\":\"TargetDown\",\"component\":\"vectorstore\",\"severity\":\"critical\"}}]";
/* A checkpoint as batch jobs store it. */
static const char checkpoint[] = "{\"checkpoint_id\":\"chk_30000\",\"run_id\":\"run_sc05\",\"last_processed_"
                                 "index\":30000,\"context\":{\"records_processed\":30000,"
                                 "\"transformations_applied\":28453,\"quality_score\":0.85,\"state\":{"
                                 "\"current_batch\":300,\"failed_records\":[],"
                                 "\"avg_processing_time_ms\":85.3}},\"timestamp\":\"2026-01-01T16:00:52."
                                 "123Z\",\"metadata\":{\"agent_id\":\"a\","
                                 "\"total_tokens_used\":1245678,\"total_cost_usd\":3.74}}";
/* Qdrant's OpenAPI: CollectionClusterInfo. */
static const char cluster_info[] =
    "{\"peer_id\":1,\"shard_count\":1,\"local_shards\":[{\"shard_id\":0,\"points_count\":1,\"state\":"
    "\"Active\"}],\"remote_shards\":[{"
    "\"shard_id\":0,\"peer_id\":2,\"state\":\"Active\"}],\"shard_transfers\":[]}";
static const char actuator[] = "{\"failureRate\":\"0.0%\",\"slowCallRate\":\"0.0%\",\"failureRateThreshold\":"
                               "\"50.0%\",\"slowCallRateThreshold\":\"100.0%\","
                               "\"bufferedCalls\":1,\"failedCalls\":0,\"slowCalls\":0,\"slowFailedCalls\":0,"
                               "\"notPermittedCalls\":0,\"state\":\"CLOSED\"}";

static void test_shapes(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    for (int round = 0; round < 2; round++) {
        expect_shape(w, "/api/v2/alerts", "", alertmanager);
        expect_shape(w, "/collections/docs/cluster", "/result", cluster_info);
        expect_shape(w, "/collections", "/result", "{\"collections\":[{\"name\":\"docs\"}]}");
        expect_shape(w, "/collections/docs", "/result",
                     "{\"status\":\"green\",\"points_count\":1,\"segments_count\":1,\"config\":{}}");
        expect_shape(w, "/collections/docs/snapshots", "/result",
                     "[{\"name\":\"x\",\"creation_time\":\"2026-11-22T00:00:00\",\"size\":1}]");
        expect_shape(w, "/cluster", "/result",
                     "{\"status\":\"enabled\",\"peer_id\":1,\"raft_info\":{\"leader\":1}}");
        expect_shape(w, "/actuator/circuitbreakers", "/circuitBreakers/retriever", actuator);
        expect_shape(w, "/components", "",
                     "{\"components\":[{\"name\":\"x\",\"ready\":1,\"replicas\":1,\"restarts\":0}]}");
        cJSON *store = rig_get(w, "/checkpoints"), *wanted = json_parse(checkpoint, strlen(checkpoint), NULL);
        assert_true(str_starts(store->child->string, "checkpoint:run_sc05:chk_"));
        same_shape(wanted, store->child, "/checkpoints");
        cJSON_Delete(store);
        cJSON_Delete(wanted);
        rig_pass(w, 30); /* and with alerts */
    }
    cJSON *alerts = rig_get(w, "/api/v2/alerts");
    assert_true(cJSON_GetArraySize(alerts) >= 3);
    int64_t starts_us;
    assert_int_equal(clock_parse(json_string(alerts->child, "startsAt", ""), &starts_us, NULL), 0);
    assert_true(starts_us > WALL_ZERO && starts_us < WALL_ZERO + 30 * US_PER_S);
    cJSON_Delete(alerts);
    world_free(w);
}

/* Each line of the exposition is a comment or `name{labels} value`; counters never fall; one breaker state
 * is 1. */
static void test_exposition(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    struct map *last = map_new();
    for (int round = 0; round < 60; round++) {
        struct str text = {0};
        exposition_write(w, &text);
        assert_true(text.len > 0 && text.data[text.len - 1] == '\n');
        double ones = 0;
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
            char *value = strrchr(line, ' ');
            double number;
            if (*line == '#')
                continue;
            assert_non_null(value);
            *value++ = '\0';
            if (!number_parse(value, &number))
                fail_msg("%s has the value %s", line, value);
            ones += str_starts(line, "resilience4j_circuitbreaker_state") ? number : 0;
            bool counter = strstr(line, "_total") || strstr(line, "_count{") || strstr(line, "_bucket");
            double *before = map_get(last, line);
            if (before && counter && number < *before)
                fail_msg("%s fell from %g to %g", line, *before, number);
            if (!before)
                map_set(last, line, before = xmalloc(sizeof *before));
            *before = number;
        }
        assert_true(ones == WORLD_BREAKERS);
        str_fini(&text);
        rig_pass(w, 2);
    }
    const char *key;
    void *value;
    for (size_t i = 0; map_next(last, &i, &key, &value);)
        free(value);
    map_free(last);
    world_free(w);
}

static bool cited(struct world *w, const char *body)
{
    struct answer a = rig_http(w, "POST", "/ask", body);
    cJSON *tree = json_parse(str_text(&a.body), a.body.len, NULL);
    bool found = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "citations")) > 0;
    assert_int_equal(a.status, 200);
    cJSON_Delete(tree);
    str_fini(&a.body);
    return found;
}

static void test_questions(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    const char *of_shard_5 = "{\"question\":\"Which regions keep data inside the EU?\"}";
    assert_true(cited(w, of_shard_5));
    assert_true(cited(w, "question=What+is+the+upload+limit%3F"));
    assert_false(cited(w, "question=Why"));
    rig_pass(w, 15);
    assert_false(cited(w, of_shard_5));
    assert_true(cited(w, "question=How%20long%20is%20a%20refund%20pending%3F&target=docs-shard-5-0"));
    assert_true(
        cited(w, "{\"question\":\"Which regions keep data inside the EU?\",\"target\":\"docs-shard-5-1\"}"));
    assert_false(
        cited(w, "{\"question\":\"Which regions keep data inside the EU?\",\"target\":\"docs-shard-5-9\"}"));
    struct answer a = rig_http(w, "POST", "/ask", "{}");
    assert_int_equal(a.status, 400);
    str_fini(&a.body);
    world_free(w);
}

static void test_providers(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    static const char question[] =
        "{\"model\":\"gpt-4\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    static const struct {
        const char *method, *path, *body;
        int status;
    } calls[] = {
        {"POST", "/v1/provider1/chat/completions", question, 200},
        {"POST", "/v1/provider3/chat/completions", question, 200},
        {"POST", "/v1/provider4/chat/completions", question, 404},
        {"POST", "/v1/provider1/chat/completions", "{}", 400},
        {"POST", "/v1/provider1/chat/completions", "{", 400},
        {"GET", "/v1/provider1/chat/completions", NULL, 405},
        {"GET", "/nowhere", NULL, 404},
        {"PUT", "/ask", "{}", 404},
        {"GET", "/collections/none/cluster", NULL, 404},
        {"GET", "/collections/docs/none", NULL, 404},
        {"POST", "/kubectl", "{}", 400},
        {"POST", "/kubectl", "[", 400},
        {"GET", "/readyz", NULL, 200},
        {"GET", "/", NULL, 200},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct answer a = rig_http(w, calls[i].method, calls[i].path, calls[i].body);
        if (a.status != calls[i].status)
            fail_msg("%s %s %s: %d", calls[i].method, calls[i].path, calls[i].body ? calls[i].body : "",
                     a.status);
        str_fini(&a.body);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_exposition),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_providers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
