/* What only the files of this room may see: the libuv loop under struct loop. */
#ifndef BELAY_IO_UV_H
#define BELAY_IO_UV_H

#include <uv.h>

#include "engine/io/loop.h"

uv_loop_t *loop_uv(struct loop *l);

#endif
