/* Documents: what becomes a step, with which id, title and prose; what is refused as a whole. */
#include "engine/runbook/runbook.h"

#include <time.h>

#include "tests/unit/runbook/book.h"

/* Every step as "kind id|title|script" lines. */
static void check_at(const char *where, const char *document, const char *expected)
{
    struct runbook *book = book_of(document);
    struct str out = {0};
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        str_addf(&out, "%s %s|%s|%s\n", step_kind_text(s->kind), s->id, s->title,
                 s->script ? s->script : s->source);
    }
    if (!str_eq(str_text(&out), expected))
        fail_msg("%s: document:\n%s\nsteps:\n%s\nexpected:\n%s", where, document, str_text(&out), expected);
    str_fini(&out);
    runbook_free(book);
}
#define check(document, expected) check_at(__func__, document, expected)

static void test_shell_blocks_are_steps(void **state)
{
    (void)state;
    static const char *const yes[] = {"sh", "shell", "bash", "zsh", "console", "shell-session", "Bash", "SH"};
    static const char *const no[] = {"",     "yaml",    "python", "text",      "shx",
                                     "fish", "mermaid", "json",   "powershell"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        char *text = xasprintf("```%s\nls\n```\n", yes[i]);
        check(text, "action step-1|ls|ls\n\n");
        free(text);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        char *text = xasprintf("```%s\nls\n```\n", no[i]);
        check(text, "");
        free(text);
    }
}

static void test_an_unannotated_step_is_confirmed_with_yes(void **state)
{
    (void)state;
    struct runbook *book = book_of("# A\n```sh\nls\n```\n");
    const struct step *s = &book->steps.data[0];
    assert_int_equal(s->kind, STEP_ACTION);
    assert_int_equal(s->confirm, CONFIRM_YES);
    assert_string_equal(s->interpreter, "bash -eo pipefail -c");
    assert_int_equal(s->timeout.ms, 0);
    assert_int_equal(s->onfail, ONFAIL_ASK);
    assert_false(s->idempotent);
    assert_int_equal(s->place, 1);
    assert_int_equal(runbook_runnable(book, NULL), 0);
    runbook_free(book);
}

static void test_fences_of_all_sorts(void **state)
{
    (void)state;
    check("~~~sh\na\n~~~\n", "action step-1|a|a\n\n");
    check("````sh\n```\na\n````\n", "action step-1|```|```\na\n\n");
    check("   ```sh\n   a\n   ```\n", "action step-1|a|a\n\n");
    check("    ```sh\n    a\n    ```\n", ""); /* indented: text */
    check("\t```sh\n\ta\n\t```\n", "");
    check("<!--\n```sh\na\n```\n-->\n", ""); /* a comment */
    check("<!-- x -->\n\n```sh\na\n```\n", "action step-1|a|a\n\n");
    check("```sh\n\n```\n", ""); /* nothing runs */
    check("```sh\n\ta\n```\n", "action step-1|a|\ta\n\n");
    check("```  sh  x\na\n```\n", "action step-1|a|a\n\n");
}

static void test_line_ends_and_marks(void **state)
{
    (void)state;
    check("# T\r\n\r\n```sh\r\na\r\nb\r\n```\r\n", "action t-1|T|a\nb\n\n");
    check("# T\r```sh\ra\r```\r", "action t-1|T|a\n\n");
    check("\xef\xbb\xbf```sh\na\n```\n", "action step-1|a|a\n\n");
    check("\xef\xbb\xbf---\ntitle: x\n---\n```sh\na\n```\n", "action step-1|a|a\n\n");
    check("```sh\na\n```", "action step-1|a|a\n\n");
}

static void test_blocks_in_lists_and_quotes(void **state)
{
    (void)state;
    check("- do:\n\n  ```sh\n  a\n    b\n  ```\n", "action step-1|do|a\n  b\n\n");
    check("1. do this:\n   ```sh\n   a\n   ```\n2. then that\n   ```sh\n   b\n   ```\n",
          "action step-1|do this|a\n\naction step-2|then that|b\n\n");
    check("> ```sh\n> a\n> ```\n", "action step-1|a|a\n\n");
    check("> - x\n>   ```sh\n>   a\n>   ```\n", "action step-1|x|a\n\n");
    check("-\t```sh\n\ta\n\t```\n", "action step-1|a|a\n\n");
}

static void test_an_open_fence_is_shown_never_run(void **state)
{
    (void)state;
    static const char *const open[] = {
        "```sh\na\n",
        "```sh\na",
        "```sh",
        "~~~sh\na\n```\n",
        "````sh\na\n```\n",
        "> ```sh\n> a\n\ntext\n",
        "> ```sh\n> a\n",
        "- ```sh\n  a\n\ntext\n",
        "> ```sh\n> a\n```\n",
        "- ```sh\n  a\n```\n",
        "1. ```sh\n   a\n2. b\n",
        "> ```sh\n> a\n``` x\n",
        "```sh\na\n    ```\n",
    };
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        struct runbook *book = book_of(open[i]);
        if (book->steps.len != 0 || (!finding_of(book, "nothing closes") && !finding_of(book, "empty")))
            fail_msg("%s: %zu steps", open[i], book->steps.len);
        runbook_free(book);
    }
    /* the fence behind it opens a block of its own, which is closed */
    check("> ```sh\n> a\n```sh\nb\n```\n", "action step-1|b|b\n\n");
    struct runbook *book = book_of("Look:\n```sh\nrm -rf x\n");
    assert_non_null(strstr(book->closing, "    rm -rf x"));
    runbook_free(book);
}

static void test_tasks_are_manual_steps(void **state)
{
    (void)state;
    check("## Call\n- [ ] Call the DBA. Ask nicely.\n- [ ] Page *bob* (`#ops`)\n",
          "manual call-1|Call the DBA|Call the DBA. Ask nicely.\nmanual call-2|Page bob (#ops)|Page bob "
          "(#ops)\n");
    check("- [x] done\n- [X] done\n- [] no\n- [ ]no\n- \\[ ] no\n- [ ](url) no\n", "");
    check("1. [ ] one\n", "manual step-1|one|one\n");
    check("> * [ ] one\n", "manual step-1|one|one\n");
    check("- [ ] one\n  ```sh\n  a\n  ```\n", "manual step-1|one|one\naction step-2|a|a\n\n");
}

static void test_titles_and_ids(void **state)
{
    (void)state;
    check("## Re-open the shard!\n```sh\na\n```\n```sh\nb\n```\n",
          "action re-open-the-shard-1|Re-open the shard!|a\n\naction re-open-the-shard-2|Re-open the "
          "shard!|b\n\n");
    check("## H\n```sh\na\n```\nFirst. Then wait for it:\n```sh\nb\n```\n",
          "action h-1|H|a\n\naction h-2|Then wait for it|b\n\n");
    check("## H\n```sh {name=x}\na\n```\n```sh {name=y}\nb\n```\n", "action x|H|a\n\naction y|y|b\n\n");
    check("## H\n```sh\na\n```\n# H\n```sh {name=h-2}\nb\n```\n```sh\nc\n```\n",
          "action h-1|H|a\n\naction h-2|H|b\n\naction h-3|H|c\n\n");
    check("## \xe6\x97\xa5\xe6\x9c\xac\n```sh\na\n```\n", "action step-1|\xe6\x97\xa5\xe6\x9c\xac|a\n\n");
    check("Scale <replicas> up<br> <b>now</b>:\n```sh\na\n```\n",
          "action step-1|Scale <replicas> up now|a\n\n");
    check("Do [it](http://x/y) now:\n```sh\na\n```\n", "action step-1|Do it (http://x/y) now|a\n\n");
}

static void test_prose_goes_with_the_step_that_it_precedes(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("# Title\n\nIntro *x*.\n\n- one\n- two\n  - three\n\n```yaml\na: 1\n```\n\n## Go\n\nNow.\n\n"
                "```sh\na\n```\nBetween.\n```sh\nb\n```\nThe end, see <https://x.y>.\n");
    assert_string_equal(book->steps.data[0].prose,
                        "Intro x.\n\n- one\n- two\n  - three\n\n    a: 1\n\nNow.");
    assert_string_equal(book->steps.data[0].title, "Go");
    assert_string_equal(book->steps.data[0].section, "Go");
    assert_string_equal(book->steps.data[1].prose, "Between.");
    assert_string_equal(book->closing, "The end, see https://x.y.");
    assert_string_equal(book->title, "Title");
    assert_string_equal(book->id, "test");
    assert_int_equal(book->steps.data[0].line, 17);
    runbook_free(book);
}

static void test_annotations_become_a_step(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("```sh "
                "{\"name\":\"a\",\"kind\":\"action\",\"confirm\":\"type:GO\",\"scope\":\"shard\",\"timeout\":"
                "\"2m\",\"fresh\":\"30s\","
                "\"idempotent\":\"true\",\"onfail\":\"stop\",\"expect\":\"^ok$\",\"tag\":\"x,y\","
                "\"excludeFromRunAll\":\"true\"}\na\n```\n"
                "```sh { name=b kind=check until=1m every=500ms hold=10s timeout=5s confirm=key }\nb\n```\n");
    const struct step *a = step_of(book, "a"), *b = step_of(book, "b");
    expect_no_errors(book);
    assert_int_equal(a->confirm, CONFIRM_TYPE);
    assert_string_equal(a->confirm_text, "GO");
    assert_int_equal(a->scope, SCOPE_SHARD);
    assert_int_equal(a->timeout.ms, 120000);
    assert_int_equal(a->fresh.ms, 30000);
    assert_true(a->idempotent && a->onfail_given && a->exclude_from_run_all && a->named);
    assert_int_equal(a->onfail, ONFAIL_STOP);
    assert_string_equal(a->expect, "^ok$");
    assert_string_equal(a->tags[1], "y");
    assert_int_equal(b->kind, STEP_CHECK);
    assert_int_equal(b->until.ms, 60000);
    assert_int_equal(b->every.ms, 500);
    assert_int_equal(b->hold.ms, 10000);
    assert_int_equal(b->timeout.ms, 5000);
    assert_int_equal(b->confirm, CONFIRM_KEY);
    runbook_free(book);
}

static void test_defaults_by_kind(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("```sh {name=c kind=check}\na\n```\n```sh {name=e kind=evidence}\na\n```\n"
                "```sh {name=r kind=rollback}\na\n```\n```sh {name=a evidence=e rollback=r}\na\n```\n");
    assert_int_equal(step_of(book, "c")->timeout.ms, 30000);
    assert_int_equal(step_of(book, "c")->confirm, CONFIRM_NONE);
    assert_int_equal(step_of(book, "c")->every.ms, 5000);
    assert_int_equal(step_of(book, "e")->timeout.ms, 30000);
    assert_int_equal(step_of(book, "r")->timeout.ms, 0);
    assert_int_equal(step_of(book, "r")->confirm, CONFIRM_YES);
    assert_int_equal(step_of(book, "r")->place, 0);
    assert_int_equal(step_of(book, "a")->place, 2);
    assert_int_equal(step_of(book, "a")->fresh.ms, 10000);
    assert_int_equal(book->walk.len, 2);
    runbook_free(book);
}

static void test_runme_keys(void **state)
{
    (void)state;
    struct runbook *book = book_at(
        "/srv/books/x.md",
        "---\ncwd: tools\nshell: zsh\n---\n```sh {cwd=sub name=a}\na\n```\n```sh {cwd=/abs name=b}\na\n```\n"
        "```python {interpreter=python3 name=c id=01H background=false terminalRows=9}\nprint(1)\n```\n"
        "```sh {ignore=true}\nno\n```\n```sh {interactive=false name=d promptEnv=no}\nexport A=two "
        "words\n```\n");
    expect_no_errors(book);
    assert_int_equal(book->steps.len, 4);
    assert_string_equal(step_of(book, "a")->cwd, "tools/sub");
    assert_string_equal(step_of(book, "a")->interpreter, "zsh -eo pipefail -c");
    assert_string_equal(step_of(book, "b")->cwd, "/abs");
    assert_string_equal(step_of(book, "c")->interpreter, "python3 -c");
    assert_string_equal(step_of(book, "d")->script, "export A=two words\n");
    assert_false(step_of(book, "d")->interactive);
    runbook_free(book);
}

static void test_interpreters(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"sh", "sh -e -c"},
        {"bash -x", "bash -x -eo pipefail -c"},
        {"bash -ec", "bash -ec"},
        {"/usr/bin/env perl", "/usr/bin/env perl -e"},
        {"psql -qc", "psql -qc"},
        {"node --eval", "node --eval"},
        {"/opt/x/python3 -c", "/opt/x/python3 -c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = xasprintf("```sh {interpreter=\"%s\" name=a}\na\n```\n", rows[i][0]);
        struct runbook *book = book_of(text);
        expect_no_errors(book);
        assert_string_equal(step_of(book, "a")->interpreter, rows[i][1]);
        runbook_free(book);
        free(text);
    }
    expect_finding("```sh {interpreter=awk}\na\n```\n", FINDING_ERROR, 1, 8, "takes a program");
    expect_finding("---\nshell: fish\n---\n```sh\na\n```\n", FINDING_ERROR, 2, 8, "takes a program");
}

static void test_recorded_output_is_taken_apart(void **state)
{
    (void)state;
    struct runbook *book = book_of("```console\n$ ls \\\n  -l\ntotal 0\n$ pwd\n/\n```\n");
    assert_string_equal(book->steps.data[0].script, "ls \\\n  -l\npwd\n");
    assert_string_equal(book->steps.data[0].expected, "total 0\n/\n");
    runbook_free(book);
}

static void test_exporting_blocks(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("```sh {name=SNAPSHOT}\na\n```\n```sh {name=OK}\na\n```\n```sh {name=BELAY_X}\na\n```\n"
                "```sh\nexport NS=Which namespace?\nuse <SNAPSHOT> <other>\n```\n");
    assert_string_equal(step_of(book, "SNAPSHOT")->exports, "SNAPSHOT");
    assert_null(step_of(book, "OK")->exports); /* two letters are a name like any other */
    assert_null(step_of(book, "BELAY_X")->exports);
    int ns = runbook_find_var(book, "NS"), snapshot = runbook_find_var(book, "SNAPSHOT"),
        other = runbook_find_var(book, "other");
    assert_int_equal(book->vars.data[ns].origin, VAR_PROMPT);
    assert_string_equal(book->vars.data[ns].ask, "Which namespace?");
    assert_int_equal(book->vars.data[snapshot].origin, VAR_OUTPUT);
    assert_int_equal(book->vars.data[other].origin, VAR_PLACEHOLDER);
    const struct step *s = &book->steps.data[3];
    assert_int_equal(s->needs[0], ns);
    assert_int_equal(s->needs[1], snapshot);
    assert_int_equal(s->needs[2], other);
    assert_int_equal(s->needs[3], -1);
    runbook_free(book);
}

static void test_only_declared_placeholders_in_a_declared_document(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("---\nrunbook:\n  vars:\n    SHARD: {default: s}\n---\n```sh\na <SHARD> <pod>\n```\n");
    assert_int_equal(book->vars.len, 1);
    assert_int_equal(book->steps.data[0].needs[0], 0);
    assert_int_equal(book->steps.data[0].needs[1], -1);
    runbook_free(book);
}

static void test_decisions(void **state)
{
    (void)state;
    struct runbook *book =
        book_of("```text {kind=decision name=d}\nbackup: switch to it\n\n  none:there is none\n```\n"
                "```sh {when=d=backup name=a}\na\n```\n");
    const struct step *d = step_of(book, "d"), *a = step_of(book, "a");
    expect_no_errors(book);
    assert_int_equal(d->answers.len, 2);
    assert_string_equal(d->answers.data[0].value, "backup");
    assert_string_equal(d->answers.data[0].text, "switch to it");
    assert_string_equal(d->answers.data[1].value, "none");
    assert_string_equal(d->answers.data[1].text, "there is none");
    assert_null(d->script);
    assert_string_equal(a->when.data[0].value, "backup");
    runbook_free(book);
    expect_finding("```text {kind=decision}\na: b\nno colon\n```\n", FINDING_ERROR, 3, 1, "value: text");
    expect_finding("```text {kind=decision}\na: b\na: c\n```\n", FINDING_ERROR, 3, 1, "twice");
    expect_finding("```text {kind=decision}\n\n```\n", FINDING_ERROR, 1, 1, "without answers");
    expect_finding("```text {kind=decision}\na b: c\n```\n", FINDING_ERROR, 2, 1, "is not");
}

static void refused(const char *bytes, size_t length, int code, const char *why)
{
    struct err e = {0};
    struct runbook *book = runbook_parse("x.md", bytes, length, &e);
    if (book || e.code != code || !strstr(e.msg, why))
        fail_msg("%.40s: %s", bytes, book ? "taken" : e.msg);
}

static void test_what_is_refused_as_a_whole(void **state)
{
    (void)state;
    refused("abc\xff", 4, ERR_SYNTAX, "byte offset 3");
    refused("\xef\xbb\xbf"
            "ab\xc0\xaf",
            7, ERR_SYNTAX, "byte offset 5");
    refused("ab\0c", 4, ERR_SYNTAX, "NUL byte at offset 2");
    struct str big = {0};
    for (int i = 0; i < 512 * 1024 / 4; i++)
        str_add(&big, "abc\n");
    struct err e = {0};
    struct runbook *book = runbook_parse("x.md", str_text(&big), big.len, &e);
    assert_non_null(book); /* exactly the limit */
    runbook_free(book);
    str_add_char(&big, '\n');
    refused(str_text(&big), big.len, ERR_RANGE, "524289 bytes");
    str_fini(&big);
    const char *session =
        "---\nrunme:\n  document:\n    relativePath: R.md\n  session:\n    id: 01H\n---\n```sh\na\n```\n";
    refused(session, strlen(session), ERR_FOREIGN, "x.md:6");
    const char *output =
        "# A\n\n```sh\nls\n\n# Ran on 2023-11-29 17:58:19Z for 2.296s exited with 16\nDoes it work?\n```\n";
    refused(output, strlen(output), ERR_FOREIGN, "x.md:6");
}

static void test_malformed_annotations_keep_a_document_from_running(void **state)
{
    (void)state;
    expect_finding("x\n\n```sh {\"name\":\n```\n", FINDING_ERROR, 3, 7, "malformed");
    expect_finding("> - ```sh {a=1 a=2}\n>   x\n>   ```\n", FINDING_ERROR, 1, 16, "twice");
    struct runbook *book = book_of("```sh {\"confirm\":\"type:X\"\na\n```\n");
    struct err e = {0};
    assert_int_equal(runbook_runnable(book, &e), ERR_SYNTAX);
    assert_non_null(strstr(e.msg, "books/test.md:1:7: "));
    runbook_free(book);
}

static void test_bad_values_are_errors_in_any_document(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "kind=acton",
        "confirm=maybe",
        "confirm=type",
        "confirm=type:",
        "confirm=none",
        "scope=world",
        "onfail=explode",
        "timeout=soon",
        "timeout=30",
        "fresh=-1s",
        "idempotent=perhaps",
        "expect=(",
        "expect=\\d",
        "timeout=",
        "scope=",
        "kind=check every=1ms",
        "kind=check until=99999d",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = xasprintf("```sh {%s}\na\n```\n", bad[i]);
        struct runbook *book = book_of(text);
        if (runbook_count(book, FINDING_ERROR) == 0)
            fail_msg("%s is taken", bad[i]);
        runbook_free(book);
        free(text);
    }
}

static void test_unknown_keys(void **state)
{
    (void)state;
    expect_finding(HEAD "```sh {comfirm=type:X}\na\n```\n", FINDING_ERROR, 5, 8,
                   "unknown annotation \"comfirm\"");
    expect_finding("```sh {comfirm=type:X}\na\n```\n", FINDING_WARNING, 1, 8,
                   "unknown annotation \"comfirm\"");
    expect_finding("```sh {linenos=table}\na\n```\n", FINDING_WARNING, 1, 8, "linenos");
}

static void test_a_document_without_steps_does_not_run(void **state)
{
    (void)state;
    struct runbook *book = book_of("# Hello\n");
    assert_int_equal(runbook_runnable(book, NULL), ERR_NOT_FOUND);
    runbook_free(book);
    book = book_of("");
    assert_int_equal(runbook_runnable(book, NULL), ERR_NOT_FOUND);
    assert_string_equal(book->title, "test");
    runbook_free(book);
}

static void test_a_block_too_long_for_an_argument_is_shown(void **state)
{
    (void)state;
    struct str text = {0};
    str_add(&text, "```sh\n");
    while (text.len < RUNBOOK_SCRIPT_MAX + 100)
        str_add(&text, "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
    str_add(&text, "```\n");
    struct runbook *book = book_of(str_text(&text));
    assert_int_equal(book->steps.len, 0);
    assert_non_null(finding_of(book, "never run"));
    runbook_free(book);
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell_blocks_are_steps),
        cmocka_unit_test(test_an_unannotated_step_is_confirmed_with_yes),
        cmocka_unit_test(test_fences_of_all_sorts),
        cmocka_unit_test(test_line_ends_and_marks),
        cmocka_unit_test(test_blocks_in_lists_and_quotes),
        cmocka_unit_test(test_an_open_fence_is_shown_never_run),
        cmocka_unit_test(test_tasks_are_manual_steps),
        cmocka_unit_test(test_titles_and_ids),
        cmocka_unit_test(test_prose_goes_with_the_step_that_it_precedes),
        cmocka_unit_test(test_annotations_become_a_step),
        cmocka_unit_test(test_defaults_by_kind),
        cmocka_unit_test(test_runme_keys),
        cmocka_unit_test(test_interpreters),
        cmocka_unit_test(test_recorded_output_is_taken_apart),
        cmocka_unit_test(test_exporting_blocks),
        cmocka_unit_test(test_only_declared_placeholders_in_a_declared_document),
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_what_is_refused_as_a_whole),
        cmocka_unit_test(test_malformed_annotations_keep_a_document_from_running),
        cmocka_unit_test(test_bad_values_are_errors_in_any_document),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_a_document_without_steps_does_not_run),
        cmocka_unit_test(test_a_block_too_long_for_an_argument_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
