/* Who is on call, asked now and then; unknown as soon as nobody can say. */
#include "engine/state.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_COLUMNS 32
#define ANSWER_BYTES 4096

static void say(struct engine *engine, const char *name)
{
    if (str_eq(engine->oncall.name, name))
        return;
    free(engine->oncall.name);
    engine->oncall.name = xstrdup(name);
    engine_changed(engine, ENGINE_INCIDENTS);
}

/* The first line, cleaned, of a length that a header has room for. */
static void take_name(const struct process_result *result, struct str *name)
{
    const char *line = str_text(&result->out);
    line += strspn(line, " \t\r\n");
    size_t length = strcspn(line, "\r\n");
    while (length > 0 && strchr(" \t", line[length - 1]))
        length--;
    utf8_clean(name, line, length, false);
    while (utf8_columns(str_text(name)) > NAME_COLUMNS) {
        do
            name->len--;
        while (((unsigned char)name->data[name->len] & 0xC0) == 0x80);
        name->data[name->len] = '\0';
    }
}

static void on_answer(void *data, struct process_result *result)
{
    struct engine *engine = data;
    struct str name = {0};
    struct failure f;
    engine->oncall.process = NULL;
    failure_of_process(engine->config->oncall.command, result, NULL, &f);
    if (f.class == FAILURE_NONE)
        take_name(result, &name);
    else
        snprintf(f.text, sizeof f.text, "%.150s", result->reason);
    kept_end(&engine->oncall.kept, f.class == FAILURE_NONE ? NULL : &f, result->duration_us / US_PER_MS, 0);
    say(engine, name.len > 0 ? str_text(&name) : "unknown");
    str_fini(&name);
}

static void ask(void *data)
{
    struct engine *engine = data;
    struct process_request request = {
        .argv = engine->config->oncall.command,
        .timeout_us = engine->config->oncall.timeout_us,
        .max_out = ANSWER_BYTES,
        .done = on_answer,
        .data = engine,
    };
    if (!engine->oncall.process && kept_admit(&engine->oncall.kept))
        engine->oncall.process = process_start(engine->loop, &request);
}

void oncall_open(struct engine *engine)
{
    if (!engine->config->oncall.command || !engine->watch.wanted)
        return;
    struct breaker_rules rules = kept_rules(engine->config->oncall.every_us);
    engine->oncall.name = xstrdup("unknown");
    kept_init(&engine->oncall.kept, "oncall", "oncall", &rules);
    keeper_add(engine->own.keeper, &engine->oncall.kept);
    engine->oncall.timer = loop_timer_new(engine->loop, ask, engine);
    loop_timer_start(engine->oncall.timer, 0, engine->config->oncall.every_us);
}

void oncall_close(struct engine *engine)
{
    process_cancel(engine->oncall.process);
    loop_timer_free(engine->oncall.timer);
    free(engine->oncall.name);
    kept_fini(&engine->oncall.kept);
}

const char *engine_oncall(const struct engine *engine)
{
    return engine->oncall.name;
}
