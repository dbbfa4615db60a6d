/* A small incident, journaled with fixed times, so that the chain and every export come out the same each
 * time. */
#ifndef BELAY_TESTS_TOLD_H
#define BELAY_TESTS_TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/postmortem/postmortem.h"

#define TOLD_START 1006390800000000LL /* 2001-11-22T01:00:00Z */

struct told {
    char *folder;
    struct journal *journal;
    int64_t now_us;
    const char *spice; /* put into every text; "" in the plain telling */
};

static inline void told_open(struct told *t, const char *spice)
{
    *t = (struct told){.folder = xstrdup("/tmp/belay-told-XXXXXX"), .now_us = TOLD_START, .spice = spice};
    assert_non_null(mkdtemp(t->folder));
    struct journal_options options = {.folder = t->folder, .platform = "rag-prod", .create = true};
    struct err e;
    t->journal = journal_open(&options, &e);
    if (!t->journal)
        fail_msg("%s", e.msg);
}

static inline void told_close(struct told *t)
{
    journal_close(t->journal);
    assert_int_equal(folder_remove(t->folder, NULL), 0);
    free(t->folder);
}

/* Fields of data as pairs of key and text; a text that begins with { or [ or a digit stands as it is. */
static inline char *told_data(const struct told *t, const char *const *pairs)
{
    struct str data = {0}, text = {0};
    str_add(&data, "{");
    for (size_t i = 0; pairs && pairs[i]; i += 2) {
        str_addf(&data, "%s\"%s\":", i ? "," : "", pairs[i]);
        str_clear(&text);
        str_addf(&text, "%s%s", pairs[i + 1], t->spice);
        if (pairs[i + 1][0] &&
            (strchr("{[", pairs[i + 1][0]) || (pairs[i + 1][0] >= '0' && pairs[i + 1][0] <= '9') ||
             str_eq(pairs[i + 1], "true") || str_eq(pairs[i + 1], "false")))
            str_add(&data, pairs[i + 1]);
        else
            json_quote(&data, str_text(&text));
    }
    str_add(&data, "}");
    str_fini(&text);
    return str_take(&data);
}

#define DATA(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Ten seconds after the one before. outcome, subject of kinds that are read by word are not spiced. */
static inline int64_t tell(struct told *t, enum event_kind kind, const char *actor, const char *outcome,
                           int64_t incident, int64_t run, const char *summary, const char *const *pairs)
{
    char *data = told_data(t, pairs), *spiced = xasprintf("%s%s", summary, t->spice);
    struct event_draft draft = {.kind = kind,
                                .at_us = t->now_us += 10 * US_PER_S,
                                .actor = actor,
                                .subject = "subject",
                                .outcome = outcome,
                                .summary = spiced,
                                .data = data,
                                .incident = incident,
                                .run = run};
    struct journal_result result;
    struct err e;
    if (journal_append_wait(t->journal, &draft, 1, &result, &e) < 0)
        fail_msg("%s", e.msg);
    free(data);
    free(spiced);
    return result.seq;
}

static inline void told_blob(struct told *t, const char *text, char digest[static SHA256_HEX_SIZE])
{
    struct journal_blob_origin origin = {.actor = "belay", .what = "log", .run = 1};
    assert_int_equal(journal_blob_put(t->journal, &origin, text, strlen(text), digest, NULL, NULL, NULL), 0);
}

/* change: "changed", "flapping" ... */
static inline void tell_transition(struct told *t, const char *change, const char *kind, const char *name,
                                   const char *from, const char *to, const char *raw)
{
    char *data = xasprintf("{\"kind\":\"%s\",\"source\":\"store\",\"name\":\"%s\",\"change\":\"%s\","
                           "\"from\":\"%s\",\"to\":\"%s\",\"raw\":\"%s\"}",
                           kind, name, change, from, to, raw);
    char *summary = xasprintf("%s %s %s \xe2\x86\x92 %s%s", kind, name, from, raw, t->spice);
    struct event_draft draft = {.kind = EVENT_TRANSITION,
                                .at_us = t->now_us += 10 * US_PER_S,
                                .actor = "watch",
                                .subject = name,
                                .outcome = to,
                                .summary = summary,
                                .data = data};
    assert_int_equal(journal_append_wait(t->journal, &draft, 1, NULL, NULL), 0);
    free(data);
    free(summary);
}

static inline void tell_change(struct told *t, const char *kind, const char *name, const char *from,
                               const char *to, const char *raw)
{
    tell_transition(t, "changed", kind, name, from, to, raw);
}

/* A shard dies, a re-open fails, a restore works and is not undone; one action stays unknown. */
static inline void tell_incident(struct told *t)
{
    char evidence[SHA256_HEX_SIZE], output[SHA256_HEX_SIZE];
    tell_change(t, "shard", "docs/shard-9", "down", "ok", "Active"); /* long before: not part of it */
    t->now_us += 3600 * US_PER_S;
    tell_change(t, "shard", "docs/shard-5", "ok", "down", "Dead");
    tell_change(t, "breaker", "retriever", "ok", "down", "OPEN");
    tell(t, EVENT_RUN_STARTED, "alice", "", 0, 1, "starts the runbook Vector store shard down",
         DATA("runbook", "vector-store-shard-down", "title", "Vector store shard down", "path",
              "runbooks/shard.md", "digest", "d1", "entity", "shard docs/shard-5", "vars",
              "{\"NS\":\"rag\"}"));
    tell(t, EVENT_RUN_INPUT, "belay", "", 0, 1, "start", DATA("input", "{\"input\":\"start\",\"at_ms\":0}"));
    tell(t, EVENT_INCIDENT_OPENED, "alice", "", JOURNAL_NEW, 1, "docs/shard-5 is dead",
         DATA("title", "docs/shard-5 is dead", "severity", "SEV2"));
    tell(t, EVENT_RUN_INPUT, "alice", "", 1, 1, "confirmed: Re-open the shard",
         DATA("input", "{\"input\":\"confirm\",\"at_ms\":20000,\"actor\":\"alice\",\"step\":\"reopen\","
                       "\"value\":\"yes\"}"));
    told_blob(t, "2025-11-22 IO error\nline two\n", evidence);
    char *out = xasprintf("{\"digest\":\"%s\",\"bytes\":29,\"first\":\"2025-11-22 IO error\"}", evidence);
    tell(t, EVENT_STEP_INTENT, "belay", "", 1, 1, "Save the log: evidence begins",
         DATA("step", "log", "title", "Save the log", "ticket", "1", "role", "evidence", "acts", "false",
              "attempt", "1", "argv", "[\"kubectl\",\"logs\",\"store-5\"]", "scope", "process"));
    tell(t, EVENT_STEP_OUTCOME, "belay", "ok", 1, 1, "Save the log: evidence exit 0 (0.2 s)",
         DATA("step", "log", "title", "Save the log", "ticket", "1", "role", "evidence", "acts", "false",
              "outcome", "ok", "exit", "0", "ms", "212", "stdout", out));
    tell(
        t, EVENT_STEP_INTENT, "alice", "", 1, 1, "Re-open the shard: act begins",
        DATA(
            "step", "reopen", "title", "Re-open the shard", "ticket", "2", "role", "act", "acts", "true",
            "attempt", "1", "argv",
            "[\"bash\",\"-eo\",\"pipefail\",\"-c\",\"kubectl -n \\\"$NS\\\" exec store-5 -- reopen 'docs'\"]",
            "env", "{\"NS\":\"rag\",\"TOKEN\":\"(secret env:STORE_TOKEN)\"}", "cwd", "/srv", "where",
            "rag-prod: kubectl context prod-eu", "scope", "process", "undo", "close"));
    tell(t, EVENT_STEP_OUTCOME, "alice", "failed", 1, 1, "Re-open the shard: act exit 1 (8.0 s)",
         DATA("step", "reopen", "title", "Re-open the shard", "ticket", "2", "role", "act", "acts", "true",
              "outcome", "failed", "exit", "1", "ms", "8012"));
    tell(t, EVENT_STEP_CONCLUDED, "belay", "failed", 1, 1, "Re-open the shard: failed, exit 1",
         DATA("step", "reopen", "title", "Re-open the shard", "outcome", "failed", "reason", "exit 1"));
    tell(t, EVENT_INCIDENT_NOTED, "bob", "", 1, 0, "customers see empty answers", NULL);
    tell(t, EVENT_RUN_INPUT, "alice", "", 1, 1, "Is there a replica: yes",
         DATA("input", "{\"input\":\"answer\",\"at_ms\":90000,\"actor\":\"alice\",\"step\":\"replica\","
                       "\"value\":\"yes\","
                       "\"reason\":\"replica 2 answers\"}"));
    tell(t, EVENT_STEP_CONCLUDED, "belay", "ok", 1, 1, "Is there a replica: ok",
         DATA("step", "replica", "title", "Is there a replica", "outcome", "ok", "reason", "", "answer",
              "yes"));
    told_blob(t, "restored 812 points\n", output);
    char *restored = xasprintf("{\"digest\":\"%s\",\"bytes\":20,\"first\":\"restored 812 points\"}", output);
    tell(t, EVENT_STEP_INTENT, "alice", "", 1, 1, "Restore: act begins",
         DATA("step", "restore", "title", "Restore the latest snapshot", "ticket", "3", "role", "act", "acts",
              "true", "attempt", "1", "argv", "[\"restore\",\"--to\",\"shard-5-r1\"]", "scope", "shard",
              "undo", "drop"));
    tell(t, EVENT_STEP_OUTCOME, "alice", "ok", 1, 1, "Restore: act exit 0 (61.0 s)",
         DATA("step", "restore", "title", "Restore the latest snapshot", "ticket", "3", "role", "act", "acts",
              "true", "part", "item 2", "outcome", "ok", "exit", "0", "ms", "61000", "stdout", restored));
    tell(t, EVENT_STEP_CONCLUDED, "belay", "ok", 1, 1, "Restore: ok",
         DATA("step", "restore", "title", "Restore the latest snapshot", "outcome", "ok", "reason",
              "verified"));
    tell(t, EVENT_STEP_INTENT, "alice", "", 1, 1, "Drain: act begins",
         DATA("step", "drain", "title", "Drain the queue", "ticket", "4", "role", "act", "acts", "true",
              "attempt", "1", "argv", "[\"drain\"]", "scope", "service"));
    tell_change(t, "shard", "docs/shard-5", "down", "ok", "Active");
    tell(t, EVENT_RUN_ENDED, "belay", "unknown", 1, 1, "Vector store shard down ended: unknown", NULL);
    tell(t, EVENT_INCIDENT_MITIGATED, "alice", "", 1, 0, "replica serves", NULL);
    tell(t, EVENT_INCIDENT_CLOSED, "bob", "closed", 1, 0, "restored", NULL);
    tell(t, EVENT_EXPORT_WRITTEN, "bob", "", 1, 0, "wrote belay-INC-1.md", NULL);
    tell_change(t, "shard", "docs/shard-7", "ok", "down", "Dead"); /* after it was closed: another story */
    free(out);
    free(restored);
}

#endif
