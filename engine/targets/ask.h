/* One attempt at a tier of a configured chain, on the loop: a command, an HTTP request, a chat. What it asks
 * is made of the tier and the question, what came of it is classified, and the answer is taken out. What
 * answers is untrusted: bounded, and never more than bytes. Included through targets.h. */
#ifndef BELAY_TARGETS_ASK_H
#define BELAY_TARGETS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/config/config.h"
#include "engine/io/io.h"
#include "engine/resilience/resilience.h"

#define ASK_TIMEOUT_US   (60 * US_PER_S) /* of a request for which nobody says one */
#define ASK_ANSWER_LIMIT HTTP_BODY_LIMIT

struct ask_question {
    const char *input; /* any bytes; a chat wants UTF-8 */
    size_t length;
    const char *id; /* may be NULL */
};

struct ask_result {
    struct failure failure; /* class NONE: answered */
    int exit_status;        /* of a command; -1: none */
    double cost;            /* what it really cost; NaN: not known */
    struct str answer;      /* done may take it (str_take), else it is freed */
};

struct ask;

/* tier and question live until done; asking must not be CONFIG_ASK_CHAIN. The policy (may be NULL) says which
 * failures pass and which stay. timeout_ms 0: the tier's own, at most. done runs exactly once, later, unless
 * cancelled. */
struct ask *ask_start(struct loop *l, struct http *http, const struct config_tier *tier,
                      const struct ask_question *question, const struct policy *policy, int64_t timeout_ms,
                      void (*done)(void *data, struct ask_result *result), void *data);
void ask_cancel(struct ask *a); /* not from or after done; NULL is fine */

/* ---- Its pure parts ---- */

/* How a child of the loop ended, as a failure: class NONE for exit 0. policy may be NULL. */
void failure_of_process(char *const *argv, const struct process_result *result, const struct policy *policy,
                        struct failure *f);

/* {input}, {input_json}, {id}, {id_json} put in, for an URL percent-encoded; nothing else is touched. */
void ask_expand(const char *template, const struct ask_question *question, bool url, struct str *out);
/* The body of the request. ERR_SYNTAX when the input can't stand in it. */
int ask_body(const struct config_tier *tier, const struct ask_question *question, struct str *out,
             struct err *e);
/* What came of an answer 2xx: the answer into out, or why it is none into f. cost: of the tokens that a chat
 * says it took, by the tier's prices; NaN when either is not said. */
void ask_take(const struct config_tier *tier, const char *body, size_t length, struct str *out, double *cost,
              struct failure *f);

#endif
