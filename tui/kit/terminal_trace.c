#include "tui/kit/terminal_trace.h"

/* Private modes (DECSET) that programs change and leave changed. The alternate screen stands last: everything
 * else is put right before it is left. */
static const struct {
    unsigned number;
    bool on; /* as a terminal starts */
} modes[TRACE_MODES] = {
    {1, false},    {5, false},    {6, false},    {7, true},     {9, false},    {25, true},    {1000, false},
    {1002, false}, {1003, false}, {1004, false}, {1005, false}, {1006, false}, {1015, false}, {1016, false},
    {1007, false}, {2004, false}, {2026, false}, {47, false},   {1047, false}, {1049, false},
};
#define FIRST_ALTERNATE (TRACE_MODES - 3)

bool terminal_trace_alternate(const struct terminal_trace *t)
{
    return t->changed[FIRST_ALTERNATE] || t->changed[FIRST_ALTERNATE + 1] || t->changed[FIRST_ALTERNATE + 2];
}

static void modes_set(struct terminal_trace *t, bool on)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < TRACE_MODES; k++)
            if (modes[k].number == t->numbers[i])
                t->changed[k] = on != modes[k].on;
}

static void control(struct terminal_trace *t, char final)
{
    if (t->private == '?' && (final == 'h' || final == 'l'))
        modes_set(t, final == 'h');
    else if (t->private == '>' && final == 'u')
        t->keyboard++;
    else if (t->private == '<' && final == 'u' && t->keyboard > 0)
        t->keyboard--;
    else if (t->private == '>' && final == 'm' && t->numbers[0] == 4)
        t->other_keys = t->count > 1 && t->numbers[1] > 0;
}

static void escape(struct terminal_trace *t, unsigned char byte)
{
    t->state = TRACE_TEXT;
    if (byte == '[') {
        t->state = TRACE_CONTROL;
        t->private = 0;
        t->count = 1;
        memset(t->numbers, 0, sizeof t->numbers);
    } else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
        t->state = TRACE_STRING;
    } else if (byte == '=' || byte == '>') {
        t->keypad = byte == '=';
    } else if (byte >= 0x20 && byte < 0x30) {
        t->state = TRACE_SKIP_ONE;
    } else if (byte == 'c') {
        *t = (struct terminal_trace){.plain = t->plain};
    }
}

static void in_control(struct terminal_trace *t, unsigned char byte)
{
    if (byte >= '<' && byte <= '?') {
        t->private = (char)byte;
    } else if (byte >= '0' && byte <= '9') {
        unsigned *number = &t->numbers[t->count - 1];
        *number = *number < 100000 ? *number * 10 + (byte - '0') : *number;
    } else if (byte == ';' || byte == ':') {
        if (t->count < sizeof t->numbers / sizeof *t->numbers)
            t->count++;
    } else if (byte >= 0x40) {
        t->state = TRACE_TEXT;
        control(t, (char)byte);
    }
}

static void take(struct terminal_trace *t, unsigned char byte)
{
    if (byte == 0x1b && t->state != TRACE_STRING) {
        t->state = TRACE_ESCAPE;
        return;
    }
    switch (t->state) {
    case TRACE_TEXT:
        t->plain |= byte > 0x20 && byte != 0x7f && !terminal_trace_alternate(t);
        break;
    case TRACE_ESCAPE:
        escape(t, byte);
        break;
    case TRACE_SKIP_ONE:
        t->state = TRACE_TEXT;
        break;
    case TRACE_CONTROL:
        in_control(t, byte);
        break;
    case TRACE_STRING:
        t->state = byte == 0x1b ? TRACE_STRING_ESCAPE : byte == 0x07 ? TRACE_TEXT : TRACE_STRING;
        break;
    case TRACE_STRING_ESCAPE:
        t->state = TRACE_TEXT;
        break;
    }
}

void terminal_trace_add(struct terminal_trace *t, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        take(t, (unsigned char)bytes[i]);
}

static void put_mode(const struct terminal_trace *t, size_t place, bool as_changed, struct str *out)
{
    if (t->changed[place])
        str_addf(out, "\x1b[?%u%c", modes[place].number, modes[place].on != as_changed ? 'h' : 'l');
}

void terminal_trace_undo(const struct terminal_trace *t, struct str *out)
{
    str_add(out, "\x1b(B\x1b[m");
    if (t->keypad)
        str_add(out, "\x1b>");
    if (t->keyboard > 0)
        str_addf(out, "\x1b[<%uu", t->keyboard);
    if (t->other_keys)
        str_add(out, "\x1b[>4;0m");
    if (terminal_trace_alternate(t))
        str_add(out, "\x1b[r"); /* moves the cursor: only where it is left behind anyway */
    for (size_t i = 0; i < TRACE_MODES; i++)
        put_mode(t, i, false, out);
}

void terminal_trace_redo(const struct terminal_trace *t, struct str *out)
{
    for (size_t i = TRACE_MODES; i-- > 0;)
        put_mode(t, i, true, out);
    if (t->keypad)
        str_add(out, "\x1b=");
    if (t->other_keys)
        str_add(out, "\x1b[>4;1m");
    for (unsigned i = 0; i < t->keyboard && i < 8; i++)
        str_add(out, "\x1b[>1u");
}
