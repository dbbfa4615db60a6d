/* room: runbook */
/* Any bytes as the answers of a rehearsal: refused with a sentence that says where, or every answer can be
 * asked for and ends. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/runbook/runbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char document[] =
    "---\nrunbook:\n  vars:\n    NS: {default: rag}\n    TOKEN: {secret: env:X}\n---\n# Try\n\n"
    "```sh {name=look kind=check expect=^ok}\ntrue\n```\n\n```sh {name=act verify=v "
    "rollback=back}\ntrue\n```\n\n"
    "```sh {name=v kind=verify}\ntrue\n```\n\n```sh {name=back kind=rollback}\ntrue\n```\n\n"
    "```sh {name=OUT kind=check}\ntrue\n```\n\n```sh {name=which kind=decision}\na: this\nstop: that\n```\n\n"
    "- [ ] tell people\n";

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void ask_all(struct answers *answers, int step, size_t most)
{
    struct made_up made_up;
    struct said said;
    struct str text = {0};
    for (unsigned nth = 1; nth < 5; nth++)
        if (answers_outcome(answers, step, nth, &made_up)) {
            str_clear(&text);
            made_up_text(&made_up, &text);
            must(made_up_parse(str_text(&text), &made_up, NULL) == 0 && answers_executes(answers, step));
        }
    size_t count = 0;
    while (answers_say(answers, step, &said) || answers_then(answers, step, &said)) {
        must(said.reason != NULL && strlen(said.reason) <= most && ++count <= most);
        must(said.kind != ANSWER_VALUE || said.value != NULL);
    }
    str_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct runbook *book;
    struct err e = {0};
    struct str unused = {0};
    if (!book)
        book = runbook_parse("try.md", document, sizeof document - 1, &e);
    must(book != NULL);
    struct answers *answers = answers_parse(book, "a.txt", (const char *)bytes, length, &e);
    if (!answers) {
        must(str_starts(e.msg, "a.txt:") && e.code < 0);
        return 0;
    }
    for (int step = 0; step < (int)book->steps.len; step++)
        ask_all(answers, step, length + 64);
    for (char *const *pair = answers_values(answers); pair && *pair; pair++)
        must(strchr(*pair, '=') != NULL);
    answers_unused(answers, &unused);
    str_fini(&unused);
    answers_free(answers);
    return 0;
}
