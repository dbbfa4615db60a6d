#include "engine/targets/exec_request.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- values ---- */

static int take_time(const char *text, const char *option, int64_t least_ms, int64_t *ms, struct err *e)
{
    int64_t us;
    if (duration_parse(text, &us, NULL) < 0)
        return err_set(e, ERR_USAGE, "--%s: %s is no time: write 250ms, 30s, 2m or 1h", option, text);
    if (us > BACKOFF_MS_MAX * US_PER_MS || us < least_ms * US_PER_MS)
        return err_set(e, ERR_USAGE, "--%s: %s is too %s", option, text,
                       us < 0 || us < least_ms * US_PER_MS ? "short" : "long");
    *ms = us / US_PER_MS;
    return 0;
}

static int take_number(const char *text, const char *option, double least, double most, double *value,
                       struct err *e)
{
    char low[NUMBER_TEXT_SIZE], high[NUMBER_TEXT_SIZE];
    if (number_parse(text, value) && *value >= least && *value <= most)
        return 0;
    number_format(least, low);
    number_format(most, high);
    return err_set(e, ERR_USAGE, "--%s: a number from %s to %s, not %s", option, low, high, text);
}

static int take_whole(const char *text, const char *option, unsigned least, unsigned most, unsigned *value,
                      struct err *e)
{
    char *end;
    errno = 0;
    unsigned long number = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 0;
    if (!isdigit((unsigned char)text[0]) || *end || errno || number < least || number > most)
        return err_set(e, ERR_USAGE, "--%s: a whole number from %u to %u, not %s", option, least, most, text);
    *value = (unsigned)number;
    return 0;
}

static int take_milli(const char *text, const char *option, unsigned *milli, struct err *e)
{
    double value = 0;
    int code = take_number(text, option, 1, 1000, &value, e);
    if (code == 0)
        *milli = (unsigned)llround(value * 1000);
    return code;
}

static int take_size(const char *text, uint64_t *bytes, struct err *e)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    unsigned shift = !end                            ? 99
                     : *end == '\0'                  ? 0
                     : !end[1] && strchr("kK", *end) ? 10
                     : !end[1] && strchr("mM", *end) ? 20
                     : !end[1] && strchr("gG", *end) ? 30
                                                     : 99;
    if (shift == 99 || errno || number == 0 || number > (UINT64_MAX >> 4) >> shift)
        return err_set(e, ERR_USAGE, "--spool: %s is no size: write 64K, 256M or 2G", text);
    *bytes = (uint64_t)number << shift;
    return 0;
}

static int take_jitter(const char *text, enum backoff_jitter *jitter, struct err *e)
{
    const char *names[] = {
#define X(name, word, help) word,
        BACKOFF_JITTERS(X)
#undef X
    };
    if (backoff_jitter_parse(text, jitter))
        return 0;
    const char *near = exec_nearest(text, names, sizeof names / sizeof *names);
    return err_set(e, ERR_USAGE, "--jitter: additive, none, equal, full or decorrelated, not %s%s%s%s", text,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static int take_name(const char *text, const char *option, char name[static EXEC_NAME_LIMIT + 1],
                     struct err *e)
{
    size_t length = strlen(text);
    if (length == 0 || length > EXEC_NAME_LIMIT || !utf8_valid(text, length, NULL))
        return err_set(e, ERR_USAGE, "--%s: a name of 1 to %d bytes", option, EXEC_NAME_LIMIT);
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return err_set(e, ERR_USAGE, "--%s: a name on one line", option);
    memcpy(name, text, length + 1);
    return 0;
}

/* "NAME", "NAME:rules", "rules" (of --name). */
static int take_breaker(const char *text, char target[static EXEC_NAME_LIMIT + 1], struct policy *p,
                        struct err *e)
{
    const char *colon = strchr(text, ':'), *equals = strchr(text, '=');
    const char *rules = colon && (!equals || colon < equals) ? colon + 1 : equals ? text : "";
    int code = 0;
    if (rules != text) {
        char *name = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
        code = take_name(name, "breaker", target, e);
        free(name);
    }
    p->has_breaker = true;
    if (code == 0 && *rules && breaker_rules_parse(rules, &p->breaker, e) < 0)
        code = err_prefix(e, "--breaker: ");
    return code;
}

/* ---- the request ---- */

static int apply_number(struct exec_request *q, int id, const char *text, struct err *e)
{
    struct policy *p = &q->plan.policy;
    const char *name = options[id].name;
    switch (id) {
    case EXEC_OPTION_ATTEMPTS:
        return take_whole(text, name, 1, BACKOFF_ATTEMPTS_MAX, &p->backoff.attempts, e);
    case EXEC_OPTION_FACTOR:
        return take_milli(text, name, &p->backoff.factor_milli, e);
    case EXEC_OPTION_GROWTH:
        return take_milli(text, name, &p->backoff.growth_milli, e);
    case EXEC_OPTION_BASE:
        return take_time(text, name, 0, &p->backoff.base_ms, e);
    case EXEC_OPTION_CAP:
        return take_time(text, name, 0, &p->backoff.cap_ms, e);
    case EXEC_OPTION_TIMEOUT:
        return take_time(text, name, 1, &p->timeout_ms, e);
    case EXEC_OPTION_DEADLINE:
        return take_time(text, name, 1, &p->backoff.deadline_ms, e);
    case EXEC_OPTION_GRACE:
        return take_time(text, name, 0, &q->grace_ms, e);
    case EXEC_OPTION_BUDGET:
        return take_whole(text, name, 0, BUDGET_TOKENS_MAX, &p->budget, e);
    case EXEC_OPTION_CEILING:
        return take_number(text, name, 0, 1e12, &p->cost_ceiling, e);
    case EXEC_OPTION_SPOOL:
        return take_size(text, &q->spool_bytes, e);
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
        code = take_jitter(given[EXEC_OPTION_JITTER], &plan->policy.backoff.jitter, e);
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
        code = take_number(given[EXEC_OPTION_COST], "cost", 0, 1e12, &cost, e);
    if (code == 0 && given[EXEC_OPTION_ACCURACY])
        code = take_number(given[EXEC_OPTION_ACCURACY], "accuracy", 0, 1, &accuracy, e);
    if (code == 0 && given[EXEC_OPTION_STATUS_FD])
        code = take_whole(given[EXEC_OPTION_STATUS_FD], "status-fd", 2, STATUS_FD_MOST, &status_fd, e);
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

static int build(struct exec_request *q, const struct line *line, const struct exec_resolver *resolver,
                 struct err *e)
{
    struct exec_names names = {line->first[EXEC_OPTION_POLICY], line->first[EXEC_OPTION_CHAIN],
                               line->first[COMMON_CONFIG]};
    const char *const *given = line->first;
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
    if (code == 0 && given[EXEC_OPTION_BREAKER])
        code = take_breaker(given[EXEC_OPTION_BREAKER], target, &q->plan.policy, e);
    if (code == 0 && given[EXEC_OPTION_NAME])
        code = take_name(given[EXEC_OPTION_NAME], "name", q->plan.name, e);
    if (code == 0 && !target[0])
        snprintf(target, sizeof target, "%s", q->plan.name);
    if (code == 0 && !target[0] && !names.chain && (q->plan.policy.has_breaker || q->plan.policy.budget))
        code = err_set(e, ERR_USAGE, "whose %s is it? --name NAME says it",
                       q->plan.policy.has_breaker ? "breaker" : "budget");
    if (code == 0 && !q->plan.name[0])
        snprintf(q->plan.name, sizeof q->plan.name, "%s",
                 target[0] ? target : program_name(line->command ? line->command[0] : names.chain));
    if (code == 0 && !names.chain)
        code = add_command(q, line, target, e);
    if (code == 0 && line->fallbacks.len > 0) {
        code = add_fallbacks(q, line, target, e);
        snprintf(q->plan.chain, sizeof q->plan.chain, "%s", target);
    }
    if (code == 0)
        code = apply_json(q, line, e);
    struct policy *p = &q->plan.policy;
    if (!given[EXEC_OPTION_CAP] && p->backoff.cap_ms < p->backoff.base_ms)
        p->backoff.cap_ms = p->backoff.base_ms;
    if (!given[EXEC_OPTION_ATTEMPTS] && p->backoff.attempts < q->plan.tier_count)
        p->backoff.attempts = (unsigned)q->plan.tier_count;
    if (code == 0 && p->backoff.attempts < q->plan.tier_count)
        code = err_set(e, ERR_USAGE, "--attempts %u: with so many fallbacks (%zu) it takes at least %zu",
                       p->backoff.attempts, q->plan.tier_count - 1, q->plan.tier_count);
    return code == 0 ? policy_check(p, e) : code;
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
