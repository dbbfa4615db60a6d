#include "tui/where.h"

void where_text(const struct engine *engine, struct str *out)
{
    struct engine_where where = {0};
    engine_where(engine, &where);
    str_addf(out, "%s: %s", engine_platform_name(engine), where.text);
    if (where.configured && where.observed_us != 0) {
        char age[DURATION_TEXT_SIZE];
        duration_format(engine_now_us(engine) - where.observed_us, age);
        str_addf(out, " (observed %s ago%s)", age, where.matches ? ", as configured" : "");
    }
    str_addf(out, ", as %s", engine_actor_line(engine));
}
