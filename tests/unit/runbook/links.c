/* References between steps, front matter, and what lint says. */
#include "tests/unit/runbook/book.h"

#define S(annotation) "```sh {" annotation "}\na\n```\n"

static void test_references_become_numbers(void **state)
{
    (void)state;
    struct runbook *book = book_of(
        S("name=c kind=check") S("name=v kind=verify") S("name=e kind=evidence") S("name=r kind=rollback")
            S("name=a pre=c verify=v,c evidence=e rollback=r undo=r onfail=rollback when=c,!c2")
                S("name=c2 kind=check"));
    const struct step *a = step_of(book, "a");
    assert_int_equal(a->pre.data[0], 0);
    assert_int_equal(a->verify.len, 2);
    assert_int_equal(a->verify.data[1], 0);
    assert_int_equal(a->evidence.data[0], 2);
    assert_int_equal(a->rollback, 3);
    assert_int_equal(a->undo, 3);
    assert_int_equal(a->when.len, 1); /* c2 comes later: an error */
    assert_true(book->steps.data[0].branches);
    runbook_free(book);
    book = book_of(S("name=c kind=check") S("name=a when=!c") S("name=b when=a") S("name=v kind=verify"));
    assert_true(step_of(book, "b")->when.data[0].step == 1 && step_of(book, "a")->when.data[0].negated);
    assert_false(step_of(book, "a")->branches); /* an action's failure is always asked about */
    runbook_free(book);
}

static void test_what_is_wrong_with_a_reference(void **state)
{
    (void)state;
    static const struct {
        const char *document, *message;
        int line, column;
    } rows[] = {
        {S("name=a verify=nope"), "no such step", 1, 15},
        {S("name=a when=nope"), "no such step", 1, 15},
        {S("name=a when=b") S("name=b"), "does not come before", 1, 15},
        {S("name=a when=a"), "does not come before", 1, 15},
        {S("name=b") S("name=a verify=b"), "of kind action", 4, 15},
        {S("name=b kind=check") S("name=a rollback=b"), "of kind check", 4, 15},
        {S("name=b kind=check") S("name=a evidence=b"), "of kind check", 4, 15},
        {S("name=r kind=rollback") S("name=q kind=rollback") S("name=a rollback=r,q"), "one step", 7, 15},
        {S("name=b kind=check") S("name=a when=b=yes"), "answer of a decision", 4, 15},
        {"```x {name=d kind=decision}\ny: z\n```\n" S("name=a when=d=no"), "no such answer", 4, 15},
        {S("name=v kind=verify") S("name=c kind=check verify=v"), "no meaning for kind check", 4, 26},
        {S("name=p kind=check") S("name=c kind=check pre=p"), "has none (confirm)", 4, 1},
        {S("name=c kind=check confirm=yes") S("name=a pre=c"), "can't run by reference", 4, 15},
        {S("name=v kind=verify confirm=yes") S("name=a verify=v"), "can't ask", 1, 27},
        {S("name=v kind=verify when=c") S("name=a verify=v"), "no meaning for kind verify", 1, 27},
        {S("name=a onfail=rollback"), "names no rollback", 1, 15},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_finding(rows[i].document, FINDING_ERROR, rows[i].line, rows[i].column, rows[i].message);
    expect_finding(HEAD S("name=x") S("name=x"), FINDING_ERROR, 8, 8, "taken already");
    expect_finding(HEAD S("name=a/b"), FINDING_ERROR, 5, 8, "a name is");
    expect_finding(HEAD S("name=a until=1m"), FINDING_ERROR, 5, 15, "until has no meaning for kind action");
}

static void test_cycles_are_errors(void **state)
{
    (void)state;
    expect_finding(S("name=r kind=rollback rollback=q") S("name=q kind=rollback rollback=r")
                       S("name=a rollback=r"),
                   FINDING_ERROR, 4, 1, "a cycle");
    expect_finding(S("name=r kind=rollback rollback=r") S("name=a rollback=r"), FINDING_ERROR, 1, 1,
                   "a cycle");
}

static void test_lint(void **state)
{
    (void)state;
    static const struct {
        const char *document, *message;
        int line;
    } rows[] = {
        {S("name=a"), "action without verify, rollback or undo, timeout", 1},
        {S("name=a timeout=1m"), "action without verify, rollback or undo", 1},
        {S("name=a"), "without excludeFromRunAll", 1},
        {S("name=c kind=check") S("name=a when=c"), "without expect", 1},
        {S("name=v kind=verify"), "nothing refers to \"v\"", 1},
        {S("name=c kind=check") S("name=a when=c,!c"), "unreachable", 4},
        {"```sh {name=a}\n$FOO x\n```\n", "begins with $", 1},
        {"```sh {name=a}\n$ foo\n```\n", "`$ `", 1},
        {"```sh {expect=a}b name=x}\na\n```\n", "no value may hold a }", 1},
        {"text\n```sh {name=`x`}\na\n", "backticks in the info string", 2},
        {S("name=a confirm=type:$NOPE"), "nothing defines $NOPE", 1},
        {"```sh\na\n```\n```sh\nb\n```\n", "2 blocks without annotations", 1},
        {"```python {name=a kind=check}\na\n```\n", "is no shell", 1},
        {S("name=a background=true"), "background", 1},
        {"<details>\n<!-- not now\n\n" S("name=a") "-->\n</details>\n", "runs here all the same", 2},
        {"<!-- a --> <!-- b\n\n" S("name=a") "-->\n", "runs here all the same", 1},
        {"a\n\n<!-- not now\n\n" S("name=a"), "never closed", 3},
        {"<details>\n" S("name=a") "</details>\n", "a fence inside HTML", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_finding(rows[i].document, FINDING_WARNING, rows[i].line, 0, rows[i].message);
    struct runbook *book =
        book_of(S("name=v kind=verify") S("name=r kind=rollback timeout=1m excludeFromRunAll=true verify=v")
                    S("name=a verify=v rollback=r timeout=1m excludeFromRunAll=true "
                      "cwd=$ABC") "```sh {name=ABC kind=check}\nx\n```\n");
    if (book->findings.len != 0) {
        print_findings(book);
        fail_msg("a good document is blamed");
    }
    runbook_free(book);
}

static void test_html_that_hides_nothing(void **state)
{
    (void)state;
    static const char *const good[] = {
        "<!--\n\n" S("name=a") "\n-->\n", "<details>\n<!-- why -->\n\n" S("name=a") "\n</details>\n",
        "<details>\n\n<!--\n" S("name=a") "\n-->\n\n</details>\n", "<!-- a -->\n<!-- b\nc -->\ntext\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct runbook *book = book_of(good[i]);
        if (finding_of(book, "HTML") || finding_of(book, "comment"))
            fail_msg("blamed: %s", good[i]);
        runbook_free(book);
    }
}

static void test_inline_code_is_not_a_lost_fence(void **state)
{
    (void)state;
    struct runbook *book = book_of("``` code ``` in a line\n");
    assert_null(finding_of(book, "backticks"));
    runbook_free(book);
}

/* ---- Front matter ---- */

static void test_severity(void **state)
{
    (void)state;
    static const struct {
        const char *given, *read;
    } rows[] = {{"SEV1", "SEV1"}, {"sev3", "SEV3"}, {"5", "SEV5"},      {"", ""},
                {"SEV9", NULL},   {"SEV0", NULL},   {"critical", NULL}, {"SEV22", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf("---\nrunbook:\n  severity: %s\n---\n" S("name=a"), rows[i].given);
        struct runbook *book = book_of(text);
        if (rows[i].read) {
            expect_no_errors(book);
            assert_string_equal(book->severity, rows[i].read);
        } else {
            assert_non_null(finding_of(book, "is no severity: they are SEV1, the worst, to SEV5"));
        }
        runbook_free(book);
        free(text);
    }
}

static void test_front_matter(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("---\n"
                "title: of another tool\n"
                "runbook:\n"
                "  id: vector-store-shard-down\n"
                "  title: Vector store shard down or index corrupt\n"
                "  severity: SEV2\n"
                "  offer:                                   # any condition\n"
                "    - {if: shard.state in (down, degraded), for: 30s}\n"
                "    - {if: signal.golden-canary.state == down}\n"
                "  vars:\n"
                "    NS:    {default: rag, ask: Kubernetes namespace}\n"
                "    SHARD: {from: entity.name, extract: \".*/(.*)\", match: \"shard-[0-9]+\"}\n"
                "    TOKEN: {secret: env:STORE_TOKEN}\n"
                "---\n" S("name=a"));
    expect_no_errors(book);
    assert_true(book->declared);
    assert_string_equal(book->id, "vector-store-shard-down");
    assert_string_equal(book->title, "Vector store shard down or index corrupt");
    assert_string_equal(book->severity, "SEV2");
    assert_int_equal(book->offers.len, 2);
    assert_string_equal(book->offers.data[0].condition, "shard.state in (down, degraded)");
    assert_int_equal(book->offers.data[0].for_ms, 30000);
    assert_int_equal(book->offers.data[0].line, 8);
    assert_string_equal(book->offers.data[1].condition, "signal.golden-canary.state == down");
    assert_int_equal(book->offers.data[1].for_ms, 0);
    assert_int_equal(book->vars.len, 3);
    assert_string_equal(book->vars.data[0].fallback, "rag");
    assert_string_equal(book->vars.data[1].extract, ".*/(.*)");
    assert_string_equal(book->vars.data[2].secret, "env:STORE_TOKEN");
    assert_int_equal(book->steps.data[0].line, 15);
    runbook_free(book);
}

static void test_wrong_front_matter(void **state)
{
    (void)state;
#define F(text) "---\nrunbook:\n" text "---\n"
    static const struct {
        const char *document, *message;
        int line, column;
    } rows[] = {
        {F("  titel: x\n"), "unknown key \"titel\"", 3, 3},
        {F("  offer: x\n"), "`offer` is a list", 3, 10},
        {F("  offer:\n    - {for: 3s}\n"), "without `if`", 4, 0},
        {F("  offer:\n    - {if: shard.state ~ down}\n"), "", 4, 12},
        {F("  offer:\n    - {if: shard.state == down, for: ages}\n"), "", 4, 0},
        {F("  offer:\n    - {if: shard.state == down, fro: 3s}\n"), "unknown key \"fro\"", 4, 0},
        {F("  vars: [a]\n"), "`vars` is a mapping", 3, 0},
        {F("  vars:\n    NS: rag\n"), "a variable is", 4, 0},
        {F("  vars:\n    NS: {defualt: rag}\n"), "unknown key \"defualt\"", 4, 10},
        {F("  vars:\n    BELAY_X: {default: rag}\n"), "can't be a variable's name", 4, 5},
        {F("  vars:\n    A: {match: \"(\"}\n"), "match: ", 4, 0},
        {F("  vars:\n    A: {match: \"[0-9]\", default: x}\n"), "doesn't match", 4, 0},
        {F("  vars:\n    A: {default: a b}\n"), "doesn't match", 4, 0},
        {F("  vars:\n    A: {extract: x}\n"), "there is none", 4, 0},
        {F("  vars:\n    A: {secret: hunter2}\n"), "a secret is a reference", 4, 0},
        {F("  vars:\n    A: {secret: env:A, default: x}\n"), "no other source", 4, 0},
        {F("  id: a b\n"), "an id matches", 3, 7},
        {F("  id: x\n  id: y\n"), "twice", 4, 3},
        {F(" \tid: x\n"), "front matter", 3, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_finding(rows[i].document, FINDING_ERROR, rows[i].line, rows[i].column, rows[i].message);
}

static void test_other_peoples_front_matter(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "---\ntitle: x\ntags: [a, b]\n---\n",
        "---\n---\n",
        "---\nx: !tag y\n---\n",
        "---\nx: *a\n...\n",
        "+++\ntitle = \"x\"\n+++\n",
        "---  \nx: 1\n--- \n",
        "---\nx: 1\nx: 2\n---\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char *text = xasprintf("%s" S("name=a"), heads[i]);
        struct runbook *book = book_of(text);
        expect_no_errors(book);
        assert_false(book->declared);
        assert_int_equal(book->steps.len, 1);
        runbook_free(book);
        free(text);
    }
}

static void test_thematic_breaks_are_no_front_matter(void **state)
{
    (void)state;
    struct runbook *book = book_of("---\nHello.\n\n" S("name=a") "\n---\n" S("name=b"));
    assert_int_equal(book->steps.len, 2);
    runbook_free(book);
    book = book_of("---\nnever: closed\n\n" S("name=a"));
    assert_int_equal(book->steps.len, 1);
    runbook_free(book);
}

static void test_errors_are_seen_behind_a_thousand_warnings(void **state)
{
    (void)state;
    struct str text = {0};
    for (int i = 0; i < 1200; i++)
        str_addf(&text, "```sh {x%d=1 kind=check}\na\n```\n", i);
    str_add(&text, "```sh {kind=nonsense}\na\n```\n");
    struct runbook *book = book_of(str_text(&text));
    assert_int_equal(runbook_runnable(book, NULL), ERR_SYNTAX);
    runbook_free(book);
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_become_numbers),
        cmocka_unit_test(test_what_is_wrong_with_a_reference),
        cmocka_unit_test(test_cycles_are_errors),
        cmocka_unit_test(test_lint),
        cmocka_unit_test(test_html_that_hides_nothing),
        cmocka_unit_test(test_inline_code_is_not_a_lost_fence),
        cmocka_unit_test(test_severity),
        cmocka_unit_test(test_front_matter),
        cmocka_unit_test(test_wrong_front_matter),
        cmocka_unit_test(test_other_peoples_front_matter),
        cmocka_unit_test(test_thematic_breaks_are_no_front_matter),
        cmocka_unit_test(test_errors_are_seen_behind_a_thousand_warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
