/* What a failed call was: one classification for exit statuses, HTTP answers and errors of connections, and
 * what follows from each class for the retry, the breaker and the chain. Included through resilience.h. */
#ifndef BELAY_RESILIENCE_FAILURE_H
#define BELAY_RESILIENCE_FAILURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

/* What the breaker makes of a class. COOL: this target rests as long as it asked for, which is no failure. */
enum failure_verdict { VERDICT_FAILURE, VERDICT_IGNORED, VERDICT_COOL };
/* Where a chain goes on once no attempt is left here: to the next tier; to a tier of another class (of larger
 * input); nowhere, since every tier would say the same. */
enum failure_onward { ONWARD_NEXT, ONWARD_LARGER, ONWARD_STOP };

/* name, text, retried (when it may be repeated at all), verdict, onward, help */
#define FAILURE_CLASSES(X)                                                                                   \
    X(NONE, "none", false, VERDICT_IGNORED, ONWARD_STOP, "it succeeded")                                     \
    X(TIMEOUT, "timeout", true, VERDICT_FAILURE, ONWARD_NEXT, "no answer in time")                           \
    X(CONNECT, "connect", true, VERDICT_FAILURE, ONWARD_NEXT, "no connection; nothing was sent")             \
    X(CUT, "cut", true, VERDICT_FAILURE, ONWARD_NEXT, "the connection or the answer broke off")              \
    X(SERVER, "server", true, VERDICT_FAILURE, ONWARD_NEXT, "an error of the other side (5xx)")              \
    X(LIMITED, "limited", true, VERDICT_COOL, ONWARD_NEXT, "too many requests (429)")                        \
    X(AUTH, "auth", false, VERDICT_IGNORED, ONWARD_NEXT, "not authenticated, or not permitted (401, 403)")   \
    X(INVALID, "invalid", false, VERDICT_IGNORED, ONWARD_STOP, "the request itself is wrong (400, 422)")     \
    X(NOT_FOUND, "not_found", false, VERDICT_IGNORED, ONWARD_STOP, "what was asked for is not there (404)")  \
    X(TOO_LARGE, "too_large", false, VERDICT_IGNORED, ONWARD_LARGER, "the input is too large for this tier") \
    X(LOCAL, "local", false, VERDICT_IGNORED, ONWARD_NEXT, "it could not be started here (126, 127)")        \
    X(TRANSIENT, "transient", true, VERDICT_FAILURE, ONWARD_NEXT, "said to pass (75, --retry-on)")           \
    X(PERMANENT, "permanent", false, VERDICT_IGNORED, ONWARD_NEXT, "said to stay (--permanent)")             \
    X(OTHER, "other", false, VERDICT_FAILURE, ONWARD_NEXT, "failed, and nothing says how")                   \
    X(CANCELLED, "cancelled", false, VERDICT_IGNORED, ONWARD_STOP, "called off from outside")
enum failure_class {
#define X(name, text, retried, verdict, onward, help) FAILURE_##name,
    FAILURE_CLASSES(X)
#undef X
        FAILURE_CLASS_COUNT
};
const char *failure_class_text(enum failure_class class);
bool failure_class_parse(const char *text, enum failure_class *class);
bool failure_is_retried(enum failure_class class);
enum failure_verdict failure_verdict(enum failure_class class);
enum failure_onward failure_onward(enum failure_class class);

struct failure {
    enum failure_class class;
    bool before_start;      /* provably nothing had been sent or begun: may be repeated whatever it was */
    int64_t retry_after_ms; /* what the other side asked for; -1: nothing */
    char text[160];         /* one line for a person: "HTTP 503", "exit 7: couldn't connect" */
};

/* An HTTP answer, 100 to 599. retry_after is the header as sent ("" or NULL: absent), wall_us decides its
 * dates. */
void failure_of_status(int status, const char *retry_after, int64_t wall_us, struct failure *f);
/* The same where a body (may be NULL) came with it: it is looked at only for what a status leaves open, an
 * OpenAI-compatible error ("context_length_exceeded", "insufficient_quota"). */
void failure_of_http(int status, const char *retry_after, int64_t wall_us, const char *body, size_t length,
                     struct failure *f);
/* A connection's end by code of enum err_code. sent: whether any byte of the request had left. */
void failure_of_error(int code, bool sent, const char *reason, struct failure *f);

/* ---- Exit statuses ---- */

/* The shipped tables of programs whose statuses have a documented meaning: curl(1), grpcurl, sysexits.h. */
struct exit_table;
/* By the program's name (the last part of argv[0]); sysexits for everything that has no table of its own. */
const struct exit_table *exit_table_find(const char *program);
/* The same by the whole argument vector, which is better: of a curl that may make more than one request (-L,
 * --retry, --next, several URLs) no status proves that nothing had been sent. */
const struct exit_table *exit_table_for(char *const *argv);
/* Whether one of its statuses proves that nothing had been sent. */
bool exit_table_proves(const struct exit_table *table);

/* A list as --retry-on and --permanent take it: "75,timeout,100-110,server". Statuses 1 to 255, classes by
 * name; blanks around the commas don't matter. On an error the list is as it was. */
struct exit_list {
    uint64_t statuses[4]; /* a bit each */
    uint32_t classes;     /* a bit each */
};
int exit_list_parse(const char *text, struct exit_list *list, struct err *e);
bool exit_list_has_status(const struct exit_list *list, int status); /* list may be NULL */
bool exit_list_has_class(const struct exit_list *list, enum failure_class class);
bool exit_list_is_empty(const struct exit_list *list);
/* As exit_list_parse reads it: statuses first, runs of them as "100-110". Appended. */
void exit_list_text(const struct exit_list *list, struct str *out);

/* status 0 to 255, or signal > 0 (then status is ignored). The lists come first (either may be NULL); what
 * stands in both is permanent. */
void failure_of_exit(const struct exit_table *table, int status, int signal, const struct exit_list *retry_on,
                     const struct exit_list *permanent, struct failure *f);

#endif
