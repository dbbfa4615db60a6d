/* room: execute */
/* Recovery of a step from whatever stands in its folder: nothing may crash or hang, an outcome is only ever
 * reported when the folder holds exactly that outcome, and "never started" only when nothing says that it
 * started.
 *
 * Input: a byte of choices, then about, fate, exit and exports, each behind a 16-bit length, then the spool.
 * Choices: 1 a supervisor lives; 2 exit is a record to be encoded, so that checksums don't end every search;
 * 4 the same for the frames of the spool; 8 about is the right one; 16 and 64 fate and exports are missing.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/execute/folder.h"
#include "engine/execute/record.h"
#include "engine/io/io.h"

#define KEY "r1-t1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
    char folder[64];
    char step[80];
    struct spool *spool;
    struct loop *loop;
} world;

static void world_end(void)
{
    folder_remove(world.folder, NULL);
}

static void world_begin(void)
{
    struct err e;
    snprintf(world.folder, sizeof world.folder, "%s/belay-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(world.folder))
        abort();
    atexit(world_end);
    snprintf(world.step, sizeof world.step, "%s/%s", world.folder, KEY);
    world.loop = loop_new(&e);
    world.spool = spool_open(world.folder, false, "/bin/true", &e);
    if (!world.loop || !world.spool)
        abort();
}

struct part {
    const uint8_t *bytes;
    size_t length;
};

static struct part part_take(const uint8_t **data, size_t *size)
{
    struct part p = {*data, 0};
    if (*size < 2)
        return p;
    size_t length = (size_t)(*data)[0] | (size_t)(*data)[1] << 8;
    *data += 2;
    *size -= 2;
    p.bytes = *data;
    p.length = length < *size ? length : *size;
    *data += p.length;
    *size -= p.length;
    return p;
}

static void put(const char *name, const void *bytes, size_t length)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.step, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (length && write(fd, bytes, length) != (ssize_t)length))
        abort();
    close(fd);
}

static int64_t number(const struct part *p, size_t index)
{
    int64_t value = 0;
    if (p->length >= 8 * (index + 1))
        memcpy(&value, p->bytes + 8 * index, 8);
    return value;
}

static void put_exit(const struct part *p, bool encode)
{
    uint8_t bytes[EXIT_RECORD_SIZE];
    if (!encode) {
        put(NAME_EXIT, p->bytes, p->length);
        return;
    }
    struct exit_record r = {
        .how = (enum exec_how)(number(p, 0) & 0xff),
        .status = (int)number(p, 1) & 0x1ff,
        .signal = (int)number(p, 2) & 0x7f,
        .started_wall_us = number(p, 3),
        .ended_wall_us = number(p, 4),
        .duration_us = number(p, 5),
        .stdout_bytes = number(p, 6),
        .stderr_bytes = number(p, 7),
        .dropped_bytes = number(p, 8),
    };
    if (r.how != EXEC_EXITED)
        r.status = -1;
    exit_encode(&r, KEY, bytes);
    put(NAME_EXIT, bytes, sizeof bytes);
}

static void put_spool(const struct part *p, bool seal)
{
    if (!seal) {
        put(NAME_SPOOL, p->bytes, p->length);
        return;
    }
    struct str frames = {0};
    uint8_t *frame = xmalloc(FRAME_MAX);
    for (size_t at = 0; at < p->length;) {
        size_t length = (size_t)p->bytes[at] + 1;
        length = length < p->length - at ? length : p->length - at;
        memcpy(frame + FRAME_HEAD, p->bytes + at, length);
        str_add_bytes(&frames, frame,
                      frame_seal(frame, p->bytes[at] & 1 ? EXEC_STDOUT : EXEC_STDERR, length));
        at += length;
    }
    put(NAME_SPOOL, frames.data, frames.len);
    free(frame);
    str_fini(&frames);
}

/* What the folder claims, judged here once more by other means. */
static void check(const struct spool_entry *entry, bool supervised)
{
    struct exit_record r;
    uint8_t bytes[EXIT_RECORD_SIZE], again[EXIT_RECORD_SIZE];
    int64_t wall_us;
    struct stat output;
    int dir = open(world.step, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum fate fate = fate_read(dir, &wall_us);
    if (entry->state == SPOOL_ENDED) {
        int fd = openat(dir, NAME_EXIT, O_RDONLY | O_CLOEXEC);
        assert(read(fd, bytes, sizeof bytes) == sizeof bytes);
        assert(exit_decode(bytes, sizeof bytes, KEY, &r));
        exit_encode(&r, KEY, again);
        assert(memcmp(bytes, again, sizeof bytes) == 0);
        assert(r.how == EXEC_NOT_STARTED || fate == FATE_STARTED);
        assert(entry->result.how == r.how && entry->result.status == r.status);
        close(fd);
    }
    if (entry->state == SPOOL_VOID || entry->state == SPOOL_ARMED)
        assert(fate != FATE_STARTED && (fstatat(dir, NAME_SPOOL, &output, 0) < 0 || output.st_size == 0));
    if (entry->state == SPOOL_LOST)
        assert(fate == FATE_STARTED && !supervised);
    if (entry->state == SPOOL_ARMED || entry->state == SPOOL_RUNNING)
        assert(supervised);
    assert(entry->state != SPOOL_ALONE);
    close(dir);
}

struct seen {
    size_t bytes;
    bool ended;
    struct exec_result result;
};

static void on_output(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    struct seen *seen = data;
    assert(stream == EXEC_STDOUT || stream == EXEC_STDERR);
    assert(length > 0 && length <= FRAME_PAYLOAD_MAX && !seen->ended);
    seen->bytes += length + ((unsigned char)bytes[length - 1] & 0); /* every byte is there to be read */
}

static void on_ended(void *data, const struct exec_result *result)
{
    struct seen *seen = data;
    assert(!seen->ended);
    seen->ended = true;
    seen->result = *result;
    for (size_t i = 0; result->exports && result->exports[i]; i++)
        assert(strlen(result->exports[i]) < 65536);
    seen->result.exports = NULL;
}

static int count(void *data, enum exec_stream stream, const char *bytes, size_t length)
{
    on_output(data, stream, bytes, length);
    return 0;
}

static void recover(const struct spool_entry *entry)
{
    static const struct execution_events events = {on_output, on_ended};
    struct seen seen = {0}, read = {0};
    struct err e;
    assert(spool_output(world.spool, KEY, count, &read, &e) == 0);
    struct execution *x = execution_adopt(world.spool, world.loop, KEY, &events, &seen, &e);
    assert((x == NULL) == (entry->state == SPOOL_UNREADABLE));
    if (!x)
        return;
    for (int turn = 0; turn < 10 && !seen.ended; turn++)
        loop_run_once(world.loop, 0);
    /* A void step is left alone until its supervisor has seen that. */
    bool final = entry->state != SPOOL_ARMED && entry->state != SPOOL_RUNNING &&
                 !(entry->state == SPOOL_VOID && entry->supervised);
    assert(seen.ended == final);
    if (final) {
        assert(seen.result.how == entry->result.how);
        assert(seen.bytes == read.bytes);
        assert(seen.result.missing_bytes >= 0);
    }
    execution_free(x);
    assert((execution_forget(world.spool, KEY, &e) == 0) == final);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct spool_entry entry;
    struct err e;
    if (!world.loop)
        world_begin();
    if (size < 1)
        return 0;
    uint8_t choices = *data++;
    size--;
    struct part about = part_take(&data, &size), fate = part_take(&data, &size),
                outcome = part_take(&data, &size), exports = part_take(&data, &size), spool = {data, size};
    if (mkdir(world.step, 0700) < 0)
        abort();
    struct about right = {.key = KEY, .limit_bytes = 1000, .armed_wall_us = 1};
    struct str text = {0};
    about_encode(&right, &text);
    put(NAME_ABOUT, choices & 8 ? (const void *)text.data : about.bytes,
        choices & 8 ? text.len : about.length);
    str_fini(&text);
    if (!(choices & 16))
        put(NAME_FATE, fate.bytes, fate.length);
    put_exit(&outcome, choices & 2);
    if (!(choices & 64))
        put(NAME_EXPORTS, exports.bytes, exports.length);
    put_spool(&spool, choices & 4);
    put(NAME_SUPERVISOR_LOCK, "", 0);
    put(NAME_CHILD_LOCK, "", 0);
    bool supervised = choices & 1;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.step, NAME_SUPERVISOR_LOCK);
    int lock = supervised ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (lock >= 0)
        flock(lock, LOCK_EX | LOCK_NB);
    assert(spool_find(world.spool, KEY, &entry, &e) == 0);
    check(&entry, supervised);
    recover(&entry);
    if (lock >= 0)
        close(lock);
    folder_remove(world.step, NULL);
    for (int turn = 0; turn < 2; turn++)
        loop_run_once(world.loop, 0); /* what was freed is closed in the next turn */
    return 0;
}
