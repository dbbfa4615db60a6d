/* belay-console: every subcommand but those that the small binary has itself. The one dispatcher: flags are
 * checked here before a command runs. */
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tui/commands/command.h"
#include "tui/kit/kit.h"

static int run(const struct command *command, int argc, char *const *argv)
{
    struct err e = {0};
    struct command_line line;
    int status;
    if (command_line_parse(&line, command, argc, argv, &e) < 0) {
        status = command_fail(EXIT_USAGE, &e);
    } else if (command_has(&line, "help")) {
        struct str text = {0};
        command_help_one(&text, command);
        fputs(str_text(&text), stdout);
        str_fini(&text);
        status = EXIT_DONE;
    } else if (command_has(&line, "read-only") && (command->flags & (COMMAND_ACTS | COMMAND_JOURNALS))) {
        err_set(&e, ERR_DENIED, "%s changes something and --read-only is set: leave one of them out",
                command->name);
        status = command_fail(EXIT_USAGE, &e);
    } else {
        status = command->run(&line);
    }
    command_line_fini(&line);
    return status;
}

/* `belay`, `belay --theme light` and `belay CONFIG` are the console. */
static bool means_console(const char *word)
{
    struct stat info;
    if (!word || (word[0] == '-' && strcmp(word, "--help") != 0 && strcmp(word, "-h") != 0))
        return true;
    return !command_find(word) && stat(word, &info) == 0;
}

/* Answers of a megabyte come and go each second: by its own rule glibc would soon keep them, and what lies
 * between them, for good (45 MB instead of 19 with 10,000 entities). */
static void tame_malloc(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    mallopt(M_ARENA_MAX, 1); /* the pool parses, the loop frees: a heap each keeps twice as much */
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
    if (means_console(argv[1]))
        return run(command_find("console"), argc - 1, argv + 1);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run(command_find("help"), argc - 2, argv + 2);
    const struct command *command = command_find(argv[1]);
    if (!command) {
        struct err e = {0};
        err_set(&e, ERR_USAGE, "no such command or file: %s (belay help lists the commands)", argv[1]);
        return command_fail(EXIT_USAGE, &e);
    }
    return run(command, argc - 2, argv + 2);
}
