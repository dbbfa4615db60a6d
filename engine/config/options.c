#include "engine/config/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* In the order of the reference page. */
static const struct option *const groups[] = {options_platform, options_entities, options_policies,
                                              options_chains,   options_healing,  options_sources};

const struct option *option_next(const struct option *option)
{
    if (!option)
        return groups[0];
    if ((++option)->path)
        return option;
    for (size_t i = 0; i + 1 < sizeof groups / sizeof *groups; i++) {
        const struct option *end = groups[i];
        while (end->path)
            end++;
        if (end == option)
            return groups[i + 1];
    }
    return NULL;
}

/* The rest of the option's path after prefix, when it is a direct member of the group; else NULL. */
const char *option_member(const struct option *option, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(option->path, prefix, length) != 0)
        return NULL;
    const char *rest = option->path + length;
    return *rest && !strpbrk(rest, ".[") ? rest : NULL;
}

const struct option *option_find(const char *prefix, const char *key)
{
    const struct option *any = NULL;
    for (const struct option *option = NULL; (option = option_next(option));) {
        const char *member = option_member(option, prefix);
        if (!member)
            continue;
        if (str_eq(member, key))
            return option;
        if (str_eq(member, "*"))
            any = option;
    }
    return any;
}

void option_duration_text(int64_t us, char text[static OPTION_DURATION_SIZE])
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{86400 * US_PER_S, "d"},
                 {3600 * US_PER_S, "h"},
                 {60 * US_PER_S, "m"},
                 {US_PER_S, "s"},
                 {US_PER_MS, "ms"}};
    size_t used = 0;
    snprintf(text, OPTION_DURATION_SIZE, "0");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (us >= units[i].us && used < OPTION_DURATION_SIZE) {
            used += (size_t)snprintf(text + used, OPTION_DURATION_SIZE - used, "%" PRId64 "%s",
                                     us / units[i].us, units[i].name);
            us %= units[i].us;
        }
    }
}
