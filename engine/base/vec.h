/* A growing array of any type:  VEC(struct step) steps = {0};  *vec_push(&steps) = step;
 * for (size_t i = 0; i < steps.len; i++) steps.data[i]...;  vec_fini(&steps); */
#ifndef BELAY_BASE_VEC_H
#define BELAY_BASE_VEC_H

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"

#define VEC(type)                                                                                            \
    struct {                                                                                                 \
        type *data;                                                                                          \
        size_t len;                                                                                          \
        size_t cap;                                                                                          \
    }

/* A pointer to a new element, all bytes zero. Pointers into the vector are void after it. */
#define vec_push(v)                                                                                          \
    ((v)->data = vec_grow((v)->data, &(v)->cap, (v)->len + 1, sizeof *(v)->data),                            \
     memset(&(v)->data[(v)->len], 0, sizeof *(v)->data), &(v)->data[(v)->len++])

#define vec_remove(v, index)                                                                                 \
    (memmove(&(v)->data[index], &(v)->data[(index) + 1], ((v)->len - (index)-1) * sizeof *(v)->data),        \
     (v)->len--)

#define vec_fini(v) (free((v)->data), (v)->data = NULL, (v)->len = (v)->cap = 0)

void *vec_grow(void *data, size_t *cap, size_t wanted, size_t element_size);

#endif
