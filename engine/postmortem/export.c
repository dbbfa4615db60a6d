#include "engine/postmortem/export.h"

static const char *const format_names[] = {
#define X(NAME, name) [EXPORT_##NAME] = name,
    EXPORT_FORMATS(X)
#undef X
};

int export_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof format_names / sizeof *format_names; i++)
        if (str_eq(name, format_names[i]))
            return (int)i;
    return -1;
}

const char *export_format_name(enum export_format format)
{
    return format_names[format];
}

int postmortem_export(struct journal *j, int64_t incident, enum export_format format, struct str *out,
                      struct err *e)
{
    static void (*const writers[])(const struct story *story, struct str *out) = {
        [EXPORT_MARKDOWN] = export_markdown,
        [EXPORT_JSON] = export_json,
    };
    struct story story;
    int code = story_read(&story, j, incident, e);
    if (code == 0)
        writers[format](&story, out);
    story_fini(&story);
    return code;
}
