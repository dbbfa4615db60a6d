#include "tui/kit/keymap.h"
#include "tui/kit/widgets.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    uint32_t code;
    const char *name;
} symbols[] = {
#define X(name, text) {SYM_##name, text},
    KEY_SYMBOLS(X)
#undef X
        {' ', "Space"},
};

static const struct {
    unsigned modifier;
    const char *prefix;
} prefixes[] = {{MOD_CONTROL, "Ctrl-"}, {MOD_ALT, "Alt-"}, {MOD_SHIFT, "Shift-"}};

static const char *const context_help[] = {
#define X(name, help) help,
    KEY_CONTEXTS(X)
#undef X
};

bool key_is_text(const struct key *key)
{
    return key->modifiers == 0 && key->code >= 0x20 && key->code < SYM_NONE;
}

bool key_equal(const struct key *a, const struct key *b)
{
    return a->code == b->code && a->modifiers == b->modifiers;
}

void key_format(const struct key *key, char name[static KEY_NAME_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (key->modifiers & prefixes[i].modifier)
            used += (size_t)snprintf(name + used, KEY_NAME_SIZE - used, "%s", prefixes[i].prefix);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (symbols[i].code == key->code) {
            snprintf(name + used, KEY_NAME_SIZE - used, "%s", symbols[i].name);
            return;
        }
    }
    uint32_t code = key->code;
    if (key->modifiers & MOD_CONTROL && code >= 'a' && code <= 'z')
        code -= 'a' - 'A';
    char bytes[5] = "?";
    if (code >= 0x20 && code < SYM_NONE)
        bytes[utf8_encode(code, bytes)] = '\0';
    snprintf(name + used, KEY_NAME_SIZE - used, "%s", bytes);
}

bool key_parse(const char *name, size_t length, struct key *key)
{
    memset(key, 0, sizeof *key);
    if (length == 2 && name[0] == '^') {
        key->modifiers = MOD_CONTROL;
        name++;
        length--;
    }
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
            size_t used = strlen(prefixes[i].prefix);
            if (length > used && strncasecmp(name, prefixes[i].prefix, used) == 0) {
                key->modifiers |= prefixes[i].modifier;
                name += used;
                length -= used;
                more = true;
            }
        }
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        if (strlen(symbols[i].name) == length && strncasecmp(name, symbols[i].name, length) == 0) {
            key->code = symbols[i].code;
            return true;
        }
    }
    if (length == 0 || !utf8_valid(name, length, NULL) || utf8_decode(name, length, &key->code) != length ||
        utf8_width(key->code) < 1)
        return false;
    if (key->modifiers & MOD_CONTROL && key->code >= 'A' && key->code <= 'Z')
        key->code += 'a' - 'A';
    /* A shifted character is another character. */
    return !(key->modifiers & MOD_SHIFT);
}

/* The next name of a row's keys; false at the end. */
static bool name_next(const char **keys, const char **name, size_t *length)
{
    *keys += strspn(*keys, " ");
    *name = *keys;
    *length = strcspn(*keys, " ");
    *keys += *length;
    return *length > 0;
}

static bool row_has(const struct key_binding *row, const struct key *key)
{
    const char *keys = row->keys, *name;
    size_t length;
    struct key one;
    while (name_next(&keys, &name, &length))
        if (key_parse(name, length, &one) && key_equal(&one, key))
            return true;
    return false;
}

const struct key_binding *keymap_find(const struct key_binding *table, const enum key_context *stack,
                                      size_t depth, const struct key *key)
{
    for (size_t i = 0; i < depth; i++)
        for (const struct key_binding *row = table; row->keys; row++)
            if (row->context == stack[i] && row_has(row, key))
                return row;
    return NULL;
}

int keymap_check(const struct key_binding *table, struct err *e)
{
    for (const struct key_binding *row = table; row->keys; row++) {
        int number = (int)(row - table) + 1;
        if (!row->command || !*row->command || !row->help || !*row->help)
            return err_set(e, ERR_SYNTAX, "key table row %d (%s): no command or no help", number, row->keys);
        if ((unsigned)row->context >= CONTEXT_COUNT)
            return err_set(e, ERR_SYNTAX, "key table row %d (%s): no such context", number, row->keys);
        const char *keys = row->keys, *name;
        size_t length, names = 0;
        struct key key;
        for (; name_next(&keys, &name, &length); names++) {
            if (!key_parse(name, length, &key))
                return err_set(e, ERR_SYNTAX, "key table row %d: %.*s is no key", number, (int)length, name);
            for (const struct key_binding *other = table; other < row; other++)
                if (other->context == row->context && row_has(other, &key))
                    return err_set(e, ERR_SYNTAX, "key table row %d: %.*s is bound in row %d already", number,
                                   (int)length, name, (int)(other - table) + 1);
        }
        if (names == 0)
            return err_set(e, ERR_SYNTAX, "key table row %d (%s): no key", number, row->command);
    }
    return 0;
}

/* ---- drawn */

bool key_refused(const struct key_binding *row, enum key_reader reader)
{
    bool acts = row->flags & KEY_ACTS;
    return acts &&
           (reader == READER_OBSERVER || (reader == READER_FOLLOWER && row->context != CONTEXT_FOLLOW));
}

/* True when an inner context means something else by every key of the row. */
static bool shadowed(const struct key_binding *table, const enum key_context *stack, size_t inner,
                     const struct key_binding *row)
{
    const char *keys = row->keys, *name;
    size_t length;
    struct key key;
    while (name_next(&keys, &name, &length))
        if (key_parse(name, length, &key) && !keymap_find(table, stack, inner, &key))
            return false;
    return true;
}

/* Returns the row after it. */
static int draw_help_row(const struct key_binding *row, enum key_reader reader, struct canvas *c, int y)
{
    bool dimmed = key_refused(row, reader);
    int x = canvas_put_cut(c, 3, y, 18, dimmed ? ROLE_DISABLED : ROLE_KEY, row->keys);
    x = x < 20 ? 20 : x + 1;
    struct str text = {0};
    str_addf(&text, "%s%s", row->help,
             !dimmed                     ? ""
             : reader == READER_OBSERVER ? "  (:join to act)"
                                         : "  (another console walks it)");
    y = canvas_put_wrapped(c, x, y, c->area.width - x - 1, dimmed ? ROLE_DISABLED : ROLE_KEY_LABEL,
                           str_text(&text));
    str_fini(&text);
    return y;
}

static bool help_matches(const struct filter *filter, const struct key_binding *row)
{
    struct str text = {0};
    str_addf(&text, "%s %s", row->keys, row->help);
    bool matches = !filter || filter_match(filter, str_text(&text));
    str_fini(&text);
    return matches;
}

int keymap_draw_help(const struct key_binding *table, const enum key_context *stack, size_t depth,
                     enum key_reader reader, const struct filter *filter, struct canvas *c, int top)
{
    int line = 0;
    for (size_t i = 0; i < depth; i++) {
        bool any = false;
        for (const struct key_binding *row = table; row->keys; row++) {
            if (row->context != stack[i] || row->flags & KEY_HIDDEN || shadowed(table, stack, i, row) ||
                !help_matches(filter, row))
                continue;
            if (!any) {
                line += line > 0;
                canvas_putf(c, 1, line++ - top, ROLE_TITLE, "Keys %s", context_help[stack[i]]);
            }
            any = true;
            line = draw_help_row(row, reader, c, line - top) + top;
        }
    }
    return line;
}

/* The first name of the row, as it is shown. */
static int put_key(const struct key_binding *row, unsigned style, struct canvas *c, int x)
{
    const char *keys = row->keys, *name;
    size_t length;
    name_next(&keys, &name, &length);
    return c ? canvas_put_bytes(c, x, 0, style, name, length) : x + (int)length;
}

/* The last labelled row, for which room is kept: the way out. */
static const struct key_binding *last_labelled(const struct key_binding *table, const enum key_context *stack,
                                               size_t depth)
{
    const struct key_binding *last = NULL;
    for (size_t i = 0; i < depth; i++)
        for (const struct key_binding *row = table; row->keys; row++)
            if (row->context == stack[i] && row->bar)
                last = row;
    return last;
}

static int bar_columns(const struct key_binding *row, const struct canvas *c)
{
    return row ? put_key(row, 0, NULL, 0) + 1 + canvas_columns(c, row->bar) : 0;
}

void keymap_draw_bar(const struct key_binding *table, const enum key_context *stack, size_t depth,
                     enum key_reader reader, struct canvas *c)
{
    const struct key_binding *last = last_labelled(table, stack, depth);
    int x = 1, width = c->area.width, room = width - bar_columns(last, c) - 2;
    for (size_t i = 0; i < depth; i++) {
        for (const struct key_binding *row = table; row->keys; row++) {
            if (row->context != stack[i] || !row->bar || shadowed(table, stack, i, row) ||
                x + bar_columns(row, c) > (row == last ? width : room))
                continue;
            bool dimmed = key_refused(row, reader);
            x = put_key(row, dimmed ? ROLE_DISABLED : ROLE_KEY, c, x);
            x = canvas_put(c, x + 1, 0, dimmed ? ROLE_DISABLED : ROLE_KEY_LABEL, row->bar) + 2;
        }
    }
}
