/* The frames of the spool file. */
#include <string.h>

#include "engine/base/base.h"
#include "engine/execute/record.h"

#define FRAME_MAGIC 0x31667362u /* "bsf1" */

struct frame_head {
    uint32_t magic;
    uint32_t length;
    uint32_t stream;
    uint32_t zero;
};
_Static_assert(sizeof(struct frame_head) == FRAME_HEAD, "a head has one size");

size_t frame_seal(uint8_t *frame, enum exec_stream stream, size_t length)
{
    struct frame_head head = {.magic = FRAME_MAGIC, .length = (uint32_t)length, .stream = (uint32_t)stream};
    memcpy(frame, &head, sizeof head);
    uint64_t checksum = checksum64(frame, FRAME_HEAD + length);
    memcpy(frame + FRAME_HEAD + length, &checksum, sizeof checksum);
    return FRAME_HEAD + length + FRAME_TAIL;
}

ssize_t frame_open(const uint8_t *bytes, size_t length, enum exec_stream *stream, size_t *payload)
{
    struct frame_head head;
    if (length < FRAME_HEAD)
        return 0;
    memcpy(&head, bytes, sizeof head);
    if (head.magic != FRAME_MAGIC || head.length == 0 || head.length > FRAME_PAYLOAD_MAX || head.zero != 0 ||
        (head.stream != EXEC_STDOUT && head.stream != EXEC_STDERR))
        return -1;
    size_t size = FRAME_HEAD + head.length + FRAME_TAIL;
    if (length < size)
        return 0;
    uint64_t checksum;
    memcpy(&checksum, bytes + FRAME_HEAD + head.length, sizeof checksum);
    if (checksum != checksum64(bytes, FRAME_HEAD + head.length))
        return -1;
    *stream = (enum exec_stream)head.stream;
    *payload = head.length;
    return (ssize_t)size;
}
