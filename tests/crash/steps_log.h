/* What a console would have in its journal: intents and outcomes, written ahead, in a file of lines. */
#ifndef BELAY_TESTS_CRASH_STEPS_LOG_H
#define BELAY_TESTS_CRASH_STEPS_LOG_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/base.h"

struct known {
    char key[32];
    bool intent, cancelled;
    int outcomes;
    int how; /* enum exec_how */
    int status;
    long out_bytes; /* that a driver saw; -1 when there is no outcome */
};

struct log {
    char *path;
    int fd;
    struct known *data;
    size_t len, cap;
};

static inline struct known *log_find(struct log *l, const char *key)
{
    for (size_t i = l->len; i-- > 0;)
        if (strcmp(l->data[i].key, key) == 0)
            return &l->data[i];
    l->data = vec_grow(l->data, &l->cap, l->len + 1, sizeof *l->data);
    memset(&l->data[l->len], 0, sizeof *l->data);
    struct known *k = &l->data[l->len++];
    snprintf(k->key, sizeof k->key, "%.31s", key);
    k->out_bytes = -1;
    return k;
}

static inline void log_apply(struct log *l, const char *line)
{
    char word[16], key[32];
    int how = -1, status = 0;
    long bytes = 0;
    if (sscanf(line, "%15s %31s %d %d %ld", word, key, &how, &status, &bytes) < 2)
        return;
    struct known *k = log_find(l, key);
    if (str_eq(word, "intent"))
        k->intent = true;
    if (str_eq(word, "cancel"))
        k->cancelled = true;
    if (str_eq(word, "outcome")) {
        k->outcomes++;
        k->how = how;
        k->status = status;
        k->out_bytes = bytes;
    }
}

static inline void log_open(struct log *l, const char *folder)
{
    struct str text = {0};
    *l = (struct log){.path = path_join(folder, "log")};
    l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (l->fd < 0 || file_read(l->path, 64 << 20, &text, NULL) < 0)
        abort();
    char *rest = text.data, *line;
    while ((line = strsep(&rest, "\n")) && rest) /* what has no newline was never finished */
        log_apply(l, line);
    str_fini(&text);
}

static inline void log_add(struct log *l, const char *line)
{
    char text[160];
    int length = snprintf(text, sizeof text, "%s\n", line);
    if (write(l->fd, text, (size_t)length) != length || fdatasync(l->fd) < 0)
        abort();
    log_apply(l, line);
}

#endif
