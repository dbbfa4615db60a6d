/* What the configuration knows about an entity besides its sources: pages elsewhere, and its logs. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"

#define VALUE_LONGEST 253 /* of a value that is put into a command, as in runbooks */

static bool concerns(const struct entity *e, const char *kind, const char *name)
{
    return (!kind || str_eq(kind, entity_kind_text(e->kind))) && (!name || fnmatch(name, e->name, 0) == 0);
}

static void add_encoded(struct str *out, const char *value)
{
    for (; *value; value++) {
        bool plain = isalnum((unsigned char)*value) || strchr("-._~", *value);
        if (plain && (unsigned char)*value < 0x80)
            str_add_char(out, *value);
        else
            str_addf(out, "%%%02X", (unsigned)(unsigned char)*value);
    }
}

/* What stands in a command must not be more than a value there: no option, nothing a shell of its own could
 * read. */
static int add_plain(struct str *out, const char *value, const char *field, struct err *e)
{
    size_t length = strlen(value);
    bool good = length > 0 && length <= VALUE_LONGEST && value[0] != '-';
    for (const char *p = value; *p && good; p++)
        good = (isalnum((unsigned char)*p) && (unsigned char)*p < 0x80) || strchr("._:/@-", *p);
    if (!good)
        return err_set(e, ERR_DENIED, "its %s is \"%.60s\", which is not put into a command", field, value);
    str_add(out, value);
    return 0;
}

/* {FIELD} of the entity, in a text; other braces stay. */
static int expand(const struct entity *e, const char *text, bool encoded, struct str *out, struct err *err)
{
    struct str value = {0};
    int code = 0;
    while (*text && code == 0) {
        size_t length =
            *text == '{'
                ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
                : 0;
        if (length == 0 || length > 64 || text[length + 1] != '}') {
            str_add_char(out, *text++);
            continue;
        }
        char field[72];
        snprintf(field, sizeof field, "%.*s", (int)length, text + 1);
        str_clear(&value);
        if (!entity_field(e, field, &value))
            code = err_set(err, ERR_NOT_FOUND, "it has no %s", field);
        else if (encoded)
            add_encoded(out, str_text(&value));
        else
            code = add_plain(out, str_text(&value), field, err);
        text += length + 2;
    }
    str_fini(&value);
    return code;
}

bool entity_link(const struct config *c, const struct entity *e, size_t index, const char **title,
                 struct str *url)
{
    for (size_t i = 0; i < c->link_count; i++) {
        const struct config_link *link = &c->links[i];
        struct err err = {0};
        if (!concerns(e, link->kind, link->name) || index-- > 0)
            continue;
        *title = link->title;
        str_clear(url);
        if (expand(e, link->url, true, url, &err) < 0) {
            str_clear(url);
            str_addf(url, "not known: %s", err.msg);
        }
        return true;
    }
    return false;
}

bool entity_logs(const struct config *c, const struct entity *e, size_t index, struct entity_logs *logs)
{
    *logs = (struct entity_logs){0};
    for (size_t i = 0; i < c->logs_count; i++) {
        const struct config_logs *own = &c->logs[i];
        struct str word = {0};
        if (!concerns(e, own->kind, own->name) || index-- > 0)
            continue;
        logs->title = own->title;
        logs->timeout_us = own->timeout_us;
        for (char **from = own->command; *from && logs->e.code == 0; from++) {
            str_clear(&word);
            expand(e, *from, false, &word, &logs->e);
            strv_add(&logs->argv, str_text(&word));
        }
        str_fini(&word);
        return true;
    }
    return false;
}

void entity_logs_fini(struct entity_logs *logs)
{
    strv_free(logs->argv);
    *logs = (struct entity_logs){0};
}
