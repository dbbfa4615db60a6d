/* room: sources
 * A mapping and an answer from the same bytes: a YAML mapping, a line "---", the body. First byte: the form.
 * Whatever it is, it is refused with a reason or gives observations within their bounds, twice (the second
 * time there is a memory), and nothing that the mapping does not list is ok. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/sources/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct mapped *out)
{
    require(out->observations.len <= MAPPING_ROW_LIMIT);
    for (size_t i = 0; i < out->observations.len; i++) {
        const struct observation *o = &out->observations.data[i];
        require(o->name && *o->name && o->kind < ENTITY_KIND_COUNT && o->condition < CONDITION_COUNT);
        require(o->measure_count <= PLATFORM_MEASURE_LIMIT + 2 &&
                o->attribute_count <= PLATFORM_ATTRIBUTE_LIMIT);
        require(o->snippet_length <= PLATFORM_SNIPPET_LIMIT);
        condition_derive(o);
    }
}

static void apply(const struct mapping *m, struct mapping_memory *memory, enum answer_form form,
                  const char *body, size_t length, int64_t now_us)
{
    struct answer a = {.format = EXPOSITION_TEXT,
                       .status = 200,
                       .now_us = now_us,
                       .wall_us = 1795320000LL * US_PER_S + now_us};
    struct mapped out = {0};
    struct err e = {0};
    str_add_bytes(&a.body, body, length);
    if (answer_read(&a, mapping_form(m) == FORM_NONE ? FORM_NONE : form, mapping_metrics(m), &e) == 0) {
        if (mapping_apply(m, memory, &a, &out, &e) == 0)
            check(&out);
        else
            require(e.code < 0 && e.msg[0]);
        mapped_fini(&out);
    }
    answer_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char vars_text[] = "{\"a\":\"1\",\"b\":\"/x\",\"c\":\"\"}";
    if (length < 2)
        return 0;
    enum answer_form form = bytes[0] & 8 ? FORM_CSV : bytes[0] & 1 ? FORM_EXPOSITION : FORM_JSON;
    const char *yaml = (const char *)bytes + 1, *split = memmem(yaml, length - 1, "\n---\n", 5);
    size_t yaml_length = split ? (size_t)(split - yaml) + 1 : length - 1;
    struct err e = {0};
    cJSON *tree = yaml_parse(yaml, yaml_length, "fuzz", 0, &e);
    if (!tree)
        return 0;
    cJSON *vars = json_parse(vars_text, sizeof vars_text - 1, &e);
    struct mapping_part part = {tree, "fuzz"};
    struct mapping *m = mapping_compile(&(struct mapping_options){.parts = &part,
                                                                  .part_count = 1,
                                                                  .vars = vars,
                                                                  .form = form,
                                                                  .keys = bytes[0] & 2,
                                                                  .expected = bytes[0] & 4 ? 2 : -1},
                                        NULL, &e);
    if (m) {
        struct mapping_memory *memory = mapping_memory_new(m);
        const char *body = split ? split + 5 : "";
        size_t body_length = split ? length - 1 - (size_t)(body - yaml) : 0;
        apply(m, memory, form, body, body_length, US_PER_S);
        apply(m, memory, form, body, body_length, 11 * US_PER_S);
        mapping_memory_free(memory);
        mapping_free(m);
    } else {
        require(e.code < 0 && e.msg[0]);
    }
    cJSON_Delete(vars);
    cJSON_Delete(tree);
    return 0;
}
