#include "tui/kit/input_name.h"

#include <string.h>

static uint32_t symbol_of(TermKeySym sym)
{
    if (sym >= TERMKEY_SYM_KP0 && sym <= TERMKEY_SYM_KP9)
        return (uint32_t)('0' + (sym - TERMKEY_SYM_KP0));
    switch ((int)sym) {
    case TERMKEY_SYM_BACKSPACE:
    case TERMKEY_SYM_DEL:
        return SYM_BACKSPACE;
    case TERMKEY_SYM_TAB:
        return SYM_TAB;
    case TERMKEY_SYM_ENTER:
    case TERMKEY_SYM_KPENTER:
        return SYM_ENTER;
    case TERMKEY_SYM_ESCAPE:
        return SYM_ESCAPE;
    case TERMKEY_SYM_SPACE:
        return ' ';
    case TERMKEY_SYM_UP:
        return SYM_UP;
    case TERMKEY_SYM_DOWN:
        return SYM_DOWN;
    case TERMKEY_SYM_LEFT:
        return SYM_LEFT;
    case TERMKEY_SYM_RIGHT:
        return SYM_RIGHT;
    case TERMKEY_SYM_FIND:
    case TERMKEY_SYM_HOME:
        return SYM_HOME;
    case TERMKEY_SYM_SELECT:
    case TERMKEY_SYM_END:
        return SYM_END;
    case TERMKEY_SYM_INSERT:
        return SYM_INSERT;
    case TERMKEY_SYM_DELETE:
        return SYM_DELETE;
    case TERMKEY_SYM_PAGEUP:
        return SYM_PAGE_UP;
    case TERMKEY_SYM_PAGEDOWN:
        return SYM_PAGE_DOWN;
    case TERMKEY_SYM_KPPLUS:
        return '+';
    case TERMKEY_SYM_KPMINUS:
        return '-';
    case TERMKEY_SYM_KPMULT:
        return '*';
    case TERMKEY_SYM_KPDIV:
        return '/';
    case TERMKEY_SYM_KPCOMMA:
        return ',';
    case TERMKEY_SYM_KPPERIOD:
        return '.';
    case TERMKEY_SYM_KPEQUALS:
        return '=';
    default:
        return SYM_NONE;
    }
}

bool input_name(const TermKeyKey *from, struct key *key)
{
    memset(key, 0, sizeof *key);
    if (from->modifiers & TERMKEY_KEYMOD_ALT)
        key->modifiers |= MOD_ALT;
    if (from->modifiers & TERMKEY_KEYMOD_CTRL)
        key->modifiers |= MOD_CONTROL;
    if (from->type == TERMKEY_TYPE_UNICODE) {
        key->code = (uint32_t)from->code.codepoint;
        if (utf8_width(key->code) < 0)
            return false;
        if (key->modifiers & MOD_CONTROL && key->code >= 'A' && key->code <= 'Z')
            key->code += 'a' - 'A';
        /* Some terminals' backspace key. */
        if (key->modifiers == MOD_CONTROL && key->code == 'h')
            *key = (struct key){.code = SYM_BACKSPACE};
        return true;
    }
    if (from->modifiers & TERMKEY_KEYMOD_SHIFT)
        key->modifiers |= MOD_SHIFT;
    if (from->type == TERMKEY_TYPE_KEYSYM)
        key->code = symbol_of(from->code.sym);
    else if (from->type == TERMKEY_TYPE_FUNCTION && from->code.number >= 1 && from->code.number <= 12)
        key->code = (uint32_t)(SYM_F1 + from->code.number - 1);
    else
        return false;
    if (key->code < SYM_NONE)
        key->modifiers &= ~(unsigned)MOD_SHIFT;
    return key->code != SYM_NONE;
}
