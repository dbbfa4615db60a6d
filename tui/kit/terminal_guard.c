/* The crash handler. A signal handler can only be told by a static variable whose terminal to restore. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/kit/terminal.h"

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

static struct terminal *volatile guarded;
static char guard_stack[32768];

static void on_fatal(int signal_number)
{
    terminal_restore_emergency(guarded);
    /* SA_RESETHAND has put the default back. */
    raise(signal_number);
}

void terminal_guard(struct terminal *t)
{
    struct sigaction action = {.sa_handler = t ? on_fatal : SIG_DFL};
    guarded = t;
    if (t) {
        stack_t stack = {.ss_sp = guard_stack, .ss_size = sizeof guard_stack};
        if (sigaltstack(&stack, NULL) == 0)
            action.sa_flags = SA_ONSTACK;
        action.sa_flags |= (int)(SA_RESETHAND | SA_NODEFER);
    }
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, NULL);
}
