#include "tui/breaker_words.h"

const struct command_option breaker_options[] = {
    {"reason", "TEXT", "why", false},
    {"for", "DURATION", "when it is automatic again by itself: 30m, 2h (30d at most)", false},
    {"json", NULL, "what there is: one JSON object a line", false},
    {0},
};

int breaker_verb_find(const char *verb, const char **state, struct err *e)
{
    static const char *const verbs[][2] = {
        {"open", "FORCED_OPEN"}, {"disable", "DISABLED"}, {"metrics-only", "METRICS_ONLY"}, {"auto", NULL}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (str_eq(verbs[i][0], verb)) {
            *state = verbs[i][1];
            return 0;
        }
    }
    return err_set(e, ERR_USAGE, "\"%.40s\" is neither open, disable, metrics-only nor auto", verb);
}

int breaker_words_read(const struct words *w, int64_t now_us, struct breaker_words *b, struct err *e)
{
    int64_t span_us = 0;
    const char *span = words_value(w, "for", NULL);
    *b = (struct breaker_words){.reason = words_value(w, "reason", NULL)};
    if (w->count == 0 || (w->count == 1 && str_eq(w->words[0], "list"))) {
        return 0;
    }
    b->name = w->words[0];
    if (w->count != 2) {
        return err_set(
            e, ERR_USAGE,
            "breaker %s what? open, disable, metrics-only or auto, with --reason TEXT and --for 30m",
            b->name);
    }
    if (breaker_verb_find(w->words[1], &b->state, e) < 0) {
        return e->code;
    }
    if (b->state != NULL && b->reason == NULL) {
        return err_set(e, ERR_USAGE, "why is %s overridden? give the reason (--reason TEXT)", b->name);
    }
    if (span != NULL && duration_parse(span, &span_us, e) < 0) {
        return e->code = ERR_USAGE;
    }
    b->until_us = span != NULL ? now_us + span_us : 0;
    return 0;
}
