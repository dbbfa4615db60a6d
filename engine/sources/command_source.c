/* Sources of kind command: a program prints JSON, or the exposition with parse: prometheus. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sources/source.h"

struct command_state {
    struct source *source;
    struct process *process;
    char **env;
};

/* Ours, with the source's additions in place of what they replace. */
static char **environment(char *const *additions)
{
    extern char **environ;
    char **env = NULL;
    for (char **entry = environ; entry && *entry; entry++) {
        size_t name = strcspn(*entry, "=") + 1;
        bool replaced = false;
        for (char *const *added = additions; added && *added && !replaced; added++)
            replaced = strncmp(*added, *entry, name) == 0;
        if (!replaced)
            strv_add(&env, *entry);
    }
    for (; additions && *additions; additions++)
        strv_add(&env, *additions);
    return env;
}

static void *state_open(struct source *s)
{
    struct command_state *state = xcalloc(1, sizeof *state);
    state->source = s;
    state->env = environment(source_config(s)->env);
    return state;
}

static void on_done(void *data, struct process_result *r)
{
    struct command_state *state = data;
    struct source *s = state->source;
    state->process = NULL;
    if (r->error || r->exit_status != 0) {
        struct failure f;
        failure_of_process(source_config(s)->command, r, NULL, &f);
        source_refused(s, &f, "%s", r->reason);
        return;
    }
    struct answer a = {.body = r->out, .latency_us = r->duration_us, .bytes = r->out.len};
    r->out = (struct str){0};
    source_answered(s, &a, NULL, false);
}

static void state_poll(void *data)
{
    struct command_state *state = data;
    const struct config_source *c = source_config(state->source);
    state->process = process_start(source_loop(state->source),
                                   &(struct process_request){.argv = c->command,
                                                             .env = state->env,
                                                             .timeout_us = source_timeout_us(state->source),
                                                             .done = on_done,
                                                             .data = state});
}

static void state_cancel(void *data)
{
    struct command_state *state = data;
    process_cancel(state->process);
    state->process = NULL;
}

static void state_close(void *data)
{
    struct command_state *state = data;
    strv_free(state->env);
    free(state);
}

const struct source_kind kind_command = {
    .name = "command",
    .form = FORM_JSON,
    .command = true,
    .open = state_open,
    .poll = state_poll,
    .cancel = state_cancel,
    .close = state_close,
};
