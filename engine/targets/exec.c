/* belay exec: from the command line to the exit status. */
#include "engine/targets/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/targets/exec_drive.h"

char *exec_state_folder(void)
{
    char *state = folder_state(), *folder = path_join(state, "local");
    free(state);
    return folder;
}

/* Where a later attempt can follow any, input is kept. */
static bool keeps_input(const struct exec_plan *p)
{
    bool follows = p->tier_count > 1 || (p->policy.idempotent && p->policy.backoff.attempts > 1);
    for (size_t i = 0; i < p->tier_count; i++)
        follows |= p->tiers[i].provable && p->policy.backoff.attempts > 1;
    return follows;
}

static int exit_status(const struct exec_record *r)
{
    size_t made = r->made.len;
    switch (r->outcome) {
    case CHAIN_SERVED:
    case CHAIN_CACHED:
    case CHAIN_SKIPPED:
        return 0;
    case CHAIN_REFUSED:
    case CHAIN_REJECTED:
        return EXEC_STATUS_REFUSED;
    case CHAIN_TIMED_OUT:
        return EXEC_STATUS_TIMEOUT;
    case CHAIN_FAILED:
    case CHAIN_CANCELLED:
        break;
    }
    return made == 0 ? EXEC_STATUS_OWN : r->status;
}

static void report(const struct exec_request *q, const struct exec_record *r, int status)
{
    struct str line = {0};
    struct err e = {0};
    int fd = q->json_fd;
    if (!q->json)
        return;
    exec_record_json(r, &q->plan, status, &line);
    if (fd < 0)
        fd = open(q->json_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        err_errno(&e, "--json=%s", q->json_file);
    else if (file_write_all(fd, line.data, line.len, &e) < 0)
        err_prefix(&e, "--json: ");
    if (q->json_fd < 0 && fd >= 0)
        close(fd);
    if (e.code)
        exec_say(&q->plan, "%s", e.msg);
    str_fini(&line);
}

/* What goes to standard output: the winner's, or what stands in for it. */
static int answer(const struct exec_request *q, const struct exec_record *r, const struct str *cached,
                  struct exec_streams *io, struct err *e)
{
    const char *text = r->outcome == CHAIN_CACHED ? str_text(cached) : q->plan.refusal;
    if (r->outcome == CHAIN_SERVED)
        return exec_streams_flush(io, e);
    if (r->outcome != CHAIN_CACHED && r->outcome != CHAIN_REFUSED)
        return 0;
    size_t length = strlen(text);
    int code = exec_streams_write(io, STDOUT_FILENO, text, length, e);
    if (code == 0 && (length == 0 || text[length - 1] != '\n'))
        code = exec_streams_write(io, STDOUT_FILENO, "\n", 1, e);
    return code;
}

static int operation(struct exec_request *q, const struct exec_resolver *resolver)
{
    struct exec_streams io;
    struct exec_record record = {0};
    struct str cached = {0};
    struct err e = {0};
    bool has_cached = resolver && resolver->cached && resolver->cached(&q->plan, &cached);
    if (exec_streams_init(&io, keeps_input(&q->plan), q->spool_bytes, &e) < 0) {
        exec_say(&q->plan, "%s", e.msg);
        return EXEC_STATUS_OWN;
    }
    exec_drive(q, has_cached, &io, &record);
    if (q->plan.tiers[0].chain[0] && record.message.len > 0 &&
        !q->quiet) /* a chain's caller gets something lesser */
        exec_say(&q->plan, "%s", str_text(&record.message));
    int status = io.broken.code ? EXEC_STATUS_OWN : exit_status(&record);
    int died = record.outcome == CHAIN_CANCELLED ? io.called_off : 0;
    if (io.broken.code)
        e = io.broken;
    report(q, &record, died ? 128 + died : status);
    io.called_off = 0; /* it ended well all the same: what comes from now on is another signal */
    if (!e.code && !died && answer(q, &record, &cached, &io, &e) == ERR_CANCELLED) {
        died = io.called_off;
        e.code = 0;
    }
    if (e.code) {
        exec_say(&q->plan, "%s", e.msg);
        status = EXEC_STATUS_OWN;
    }
    if (died)
        exec_streams_die(&io, died);
    exec_streams_fini(&io);
    exec_record_fini(&record);
    str_fini(&cached);
    return status;
}

int exec_run(int argc, char **argv, const struct exec_resolver *resolver)
{
    struct exec_request q;
    struct err e = {0};
    int status = EXEC_STATUS_OWN;
    exec_streams_hold();
    if (exec_request_parse(&q, argc, argv, resolver, &e) < 0) {
        exec_say(NULL, "%s", e.msg);
    } else if (q.version) {
        status = puts("belay " BELAY_VERSION) < 0 || fflush(stdout) ? EXEC_STATUS_OWN : 0;
    } else {
        status = operation(&q, resolver);
    }
    exec_request_fini(&q);
    return status;
}
