/* The kinds of sources. A new one is a file and a line here. */
#include "engine/sources/table.h"
#include "engine/sources/source.h"

const struct source_kind *const source_table[] = {
    &kind_prometheus, &kind_http, &kind_redis, &kind_command, &kind_journal, NULL,
};

const struct source_kind *source_kind_find(const char *name)
{
    for (size_t i = 0; source_table[i]; i++)
        if (str_eq(source_table[i]->name, name))
            return source_table[i];
    return NULL;
}
