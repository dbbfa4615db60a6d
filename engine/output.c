/* What steps print, as far as it is kept for whoever watches: cleaned, the newest of it. */
#include "engine/walk.h"

#include <stdarg.h>
#include <stdlib.h>

#define CHARACTER_MAX 4 /* bytes */

struct step_output {
    int step;
    struct str text;
    uint64_t total; /* bytes that were ever added to text */
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

static void kept(struct walk *w, struct step_output *o, size_t before)
{
    o->total += o->text.len - before;
    if (o->text.len > 2 * ENGINE_OUTPUT_BYTES) {
        size_t cut = o->text.len - ENGINE_OUTPUT_BYTES;
        while (cut < o->text.len && ((unsigned char)o->text.data[cut] & 0xC0) == 0x80)
            cut++;
        str_remove_front(&o->text, cut);
    }
    engine_changed(w->engine, ENGINE_OUTPUT);
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

void output_add(struct walk *w, int step, enum exec_stream stream, const char *bytes, size_t length)
{
    struct step_output *o = output_of(w, step);
    size_t before = o->text.len;
    struct str all = {0};
    str_add_bytes(&all, o->split[stream].bytes, o->split[stream].length);
    size_t take = length < ENGINE_OUTPUT_BYTES ? length : ENGINE_OUTPUT_BYTES;
    str_add_bytes(&all, bytes + (length - take), take);
    size_t rest = unfinished(str_text(&all), all.len);
    memcpy(o->split[stream].bytes, str_text(&all) + all.len - rest, rest);
    o->split[stream].length = rest;
    utf8_clean(&o->text, str_text(&all), all.len - rest, true);
    str_fini(&all);
    kept(w, o, before);
}

void output_say(struct walk *w, int step, const char *format, ...)
{
    struct step_output *o = output_of(w, step);
    size_t before = o->text.len;
    va_list args;
    va_start(args, format);
    str_add(&o->text, o->text.len > 0 && o->text.data[o->text.len - 1] != '\n' ? "\n[belay: " : "[belay: ");
    str_addv(&o->text, format, args);
    str_add(&o->text, "]\n");
    va_end(args);
    kept(w, o, before);
}

void output_clear(struct walk *w, int step)
{
    struct step_output *o = output_of(w, step);
    str_clear(&o->text);
    memset(o->split, 0, sizeof o->split);
}

void outputs_free(struct walk *w)
{
    for (size_t i = 0; i < w->outputs.len; i++) {
        str_fini(&w->outputs.data[i]->text);
        free(w->outputs.data[i]);
    }
    vec_fini(&w->outputs);
}

/* ---- views ---- */

const char *engine_step_output(const struct engine *engine, int64_t run, int step)
{
    const struct walk *w = walk_find(engine, run);
    const struct step_output *o = w ? output_find(w, step) : NULL;
    return o ? str_text(&o->text) : "";
}

uint64_t engine_step_output_total(const struct engine *engine, int64_t run, int step)
{
    const struct walk *w = walk_find(engine, run);
    const struct step_output *o = w ? output_find(w, step) : NULL;
    return o ? o->total : 0;
}
