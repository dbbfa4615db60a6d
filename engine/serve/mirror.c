#define SYSLOG_NAMES
#include "engine/serve/mirror.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define COMMAND_LIMIT_US (10 * US_PER_S)
#define SYSLOG_LIMIT_US  US_PER_S /* of a batch: it occupies a thread of the pool */
#define SYSLOG_LINE      8192     /* what daemons take at most; the rest of a line is cut off */
#define RETRY_BASE_MS    1000
#define RETRY_CAP_MS     30000
#define COOL_DOWN_MS     15000
#define COOL_DOWN_CAP_MS 60000
#define CLOSE_LIMIT_US   (2 * US_PER_S)

struct mirror {
    struct loop *loop;
    struct journal *journal;
    const struct config *config;
    int facility;     /* -1: a command */
    struct str queue; /* lines, those under way at the front */
    struct str batch; /* a copy of these */
    size_t sent;      /* bytes of the batch that have arrived; of the pool's thread while it is busy */
    uint64_t dropped; /* lines that found no room */
    int64_t last_good_us, last_try_us; /* wall; of a batch */
    uint64_t batches, failures;
    struct loop_timer *timer;
    struct process *process;
    struct kept kept; /* its breaker */
    struct rng rng;
    int64_t delay_ms;  /* before the next try, while it fails */
    unsigned in_a_row; /* failures */
    bool busy, failing, closing;
    char told[200];         /* why, while failing */
    struct err why;         /* of the last batch; code 0: it arrived */
    struct failure failure; /* the same, classified */
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
    snprintf(m->told, sizeof m->told, "%s", why);
    char *summary = failing ? xasprintf("events no longer reach the mirror: %s", why)
                            : xasprintf("events reach the mirror again, %llu lines were not sent",
                                        (unsigned long long)m->dropped);
    struct event_draft draft = {.kind = failing ? EVENT_MIRROR_FAILED : EVENT_MIRROR_RECOVERED,
                                .actor = "belay",
                                .subject = "mirror",
                                .summary = summary};
    journal_append(m->journal, &draft, NULL, NULL, NULL);
    free(summary);
    if (!failing)
        m->dropped = 0;
}

void mirror_status(const struct mirror *m, struct mirror_status *status)
{
    *status = (struct mirror_status){.kind = m->facility < 0 ? "command" : "syslog",
                                     .trouble = m->failing ? m->told : NULL,
                                     .last_good_us = m->last_good_us,
                                     .last_try_us = m->last_try_us,
                                     .batches = m->batches,
                                     .failures = m->failures,
                                     .waiting_bytes = m->queue.len,
                                     .dropped = m->dropped};
}

struct kept *mirror_kept(struct mirror *m)
{
    return &m->kept;
}

/* What its breaker is told, and how long it is left alone. */
static void lines_judge(struct mirror *m, bool failed)
{
    struct backoff series = backoff_default();
    series.base_ms = RETRY_BASE_MS;
    series.cap_ms = RETRY_CAP_MS;
    kept_end(&m->kept, failed ? &m->failure : NULL, 0, 0);
    m->delay_ms = failed ? backoff_delay_ms(&series, m->in_a_row, m->delay_ms, &m->rng) : 0;
    m->in_a_row = failed ? m->in_a_row + 1 : 0;
}

static void lines_end(struct mirror *m)
{
    bool failed = m->why.code != 0;
    lines_judge(m, failed);
    m->busy = false;
    m->last_try_us = clock_wall_us();
    if (failed)
        m->failures++;
    else {
        m->last_good_us = m->last_try_us;
        m->batches++;
    }
    str_remove_front(&m->queue, m->sent);
    if (m->closing)
        return;
    if (!failed && m->dropped > 0 && !m->failing)
        mirror_tell(m, true, "it takes less than is written");
    else
        mirror_tell(m, failed, m->why.msg);
    int64_t pause_us = failed                              ? m->delay_ms * US_PER_MS
                       : m->queue.len > MIRROR_BATCH_BYTES ? 0
                                                           : MIRROR_BATCH_US;
    if (m->queue.len > 0)
        loop_timer_start(m->timer, pause_us, 0);
}

/* ---- syslog, in the pool ----------------------------------------------------------------------------------
 */

static int syslog_connect(struct err *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = _PATH_LOG};
    struct timeval limit = {.tv_sec = SYSLOG_LIMIT_US / US_PER_S};
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

/* Cut between characters. */
static size_t line_cut(const char *line, size_t length)
{
    if (length <= SYSLOG_LINE)
        return length;
    length = SYSLOG_LINE;
    while (length > 0 && ((unsigned char)line[length] & 0xC0) == 0x80)
        length--;
    return length;
}

static void syslog_work(void *data)
{
    struct mirror *m = data;
    int64_t until = clock_monotonic_us() + SYSLOG_LIMIT_US;
    int fd = syslog_connect(&m->why);
    while (fd >= 0 && m->sent < m->batch.len && clock_monotonic_us() < until) {
        const char *line = m->batch.data + m->sent;
        size_t length = strcspn(line, "\n");
        char *datagram = xasprintf("<%d>belay[%ld]: %.*s", m->facility | LOG_NOTICE, (long)getpid(),
                                   (int)line_cut(line, length), line);
        bool arrived = send(fd, datagram, strlen(datagram), MSG_NOSIGNAL) >= 0;
        if (!arrived)
            err_errno(&m->why, "syslog at %s", _PATH_LOG);
        free(datagram);
        if (!arrived)
            break;
        m->sent += length + 1;
    }
    if (fd >= 0)
        close(fd);
}

static void syslog_done(void *data)
{
    struct mirror *m = data;
    failure_of_error(m->why.code, true, m->why.msg, &m->failure);
    lines_end(m);
}

/* ---- a command
 * ---------------------------------------------------------------------------------------------- */

static void command_done(void *data, struct process_result *result)
{
    struct mirror *m = data;
    m->process = NULL;
    failure_of_process(m->config->mirror.command, result, NULL, &m->failure);
    if (m->failure.class != FAILURE_NONE)
        err_set(&m->why, result->error ? result->error : ERR_IO, "%s: %s", m->config->mirror.command[0],
                result->reason);
    else
        m->sent = m->batch.len;
    lines_end(m);
}

/* ---- sending ----------------------------------------------------------------------------------------------
 */

/* Whole lines, as many as a batch may have, at least one. */
static size_t lines_length(const struct str *queue)
{
    if (queue->len <= MIRROR_BATCH_BYTES)
        return queue->len;
    const char *end = memrchr(queue->data, '\n', MIRROR_BATCH_BYTES);
    end = end ? end : memchr(queue->data, '\n', queue->len);
    return (size_t)(end - queue->data) + 1;
}

static void lines_send(void *data)
{
    struct mirror *m = data;
    if (m->busy || m->queue.len == 0)
        return;
    if (!kept_admit(&m->kept) && !m->closing) {
        int64_t wait_ms = kept_wait_ms(&m->kept);
        loop_timer_start(m->timer, (wait_ms > 0 ? wait_ms : RETRY_BASE_MS) * US_PER_MS, 0);
        return;
    }
    str_clear(&m->batch);
    str_add_bytes(&m->batch, m->queue.data, lines_length(&m->queue));
    m->sent = 0;
    m->why = (struct err){0};
    m->busy = true;
    if (m->facility >= 0) {
        loop_work(m->loop, syslog_work, syslog_done, m);
        return;
    }
    struct process_request request = {
        .argv = m->config->mirror.command,
        .input = m->batch.data,
        .input_length = m->batch.len,
        .timeout_us = COMMAND_LIMIT_US,
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
    m->timer = loop_timer_new(loop, lines_send, m);
    struct breaker_rules rules = breaker_rules_default();
    rules.cool_down_ms = COOL_DOWN_MS;
    rules.cool_down_cap_ms = COOL_DOWN_CAP_MS;
    rules.multiplier_milli = 2000;
    kept_init(&m->kept, "mirror", "mirror", &rules);
    rng_seed(&m->rng, rng_entropy());
    return m;
}

static void line_add(struct mirror *m, const struct str *line)
{
    if (m->queue.len + line->len > MIRROR_QUEUE_BYTES) {
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
        loop_timer_start(m->timer, m->delay_ms > 0 ? m->delay_ms * US_PER_MS : MIRROR_BATCH_US, 0);
}

int mirror_close(struct mirror *m, struct err *e)
{
    if (!m)
        return 0;
    m->closing = true;
    loop_timer_stop(m->timer);
    int64_t until = clock_monotonic_us() + CLOSE_LIMIT_US;
    do {
        if (!m->failing && m->why.code == 0)
            lines_send(m);
        while (m->busy && (m->facility >= 0 || clock_monotonic_us() < until))
            loop_run_once(m->loop, 100 * US_PER_MS);
    } while (m->queue.len > 0 && m->why.code == 0 && !m->busy && clock_monotonic_us() < until);
    process_cancel(m->process);
    int code = 0;
    if (m->queue.len > 0 || m->dropped > 0)
        code = err_set(e, ERR_IO, "not everything reached the mirror: %s",
                       m->why.code ? m->why.msg : "it has not taken it in time");
    loop_timer_free(m->timer);
    str_fini(&m->queue);
    str_fini(&m->batch);
    kept_fini(&m->kept);
    free(m);
    return code;
}
