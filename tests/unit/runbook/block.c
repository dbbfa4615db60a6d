/* Blocks: prompts, recorded output, exports, placeholders. */
#include "engine/runbook/block.h"

#include "tests/unit/runbook/book.h"

static void check(const char *source, const char *script, const char *expected)
{
    struct block b;
    block_read(source, true, &b);
    if (!str_eq(b.script, script) || !str_eq(b.expected, expected))
        fail_msg("source:\n%s\nscript:\n%s\nwanted:\n%s\nexpected:\n%s\nwanted:\n%s", source, b.script,
                 script, b.expected, expected);
    block_fini(&b);
}

static void test_a_block_without_prompts_runs_whole(void **state)
{
    (void)state;
    check("", "", "");
    check("ls\n", "ls\n", "");
    check("a\n\nb", "a\n\nb", "");
    check("echo $HOME\n$FOO bar\n", "echo $HOME\n$FOO bar\n", "");
    check(" $ ls\n", " $ ls\n", ""); /* only a leading one is a prompt */
    check("# ls\n> cat\n", "# ls\n> cat\n", "");
}

static void test_prompted_lines_run_the_rest_is_output(void **state)
{
    (void)state;
    check("$ ls\na b\n$ pwd\n/\n", "ls\npwd\n", "a b\n/\n");
    check("$ $ ls\n", "$ ls\n", "");
    check("Now:\n$ ls\n", "ls\n", "Now:\n");
    check("$ ls\n$\n", "ls\n", "$\n");
    check("can't find it\n$ ls\n", "ls\n", "can't find it\n"); /* an apostrophe of output opens nothing */
}

static void test_continuations_belong_to_their_command(void **state)
{
    (void)state;
    check("$ ls \\\n  -l\nout\n", "ls \\\n  -l\n", "out\n");
    check("$ ls \\\\\nout\n", "ls \\\\\n", "out\n");
    check("$ a |\n  b\nout\n", "a |\n  b\n", "out\n");
    check("$ a && # why\n  b\nout\n", "a && # why\n  b\n", "out\n");
    check("$ echo 'a\nb'\nout\n", "echo 'a\nb'\n", "out\n");
    check("$ echo \"a\nb\"\nout\n", "echo \"a\nb\"\n", "out\n");
    check("$ cat <<EOF\n$ x\nEOF\nout\n", "cat <<EOF\n$ x\nEOF\n", "out\n");
    check("$ cat <<-'E' | b\n\tx\n\tE\nout\n", "cat <<-'E' | b\n\tx\n\tE\n", "out\n");
    check("$ a <<A <<B\n1\nA\n2\nB\nout\n", "a <<A <<B\n1\nA\n2\nB\n", "out\n");
    check("$ echo $((1<<n))\nout\n", "echo $((1<<n))\n", "out\n");
    check("$ cat <<<word\nout\n", "cat <<<word\n", "out\n");
    check("$ echo # it's\nout\n", "echo # it's\n", "out\n");
    check("$ a 'b\n$ c\n", "a 'b\nc\n", ""); /* a prompt always begins a command */
}

static void test_a_prompt_in_a_here_document_is_text(void **state)
{
    (void)state;
    check("cat <<EOF\n$ ls\nEOF\n", "cat <<EOF\n$ ls\nEOF\n", "");
}

static void check_lists(const char *source, const char *prompts, const char *carries)
{
    struct block b;
    struct str asked = {0}, carried = {0};
    block_read(source, true, &b);
    for (size_t i = 0; i < b.prompts.len; i++)
        str_addf(&asked, "%s:%s;", b.prompts.data[i].name, b.prompts.data[i].message);
    for (char **name = b.carries; name && *name; name++)
        str_addf(&carried, "%s;", *name);
    if (!str_eq(str_text(&asked), prompts) || !str_eq(str_text(&carried), carries))
        fail_msg("%s asks %s and carries %s", source, str_text(&asked), str_text(&carried));
    str_fini(&asked);
    str_fini(&carried);
    block_fini(&b);
}

static void test_exports_of_several_words_ask(void **state)
{
    (void)state;
    check("export NS=Which namespace?\necho \"$NS\"\n", "export NS\necho \"$NS\"\n", "");
    check_lists("export NS=Which namespace?\n", "NS:Which namespace?;", "");
    check_lists("  export A_1=two words\n", "A_1:two words;", "");
    check_lists("export A=\"two words\"\n", "", "A;");
    check_lists("export A=word\n", "", "A;");
    check_lists("export A=word # a comment\n", "", "A;");
    check_lists("export A=$(two words)\n", "", "A;");
    check_lists("export A=b C=d\n", "", "A;C;");
    check_lists("export A=a b | c\n", "", "A;b;");
    check_lists("export BELAY_RUN=two words\n", "", "");
    check_lists("export A= two words\n", "", "A;two;words;");
    check_lists("cat <<E\nexport A=two words\nE\n", "", "");
    struct block b;
    block_read("export A=two words\n", false, &b);
    assert_int_equal(b.prompts.len, 0);
    assert_string_equal(b.script, "export A=two words\n");
    block_fini(&b);
}

static void test_explicit_exports_carry_over(void **state)
{
    (void)state;
    check_lists("A=1\nexport A\n", "", "A;");
    check_lists("true && export A=\"x y\" B=2; export C\n", "", "A;B;C;");
    check_lists("if x; then export A=1; fi\n", "", "A;");
    check_lists("x() { export A=1; }\n", "", "A;");
    check_lists("# export A=1\necho export B=1\nexports C=1\n", "", "");
    check_lists("export BELAY_X=1 A=1\n", "", "");
}

static void test_placeholders(void **state)
{
    (void)state;
    static const struct {
        const char *text, *found;
    } rows[] = {
        {"kubectl -n <namespace> get <pod name>", "namespace;pod name;"},
        {"a <shard-5_x>", "shard-5_x;"},
        {"a <1>", "1;"},
        {"a < b >", ""},
        {"a <b >", ""},
        {"a <-b>", ""},
        {"a <b.c>", ""},
        {"cat <<EOF>x", ""},
        {"a <b <c>", "c;"},
        {"a <>", ""},
        {"<a><b>", "a;b;"},
        {"<\xc3\xa9t\xc3\xa9>", "\xc3\xa9t\xc3\xa9;"},
        {"a <b\nc>", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str found = {0};
        size_t length;
        for (const char *c = rows[i].text; (c = placeholder_next(rows[i].text, c, &length)); c += length)
            str_addf(&found, "%.*s;", (int)length - 2, c + 1);
        if (!str_eq(str_text(&found), rows[i].found))
            fail_msg("%s: %s, expected %s", rows[i].text, str_text(&found), rows[i].found);
        str_fini(&found);
    }
}

static void test_line_ends(void **state)
{
    (void)state;
    char *text = text_unix("a\r\nb\rc\n\r\n");
    assert_string_equal(text, "a\nb\nc\n\n");
    free(text);
}

static void test_recorded_sessions(void **state)
{
    (void)state;
    assert_int_equal(text_recorded("ls\n\n# Ran on 2023-11-29 17:58:19Z for 2.296s exited with 16\nx\n"), 3);
    assert_int_equal(text_recorded("# Exited with 0\n"), 1);
    assert_int_equal(text_recorded("# Ran on a Tuesday\n# Exited with grace\nexited with 0\n"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_without_prompts_runs_whole),
        cmocka_unit_test(test_prompted_lines_run_the_rest_is_output),
        cmocka_unit_test(test_continuations_belong_to_their_command),
        cmocka_unit_test(test_a_prompt_in_a_here_document_is_text),
        cmocka_unit_test(test_exports_of_several_words_ask),
        cmocka_unit_test(test_explicit_exports_carry_over),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_recorded_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
