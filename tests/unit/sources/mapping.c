/* The mapping language: what it means, what it refuses, and that nothing it does not know is ever ok. */
#include <math.h>
#include <stdio.h>

#include "tests/unit/sources/mapped.h"

static void expect_json(const char *yaml, const char *body, const char *wanted)
{
    struct mapped_test t;
    mapped_test_yaml(&t, yaml, FORM_JSON);
    if (t.error[0])
        fail_msg("%s\n%s", t.error, yaml);
    mapped_test_expect(&t, body, wanted);
    mapped_test_fini(&t);
}

static void expect_metrics(const char *yaml, const char *body, const char *wanted)
{
    struct mapped_test t;
    mapped_test_yaml(&t, yaml, FORM_EXPOSITION);
    if (t.error[0])
        fail_msg("%s\n%s", t.error, yaml);
    mapped_test_expect(&t, body, wanted);
    mapped_test_fini(&t);
}

static void rows_by_pointer_wildcards_and_captures(void **state)
{
    (void)state;
    expect_json(
        "kind: shard\nrows: /queues/*\nname: '{name}'\nstate: {from: /status, ready: ok, draining: degraded, "
        "gone: "
        "down, '*': unknown}\n",
        "{\"queues\":[{\"name\":\"a\",\"status\":\"ready\"},{\"name\":\"b\",\"status\":\"draining\"},"
        "{\"name\":\"c\",\"status\":\"gone\"},{\"name\":\"d\",\"status\":\"Ready\"},{\"status\":\"ready\"}]}",
        "shard a ok ready {}\nshard b degraded draining {}\nshard c down gone {}\n"
        "shard d unknown Ready {} a state that the mapping doesn't know\n");
    /* the key of an object, a parent's key and a parent's member */
    expect_json(
        "kind: shard\nrows: /nodes/*/shards/*\nname: '{^/nodes/{1}/name}/{2}'\ngroup: '{1}'\nstate: /s\n",
        "{\"nodes\":{\"x/1\":{\"name\":\"X\",\"shards\":[{\"s\":\"green\"},{\"s\":\"red\"}]}}}",
        "shard X/0 [x/1] <ok> green {}\nshard X/1 [x/1] <down> red {}\n");
    /* several lists, one of them optional */
    expect_json("kind: component\nrows: [/a/*, '/b/*?']\nname: '{1}'\n", "{\"a\":{\"p\":{}}}",
                "component p <unknown> {}\n");
    expect_json("kind: component\nname: one\nstate: /state\n", "{\"state\":\"Ready\"}",
                "component one <ok> Ready {}\n");
    expect_json("kind: component\nrows: ''\nname: '{{x}}'\nstate: /s\n", "{\"s\":true}",
                "component {x} <unknown> true {}\n");
}

static void what_is_not_there_is_an_error_and_no_vanished_row(void **state)
{
    (void)state;
    const char *yaml = "kind: shard\nrows: /a/*\nname: '{1}'\nstate: /s\n";
    expect_json(yaml, "{\"a\":[]}", "");
    expect_json(yaml, "{\"a\":{}}", "");
    expect_json(yaml, "{}", "error: the answer has nothing at '/a'");
    expect_json(yaml, "[]", "error: the answer has nothing at '/a'");
    expect_json(yaml, "{\"a\":null}", "error: the answer has no list at '/a'");
    expect_json(yaml, "{\"a\":7}", "error: the answer has no list at '/a'");
    expect_json(yaml, "{\"a\":{\"x\":{}}}", "shard x unknown {} the answer has no state here\n");
    expect_json("kind: shard\nrows: /a/*?\nname: '{1}'\nstate: /s\n", "{}", "");
}

static void expect_unclear(const char *yaml, enum answer_form form, const char *body, const char *wanted)
{
    struct mapped_test t;
    mapped_test_yaml(&t, yaml, form);
    if (t.error[0] || mapped_test_apply(&t, body))
        fail_msg("%s\n%s", t.error, yaml);
    if (!str_eq(t.last.unclear, wanted))
        fail_msg("got '%s', wanted '%s'\n%s%s", t.last.unclear, wanted, yaml, body);
    mapped_test_fini(&t);
}

#define SHARDS "kind: shard\nrows: /a/*\nname: '{n}'\nstate: /s\n"
#define ALERTS "kind: alert\nrows: /a/*\nname: '{n}'\nstate: /s\n"

static void what_finds_no_row_is_unclear_unless_the_rule_allows_it(void **state)
{
    (void)state;
    const char *none = "{\"a\":[]}", *one = "{\"a\":[{\"n\":\"x\",\"s\":\"green\"}]}",
               *unnamed = "{\"a\":[{\"n\":\"x\",\"s\":\"green\"},{\"s\":\"red\"}]}";
    expect_unclear(SHARDS, FORM_JSON, one, "");
    expect_unclear(SHARDS, FORM_JSON, none, "answered, but /a/* has no rows (test.yaml:1)");
    expect_unclear(SHARDS "where: {s: red}\n", FORM_JSON, one,
                   "answered, but where: leaves out all 1 rows (test.yaml:1)");
    expect_unclear("kind: shard\nrows: '/b/*?'\nname: '{n}'\nstate: /s\n", FORM_JSON, none,
                   "answered, but /b/* has no rows (test.yaml:1)");
    expect_unclear("kind: component\nmetric: up\nname: '{job}'\nstate: {from: '@value', 1: ok}\n",
                   FORM_EXPOSITION, "down 1\n", "answered, but it has no sample of up (test.yaml:1)");
    expect_unclear("- {kind: shard, rows: /a/*, name: '{n}', state: /s}\n"
                   "- {kind: job, rows: /b/*, name: '{n}', state: /s}\n",
                   FORM_JSON, "{\"a\":[{\"n\":\"x\"}],\"b\":[]}",
                   "answered, but /b/* has no rows (test.yaml:2)"); /* each rule by itself */
    /* who may find none */
    expect_unclear(ALERTS, FORM_JSON, none, "");
    expect_unclear(ALERTS "where: {s: red}\n", FORM_JSON, one, "");
    expect_unclear(SHARDS "optional: true\n", FORM_JSON, none, "");
    expect_unclear(SHARDS "expected: 0\n", FORM_JSON, none, "");
    expect_unclear(SHARDS "expected: 3\n", FORM_JSON, none, "");   /* it says itself that they are missing */
    expect_unclear(SHARDS "expected: [x]\n", FORM_JSON, none, ""); /* this one too */
    /* a row that can't be shown may be the one that is down: nobody may have that */
    expect_unclear(SHARDS, FORM_JSON, unnamed, "1 of 2 rows have no name (test.yaml:1)");
    expect_unclear(ALERTS "optional: true\n", FORM_JSON, unnamed, "1 of 2 rows have no name (test.yaml:1)");
    expect_unclear(SHARDS "where: {n: '!'}\n", FORM_JSON, unnamed, ""); /* left out on purpose */
}

static void states_have_no_default_but_unknown(void **state)
{
    (void)state;
    struct mapped_test t;
    static const char *const bad[][2] = {
        {"kind: shard\nname: a\nstate: {from: /s, '*': ok}\n",
         "test.yaml:3:24: \"*\" can only be unknown: a state that the mapping doesn't know is not ok"},
        {"kind: shard\nname: a\nstate: {from: /s, a: good}\n",
         "test.yaml:3:22: 'good' is none of ok, degraded, down, unknown, derived"},
        {"kind: shard\nname: a\nstate: {from: /s}\n", "test.yaml:3:8: the map names no state"},
        {"kind: shard\nname: a\nstate: {is: ok}\n",
         "test.yaml:3:8: a state needs from:, one_hot:, of: or when:"},
        {"kind: shard\nname: a\nstate: [{when: [1, '~', 2], is: ok}]\n",
         "test.yaml:3:20: the comparison is one of < <= > >= == !="},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mapped_test_yaml(&t, bad[i][0], FORM_JSON);
        assert_string_equal(t.error, bad[i][1]);
        mapped_test_fini(&t);
    }
    const char *list = "kind: job\nname: j\nmeasures: {done: /done, total: /total, age: /age}\nstate:\n"
                       "  - {from: /state, failed: down}\n"
                       "  - {when: [done, '>=', total], is: ok finished}\n"
                       "  - {when: [age, '>', 60], is: down stalled}\n"
                       "  - {when: [age, <=, 60], is: ok running}\n";
    expect_json(list, "{\"state\":\"failed\",\"done\":5,\"total\":5,\"age\":1}",
                "job j down failed {done=5 total=5 age=1}\n");
    expect_json(list, "{\"state\":\"x\",\"done\":5,\"total\":5,\"age\":1}",
                "job j ok finished {done=5 total=5 age=1}\n");
    expect_json(list, "{\"done\":4,\"total\":5,\"age\":61}", "job j down stalled {done=4 total=5 age=61}\n");
    expect_json(list, "{\"done\":4,\"total\":5,\"age\":60}", "job j ok running {done=4 total=5 age=60}\n");
    expect_json(list, "{\"done\":4,\"total\":5}",
                "job j unknown {done=4 total=5} the answer has no state here\n");
    expect_json(list, "{\"state\":\"odd\"}", "job j unknown odd {} a state that the mapping doesn't know\n");
}

static void states_by_http_status(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_yaml(
        &t, "kind: component\nname: api\nstate: {from: '@status', 200: ok, 429: degraded, 5xx: down}\n",
        FORM_JSON);
    assert_int_equal(mapping_form(t.mapping), FORM_NONE);
    assert_true(mapping_uses_status(t.mapping));
    mapped_test_expect(&t, "not json", "component api ok 200 {}\n");
    t.status = 503;
    mapped_test_expect(&t, "", "component api down 503 {}\n");
    t.status = 429;
    mapped_test_expect(&t, "", "component api degraded 429 {}\n");
    t.status = 301;
    mapped_test_expect(&t, "", "component api unknown 301 {} a state that the mapping doesn't know\n");
    mapped_test_fini(&t);
}

static void states_by_thresholds(void **state)
{
    (void)state;
    const char *high = "kind: component\nname: q\nstate: {of: /n, warn: 10, crit: 20}\n";
    const char *low = "kind: component\nname: q\nstate: {of: /n, warn: 50%, crit: 25%}\n";
    expect_json(high, "{\"n\":10}", "component q ok 10 {}\n");
    expect_json(high, "{\"n\":\"10.5\"}", "component q degraded 10.5 {}\n");
    expect_json(high, "{\"n\":20.1}", "component q down 20.1 {}\n");
    expect_json(high, "{\"n\":\"NaN\"}", "component q unknown {} no value\n");
    expect_json(high, "{}", "component q unknown {} no value\n");
    expect_json(low, "{\"n\":\"80%\"}", "component q ok 0.8 {}\n");
    expect_json(low, "{\"n\":0.3}", "component q degraded 0.3 {}\n");
    expect_json(low, "{\"n\":0.2}", "component q down 0.2 {}\n");
}

static void values_are_coerced(void **state)
{
    (void)state;
    expect_json("kind: component\nname: '{/id}'\nstate: /ok\nmeasures: {a: /pct, b: /text, c: /flag, d: "
                "/nan, e: /inf, f: "
                "/object, g: /none, h: 5m, i: '', j: {from: /word, map: {high: 3, '*': 1}}}\n",
                "{\"id\":9007199254740993123,\"ok\":\"Ready\",\"pct\":\"50.0%\",\"text\":\" 12.5 "
                "\",\"flag\":\"true\",\"nan\":\"NaN\",\"inf\":\"+Inf\",\"object\":{},\"none\":null,\"word\":"
                "\"high\"}",
                "component 9007199254740993123 <ok> Ready {a=0.5 b=12.5 c=1 e=inf h=300 j=3}\n");
}

static void arithmetic_and_modifiers(void **state)
{
    (void)state;
    expect_json(
        "kind: component\nname: c\nmeasures:\n"
        "  a: {ratio: [/x, /y]}\n  b: {minus: [/x, a]}\n  c: {plus: [/x, /y, 1]}\n  d: {ratio: [/x, 0]}\n"
        "  e: {from: /x, times: 0.5}\n  f: {from: /x, min: 7}\n  g: {from: /missing, or: 4}\n"
        "  h: {from: /x, max: 5}\n  i: {ratio: [0, 0], or: 9}\n  j: {age: /at}\n  k: {age: /future}\n",
        "{\"x\":6,\"y\":3,\"at\":\"2026-11-22T03:59:00+00:00\",\"future\":\"2027-01-01T00:00:00Z\"}",
        "component c <unknown> {a=2 b=4 c=10 e=3 g=4 j=60}\n");
}

static void times_are_read_in_every_form(void **state)
{
    (void)state;
    const char *yaml = "kind: component\nname: c\nsince: /t\n";
    static const char *const same[] = {"\"2026-11-22T03:58:20.709Z\"",
                                       "\"2026-11-22T04:58:20+01:00\"",
                                       "\"2026-11-22T03:58:20\"",
                                       "1795319900",
                                       "1795319900709",
                                       "1795319900709000",
                                       "\"1795319900.7\"",
                                       "1795319900.25"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char body[80];
        snprintf(body, sizeof body, "{\"t\":%s}", same[i]);
        expect_json(yaml, body, "component c <unknown> {} @2026-11-22T03:58:20\n");
    }
    static const char *const none[] = {
        "\"0001-01-01T00:00:00Z\"", "0", "-5", "\"soon\"", "null", "1e300", "\"\"", "true"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        char body[80];
        snprintf(body, sizeof body, "{\"t\":%s}", none[i]);
        expect_json(yaml, body, "component c <unknown> {}\n");
    }
}

static void replicas_combine_by_their_rule(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *states, *wanted;
    } cases[] = {
        {"any_healthy", "ok ok", "ok"},
        {"any_healthy", "ok down", "degraded"},
        {"any_healthy", "down down", "down"},
        {"any_healthy", "down unknown", "unknown"},
        {"any_healthy", "degraded down", "degraded"},
        {"any_healthy", "down", "down"},
        {"worst", "ok ok", "ok"},
        {"worst", "ok degraded", "degraded"},
        {"worst", "ok unknown degraded", "unknown"},
        {"worst", "ok down unknown", "down"},
        {"quorum(2)", "ok ok ok", "ok"},
        {"quorum(2)", "ok ok down", "degraded"},
        {"quorum(2)", "ok down down", "down"},
        {"quorum(2)", "ok unknown down", "unknown"},
        {"quorum(3)", "ok ok", "ok"},
        {"quorum(1)", "degraded down", "down"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapped_test t;
        struct str body = {0};
        char *yaml = xasprintf("kind: shard\nrows: /*\nname: s\ngroup_by: %s\n"
                               "state: {from: /s, ok: ok, degraded: degraded, down: down}\n",
                               cases[i].rule);
        char *copy = xstrdup(cases[i].states), *rest = copy;
        str_add(&body, "[");
        for (char *word; (word = strsep(&rest, " "));)
            str_addf(&body, "%s{\"s\":\"%s\"}", body.len > 1 ? "," : "", word);
        str_add(&body, "]");
        mapped_test_yaml(&t, yaml, FORM_JSON);
        assert_int_equal(mapped_test_apply(&t, body.data), 0);
        assert_int_equal(t.last.observations.len, 1);
        if (strcmp(condition_name(t.last.observations.data[0].condition), cases[i].wanted) != 0)
            fail_msg("%s of %s is %s, wanted %s", cases[i].rule, cases[i].states,
                     condition_name(t.last.observations.data[0].condition), cases[i].wanted);
        mapped_test_fini(&t);
        str_fini(&body);
        free(copy);
        free(yaml);
    }
}

static void samples_by_label_where_and_join(void **state)
{
    (void)state;
    expect_metrics(
        "kind: component\nmetric: up\nwhere: {job: [api, web], instance: '!b'}\nname: '{job}/{instance}'\n"
        "state: {from: '@value', 1: ok, 0: down}\nmeasures: {mem: {metric: mem, join: [instance]}}\n",
        "up{job=\"api\",instance=\"a\"} 1\nup{job=\"api\",instance=\"b\"} 1\nup{job=\"web\",instance=\"c\"} "
        "0\n"
        "up{job=\"db\",instance=\"a\"} 1\nmem{instance=\"a\",kind=\"x\"} 3\nmem{instance=\"a\",kind=\"y\"} "
        "4\n",
        "component api/a ok 1 {mem=7}\ncomponent web/c down 0 {}\n");
    expect_metrics(
        "kind: component\nname: all\nmeasures:\n  sum: {metric: m}\n  most: {metric: m, of: max}\n"
        "  least: {metric: m, of: min}\n  mean: {metric: m, of: avg}\n  n: {metric: m, of: count}\n"
        "  some: {metric: m, where: {k: a}}\n  either: {metric: [nope, m], where: {k: b}}\n  none: {metric: "
        "nope}\n",
        "m{k=\"a\"} 1\nm{k=\"b\"} 5\nm NaN\n",
        "component all <unknown> {sum=6 most=5 least=1 mean=3 n=2 some=1 either=5}\n");
    expect_metrics("kind: component\nmetric: m\nname: '{@metric}'\nstate: {from: '{k}', x: ok}\nattributes: "
                   "{'*': labels}\n",
                   "m{k=\"x\",token=\"secret\",API_KEY=\"secret\",zone=\"z1\"} 1\n",
                   "component m ok x {} (k=x zone=z1)\n");
}

static void expected_rows_are_missed(void **state)
{
    (void)state;
    struct mapped_test t;
    mapped_test_yaml(&t, "kind: shard\nrows: /*\nname: '{n}'\nstate: /s\nexpected: [a, b]\n", FORM_JSON);
    mapped_test_expect(
        &t, "[{\"n\":\"b\",\"s\":\"green\"}]",
        "shard b <ok> green {} !\nshard a down missing {} ! expected, but the source does not have it\n");
    mapped_test_fini(&t);
    mapped_test_yaml(&t, "kind: shard\nrows: /*\nname: '{n}'\nstate: /s\nexpected: 3\n", FORM_JSON);
    mapped_test_expect(&t, "[{\"n\":\"a\",\"s\":\"green\"},{\"n\":\"b\",\"s\":\"green\"}]",
                       "shard a <ok> green {} !\nshard b <ok> green {} !\n"
                       "component expected shards down 2 of 3 {} the rest was never seen\n");
    mapped_test_expect(
        &t, "[{\"n\":\"a\",\"s\":\"green\"},{\"n\":\"c\",\"s\":\"green\"}]",
        "shard a <ok> green {} !\nshard c <ok> green {} !\ncomponent expected shards ok 3 of 3 {}\n");
    mapped_test_fini(&t);
}

static void old_data_is_unknown(void **state)
{
    (void)state;
    const char *yaml = "kind: component\nname: c\nstate: {from: /s, up: ok}\nat: /t\nstale_after: 5m\n";
    expect_json(yaml, "{\"s\":\"up\",\"t\":\"2026-11-22T03:56:00Z\"}", "component c ok up {}\n");
    expect_json(yaml, "{\"s\":\"up\",\"t\":\"2026-11-22T03:54:00Z\"}",
                "component c unknown up {} its data is 6m old\n");
    expect_json(yaml, "{\"s\":\"up\"}", "component c unknown up {} its data has no time\n");
}

static void the_newest_of_each_group_is_kept(void **state)
{
    (void)state;
    const char *yaml = "kind: job\nrows: /*\nnewest: {of: '{g}', by: /v}\nname: '{g}'\nmeasures: {n: /n}\n";
    expect_json(
        yaml,
        "[{\"g\":\"a\",\"v\":9,\"n\":1},{\"g\":\"a\",\"v\":10,\"n\":2},{\"g\":\"b\",\"v\":\"chk_9\",\"n\":1},"
        "{\"g\":\"b\",\"v\":\"chk_10\",\"n\":2},{\"g\":\"c\",\"v\":\"2026-01-01T00:00:00Z\",\"n\":1},"
        "{\"g\":\"c\",\"v\":\"2026-01-01T01:30:00+01:00\",\"n\":2},{\"g\":\"d\",\"n\":1},{\"g\":\"d\",\"v\":"
        "0,\"n\":2},"
        "{\"v\":1,\"n\":9}]",
        "job a <unknown> {n=2}\njob b <unknown> {n=2}\njob c <unknown> {n=2}\njob d <unknown> {n=2}\n");
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *wanted;
        enum answer_form form;
    } cases[] = {
        {"kind: shard\nnaem: x\n", "test.yaml:2:7: a rule has no 'naem': did you mean 'name'?", FORM_JSON},
        {"name: x\nstate: a\n", "test.yaml:1:1: a rule needs kind:", FORM_JSON},
        {"kind: shrad\nname: x\n", "test.yaml:1:7: kind: is one of signal,", FORM_JSON},
        {"kind: shard\nstate: a\n", "test.yaml:1:1: a rule needs name:", FORM_JSON},
        {"- kind: shard\n  name: x\n- shard\n", "test.yaml:3:3: a rule is a mapping of keys to values",
         FORM_JSON},
        {"kind: shard\nname: x\nmetric: m\n",
         "test.yaml:3:9: metric: belongs to a source in the exposition format", FORM_JSON},
        {"kind: shard\nname: x\nrows: /a/*\n",
         "test.yaml:3:7: rows: belongs to a source that answers in JSON", FORM_EXPOSITION},
        {"kind: shard\nname: x\nrows: a\n", "test.yaml:3:7: rows: is a JSON Pointer", FORM_JSON},
        {"kind: shard\nname: x\nrows: /*/*/*/*/*\n", "test.yaml:3:7: at most 4 wildcards", FORM_JSON},
        {"kind: shard\nname: '{x'\n", "test.yaml:2:7: '{x': '{' without '}'", FORM_JSON},
        {"kind: shard\nname: 'x}'\n", "test.yaml:2:7: 'x}': '}' without '{'", FORM_JSON},
        {"kind: shard\nname: '{}'\n", "test.yaml:2:7: an empty reference", FORM_JSON},
        {"kind: shard\nname: '{5}'\n", "test.yaml:2:7: {5}: wildcards are numbered from 1 to 4", FORM_JSON},
        {"kind: shard\nname: '@when'\n", "test.yaml:2:7: there is no @when", FORM_JSON},
        {"kind: shard\nname: x\nvalue: /v\n", "test.yaml:3:8: value: belongs to a signal", FORM_JSON},
        {"kind: signal\nname: x\n", "test.yaml:1:1: a signal needs value:", FORM_JSON},
        {"kind: signal\nname: x\nvalue: {ratio: [1]}\n", "test.yaml:3:16: ratio: takes a list of two numbers",
         FORM_JSON},
        {"kind: signal\nname: x\nvalue: {rate: /x, ovr: 1m}\n",
         "test.yaml:3:24: a number has no 'ovr': did you mean 'over'?", FORM_JSON},
        {"kind: signal\nname: x\nvalue: {rate: /x, over: 5}\n", "test.yaml:3:25: ", FORM_JSON},
        {"kind: signal\nname: x\nvalue: {quantile: 1.5, metric: m}\n",
         "test.yaml:3:19: a quantile lies between 0 and 1", FORM_EXPOSITION},
        {"kind: signal\nname: x\nvalue: {quantile: 0.5}\n",
         "test.yaml:3:8: quantile: needs metric:", FORM_EXPOSITION},
        {"kind: signal\nname: x\nvalue: {metric: m, of: median}\n", "test.yaml:3:24: of: is sum, min, max",
         FORM_EXPOSITION},
        {"kind: signal\nname: x\nvalue: {times: 2}\n", "test.yaml:3:8: a number needs one of from,",
         FORM_JSON},
        {"kind: shard\nname: x\nkeys: 'a:{b}'\n", "test.yaml:3:7: keys: belongs to a source of kind redis",
         FORM_JSON},
        {"kind: shard\nname: x\ngroup_by: quorum(0)\n", "test.yaml:3:11: group_by: is worst,", FORM_JSON},
        {"kind: shard\nname: x\ngroup_by: quorum(2\n", "test.yaml:3:11: group_by: is worst,", FORM_JSON},
        {"kind: shard\nname: x\nexpected: -1\n", "test.yaml:3:11: expected: is a list of names or a number",
         FORM_JSON},
        {"kind: shard\nname: x\nat: /t\n",
         "test.yaml:3:5: at: (the row's own time) and stale_after: belong together", FORM_JSON},
        {"kind: shard\nname: x\nby: [a]\n", "test.yaml:3:5: by: belongs to a source in the exposition format",
         FORM_JSON},
        {"[]\n", "test.yaml:1:1: map: has no rule", FORM_JSON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mapped_test t;
        mapped_test_yaml(&t, cases[i].yaml, cases[i].form);
        if (!str_starts(t.error, cases[i].wanted))
            fail_msg("%s\ngot    %s\nwanted %s", cases[i].yaml, t.error, cases[i].wanted);
        mapped_test_fini(&t);
    }
}

static void all_mistakes_are_found(void **state)
{
    (void)state;
    struct err e = {0};
    struct config_findings findings = {0};
    const char *yaml = "- kind: shard\n  nam: x\n- kind: wrong\n  name: y\n  state: {from: /a, b: c}\n";
    cJSON *tree = yaml_parse(yaml, strlen(yaml), "f", 0, &e);
    struct mapping_part part = {tree, "f"};
    assert_null(mapping_compile(
        &(struct mapping_options){.parts = &part, .part_count = 1, .form = FORM_JSON, .expected = -1},
        &findings, &e));
    assert_true(findings.errors >= 3);
    config_findings_fini(&findings);
    cJSON_Delete(tree);
}

static void the_number_of_rows_is_bounded(void **state)
{
    (void)state;
    struct mapped_test t;
    struct str body = {0};
    mapped_test_yaml(&t, "kind: component\nrows: /*\nname: '{1}'\n", FORM_JSON);
    str_add(&body, "[{}");
    for (int i = 1; i < MAPPING_ROW_LIMIT; i++)
        str_add(&body, ",{}");
    str_add(&body, "]");
    assert_int_equal(mapped_test_apply(&t, body.data), 0);
    assert_int_equal(t.last.observations.len, MAPPING_ROW_LIMIT);
    body.data[body.len - 1] = ',';
    str_add(&body, "{}]");
    assert_int_equal(mapped_test_apply(&t, body.data), ERR_RANGE);
    str_fini(&body);
    mapped_test_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_pointer_wildcards_and_captures),
        cmocka_unit_test(what_is_not_there_is_an_error_and_no_vanished_row),
        cmocka_unit_test(what_finds_no_row_is_unclear_unless_the_rule_allows_it),
        cmocka_unit_test(states_have_no_default_but_unknown),
        cmocka_unit_test(states_by_http_status),
        cmocka_unit_test(states_by_thresholds),
        cmocka_unit_test(values_are_coerced),
        cmocka_unit_test(arithmetic_and_modifiers),
        cmocka_unit_test(times_are_read_in_every_form),
        cmocka_unit_test(replicas_combine_by_their_rule),
        cmocka_unit_test(samples_by_label_where_and_join),
        cmocka_unit_test(expected_rows_are_missed),
        cmocka_unit_test(old_data_is_unknown),
        cmocka_unit_test(the_newest_of_each_group_is_kept),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(all_mistakes_are_found),
        cmocka_unit_test(the_number_of_rows_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
