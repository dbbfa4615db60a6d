/* The top line, and the banners below it when something about belay itself is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/console_state.h"

#define PEOPLE_SHOWN  6
#define BANNERS_MOST  6
#define BANNERS_SMALL 16 /* rows of a screen that has room for one banner only */

/* ---- the parts ---- */

static bool focused_incident(struct engine *engine, struct journal_incident *incident, size_t *others)
{
    int64_t focused = engine_focused_incident(engine);
    bool found = false;
    struct journal_incident candidate;
    *others = 0;
    for (size_t i = 0; i < engine_incident_count(engine); i++) {
        if (!engine_incident_at(engine, i, &candidate)) {
            continue;
        }
        bool open = candidate.state == INCIDENT_OPEN || candidate.state == INCIDENT_MITIGATED;
        if (candidate.number == focused) {
            *incident = candidate;
            found = true;
        } else if (open) {
            (*others)++;
        }
    }
    return found;
}

static void incident_words(struct console *console, struct str *out)
{
    struct journal_incident incident;
    size_t others;
    if (!focused_incident(console->engine, &incident, &others)) {
        if (others > 0) {
            str_addf(out, "%zu incident%s open", others, others == 1 ? "" : "s");
        }
        return;
    }
    char age[SCENE_TEXT_SIZE];
    scene_age(&console->scene, incident_state_us(&incident), age);
    const char *state = incident.state == INCIDENT_OPEN ? "active" : incident_state_name(incident.state);
    if (canvas_width(console->canvas) < 60) {
        bool severe = canvas_width(console->canvas) >= 50;
        str_addf(out, "INC-%lld %s", (long long)incident.number, severe ? incident.severity : "");
        return;
    }
    str_addf(out, "INC-%lld%s%s %s %s", (long long)incident.number, incident.severity[0] != '\0' ? " " : "",
             incident.severity, state, age);
    if (others > 0) {
        str_addf(out, " (+%zu)", others);
    }
}

/* Who is here: this one (with a star), and whoever walks a run. */
static void people_words(struct console *console, struct str *out)
{
    const char *names[PEOPLE_SHOWN] = {engine_actor(console->engine)};
    size_t count = 1;
    for (size_t i = engine_run_count(console->engine); i-- > 0 && count < PEOPLE_SHOWN;) {
        struct engine_run run;
        bool known = !engine_run_at(console->engine, i, &run) || run.ended;
        for (size_t k = 0; k < count && !known; k++) {
            known = str_eq(names[k], run.actor);
        }
        if (!known) {
            names[count++] = run.actor;
        }
    }
    for (size_t i = 0; i < count; i++) {
        str_addf(out, "%s%s%s", i > 0 ? " " : "", names[i], i == 0 ? "*" : "");
    }
    if (engine_is_observer(console->engine)) {
        str_add(out, " observer");
    }
}

/* Those of them that were not given from here yet. */
static size_t approvals_waiting(struct console *console)
{
    struct engine_approval asked;
    size_t waiting = 0;
    for (size_t i = 0; engine_approval_at(console->engine, i, &asked); i++) {
        waiting += !asked.given;
    }
    return waiting;
}

static unsigned badge_style(const char *badge)
{
    return str_eq(badge, "PROD") ? ROLE_DANGER : str_eq(badge, "DEMO") ? ROLE_DEMO : ROLE_BADGE;
}

/* ---- the line ---- */

struct part {
    struct str text;
    unsigned style;
    int worth; /* dropped first when there is no room: the smallest */
};

static int parts_columns(const struct part *parts, size_t count, const struct canvas *row)
{
    int columns = 0;
    for (size_t i = 0; i < count; i++) {
        columns += parts[i].text.len > 0 ? canvas_columns(row, str_text(&parts[i].text)) + 3 : 0;
    }
    return columns;
}

static void drop_least(struct part *parts, size_t count)
{
    struct part *least = NULL;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].text.len > 0 && (least == NULL || parts[i].worth < least->worth)) {
            least = &parts[i];
        }
    }
    if (least != NULL) {
        str_clear(&least->text);
    }
}

static int draw_name(struct console *console, struct canvas *row, int x)
{
    const char *badge = console->options->demo ? "DEMO" : engine_badge(console->engine);
    int width = canvas_width(row);
    if (width >= 60) {
        x = canvas_put(row, x, 0, ROLE_HEADER | STYLE_BOLD, "belay") + 2;
    }
    x = canvas_put_cut(row, x, 0, width / 4, ROLE_HEADER | STYLE_BOLD,
                       engine_platform_name(console->engine)) +
        1;
    if (badge[0] != '\0') {
        x = canvas_putf(row, x, 0, badge_style(badge), " %s ", badge);
        if (console->options->demo && width >= 100) {
            x = canvas_put(row, x, 0, ROLE_DEMO, "simulated platform ");
        }
    }
    return x + 2;
}

void header_words(struct console *console, struct str words[static HEADER_WORDS])
{
    incident_words(console, &words[0]);
    people_words(console, &words[1]);
    size_t changed = engine_changes(console->engine);
    if (changed > 0) {
        str_addf(&words[2], "changed %zu", changed);
    }
    if (engine_oncall(console->engine) != NULL) {
        str_addf(&words[3], "on call: %s", engine_oncall(console->engine));
    }
    size_t waiting = approvals_waiting(console);
    if (waiting > 0) {
        const char *verb = waiting == 1 ? "waits" : "wait";
        if (canvas_width(console->canvas) >= 100) {
            str_addf(&words[4], " %zu approval%s %s: a ", waiting, waiting == 1 ? "" : "s", verb);
        } else {
            str_addf(&words[4], " a: %zu %s ", waiting, verb);
        }
    }
    struct safe_mode mode;
    safe_mode_read(engine_config(console->engine), engine_platform(console->engine), &mode);
    if (mode.state != SAFE_MODE_NONE) {
        str_addf(&words[5], "safe mode %s", mode.word);
    }
}

/* Off is the usual and goes first where there is no room; anything else is what everybody has to know. */
static void safe_mode_part(const char *words, struct part *part)
{
    str_add(&part->text, words);
    bool off = str_eq(words, "safe mode off"), on = str_eq(words, "safe mode ON");
    part->worth = off ? 2 : 6;
    part->style = off ? ROLE_HEADER : on ? ROLE_DANGER : ROLE_HEADER | STYLE_BOLD;
}

static void frozen_word(struct console *console, struct str *out)
{
    if (console->frozen == NULL) {
        return;
    }
    char time[SCENE_TEXT_SIZE];
    scene_time(&console->scene, console->frozen_wall_us, true, time);
    str_addf(out, console->scene.frozen ? " FROZEN %s, Z goes on " : " FROZEN %s, this page is live ", time);
}

/* "safe: partly"; off is dropped instead. */
static bool safe_mode_shorten(struct part *part)
{
    const char *long_form = "safe mode ";
    if (part->text.len == 0 || part->style == ROLE_HEADER) {
        return false;
    }
    char word[8];
    snprintf(word, sizeof word, "%.7s", part->text.data + strlen(long_form));
    str_clear(&part->text);
    str_addf(&part->text, "safe: %s", word);
    return true;
}

void header_draw(struct console *console, struct canvas *row)
{
    struct part parts[] = {
        {.style = ROLE_HEADER | STYLE_BOLD, .worth = 9}, /* incident */
        {.style = ROLE_DANGER, .worth = 8},              /* frozen */
        {.style = ROLE_BADGE, .worth = 7},               /* approvals */
        {.style = ROLE_HEADER, .worth = 5},              /* people */
        {.style = ROLE_HEADER, .worth = 4},              /* on call */
        {.style = ROLE_HEADER, .worth = 3},              /* changed */
        {.style = ROLE_HEADER, .worth = 2},              /* safe mode */
    };
    const size_t count = sizeof parts / sizeof parts[0];
    struct str words[HEADER_WORDS] = {{0}};
    char clock[SCENE_TEXT_SIZE];
    struct panel_scene now = console->scene;
    now.wall_us = console->wall_us(); /* the clock goes on when the picture doesn't */
    scene_clock(&now, clock);
    canvas_clear(row, ROLE_HEADER);
    int x = draw_name(console, row, 1), width = canvas_width(row);
    int end = canvas_put_right(row, 0, 0, width - 1, ROLE_HEADER, clock);
    header_words(console, words);
    const struct str *shown = console->scene.frozen ? console->frozen_words : words;
    str_add(&parts[0].text, str_text(&shown[0]));
    frozen_word(console, &parts[1].text);
    str_add(&parts[2].text, str_text(&shown[4]));
    str_add(&parts[3].text, str_text(&shown[1]));
    str_add(&parts[4].text, str_text(&shown[3]));
    str_add(&parts[5].text, str_text(&shown[2]));
    safe_mode_part(str_text(&shown[5]), &parts[6]);
    for (size_t turn = 0; turn <= count && parts_columns(parts, count, row) > end - x; turn++) {
        if (turn > 0 || !safe_mode_shorten(&parts[6])) {
            drop_least(parts, count);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].text.len > 0) {
            x = canvas_put(row, x, 0, parts[i].style, str_text(&parts[i].text)) + 3;
        }
        str_fini(&parts[i].text);
    }
    for (size_t i = 0; i < HEADER_WORDS; i++) {
        str_fini(&words[i]);
    }
}

/* ---- banners ---- */

static void add_banner(struct str *banners, size_t *count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_banner(struct str *banners, size_t *count, const char *format, ...)
{
    if (*count < BANNERS_MOST) {
        va_list args;
        va_start(args, format);
        str_addv(&banners[(*count)++], format, args);
        va_end(args);
    }
}

/* What is wrong before where: a narrow screen cuts the path. */
static void add_trouble(struct str *banners, size_t *count, const char *what, const char *trouble)
{
    const char *colon = trouble[0] == '/' ? strstr(trouble, ": ") : NULL;
    add_banner(banners, count, "%s: %s%s%.*s", what, colon != NULL ? colon + 2 : trouble,
               colon != NULL ? "; " : "", colon != NULL ? (int)(colon - trouble) : 0, trouble);
}

static size_t banner_texts(struct console *console, struct str banners[static BANNERS_MOST])
{
    size_t count = 0;
    int64_t last_good_us = 0;
    char time[SCENE_TEXT_SIZE];
    const char *trouble = engine_trouble(console->engine);
    if (trouble != NULL) {
        add_trouble(banners, &count,
                    engine_emergency(console->engine) == NULL
                        ? "JOURNAL IN TROUBLE (:emergency acts on elsewhere)"
                        : "JOURNAL IN TROUBLE, nothing acts, watching goes on",
                    trouble);
    }
    const char *emergency = engine_emergency(console->engine);
    if (emergency != NULL) {
        add_banner(banners, &count,
                   "EMERGENCY JOURNAL, once the main one can be written, quit and  belay import  (%s%s)",
                   emergency,
                   str_starts(emergency, "/dev/shm/") ? ", in memory: a restart of the host loses it" : "");
    }
    const char *waiting = engine_emergency_waiting(console->engine);
    if (waiting != NULL) {
        add_banner(banners, &count, "EMERGENCY JOURNAL NOT IMPORTED ( belay import ): %s", waiting);
    }
    struct source_status mirror;
    if (engine_mirror_status(console->engine, &mirror) && mirror.error[0] != '\0') {
        add_banner(banners, &count, "MIRROR FAILS, the journal's head is on this host alone: %s",
                   mirror.error);
    }
    const char *unshared = engine_state_trouble(console->engine);
    if (unshared != NULL) {
        add_trouble(banners, &count, "STATE OF BREAKERS IN TROUBLE", unshared);
    }
    if (platform_all_silent(console->scene.platform, &last_good_us)) {
        scene_time(&console->scene, last_good_us, false, time);
        add_banner(banners, &count, "ALL SOURCES ARE SILENT: this host may be the broken one, last good %s",
                   last_good_us != 0 ? time : "never");
    }
    return count;
}

size_t header_banners(struct console *console)
{
    struct str banners[BANNERS_MOST] = {{0}};
    size_t count = banner_texts(console, banners);
    for (size_t i = 0; i < BANNERS_MOST; i++) {
        str_fini(&banners[i]);
    }
    bool small = canvas_height(console->canvas) < BANNERS_SMALL;
    return small && count > 1 ? 1 : count;
}

void header_draw_banners(struct console *console, struct canvas *c)
{
    struct str banners[BANNERS_MOST] = {{0}};
    size_t count = banner_texts(console, banners);
    for (size_t i = 0; i < count; i++) {
        canvas_fill(c, (struct rect){0, (int)i, canvas_width(c), 1}, ROLE_BANNER, ' ');
        canvas_put_cut(c, 1, (int)i, canvas_width(c) - 2, ROLE_BANNER, str_text(&banners[i]));
    }
    for (size_t i = 0; i < BANNERS_MOST; i++) {
        str_fini(&banners[i]);
    }
}
