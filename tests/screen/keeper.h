/* The keeper of a pty: what a shell is to the program that it starts. Internal to the harness. */
#ifndef BELAY_TEST_KEEPER_H
#define BELAY_TEST_KEEPER_H

enum keeper_kind {
    /* from the keeper */
    KEEPER_STARTED, /* value: pid */
    KEEPER_STOPPED,
    KEEPER_CONTINUED,
    KEEPER_ENDED, /* value: exit status as keeper_exit_status has it */
    /* to the keeper */
    KEEPER_FOREGROUND,
    KEEPER_BACKGROUND,
};

struct keeper_message {
    int kind, value;
};

/* Never returns. */
void keeper_run(int slave, int socket, const char *const *argv) __attribute__((noreturn));
/* Of a wait status: the exit status, or 128 + signal. */
int keeper_exit_status(int status);

#endif
