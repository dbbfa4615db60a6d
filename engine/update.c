/* The status update that is pasted into a chat: plain lines, no borders. */
#include "engine/engine.h"

#define PROBLEMS_SHOWN 5

static void add_time(struct str *out, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at_us, text);
    str_addf(out, "%.5sZ", text + 11);
}

static void add_clean(struct str *out, const char *text)
{
    utf8_clean(out, text, strlen(text), false);
}

static void add_value(struct str *out, const struct entity *e, double value)
{
    const char *unit = entity_attribute(e, "unit");
    bool share = str_eq(unit, "share");
    str_addf(out, " %.3g", share ? value * 100 : value);
    str_add(out, share ? "%" : str_eq(unit, "percent") ? "%" : "");
    if (!share && !str_eq(unit, "percent"))
        add_clean(out, unit);
}

static void add_felt(const struct platform *p, struct str *out)
{
    size_t count = 0, felt = 0;
    const struct entity *const *signals = p ? platform_list(p, ENTITY_SIGNAL, &count) : NULL;
    str_add(out, "What users feel: ");
    for (size_t i = 0; i < count; i++) {
        const struct entity *e = signals[i];
        double value = entity_measure(e, "value"), warn = entity_measure(e, "warn");
        if (e->condition == CONDITION_OK)
            continue;
        str_add(out, felt++ ? "; " : "");
        add_clean(out, e->name);
        if (e->condition == CONDITION_UNKNOWN || value != value) {
            str_add(out, " is unknown");
            continue;
        }
        add_value(out, e, value);
        if (warn == warn) {
            str_add(out, " (threshold");
            add_value(out, e, warn);
            str_add(out, ")");
        }
        str_add(out, " since ");
        add_time(out, e->since_us);
    }
    str_add(out, felt    ? "\n"
                 : count ? "nothing that is measured is out of its bounds\n"
                         : "unknown, nothing measures it here\n");
}

static void add_broken(const struct platform *p, struct str *out)
{
    const struct entity *worst[PROBLEMS_SHOWN + 8];
    size_t total = 0, count = p ? platform_problems(p, worst, PROBLEMS_SHOWN + 8, &total) : 0, shown = 0;
    str_add(out, "What is broken: ");
    for (size_t i = 0; i < count && shown < PROBLEMS_SHOWN; i++) {
        struct str title = {0};
        if (worst[i]->kind == ENTITY_SIGNAL) {
            total--;
            continue;
        }
        entity_title(worst[i], &title);
        str_add(out, shown++ ? "; " : "");
        add_clean(out, str_text(&title));
        str_add(out, " ");
        add_clean(out, *worst[i]->raw ? worst[i]->raw : condition_name(worst[i]->condition));
        str_add(out, " since ");
        add_time(out, worst[i]->since_us);
        str_fini(&title);
    }
    if (total > shown)
        str_addf(out, "; and %zu more", total - shown);
    str_add(out, shown ? "\n" : p ? "nothing that is watched\n" : "unknown, nothing is watched here\n");
}

void update_text(const struct engine_update *u, struct str *out)
{
    const struct journal_incident *incident = u->incident;
    const char *state = incident->state == INCIDENT_OPEN ? "active" : incident_state_name(incident->state);
    int64_t over_us = incident->resolved_us ? incident->resolved_us : incident->closed_us; /* 0: it isn't */
    char age[DURATION_TEXT_SIZE];
    duration_format((over_us ? over_us : u->now_us) - incident->opened_us, age);
    str_addf(out, "INC-%lld%s%s %s: ", (long long)incident->number, *incident->severity ? " " : "",
             incident->severity, state);
    add_clean(out, incident->title);
    str_add(out, over_us ? "\nFrom: " : "\nSince: ");
    add_time(out, incident->opened_us);
    if (over_us) {
        str_add(out, " to ");
        add_time(out, over_us);
    }
    str_addf(out, " (%s)", age);
    if (incident->mitigated_us) {
        str_add(out, ", users no longer feel it since ");
        add_time(out, incident->mitigated_us);
    }
    str_add(out, "\n");
    add_felt(u->platform, out);
    add_broken(u->platform, out);
    str_add(out, "What is being done: ");
    for (char *const *line = u->doing; line && *line; line++) {
        str_add(out, line == u->doing ? "" : "; ");
        add_clean(out, *line);
    }
    str_add(out, u->doing && *u->doing ? "\n" : "no runbook is being walked; it is being looked into\n");
    if (*incident->commander) {
        str_add(out, "Commander: ");
        add_clean(out, incident->commander);
        str_add(out, "\n");
    }
    if (incident->state < INCIDENT_RESOLVED) {
        str_add(out, "Next update: by ");
        add_time(out, u->next_us);
        str_add(out, "\n");
    }
}
