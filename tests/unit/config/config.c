#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "engine/config/config.h"

static struct config *parsed(const char *text)
{
    struct err e = {0};
    struct config_findings findings = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/conf", &findings, &e);
    if (!c)
        fail_msg("%s", e.msg);
    assert_int_equal(findings.errors, 0);
    config_findings_fini(&findings);
    return c;
}

/* Everything that is found, one a line. */
static char *found_in(const char *text)
{
    struct config_findings findings = {0};
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/conf", &findings, &e);
    struct str out = {0};
    for (size_t i = 0; i < findings.len; i++) {
        const struct config_finding *f = &findings.data[i];
        str_addf(&out, "%s%s%d:%d: %s", i ? "\n" : "", f->severity == CONFIG_WARNING ? "warning " : "",
                 f->line, f->column, f->message);
        assert_string_equal(f->file, "belay.yaml");
    }
    assert_int_equal(c == NULL, findings.errors > 0);
    if (findings.errors) {
        assert_true(e.code < 0);
        assert_true(str_starts(e.msg, "belay.yaml:"));
    }
    config_free(c);
    config_findings_fini(&findings);
    return str_take(&out);
}

static void finds(const char *text, const char *expected)
{
    char *found = found_in(text);
    if (!str_eq(found, expected))
        fail_msg("in:\n%s\nfound:\n%s\ninstead of:\n%s", text, found, expected);
    free(found);
}

/* The example of the design, word for word but for its comments. */
static const char *const example =
    "platform: rag-prod\n"
    "badge: PROD                        # drawn as danger; the console starts as observer\n"
    "journal: private                   # or: shared:/var/lib/belay/rag-prod\n"
    "identity: {command: [kubectl, config, current-context], expect: prod-eu}\n"
    "mirror: {syslog: local3}\n"
    "sources:\n"
    "  - {name: api,   kind: prometheus, url: http://127.0.0.1:8080/metrics, preset: resilience4j, every: "
    "2s}\n"
    "  - {name: store, kind: http,       url: http://127.0.0.1:6333, preset: qdrant, vars: {collection: "
    "docs}}\n"
    "  - {name: runs,  kind: redis,      url: redis://127.0.0.1:6379/0, preset: checkpoints, vars: {total: "
    "50000}}\n"
    "  - name: queue                    # no preset: the mapping in place\n"
    "    kind: http\n"
    "    url: http://127.0.0.1:9000/state\n"
    "    headers: {Authorization: {secret: env:QUEUE_TOKEN}}\n"
    "    map:\n"
    "      kind: shard                  # signal | breaker\n"
    "      rows: /queues/*\n"
    "      name: \"{name}\"\n"
    "      state: {from: /status, ready: ok, draining: degraded, gone: down, \"*\": unknown}\n"
    "runbooks: [runbooks/]\n";

static void test_the_designs_example(void **state)
{
    (void)state;
    struct config *c = parsed(example);
    assert_string_equal(c->platform, "rag-prod");
    assert_string_equal(c->badge, "PROD");
    assert_int_equal(c->journal, CONFIG_JOURNAL_PRIVATE);
    assert_true(config_observer(c));
    assert_int_equal(strv_count(c->identity.command), 3);
    assert_string_equal(c->identity.command[2], "current-context");
    assert_string_equal(c->identity.expect, "prod-eu");
    assert_int_equal(c->identity.timeout_us, 3 * US_PER_S);
    assert_string_equal(c->mirror.syslog, "local3");
    assert_int_equal(c->source_count, 4);
    const struct config_source *s = c->sources;
    assert_string_equal(s[0].preset, "resilience4j");
    assert_int_equal(s[0].every_us, 2 * US_PER_S);
    assert_int_equal(s[0].timeout_us, 2 * US_PER_S);
    assert_int_equal(s[1].every_us, 5 * US_PER_S);
    assert_int_equal(s[1].timeout_us, 3 * US_PER_S);
    assert_string_equal(json_string(s[1].vars, "collection", ""), "docs");
    assert_string_equal(json_string(s[2].vars, "total", ""), "50000");
    assert_int_equal(s[2].expected, -1);
    assert_int_equal(s[3].header_count, 1);
    assert_string_equal(s[3].headers[0].secret, "env:QUEUE_TOKEN");
    assert_null(s[3].headers[0].value);
    assert_int_equal(s[3].line, 10);
    const cJSON *gone = json_at(s[3].map, "/state/gone");
    assert_string_equal(gone->valuestring, "down");
    assert_int_equal(yaml_line(gone), 18);
    assert_string_equal(c->runbooks[0], "/conf/runbooks/");
    assert_null(c->runbooks[1]);
    config_free(c);
}

static void test_every_option_reaches_its_field(void **state)
{
    (void)state;
    setenv("HOME", "/home/u", 1);
    struct config *c =
        parsed("observer: false\nbadge: PROD\noperator: alice\ntheme: light\njournal: shared:var/j\n"
               "mirror: {command: [logger, -t, belay]}\n"
               "identity: {command: [id], expect: x, timeout: 1500ms}\n"
               "runbooks: [/abs, ~/r, ./here, up/../x]\n"
               "sources:\n"
               "- {name: s, kind: http, url: \"https://h:1/x?a=b@c\", user: u, password: {secret: file:pw}, "
               "ca: ca.pem, timeout: 250ms, every: 1m, stale_after: 5m, expected: 12, parse: prometheus, "
               "headers: {A: plain, B: {secret: command:pass show x, prefix: \"Bearer \"}}}\n"
               "- {name: c, kind: command, command: [kubectl, get], env: {KUBECONFIG: /k, X: \"\"}, "
               "map: [{kind: signal}, {kind: signal}]}\n");
    assert_false(config_observer(c));
    assert_string_equal(c->operator_name, "alice");
    assert_string_equal(c->theme, "light");
    assert_string_equal(c->journal_folder, "/conf/var/j");
    assert_string_equal(c->mirror.command[2], "belay");
    assert_int_equal(c->identity.timeout_us, 1500000);
    assert_string_equal(c->runbooks[0], "/abs");
    assert_string_equal(c->runbooks[1], "/home/u/r");
    assert_string_equal(c->runbooks[2], "/conf/here");
    const struct config_source *s = &c->sources[0];
    assert_string_equal(s->password, "file:/conf/pw");
    assert_string_equal(s->ca, "/conf/ca.pem");
    assert_string_equal(s->user, "u");
    assert_string_equal(s->parse, "prometheus");
    assert_int_equal(s->timeout_us, 250000);
    assert_int_equal(s->every_us, 60 * US_PER_S);
    assert_int_equal(s->stale_after_us, 300 * US_PER_S);
    assert_int_equal(s->expected, 12);
    assert_string_equal(s->headers[0].value, "plain");
    assert_string_equal(s->headers[1].secret, "command:pass show x");
    assert_string_equal(s->headers[1].prefix, "Bearer ");
    s = &c->sources[1];
    assert_string_equal(s->env[0], "KUBECONFIG=/k");
    assert_string_equal(s->env[1], "X=");
    assert_int_equal(s->every_us, 2 * US_PER_S); /* all its entities are signals */
    assert_int_equal(s->timeout_us, 2 * US_PER_S);
    char *folder = config_state_folder(c);
    assert_string_equal(folder, "/conf/var/j");
    free(folder);
    config_free(c);
}

static void test_all_problems_are_told_with_their_places(void **state)
{
    (void)state;
    finds("platfrom: x\nbadge: \"\"\nsources:\n- nmae: a\n  kind: http\n  url: nowhere\n  every: 5\n- 7\n",
          "1:1: unknown key \"platfrom\", did you mean \"platform\"?\n"
          "2:1: badge: is empty: give it a value or leave it out\n"
          "4:3: unknown key \"nmae\", did you mean \"name\"?\n"
          "4:3: name is missing: Unique among the sources.\n"
          "6:8: url: \"nowhere\" is not a URL: write it as http://HOST:PORT/PATH\n"
          "7:10: every: \"5\" is not a duration: write a number and a unit (ms, s, m, h, d), as 30s\n"
          "8:3: expected a mapping: lines of KEY: VALUE under sources[]");
}

static void test_each_kind_of_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"a: [", NULL},
        {"platform: a\nplatform: b\n", "2:1: the key \"platform\" stands there twice"},
        {"platform: ../etc\n",
         "1:11: platform: \"../etc\" must begin with a letter or digit and hold letters, digits, '.', "
         "'_', '-'"},
        {"platform: [a]\n", "1:11: platform: expected text, found a list"},
        {"xyzzy: 1\n", "1:1: unknown key \"xyzzy\""},
        {"journal: public\n",
         "1:10: journal: \"public\" is neither private, shared:FOLDER nor emergency:FOLDER"},
        {"journal: \"shared:\"\n",
         "1:10: journal: \"shared:\" is neither private, shared:FOLDER nor emergency:FOLDER"},
        {"observer: maybe\n", "1:11: observer: \"maybe\" is neither true nor false"},
        {"badge: 12345678901234567\n", "1:8: badge: longer than 16 bytes"},
        {"operator: \"a\\tb\"\n", "1:11: operator: must be one line without control characters"},
        {"identity: kubectl\n", "1:11: expected a mapping: lines of KEY: VALUE under identity"},
        {"identity: {command: kubectl config, expect: x}\n",
         "1:21: command: expected a list, as [kubectl, config, current-context]; no shell reads it"},
        {"identity: {command: [], expect: x}\n", "1:21: command: names no program"},
        {"mirror: {syslog: local9}\n", "1:18: syslog: unknown \"local9\", did you mean \"local0\"?"},
        {"mirror: {syslog: ftp}\n",
         "1:18: syslog: unknown \"ftp\": one of "
         "user|daemon|auth|authpriv|local0|local1|local2|local3|local4|local5|local6|local7"},
        {"mirror: {}\n", "1:9: mirror: needs syslog or command"},
        {"mirror: {syslog: local0, command: [x]}\n", "1:9: mirror: syslog or command, not both"},
        {"runbooks: here\n", "1:11: runbooks: expected a list, as [runbooks/]"},
        {"sources: {name: a}\n",
         "1:10: sources: expected a list, each element beginning with \"- name: ...\""},
        {"- a\n", "1:1: expected a mapping: lines of KEY: VALUE"},
        {"sources:\n- {name: a, kind: http, url: \"http://u:p@h/\"}\n",
         "2:30: url: no user or password in a URL: write user: NAME and password: {secret: env:VARIABLE}"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", password: hunter2}\n",
         "2:52: password: secrets are not written here: use {secret: env:NAME}, {secret: file:PATH} or "
         "{secret: "
         "command:PROGRAM ARGUMENTS}"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", password: {secret: hunter2}}\n",
         "2:61: password: a secret is a reference: env:NAME, file:PATH or command:PROGRAM ARGUMENTS"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", every: 50ms}\n",
         "2:49: every: 50ms is outside 100ms to 1d"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", expected: -1}\n",
         "2:52: expected: -1 is outside 0 to 1000000"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", expected: 1e3}\n",
         "2:52: expected: \"1e3\" is not a whole number"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", headers: {\"A B\": x}}\n",
         "2:52: headers: \"A B\" is not the name of a header"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", headers: {A: \"x\\r\\nB: y\"}}\n",
         "2:55: headers: the value of A must be one line"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", map: x}\n",
         "2:47: map: expected a mapping or a list of mappings"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", vars: {x: [1]}}\n",
         "2:52: vars: the value of x must be text"},
        {"sources:\n- {name: a, kind: command, command: [x], env: {A-B: x}}\n",
         "2:48: env: \"A-B\" is not the name of a variable"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", command: [x]}\n",
         "2:3: source a: has a url and a command: one of them"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\"}\n- {name: a, kind: http, url: \"http://h\"}\n",
         "3:3: source a: the name stands there twice"},
        {"sources:\n- {name: a, kind: http, url: \"http://h\", every: 1s, timeout: 2s}\n",
         "warning 2:3: source a: timeout is longer than every: a slow answer delays the next question"},
        {"badge: \"\xE2\x80\xAE\xE2\x80\xAE\xE2\x80\xAE\xE2\x80\xAE\xE2\x80\xAE\xE2\x80\xAE\"\n",
         "1:8: badge: longer than 16 bytes"},
        {"\xE2\x80\xAE: x\n", "1:1: unknown key \"<U+202E>\""}, /* messages go to terminals */
    };
    for (size_t i = 1; i < sizeof cases / sizeof *cases; i++)
        finds(cases[i].text, cases[i].expected);
    char *broken = found_in(cases[0].text);
    assert_true(strlen(broken) > 10);
    free(broken);
}

static void test_an_empty_file_is_the_defaults(void **state)
{
    (void)state;
    struct config *c = parsed("");
    assert_string_equal(c->platform, "local");
    assert_false(config_observer(c));
    assert_int_equal(c->source_count, 0);
    assert_null(c->runbooks);
    setenv("XDG_STATE_HOME", "/state", 1);
    char *folder = config_state_folder(c), *bare = config_state_folder(NULL);
    assert_string_equal(folder, "/state/belay/local");
    assert_string_equal(bare, folder);
    free(folder);
    free(bare);
    config_free(c);
    config_free(NULL);
}

static void test_setting_as_the_command_line_does(void **state)
{
    (void)state;
    struct config *c = config_new();
    struct err e = {0};
    assert_int_equal(config_set(c, "journal", "shared:/srv/j", &e), 0);
    assert_string_equal(c->journal_folder, "/srv/j");
    assert_int_equal(config_set(c, "journal", "private", &e), 0);
    assert_null(c->journal_folder);
    assert_int_equal(config_set(c, "operator", "bob", &e), 0);
    assert_string_equal(c->operator_name, "bob");
    assert_int_equal(config_set(c, "journal", "elsewhere", &e), ERR_USAGE);
    assert_string_equal(e.msg,
                        "journal: \"elsewhere\" is neither private, shared:FOLDER nor emergency:FOLDER");
    assert_int_equal(config_set(c, "sources", "x", &e), ERR_USAGE);
    assert_int_equal(config_set(c, "no-such", "x", &e), ERR_USAGE);
    config_free(c);
}

static void test_the_file_is_found_in_order(void **state)
{
    (void)state;
    char *room = xstrdup("/tmp/belay-config-XXXXXX"), here[4096];
    assert_non_null(mkdtemp(room));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(room), 0);
    setenv("XDG_CONFIG_HOME", room, 1);
    struct err e = {0};
    struct config_findings findings = {0};
    if (access("/etc/belay/belay.yaml", F_OK) != 0) {
        assert_null(config_load(NULL, &findings, &e));
        assert_int_equal(e.code, ERR_NOT_FOUND);
        assert_int_equal(findings.len, 0); /* to have none is no mistake */
    }
    char *folder = path_join(room, "belay"), *own = path_join(folder, "belay.yaml");
    assert_int_equal(folder_make(folder, 0700, &e), 0);
    assert_int_equal(file_write_atomic(own, "platform: own\nrunbooks: [r]\n", 28, 0600, &e), 0);
    struct config *c = config_load(NULL, &findings, &e);
    assert_non_null(c);
    assert_string_equal(c->platform, "own");
    assert_true(str_ends(c->path, "/belay/belay.yaml"));
    char *runbook = path_join(c->folder, "r");
    assert_string_equal(c->runbooks[0], runbook);
    assert_true(runbook[0] == '/');
    free(runbook);
    config_free(c);
    assert_int_equal(file_write_atomic("belay.yaml", "platform: here\n", 15, 0600, &e), 0);
    c = config_load(NULL, &findings, &e);
    assert_string_equal(c->platform, "here");
    assert_true(c->path[0] == '/');
    config_free(c);
    assert_null(config_load("missing.yaml", &findings, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(findings.errors, 1);
    assert_null(config_load(room, NULL, &e)); /* a folder */
    config_findings_fini(&findings);
    assert_int_equal(chdir(here), 0);
    assert_int_equal(folder_remove(room, &e), 0);
    free(folder);
    free(own);
    free(room);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"every", "expected", "timeout", "url", "user", NULL};
    assert_string_equal(config_nearest("evrey", names), "every");
    assert_string_equal(config_nearest("EVERY", names), "every");
    assert_string_equal(config_nearest("time_out", names), "timeout");
    assert_string_equal(config_nearest("usr", names), "user");
    assert_null(config_nearest("zebra", names));
    assert_null(config_nearest("", names));
    struct str endless = {0};
    for (int i = 0; i < 10000; i++)
        str_add_char(&endless, 'x');
    assert_null(config_nearest(str_text(&endless), names));
    str_fini(&endless);
}

/* Every cut of the example is read or refused with a place, and nothing leaks. */
static void test_every_cut_is_answered(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < strlen(example); cut += 3) {
        struct config_findings findings = {0};
        struct err e = {0};
        struct config *c = config_parse(example, cut, "f", NULL, &findings, &e);
        assert_int_equal(c == NULL, findings.errors > 0);
        for (size_t i = 0; i < findings.len; i++)
            assert_true(findings.data[i].line > 0 && findings.data[i].column > 0);
        config_findings_fini(&findings);
        config_free(c);
    }
}

static void test_links_logs_and_who_is_on_call(void **state)
{
    (void)state;
    struct config *c =
        parsed("oncall: {command: [who-is-it], every: 1m}\n"
               "links:\n"
               "  - {title: Graphs, kind: shard, name: \"docs/*\", url: \"https://g/{name}\"}\n"
               "logs:\n"
               "  - {title: log, command: [tail, \"{name}\"]}\n"
               "  - {title: more, kind: job, command: [cat], timeout: 2m}\n");
    assert_string_equal(c->oncall.command[0], "who-is-it");
    assert_int_equal(c->oncall.every_us, 60 * US_PER_S);
    assert_int_equal(c->oncall.timeout_us, 5 * US_PER_S);
    assert_int_equal(c->link_count, 1);
    assert_string_equal(c->links[0].url, "https://g/{name}");
    assert_int_equal(c->logs_count, 2);
    assert_int_equal(c->logs[0].timeout_us, 30 * US_PER_S);
    assert_int_equal(c->logs[1].timeout_us, 120 * US_PER_S);
    config_free(c);
    static const char *const bad[][2] = {
        {"links: {}\n", "links: expected a list"},
        {"links: [{title: x}]\n", "url is missing"},
        {"links: [{title: x, url: \"javascript:alert(1)\"}]\n", "must begin with http"},
        {"links: [{title: x, url: \"https://x\", kind: shards}]\n", "did you mean \"shard\"?"},
        {"links: [{title: x, url: \"https://x\", urll: y}]\n", "did you mean \"url\"?"},
        {"logs: [{title: x, command: tail}]\n", "command"},
        {"logs: [x]\n", "expected a mapping"},
        {"oncall: {every: 1m}\n", "command is missing"},
        {"oncall: {command: [x], every: 1s}\n", "outside 10s to"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *found = found_in(bad[i][0]);
        if (!strstr(found, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], found);
        free(found);
    }
}

static void test_policies(void **state)
{
    (void)state;
    struct config_findings findings = {0};
    const char *text =
        "policies:\n"
        "  - {name: slow, attempts: 4, base: 2s, factor: 1.25, cap: 1m, jitter: full, deadline: 10m, "
        "timeout_growth: 2}\n"
        "  - {name: default, max_retries: 0}\n";
    struct err e = {0};
    struct config *c = config_parse(text, strlen(text), "belay.yaml", "/conf", &findings, &e);
    if (!c)
        fail_msg("%s", e.msg);
    const struct config_policy *slow = config_policy_find(c, "slow"),
                               *standard = config_policy_find(c, "default");
    assert_int_equal(slow->attempts, 4);
    assert_int_equal(slow->base_us, 2 * US_PER_S);
    assert_int_equal(slow->factor_milli, 1250);
    assert_int_equal(slow->cap_us, 60 * US_PER_S);
    assert_string_equal(slow->jitter, "full");
    assert_int_equal(slow->deadline_us, 600 * US_PER_S);
    assert_int_equal(slow->growth_milli, 2000);
    assert_int_equal(standard->attempts, 1);
    assert_int_equal(standard->base_us, 100 * US_PER_MS);
    assert_int_equal(config_policy_find(NULL, "default")->attempts, 3);
    assert_int_equal(config_policy_find(NULL, "rate-limit")->attempts, 5);
    assert_int_equal(config_policy_find(NULL, "rate-limit")->base_us, US_PER_S);
    assert_null(config_policy_find(c, "nobody"));
    config_free(c);
    config_findings_fini(&findings);
#define POLICY(more) "policies:\n  - {name: p, " more "}\n"
    finds(POLICY("attempts: 2, max_retries: 1"), "2:5: policy p: has attempts and max_retries: one of them");
    finds(POLICY("base: 2m"), "2:5: policy p: cap is shorter than base");
    finds(POLICY("base: 2s, deadline: 1s"),
          "2:5: policy p: deadline leaves no room for a second attempt: base is as long");
    finds(POLICY("attempts: 5"), "");
    finds(POLICY("max_retries: 5"),
          "warning 2:5: policy p: 5 retries; what fails so often is rarely mended by trying on");
    finds(POLICY("attempts: 0"), "2:25: attempts: 0 is outside 1 to 100");
    finds(POLICY("factor: 0.5"), "2:23: factor: 0.5 is outside 1 to 1000");
    finds(POLICY("factor: 1."),
          "2:23: factor: \"1.\" is not a number (at most three digits behind the point)");
    finds(POLICY("factor: 1.2345"),
          "2:23: factor: \"1.2345\" is not a number (at most three digits behind the point)");
    finds(
        POLICY("factor: 99999999999999999999999"),
        "2:23: factor: \"99999999999999999999999\" is not a number (at most three digits behind the point)");
    finds("policies:\n  - {name: p}\n  - {name: p}\n", "3:5: policy p: the name stands there twice");
    finds("policies: {}\n", "1:11: policies: expected a list, each element beginning with \"- name: ...\"");
    finds("policies:\n  - {attempts: 2}\n", "2:5: name is missing: Unique among the policies.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_logs_and_who_is_on_call),
        cmocka_unit_test(test_the_designs_example),
        cmocka_unit_test(test_every_option_reaches_its_field),
        cmocka_unit_test(test_all_problems_are_told_with_their_places),
        cmocka_unit_test(test_each_kind_of_mistake),
        cmocka_unit_test(test_an_empty_file_is_the_defaults),
        cmocka_unit_test(test_setting_as_the_command_line_does),
        cmocka_unit_test(test_the_file_is_found_in_order),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_every_cut_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
