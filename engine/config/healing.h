/* What `heal:` of the configuration says. Included through config.h. */
#ifndef BELAY_CONFIG_HEALING_H
#define BELAY_CONFIG_HEALING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/config/chains.h"

/* Who is asked what is wrong, before the rules are. */
struct config_diagnoser {
    char *name;
    char **command; /* reads the question as JSON on its stdin; NULL: the chain */
    char *chain;    /* NULL: the command */
    int64_t timeout_us;
    struct config_place place;
};

struct config_heal_rule {
    char *name;
    char *when; /* a condition as a runbook's offer has it; NULL: it only diagnoses what others found */
    int64_t for_us;
    char *error, *resource; /* patterns with * and ?; NULL: any */
    char *issue;            /* NULL: the rule's name */
    char *fix;              /* RUNBOOK or RUNBOOK#STEP */
    int64_t confidence_milli;
    char *policy; /* "propose" (also NULL), "auto" */
    struct config_place place;
};

struct config_heal {
    int enabled;              /* 1; anything else: off */
    int64_t attempts;         /* unattended, of one case */
    int64_t rest_us;          /* between them */
    int64_t confidence_milli; /* from which on a fix may run unattended */
    struct config_diagnoser *diagnosers;
    size_t diagnoser_count;
    struct config_heal_rule *rules;
    size_t rule_count;
};

#endif
