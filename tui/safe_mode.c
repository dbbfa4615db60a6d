#include "tui/safe_mode.h"

#include <stdlib.h>

int safe_mode_verb_parse(const char *word, enum safe_mode_verb *verb, struct err *e)
{
    static const char *const words[] = {
        [SAFE_MODE_ENTER] = "enter", [SAFE_MODE_LEAVE] = "leave", [SAFE_MODE_STATUS] = "status"};
    *verb = SAFE_MODE_STATUS;
    for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++) {
        if (str_eq(word, words[i])) {
            *verb = (enum safe_mode_verb)i;
            return 0;
        }
    }
    return word ? err_set(e, ERR_USAGE, "safe-mode takes enter, leave or status, not %.40s", word) : 0;
}

char *safe_mode_entity(const struct config *c)
{
    return xasprintf("%s %s", c->safe_mode.kind, c->safe_mode.name);
}

int safe_mode_says(const struct config *c, const struct platform *p, struct str *out, struct err *e)
{
    struct safe_mode mode;
    char since[CLOCK_TEXT_SIZE];
    safe_mode_read(c, p, &mode);
    if (mode.state == SAFE_MODE_NONE) {
        return err_set(
            e, ERR_USAGE,
            "no safe mode is configured: safe_mode: in belay.yaml names the entity that proves it");
    }
    char *entity = safe_mode_entity(c);
    str_addf(out, "safe mode is %s: ", mode.state == SAFE_MODE_ON ? "on" : mode.word);
    if (mode.entity == NULL) {
        str_addf(out, "no source tells of %s", entity);
    } else if (mode.state == SAFE_MODE_UNKNOWN) {
        str_addf(out, "%s, ", entity);
        size_t before = out->len;
        entity_reason(p, mode.entity, clock_wall_us(), true, out);
        str_add(out, out->len > before ? "" : "not told");
    } else {
        clock_format(mode.entity->since_us, since);
        str_addf(out, "%s %s, since %.10s %.5sZ", entity, mode.entity->raw, since, since + 11);
    }
    free(entity);
    return 0;
}

static bool runbook_named(const struct engine *engine, const char *id, struct engine_runbook *view)
{
    for (size_t i = 0; i < engine_runbook_count(engine); i++) {
        engine_runbook_at(engine, i, view);
        if (view->book != NULL && str_eq(view->book->id, id)) {
            return true;
        }
    }
    return false;
}

int safe_mode_plan(const struct engine *engine, const struct platform *p, enum safe_mode_verb verb,
                   bool anyway, struct engine_runbook *view, struct err *e)
{
    const struct config *c = engine_config(engine);
    bool enter = verb == SAFE_MODE_ENTER;
    const char *id = enter ? c->safe_mode.enter : c->safe_mode.leave;
    struct str says = {0};
    struct safe_mode mode;
    int code = safe_mode_says(c, p, &says, e);
    safe_mode_read(c, p, &mode);
    if (code == 0 && !anyway && mode.state == (enter ? SAFE_MODE_ON : SAFE_MODE_OFF)) {
        code = err_set(e, ERR_CANCELLED, "%s; --anyway walks the runbook all the same", str_text(&says));
    }
    if (code == 0 && !runbook_named(engine, id, view)) {
        code = err_set(e, ERR_NOT_FOUND,
                       "there is no runbook %s: runbooks: and safe_mode: in belay.yaml name it", id);
    }
    if (code == 0 && view->error != NULL) {
        code = err_set(e, ERR_USAGE, "%s does not run: %s", id, view->error);
    }
    str_fini(&says);
    return code;
}
