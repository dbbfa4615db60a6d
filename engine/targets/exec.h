/* One operation of `belay exec`: attempts at a command, or at whatever else a tier calls, under one policy,
 * over a chain of tiers, each tier behind the breaker of its target. The driver turns the machine of
 * chain.h; how an attempt is made is the tier's own: a function and its data. Blocking: one operation, one
 * process. Included through targets.h. */
#ifndef BELAY_TARGETS_EXEC_H
#define BELAY_TARGETS_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/resilience/resilience.h"

/* Exit statuses of belay exec's own. */
enum {
    EXEC_STATUS_HTTP = 22,     /* the command ended well, but its status lines told of a failure */
    EXEC_STATUS_REFUSED = 75,  /* the breaker refuses, and nothing serves instead */
    EXEC_STATUS_TIMEOUT = 124, /* the time-out or the deadline passed */
    EXEC_STATUS_OWN = 125,     /* belay's own error: nothing was run, or its output could not be kept */
    EXEC_STATUS_NOT_EXECUTABLE = 126,
    EXEC_STATUS_NOT_FOUND = 127,
};

#define EXEC_NAME_LIMIT 128

struct exec_streams; /* private: the operation's input and output, and the signals that came */

/* One attempt. The driver fills the first part, the tier's function the second. */
struct exec_call {
    unsigned attempt; /* from 1, over the whole operation */
    const char *tier; /* its name */
    const char *id;   /* of --id; NULL: none */
    const struct policy *policy;
    int64_t timeout_ms; /* 0: none */
    int64_t grace_ms;   /* between TERM and KILL */
    int64_t input_ms;   /* what is left of the deadline, for standard input to come to its end; 0: no limit */
    bool streams;       /* nothing follows, whatever comes of it: output may go out as it comes */
    struct exec_streams *io;

    struct failure failure; /* class NONE, as it comes: it succeeded */
    int status;             /* what belay exec exits with when this attempt was the last one */
    double cost;            /* NaN, as it comes: what the tier says */
    bool blameless;         /* it never came to asking: nothing is said of the target */
};
typedef void exec_attempt(struct exec_call *call, void *data);

/* For tiers that are no command. The whole input (standard input to its end, kept for later attempts), if
 * that comes within the deadline: ERR_TIMED_OUT. */
int exec_call_input(struct exec_call *call, struct str *input, struct err *e);
/* More of this attempt's output: kept back, or passed on at once when it streams. ERR_FULL, ERR_IO. */
int exec_call_output(struct exec_call *call, const void *bytes, size_t length, struct err *e);
/* A descriptor that is readable when a signal came; then ask exec_call_cancelled, and when that is true give
 * up with FAILURE_CANCELLED. */
int exec_call_signals(const struct exec_call *call);
bool exec_call_cancelled(struct exec_call *call);

struct exec_tier {
    char name[64];
    double cost, accuracy;            /* of one call; NaN: not said */
    uint64_t input_max;               /* bytes; 0: not said */
    int64_t timeout_ms;               /* no attempt here takes longer; 0: not said */
    char target[EXEC_NAME_LIMIT + 1]; /* whose breaker, budget and measures; "": none */
    char chain[EXEC_NAME_LIMIT + 1];  /* whose tier it is, where that isn't the plan's; "": the plan's, */
    unsigned number, of;              /* its number there, and how many there are; 0: by its place */
    bool has_breaker;                 /* of its own; else the policy's, if that has one */
    struct breaker_rules breaker;
    bool provable; /* a failure here can be provably before anything began: then a later attempt may follow it
                    although the policy is not idempotent */
    bool judged;   /* its output is no answer before its end: never passed on as it comes */
    exec_attempt *attempt;
    void *data;
    void (*free)(void *data); /* NULL: nothing to free */
};

/* Everything that decides about one operation. exec_plan_init, exec_plan_fini. */
struct exec_plan {
    char name[EXEC_NAME_LIMIT + 1];    /* in messages */
    char chain[EXEC_NAME_LIMIT + 1];   /* "": none is measured */
    char breaker[EXEC_NAME_LIMIT + 1]; /* as a named policy's has it; "" */
    struct policy policy;
    struct exec_tier tiers[CHAIN_TIERS_MAX];
    size_t tier_count;
    char *state_folder; /* of the state database; NULL: the user's own */
    bool state_shared;
    char *cached;  /* a JSON file of answers by id; NULL: none */
    char *id;      /* of --id; NULL: none */
    char *refusal; /* what is said when nothing serves; NULL: nothing */
};
void exec_plan_init(struct exec_plan *p);
void exec_plan_fini(struct exec_plan *p);
/* One more tier, for the caller to fill; NULL when there are CHAIN_TIERS_MAX. */
struct exec_tier *exec_plan_tier(struct exec_plan *p, const char *name);
/* Makes it call a command. argv and env (NAME=VALUE additions, or NULL) are copied. */
void exec_tier_command(struct exec_tier *tier, char *const *argv, char *const *env);

/* Where the state database of a user's calls is without a configuration. The caller frees. */
char *exec_state_folder(void);

/* What needs the configuration, or JSON read: belay-console has one, `belay` none. */
struct exec_names {
    const char *policy, *chain; /* of --policy and --chain, NULL without */
    const char *config;         /* of --config, NULL without */
};
struct exec_resolver {
    /* Fills in the policy, the chain's tiers, where the state is; what the command line says comes on top. */
    int (*resolve)(struct exec_plan *plan, const struct exec_names *names, void *ctx, struct err *e);
    /* Appends the answer that --cached has for --id. False: there is none. A file that can't be used is said,
     * and no reason not to make the call itself. */
    bool (*cached)(const struct exec_plan *plan, struct str *answer);
    void *ctx;
};

/* By the configuration, with tiers over HTTP. */
extern const struct exec_resolver exec_declared;

/* True when argv (from after "exec") asks for something that only belay-console has: the configuration, a
 * reader of JSON, the help. */
bool exec_needs_console(int argc, char *const *argv);
bool exec_asks_help(int argc, char *const *argv);
/* `belay exec`: argv from after "exec". Returns the exit status, or ends by the signal that ended it. */
int exec_run(int argc, char **argv, const struct exec_resolver *resolver);
/* The options: id, name, value (NULL: a switch), whether it may be given several times, help. */
#define EXEC_OPTIONS(X)                                                                                      \
    X(NAME, "name", "NAME", false,                                                                           \
      "what is called: in messages and measures, and whose breaker (default: "                               \
      "the command's name)")                                                                                 \
    X(ATTEMPTS, "attempts", "N", false, "the first one included (default 3)")                                \
    X(BASE, "base", "TIME", false, "delay before the second attempt (default 100ms)")                        \
    X(FACTOR, "factor", "X", false, "each further delay is so many times the one before (default 2)")        \
    X(CAP, "cap", "TIME", false, "no delay is longer (default 30s)")                                         \
    X(JITTER, "jitter", "additive|none|equal|full|decorrelated", false, "of the delays (default additive)")  \
    X(TIMEOUT, "timeout", "TIME", false, "of the first attempt: then TERM, after --grace KILL")              \
    X(GROWTH, "timeout-growth", "X", false, "each attempt's time-out is so many times the one before")       \
    X(DEADLINE, "deadline", "TIME", false, "of everything together")                                         \
    X(GRACE, "grace", "TIME", false, "between TERM and KILL (default 1s)")                                   \
    X(RETRY_ON, "retry-on", "LIST", false, "exit statuses and classes that pass: 75,100-110,timeout")        \
    X(PERMANENT, "permanent", "LIST", false, "exit statuses and classes that stay: 64,77")                   \
    X(IDEMPOTENT, "idempotent", NULL, false, "repeating it does no harm, even if it had an effect")          \
    X(STATUS_FD, "status-fd", "FD", false, "HTTP status lines come from the command on this descriptor")     \
    X(BREAKER, "breaker", "NAME[:RULE=VALUE,...]", false,                                                    \
      "stop calling what fails: failures=5,cool-down=60s, rate, slow-rate, slow, minimum, window ...")       \
    X(BUDGET, "budget", "TOKENS", false,                                                                     \
      "retry only while most calls succeed: a failure takes a token, a "                                     \
      "success gives a tenth back")                                                                          \
    X(COST, "cost", "AMOUNT", false, "of one attempt of COMMAND")                                            \
    X(ACCURACY, "accuracy", "SHARE", false, "expected of COMMAND's answer, 0 to 1")                          \
    X(CEILING, "cost-ceiling", "AMOUNT", false, "what everything together may cost")                         \
    X(FALLBACK, "fallback", "NAME [cost=X] [accuracy=Y]: COMMAND", true,                                     \
      "what serves when COMMAND doesn't: text for sh -c; tried in their order")                              \
    X(CACHED, "cached", "FILE", false, "a JSON map of answers by id, for when nothing else serves")          \
    X(ID, "id", "ID", false, "which answer of --cached it would be")                                         \
    X(REFUSAL, "refusal", "TEXT", false, "what is printed when nothing serves; exit 75")                     \
    X(SPOOL, "spool", "SIZE", false, "most of input and output each that is kept back (default 256M)")       \
    X(POLICY, "policy", "NAME", false, "of the configuration; other options come on top")                    \
    X(CHAIN, "chain", "NAME", false, "of the configuration, instead of COMMAND")                             \
    X(JSON, "json", NULL, false, "how it went, as a last line on stderr (--json=FILE, --json=FD: there)")
enum exec_option {
#define X(id, name, value, repeated, help) EXEC_OPTION_##id,
    EXEC_OPTIONS(X)
#undef X
        EXEC_OPTION_COUNT
};

#endif
