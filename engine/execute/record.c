#include "engine/execute/record.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/base.h"

bool key_valid(const char *key)
{
    size_t length = strlen(key);
    if (length == 0 || length > EXEC_KEY_MAX || !isalnum((unsigned char)key[0]))
        return false;
    return strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
}

/* ---- about ---- */

void about_encode(const struct about *a, struct str *out)
{
    str_addf(out, "belay-spool %d\nkey %s\nlimit %" PRId64 "\narmed %" PRId64 "\nend\n", SPOOL_VERSION,
             a->key, a->limit_bytes, a->armed_wall_us);
}

int about_decode(const char *bytes, size_t length, struct about *a, struct err *e)
{
    char text[512];
    long version = 0;
    int used = 0;
    memset(a, 0, sizeof *a);
    if (length >= sizeof text || memchr(bytes, '\0', length))
        return err_set(e, ERR_CORRUPT, "%s is damaged", NAME_ABOUT);
    memcpy(text, bytes, length);
    text[length] = '\0';
    if (sscanf(text, "belay-spool %9ld%n", &version, &used) != 1 || text[used] != '\n')
        return err_set(e, ERR_CORRUPT, "%s is damaged", NAME_ABOUT);
    if (version != SPOOL_VERSION)
        return err_set(e, ERR_UNSUPPORTED, "made by another belay: spool version %ld, this one knows %d",
                       version, SPOOL_VERSION);
    used = 0;
    if (sscanf(text,
               "belay-spool %*d\nkey %100[A-Za-z0-9._-]\nlimit %18" SCNd64 "\narmed %18" SCNd64 "\nend%n",
               a->key, &a->limit_bytes, &a->armed_wall_us, &used) != 3 ||
        used == 0 || strcmp(text + used, "\n") != 0 || !key_valid(a->key) || a->limit_bytes < 0)
        return err_set(e, ERR_CORRUPT, "%s is damaged", NAME_ABOUT);
    return 0;
}

/* ---- fate ---- */

static const char fate_started[] = "started ", fate_void[] = "void ";

/* The time behind the word; false unless it is digits and a newline to the end. */
static bool fate_time(const char *bytes, size_t length, int64_t *wall_us)
{
    int64_t value = 0;
    if (length < 2 || length > 19 || bytes[length - 1] != '\n')
        return false;
    for (size_t i = 0; i + 1 < length; i++) {
        if (!isdigit((unsigned char)bytes[i]))
            return false;
        value = value * 10 + (bytes[i] - '0');
    }
    *wall_us = value;
    return true;
}

enum fate fate_decode(const char *bytes, size_t length, int64_t *wall_us)
{
    size_t word = sizeof fate_void - 1;
    *wall_us = 0;
    if (length == 0)
        return FATE_EMPTY;
    if (length > word && memcmp(bytes, fate_void, word) == 0 &&
        fate_time(bytes + word, length - word, wall_us))
        return FATE_VOID;
    word = sizeof fate_started - 1;
    if (length > word && memcmp(bytes, fate_started, word) == 0)
        fate_time(bytes + word, length - word, wall_us);
    return FATE_STARTED;
}

/* At most size bytes from the beginning of a regular file; -1 and errno otherwise. */
static ssize_t head_read(int folder, const char *name, void *bytes, size_t size)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    size_t got = 0;
    ssize_t n = 0;
    while (got < size) {
        n = pread(fd, (char *)bytes + got, size - got, (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    int number = errno;
    close(fd);
    errno = number;
    return n < 0 ? -1 : (ssize_t)got;
}

enum fate fate_read(int folder, int64_t *wall_us)
{
    char text[64];
    *wall_us = 0;
    ssize_t got = head_read(folder, NAME_FATE, text, sizeof text);
    if (got < 0)
        return errno == ENOENT ? FATE_NONE : FATE_STARTED;
    return fate_decode(text, (size_t)got, wall_us);
}

int fate_decide(int folder, enum fate fate, int64_t wall_us, mode_t mode, struct err *e)
{
    char text[64];
    int fd = openat(folder, NAME_FATE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_errno(e, "cannot decide the step's fate");
    int length = snprintf(text, sizeof text, "%s%" PRId64 "\n",
                          fate == FATE_STARTED ? fate_started : fate_void, wall_us > 0 ? wall_us : 0);
    int code = fchmod(fd, mode) < 0 ? err_errno(e, "cannot set the mode of %s", NAME_FATE) : 0;
    if (code == 0)
        code = file_write_all(fd, text, (size_t)length, e);
    if (code == 0 && (fsync(fd) < 0 || fsync(folder) < 0))
        code = err_errno(e, "cannot bring the step's fate to the disk");
    /* Nothing follows a fate that failed: empty says so, a torn "started" would have to be believed. */
    if (code < 0 && ftruncate(fd, 0) < 0)
        err_prefix(e, "(nor take it back) ");
    int number = errno;
    close(fd);
    errno = number;
    return code;
}

/* ---- exit ---- */

/* The record as it lies on the disk: this machine's byte order, for the spool never leaves it. */
struct exit_image {
    char magic[8];
    int64_t started_wall_us, ended_wall_us, duration_us;
    int64_t stdout_bytes, stderr_bytes, dropped_bytes;
    int32_t how, status, signal, error;
    uint8_t survivors, exports_cut;
    char text[160];
    uint8_t reserved[EXIT_RECORD_SIZE - 8 - 48 - 16 - 2 - 160 - 8 - 6];
    uint8_t padding[6];
    uint64_t checksum;
};
_Static_assert(sizeof(struct exit_image) == EXIT_RECORD_SIZE, "the record has no holes and one size");

static const char exit_magic[8] = "belayex1";

/* The key goes into the checksum: a record copied from another folder is none. */
static uint64_t exit_checksum(const struct exit_image *image, const char *key)
{
    uint8_t bytes[offsetof(struct exit_image, checksum) + EXEC_KEY_MAX] = {0};
    memcpy(bytes, image, offsetof(struct exit_image, checksum));
    memcpy(bytes + offsetof(struct exit_image, checksum), key, strnlen(key, EXEC_KEY_MAX));
    return checksum64(bytes, sizeof bytes);
}

void exit_encode(const struct exit_record *r, const char *key, uint8_t bytes[static EXIT_RECORD_SIZE])
{
    struct exit_image image = {
        .started_wall_us = r->started_wall_us,
        .ended_wall_us = r->ended_wall_us,
        .duration_us = r->duration_us,
        .stdout_bytes = r->stdout_bytes,
        .stderr_bytes = r->stderr_bytes,
        .dropped_bytes = r->dropped_bytes,
        .how = (int32_t)r->how,
        .status = r->status,
        .signal = r->signal,
        .error = r->error,
        .survivors = r->survivors,
        .exports_cut = r->exports_cut,
    };
    memcpy(image.magic, exit_magic, sizeof image.magic);
    memcpy(image.text, r->text, strnlen(r->text, sizeof image.text - 1));
    image.checksum = exit_checksum(&image, key);
    memcpy(bytes, &image, sizeof image);
}

static bool exit_plausible(const struct exit_image *image)
{
    if (image->how < 0 || image->how > EXEC_HUNG_UP || image->how == EXEC_VOID || image->how == EXEC_LOST)
        return false;
    if (image->status < -1 || image->status > 255 || image->signal < 0 || image->signal > 64)
        return false;
    if (image->how == EXEC_EXITED && (image->status < 0 || image->signal != 0))
        return false;
    if (image->how == EXEC_SIGNALLED && (image->status >= 0 || image->signal == 0))
        return false;
    if (image->how == EXEC_NOT_STARTED && (image->status >= 0 || image->signal != 0))
        return false;
    if (image->survivors > 1 || image->exports_cut > 1 || image->text[sizeof image->text - 1] != '\0')
        return false;
    const int64_t most = INT64_MAX / 4; /* sums of them stay numbers */
    const int64_t counts[] = {image->duration_us,   image->stdout_bytes,    image->stderr_bytes,
                              image->dropped_bytes, image->started_wall_us, image->ended_wall_us};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i] < 0 || counts[i] > most)
            return false;
    return image->dropped_bytes <= image->stdout_bytes + image->stderr_bytes;
}

bool exit_decode(const uint8_t *bytes, size_t length, const char *key, struct exit_record *r)
{
    struct exit_image image;
    if (length != sizeof image)
        return false;
    memcpy(&image, bytes, sizeof image);
    if (memcmp(image.magic, exit_magic, sizeof image.magic) != 0 ||
        image.checksum != exit_checksum(&image, key) || !exit_plausible(&image))
        return false;
    *r = (struct exit_record){
        .how = (enum exec_how)image.how,
        .status = image.status,
        .signal = image.signal,
        .error = image.error,
        .started_wall_us = image.started_wall_us,
        .ended_wall_us = image.ended_wall_us,
        .duration_us = image.duration_us,
        .stdout_bytes = image.stdout_bytes,
        .stderr_bytes = image.stderr_bytes,
        .dropped_bytes = image.dropped_bytes,
        .survivors = image.survivors,
        .exports_cut = image.exports_cut,
    };
    memcpy(r->text, image.text, sizeof r->text);
    return true;
}

bool exit_read(int folder, const char *key, struct exit_record *r)
{
    uint8_t bytes[EXIT_RECORD_SIZE + 1]; /* one more: a longer file is not ours */
    ssize_t got = head_read(folder, NAME_EXIT, bytes, sizeof bytes);
    return got == EXIT_RECORD_SIZE && exit_decode(bytes, EXIT_RECORD_SIZE, key, r);
}

int exit_write(int fd, const struct exit_record *r, const char *key, struct err *e)
{
    uint8_t bytes[EXIT_RECORD_SIZE];
    exit_encode(r, key, bytes);
    size_t done = 0;
    while (done < sizeof bytes) {
        ssize_t put = pwrite(fd, bytes + done, sizeof bytes - done, (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_errno(e, "cannot write the outcome");
        done += (size_t)put;
    }
    return fdatasync(fd) < 0 ? err_errno(e, "cannot bring the outcome to the disk") : 0;
}
