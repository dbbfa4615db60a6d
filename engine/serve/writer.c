#include "engine/serve/writer.h"

#include <stdarg.h>

/* In a label's value backslash, quote and line feed are escaped; a HELP line of ours has none of them. */
static void put_label(struct str *out, const char *value)
{
    struct str clean = {0};
    utf8_clean(&clean, value, strlen(value), true);
    for (const char *c = str_text(&clean); *c; c++) {
        if (*c == '\\' || *c == '"')
            str_add_char(out, '\\');
        if (*c == '\n')
            str_add(out, "\\n");
        else
            str_add_char(out, *c);
    }
    str_fini(&clean);
}

static void put_value(struct str *out, double value)
{
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    str_addf(out, " %s\n", text);
}

void metric_family(struct str *out, const char *name, const char *type, const char *help)
{
    str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_sample(struct str *out, const char *name, double value, ...)
{
    va_list labels;
    const char *label;
    char before = '{';
    str_add(out, name);
    va_start(labels, value);
    while ((label = va_arg(labels, const char *)) != NULL) {
        str_addf(out, "%c%s=\"", before, label);
        put_label(out, va_arg(labels, const char *));
        str_add_char(out, '"');
        before = ',';
    }
    va_end(labels);
    if (before == ',')
        str_add_char(out, '}');
    put_value(out, value);
}

void metric_single(struct str *out, const char *name, const char *type, const char *help, double value)
{
    metric_family(out, name, type, help);
    metric_sample(out, name, value, NULL);
}
