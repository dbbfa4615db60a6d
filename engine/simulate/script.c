#include "engine/simulate/script.h"

#include <stddef.h>
#include <stdio.h>

#include "engine/simulate/simulate.h"

#define FIRST_US  (10 * US_PER_S)
#define SECOND_US (25 * US_PER_S)
#define THIRD_US  (40 * US_PER_S)
#define NEVER     (-1)

const struct simulation_scenario simulate_scenarios[] = {
    {"shard", "a shard of the vector store dies after ten seconds"},
    {"provider", "the provider of the language model fails: errors, then rate limits, then refused tokens"},
    {"bootstrap",
     "after a release nothing starts: a failed migration, and components that wait for each other"},
    {"storm", "all three, one after the other"},
    {NULL, NULL},
};

const struct simulation_scenario simulate_variants[] = {
    {"no-replica", "the shard has no replica"},
    {"transient", "re-opening the shard's index mends it"},
    {"no-backup", "no backup provider is configured"},
    {"bad-token", "the backup provider refuses the token"},
    {"auth", "the provider refuses the token, and does nothing worse"},
    {"hooks", "what needs the controller waits for it by itself"},
    {"migrated", "the migration went well"},
    {"late-snapshots", "the newest snapshots are 31 hours old"},
    {"lost-snapshots", "snapshots older than three days are gone"},
    {NULL, NULL},
};

static const struct {
    const char *name;
    int64_t shard_us, provider_us, bootstrap_us;
} times[] = {
    {"shard", FIRST_US, NEVER, NEVER},
    {"provider", NEVER, FIRST_US, NEVER},
    {"bootstrap", NEVER, NEVER, FIRST_US},
    {"storm", FIRST_US, SECOND_US, THIRD_US},
};

static const struct {
    const char *name;
    size_t offset;
} switches[] = {
    {"no-replica", offsetof(struct script, no_replica)},
    {"transient", offsetof(struct script, transient)},
    {"no-backup", offsetof(struct script, no_backup)},
    {"bad-token", offsetof(struct script, bad_token)},
    {"auth", offsetof(struct script, auth)},
    {"hooks", offsetof(struct script, hooks)},
    {"migrated", offsetof(struct script, migrated)},
    {"late-snapshots", offsetof(struct script, late_snapshots)},
    {"lost-snapshots", offsetof(struct script, lost_snapshots)},
};

static bool word_is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static int unknown(const char *what, const char *text, size_t length, const struct simulation_scenario *known,
                   struct err *e)
{
    struct str names = {0};
    for (; known->name; known++)
        str_addf(&names, "%s%s", names.len ? ", " : "", known->name);
    err_set(e, ERR_USAGE, "no such %s: %.*s; there is: %s", what, (int)(length < 40 ? length : 40), text,
            str_text(&names));
    str_fini(&names);
    return ERR_USAGE;
}

int script_read(const char *text, struct script *s, struct err *e)
{
    size_t length = strcspn(text, ":"), i = 0;
    while (i < sizeof times / sizeof *times && !word_is(text, length, times[i].name))
        i++;
    if (i == sizeof times / sizeof *times)
        return unknown("scenario", text, length, simulate_scenarios, e);
    *s = (struct script){.shard_us = times[i].shard_us,
                         .provider_us = times[i].provider_us,
                         .bootstrap_us = times[i].bootstrap_us};
    for (const char *p = text + length; *p;) {
        p++;
        length = strcspn(p, ",");
        i = 0;
        while (i < sizeof switches / sizeof *switches && !word_is(p, length, switches[i].name))
            i++;
        if (i == sizeof switches / sizeof *switches)
            return unknown("variant", p, length, simulate_variants, e);
        *(bool *)((char *)s + switches[i].offset) = true;
        p += length;
    }
    return 0;
}

int simulate_scenario_check(const char *text, struct err *e)
{
    struct script script;
    return script_read(text, &script, e);
}
