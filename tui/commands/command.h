/* The command line: one const table of subcommands, one of options common to all. Parsing, usage, help and
 * completion come from the tables; the dispatcher checks the flags. */
#ifndef BELAY_TUI_COMMANDS_COMMAND_H
#define BELAY_TUI_COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/base.h"

/* Exit statuses (`status` and `exec` have their own). */
enum {
    EXIT_DONE = 0,
    EXIT_FELL_SHORT = 1,
    EXIT_USAGE = 2,
    EXIT_UNKNOWN_OUTCOME = 3,
    EXIT_INTERRUPTED = 130,
};

struct command_option {
    const char *name;  /* without the dashes; NULL ends a table */
    const char *value; /* what the value is called in the help, or its choices ("md|json"); NULL: a switch */
    const char *help;
    bool repeated; /* may be given several times */
};

enum command_flag {
    COMMAND_ACTS = 1 << 0,     /* may change something outside: refused with --read-only */
    COMMAND_JOURNALS = 1 << 1, /* writes to the journal: refused with --read-only */
    COMMAND_HIDDEN = 1 << 2,   /* an entry for belay itself, not for people */
    COMMAND_RAW = 1 << 3,      /* reads its arguments itself: all of them are in `rest` */
    COMMAND_NO_WORD = 1 << 4,  /* options only */
    COMMAND_ONE_WORD = 1 << 5, /* one argument at most */
};

struct command_line;

struct command {
    const char *name;
    const char *usage;                    /* what stands after the name */
    const char *help;                     /* one line */
    const struct command_option *options; /* its own, besides the common ones; may be NULL */
    const char *const *words; /* sub-verbs for the completion ("open", "list"), NULL-terminated, or NULL */
    const char *details;      /* further lines of its help; may be NULL */
    unsigned flags;
    int (*run)(const struct command_line *line);
};

extern const struct command *const command_table[];  /* NULL-terminated, in table.c */
extern const struct command_option common_options[]; /* ended by a NULL name, in table.c */

const struct command *command_find(const char *name);
/* The index in argv of the first word that is neither a common option nor the value of one; 0: none. */
int command_at(int argc, char *const *argv);

/* argv of one call, parsed. */
struct command_line {
    const struct command *command;
    const char **words; /* the arguments that are not options, NULL-terminated */
    size_t word_count;
    char *const *rest; /* what stood behind "--", NULL-terminated; NULL when there was none */
    struct command_values *values;
};

/* Parses argv behind the command's name. 0, or ERR_USAGE with a message. command_line_fini in either case. */
int command_line_parse(struct command_line *line, const struct command *command, int argc, char *const *argv,
                       struct err *e);
/* What the table says of the command: how many words it takes, and whether it may run with --read-only. */
int command_line_check(const struct command_line *line, struct err *e);
void command_line_fini(struct command_line *line);

bool command_has(const struct command_line *line, const char *option);
/* The value of the option's last occurrence, or fallback. */
const char *command_value(const struct command_line *line, const char *option, const char *fallback);
/* All values of a repeated option, NULL-terminated; valid as long as the line. */
char *const *command_value_list(const struct command_line *line, const char *option);

/* Prints "belay: message" to stderr, cleaned, and returns status. */
int command_fail(int status, const struct err *e);

/* Help on the whole program, or on one command. */
void command_help_all(struct str *out);
void command_help_one(struct str *out, const struct command *command);
/* What the last of `words` (a shell's words without the program's name) may become: one candidate a line, a
 * tab and what it is behind it. Nothing: the shell offers files. */
void command_candidates(struct str *out, size_t count, char *const *words);

#endif
