/* As much of the shell's grammar as is needed to know where a command ends: quotes, here-documents, comments,
 * line continuations. Line by line, no more memory than the names of open here-documents. */
#ifndef BELAY_RUNBOOK_SHELL_H
#define BELAY_RUNBOOK_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#define SHELL_HEREDOC_LIMIT 4
#define SHELL_WORD_LIMIT    64

struct shell_state {
    char quote;      /* the open one, or 0 */
    bool joined;     /* the line ended in a backslash, or in | && || */
    int arithmetic;  /* depth of (( */
    int open, first; /* here-documents announced; the one whose body is being read */
    bool reading;    /* inside a here-document's body */
    struct {
        char word[SHELL_WORD_LIMIT];
        bool tabs; /* <<-: leading tabs don't count */
    } heredocs[SHELL_HEREDOC_LIMIT];
};

/* line is without its end. */
void shell_line(struct shell_state *s, const char *line, size_t length);
/* The command goes on in the next line. */
bool shell_goes_on(const struct shell_state *s);
/* The next line is text of a here-document, or stands inside quotes. */
bool shell_in_text(const struct shell_state *s);

#endif
