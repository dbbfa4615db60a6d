/* What steps print, as far as it is kept for whoever watches: cleaned, the newest of it. It is cleaned when
 * somebody looks, at the pace of frames: a step may print faster than that. */
#include "engine/walk.h"

#include <stdarg.h>
#include <stdlib.h>

#define CHARACTER_MAX 4 /* bytes */

struct step_output {
    int step;
    struct str raw; /* whole characters that came since somebody looked, the newest of them */
    struct str text;
    uint64_t total; /* bytes that were ever added to text, and those of raw that were left out */
    struct {
        char bytes[CHARACTER_MAX];
        size_t length;
    } split[3]; /* the beginning of a character whose rest has not come yet, of each stream */
};

static struct step_output *output_find(const struct walk *w, int step)
{
    for (size_t i = 0; i < w->outputs.len; i++)
        if (w->outputs.data[i]->step == step)
            return w->outputs.data[i];
    return NULL;
}

static struct step_output *output_of(struct walk *w, int step)
{
    struct step_output *o = output_find(w, step);
    if (!o) {
        o = xcalloc(1, sizeof *o);
        o->step = step;
        *vec_push(&w->outputs) = o;
    }
    return o;
}

/* Twice the room, so that little is moved. The number of bytes that were let go. */
static size_t keep_newest(struct str *text)
{
    size_t cut = text->len > 2 * ENGINE_OUTPUT_BYTES ? text->len - ENGINE_OUTPUT_BYTES : 0;
    while (cut > 0 && cut < text->len && ((unsigned char)text->data[cut] & 0xC0) == 0x80)
        cut++;
    if (cut > 0)
        str_remove_front(text, cut);
    return cut;
}

static void kept(struct step_output *o, size_t before)
{
    o->total += o->text.len - before;
    keep_newest(&o->text);
}

static void clean(struct step_output *o)
{
    size_t before = o->text.len;
    utf8_clean(&o->text, str_text(&o->raw), o->raw.len, true);
    str_clear(&o->raw);
    kept(o, before);
}

/* Bytes at the end that begin a character and don't complete it. */
static size_t unfinished(const char *bytes, size_t length)
{
    for (size_t back = 1; back < CHARACTER_MAX && back <= length; back++) {
        unsigned char byte = (unsigned char)bytes[length - back];
        if ((byte & 0xC0) == 0x80)
            continue;
        size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return whole > back ? back : 0;
    }
    return 0;
}

static void str_cut(struct str *text, size_t length)
{
    if (text->data)
        text->data[text->len = length] = '\0';
}

void output_add(struct walk *w, int step, enum exec_stream stream, const char *bytes, size_t length)
{
    struct step_output *o = output_of(w, step);
    size_t take = length < ENGINE_OUTPUT_BYTES ? length : ENGINE_OUTPUT_BYTES;
    str_add_bytes(&o->raw, o->split[stream].bytes, o->split[stream].length);
    str_add_bytes(&o->raw, bytes + (length - take), take);
    size_t rest = unfinished(str_text(&o->raw), o->raw.len);
    memcpy(o->split[stream].bytes, str_text(&o->raw) + o->raw.len - rest, rest);
    o->split[stream].length = rest;
    str_cut(&o->raw, o->raw.len - rest);
    o->total += length - take + keep_newest(&o->raw);
    engine_changed(w->engine, ENGINE_OUTPUT);
}

void output_say(struct walk *w, int step, const char *format, ...)
{
    struct step_output *o = output_of(w, step);
    clean(o);
    size_t before = o->text.len;
    va_list args;
    va_start(args, format);
    str_add(&o->text, o->text.len > 0 && o->text.data[o->text.len - 1] != '\n' ? "\n[belay: " : "[belay: ");
    str_addv(&o->text, format, args);
    str_add(&o->text, "]\n");
    va_end(args);
    kept(o, before);
    engine_changed(w->engine, ENGINE_OUTPUT);
}

void output_clear(struct walk *w, int step)
{
    struct step_output *o = output_of(w, step);
    str_clear(&o->text);
    str_clear(&o->raw);
    memset(o->split, 0, sizeof o->split);
}

void outputs_free(struct walk *w)
{
    for (size_t i = 0; i < w->outputs.len; i++) {
        str_fini(&w->outputs.data[i]->text);
        str_fini(&w->outputs.data[i]->raw);
        free(w->outputs.data[i]);
    }
    vec_fini(&w->outputs);
}

/* ---- views ---- */

static const struct step_output *output_look(const struct engine *engine, int64_t run, int step)
{
    const struct walk *w = walk_find(engine, run);
    struct step_output *o = w ? output_find(w, step) : NULL;
    if (o && o->raw.len > 0)
        clean(o);
    return o;
}

const char *engine_step_output(const struct engine *engine, int64_t run, int step)
{
    const struct step_output *o = output_look(engine, run, step);
    return o ? str_text(&o->text) : "";
}

uint64_t engine_step_output_total(const struct engine *engine, int64_t run, int step)
{
    const struct step_output *o = output_look(engine, run, step);
    return o ? o->total : 0;
}
