#include "tui/commands/pass.h"

#include "tui/commands/session.h"

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

static void journal_find(struct pass *pass, const struct config *config, struct journal *journal)
{
    struct err e = {0};
    pass->borrowed = journal != NULL;
    pass->journal = journal ? journal : session_journal_of(config, false, &e);
    sources_set_journal(pass->sources, pass->journal, e.code && e.code != ERR_NOT_FOUND ? e.msg : NULL);
    if (pass->journal)
        engine_recall(pass->journal, pass->platform);
}

int pass_run(struct pass *pass, const struct config *config, struct journal *journal, struct err *e)
{
    struct sources_events events = {.batch = on_batch, .data = pass};
    *pass = (struct pass){0};
    pass->loop = loop_new(e);
    if (!pass->loop)
        return e->code;
    pass->sources = sources_new(pass->loop, config, &events, e);
    if (!pass->sources)
        return e->code;
    pass->platform = platform_new(NULL);
    sources_register(pass->sources, pass->platform, loop_now_us(pass->loop), clock_wall_us());
    journal_find(pass, config, journal);
    sources_once(pass->sources, on_done, pass);
    loop_run(pass->loop);
    engine_own_breakers(config, pass->platform, loop_now_us(pass->loop));
    return 0;
}

void pass_fini(struct pass *pass)
{
    sources_free(pass->sources);
    if (!pass->borrowed)
        journal_close(pass->journal);
    platform_free(pass->platform);
    if (pass->loop)
        loop_free(pass->loop);
    *pass = (struct pass){0};
}

const struct entity *pass_entity(const struct pass *pass, const char *title, struct err *e)
{
    size_t count = 0, found = 0;
    const struct entity *const *list = platform_list(pass->platform, ENTITY_ANY, &count), *entity = NULL;
    struct str own = {0};
    for (size_t i = 0; i < count; i++) {
        str_clear(&own);
        entity_title(list[i], &own);
        bool exact = str_eq(str_text(&own), title);
        if (exact || str_eq(list[i]->name, title)) {
            found = exact ? 1 : found + 1;
            entity = list[i];
        }
        if (exact)
            break;
    }
    str_fini(&own);
    if (found > 1)
        err_set(e, ERR_USAGE, "several entities are called %s: put its kind in front, as \"shard %s\"", title,
                title);
    else if (found == 0)
        err_set(e, ERR_NOT_FOUND, "no source tells of %s (belay status --json lists them)", title);
    return found == 1 ? entity : NULL;
}
