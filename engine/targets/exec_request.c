#include "engine/targets/exec_request.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/targets/exec_values.h"

#define STATUS_FD_MOST 99

static const struct {
    const char *name, *value;
    bool repeated;
} options[] = {
#define X(id, name, value, repeated, help) [EXEC_OPTION_##id] = {name, value, repeated},
    EXEC_OPTIONS(X)
#undef X
};

/* The options of every command. Those of the screen and of the operator mean nothing here. */
enum {
    COMMON_HELP = EXEC_OPTION_COUNT,
    COMMON_VERSION,
    COMMON_QUIET,
    COMMON_CONFIG,
    COMMON_JOURNAL,
    COMMON_READ_ONLY,
    COMMON_OPERATOR,
    COMMON_JOIN,
    COMMON_THEME,
    COMMON_ASCII,
    COMMON_NO_COLOR,
    OPTION_IDS
};
static const struct {
    const char *name, *value;
} common[] = {{"help", NULL},       {"version", NULL},   {"quiet", NULL},      {"config", "FILE"},
              {"journal", "PLACE"}, {"read-only", NULL}, {"operator", "NAME"}, {"join", NULL},
              {"theme", "THEME"},   {"ascii", NULL},     {"no-color", NULL}};
_Static_assert(sizeof common / sizeof *common == OPTION_IDS - EXEC_OPTION_COUNT, "a name each");

/* The command line, taken apart. */
struct line {
    const char *first[OPTION_IDS]; /* value of each option; "" of a switch, NULL not given */
    const char *json;              /* of --json=... */
    VEC(const char *) fallbacks;
    char *const *command; /* behind "--"; NULL without */
};

static const char *value_name(int id)
{
    return id < EXEC_OPTION_COUNT ? options[id].value : common[id - EXEC_OPTION_COUNT].value;
}

static int option_id(const char *name, size_t length)
{
    for (int id = 0; id < OPTION_IDS; id++) {
        const char *known = id < EXEC_OPTION_COUNT ? options[id].name : common[id - EXEC_OPTION_COUNT].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return id;
    }
    return -1;
}

static int unknown(const char *word, size_t length, struct err *e)
{
    const char *names[OPTION_IDS];
    for (int id = 0; id < OPTION_IDS; id++)
        names[id] = id < EXEC_OPTION_COUNT ? options[id].name : common[id - EXEC_OPTION_COUNT].name;
    char *name = xstrndup(word, length);
    const char *near = exec_nearest(name, names, OPTION_IDS);
    int code = near ? err_set(e, ERR_USAGE, "no such option: --%s (did you mean --%s?)", name, near)
                    : err_set(e, ERR_USAGE, "no such option: --%s (belay help exec lists them)", name);
    free(name);
    return code;
}

/* Takes argv[i], and the value behind it. Returns how many arguments it took. */
static int option_take(struct line *line, int argc, char *const *argv, int i, struct err *e)
{
    const char *name = argv[i] + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    int id = option_id(name, length);
    if (id < 0)
        return unknown(name, length, e);
    if (line->first[id] && !(id < EXEC_OPTION_COUNT && options[id].repeated))
        return err_set(e, ERR_USAGE, "--%.*s is given twice: once is enough", (int)length, name);
    if (!value_name(id)) {
        if (equals && id != EXEC_OPTION_JSON)
            return err_set(e, ERR_USAGE, "--%.*s takes no value", (int)length, name);
        line->first[id] = "";
        if (equals)
            line->json = equals + 1;
        return 1;
    }
    if (!equals && (i + 1 >= argc || str_eq(argv[i + 1], "--")))
        return err_set(e, ERR_USAGE, "--%.*s needs a value: --%.*s %s", (int)length, name, (int)length, name,
                       value_name(id));
    line->first[id] = equals ? equals + 1 : argv[i + 1];
    if (id == EXEC_OPTION_FALLBACK)
        *vec_push(&line->fallbacks) = line->first[id];
    return equals ? 1 : 2;
}

static int line_parse(struct line *line, int argc, char *const *argv, struct err *e)
{
    for (int i = 0; i < argc;) {
        if (str_eq(argv[i], "--")) {
            line->command = argv + i + 1;
            return 0;
        }
        if (str_eq(argv[i], "-h")) {
            line->first[COMMON_HELP] = "";
            i++;
            continue;
        }
        if (argv[i][0] != '-')
            return err_set(e, ERR_USAGE, "the command stands behind --: belay exec [OPTION...] -- %s ...",
                           argv[i]);
        if (argv[i][1] != '-')
            return err_set(e, ERR_USAGE, "no such option: %s (options are written --name)", argv[i]);
        int taken = option_take(line, argc, argv, i, e);
        if (taken < 0)
            return taken;
        i += taken;
    }
    return 0;
}

/* Whether one of them is given. What is wrong is said by whoever runs it. */
static bool asks(int argc, char *const *argv, const int *ids, size_t count)
{
    struct line line = {0};
    bool given = false;
    line_parse(&line, argc, argv, NULL);
    for (size_t i = 0; i < count; i++)
        given |= line.first[ids[i]] != NULL;
    vec_fini(&line.fallbacks);
    return given;
}

bool exec_asks_help(int argc, char *const *argv)
{
    return asks(argc, argv, (const int[]){COMMON_HELP}, 1);
}

bool exec_needs_console(int argc, char *const *argv)
{
    return asks(argc, argv,
                (const int[]){COMMON_HELP, EXEC_OPTION_POLICY, EXEC_OPTION_CHAIN, EXEC_OPTION_CACHED}, 4);
}

/* ---- the request ---- */

/* "NAME", "NAME:rules", "rules" (of --name). */
static int take_breaker(const char *text, char target[static EXEC_NAME_LIMIT + 1], struct policy *p,
                        struct err *e)
{
    const char *colon = strchr(text, ':'), *equals = strchr(text, '=');
    const char *rules = colon && (!equals || colon < equals) ? colon + 1 : equals ? text : "";
    int code = 0;
    if (rules != text) {
        char *name = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
        code = exec_take_name(name, "breaker", target, e);
        free(name);
    }
    p->has_breaker = true;
    if (code == 0 && *rules && breaker_rules_parse(rules, &p->breaker, e) < 0)
        code = err_prefix(e, "--"); /* "breaker: ..." */
    return code;
}

static int apply_number(struct exec_request *q, int id, const char *text, struct err *e)
{
    struct policy *p = &q->plan.policy;
    const char *name = options[id].name;
    switch (id) {
    case EXEC_OPTION_ATTEMPTS:
        return exec_take_whole(text, name, 1, BACKOFF_ATTEMPTS_MAX, &p->backoff.attempts, e);
    case EXEC_OPTION_FACTOR:
        return exec_take_milli(text, name, &p->backoff.factor_milli, e);
    case EXEC_OPTION_GROWTH:
        return exec_take_milli(text, name, &p->backoff.growth_milli, e);
    case EXEC_OPTION_BASE:
        return exec_take_time(text, name, 0, &p->backoff.base_ms, e);
    case EXEC_OPTION_CAP:
        return exec_take_time(text, name, 0, &p->backoff.cap_ms, e);
    case EXEC_OPTION_TIMEOUT:
        return exec_take_time(text, name, 1, &p->timeout_ms, e);
    case EXEC_OPTION_DEADLINE:
        return exec_take_time(text, name, 1, &p->backoff.deadline_ms, e);
    case EXEC_OPTION_GRACE:
        return exec_take_time(text, name, 0, &q->grace_ms, e);
    case EXEC_OPTION_BUDGET:
        return exec_take_whole(text, name, 0, BUDGET_TOKENS_MAX, &p->budget, e);
    case EXEC_OPTION_CEILING:
        return exec_take_number(text, name, 0, 1e12, &p->cost_ceiling, e);
    case EXEC_OPTION_SPOOL:
        return exec_take_size(text, &q->spool_bytes, e);
    default:
        return 0; /* a word: apply_words */
    }
}

/* The state is beside the journal. */
static int take_journal(const char *place, struct exec_plan *plan, struct err *e)
{
    const char *colon = strchr(place, ':');
    if (str_eq(place, "private"))
        return 0;
    if (!colon || !colon[1] || !(str_starts(place, "shared:") || str_starts(place, "emergency:")))
        return err_set(e, ERR_USAGE, "--journal: %s is neither private, shared:FOLDER nor emergency:FOLDER",
                       place);
    free(plan->state_folder);
    plan->state_folder = xstrdup(colon + 1);
    plan->state_shared = str_starts(place, "shared:");
    return 0;
}

static int apply_words(struct exec_request *q, const struct line *line, struct err *e)
{
    struct exec_plan *plan = &q->plan;
    const char *const *given = line->first;
    int code = 0;
    if (given[EXEC_OPTION_JITTER])
        code = exec_take_jitter(given[EXEC_OPTION_JITTER], &plan->policy.backoff.jitter, e);
    if (code == 0 && given[EXEC_OPTION_RETRY_ON] &&
        exit_list_parse(given[EXEC_OPTION_RETRY_ON], &plan->policy.retry_on, e) < 0)
        code = err_prefix(e, "--retry-on: ");
    if (code == 0 && given[EXEC_OPTION_PERMANENT] &&
        exit_list_parse(given[EXEC_OPTION_PERMANENT], &plan->policy.permanent, e) < 0)
        code = err_prefix(e, "--permanent: ");
    if (given[EXEC_OPTION_IDEMPOTENT])
        plan->policy.idempotent = true;
    if (code == 0 && given[EXEC_OPTION_CACHED] && !given[EXEC_OPTION_ID])
        code = err_set(e, ERR_USAGE, "--cached needs --id: which of its answers would it be?");
    if (given[EXEC_OPTION_CACHED]) {
        free(plan->cached);
        plan->cached = xstrdup(given[EXEC_OPTION_CACHED]);
    }
    if (given[EXEC_OPTION_REFUSAL]) {
        free(plan->refusal);
        plan->refusal = xstrdup(given[EXEC_OPTION_REFUSAL]);
    }
    q->quiet = given[COMMON_QUIET] != NULL;
    if (code == 0 && given[COMMON_READ_ONLY])
        code = err_set(e, ERR_USAGE, "exec acts, and --read-only is set: leave one of them out");
    return code == 0 && given[COMMON_JOURNAL] ? take_journal(given[COMMON_JOURNAL], plan, e) : code;
}

static int apply_json(struct exec_request *q, const struct line *line, struct err *e)
{
    q->json = line->first[EXEC_OPTION_JSON] != NULL;
    q->json_fd = STDERR_FILENO;
    if (!line->json)
        return 0;
    if (!*line->json)
        return err_set(e, ERR_USAGE, "--json=: a file or a descriptor stands behind it");
    if (line->json[strspn(line->json, "0123456789")]) {
        q->json_fd = -1;
        q->json_file = line->json;
        return 0;
    }
    q->json_fd = atoi(line->json);
    if (fcntl(q->json_fd, F_GETFD) < 0)
        return err_set(e, ERR_USAGE, "--json=%s: descriptor %s isn't open: open it with %s>FILE", line->json,
                       line->json, line->json);
    return 0;
}

/* The last part of the program's path: what an operation is called if nobody says. */
static const char *program_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int add_command(struct exec_request *q, const struct line *line, const char *target, struct err *e)
{
    double cost = NAN, accuracy = NAN;
    unsigned status_fd = 0;
    const char *const *given = line->first;
    int code = 0;
    if (given[EXEC_OPTION_COST])
        code = exec_take_number(given[EXEC_OPTION_COST], "cost", 0, 1e12, &cost, e);
    if (code == 0 && given[EXEC_OPTION_ACCURACY])
        code = exec_take_number(given[EXEC_OPTION_ACCURACY], "accuracy", 0, 1, &accuracy, e);
    if (code == 0 && given[EXEC_OPTION_STATUS_FD])
        code = exec_take_whole(given[EXEC_OPTION_STATUS_FD], "status-fd", 2, STATUS_FD_MOST, &status_fd, e);
    if (code < 0)
        return code;
    struct exec_tier *tier = exec_plan_tier(&q->plan, "primary");
    tier->cost = cost;
    tier->accuracy = accuracy;
    snprintf(tier->target, sizeof tier->target, "%s", target);
    exec_tier_command(tier, line->command, NULL);
    exec_tier_status(tier, status_fd ? (int)status_fd : -1);
    return 0;
}

static int add_fallbacks(struct exec_request *q, const struct line *line, const char *target, struct err *e)
{
    for (size_t i = 0; i < line->fallbacks.len; i++) {
        struct exec_tier parsed;
        struct str text = {0};
        int code = exec_fallback_parse(line->fallbacks.data[i], &parsed, &text, e);
        for (size_t t = 0; code == 0 && t < q->plan.tier_count; t++)
            if (str_eq(parsed.name, q->plan.tiers[t].name))
                code = err_set(e, ERR_USAGE, "--fallback: %s is the name of another already", parsed.name);
        struct exec_tier *tier = code == 0 ? exec_plan_tier(&q->plan, parsed.name) : NULL;
        if (tier) {
            tier->cost = parsed.cost;
            tier->accuracy = parsed.accuracy;
            if (*target && snprintf(tier->target, sizeof tier->target, "%s/%s", target, parsed.name) >=
                               (int)sizeof tier->target)
                code = err_set(e, ERR_USAGE, "--fallback: %s/%s is longer than %d bytes", target, parsed.name,
                               EXEC_NAME_LIMIT);
            exec_tier_command(
                tier, (char *const[]){"/bin/sh", "-c", str_text(&text) ? text.data : NULL, NULL}, NULL);
        } else if (code == 0) {
            code = err_set(e, ERR_USAGE, "--fallback: at most %d of them", CHAIN_TIERS_MAX - 1);
        }
        str_fini(&text);
        if (code < 0)
            return code;
    }
    return 0;
}

/* Whose breaker, budget and measures these are, and what the operation is called. */
static int take_names(struct exec_request *q, const struct line *line, const struct exec_names *names,
                      char target[static EXEC_NAME_LIMIT + 1], struct err *e)
{
    const char *const *given = line->first;
    struct exec_plan *plan = &q->plan;
    int code = 0;
    if (given[EXEC_OPTION_BREAKER])
        code = take_breaker(given[EXEC_OPTION_BREAKER], target, &plan->policy, e);
    if (code == 0 && given[EXEC_OPTION_NAME])
        code = exec_take_name(given[EXEC_OPTION_NAME], "name", plan->name, e);
    if (code < 0)
        return code;
    if (!target[0])
        snprintf(target, EXEC_NAME_LIMIT + 1, "%s", plan->breaker[0] ? plan->breaker : plan->name);
    const char *program = program_name(line->command ? line->command[0] : names->chain);
    bool asks = !names->chain && (plan->policy.has_breaker || plan->policy.budget);
    /* A named policy has them for everything that is called under it. */
    if (!target[0] && asks && names->policy)
        code = exec_take_name(program, "name", target, e);
    else if (!target[0] && asks)
        code = err_set(e, ERR_USAGE, "whose %s is it? --name NAME says it",
                       plan->policy.has_breaker ? "breaker" : "budget");
    if (!plan->name[0])
        snprintf(plan->name, sizeof plan->name, "%s", target[0] ? target : program);
    return code;
}

static int check(const struct exec_request *q, bool attempts_given, struct err *e)
{
    const struct exec_plan *plan = &q->plan;
    const struct backoff *b = &plan->policy.backoff;
    if (attempts_given && plan->policy.backoff.attempts < plan->tier_count)
        return err_set(e, ERR_USAGE, "--attempts %u: with so many fallbacks (%zu) it takes at least %zu",
                       plan->policy.backoff.attempts, plan->tier_count - 1, plan->tier_count);
    if (b->cap_ms < b->base_ms)
        return err_set(e, ERR_USAGE, "--cap is shorter than the first delay (--base)");
    return policy_check(&plan->policy, e);
}

static int build(struct exec_request *q, const struct line *line, const struct exec_resolver *resolver,
                 struct err *e)
{
    struct exec_names names = {line->first[EXEC_OPTION_POLICY], line->first[EXEC_OPTION_CHAIN],
                               line->first[COMMON_CONFIG]};
    const char *const *given = line->first;
    struct backoff *b = &q->plan.policy.backoff;
    char target[EXEC_NAME_LIMIT + 1] = "";
    int code = 0;
    if (!names.chain && (!line->command || !line->command[0]))
        return err_set(e, ERR_USAGE, "the command stands behind --: belay exec --attempts 4 -- curl -sS URL");
    if (names.chain && (line->command || line->fallbacks.len > 0))
        return err_set(e, ERR_USAGE, "--chain %s has tiers of its own: leave out %s", names.chain,
                       line->command ? "-- and the command" : "--fallback");
    q->plan.id = given[EXEC_OPTION_ID] ? xstrdup(given[EXEC_OPTION_ID]) : NULL;
    if (names.policy || names.chain)
        code = resolver
                   ? resolver->resolve(&q->plan, &names, resolver->ctx, e)
                   : err_set(e, ERR_USAGE, "--policy and --chain need belay-console: install belay again");
    for (int id = 0; code == 0 && id < EXEC_OPTION_COUNT; id++)
        if (given[id])
            code = apply_number(q, id, given[id], e);
    if (code == 0)
        code = apply_words(q, line, e);
    if (code == 0)
        code = take_names(q, line, &names, target, e);
    if (code == 0 && !names.chain)
        code = add_command(q, line, target, e);
    if (code == 0 && line->fallbacks.len > 0) {
        code = add_fallbacks(q, line, target, e);
        snprintf(q->plan.chain, sizeof q->plan.chain, "%s", target);
    }
    if (code == 0)
        code = apply_json(q, line, e);
    if (!given[EXEC_OPTION_CAP] && b->cap_ms < b->base_ms)
        b->cap_ms = b->base_ms;
    if (!given[EXEC_OPTION_ATTEMPTS] && b->attempts < q->plan.tier_count)
        b->attempts = (unsigned)q->plan.tier_count;
    return code == 0 ? check(q, given[EXEC_OPTION_ATTEMPTS] != NULL, e) : code;
}

int exec_request_parse(struct exec_request *q, int argc, char *const *argv,
                       const struct exec_resolver *resolver, struct err *e)
{
    *q = (struct exec_request){.grace_ms = 1000, .spool_bytes = EXEC_SPOOL_BYTES};
    exec_plan_init(&q->plan);
    struct line line = {0};
    int code = line_parse(&line, argc, argv, e);
    if (code == 0 && line.first[COMMON_VERSION])
        q->version = true;
    else if (code == 0)
        code = build(q, &line, resolver, e);
    vec_fini(&line.fallbacks);
    return code;
}

void exec_request_fini(struct exec_request *q)
{
    exec_plan_fini(&q->plan);
}
