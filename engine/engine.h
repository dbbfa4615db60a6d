/* The engine: everything behind the screen, in one object on one loop.
 *
 * It polls the sources into the platform model, journals what it sees while it holds the watch lease, offers
 * runbooks, and walks runs. A run is a pure machine (runbook/); the engine turns each of its effects into a
 * journal append and, once that is durable, into the act (execute/).
 *
 * Whoever shows it (console, line mode, exports) reads through the const functions below, subscribes to what
 * changed, and asks for things with engine_submit, the only door to anything that changes something: it
 * checks the request's flags (an observer's acting requests are refused there) before anything is journaled.
 */
#ifndef BELAY_ENGINE_H
#define BELAY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/config/config.h"
#include "engine/io/io.h"
#include "engine/journal/journal.h"
#include "engine/platform/platform.h"
#include "engine/postmortem/postmortem.h"
#include "engine/runbook/runbook.h"
#include "engine/sources/sources.h"
#include "engine/targets/targets.h"

struct engine;

struct engine_options {
    const struct config *config; /* borrowed for the engine's life; NULL: no sources, platform "local" */
    const char *operator_claim;  /* --operator, recorded as a claim; may be NULL */
    const char *step_path;    /* folder put in front of PATH for steps (the demo's stand-ins); may be NULL */
    const char *state_folder; /* overrides where journal, spool and leases live; may be NULL */
    bool read_only;           /* observer for good: joining is refused */
    bool join;                /* start as operator even where the configuration says observer */
    bool attend;              /* start as observer wherever nobody said join: there is no person to act */
    bool watch;               /* poll the sources and try for the watch lease */
};

/* Opens the journal, the spool, the runbooks and (with `watch`) the sources. Runs that an earlier console
 * left are restored; their steps that still go on are followed. A journal that can't be written is not an
 * error here: see engine_trouble. */
struct engine *engine_open(struct loop *loop, const struct engine_options *options, struct err *e);
/* Running steps go on under their supervisors. Waits (bounded, 2 s) for appends under way. */
void engine_close(struct engine *engine);

/* Tells a platform what the newest transitions of a journal (20,000 events are looked through) say of its
 * entities: since when they are as they are. An engine does it by itself. Blocks for the disk. */
void engine_recall(struct journal *journal, struct platform *platform);
/* Tells a platform of belay's own breakers, as the state databases have them: entities of the source "belay",
 * of kind breaker, with the attribute `own` (source, mirror, chain, exec). An engine that watches does it by
 * itself. Blocks for the disk. */
void engine_own_breakers(const struct config *config, struct platform *platform, int64_t now_us);
/* 0 when belay has a breaker of that name itself. Blocks for the disk, as the next one. */
int engine_breaker_known(const struct config *config, const char *name, struct err *e);
/* What REQUEST_BREAKER does once it is journaled, for a command without an engine. state NULL: automatic. */
int engine_breaker_override(const struct config *config, const char *name, const char *state,
                            const char *actor, const char *reason, int64_t until_us, struct err *e);

/* What a subscriber is told: a mask of these, at most once a loop turn. */
enum engine_change {
    ENGINE_ENTITIES = 1 << 0,
    ENGINE_SOURCES = 1 << 1,
    ENGINE_TIMELINE = 1 << 2,
    ENGINE_RUNS = 1 << 3,
    ENGINE_INCIDENTS = 1 << 4,
    ENGINE_OFFERS = 1 << 5,
    ENGINE_TROUBLE = 1 << 6,
    ENGINE_OUTPUT = 1 << 7, /* a running step printed something */
};
void engine_subscribe(struct engine *engine, void (*changed)(void *context, unsigned mask), void *context);
void engine_unsubscribe(struct engine *engine, void *context); /* all subscriptions with it */

/* True once the runbooks are parsed, the newest events are read and the interrupted runs are restored: what a
 * command without a screen waits for. ENGINE_OFFERS, _TIMELINE or _RUNS announces it. */
bool engine_settled(const struct engine *engine);
/* True once the list of runbooks stands: all are read, the runs that an earlier console left are known, and
 * what that changed is in its order. */
bool engine_listed(const struct engine *engine);

/* Whom belay calls on this host, with their measures, by name: those of the state database of this
 * configuration and of the one that `belay exec` uses without any. The caller frees views. Blocks for the
 * disk. */
int engine_targets_read(const struct config *config, struct target_view **views, size_t *count,
                        struct err *e);
/* How calls of one target ("source/api", "pay-api", "chain/answers/gpt-4") have been going, over each span:
 * those of this process for sources and the mirror, of all processes of this host for the others. False:
 * nothing is known. */
bool engine_measures(const struct engine *engine, const char *target,
                     struct measures_sums spans[static MEASURES_SPAN_COUNT]);
/* The target behind an entity of belay's own: a breaker, a tier of a chain. "" for one that is read from
 * elsewhere. */
void entity_target(const struct entity *e, char target[static TARGET_NAME_LIMIT + 1]);

/* Is all well with this process itself: the journal takes events, sources are heard, the loop is in time? If
 * not, why is one line. */
bool engine_healthy(const struct engine *engine, struct str *why);

/* Answers GET /metrics (the Prometheus text format) and GET /healthz at address, see listener_address_parse
 * in serve/, until the engine is closed. Once. ERR_USAGE: no such address; ERR_BUSY: it is taken. */
struct engine_listening {
    const char *address; /* "127.0.0.1:9847" */
    bool loopback;
};
int engine_listen(struct engine *engine, const char *address, struct engine_listening *where, struct err *e);

/* ---- What is ---------------------------------------------------------------------------------------- */

const struct config *engine_config(const struct engine *engine); /* never NULL */
const char *engine_platform_name(const struct engine *engine);
const char *engine_badge(const struct engine *engine); /* "" where none is configured */
const struct platform *engine_platform(const struct engine *engine);
int64_t engine_now_us(const struct engine *engine); /* the loop's monotonic clock */

bool engine_is_observer(const struct engine *engine);
const char *engine_actor(const struct engine *engine); /* who acts here: the uid's login name */
/* Who that is, for one who must be somebody else: "alice (uid 1004, key SHA256:k3...)". */
const char *engine_person(const struct engine *engine);
/* Where acts land, as approvals are bound to it: the platform and what is configured for identity:. */
const char *engine_target(const struct engine *engine);
/* Who else: "alice (uid 1004, key SHA256:k3...) on bastion-2", for the confirmation page. */
const char *engine_actor_line(const struct engine *engine);
/* NULL when this process watches; else who does ("pid 812 on this host"), or why nobody can. */
const char *engine_watch_holder(const struct engine *engine);
/* NULL, or why the journal can't be written now: nothing acts meanwhile. */
const char *engine_trouble(const struct engine *engine);
/* The mirror off this host as a row among the sources: named "mirror", kind syslog or command, every_us 0
 * (nothing is polled: lines go out when there are some), bytes those that wait. False where none is
 * configured. */
bool engine_mirror_status(const struct engine *engine, struct source_status *row);
/* NULL, or the folder of the emergency journal that this one is: everything is recorded there until it is
 * imported. */
const char *engine_emergency(const struct engine *engine);
/* NULL, or the folder that REQUEST_EMERGENCY has made ready: close this engine and open one with the
 * configuration's journal set to emergency:FOLDER. */
const char *engine_emergency_made(const struct engine *engine);
/* NULL, or which emergency journals of this journal wait for their import, and what went on in them: "run 12
 * went on in PATH". */
const char *engine_emergency_waiting(const struct engine *engine);
/* Imports the emergency journal in that folder into the main one (journal_import), with its steps' folders.
 * ERR_BUSY also while a console works there, or a step runs. Blocks for the disks. */
int engine_import(const struct config *config, struct journal *into, const char *folder, const char *actor,
                  struct journal_import *report, struct err *e);
/* NULL, or why running steps would not outlive a lost login here. */
const char *engine_lifetime_warning(const struct engine *engine);

/* NULL, or why breakers are not shared: the state database can't be used, or was begun anew. */
const char *engine_state_trouble(const struct engine *engine);

size_t engine_source_count(const struct engine *engine);
void engine_source_status(const struct engine *engine, size_t index, struct source_status *status);
/* As sources_mishaps. */
size_t engine_source_mishaps(const struct engine *engine, size_t index,
                             struct source_mishap out[static SOURCE_MISHAPS]);

/* ---- Runbooks, offers ------------------------------------------------------------------------------- */

struct engine_runbook {
    const struct runbook *book; /* NULL while it is being parsed or when it can't be read: see error */
    const char *path;
    const char *error;          /* NULL, or why it can't be run */
    bool offered;               /* one of its conditions holds */
    const char *offered_entity; /* "shard docs/shard-5", or NULL */
    int64_t offered_since_us;   /* wall clock */
    int64_t last_run_us;        /* wall clock of the newest run's start, 0 when never; a rehearsal is none */
    int64_t last_rehearsed_us;  /* the same of rehearsals */
    int64_t interrupted_run;    /* a run of it that stands still and can go on, or 0 */
    int64_t open_run;           /* a run of it that is under way, or 0 */
    int64_t open_rehearsal;     /* a rehearsal of it that has not ended, or 0: neither of the two above */
};
size_t engine_runbook_count(const struct engine *engine);
/* Interrupted first, then offered, then the rest by title. */
void engine_runbook_at(const struct engine *engine, size_t index, struct engine_runbook *view);

/* ---- Healing ---------------------------------------------------------------------------------------- */

/* What is wrong by a rule of `heal:`, or because a step failed whose policy says `heal`, and what would mend
 * it. */
struct engine_healing {
    const char *resource, *error;
    const char *state; /* "proposed", "running", "resting", "given up" */
    const char *issue, *fix, *by, *evidence;
    double confidence;
    bool automatic; /* its fix runs by itself */
    bool given_up;  /* a person is needed */
    unsigned attempts;
    int64_t since_us; /* wall clock */
    int64_t run;      /* of the fix that ran by itself; 0: none */
};
size_t engine_healing_count(const struct engine *engine);
bool engine_healing_at(const struct engine *engine, size_t index, struct engine_healing *view);

/* Asks the configured diagnosers, then the rules, what is wrong with a resource. done runs once, on the loop:
 * found is NULL when nobody knows; notes say why diagnosers did not answer, a line each. */
typedef void engine_diagnosed(void *context, const struct heal_diagnosis *found, const char *notes);
void engine_diagnose(struct loop *loop, const struct config *config, const char *resource, const char *error,
                     engine_diagnosed *done, void *context);

/* ---- Runs ------------------------------------------------------------------------------------------- */

struct engine_run {
    int64_t id;
    int64_t incident;
    const struct run *run; /* the machine: steps, outcomes, pages */
    const struct runbook *book;
    const char *actor;  /* who started it */
    const char *entity; /* what it was started for, "shard docs/shard-5"; NULL when for nothing */
    int64_t started_us; /* wall clock */
    const char *edited; /* NULL, or that its document or items have changed since: it keeps its own */
    bool rehearsed;     /* nothing of it is executed, its outcomes are made up: never counted as real */
    bool ended;
    bool elsewhere;        /* another console walks it: shown, not moved */
    const char *owner;     /* that console, "alice@bastion-2.5f1c09ae"; NULL: nobody's */
    bool abandoned;        /* and it is gone */
    const char *emergency; /* NULL, or the emergency journal in which it went on: it is imported first */
    bool interrupted;      /* an earlier console left it: REQUEST_RUN_RESUME takes it up */
    int current_step;      /* the step that runs or waits for a person, -1 when none */
};
size_t engine_run_count(
    const struct engine *engine); /* open ones, and those that ended since this console started */
bool engine_run_at(const struct engine *engine, size_t index, struct engine_run *view);
bool engine_run_by_id(const struct engine *engine, int64_t id, struct engine_run *view);
/* The run clock's now of a run, in ms: what `at_ms` of its steps compares with. */
int64_t engine_run_clock_ms(const struct engine *engine, int64_t run);
/* The newest output (at most 64 KiB) of a step, cleaned; "" when there is none. */
const char *engine_step_output(const struct engine *engine, int64_t run, int step);
/* How many bytes of it there ever were, also those that are no longer kept: what is new is told from that. */
uint64_t engine_step_output_total(const struct engine *engine, int64_t run, int step);
/* How long the step's action took in earlier runs of the document: false when never. */
bool engine_step_usual_ms(const struct engine *engine, int64_t run, int step, int64_t *low_ms,
                          int64_t *high_ms);
/* Where acts would land: "prod-eu", as it was observed last. Re-observed when a page
 * opens and again right before each act. */
struct engine_where {
    const char *text;
    bool configured;
    bool matches;
    int64_t observed_us; /* monotonic, 0 while it is being observed */
};
void engine_where(const struct engine *engine, struct engine_where *where);

/* ---- Approvals -------------------------------------------------------------------------------------- */

/* What somebody else's run waits for, as far as somebody here may give it: never what was asked for by who
 * sits here. */
struct engine_approval {
    int64_t run;
    int step;
    const char *by;               /* who asks: "alice (uid 1004, key SHA256:k3...)" */
    int64_t asked_us, expires_us; /* wall clock: it has to be asked for again then */
    const char *digest;           /* of the command that is asked for */
    int missing, needed;
    bool given;          /* from here: the console that walks the run has yet to count it, or has */
    const char *refused; /* NULL, or why what was given from here does not count */
};
size_t engine_approval_count(const struct engine *engine);
bool engine_approval_at(const struct engine *engine, size_t index, struct engine_approval *view);
/* How an approval from here would be signed, or why it would not be. */
const char *engine_signing(const struct engine *engine);

/* ---- Incidents, timeline ---------------------------------------------------------------------------- */

size_t engine_incident_count(const struct engine *engine); /* not closed, newest first */
bool engine_incident_at(const struct engine *engine, size_t index, struct journal_incident *incident);
int64_t engine_focused_incident(const struct engine *engine); /* 0 when there is none */
/* How many changes of the focused incident stand, not taken back: as the hand-over lists them. */
size_t engine_changes(const struct engine *engine);

/* Muted now; mutes_find with an entity's title. Muted problems are counted and shown as muted, they are never
 * ok. */
const struct mutes *engine_mutes(const struct engine *engine);
/* NULL where no `oncall:` is configured; "unknown" until, and whenever, its command can't say. */
const char *engine_oncall(const struct engine *engine);

/* Read in the pool; done comes once, on the loop, never from inside the call. e: NULL, or why not. text: the
 * hand-over's sheet. left: what closing the incident would leave behind and asks for, NULL when nothing.
 * Borrowed for the call. */
typedef void engine_sheet(void *context, const struct err *e, const char *text, char *const *left);
void engine_leftovers_read(const struct engine *engine, int64_t incident, engine_sheet *done, void *context);
void engine_handover_read(const struct engine *engine, engine_sheet *done, void *context);

/* A status update to paste: what users feel, since when, what is being done, when the next one comes. */
struct engine_update {
    const struct journal_incident *incident;
    const struct platform *platform; /* NULL: nothing is watched */
    char *const *doing;              /* NULL-terminated, may be NULL */
    int64_t now_us, next_us;         /* wall clock */
};
void update_text(const struct engine_update *update, struct str *out);
#define UPDATE_NEXT_US (30 * 60 * US_PER_S) /* the next one, when nobody says */

/* Safe mode, as the entity that `safe_mode:` names tells it. Unknown when its source is silent or never told
 * of it. Between: a word that means neither on nor off, and is shown as it is. */
enum safe_mode_state { SAFE_MODE_NONE, SAFE_MODE_OFF, SAFE_MODE_ON, SAFE_MODE_BETWEEN, SAFE_MODE_UNKNOWN };
struct safe_mode {
    enum safe_mode_state state;         /* NONE: not configured */
    char word[PLATFORM_TEXT_LIMIT + 1]; /* "off", "ON", "unknown", "partly" */
    const struct entity *entity;        /* NULL when no source told of it */
};
void safe_mode_read(const struct config *c, const struct platform *p, struct safe_mode *mode);

/* The pages and logs that the configuration names for an entity, by index from 0; false past the last. A page
 * whose variables the entity lacks says so instead of its address. */
bool entity_link(const struct config *c, const struct entity *e, size_t index, const char **title,
                 struct str *url);
struct entity_logs {
    const char *title; /* the configuration's */
    char **argv;
    int64_t timeout_us;
    struct err e; /* code 0, or why this command can't be made for it */
};
bool entity_logs(const struct config *c, const struct entity *e, size_t index, struct entity_logs *logs);
void entity_logs_fini(struct entity_logs *logs);

/* The newest lines in memory (up to 2,000), every process's of this journal. Older ones, and an event's whole
 * data: journal_read on engine_journal. */
const struct timeline *engine_timeline(const struct engine *engine);
struct journal *engine_journal(const struct engine *engine); /* NULL when it couldn't be opened */
/* Everything about one event as text for a person: its fields, its data, the first 64 KiB of the outputs and
 * evidence that it refers to. Read in the pool; done comes once, on the loop, never from inside the call,
 * also when the engine closes (then with ""). text is borrowed for the call. */
void engine_event_read(const struct engine *engine, int64_t seq,
                       void (*done)(void *context, const char *text), void *context);

/* Every approval in the journal, its signature checked against the configuration's approvers. Runs the loop:
 * for a command, not for a console. The caller frees the report. */
struct engine_approvals {
    size_t count, unchecked, bad;
    struct str report; /* a line each */
};
int engine_approvals_check(struct loop *loop, struct journal *journal, const struct config *config,
                           struct engine_approvals *found, struct err *e);

/* ---- The terminal, for interactive steps ------------------------------------------------------------- */

struct termios;

/* A real terminal, lent to an interactive step by whoever has one and shows the engine. What the program
 * writes comes as it is, escape sequences and all: for that terminal, never for a canvas. */
struct engine_terminal {
    int width, height;
    const struct termios *modes; /* as the person has them, copied; NULL: the kernel's */
    const char *term;            /* $TERM, for the recording; may be NULL */
    void (*output)(void *context, const char *bytes, size_t length);
    /* Once, when nothing more comes; how: "exit 0 (4.1 s)", why it never started, or "" when this console has
     * lost it. */
    void (*ended)(void *context, const char *how);
    void *context;
};
/* The confirmed step of a run that waits for one, or STEP_NONE; after a minute it ends as not started.
 * ENGINE_RUNS announces it. A run has one such step at a time. */
int engine_terminal_wanted(const struct engine *engine, int64_t run);
/* Where it lands is observed, its intent journaled, and only then does it start. */
int engine_terminal_give(struct engine *engine, int64_t run, const struct engine_terminal *terminal,
                         struct err *e);
/* These do nothing once it has ended. Typed bytes are kept for a program that doesn't read, up to 1 MiB. */
void engine_terminal_type(struct engine *engine, int64_t run, const char *bytes, size_t length);
void engine_terminal_resize(struct engine *engine, int64_t run, int width, int height);
/* The program is told that its size changed, so that it draws anew. */
void engine_terminal_redraw(struct engine *engine, int64_t run);
/* Whoever gave it goes: neither output nor ended is called any more. The program goes on while the engine is
 * open. */
void engine_terminal_forget(struct engine *engine, int64_t run);
/* While paused nothing is read from the program, which then waits, as on a slow link. */
void engine_terminal_pause(struct engine *engine, int64_t run, bool paused);

/* ---- Asking for things ------------------------------------------------------------------------------ */

/* name, flags, help. ACTS: refused to observers and while the journal is in trouble. JOURNALS: refused while
 * the journal is in trouble. An input of a rehearsal acts on nothing; cancelling a running step is done in
 * trouble, too, and journaled after it. */
#define REQUEST_ACTS     1u
#define REQUEST_JOURNALS 2u
#define ENGINE_REQUESTS(X)                                                                                   \
    X(JOIN, "join", REQUEST_JOURNALS, "become an operator here")                                             \
    X(NOTE, "note", REQUEST_JOURNALS, "write a note to the timeline")                                        \
    X(INCIDENT_OPEN, "incident open", REQUEST_JOURNALS, "open an incident")                                  \
    X(INCIDENT, "incident", REQUEST_JOURNALS, "write into the file of an incident")                          \
    X(INCIDENT_MOVE, "incident state", REQUEST_JOURNALS | REQUEST_ACTS, "mitigate, resolve, review, close")  \
    X(INCIDENT_FOCUS, "incident focus", 0, "notes and exports go to this incident")                          \
    X(MUTE, "mute", REQUEST_JOURNALS | REQUEST_ACTS, "take a problem out of the way for a while")            \
    X(BREAKER, "breaker", REQUEST_JOURNALS | REQUEST_ACTS, "override a breaker of belay's own")              \
    X(HANDOVER_GIVE, "handover give", REQUEST_JOURNALS, "hand the shift over")                               \
    X(HANDOVER_ACCEPT, "handover accept", REQUEST_JOURNALS, "take the shift over")                           \
    X(RUN_START, "run", REQUEST_JOURNALS | REQUEST_ACTS, "start a runbook")                                  \
    X(ACT, "do", REQUEST_JOURNALS | REQUEST_ACTS, "act outside of any runbook: a run of one step")           \
    X(REHEARSE, "rehearse", REQUEST_JOURNALS, "walk a runbook without touching anything")                    \
    X(OUTCOME, "outcome", REQUEST_JOURNALS, "say how an execution of a rehearsal ended")                     \
    X(RUN_INPUT, "step", REQUEST_JOURNALS | REQUEST_ACTS, "answer a step of a run")                          \
    X(RUN_RESUME, "resume", REQUEST_JOURNALS | REQUEST_ACTS, "go on with an interrupted run")                \
    X(RUN_TAKE, "take", REQUEST_JOURNALS | REQUEST_ACTS,                                                     \
      "take a run over from another console, with a reason")                                                 \
    X(APPROVE, "approve", REQUEST_JOURNALS | REQUEST_ACTS, "approve the exact command of another's step")    \
    X(EXPORT, "export", REQUEST_JOURNALS, "write the timeline of an incident to a file")                     \
    X(EMERGENCY, "emergency", 0, "make an emergency journal, while this one can't be written")

enum engine_request_kind {
#define X(name, text, flags, help) REQUEST_##name,
    ENGINE_REQUESTS(X)
#undef X
};

struct engine_request {
    enum engine_request_kind kind;
    const char *text;     /* note, incident title, reason, export's path (NULL: belay-INC-7.FORMAT here, or
                             belay-INC-7-2.FORMAT when that is there); EMERGENCY: "leave" leaves runs whose step
                             still runs */
    const char *severity; /* INCIDENT_OPEN: "SEV2", may be NULL */
    const char *format;   /* EXPORT: "md" or "json" */
    int64_t incident;     /* 0: the focused one; of a rehearsal none */
    int64_t run;          /* RUN_INPUT, RUN_RESUME, RUN_TAKE, OUTCOME */
    const char *path;     /* RUN_START, REHEARSE: the document; APPROVE: the key to sign with, may be NULL */
    const char *digest;   /* APPROVE: what was shown; refused once it is another command. May be NULL */
    const char *entity;   /* RUN_START, REHEARSE: "shard docs/shard-5" that offered it; INCIDENT_OPEN: what it
                           * is for;   both may be NULL. MUTE */
    const struct incident_change *change; /* INCIDENT, INCIDENT_MOVE */
    const char *state;      /* BREAKER (entity is its name): "FORCED_OPEN" ...; NULL: automatic again */
    bool accept_left;       /* INCIDENT_MOVE: close although something is left over; change->text says why */
    int64_t until_us;       /* MUTE: wall clock, 0 unmutes. BREAKER: 0 until told otherwise */
    const char *person;     /* HANDOVER_GIVE: for whom, may be NULL */
    char *const *variables; /* RUN_START, REHEARSE: NAME=VALUE, NULL-terminated, may be NULL. OUTCOME: what
                             * the block exports */
    bool by_itself;         /* RUN_START: no person starts it: healing */
    bool checks_only;       /* RUN_START: nothing that acts is ever run, whatever it is told */
    const struct runbook_act *act; /* ACT */
    const struct run_input *input; /* RUN_INPUT */
    uint64_t ticket;               /* OUTCOME: one of run_tickets */
    const struct made_up *made_up; /* OUTCOME */
};

/* The answer comes once, on the loop, perhaps before engine_submit returns: code 0 and a line for the person
 * ("run 12 started"), or an error that says why and what to do. `id` is the new incident or run where there
 * is one. The request is copied. done may be NULL. */
typedef void engine_done(void *context, int code, const char *message, int64_t id);
void engine_submit(struct engine *engine, const struct engine_request *request, engine_done *done,
                   void *context);

#endif
