/* Approvals, long after: is each signature in the journal good, and about what was approved? */
#include "engine/engine.h"
#include "engine/signature.h"

#include <stdio.h>
#include <stdlib.h>

struct audit {
    struct loop *loop;
    const char *approvers;
    struct engine_approvals *found;
    VEC(struct event *) given;
    bool checked;
    int code;
    char *signer;
};

static int audit_event(const struct event *event, void *data)
{
    struct audit *a = data;
    *vec_push(&a->given) = event_copy(event);
    return 0;
}

static void on_checked(void *context, int code, const struct signer *signer)
{
    struct audit *a = context;
    a->checked = true;
    a->code = code;
    free(a->signer);
    a->signer = code ? xstrdup(signer->reason) : xasprintf("%s %s", signer->principal, signer->fingerprint);
}

/* The signed text names the same step and command as the event does. */
static bool says_the_same(const struct event *event, const cJSON *data)
{
    char *wanted = xasprintf("\nrun %lld\nstep %s\ncommand %s\nat ", (long long)event->run,
                             json_string(data, "step", ""), json_string(data, "digest", ""));
    bool same = strstr(json_string(data, "text", ""), wanted) != NULL;
    free(wanted);
    return same;
}

static void audit_one(struct audit *a, const struct event *event)
{
    cJSON *data = json_parse(event->data, strlen(event->data), NULL);
    const char *signature = json_string(data, "signature", NULL), *step = json_string(data, "step", "");
    a->found->count++;
    a->checked = false;
    if (!signature || !a->approvers) {
        a->found->unchecked++;
        str_addf(&a->found->report, "approval of run %lld %s by %s: %s\n", (long long)event->run, step,
                 json_string(data, "by", ""),
                 signature ? "signed, not checked (approvers: is not set)" : "unsigned");
    } else {
        signature_check(a->loop, a->approvers, signature, json_string(data, "text", ""), on_checked, a);
        while (!a->checked)
            loop_run_once(a->loop, US_PER_S);
        bool good = a->code == 0 && says_the_same(event, data);
        a->found->bad += !good;
        str_addf(&a->found->report, "approval of run %lld %s: %s%s\n", (long long)event->run, step,
                 good           ? "signed by "
                 : a->code == 0 ? "NOT GOOD: the signed text is about something else, signed by "
                                : "NOT GOOD: ",
                 a->signer);
    }
    cJSON_Delete(data);
}

int engine_approvals_check(struct loop *loop, struct journal *journal, const struct config *config,
                           struct engine_approvals *found, struct err *e)
{
    const enum event_kind kinds[] = {EVENT_APPROVAL_GIVEN};
    struct journal_filter filter = {.kinds = kinds, .kind_count = 1};
    struct audit a = {.loop = loop, .approvers = config->approvers, .found = found};
    int code = journal_read(journal, 1, JOURNAL_FORWARD, &filter, 0, audit_event, &a, e);
    for (size_t i = 0; i < a.given.len; i++) {
        if (code == 0)
            audit_one(&a, a.given.data[i]);
        free(a.given.data[i]);
    }
    vec_fini(&a.given);
    free(a.signer);
    return code;
}
