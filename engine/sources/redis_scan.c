#include "engine/sources/redis_scan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sources/natural.h"

#define FEW_KEYS  200 /* so many are all read at every poll */
#define TURN_KEYS 100 /* of more, so many old ones are read again at every poll */

int key_set_init(struct key_set *s, const char *pattern, struct err *e)
{
    *s = (struct key_set){.cursor = "0"};
    if (key_pattern_compile(&s->pattern, pattern, e))
        return e ? e->code : ERR_SYNTAX;
    s->entries = map_new();
    return 0;
}

static void entry_free(struct key_entry *entry)
{
    if (!entry)
        return;
    free(entry->key);
    free(entry->group);
    cJSON_Delete(entry->row);
    free(entry);
}

void key_set_fini(struct key_set *s)
{
    const char *key;
    void *value;
    for (size_t i = 0; s->entries && map_next(s->entries, &i, &key, &value);)
        entry_free(value);
    map_free(s->entries);
    key_pattern_fini(&s->pattern);
    *s = (struct key_set){0};
}

void key_set_add(struct key_set *s, const char *key, size_t length)
{
    char *captures[KEY_CAPTURES] = {0};
    if (length > KEY_BYTES || strlen(key) != length || !utf8_valid(key, length, NULL))
        return;
    struct key_entry *entry = map_get(s->entries, key);
    if (entry) {
        entry->cycle = s->cycle;
        return;
    }
    if (map_count(s->entries) >= KEY_LIMIT) {
        s->overflow = true;
        return;
    }
    if (!key_pattern_match(&s->pattern, key, captures))
        return;
    entry = xcalloc(1, sizeof *entry);
    entry->key = xstrdup(key);
    entry->cycle = s->cycle;
    entry->group = captures[0] ? captures[0] : xstrdup("");
    for (size_t i = 1; i < KEY_CAPTURES; i++)
        free(captures[i]);
    map_set(s->entries, key, entry);
}

void key_set_remove(struct key_set *s, const char *key)
{
    entry_free(map_remove(s->entries, key));
}

void key_set_end_pass(struct key_set *s)
{
    const char *key;
    void *value;
    char **gone = NULL;
    for (size_t i = 0; map_next(s->entries, &i, &key, &value);)
        if (((struct key_entry *)value)->cycle < s->cycle)
            strv_add(&gone, key);
    for (char **k = gone; k && *k; k++)
        key_set_remove(s, *k);
    strv_free(gone);
    if (map_count(s->entries) < KEY_LIMIT)
        s->overflow = false;
    s->cycle++;
    s->complete = true;
}

/* The entry of each group whose key is the largest: checkpoints are numbered, so it is likely the newest. */
static struct map *largest_of_groups(const struct key_set *s)
{
    struct map *largest = map_new();
    const char *key;
    void *value;
    for (size_t i = 0; map_next(s->entries, &i, &key, &value);) {
        const struct key_entry *entry = value, *before = map_get(largest, entry->group);
        if (!before || natural_compare(entry->key, before->key) > 0)
            map_set(largest, entry->group, value);
    }
    return largest;
}

char **key_set_due(struct key_set *s)
{
    struct map *largest = largest_of_groups(s);
    char **due = NULL;
    const char *key;
    void *value;
    size_t count = map_count(s->entries), index = 0;
    for (size_t i = 0; map_next(largest, &i, &key, &value);)
        strv_add(&due, ((struct key_entry *)value)->key);
    if (s->turn >= count)
        s->turn = 0;
    for (size_t i = 0; map_next(s->entries, &i, &key, &value); index++) {
        const struct key_entry *entry = value;
        bool turn = count <= FEW_KEYS || (index >= s->turn && index < s->turn + TURN_KEYS);
        if ((!entry->row || turn) && map_get(largest, entry->group) != value)
            strv_add(&due, entry->key);
    }
    s->turn += TURN_KEYS;
    map_free(largest);
    return due;
}

cJSON *key_set_rows(const struct key_set *s, size_t *unread)
{
    cJSON *rows = cJSON_CreateArray();
    const char *key;
    void *value;
    *unread = 0;
    for (size_t i = 0; map_next(s->entries, &i, &key, &value);) {
        const struct key_entry *entry = value;
        if (entry->row)
            cJSON_AddItemReferenceToArray(rows, entry->row);
        else
            ++*unread;
    }
    return rows;
}
