/* The loop and what hangs on it: timers, descriptors, signals, work in the pool, HTTP, Redis, short-lived
 * processes, and the guard of SQLite files. Everything that waits for the world waits here, on one thread
 * that never blocks; callbacks run on that thread, never inside the call that started them. */
#ifndef BELAY_IO_IO_H
#define BELAY_IO_IO_H

#include "engine/io/http.h"
#include "engine/io/loop.h"
#include "engine/io/process.h"
#include "engine/io/redis.h"
#include "engine/io/secrets.h"
#include "engine/io/sqlite.h"

#endif
