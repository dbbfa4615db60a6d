/* belay-console: every subcommand but those that the small binary has itself. The one dispatcher: flags are
 * checked here before a command runs. */
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tui/commands/command.h"
#include "tui/kit/kit.h"

/* What was printed must have arrived: a full disk behind `>` is a failure. A reader that has seen enough
 * isn't. */
static int printed(int status)
{
    struct err e = {0};
    if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
        return status;
    err_errno(&e, "what was printed did not arrive");
    return command_fail(status == EXIT_DONE ? EXIT_FELL_SHORT : status, &e);
}

static int run(const struct command *command, int argc, char *const *argv)
{
    struct err e = {0};
    struct command_line line;
    int status;
    if (command_line_parse(&line, command, argc, argv, &e) < 0) {
        status = command_fail(EXIT_USAGE, &e);
    } else if (command_has(&line, "version")) {
        puts("belay " BELAY_VERSION);
        status = EXIT_DONE;
    } else if (command_has(&line, "help")) {
        struct str text = {0};
        command_help_one(&text, command);
        fputs(str_text(&text), stdout);
        str_fini(&text);
        status = EXIT_DONE;
    } else if (command_line_check(&line, &e) < 0) {
        status = command_fail(EXIT_USAGE, &e);
    } else {
        status = command->run(&line);
    }
    command_line_fini(&line);
    return printed(status);
}

/* `belay`, `belay --theme light` and `belay CONFIG` are the console. */
static bool means_console(const char *word)
{
    struct stat info;
    if (!word || (word[0] == '-' && strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0))
        return true;
    return !command_find(word) && stat(word, &info) == 0;
}

/* `belay --theme light status`: the common options may stand before the command, too. The arguments behind
 * its name, those options first. */
static const struct command *command_behind_options(int argc, char **argv)
{
    int at = command_at(argc, argv);
    const struct command *command = at > 1 ? command_find(argv[at]) : NULL;
    if (command)
        memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
    return command;
}

/* Answers of a megabyte come and go each second: by its own rule glibc would soon keep them, and what lies
 * between them, for good (45 MB instead of 19 with 10,000 entities). */
static void tame_malloc(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    mallopt(M_ARENA_MAX, 1); /* the pool parses, the loop frees: a heap each keeps twice as much */
    mallopt(M_MXFAST, 0);    /* or what the pool freed is put together at once, by a key's turn: 2 ms */
}

int main(int argc, char **argv)
{
    tame_malloc();
    /* Not LC_ALL: numbers in files and answers have a point, whatever the user's language. */
    setlocale(LC_CTYPE, "");
    terminal_mend(STDIN_FILENO);
    if (argc > 1 && (strcmp(argv[1], "--version") == 0)) {
        puts("belay " BELAY_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = command_behind_options(argc, argv);
    if (command)
        return run(command, argc - 2, argv + 2);
    if (means_console(argv[1]))
        return run(command_find("console"), argc - 1, argv + 1);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run(command_find("help"), argc - 2, argv + 2);
    command = command_find(argv[1]);
    if (!command) {
        struct err e = {0};
        err_set(&e, ERR_USAGE, "no such command or file: %s (belay help lists the commands)", argv[1]);
        return command_fail(EXIT_USAGE, &e);
    }
    return run(command, argc - 2, argv + 2);
}
