#include "engine/simulate/jsonpath.h"
#include "tests/unit/simulate/rig.h"

static const char document[] =
    "{\"kind\":\"List\",\"items\":["
    "{\"name\":\"a\",\"n\":1,\"tags\":[\"x\",\"y\"],\"labels\":{\"app.io/"
    "name\":\"one\"},\"conditions\":[{\"type\":\"Ready\",\"status\":"
    "\"True\"},{\"type\":\"Live\",\"status\":\"False\"}]},"
    "{\"name\":\"b\",\"n\":2.5,\"tags\":[],\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]}]}";

static const struct {
    const char *template, *text; /* NULL: refused */
} rows[] = {
    {"{.kind}", "List"},
    {"{$.kind}", "List"},
    {"kind: {.kind}!", "kind: List!"},
    {"{.items[*].name}", "a b"},
    {"{.items[0].name}", "a"},
    {"{.items[-1].name}", "b"},
    {"{.items[-1:].name}", "b"},
    {"{.items[7].name}", ""},
    {"{.items[*].n}", "1 2.5"},
    {"{.items[0].tags}", "[\"x\",\"y\"]"},
    {"{.items[0].tags[1]}", "y"},
    {"{.items[0].labels.app\\.io/name}", "one"},
    {"{.items[0].labels['app.io/name']}", "one"},
    {"{.items[*].conditions[?(@.type==\"Ready\")].status}", "True False"},
    {"{.items[*].conditions[?(@.type!='Ready')].status}", "False"},
    {"{range .items[*]}{.name}={.n}{\"\\n\"}{end}", "a=1\nb=2.5\n"},
    {"{range .items[*]}{range .tags[*]}<{@}>{end};{end}", "<x><y>;;"},
    {"{range .nothing[*]}{.name}{end}.", "."},
    {"{.items[0].name}{'\\t'}{.items[1].name}", "a\tb"},
    {"{.items[0]['name','n']}", NULL},
    {"{.nothing.at.all}", ""},
    {"plain", "plain"},
    {"", ""},
    {"{.items[*", NULL},
    {"{.items[*]", NULL},
    {"{.items[x]}", NULL},
    {"{.items[?(@.a)]}", NULL},
    {"{.items[?(@.a==\"b)]}", NULL},
    {"{range .items[*]}{.name}", NULL},
    {"{end}", NULL},
    {"{'open}", NULL},
    {"{..name}", NULL},
};

static void test_table(void **state)
{
    (void)state;
    cJSON *root = json_parse(document, strlen(document), NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str out = {0};
        struct err e;
        int code = jsonpath_write(root, rows[i].template, &out, &e);
        if ((code == 0) != (rows[i].text != NULL) || (code == 0 && strcmp(str_text(&out), rows[i].text) != 0))
            fail_msg("%s: %d \"%s\", wanted %s", rows[i].template, code, str_text(&out),
                     rows[i].text ? rows[i].text : "(refused)");
        str_fini(&out);
    }
    cJSON_Delete(root);
}

static void test_noise(void **state)
{
    (void)state;
    static const char letters[] = "{}[]().*@$?='\"\\ abitems:-0";
    struct rng rng;
    rng_seed(&rng, 5);
    cJSON *root = json_parse(document, strlen(document), NULL);
    for (int round = 0; round < 200000; round++) {
        char template[24];
        size_t length = rng_below(&rng, sizeof template - 1);
        for (size_t i = 0; i < length; i++)
            template[i] = letters[rng_below(&rng, sizeof letters - 1)];
        template[length] = '\0';
        struct str out = {0};
        jsonpath_write(root, template, &out, NULL);
        str_fini(&out);
    }
    struct str deep = {0}, out = {0};
    for (int i = 0; i < 5000; i++)
        str_add(&deep, "{range .items[*]}");
    assert_true(jsonpath_write(root, str_text(&deep), &out, NULL) < 0);
    str_fini(&deep);
    str_fini(&out);
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
