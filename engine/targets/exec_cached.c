/* --cached: a JSON map of answers by id. Apart from exec.c: `belay` reads no JSON. */
#include <stdlib.h>

#include "engine/targets/exec_drive.h"

#define CACHED_LIMIT (64u << 20)

bool exec_cached(const struct exec_plan *plan, struct str *answer)
{
    struct str text = {0};
    struct err e = {0};
    bool found = false;
    if (!plan->cached || !plan->id)
        return false;
    cJSON *root = file_read(plan->cached, CACHED_LIMIT, &text, &e) == 0
                      ? json_parse(str_text(&text), text.len, &e)
                      : NULL;
    if (root && !cJSON_IsObject(root))
        err_set(&e, ERR_SYNTAX, "not a JSON object of answers by id");
    if (e.code)
        exec_say(plan, "no cached answers: %s: %s", plan->cached, e.msg);
    const cJSON *item = e.code ? NULL : cJSON_GetObjectItemCaseSensitive(root, plan->id);
    found = item && !cJSON_IsNull(item); /* null: none is known */
    if (found && !json_text(item, answer)) {
        char *printed = json_print(item);
        str_add(answer, printed);
        free(printed);
    }
    cJSON_Delete(root);
    str_fini(&text);
    return found;
}
