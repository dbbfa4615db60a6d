/* Safe mode, read off the entity that proves it. Nothing here remembers anything: what nobody tells any more
 * is unknown, and never off. */
#include "engine/engine.h"

#include <stdio.h>
#include <strings.h>

static const struct entity *entity_of(const struct config *c, const struct platform *p)
{
    enum entity_kind kind;
    if (!p || !entity_kind_parse(c->safe_mode.kind, &kind))
        return NULL;
    return platform_find(p, kind, NULL, c->safe_mode.name);
}

/* Its own word; what has none (a signal) has a value. */
static bool word_of(const struct entity *e, struct str *word)
{
    if (e->flags & (ENTITY_SILENT | ENTITY_GONE))
        return false;
    str_add(word, e->raw);
    return word->len > 0 || entity_field(e, "value", word);
}

void safe_mode_read(const struct config *c, const struct platform *p, struct safe_mode *mode)
{
    struct str word = {0};
    *mode = (struct safe_mode){.state = SAFE_MODE_NONE};
    if (!c || !c->safe_mode.name)
        return;
    mode->entity = entity_of(c, p);
    mode->state = SAFE_MODE_UNKNOWN;
    snprintf(mode->word, sizeof mode->word, "unknown");
    if (mode->entity && word_of(mode->entity, &word)) {
        const char *text = str_text(&word);
        bool on = strcasecmp(text, c->safe_mode.on) == 0, off = strcasecmp(text, c->safe_mode.off) == 0;
        mode->state = on ? SAFE_MODE_ON : off ? SAFE_MODE_OFF : SAFE_MODE_BETWEEN;
        snprintf(mode->word, sizeof mode->word, "%s", on ? "ON" : off ? "off" : text);
    }
    str_fini(&word);
}
