#include "engine/simulate/arguments.h"

#include <stdlib.h>

#define COMMON_FLAGS "namespace,n: context: cluster: user: kubeconfig: request-timeout: as: v,v: help,h "

/* Looks a flag up in a list; long_name gets its long form. */
static bool flag_known(const char *flags, const char *name, bool is_short, char *long_name, size_t size,
                       bool *value)
{
    size_t length = strlen(name);
    for (const char *p = flags; *p;) {
        p += strspn(p, " ");
        size_t item = strcspn(p, " "), stem = strcspn(p, " ,:");
        const char *letter = p[stem] == ',' ? p + stem + 1 : NULL;
        bool match = is_short ? letter && *letter == *name : stem == length && memcmp(p, name, length) == 0;
        if (match && stem < size) {
            memcpy(long_name, p, stem);
            long_name[stem] = '\0';
            *value = item > 0 && p[item - 1] == ':';
            return true;
        }
        p += item;
    }
    return false;
}

static bool flag_look_up(const char *flags, const char *name, bool is_short, char *long_name, size_t size,
                         bool *value)
{
    return flag_known(flags, name, is_short, long_name, size, value) ||
           flag_known(COMMON_FLAGS, name, is_short, long_name, size, value);
}

static int flag_add(struct arguments *a, const char *name, const char *value, struct err *e)
{
    if (a->flag_count == sizeof a->flags / sizeof *a->flags)
        return err_set(e, ERR_USAGE, "error: too many flags");
    a->flags[a->flag_count].name = xstrdup(name);
    a->flags[a->flag_count++].value = xstrdup(value);
    return 0;
}

/* "--name", "--name=value", "--name value". Returns how many words it took, negative on error. */
static int long_read(struct arguments *a, const char *flags, int argc, char *const *argv, struct err *e)
{
    char name[64], long_name[64];
    size_t length = strcspn(argv[0] + 2, "=");
    bool value;
    if (length >= sizeof name)
        return err_set(e, ERR_USAGE, "error: unknown flag: %.70s", argv[0]);
    memcpy(name, argv[0] + 2, length);
    name[length] = '\0';
    if (!flag_look_up(flags, name, false, long_name, sizeof long_name, &value))
        return err_set(e, ERR_USAGE, "error: unknown flag: --%s\nSee 'kubectl %s --help' for usage.", name,
                       a->verb);
    const char *equal = argv[0][2 + length] == '=' ? argv[0] + 3 + length : NULL;
    if (equal)
        return flag_add(a, long_name, equal, e) < 0 ? ERR_USAGE : 1;
    if (!value)
        return flag_add(a, long_name, "true", e) < 0 ? ERR_USAGE : 1;
    if (argc < 2)
        return err_set(e, ERR_USAGE,
                       "error: flag needs an argument: --%s\nSee 'kubectl %s --help' for usage.", name,
                       a->verb);
    return flag_add(a, long_name, argv[1], e) < 0 ? ERR_USAGE : 2;
}

/* "-it", "-n rag", "-nrag", "-n=rag". */
static int short_read(struct arguments *a, const char *flags, int argc, char *const *argv, struct err *e)
{
    for (const char *p = argv[0] + 1; *p; p++) {
        char long_name[64];
        bool value;
        if (!flag_look_up(flags, p, true, long_name, sizeof long_name, &value))
            return err_set(e, ERR_USAGE,
                           "error: unknown shorthand flag: '%c' in %.40s\nSee 'kubectl %s --help' for usage.",
                           *p, argv[0], a->verb);
        if (!value) {
            if (flag_add(a, long_name, "true", e) < 0)
                return ERR_USAGE;
            continue;
        }
        if (p[1])
            return flag_add(a, long_name, p[1] == '=' ? p + 2 : p + 1, e) < 0 ? ERR_USAGE : 1;
        if (argc < 2)
            return err_set(e, ERR_USAGE,
                           "error: flag needs an argument: '%c' in %.40s\nSee 'kubectl %s --help' for usage.",
                           *p, argv[0], a->verb);
        return flag_add(a, long_name, argv[1], e) < 0 ? ERR_USAGE : 2;
    }
    return 1;
}

int arguments_read(struct arguments *a, const char *verb, const char *flags, int argc, char *const *argv,
                   struct err *e)
{
    *a = (struct arguments){.verb = xstrdup(verb)};
    for (int i = 0; i < argc;) {
        int took = 1;
        if (strcmp(argv[i], "--") == 0) {
            a->dashes = true;
            for (i++; i < argc; i++)
                strv_add(&a->command, argv[i]);
            break;
        }
        if (str_starts(argv[i], "--"))
            took = long_read(a, flags, argc - i, argv + i, e);
        else if (argv[i][0] == '-' && argv[i][1])
            took = short_read(a, flags, argc - i, argv + i, e);
        else
            strv_add(&a->words, argv[i]);
        if (took < 0)
            return took;
        i += took;
    }
    return 0;
}

void arguments_fini(struct arguments *a)
{
    for (size_t i = 0; i < a->flag_count; i++) {
        free(a->flags[i].name);
        free(a->flags[i].value);
    }
    strv_free(a->words);
    strv_free(a->command);
    free(a->verb);
}

const char *arguments_flag(const struct arguments *a, const char *name)
{
    for (size_t i = a->flag_count; i-- > 0;)
        if (strcmp(a->flags[i].name, name) == 0)
            return a->flags[i].value;
    return NULL;
}

bool arguments_has(const struct arguments *a, const char *name)
{
    const char *value = arguments_flag(a, name);
    return value && strcmp(value, "false") != 0;
}

size_t arguments_count(const struct arguments *a)
{
    return a->words ? strv_count(a->words) : 0;
}

const char *arguments_word(const struct arguments *a, size_t index)
{
    return index < arguments_count(a) ? a->words[index] : NULL;
}
