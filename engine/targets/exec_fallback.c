/* Words of a command line: what a fallback is, and what a misspelt option meant. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/targets/exec_request.h"

#define NEAR_ENOUGH 3 /* changes of a letter */

/* How many letters must be put in, taken out or changed; two neighbours that changed places are one. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][64], n = strlen(b);
    if (n >= 64 || strlen(a) >= 64)
        return SIZE_MAX;
    size_t *older = rows[0], *old = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++)
        old[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = old[j - 1] + (a[i - 1] != b[j - 1]);
            best = old[j] + 1 < best ? old[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = older;
        older = old, old = row, row = spare;
    }
    return old[n];
}

const char *exec_nearest(const char *text, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t least = NEAR_ENOUGH + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(text, names[i]);
        /* "--retry" means --retry-on, "--fall" --fallback. */
        if (strlen(text) >= 4 && str_starts(names[i], text))
            d = 1;
        if (d < least && (d == 1 || 2 * d < strlen(text)))
            least = d, nearest = names[i];
    }
    return nearest;
}

static int fallback_word(const char *word, struct exec_tier *tier, struct err *e)
{
    double *number = str_starts(word, "cost=")       ? &tier->cost
                     : str_starts(word, "accuracy=") ? &tier->accuracy
                                                     : NULL;
    if (!number)
        return err_set(e, ERR_USAGE, "--fallback: what does %s mean? It is NAME cost=X accuracy=Y: COMMAND",
                       word);
    const char *value = strchr(word, '=') + 1;
    if (!number_parse(value, number) || !isfinite(*number) || *number < 0 ||
        (number == &tier->accuracy && *number > 1))
        return err_set(e, ERR_USAGE, "--fallback: %s: %s", word,
                       number == &tier->cost ? "a cost is a number from 0 on" : "an accuracy is 0 to 1");
    return 0;
}

int exec_fallback_parse(const char *text, struct exec_tier *tier, struct str *command, struct err *e)
{
    const char *colon = strstr(text, ": ");
    if (!colon || colon == text || colon[2 + strspn(colon + 2, " \t\n")] == '\0')
        return err_set(e, ERR_USAGE,
                       "--fallback: a name, a colon, a blank and a command, as 'backup cost=0.05: cat "
                       "answer.json', not '%s'",
                       text);
    int code = 0;
    char *head = xstrndup(text, (size_t)(colon - text)), *rest = head;
    *tier = (struct exec_tier){.cost = NAN, .accuracy = NAN};
    for (char *word; code == 0 && (word = strsep(&rest, " \t"));) {
        if (!*word)
            continue;
        if (tier->name[0])
            code = fallback_word(word, tier, e);
        else if (strlen(word) >= sizeof tier->name || strchr(word, '=') ||
                 !utf8_valid(word, strlen(word), NULL))
            code = err_set(e, ERR_USAGE, "--fallback: it begins with a name of at most %zu bytes, not %s",
                           sizeof tier->name - 1, word);
        else
            snprintf(tier->name, sizeof tier->name, "%s", word);
    }
    if (code == 0 && !tier->name[0])
        code = err_set(e, ERR_USAGE, "--fallback: a name stands before the colon: '%s'", text);
    free(head);
    str_add(command, colon + 2 + strspn(colon + 2, " \t\n"));
    return code;
}
