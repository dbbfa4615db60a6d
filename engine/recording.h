/* What a step on a terminal showed, as asciicast v2 (https://docs.asciinema.org/manual/asciicast/v2/): a
 * header line, then one event a line: what the program wrote and when, and changes of the window's size. What
 * the person typed is not in it, except where the program echoed it: passwords are typed. Pure: bytes in,
 * lines out. */
#ifndef BELAY_ENGINE_RECORDING_H
#define BELAY_ENGINE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"

#define RECORDING_BYTES (32u << 20) /* of lines; then a marker says that it ends, and the program goes on */

struct recording {
    int64_t start_us;
    struct str lines; /* not yet taken */
    size_t total, limit;
    char split[4]; /* the beginning of a character whose rest has not come yet */
    size_t split_length;
    int64_t dropped; /* bytes of the program that came after the limit */
    bool full;
};

struct recording_head {
    int width, height;
    int64_t wall_us;
    const char *title, *term, *shell; /* any may be NULL */
};

/* limit 0: RECORDING_BYTES. */
void recording_begin(struct recording *r, const struct recording_head *head, size_t limit, int64_t now_us);
void recording_output(struct recording *r, const char *bytes, size_t length, int64_t now_us);
void recording_resize(struct recording *r, int width, int height, int64_t now_us);
/* Nothing more comes: what is held of a character is written as what it is. */
void recording_end(struct recording *r, int64_t now_us);
void recording_fini(struct recording *r);

#endif
