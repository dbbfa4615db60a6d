#define SYSLOG_NAMES
#include "engine/serve/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define SEND_LIMIT_US  (10 * US_PER_S)
#define RETRY_US       (5 * US_PER_S)
#define CLOSE_LIMIT_US (2 * US_PER_S)

struct mirror {
    struct loop *loop;
    struct journal *journal;
    const struct config *config;
    int facility;              /* -1: a command */
    struct str queue, sending; /* lines; what is under way */
    uint64_t dropped;          /* lines, since the mirror failed */
    struct loop_timer *timer;
    struct process *process;
    bool busy, failing, closing;
    struct err why;
};

static int facility_find(const char *name)
{
    for (const CODE *code = facilitynames; code->c_name; code++)
        if (str_eq(code->c_name, name))
            return code->c_val;
    return -1;
}

/* ---- telling the journal ---------------------------------------------------------------------------------
 */

static void mirror_tell(struct mirror *m, bool failing, const char *why)
{
    if (m->failing == failing)
        return;
    m->failing = failing;
    char *summary = failing ? xasprintf("events no longer reach the mirror: %s", why)
                            : xasprintf("events reach the mirror again, %llu lines were not sent",
                                        (unsigned long long)m->dropped);
    struct event_draft draft = {.kind = failing ? EVENT_MIRROR_FAILED : EVENT_MIRROR_RECOVERED,
                                .actor = "belay",
                                .subject = "mirror",
                                .summary = summary};
    journal_append(m->journal, &draft, NULL, NULL, NULL);
    free(summary);
    m->dropped = 0;
}

static void batch_end(struct mirror *m, const char *why)
{
    m->busy = false;
    if (m->closing) {
        str_clear(&m->sending);
        return;
    }
    if (why) {
        str_add_bytes(&m->sending, str_text(&m->queue), m->queue.len);
        struct str whole = m->sending;
        m->sending = m->queue;
        m->queue = whole;
    }
    str_clear(&m->sending);
    mirror_tell(m, why != NULL, why);
    if (m->queue.len > 0)
        loop_timer_start(m->timer, why ? RETRY_US : MIRROR_BATCH_US, 0);
}

/* ---- syslog, in the pool ----------------------------------------------------------------------------------
 */

static int syslog_connect(struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    struct timeval limit = {.tv_sec = 2};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(e, "syslog");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        err_errno(e, "syslog at %s", _PATH_LOG);
        close(fd);
        return -1;
    }
    return fd;
}

static void syslog_work(void *data)
{
    struct mirror *m = data;
    m->why = (struct err){0};
    int fd = syslog_connect(&m->why);
    const char *line = str_text(&m->sending);
    while (fd >= 0 && *line && m->why.code == 0) {
        size_t length = strcspn(line, "\n");
        char *datagram =
            xasprintf("<%d>belay[%ld]: %.*s", m->facility | LOG_NOTICE, (long)getpid(), (int)length, line);
        if (send(fd, datagram, strlen(datagram), MSG_NOSIGNAL) < 0)
            err_errno(&m->why, "syslog at %s", _PATH_LOG);
        free(datagram);
        line += length + (line[length] == '\n');
    }
    if (fd >= 0)
        close(fd);
}

static void syslog_done(void *data)
{
    struct mirror *m = data;
    batch_end(m, m->why.code ? m->why.msg : NULL);
}

/* ---- a command
 * ---------------------------------------------------------------------------------------------- */

static void command_done(void *data, struct process_result *result)
{
    struct mirror *m = data;
    m->process = NULL;
    batch_end(m, result->error || result->exit_status != 0 ? result->reason : NULL);
}

/* ---- sending ----------------------------------------------------------------------------------------------
 */

static void batch_send(void *data)
{
    struct mirror *m = data;
    if (m->busy || m->queue.len == 0)
        return;
    struct str batch = m->queue;
    m->queue = m->sending;
    m->sending = batch;
    str_clear(&m->queue);
    m->busy = true;
    if (m->facility >= 0) {
        loop_work(m->loop, syslog_work, syslog_done, m);
        return;
    }
    struct process_request request = {
        .argv = m->config->mirror.command,
        .input = str_text(&m->sending),
        .input_length = m->sending.len,
        .timeout_us = SEND_LIMIT_US,
        .done = command_done,
        .data = m,
    };
    m->process = process_start(m->loop, &request);
}

struct mirror *mirror_new(struct loop *loop, struct journal *journal, const struct config *config,
                          struct err *e)
{
    struct mirror *m = xcalloc(1, sizeof *m);
    *m = (struct mirror){.loop = loop, .journal = journal, .config = config, .facility = -1};
    if (config->mirror.syslog && (m->facility = facility_find(config->mirror.syslog)) < 0) {
        err_set(e, ERR_RANGE, "mirror.syslog: there is no facility %s (local0 to local7, user, daemon ...)",
                config->mirror.syslog);
        free(m);
        return NULL;
    }
    m->timer = loop_timer_new(loop, batch_send, m);
    return m;
}

static void line_add(struct mirror *m, const struct str *line)
{
    if (m->queue.len + m->sending.len + line->len > MIRROR_QUEUE_BYTES) {
        m->dropped++;
        return;
    }
    str_add_bytes(&m->queue, str_text(line), line->len);
    str_add_char(&m->queue, '\n');
}

void mirror_events(struct mirror *m, const struct event *const *events, size_t count)
{
    struct str line = {0};
    for (size_t i = 0; i < count; i++) {
        str_clear(&line);
        event_json(events[i], &line);
        line_add(m, &line);
    }
    if (count > 0) {
        str_clear(&line);
        journal_head_line(journal_platform(m->journal), events[count - 1]->seq, events[count - 1]->hash,
                          &line);
        line_add(m, &line);
    }
    str_fini(&line);
    if (!m->busy && !loop_timer_active(m->timer))
        loop_timer_start(m->timer, m->failing ? RETRY_US : MIRROR_BATCH_US, 0);
}

void mirror_free(struct mirror *m)
{
    if (!m)
        return;
    m->closing = true;
    loop_timer_stop(m->timer);
    int64_t until = clock_monotonic_us() + CLOSE_LIMIT_US;
    for (int batch = 0; batch < 2; batch++) { /* the one under way, then what came after it */
        if (!m->failing)
            batch_send(m);
        while (m->busy && (m->facility >= 0 || clock_monotonic_us() < until))
            loop_run_once(m->loop, 100 * US_PER_MS);
    }
    process_cancel(m->process);
    loop_timer_free(m->timer);
    str_fini(&m->queue);
    str_fini(&m->sending);
    free(m);
}
