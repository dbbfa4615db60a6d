/* Which blocks run is CommonMark's affair: a counter of its own, over cmark's tree alone, must find the same
 * blocks with the same text in whatever document. Random ones here; BELAY_DOCUMENTS=FOLDER takes every .md
 * below a folder instead, for documents of others. */
#include <cmark.h>
#include <ftw.h>
#include <strings.h>

#include "tests/unit/runbook/book.h"

#define LOAD_LIMIT_US (50 * US_PER_MS)

static struct count {
    unsigned documents, refused, blocks, unclosed, empty, late;
    int64_t slowest_us;
    char *slowest;
} seen;

/* ---- What cmark says ---- */

static bool is_shell(const char *info)
{
    static const char *const names[] = {"sh", "shell", "bash", "zsh", "console", "shell-session"};
    size_t length = strcspn(info, " \t{");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (length == strlen(names[i]) && strncasecmp(info, names[i], length) == 0)
            return true;
    return false;
}

static const char *line_at(const char *text, int number)
{
    while (--number > 0 && (text = strchr(text, '\n')))
        text++;
    return text ? text : "";
}

/* Does anything of the tree begin there? */
static bool begins_at(cmark_node *root, int line)
{
    cmark_iter *iter = cmark_iter_new(root);
    bool found = false;
    while (cmark_iter_next(iter) != CMARK_EVENT_DONE)
        found |= cmark_node_get_start_line(cmark_iter_get_node(iter)) == line;
    cmark_iter_free(iter);
    return found;
}

/* A fence that is closed ends one line behind its text, by marks that begin nothing else. */
static bool is_closed(cmark_node *root, cmark_node *node, const char *text)
{
    int lines = 0, last = cmark_node_get_end_line(node);
    for (const char *c = cmark_node_get_literal(node); *c; c++)
        lines += *c == '\n';
    const char *line = line_at(text, last);
    line += strspn(line, " \t>");
    return last - cmark_node_get_start_line(node) == lines + 1 && (*line == '`' || *line == '~') &&
           !begins_at(root, last);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static char **cmark_blocks(const char *text, size_t length)
{
    char **blocks = xcalloc(1, sizeof *blocks);
    cmark_node *root = cmark_parse_document(text, length, CMARK_OPT_DEFAULT), *node;
    cmark_iter *iter = cmark_iter_new(root);
    while (cmark_iter_next(iter) != CMARK_EVENT_DONE) {
        node = cmark_iter_get_node(iter);
        const char *info =
            cmark_node_get_type(node) == CMARK_NODE_CODE_BLOCK ? cmark_node_get_fence_info(node) : "";
        if (!is_shell(info))
            continue;
        bool closed = is_closed(root, node, text);
        seen.unclosed += !closed;
        seen.empty += is_blank(cmark_node_get_literal(node));
        if (closed && !is_blank(cmark_node_get_literal(node)))
            strv_add(&blocks, cmark_node_get_literal(node));
    }
    cmark_iter_free(iter);
    cmark_node_free(root);
    return blocks;
}

/* ---- What belay says ---- */

static void compare(const char *name, const char *text, size_t length)
{
    struct err e = {0};
    int64_t before = cpu_us();
    struct runbook *book = runbook_parse(name, text, length, &e);
    int64_t spent = cpu_us() - before;
    seen.documents++;
    seen.late += spent > LOAD_LIMIT_US;
    if (spent > seen.slowest_us) {
        seen.slowest_us = spent;
        free(seen.slowest);
        seen.slowest = xstrdup(name);
    }
    if (!book) {
        printf("refused: %s\n", e.msg);
        seen.refused++;
        return;
    }
    char **blocks = cmark_blocks(text, length);
    size_t found = 0;
    for (size_t i = 0; i < book->steps.len; i++) {
        const struct step *s = &book->steps.data[i];
        if (!s->script || !is_shell(s->language))
            continue; /* tasks; what an annotation makes of another language */
        if (!blocks[found] || !str_eq(blocks[found], s->source))
            fail_msg("%s:%d: belay runs\n%s\nand cmark has there\n%s\nin\n%s", name, s->line, s->source,
                     blocks[found] ? blocks[found] : "(nothing)", length < 20000 ? text : "(long)");
        found++;
    }
    if (blocks[found])
        fail_msg("%s: cmark has a block that belay leaves out:\n%s\nin\n%s", name, blocks[found],
                 length < 20000 ? text : "(long)");
    seen.blocks += (unsigned)found;
    strv_free(blocks);
    runbook_free(book);
}

static void report(void)
{
    printf("%u documents, %u blocks that run, %u unclosed, %u empty, %u refused; slowest %.1f ms (%s), %u "
           "over %d ms\n",
           seen.documents, seen.blocks, seen.unclosed, seen.empty, seen.refused,
           (double)seen.slowest_us / 1000, seen.slowest ? seen.slowest : "", seen.late,
           (int)(LOAD_LIMIT_US / US_PER_MS));
    free(seen.slowest);
}

/* ---- Random documents, out of what real ones are made of ---- */

static const char *pick(struct rng *r, const char *const *from, size_t count)
{
    return from[rng_below(r, count)];
}
#define PICK(r, list) pick((r), (list), sizeof(list) / sizeof *(list))

static void add_fence(struct rng *r, struct str *out, const char *indent)
{
    static const char *const marks[] = {"```", "```", "```", "````", "~~~", "~~~~"};
    static const char *const infos[] = {"sh",
                                        "bash",
                                        "console",
                                        "shell",
                                        "Bash",
                                        "zsh",
                                        "yaml",
                                        "",
                                        "json",
                                        "shell-session",
                                        " bash ",
                                        "sh title=x",
                                        "promql",
                                        "text",
                                        "bash\thl_lines=1",
                                        "shx",
                                        "bash {linenos=table}",
                                        "sh \\{a\\}",
                                        "&#115;h"};
    static const char *const lines[] = {"kubectl get pods",
                                        "$ oc get nodes",
                                        "NAME  READY",
                                        "",
                                        "  indented",
                                        "\ttab",
                                        "# comment",
                                        "```",
                                        "~~~~",
                                        "> quote",
                                        "- item",
                                        "<b>x</b>",
                                        "echo \"`date`\"",
                                        "    four",
                                        "---",
                                        "1. one",
                                        "\\"};
    const char *mark = PICK(r, marks);
    bool closes = rng_below(r, 20) != 0;
    str_addf(out, "%s%s%s\n", indent, mark, PICK(r, infos));
    for (uint64_t n = rng_below(r, 5); n > 0; n--)
        str_addf(out, "%s%s\n", rng_below(r, 12) ? indent : "", PICK(r, lines));
    if (closes)
        str_addf(out, "%s%s%s\n", rng_below(r, 15) ? indent : " ", mark, rng_below(r, 15) ? "" : "x");
}

static void add_piece(struct rng *r, struct str *out)
{
    static const char *const texts[] = {"# Heading\n\n",
                                        "Heading\n=======\n",
                                        "Some prose with `code` and *more*.\n",
                                        "\n",
                                        "\n",
                                        "<!-- a comment\n\n```sh\nnot a block\n```\n-->\n",
                                        "<div>\n```sh\nhtml\n```\n</div>\n\n",
                                        "    indented code\n    more\n\n",
                                        "- [ ] do this\n- [x] done\n",
                                        "| a | b |\n|---|---|\n| 1 | 2 |\n\n",
                                        "***\n",
                                        "[link]: http://example.com\n",
                                        "text `` ` `` text\n",
                                        "- a\n\n  - b\n"};
    switch (rng_below(r, 8)) {
    case 0:
        str_add(out, "- item\n\n");
        add_fence(r, out, "  ");
        break;
    case 1:
        str_addf(out, "%d. item\n", (int)rng_below(r, 20));
        add_fence(r, out, rng_below(r, 2) ? "   " : "    ");
        break;
    case 2:
        str_add(out, "> quoted\n");
        add_fence(r, out, "> ");
        break;
    case 3:
    case 4:
        add_fence(r, out, "");
        break;
    case 5:
        add_fence(r, out, rng_below(r, 2) ? " " : "   ");
        break;
    default:
        str_add(out, PICK(r, texts));
        break;
    }
    if (rng_below(r, 3))
        str_add(out, "\n");
}

static void random_one(uint64_t seed)
{
    struct rng r;
    struct str text = {0}, crlf = {0};
    rng_seed(&r, seed);
    if (rng_below(&r, 10) == 0)
        str_add(&text, "\xef\xbb\xbf");
    for (uint64_t n = 1 + rng_below(&r, 30); n > 0; n--)
        add_piece(&r, &text);
    bool windows = rng_below(&r, 6) == 0;
    for (size_t i = 0; i < text.len; i++) {
        if (windows && text.data[i] == '\n')
            str_add_char(&crlf, '\r');
        str_add_char(&crlf, text.data[i]);
    }
    char name[40];
    snprintf(name, sizeof name, "seed-%llu.md", (unsigned long long)seed);
    compare(name, str_text(&crlf), crlf.len);
    str_fini(&text);
    str_fini(&crlf);
}

static int real_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)where;
    struct str text = {0};
    struct err e = {0};
    if (kind == FTW_F && str_ends(path, ".md") && file_read(path, RUNBOOK_BYTES_MAX, &text, &e) == 0)
        compare(path, str_text(&text), text.len);
    str_fini(&text);
    return 0;
}

static void test_the_blocks_are_those_of_cmark(void **state)
{
    (void)state;
    const char *folder = getenv("BELAY_DOCUMENTS");
    if (folder)
        assert_int_equal(nftw(folder, real_one, 16, FTW_PHYS), 0);
    for (uint64_t seed = 1; !folder && seed <= 3000; seed++)
        random_one(seed);
    report();
    assert_true(folder || (seen.blocks > 3000 && seen.unclosed > 100));
}

/* ---- Size ---- */

static void test_five_thousand_steps(void **state)
{
    (void)state;
    struct str text = {0};
    str_add(&text, HEAD);
    for (int i = 0; i < 5000; i++)
        str_addf(&text,
                 "## Step %d\n\nSome guidance.\n\n```sh {name=s%d kind=%s timeout=1m}\necho %d\n```\n\n", i,
                 i, i % 2 ? "check" : "action", i);
    int64_t before = cpu_us();
    struct err e = {0};
    struct runbook *book = runbook_parse("long.md", str_text(&text), text.len, &e);
    if (!book)
        fail_msg("%s", e.msg);
    struct run *run = run_new(book);
    struct run_input start = {.kind = INPUT_START};
    assert_int_equal(run_apply(run, &start, NULL, NULL), 0);
    int64_t opened = cpu_us() - before;
    before = cpu_us();
    long inputs = 0;
    while (!run_ended(run, NULL)) {
        struct run_ticket ticket;
        struct run_input in = {.kind = INPUT_CHOOSE,
                               .at_ms = ++inputs,
                               .step = run_current(run),
                               .choice = CHOICE_SKIP,
                               .reason = "long"};
        if (run_tickets(run, &ticket, 1) > 0)
            in = (struct run_input){.kind = INPUT_FINISHED, .at_ms = inputs, .ticket = ticket.ticket};
        assert_int_equal(run_apply(run, &in, NULL, &e), 0);
    }
    int64_t walked = cpu_us() - before;
    printf("5,000 steps: opened in %.1f ms, walked in %.1f ms, %.1f us an input\n", (double)opened / 1000,
           (double)walked / 1000, (double)walked / (double)inputs);
    assert_int_equal(inputs, 5000);
    assert_true(opened < US_PER_S && walked < US_PER_S); /* with sanitizers; bench_runbook has the figures */
    run_free(run);
    runbook_free(book);
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_blocks_are_those_of_cmark),
        cmocka_unit_test(test_five_thousand_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
