/* Behind `:breaker`, and behind the key that asks for it word by word. */
#include <stdlib.h>
#include <string.h>

#include "tui/breaker_words.h"
#include "tui/colon.h"
#include "tui/console_state.h"

/* What was answered so far, by the key. */
struct asking {
    char *name, *reason;
    const char *state;
};

static struct asking *asking_copy(const struct asking *a)
{
    /* One block: a prompt frees its context alone. */
    size_t name = strlen(a->name) + 1, reason = a->reason != NULL ? strlen(a->reason) + 1 : 0;
    struct asking *copy = xmalloc(sizeof *copy + name + reason);
    *copy = *a;
    copy->name = memcpy((char *)(copy + 1), a->name, name);
    copy->reason = reason > 0 ? memcpy((char *)(copy + 1) + name, a->reason, reason) : NULL;
    return copy;
}

static void submit(struct console *console, const char *name, const char *state, const char *reason,
                   int64_t until_us)
{
    struct engine_request request = {
        .kind = REQUEST_BREAKER, .entity = name, .state = state, .text = reason, .until_us = until_us};
    console_submit(console, &request, 0, NULL);
}

static void answer_span(struct console *console, void *context, const char *text, bool accepted)
{
    const struct asking *a = context;
    struct err e = {0};
    int64_t span_us = 0;
    text += strspn(text, " ");
    if (!accepted) {
        return;
    }
    if (text[0] != '\0' && duration_parse(text, &span_us, &e) < 0) {
        console_say(console, SAY_BAD, "%s", e.msg);
        return;
    }
    submit(console, a->name, a->state, a->reason, span_us > 0 ? console->wall_us() + span_us : 0);
}

static void answer_reason(struct console *console, void *context, const char *text, bool accepted)
{
    struct asking a = *(const struct asking *)context;
    if (!accepted) {
        return;
    }
    if (text[strspn(text, " ")] == '\0') {
        console_say(console, SAY_BAD, "overriding a breaker needs a reason: it is recorded");
        return;
    }
    a.reason = (char *)(uintptr_t)text;
    console_ask(console, "for how long (30m, 2h; nothing: until told otherwise):", false, answer_span,
                asking_copy(&a));
}

static void answer_verb(struct console *console, void *context, const char *text, bool accepted)
{
    struct asking a = *(const struct asking *)context;
    struct err e = {0};
    if (!accepted) {
        return;
    }
    if (breaker_verb_find(text + strspn(text, " "), &a.state, &e) < 0) {
        console_say(console, SAY_BAD, "%s", e.msg);
    } else if (a.state == NULL) {
        submit(console, a.name, NULL, NULL, 0);
    } else {
        console_ask(console, "because:", false, answer_reason, asking_copy(&a));
    }
}

static void ask(struct console *console, const char *name)
{
    struct asking a = {.name = (char *)(uintptr_t)name};
    const struct platform *p = engine_platform(console->engine);
    const struct entity *e = platform_find(p, ENTITY_BREAKER, NULL, name);
    if (e != NULL && entity_attribute(e, "own")[0] == '\0') {
        console_say(console, SAY_BAD, "breaker %s is read from source %s: override it there", name,
                    e->source);
        return;
    }
    struct str prompt = {0};
    str_addf(&prompt, "%s: open, disable, metrics-only or auto:", name);
    console_ask(console, str_text(&prompt), true, answer_verb, asking_copy(&a));
    str_fini(&prompt);
}

void colon_breaker(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    struct words w;
    struct breaker_words b;
    if (words_parse(&w, words, breaker_options, e) < 0) {
        return;
    }
    if (w.count == 0 || str_eq(w.words[0], "list")) {
        colon_run(console, "breakers");
    } else if (console_refuses_to_act(console)) {
        /* it has said why */
    } else if (w.count == 1 && w.given_count == 0) {
        ask(console, w.words[0]);
    } else if (breaker_words_read(&w, console->wall_us(), &b, e) == 0) {
        submit(console, b.name, b.state, b.reason, b.until_us);
    }
}
