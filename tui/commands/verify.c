/* belay verify: is the journal what was written? */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

#define HEADS_MAX (64u << 20)

/* Mostly out of a pipe: what a log server keeps. */
static int read_heads(const char *path, struct str *text, struct err *e)
{
    char piece[4096];
    FILE *file = str_eq(path, "-") ? stdin : fopen(path, "re");
    if (!file)
        return err_errno(e, "%s", path);
    for (size_t n; text->len <= HEADS_MAX && (n = fread(piece, 1, sizeof piece, file)) > 0;)
        str_add_bytes(text, piece, n);
    if (ferror(file))
        err_errno(e, "%s", path);
    else if (text->len > HEADS_MAX)
        err_set(e, ERR_RANGE, "%s has more than %u MiB: pick the lines of this platform", path,
                HEADS_MAX >> 20);
    if (file != stdin)
        fclose(file);
    return e->code;
}

/* False: one of them is not what it says. */
static bool verify_approvals(const struct command_line *line, struct journal *journal, struct err *e)
{
    struct engine_approvals found = {0};
    struct config *config = session_config(line, e);
    struct loop *loop = config ? loop_new(e) : NULL;
    int code = loop ? engine_approvals_check(loop, journal, config, &found, e) : e->code;
    fputs(str_text(&found.report), stdout);
    str_fini(&found.report);
    if (loop)
        loop_free(loop);
    config_free(config);
    return code == 0 && found.bad == 0;
}

static int verify_run(const struct command_line *line)
{
    struct err e = {0};
    struct str heads = {0};
    struct journal_verdict verdict = {0};
    const char *path = command_value(line, "head", NULL);
    struct journal *journal = session_journal(line, false, &e);
    if (journal && path)
        read_heads(path, &heads, &e);
    if (journal && e.code == 0)
        journal_verify(journal, path ? str_text(&heads) : NULL, &verdict, NULL, NULL, &e);
    int status = EXIT_FELL_SHORT;
    if (e.code) {
        command_fail(status, &e);
    } else if (!verdict.ok) {
        printf("NOT intact: %s\n", verdict.problem); /* names the first bad event, if it is one */
    } else if (path && verdict.heads_checked == 0) {
        printf("the chain is intact, but %s has no head of platform %s to compare with\n", path,
               journal_platform(journal));
    } else {
        char hash[SHA256_HEX_SIZE];
        sha256_to_hex(verdict.head_hash, hash);
        printf("intact: %lld event%s, %lld blob%s (%lld bytes)\nhead: %lld %s\n", (long long)verdict.events,
               verdict.events == 1 ? "" : "s", (long long)verdict.blobs, verdict.blobs == 1 ? "" : "s",
               (long long)verdict.blob_bytes, (long long)verdict.head_seq, hash);
        if (path)
            printf("%lld mirrored head%s: no tail was cut\n", (long long)verdict.heads_checked,
                   verdict.heads_checked == 1 ? " agrees" : "s agree");
        else
            puts("a cut-off tail only shows against mirrored heads: --head FILE");
        status = verify_approvals(line, journal, &e) ? EXIT_DONE : EXIT_FELL_SHORT;
        if (e.code)
            command_fail(status, &e);
    }
    journal_close(journal);
    str_fini(&heads);
    return status;
}

static const struct command_option verify_options[] = {
    {"head", "FILE|-", "mirrored lines `belay-head PLATFORM SEQ HASH` to compare with", false},
    {0},
};

const struct command command_verify = {
    .name = "verify",
    .usage = "[--head FILE|-]",
    .help = "check the journal's hash chain, blobs and signed approvals",
    .options = verify_options,
    .flags = COMMAND_NO_WORD,
    .run = verify_run,
};
