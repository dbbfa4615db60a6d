/* What a step exported: chosen from the dump of its environment, stored beside its outcome. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/execute/record.h"

static const char exports_magic[8] = "belayev1";

void exports_encode(char *const *exports, struct str *out)
{
    struct str body = {0};
    for (; *exports; exports++)
        str_add_bytes(&body, *exports, strlen(*exports) + 1);
    uint64_t checksum = checksum64(body.len ? body.data : "", body.len);
    str_add_bytes(out, exports_magic, sizeof exports_magic);
    str_add_bytes(out, &checksum, sizeof checksum);
    if (body.len)
        str_add_bytes(out, body.data, body.len);
    str_fini(&body);
}

/* A vector of the NUL-ended strings in bytes that begin with a variable's name and "=". */
static char **entries(const char *bytes, size_t length)
{
    char **list = xcalloc(1, sizeof *list);
    size_t count = 0, room = 1;
    while (length > 0) {
        const char *end = memchr(bytes, '\0', length);
        if (!end)
            break;
        if (count + 2 > room) {
            room = room * 2 + 2;
            list = xrealloc(list, room * sizeof *list);
        }
        list[count++] = xstrdup(bytes);
        list[count] = NULL;
        length -= (size_t)(end + 1 - bytes);
        bytes = end + 1;
    }
    return list;
}

char **exports_decode(const char *bytes, size_t length)
{
    size_t head = sizeof exports_magic + sizeof(uint64_t);
    uint64_t checksum;
    if (length < head || memcmp(bytes, exports_magic, sizeof exports_magic) != 0)
        return NULL;
    memcpy(&checksum, bytes + sizeof exports_magic, sizeof checksum);
    if (checksum != checksum64(bytes + head, length - head) || (length > head && bytes[length - 1] != '\0'))
        return NULL;
    return entries(bytes + head, length - head);
}

/* The length of NAME in NAME=VALUE; 0 when it isn't one. Exported functions (BASH_FUNC_x%%) are none. */
static size_t name_length(const char *entry)
{
    size_t n = 0;
    while (isalnum((unsigned char)entry[n]) || entry[n] == '_')
        n++;
    return entry[n] == '=' && !isdigit((unsigned char)entry[0]) ? n : 0;
}

/* What shells set by themselves, and what is ours. */
static bool shells_own(const char *entry, size_t length)
{
    static const char *const names[] = {"_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV", "BASHOPTS", "SHELLOPTS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && memcmp(names[i], entry, length) == 0)
            return true;
    return str_starts(entry, "BELAY_");
}

static bool contains(char *const *list, const char *entry)
{
    for (; list && *list; list++)
        if (strcmp(*list, entry) == 0)
            return true;
    return false;
}

char **exports_select(const char *dump, size_t length, char *const *given)
{
    char **list = entries(dump, length);
    size_t kept = 0;
    for (size_t i = 0; list[i]; i++) {
        size_t name = name_length(list[i]);
        if (name == 0 || shells_own(list[i], name) || contains(given, list[i]))
            free(list[i]);
        else
            list[kept++] = list[i];
    }
    list[kept] = NULL;
    return list;
}
