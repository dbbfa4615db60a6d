/* belay status: one pass over every source, and what it showed. Exits as monitoring plugins do. */
#include <stdio.h>
#include <stdlib.h>

#include "tui/commands/commands.h"
#include "tui/commands/session.h"

struct pass {
    struct loop *loop;
    struct platform *platform;
    struct sources *sources;
    struct mutes mutes; /* shown; the state stays what it is */
};

static void on_batch(void *data, const struct batch *b, int64_t now_us, int64_t wall_us)
{
    struct pass *p = data;
    platform_apply(p->platform, b, now_us, wall_us);
}

static void on_done(void *data)
{
    struct pass *p = data;
    loop_stop(p->loop);
}

static void add_time(cJSON *object, const char *name, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(wall_us, text);
    cJSON_AddStringToObject(object, name, text);
}

/* Why a source is not to be believed; "" when it is. */
static const char *source_trouble(const struct pass *p, const struct source_status *s)
{
    const struct source_view *view = platform_source_find(p->platform, s->name);
    return s->error[0] || !view ? s->error : view->error;
}

static const struct mute *mute_of(const struct pass *p, const struct entity *entity, int64_t now)
{
    struct str title = {0};
    entity_title(entity, &title);
    const struct mute *mute = mutes_find(&p->mutes, str_text(&title), now);
    str_fini(&title);
    return mute;
}

static cJSON *entity_to_json(const struct pass *p, const struct entity *entity, int64_t now)
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

static void print_json(const struct pass *p, const char *platform, enum condition worst)
{
    int64_t now = clock_wall_us();
    cJSON *root = cJSON_CreateObject(), *sources, *entities;
    cJSON_AddStringToObject(root, "platform", platform);
    add_time(root, "at", now);
    cJSON_AddStringToObject(root, "state", condition_name(worst));
    sources = cJSON_AddArrayToObject(root, "sources");
    for (size_t i = 0; i < sources_count(p->sources); i++) {
        struct source_status s;
        sources_status(p->sources, i, &s);
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
    const struct entity *const *list = platform_list(p->platform, ENTITY_ANY, &count);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(entities, entity_to_json(p, list[i], now));
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

static void print_text(const struct pass *p, const char *platform, enum condition worst)
{
    struct str out = {0};
    str_addf(&out, "%s: %s", platform, condition_name(worst));
    for (int kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        struct condition_counts counts = platform_counts(p->platform, (enum entity_kind)kind);
        if (counts.total > 0)
            str_addf(&out, ", %zu of %zu %s ok", counts.by[CONDITION_OK], counts.total,
                     entity_kind_plural((enum entity_kind)kind));
    }
    print_clean(str_text(&out));
    for (size_t i = 0; i < sources_count(p->sources); i++) {
        struct source_status s;
        sources_status(p->sources, i, &s);
        str_clear(&out);
        str_addf(&out, "  unknown   source %s: %s", s.name, source_trouble(p, &s));
        if (source_trouble(p, &s)[0])
            print_clean(str_text(&out));
    }
    const struct entity *problems[50];
    size_t total = 0, count = platform_problems(p->platform, problems, 50, &total);
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

/* Since when things are as they are, when a console has journaled that here. */
static void recall(const struct config *config, struct pass *p)
{
    struct err e = {0};
    struct journal *journal = session_journal_of(config, false, &e);
    if (journal)
        engine_recall(journal, p->platform);
    if (journal)
        mutes_read(journal, clock_wall_us(), &p->mutes, &e);
    journal_close(journal);
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

static int status_run(const struct command_line *line)
{
    struct err e = {0};
    struct pass p = {0};
    struct sources_events events = {.batch = on_batch, .data = &p};
    struct config *config = session_config(line, &e);
    int status = 3;
    if (config && config->source_count == 0)
        err_set(&e, ERR_USAGE,
                "there is nothing to watch: %s names no sources (belay demo shows how it looks)",
                config->path ? config->path : "no belay.yaml was found, and the default configuration");
    if (e.code == 0)
        p.loop = loop_new(&e);
    if (p.loop)
        p.sources = sources_new(p.loop, config, &events, &e);
    if (p.sources) {
        p.platform = platform_new(NULL);
        sources_register(p.sources, p.platform, loop_now_us(p.loop), clock_wall_us());
        recall(config, &p);
        sources_once(p.sources, on_done, &p);
        loop_run(p.loop);
        enum condition worst = platform_condition(p.platform);
        status = exit_status(worst);
        if (command_has(line, "json"))
            print_json(&p, config->platform, worst);
        else if (!command_has(line, "quiet"))
            print_text(&p, config->platform, worst);
    }
    if (e.code)
        command_fail(status, &e);
    sources_free(p.sources);
    platform_free(p.platform);
    mutes_fini(&p.mutes);
    if (p.loop)
        loop_free(p.loop);
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
