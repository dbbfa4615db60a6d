/* The kinds of sources. A new one is a file beside this one and a row here. */
#include "engine/sources/source.h"

#define KINDS(X)                                                                                             \
    X(prometheus)                                                                                            \
    X(http)                                                                                                  \
    X(redis)                                                                                                 \
    X(command)                                                                                               \
    X(journal)

#define X(name) extern const struct source_kind kind_##name;
KINDS(X)
#undef X

const struct source_kind *const source_table[] = {
#define X(name) &kind_##name,
    KINDS(X)
#undef X
        NULL,
};

const struct source_kind *source_kind_find(const char *name)
{
    for (size_t i = 0; source_table[i]; i++)
        if (str_eq(source_table[i]->name, name))
            return source_table[i];
    return NULL;
}
