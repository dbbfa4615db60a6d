/* belay status: one pass over every source, and what it showed. Exits as monitoring plugins do. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/measures.h"
#include "tui/commands/pass.h"
#include "tui/commands/session.h"

struct status {
    const struct config *config;
    struct pass pass;
    struct mutes mutes; /* shown; the state stays what it is */
    struct target_view *targets;
    size_t target_count;
};

static void add_time(cJSON *object, const char *name, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_us, text);
    cJSON_AddStringToObject(object, name, text);
}

/* Why a source is not to be believed; "" when it is. */
static const char *source_trouble(const struct status *p, const struct source_status *s)
{
    const struct source_view *view = platform_source_find(p->pass.platform, s->name);
    return s->error[0] || !view ? s->error : view->error;
}

static const struct mute *mute_of(const struct status *p, const struct entity *entity, int64_t now)
{
    struct str title = {0};
    entity_title(entity, &title);
    const struct mute *mute = mutes_find(&p->mutes, str_text(&title), now);
    str_fini(&title);
    return mute;
}

static cJSON *entity_to_json(const struct status *p, const struct entity *entity, int64_t now)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", entity_kind_text(entity->kind));
    cJSON_AddStringToObject(object, "source", entity->source);
    cJSON_AddStringToObject(object, "name", entity->name);
    cJSON_AddStringToObject(object, "state", condition_name(entity->condition));
    cJSON_AddStringToObject(object, "raw", entity->raw);
    add_time(object, "since", entity->since_us);
    json_add_int(object, "age_ms", (now - entity->last_seen_us) / US_PER_MS);
    if (entity->group[0])
        cJSON_AddStringToObject(object, "group", entity->group);
    if (entity->reason[0])
        cJSON_AddStringToObject(object, "reason", entity->reason);
    if (mute_of(p, entity, now))
        add_time(object, "muted_until", mute_of(p, entity, now)->until_us);
    cJSON *measures = cJSON_AddObjectToObject(object, "measures");
    for (uint32_t i = 0; i < entity->measure_count; i++)
        if (entity->measures[i].value == entity->measures[i].value)
            cJSON_AddNumberToObject(measures, entity->measures[i].name, entity->measures[i].value);
    cJSON *attributes = cJSON_AddObjectToObject(object, "attributes");
    for (uint32_t i = 0; i < entity->attribute_count; i++)
        cJSON_AddStringToObject(attributes, entity->attributes[i].name, entity->attributes[i].value);
    return object;
}

static const char *const mode_states[] = {[SAFE_MODE_NONE] = "",
                                          [SAFE_MODE_OFF] = "off",
                                          [SAFE_MODE_ON] = "on",
                                          [SAFE_MODE_BETWEEN] = "between",
                                          [SAFE_MODE_UNKNOWN] = "unknown"};

static cJSON *safe_mode_to_json(const struct status *p)
{
    struct safe_mode mode;
    struct str title = {0};
    safe_mode_read(p->config, p->pass.platform, &mode);
    if (mode.state == SAFE_MODE_NONE)
        return cJSON_CreateNull();
    cJSON *object = cJSON_CreateObject();
    str_addf(&title, "%s %s", p->config->safe_mode.kind, p->config->safe_mode.name);
    cJSON_AddStringToObject(object, "state", mode_states[mode.state]);
    cJSON_AddStringToObject(object, "raw", mode.entity ? mode.entity->raw : "");
    cJSON_AddStringToObject(object, "entity", str_text(&title));
    if (mode.entity)
        add_time(object, "since", mode.entity->since_us);
    str_fini(&title);
    return object;
}

static void print_json(const struct status *p, const char *platform, enum condition worst)
{
    int64_t now = clock_wall_us();
    cJSON *root = cJSON_CreateObject(), *sources, *entities;
    cJSON_AddStringToObject(root, "platform", platform);
    add_time(root, "at", now);
    cJSON_AddStringToObject(root, "state", condition_name(worst));
    cJSON_AddItemToObject(root, "safe_mode", safe_mode_to_json(p));
    sources = cJSON_AddArrayToObject(root, "sources");
    for (size_t i = 0; i < sources_count(p->pass.sources); i++) {
        struct source_status s;
        sources_status(p->pass.sources, i, &s);
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", s.name);
        cJSON_AddStringToObject(object, "kind", s.kind);
        const char *trouble = source_trouble(p, &s);
        cJSON_AddBoolToObject(object, "ok", trouble[0] == '\0');
        json_add_int(object, "age_ms", s.age_us < 0 ? -1 : s.age_us / US_PER_MS);
        if (trouble[0])
            cJSON_AddStringToObject(object, "error", trouble);
        else
            cJSON_AddNullToObject(object, "error");
        cJSON_AddItemToArray(sources, object);
    }
    entities = cJSON_AddArrayToObject(root, "entities");
    size_t count = 0;
    const struct entity *const *list = platform_list(p->pass.platform, ENTITY_ANY, &count);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(entities, entity_to_json(p, list[i], now));
    cJSON_AddItemToObject(root, "targets", measures_to_json(p->targets, p->target_count));
    char *text = json_print(root);
    puts(text);
    free(text);
    cJSON_Delete(root);
}

static void print_clean(const char *text)
{
    struct str clean = {0};
    utf8_clean(&clean, text, strlen(text), false);
    puts(str_text(&clean));
    str_fini(&clean);
}

/* A chain is one, however many tiers it has. */
static struct condition_counts chain_counts(const struct platform *p)
{
    struct condition_counts counts = {0};
    size_t count = 0, chains = platform_groups(p, ENTITY_CHAIN, NULL, 0);
    const struct entity *const *list = platform_list(p, ENTITY_CHAIN, &count);
    const char **names = xcalloc(chains + 1, sizeof *names);
    platform_groups(p, ENTITY_CHAIN, names, chains);
    for (size_t i = 0; i < chains; i++) {
        struct chain_summary sum = {0};
        platform_chain(p, names[i], &sum);
        counts.by[sum.condition]++;
    }
    counts.total = chains;
    for (size_t i = 0; i < count; i++)
        if (!list[i]->group[0]) {
            counts.by[list[i]->condition]++;
            counts.total++;
        }
    free(names);
    return counts;
}

static void print_text(const struct status *p, const char *platform, enum condition worst)
{
    struct str out = {0};
    str_addf(&out, "%s: %s", platform, condition_name(worst));
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        struct condition_counts counts = kind == ENTITY_CHAIN
                                             ? chain_counts(p->pass.platform)
                                             : platform_counts(p->pass.platform, (enum entity_kind)kind);
        if (counts.total > 0)
            str_addf(&out, ", %zu of %zu %s ok", counts.by[CONDITION_OK], counts.total,
                     entity_kind_plural((enum entity_kind)kind));
    }
    struct safe_mode mode;
    safe_mode_read(p->config, p->pass.platform, &mode);
    if (mode.state != SAFE_MODE_NONE)
        str_addf(&out, ", safe mode %s", mode.word);
    print_clean(str_text(&out));
    for (size_t i = 0; i < sources_count(p->pass.sources); i++) {
        struct source_status s;
        sources_status(p->pass.sources, i, &s);
        str_clear(&out);
        str_addf(&out, "  unknown   source %s: %s", s.name, source_trouble(p, &s));
        if (source_trouble(p, &s)[0])
            print_clean(str_text(&out));
    }
    const struct entity *problems[50];
    size_t total = 0, count = platform_problems(p->pass.platform, problems, 50, &total);
    for (size_t i = 0; i < count; i++) {
        str_clear(&out);
        str_addf(&out, "  %-9s ", condition_name(problems[i]->condition));
        entity_title(problems[i], &out);
        str_addf(&out, " %s", problems[i]->raw);
        if (problems[i]->reason[0])
            str_addf(&out, ": %s", problems[i]->reason);
        const struct mute *mute = mute_of(p, problems[i], clock_wall_us());
        if (mute)
            str_addf(&out, " (muted by %s: %s)", mute->who, mute->reason);
        print_clean(str_text(&out));
    }
    if (total > count)
        printf("  and %zu more: --json has them all\n", total - count);
    str_fini(&out);
}

static int exit_status(enum condition worst)
{
    switch (worst) {
    case CONDITION_OK:
        return 0;
    case CONDITION_DEGRADED:
        return 1;
    case CONDITION_DOWN:
        return 2;
    default:
        return 3;
    }
}

static bool is_empty(const struct platform *p)
{
    size_t count = 0;
    platform_list(p, ENTITY_ANY, &count);
    return count == 0;
}

static int status_run(const struct command_line *line)
{
    struct err e = {0};
    struct status p = {0};
    struct config *config = session_config(line, &e);
    int status = 3;
    p.config = config;
    int code = config ? pass_run(&p.pass, config, NULL, &e) : e.code;
    if (code == 0 && config->source_count == 0 && config->chain_count == 0 && is_empty(p.pass.platform))
        code = err_set(
            &e, ERR_USAGE, "there is nothing to watch: %s names no sources (belay demo shows how it looks)",
            config->path ? config->path : "no belay.yaml was found, and the default configuration");
    if (code == 0) {
        enum condition worst = platform_condition(p.pass.platform);
        status = exit_status(worst);
        if (p.pass.journal)
            mutes_read(p.pass.journal, clock_wall_us(), &p.mutes, NULL);
        if (command_has(line, "json") && engine_targets_read(config, &p.targets, &p.target_count, &e) < 0) {
            command_fail(status, &e); /* the platform's state is told all the same */
            e = (struct err){0};
        }
        if (command_has(line, "json"))
            print_json(&p, config->platform, worst);
        else if (!command_has(line, "quiet"))
            print_text(&p, config->platform, worst);
    }
    if (e.code)
        command_fail(status, &e);
    pass_fini(&p.pass);
    mutes_fini(&p.mutes);
    free(p.targets);
    config_free(config);
    return status;
}

static const struct command_option status_options[] = {
    {"json", NULL, "everything, as one JSON document", false},
    {0},
};

const struct command command_status = {
    .name = "status",
    .usage = "[--json]",
    .help = "one pass over every source; exit 0 ok, 1 degraded, 2 down, 3 unknown",
    .options = status_options,
    .flags = COMMAND_NO_WORD,
    .run = status_run,
};
