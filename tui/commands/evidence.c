/* belay evidence: what the journal keeps beside its events, by the digest that timeline and export name:
 * output, saved evidence, recordings of terminals. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

#define DIGITS_LEAST 8

struct finding {
    const char *prefix;
    char digest[SHA256_HEX_SIZE];
    size_t count; /* of different ones */
};

static int take_manifest(const struct event *event, void *data)
{
    struct finding *f = data;
    if (str_starts(event->subject, f->prefix) && !str_eq(event->subject, f->digest) &&
        strlen(event->subject) < sizeof f->digest) {
        snprintf(f->digest, sizeof f->digest, "%s", event->subject);
        f->count++;
    }
    return 0;
}

static int prefix_check(const char *prefix, struct err *e)
{
    if (strlen(prefix) < DIGITS_LEAST || prefix[strspn(prefix, "0123456789abcdef")])
        return err_set(e, ERR_USAGE, "%.70s is no digest: at least %d of its hexadecimal digits", prefix,
                       DIGITS_LEAST);
    return 0;
}

static int find(struct journal *journal, const char *prefix, struct finding *f, struct err *e)
{
    const enum event_kind kinds[] = {EVENT_BLOB_STORED};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 1};
    *f = (struct finding){.prefix = prefix};
    if (journal_read(journal, 1, JOURNAL_FORWARD, &filter, 0, take_manifest, f, e) < 0)
        return e->code;
    if (f->count == 0)
        return err_set(e, ERR_NOT_FOUND, "this journal keeps nothing under %.64s", prefix);
    if (f->count > 1)
        return err_set(e, ERR_USAGE, "%.64s is the beginning of several digests: give more digits", prefix);
    return 0;
}

struct writing {
    FILE *file;
    bool cleaned; /* for a terminal */
    int64_t next; /* offset that follows what was written */
};

static int write_piece(const void *bytes, size_t length, int64_t at, void *data)
{
    struct writing *w = data;
    if (at > w->next)
        fprintf(w->cleaned ? w->file : stderr, "[belay: %lld bytes were not kept]\n",
                (long long)(at - w->next));
    w->next = at + (int64_t)length;
    if (w->cleaned) {
        struct str clean = {0};
        utf8_clean(&clean, bytes, length, true);
        fwrite(str_text(&clean), 1, clean.len, w->file);
        str_fini(&clean);
    } else {
        fwrite(bytes, 1, length, w->file);
    }
    return ferror(w->file) ? ERR_IO : 0;
}

static int write_out(struct journal *journal, const char *digest, const char *path, struct err *e)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : STDOUT_FILENO;
    if (fd < 0)
        return err_errno(e, "%.200s", path);
    struct writing w = {.file = path ? fdopen(fd, "w") : stdout, .cleaned = !path && isatty(STDOUT_FILENO)};
    int code = journal_blob_read(journal, digest, 0, 0, write_piece, &w, e);
    if ((path ? fclose(w.file) : fflush(w.file)) != 0 || code == ERR_IO)
        code = err_set(e, ERR_IO, "%.200s could not be written", path ? path : "the output");
    return code;
}

static int evidence_run(const struct command_line *line)
{
    struct err e = {0};
    struct finding f;
    struct journal *journal = NULL;
    const char *path = command_value(line, "output", NULL);
    if (line->word_count != 1)
        err_set(&e, ERR_USAGE, "which one? belay evidence DIGEST [-o FILE]; belay export names the digests");
    else if (prefix_check(line->words[0], &e) == 0)
        journal = session_journal(line, false, &e);
    if (journal && find(journal, line->words[0], &f, &e) == 0 &&
        write_out(journal, f.digest, path, &e) == 0 && path && !command_has(line, "quiet"))
        fprintf(stderr, "wrote %s\n", path);
    journal_close(journal);
    return e.code ? command_fail(e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FELL_SHORT, &e) : EXIT_DONE;
}

static const struct command_option evidence_options[] = {
    {"output", "FILE", "write to FILE, which must not exist, instead of printing (also -o FILE)", false},
    {0},
};

const struct command command_evidence = {
    .name = "evidence",
    .usage = "DIGEST [-o FILE]",
    .help = "an output, saved evidence or a terminal's recording, as the journal keeps it",
    .options = evidence_options,
    .details = "DIGEST is what timeline and export name; its first 8 digits will do. A recording plays with\n"
               "`asciinema play FILE`.",
    .flags = COMMAND_ONE_WORD,
    .run = evidence_run,
};
