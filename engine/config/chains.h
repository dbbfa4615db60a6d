/* What `policies:` and `chains:` of the configuration say. Included through config.h. */
#ifndef BELAY_CONFIG_CHAINS_H
#define BELAY_CONFIG_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct config_header;

struct config_place {
    int line, column; /* from 1; 0: not said */
};

/* A breaker's rules; 0 switches a rule off. */
struct config_breaker {
    int64_t failures;               /* in a row */
    int64_t rate_milli, slow_milli; /* shares of the window's calls */
    int64_t slow_us;                /* from which on a call is slow */
    int64_t minimum_calls;
    int64_t window_calls, window_us; /* window_calls 0: by time */
    int64_t cool_down_us, cool_down_cap_us, multiplier_milli, jitter_milli;
    int64_t probes, successes;
};

#define CONFIG_RETRIES_WISE 5 /* so many retries are warned of */

/* How a call is made, and how often: what `policy=NAME` of a step, `belay exec --policy` and a chain name. */
struct config_policy {
    char *name;
    int64_t attempts;    /* the first one included; max_retries is counted in */
    int64_t max_retries; /* as written, -1 not said */
    int64_t base_us, cap_us;
    int64_t factor_milli;             /* 2000: each delay doubles */
    char *jitter;                     /* additive, none, equal, full, decorrelated; NULL: additive */
    int64_t deadline_us;              /* for all attempts together; 0: none */
    int64_t growth_milli;             /* of the time-out, from attempt to attempt; 1000: none */
    int64_t timeout_us;               /* of the first attempt; 0: none */
    int idempotent;                   /* 1 or 0 as written, -1 not said */
    int checks;                       /* 1: also of what only looks and names none */
    int64_t budget;                   /* tokens; 0: none */
    char *retry_on, *permanent, *end; /* as exit_list_parse and policy_end_parse read them; NULL: not said */
    int64_t ceiling_micro;            /* cost of one operation, in millionths; 0: none */
    bool has_breaker;
    char *breaker_name; /* as written; NULL */
    struct config_breaker breaker;
    int line, column; /* where the policy stands; 0 for the one that is always there */
};

/* Whose breaker and budget count for a step: the breaker's name, else the policy's. NULL: it has no breaker.
 */
const char *config_policy_target(const struct config_policy *p);

/* How a tier is asked: exactly one of these. */
enum config_asking {
    CONFIG_ASK_NOTHING,
    CONFIG_ASK_COMMAND,
    CONFIG_ASK_HTTP,
    CONFIG_ASK_CHAT,
    CONFIG_ASK_CHAIN
};

struct config_tier {
    char *name;
    int64_t cost_micro;     /* of one call, in millionths; -1: not said */
    int64_t accuracy_milli; /* 0 to 1000; -1: not said */
    int64_t input_max;      /* bytes; 0: not said */
    int64_t timeout_us;     /* no attempt here takes longer; 0: not said */
    bool has_breaker;       /* else the policy's, else the default one */
    struct config_breaker breaker;
    enum config_asking asking;
    char **command;            /* argv; the input is its stdin */
    char **env;                /* NAME=VALUE additions for the command, or NULL */
    char *method;              /* NULL: POST */
    char *url, *body;          /* with {input}, {input_json}, {id}, {id_json}; body NULL: the input itself */
    char *take;                /* JSON Pointer to the answer in the answer's body; NULL: the body as it is */
    char *model, *system;      /* of a chat: url is its base, "https://api.openai.com/v1" */
    char *key;                 /* a secret reference, sent as "Authorization: Bearer ..."; or NULL */
    int64_t max_tokens;        /* 0: not said */
    int64_t temperature_milli; /* -1: not said */
    int64_t price_in_micro, price_out_micro; /* of a million tokens, in millionths; -1: not said */
    char *ca;
    struct config_header *headers;
    size_t header_count;
    char *chain; /* another chain's name: its tiers stand here */
    struct config_place place, chain_place;
};

struct config_chain {
    char *name;
    char *policy;   /* NULL: the default one */
    int idempotent; /* 1 or 0 as written, -1 not said: ask config_chain_idempotent */
    struct config_tier *tiers;
    size_t tier_count;
    char *cached;  /* JSON file of answers by id, absolute; NULL: none */
    char *refusal; /* what is said when nothing serves; NULL: nothing */
    struct config_place place;
};

#define CONFIG_CHAIN_TIERS 16 /* with those of the chains that it names */

/* NULL when there is none; c and name may be NULL. */
const struct config_chain *config_chain_find(const struct config *c, const char *name);
/* As written, else the policy's word, else whether repeating a question does no harm: every tier is a chat,
 * or a GET or HEAD. */
bool config_chain_idempotent(const struct config *c, const struct config_chain *chain);
/* How many tiers it has with those of the chains that it names, in their order; at most CONFIG_CHAIN_TIERS
 * are put into tiers (may be NULL), with the chain each belongs to and this chain's own tier that leads
 * there. */
struct config_tier_at {
    const struct config_tier *tier, *own;
    const struct config_chain *chain;
};
size_t config_chain_tiers(const struct config *c, const struct config_chain *chain,
                          struct config_tier_at tiers[CONFIG_CHAIN_TIERS]);

/* 5 failures in a row; 60 s; rates off, and for them 20 calls of 60 s; one probe, one success. */
struct config_breaker config_breaker_default(void);

#endif
