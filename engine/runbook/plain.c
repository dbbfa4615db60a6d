#include "engine/runbook/plain.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/runbook/block.h"

#define TITLE_LIMIT 120
#define SLUG_LIMIT  48

/* Elements that have the form of a placeholder. */
static const char *const elements[] = {
    "a",  "abbr", "b",     "br",   "code",   "del",    "details", "div",     "em",  "hr",
    "i",  "img",  "ins",   "kbd",  "li",     "mark",   "ol",      "p",       "pre", "q",
    "s",  "samp", "small", "span", "strike", "strong", "sub",     "summary", "sup", "table",
    "td", "th",   "tr",    "tt",   "u",      "ul",     "var",     "wbr"};

/* "Scale <replicas> up": HTML to CommonMark, a placeholder to whoever wrote it. */
static bool is_placeholder(const char *html)
{
    size_t length = 0;
    if (placeholder_next(html, html, &length) != html || length != strlen(html))
        return false;
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (strncasecmp(html + 1, elements[i], length - 2) == 0 && elements[i][length - 2] == '\0')
            return false;
    return true;
}

void plain_inline(struct str *out, cmark_node *block, bool addresses)
{
    cmark_iter *iter = cmark_iter_new(block);
    cmark_event_type event;
    while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(iter);
        const char *text;
        size_t length;
        switch (cmark_node_get_type(node)) {
        case CMARK_NODE_TEXT:
        case CMARK_NODE_CODE:
            text = cmark_node_get_literal(node);
            str_add(out, text ? text : "");
            break;
        case CMARK_NODE_HTML_INLINE:
            text = cmark_node_get_literal(node);
            str_add(out, text && is_placeholder(text) ? text : "");
            break;
        case CMARK_NODE_SOFTBREAK:
        case CMARK_NODE_LINEBREAK:
            str_add_char(out, ' ');
            break;
        case CMARK_NODE_LINK:
            text = event == CMARK_EVENT_EXIT && addresses ? cmark_node_get_url(node) : NULL;
            length = text ? strlen(text) : 0;
            if (length > 0 &&
                !(out->len >= length && memcmp(out->data + out->len - length, text, length) == 0))
                str_addf(out, " (%s)", text);
            break;
        default:
            break;
        }
    }
    cmark_iter_free(iter);
}

void plain_html(struct str *out, const char *html)
{
    while (*html) {
        const char *end = NULL;
        if (str_starts(html, "<!--"))
            end = strstr(html, "-->");
        if (end) {
            html = end + 3;
        } else if (*html == '<' && (isalpha((unsigned char)html[1]) || html[1] == '/' || html[1] == '!')) {
            html += strcspn(html, ">");
            html += *html == '>';
        } else {
            str_add_char(out, *html++);
        }
    }
    while (out->len > 0 && isspace((unsigned char)out->data[out->len - 1]))
        out->data[--out->len] = '\0';
}

static bool sentence_end(const char *c)
{
    return (*c == '.' || *c == '!' || *c == '?') && c[1] == ' ' && isupper((unsigned char)c[2]);
}

char *plain_title(const char *text)
{
    const char *begin = text;
    for (const char *c = text; *c; c++)
        if (sentence_end(c) || *c == '\n')
            begin = c[1] ? c + 1 : begin;
    while (isspace((unsigned char)*begin))
        begin++;
    size_t length = strlen(begin);
    if (length > TITLE_LIMIT) {
        length = TITLE_LIMIT;
        while (length > 0 && ((unsigned char)begin[length] & 0xc0) == 0x80)
            length--;
    }
    while (length > 0 && (isspace((unsigned char)begin[length - 1]) || begin[length - 1] == ':'))
        length--;
    char *title = xstrndup(begin, length);
    for (char *c = title; *c; c++)
        if (isspace((unsigned char)*c))
            *c = ' ';
    return title;
}

void plain_slug(const char *heading, char slug[static 49])
{
    size_t n = 0;
    for (; *heading && n < SLUG_LIMIT; heading++) {
        char c = *heading;
        if (isalnum((unsigned char)c))
            slug[n++] = (char)tolower((unsigned char)c);
        else if (n > 0 && slug[n - 1] != '-' && (c == ' ' || c == '-' || c == '_'))
            slug[n++] = '-';
    }
    while (n > 0 && slug[n - 1] == '-')
        n--;
    slug[n] = '\0';
    if (n == 0)
        strcpy(slug, "step");
}

/* ---- Prose ---- */

static void separate(struct prose *p, bool list)
{
    if (p->text.len > 0)
        str_add(&p->text, list && p->in_list ? "\n" : "\n\n");
    p->in_list = list;
}

void prose_heading(struct prose *p, const char *text)
{
    separate(p, false);
    p->heading = p->text.len;
    p->has_heading = true;
    str_add(&p->text, text);
}

void prose_paragraph(struct prose *p, const char *text, int depth, const char *mark)
{
    if (!*text)
        return;
    separate(p, depth > 0);
    int indent = depth > 8 ? 16 : depth > 1 ? 2 * (depth - 1) : 0;
    if (depth > 0 && !mark)
        indent += 2;
    str_addf(&p->text, "%*s%s%s%s", indent, "", mark ? mark : "", mark ? " " : "", text);
}

void prose_code(struct prose *p, const char *text)
{
    separate(p, false);
    while (*text) {
        size_t n = strcspn(text, "\n");
        str_add(&p->text, "    ");
        str_add_bytes(&p->text, text, n);
        text += n + (text[n] != '\0');
        if (*text)
            str_add_char(&p->text, '\n');
    }
}

char *prose_take(struct prose *p, bool drop_heading)
{
    if (p->has_heading && drop_heading) {
        char *rest = p->text.data + p->heading;
        size_t n = strcspn(rest, "\n");
        while (rest[n] == '\n')
            n++;
        memmove(rest, rest + n, strlen(rest + n) + 1);
        p->text.len = strlen(p->text.data);
        while (p->text.len > 0 && p->text.data[p->text.len - 1] == '\n')
            p->text.data[--p->text.len] = '\0';
    }
    p->has_heading = p->in_list = false;
    return str_take(&p->text);
}

void prose_fini(struct prose *p)
{
    str_fini(&p->text);
}
