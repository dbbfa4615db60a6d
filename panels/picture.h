/* What the engine says beside the model: runs, offers, sources. Panels draw from this; while the picture is
 * frozen it is the one that was taken then, and the engine goes on without it. */
#ifndef BELAY_PANELS_PICTURE_H
#define BELAY_PANELS_PICTURE_H

#include "engine/engine.h"
#include "tui/kit/kit.h"

struct picture_step {
    const char *title;
    const struct mark *mark;
    bool current, good;
    int64_t at_us;    /* wall: when it ended, or began; 0 neither */
    const char *tail; /* what came of it: "alice 0.4s", "check", "exit 1", "Enter to read" */
};

struct picture_run {
    int64_t id, incident, started_us;
    const char *title, *book, *actor;
    const char *entity;               /* "" for nothing */
    const char *next;                 /* "next: confirm restore the latest snapshot", "running: ..." */
    const char *word;                 /* for mark_find */
    int place, total;                 /* step 4 of 9 */
    bool ended, elsewhere, rehearsed; /* a rehearsal's title says so; it is for nothing */
};

struct picture_offer {
    const char *title, *book, *entity; /* "" where there is none */
    bool offered, interrupted;
};

struct picture_healing {
    const char *resource; /* "shard docs/shard-5" */
    const char *next;     /* "healing proposes restart-pod (90 %)", "healing gave up: restart-pod" */
    const char *why;      /* "crash_loop (rule loop): CrashLoopBackOff" */
};

struct picture_book {
    const char *title;
    const char *entity; /* that it is offered for; "" */
    bool offered;
    unsigned kinds; /* 1u << ENTITY_...: of what it could be offered for */
};

struct picture {
    VEC(struct picture_run) runs;     /* in the order in which they were started */
    VEC(struct picture_step) steps;   /* of the focused run */
    VEC(struct picture_offer) offers; /* only what is offered or interrupted */
    VEC(struct picture_healing) healings;
    VEC(struct picture_book) books; /* all of them */
    VEC(struct source_status) sources;
    size_t runbook_count;
    ptrdiff_t focused;  /* the run to show when one is to be shown; -1 when none is open */
    const char *holder; /* who watches, NULL: this console */
    bool keeps;         /* texts are its own, not the engine's of this moment */
    VEC(char *) texts;
};

enum picture_part {
    PICTURE_RUNS = 1, /* and offers, and healings */
    PICTURE_SOURCES = 2,
    PICTURE_BOOKS = 4,
};
/* The frozen picture, or `own` (zero) filled with these parts of what is; picture_fini(own) in both cases.
 * Texts are good until then, or until the next loop turn. */
const struct picture *picture_look(const struct panel_scene *scene, unsigned parts, struct picture *own);
void picture_fini(struct picture *p);

/* The open run that was started for the entity of this title; NULL when there is none. */
const struct picture_run *picture_run_for(const struct picture *p, const char *title);
/* What heals the entity of this title; NULL when nothing does. */
const struct picture_healing *picture_healing_for(const struct picture *p, const char *title);
/* "step 4 of 9" */
void picture_place(const struct picture_run *run, struct str *out);

#endif
