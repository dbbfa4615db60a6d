/* The journal: what happened, in order, for good. One append-only table of events in SQLite, each event with
 * the SHA-256 of itself and of its predecessor; output and evidence in content-addressed blobs beside it.
 * Runs, incidents and the timeline are folds over events; a correction is a later event.
 *
 * Appends go through one writer thread: whoever appends never waits for the disk, everything that waits is
 * committed together, and completions come back on the loop's thread. Everything is committed in the order in
 * which it was submitted, blobs included: an event that names a blob's digest and is submitted after
 * journal_blob_finish() is durable only together with the blob. `done` without an error means: on the disk
 * (fdatasync), hence an intent may be acted on. An error means: not acknowledged, so don't act; after a
 * failure in the middle of a commit the event may yet turn up.
 *
 * When the disk is full, read-only or gone the journal is in trouble: appends fail at once with the reason, a
 * bounded probe goes on, and it recovers by itself, leaving a journal.trouble event that says how long it
 * lasted and how many appends were refused. Reading goes on meanwhile.
 *
 * Several processes may have one journal open. Each sees the others' events (poll journal_last_seq). */
#ifndef BELAY_JOURNAL_JOURNAL_H
#define BELAY_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/journal/incident.h"

/* X(NAME, name, durable, help). All events are committed with FULL synchronisation. `durable` ones are
 * committed at once; the others may wait up to JOURNAL_LINGER_US for company, so that a storm of transitions
 * costs a few commits, not hundreds. */
#define EVENT_KINDS(X)                                                                                       \
    X(JOURNAL_OPENED, "journal.opened", false, "a process opened the journal: version, host, user")          \
    X(JOURNAL_TROUBLE, "journal.trouble", true, "the journal could not write for a while: since when, why")  \
    X(WATCH_STARTED, "watch.started", false, "a process became the one that journals transitions")           \
    X(WATCH_ENDED, "watch.ended", false, "it stopped doing so")                                              \
    X(TRANSITION, "transition", false, "an entity changed state: kind, source, name, from, to, raw, since")  \
    X(SOURCE_FAILED, "source.failed", false, "a source stopped answering sensibly, with the reason")         \
    X(SOURCE_RECOVERED, "source.recovered", false, "a source answers again")                                 \
    X(OPERATOR_JOINED, "operator.joined", true, "an observer became an operator")                            \
    X(OPERATOR_LEFT, "operator.left", false, "an operator became an observer, or closed the console")        \
    X(INCIDENT_OPENED, "incident.opened", true, "title, severity")                                           \
    X(INCIDENT_NOTED, "incident.noted", true, "a person's note")                                             \
    X(INCIDENT_ROLE, "incident.role", true, "who has a role from now on")                                    \
    X(INCIDENT_SEVERITY, "incident.severity", true, "how bad it is, from now on")                            \
    X(INCIDENT_ACTION, "incident.action", true, "an action item: new, changed, done or dropped")             \
    X(INCIDENT_WRITTEN, "incident.written", true, "a part of the postmortem was written: field, text")       \
    X(INCIDENT_MITIGATED, "incident.mitigated", true, "users no longer feel it")                             \
    X(INCIDENT_RESOLVED, "incident.resolved", true, "its cause is gone")                                     \
    X(INCIDENT_REVIEWED, "incident.reviewed", true, "the postmortem was held")                               \
    X(INCIDENT_CLOSED, "incident.closed", true, "nothing is left to do")                                     \
    X(ENTITY_MUTED, "entity.muted", true, "a problem is out of the way for a while: until when, why")        \
    X(ENTITY_UNMUTED, "entity.unmuted", true, "it is in sight again before its time")                        \
    X(BREAKER_FORCED, "breaker.forced", true, "a breaker was overridden by hand: state, reason, until when") \
    X(BREAKER_RELEASED, "breaker.released", true, "it is automatic again: by hand, or its time is over")     \
    X(HANDOVER_GIVEN, "handover.given", true, "a shift is handed over, with what stands open")               \
    X(HANDOVER_ACCEPTED, "handover.accepted", true, "somebody has taken it")                                 \
    X(RUN_STARTED, "run.started", true, "a runbook's run began: id, title, path, digest, vars")              \
    X(RUN_INPUT, "run.input", true, "one input of the run's machine; a run is restored by replaying them")   \
    X(RUN_CLAIMED, "run.claimed", true, "a console goes on with a run whose console is gone: owner")         \
    X(RUN_TAKEN, "run.taken", true, "a run was taken over from a console that is there: owner, reason")      \
    X(APPROVAL_REQUESTED, "approval.requested", true, "a step waits for others: digest of its command")      \
    X(APPROVAL_GIVEN, "approval.given", true, "an operator approves another's command: digest, signature")   \
    X(APPROVAL_REFUSED, "approval.refused", true, "an approval does not count, and why")                     \
    X(RUN_ENDED, "run.ended", true, "a run ended: outcome, acted")                                           \
    X(STEP_INTENT, "step.intent", true, "what is about to run, exactly, and where; before it runs")          \
    X(STEP_OUTCOME, "step.outcome", true, "how it ended, with the digests of its output")                    \
    X(STEP_EVIDENCE, "step.evidence", true, "evidence captured before a step acts")                          \
    X(STEP_CONCLUDED, "step.concluded", false,                                                               \
      "what came of a step, verification included: outcome, reason")                                         \
    X(STEP_NOTED, "step.noted", true,                                                                        \
      "what a run decided by its document: a rung, an attempt, an approval void")                            \
    X(HEAL_PROPOSED, "heal.proposed", true,                                                                  \
      "something is wrong, and what would mend it: case, issue, fix, by")                                    \
    X(HEAL_STARTED, "heal.started", true, "its fix is about to run by itself")                               \
    X(HEAL_TRIED, "heal.tried", true, "the fix has run, or could not: outcome, run")                         \
    X(HEAL_ESCALATED, "heal.escalated", true, "no fix is known, or none helped: a person is needed")         \
    X(HEAL_ENDED, "heal.ended", true, "what was wrong no longer is")                                         \
    X(LOCK_TAKEN, "lock.taken", true, "a run holds a lock of its steps: lock")                               \
    X(LOCK_RELEASED, "lock.released", true, "it gave the lock back")                                         \
    X(BLOB_STORED, "blob.stored", false, "a blob's manifest: digest, length, pieces, what was dropped")      \
    X(EXPORT_WRITTEN, "export.written", false, "an export was written: path, format, digest")                \
    X(MIRROR_FAILED, "mirror.failed", false, "events no longer reach the mirror off this host")              \
    X(MIRROR_RECOVERED, "mirror.recovered", false, "they do again; how many were not sent")                  \
    X(JOURNAL_EMERGENCY, "journal.emergency", true,                                                          \
      "an emergency journal: begun beside which main one, ready")                                            \
    X(JOURNAL_IMPORTED, "journal.imported", true, "an emergency journal was imported: its id, its head")     \
    X(IMPORT_KEPT, "import.kept", false,                                                                     \
      "an event of an emergency journal about a run that went on here meanwhile: a record")

enum event_kind {
    EVENT_UNKNOWN = 0, /* written by a newer belay; event.kind_name has its name */
#define X(NAME, name, durable, help) EVENT_##NAME,
    EVENT_KINDS(X)
#undef X
        EVENT_KIND_COUNT,
};

const char *event_kind_name(enum event_kind kind); /* "step.intent"; "unknown" for EVENT_UNKNOWN */
bool event_kind_durable(enum event_kind kind);
enum event_kind event_kind_find(const char *name); /* EVENT_UNKNOWN when there is none */

/* A claim is a name that has one holder at a time among all processes of a journal: a run that is walked, a
 * lock of steps. An event takes it, checks it or gives it back in its own transaction; an event whose claim
 * is refused is not written, nor is the rest of its group (ERR_CLAIMED, the reason names the holder). The
 * fence of a claim is the number of the event that took it: whoever lost it meanwhile holds an older one, and
 * everything that still carries it is refused. */
enum claim_op {
    CLAIM_NONE,
    CLAIM_TAKE, /* from nobody, or from the holder with this very fence (0: from nobody alone) */
    CLAIM_CHECK,
    CLAIM_RELEASE,
};

struct claim {
    enum claim_op op;
    const char *key;   /* "lock index-rebuild"; NULL in a draft: its run's, "run 12" */
    const char *owner; /* TAKE: who, for people */
    int64_t fence;
};

/* What a caller wants to be recorded. Texts are copied; NULL is "". They are stored as given if they are
 * UTF-8 (else cleaned first): text from outside is cleaned when it is drawn, not here. */
struct event_draft {
    enum event_kind kind;
    int64_t at_us;       /* wall clock; 0: now, read at the append */
    const char *actor;   /* who: "alice", "watch", "belay" */
    const char *subject; /* what it is about: "shard docs/shard-5", "run 12", a digest; NULL with
                          * JOURNAL_NEW: "INC-7" or "run 12" */
    const char *outcome; /* "ok", "failed", "unknown" ...; "" where there is none */
    const char *summary; /* one line for people; cut at JOURNAL_SUMMARY_MAX bytes */
    const char *data;    /* a JSON object; NULL is {}. More than JOURNAL_DATA_MAX is ERR_RANGE: use a blob */
    int64_t incident;    /* 0 none, or JOURNAL_NEW */
    int64_t run;         /* 0 none, or JOURNAL_NEW */
    struct claim claim;
    bool imported; /* emergency.h: its data may be JOURNAL_IMPORTED_MAX longer */
};

/* As incident or run of a draft: the next free number, allocated inside the transaction. All drafts of one
 * atomic group that say so get the same number. */
#define JOURNAL_NEW (-1)

#define JOURNAL_LINGER_US    50000
#define JOURNAL_SUMMARY_MAX  2048
#define JOURNAL_DATA_MAX     (1u << 20)
#define JOURNAL_IMPORTED_MAX (16u << 10)
#define JOURNAL_TEXT_MAX     4096 /* actor, subject, outcome: longer is cut */

/* An event as it was read; texts belong to whoever called back and live as long as the callback, unless
 * copied with event_copy. Never NULL. */
struct event {
    int64_t seq; /* from 1, without gaps */
    int64_t at_us;
    enum event_kind kind;
    const char *kind_name;
    const char *actor, *subject, *outcome, *summary, *data;
    int64_t incident, run; /* 0 none */
    uint8_t prev_hash[SHA256_SIZE];
    uint8_t hash[SHA256_SIZE];
};

struct event *event_copy(const struct event *event); /* one block of memory: free() */

/* The hash that the event ought to have, by its other fields (docs/journal.md). */
void event_hash(const struct event *event, uint8_t hash[static SHA256_SIZE]);

/* Appends the event as one line of JSON without the newline: {"seq","at","kind","actor","subject","outcome",
 * "summary","data","hash","prev_hash","incident","run"}. The line of `belay timeline --json` and of the
 * mirror. data stands there as it was stored when it is valid JSON, else as a string. */
void event_json(const struct event *event, struct str *out);

/* --- opening -------------------------------------------------------------------------------------------- */

struct journal;

struct journal_health {
    bool ok;          /* false: in trouble, appends are refused with code and reason */
    bool read_only;   /* opened so */
    int code;         /* enum err_code */
    char reason[256]; /* one sentence: what, and how to mend it */
    int64_t since_us; /* wall clock: since when in trouble */
    uint64_t refused; /* appends refused in this trouble */
    uint64_t events;  /* appended by this process */
    uint64_t commits;
    uint64_t queued; /* events and pieces waiting now */
    int64_t
        writing_us; /* how long the commit in progress has been at it; 0: none. A hanging disk shows here */
    int64_t last_commit_us; /* duration of the last one */
    int64_t wal_bytes;      /* of the last commit */
};

struct journal_options {
    const char *folder;    /* created when missing; holds journal.db and journal.lock */
    const char *platform;  /* the name in the head lines */
    const char *emergency; /* a place for emergency journals beside the usual ones; may be NULL */
    bool shared;           /* 2770/0660 and the folder's group, instead of 0700/0600 */
    bool create;           /* false: a missing journal is ERR_NOT_FOUND */
    bool read_only;        /* for reading and verifying alone: no tail check, nothing is ever written */
    /* Opens in trouble where a full disk, a read-only or missing file system would be an error: the console
     * must start. Foreign, damaged, newer and remote journals are errors all the same. */
    bool tolerate;
    /* Runs fn(arg) on the caller's loop (loop_poster). NULL: completions run on the writer's thread, for
     * programs without a loop. */
    void (*post)(void *post_ctx, void (*fn)(void *arg), void *arg);
    void *post_ctx;
    /* On the loop, when ok changes. May be NULL. */
    void (*on_health)(void *ctx, const struct journal_health *health);
    void *health_ctx;
};

/* NULL with an error: FOREIGN (not a belay journal), CORRUPT, UNSUPPORTED (newer schema, network file
 * system), BUSY (names the process that holds the lock), DENIED, FULL, NOT_FOUND, IO. An existing file that
 * isn't a sound journal is left as it is, byte for byte. */
struct journal *journal_open(const struct journal_options *options, struct err *e);

/* Commits what is queued (at most 5 s), ends the thread, runs or posts the outstanding completions (with
 * ERR_CANCELLED for what could not be committed). With `post`: call it on the loop's thread, and let the loop
 * turn once before it is freed. NULL is fine. */
void journal_close(struct journal *j);

void journal_health(struct journal *j, struct journal_health *health); /* from any thread */
const char *journal_path(const struct journal *j);
const char *journal_platform(const struct journal *j);

/* --- appending: from any thread ---------------------------------------------------------------------------
 */

struct journal_result {
    int code;              /* 0: durable */
    const char *reason;    /* with a code: one sentence */
    int64_t seq;           /* of the first event of the group */
    int64_t count;         /* events of the group */
    int64_t incident, run; /* what JOURNAL_NEW became, else 0 */
};

typedef void (*journal_done)(void *ctx, const struct journal_result *result);

/* 0: queued, and done (may be NULL) runs exactly once, later. Negative: refused at once, done will not run:
 * in trouble (its code and reason), ERR_BUSY (the bounded queue is full: the disk hangs), ERR_DENIED (opened
 * read-only), ERR_RANGE (data too long). */
int journal_append(struct journal *j, const struct event_draft *draft, journal_done done, void *ctx,
                   struct err *e);

/* All of them or none, one after the other, 1 to 64. */
int journal_append_group(struct journal *j, const struct event_draft *drafts, size_t count, journal_done done,
                         void *ctx, struct err *e);

/* Waits until they are durable; result may be NULL. Not on a loop's thread. */
int journal_append_wait(struct journal *j, const struct event_draft *drafts, size_t count,
                        struct journal_result *result, struct err *e);

/* Runs fn on the loop for every group of events that this process has committed, in order: the mirror, and
 * the console's own timeline. One listener; set before the first append. */
void journal_on_commit(struct journal *j,
                       void (*fn)(void *ctx, const struct event *const *events, size_t count), void *ctx);

/* "belay-head PLATFORM SEQ HASH", without a newline: what is mirrored off the host after each commit. */
void journal_head_line(const char *platform, int64_t seq, const uint8_t hash[static SHA256_SIZE],
                       struct str *out);

/* --- reading: from any thread ------------------------------------------------------------------------------
 */

enum journal_direction { JOURNAL_FORWARD, JOURNAL_BACKWARD };

struct journal_filter { /* zeroes: everything */
    int64_t incident;
    int64_t run;
    const enum event_kind *kinds;
    size_t kind_count;
};

#define JOURNAL_END INT64_MAX

/* Visits events with seq >= from_seq (FORWARD) or <= from_seq (BACKWARD, JOURNAL_END: from the last one), at
 * most limit of them (0: all), of those that are there when it is called. Reads pages of up to 256 events,
 * looking through a few thousand at a time, each copied out before it is visited: no snapshot is held while
 * visit runs, and visit may call the journal. filter may be NULL. visit returns 0 to go on; anything else
 * stops and is returned if negative (e untouched). Blocks for the disk: milliseconds for a page, so long
 * reads belong in the pool (loop_work). */
int journal_read(struct journal *j, int64_t from_seq, enum journal_direction direction,
                 const struct journal_filter *filter, size_t limit,
                 int (*visit)(const struct event *event, void *data), void *data, struct err *e);

/* The newest event's number, 0 in an empty journal. Cheap (microseconds): poll it to follow other processes.
 */
int journal_last_seq(struct journal *j, int64_t *seq, struct err *e);

/* Number and hash of the newest event; all zero in an empty journal. */
int journal_head(struct journal *j, int64_t *seq, uint8_t hash[static SHA256_SIZE], struct err *e);

/* Everything that is claimed now, by key. visit as in journal_read; what it gets lives as long as the call.
 */
int journal_claims(struct journal *j, int (*visit)(const struct claim *claim, void *data), void *data,
                   struct err *e);

/* --- blobs: from any thread
 * --------------------------------------------------------------------------------- */

#define JOURNAL_PIECE_BYTES     (1u << 20)  /* raw bytes of a piece at most */
#define JOURNAL_BLOB_HEAD_BYTES (32u << 20) /* of a bigger blob the first ... */
#define JOURNAL_BLOB_TAIL_BYTES (32u << 20) /* ... and the last so many are kept */

struct journal_blob_info {
    char digest[SHA256_HEX_SIZE]; /* of all raw bytes, dropped ones too */
    int64_t bytes;                /* raw, dropped ones too */
    int64_t dropped_at;           /* offset of the span that was not kept */
    int64_t dropped_bytes;        /* 0: kept whole */
    int64_t seq;                  /* of its blob.stored event */
};

/* Who stores it and what it belongs to, for the blob.stored event; the struct is copied. */
struct journal_blob_origin {
    const char *actor;
    const char *what; /* "stdout of step restore", "evidence store-log" */
    int64_t incident, run;
};

/* A blob as a stream. One thread at a time; compresses as it goes (3 ms a piece), so feed big ones from the
 * pool. */
struct journal_blob;

struct journal_blob *journal_blob_begin(struct journal *j, const struct journal_blob_origin *origin);
/* When too many pieces wait for the disk: waits up to wait_us for room, then ERR_BUSY with nothing added
 * (use 0 on the loop). In trouble: its code. An error is final: only abandon it. */
int journal_blob_add(struct journal_blob *b, const void *bytes, size_t length, int64_t wait_us,
                     struct err *e);
/* Frees b in any case. 0: digest is valid at once, done runs when all is durable: with the next durable
 * event, at the latest after JOURNAL_LINGER_US. A blob that is there already is not stored again
 * (result.count 0, seq of its manifest). */
int journal_blob_finish(struct journal_blob *b, char digest[static SHA256_HEX_SIZE], journal_done done,
                        void *ctx, struct err *e);
void journal_blob_abandon(struct journal_blob *b); /* NULL is fine */

/* begin, add, finish in one, for bytes in memory. */
int journal_blob_put(struct journal *j, const struct journal_blob_origin *origin, const void *bytes,
                     size_t length, char digest[static SHA256_HEX_SIZE], journal_done done, void *ctx,
                     struct err *e);

/* ERR_NOT_FOUND: no manifest with this digest. */
int journal_blob_info(struct journal *j, const char *digest, struct journal_blob_info *info, struct err *e);

/* Visits raw bytes from offset on, at most limit of them (0: all), in pieces of at most 1 MiB, each checked
 * against its own digest before it is shown. `at` is the offset in the raw output: it jumps over a dropped
 * span. visit stops by returning non-zero; negative is returned. */
int journal_blob_read(struct journal *j, const char *digest, int64_t offset, int64_t limit,
                      int (*visit)(const void *bytes, size_t length, int64_t at, void *data), void *data,
                      struct err *e);

/* May an incident in this state take an event of this kind? Mitigated only from open; resolved from open or
 * mitigated; reviewed once resolved, also after it was closed without (its evidence is held until then);
 * closed from any state but closed: what was left out is a leftover then. The message says what comes first.
 */
int journal_incident_admits(const struct journal_incident *incident, enum event_kind kind, struct err *e);

/* --- verifying
 * -------------------------------------------------------------------------------------------------- */

struct journal_verdict {
    bool ok;
    int64_t events, blobs, pieces, blob_bytes; /* checked */
    int64_t loose_pieces;                      /* without a manifest: a blob whose writer died; harmless */
    int64_t head_seq;
    uint8_t head_hash[SHA256_SIZE];
    int64_t heads_checked; /* mirrored lines of this platform that agree */
    int64_t bad_seq;       /* first bad sequence number; 0 when the fault is not in an event */
    char problem[256];     /* "event 812: its hash does not match its content" */
};

/* Recomputes the chain, every piece, every blob, the schema with its triggers, SQLite's own structure, and
 * compares with mirrored lines (text of any number of them, other lines are passed over; NULL: none). Uses a
 * connection of its own, holds no snapshot between pages. progress may be NULL; non-zero stops
 * (ERR_CANCELLED). 0 also when it found something: see ok. Negative: it could not check. Seconds for a
 * million events. */
int journal_verify(struct journal *j, const char *mirrored, struct journal_verdict *verdict,
                   int (*progress)(int64_t seq, int64_t last, void *data), void *data, struct err *e);

#include "engine/journal/emergency.h"

#endif
