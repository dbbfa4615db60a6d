/* Links and logs of an entity: for whom they are, and what their variables become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/engine.h"

static struct config *configured(const char *text)
{
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/", NULL, &e);
    if (!c)
        fail_msg("%s", e.msg);
    return c;
}

static struct attribute attributes[] = {{.name = "pod", .value = "store-5"},
                                        {.name = "evil", .value = "a;rm -rf /"},
                                        {.name = "option", .value = "--all"},
                                        {.name = "odd", .value = "a b/c&d=\xc3\xa4"}};

static struct entity shard(void)
{
    return (struct entity){.kind = ENTITY_SHARD,
                           .source = "store",
                           .name = "docs/shard-5",
                           .group = "docs",
                           .raw = "Dead",
                           .reason = "",
                           .attributes = attributes,
                           .attribute_count = 4};
}

static void addresses(void **state)
{
    (void)state;
    struct config *c =
        configured("links:\n"
                   "  - {title: One, url: \"https://g/{kind}/{name}?p={pod}\"}\n"
                   "  - {title: Breakers only, kind: breaker, url: \"https://g/b\"}\n"
                   "  - {title: Two, kind: shard, name: \"docs/*\", url: \"https://g/{odd}\"}\n"
                   "  - {title: Other shards, name: \"chunks/*\", url: \"https://g/c\"}\n"
                   "  - {title: Lacks it, url: \"https://g/{nothing}\"}\n"
                   "  - {title: Braces, url: \"https://g/{}{a b}{\"}\n");
    const struct entity e = shard();
    static const char *const wanted[][2] = {{"One", "https://g/shard/docs%2Fshard-5?p=store-5"},
                                            {"Two", "https://g/a%20b%2Fc%26d%3D%C3%A4"},
                                            {"Lacks it", "not known: it has no nothing"},
                                            {"Braces", "https://g/{}{a b}{"}};
    struct str url = {0};
    const char *title;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_true(entity_link(c, &e, i, &title, &url));
        assert_string_equal(title, wanted[i][0]);
        assert_string_equal(str_text(&url), wanted[i][1]);
    }
    assert_false(entity_link(c, &e, 4, &title, &url));
    str_fini(&url);
    config_free(c);
}

/* A value is never more than a value: no option, nothing that a shell of the command's own could read. */
static void commands(void **state)
{
    (void)state;
    struct config *c =
        configured("logs:\n"
                   "  - {title: good, command: [kubectl, logs, \"pod/{pod}\", \"--tail=9\"], timeout: 9s}\n"
                   "  - {title: evil, command: [sh, -c, \"echo {evil}\"]}\n"
                   "  - {title: option, command: [kubectl, logs, \"{option}\"]}\n"
                   "  - {title: lacks, command: [cat, \"{nothing}\"]}\n"
                   "  - {title: breakers, kind: breaker, command: [cat]}\n");
    const struct entity e = shard();
    struct entity_logs logs;
    assert_true(entity_logs(c, &e, 0, &logs));
    assert_int_equal(logs.e.code, 0);
    assert_string_equal(logs.argv[2], "pod/store-5");
    assert_string_equal(logs.argv[3], "--tail=9");
    assert_null(logs.argv[4]);
    assert_int_equal(logs.timeout_us, 9 * US_PER_S);
    entity_logs_fini(&logs);
    static const char *const refused[] = {"its evil is \"a;rm -rf /\"", "its option is \"--all\"",
                                          "it has no nothing"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(entity_logs(c, &e, 1 + i, &logs));
        assert_true(logs.e.code < 0);
        if (!strstr(logs.e.msg, refused[i]))
            fail_msg("%s", logs.e.msg);
        entity_logs_fini(&logs);
    }
    assert_false(entity_logs(c, &e, 4, &logs));
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
