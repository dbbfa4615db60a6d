/* room: targets */
/* Answers of whoever a chain asks, and what is made of a question: any bytes give an answer or a failure with
 * one clean line, and a body that is JSON stays JSON. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_answer(const struct config_tier *tier, const char *bytes, size_t size)
{
    struct str out = {0};
    struct failure f;
    double cost;
    ask_take(tier, bytes, size, &out, &cost, &f);
    must(f.class != FAILURE_NONE || tier->asking == CONFIG_ASK_HTTP || out.len > 1);
    must(!(cost < 0) && !isinf(cost));
    must(utf8_valid(f.text, strlen(f.text), NULL));
    for (const char *p = f.text; *p; p++)
        must((unsigned char)*p >= 0x20 && *p != 0x7F);
    str_fini(&out);
}

static void check_question(const struct config_tier *tier, const char *bytes, size_t size)
{
    struct ask_question q = {.input = bytes, .length = size, .id = "7"};
    struct str body = {0};
    struct err e = {0};
    if (ask_body(tier, &q, &body, &e) == 0) {
        cJSON *root = json_parse(str_text(&body), body.len, &e);
        must(root != NULL);
        cJSON_Delete(root);
    } else {
        must(e.msg[0]);
    }
    str_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char model[] = "m", take[] = "/a/0", body[] = "{\"q\":{input_json},\"id\":{id}}",
         *bytes = xmalloc(size + 1);
    struct config_tier chat = {.asking = CONFIG_ASK_CHAT,
                               .model = model,
                               .temperature_milli = -1,
                               .price_in_micro = 2500000,
                               .price_out_micro = 10000000};
    struct config_tier part = {.asking = CONFIG_ASK_HTTP, .take = take, .body = body};
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    check_answer(&chat, bytes, size);
    check_answer(&part, bytes, size);
    check_question(&part, bytes, size);
    if (size < 2 || (bytes[0] != '[' &&
                     bytes[0] != '{')) /* own messages may be as deep as JSON goes, and then one more */
        check_question(&chat, bytes, size);
    struct str url = {0};
    ask_expand(bytes, &(struct ask_question){.input = bytes, .length = size}, true, &url);
    str_fini(&url);
    free(bytes);
    return 0;
}
