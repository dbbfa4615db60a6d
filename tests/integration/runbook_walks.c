/* The walks themselves: every branch that the shipped runbooks have. */
#include <stddef.h>

#include "tests/integration/runbooks.h"

#define K          "kubectl -n rag "
#define SHARD_DOWN K "exec deploy/vectorstore -- ctl index check shard-5; test $? = 1"
#define FAILING                                                                                              \
    K "exec deploy/rag-api -- curl -sS -o /dev/null -w '%{http_code}' "                                      \
      "http://localhost:8080/providers/primary/probe | grep -v 200"
#define LOOPING     K "get pods | grep -E 'CrashLoopBackOff|Init:0/1'"
#define MODE(state) K "exec deploy/rag-api -- curl -fsS http://localhost:8080/mode | grep '\"" state "\"'"
#define MODE_SAYS(status, text)                                                                              \
    "said=$(\"$BELAY\" safe-mode --config \"$CONFIG\"); test $? = " #status " && case $said in \"" text      \
    "\"*) ;; *) echo \"$said\"; exit 1 ;; esac"
#define NET(config, name, holds)                                                                             \
    "\"$BELAY\" status --json --config " config " > status.json; "                                           \
    "jq -e '[.entities[] | select(.name == \"" name "\") | " holds "] == [true]' status.json || "            \
    "{ cat status.json; exit 1; }"
#define SERVES(pods)                                                                                         \
    K "get endpoints docs-shard-5 -o jsonpath='{.subsets[*].addresses[*].targetRef.name}' | grep -E '" pods  \
      "'"

const struct walk walks[] = {
    {
        .name = "shard",
        .scenario = "shard",
        .before = SHARD_DOWN,
        .document = "vector-store-shard-down",
        .variables = {"COLLECTION=docs", "SHARD=shard-5"},
        .told = {"[ok] Take the shard out of service, its replica answers",
                 "[skipped] Take the shard out of service, nobody", "[failed] Re-open the index",
                 "[ok] Restore the newest snapshot", "[ok] Reintroduce the shard",
                 "[no] Are all its documents there?", "[ok] Re-index the missing documents", "ended: "},
        .after = {SERVES("docs-shard-5-1"), SERVES("docs-shard-5-r"),
                  K "exec deploy/vectorstore -- ctl index missing shard-5 | grep '^0$'"},
    },
    {
        .name = "shard, no replica",
        .scenario = "shard:no-replica",
        .before = SHARD_DOWN,
        .document = "vector-store-shard-down",
        .variables = {"COLLECTION=docs", "SHARD=shard-5"},
        .told = {"[no] Is there a replica that can answer?",
                 "[skipped] Take the shard out of service, its replica",
                 "[ok] Take the shard out of service, nobody answers for it",
                 "[ok] Restore the newest snapshot", "[ok] Reintroduce the shard", "ended: "},
        .after = {SERVES("^docs-shard-5-r")},
    },
    {
        .name = "shard, re-open works",
        .scenario = "shard:transient",
        .before = SHARD_DOWN,
        .document = "vector-store-shard-down",
        .variables = {"COLLECTION=docs", "SHARD=shard-5"},
        .told = {"[ok] Re-open the index", "[skipped] Restore the newest snapshot",
                 "[ok] Reintroduce the shard", "[ok] Are all its documents there?", "[skipped] Re-index",
                 "ended: "},
        .after = {SERVES("docs-shard-5-0")},
    },
    {
        .name = "shard, not right yet",
        .scenario = "shard",
        .before = SHARD_DOWN,
        .document = "vector-store-shard-down",
        .variables = {"COLLECTION=docs", "SHARD=shard-5"},
        .answers = {{"Restore the newest snapshot", "skip"},
                    {"not done: reintroduce: precheck golden-direct is failed", "stop"}},
        .status = 1,
        .told = {"[skipped] Restore the newest snapshot", "precheck golden-direct is failed",
                 "!Reintroduce the shard: ok", "ended: "},
        .after = {SERVES("^docs-shard-5-1$")}, /* its replica, and nobody else */
    },
    {
        .name = "provider, backup",
        .scenario = "provider",
        .before = FAILING,
        .document = "generator-provider-outage",
        .variables = {"STEADY=1s", "HOLD=1s"},
        .answers = {{"stepped back to rung 25", "retry"}},
        .told = {"stepped back to rung 25: worse than the baseline", "[ok] Give it its answers back",
                 "[ok] Send the answers to the backup", "[skipped] Answer from the cache",
                 "[ok] Let fewer questions in", "[skipped] Renew the token",
                 "[ok] Is the provider well again?", "[ok] Make it the primary again",
                 "[ok] Let all questions in again", "ended: "},
        .after =
            {K
             "exec deploy/rag-api -- curl -fsS http://localhost:8080/metrics | grep '^rag_primary_share 1$'"},
    },
    {
        .name = "provider, no backup",
        .scenario = "provider:no-backup",
        .before = FAILING,
        .document = "generator-provider-outage",
        .variables = {"STEADY=1s", "HOLD=1s"},
        .answers = {{"stepped back to rung 25", "retry"}},
        .told = {"stepped back to rung 25: worse than the baseline", "[ok] Give it its answers back",
                 "none: no backup is configured", "[skipped] Send the answers to the backup",
                 "[ok] Answer from the cache", "[ok] Make it the primary again", "ended: "},
    },
    {
        .name = "provider, backup refuses",
        .scenario = "provider:bad-token",
        .before = FAILING,
        .document = "generator-provider-outage",
        .variables = {"STEADY=1s", "HOLD=1s"},
        .answers = {{"stepped back to rung 25", "retry"}},
        .told = {"stepped back to rung 25: worse than the baseline", "[ok] Give it its answers back",
                 "answers 401", "[ok] Answer from the cache", "ended: "},
        .after = {NET("\"$CONFIG\"", "backup-token", ".state == \"down\" and .raw == \"refused\"")},
    },
    {
        .name = "provider, our token",
        .scenario = "provider:auth",
        .before = FAILING,
        .document = "generator-provider-outage",
        .variables = {"STEADY=1s", "HOLD=1s"},
        .answers = {{"stepped back to rung 25", "retry"}},
        .told = {"stepped back to rung 25: worse than the baseline", "[ok] Give it its answers back",
                 "[ok] Is our token refused?", "[ok] Renew the token", "ended: "},
    },
    {
        .name = "bootstrap",
        .scenario = "bootstrap",
        .before = LOOPING,
        .document = "bootstrap-deadlock",
        .variables = {"PATIENCE=3s"},
        .told = {"migration missing", "waiting for each other: ", "crash loop: ",
                 "[no] Has the migration been done?", "[ok] Run the migration by hand",
                 "[no] Does the controller come up", "[skipped] Start the controller anew",
                 "[ok] Hold back what needs the controller", "[ok] Let them go again",
                 "[ok] Is everything up?", "[skipped] Scale all of them down", "ended: "},
        .after = {K "logs -l job-name=migrations-r1 | grep 'schema is at 42'"},
    },
    {
        .name = "bootstrap, one by one",
        .scenario = "bootstrap:migrated",
        .before = LOOPING,
        .document = "bootstrap-deadlock",
        .variables = {"PATIENCE=3s"},
        .answers = {{"Hold back what needs", "skip"}},
        .told = {"[ok] Has the migration been done?", "[skipped] Run the migration", "[no] Is everything up?",
                 "[ok] Scale all of them down", "[ok] Start the controller: ", "[ok] Start the retriever",
                 "[ok] Start the generator", "[ok] Start the indexer", "ended: "},
    },
    {
        .name = "bootstrap, hooks",
        .scenario = "bootstrap:hooks",
        .before = LOOPING,
        .document = "bootstrap-deadlock",
        .variables = {"PATIENCE=20s"},
        .told = {"[ok] Do those that need the controller wait", "[ok] Run the migration by hand",
                 "[ok] Does the controller come up by itself?", "[skipped] Hold back",
                 "[ok] Is everything up?", "ended: "},
    },
    {
        .name = "safe mode on",
        .scenario = "provider:no-backup",
        .before = FAILING,
        .document = "safe-mode-enter",
        .mode = "enter",
        .told = {"[ok] Safe mode on", "ended: "},
        .after = {MODE("on"), MODE("cached"), MODE("refused"),
                  K "exec deploy/rag-api -- curl -sS -o /dev/null -w '%{http_code}' -d x "
                    "http://localhost:8080/documents | grep 503",
                  "\"$BELAY\" status --config \"$CONFIG\" | grep 'component safe-mode on'",
                  "\"$BELAY\" status --config \"$CONFIG\" | grep '^rag-demo: .*, safe mode ON$'",
                  MODE_SAYS(1, "safe mode is on: component safe-mode on, since")},
    },
    {
        .name = "safe mode on, already",
        .goes_on = true,
        .document = "safe-mode-enter",
        .mode = "enter",
        .status = 1,
        .told = {"safe mode is on: component safe-mode on, since", "--anyway walks the runbook"},
    },
    {
        .name = "safe mode off",
        .scenario = "provider",
        .before = K "set env deploy/rag-api deploy/indexer SAFE_MODE=on PROVIDER=backup; " MODE("on"),
        .document = "safe-mode-leave",
        .mode = "leave",
        .told = {"[ok] Do the golden queries find their documents?", "[ok] Safe mode off", "ended: "},
        .after = {MODE("off"), MODE("live"), MODE("accepted"),
                  MODE_SAYS(0, "safe mode is off: component safe-mode off, since")},
    },
    {
        .name = "safe mode, closed way",
        .scenario = "bootstrap",
        .before = LOOPING " && " K "set env deploy/rag-api deploy/indexer SAFE_MODE=on; " MODE("on"),
        .document = "safe-mode-leave",
        .told = {"[no] Is the way to an answer open?", "[skipped] Safe mode off"},
        .after = {MODE("on")},
    },
    {
        .name = "safe mode, documents missing",
        .scenario = "shard:no-replica",
        .before = SHARD_DOWN " && " K "set env deploy/rag-api deploy/indexer SAFE_MODE=on; " MODE("on"),
        .document = "safe-mode-leave",
        .told = {"[no] Do the golden queries find their documents?", "[skipped] Safe mode off"},
        .after = {MODE("on")},
    },
    {
        .name = "restore drill",
        .scenario = "provider",
        /* Without what demo.yaml says of earlier ones: nobody ever did one. */
        .before = "sed 's/, vars: {last: [^}]*}//' \"$CONFIG\" > plain.yaml; "
                  "\"$BELAY\" status --config plain.yaml | grep 'down *snapshot drill never'",
        .document = "restore-drill",
        .told = {"[ok] The newest one is young enough", "[ok] Enough of them are kept",
                 "[ok] Restore it onto a scratch volume", "[ok] Drop what the drill has made", "ended: "},
        .after = {"test -z \"$(kubectl -n rag-drill get pods -o name)\"",
                  NET("plain.yaml", "drill",
                      ".state == \"ok\" and .attributes.run == \"1\" and .measures.age_s < 900"),
                  NET("\"$CONFIG\"", "drill", ".state == \"ok\" and .attributes.run == \"1\""),
                  NET("\"$CONFIG\"", "backup-token", ".state == \"ok\" and .raw == \"warm\""),
                  NET("\"$CONFIG\"", "golden-canary", ".measures.age_s < 60"),
                  NET("\"$CONFIG\"", "docs", ".state == \"ok\" and .measures.kept == 8")},
    },
    {
        .name = "restore drill, lost snapshots",
        .scenario = "provider:lost-snapshots",
        .before =
            "\"$BELAY\" status --config \"$CONFIG\" | grep 'snapshot docs kept short: the oldest is of 3d, "
            "kept should be 7d'",
        .document = "restore-drill",
        .answers = {{"Enough of them are kept, and not too many: ", "continue it is being looked for"}},
        .told = {"outside of 7 to 14 days: 4, the oldest of 3 days", "[ok] Restore it onto a scratch volume"},
        /* It fell short: that is no proof. */
        .after = {NET("\"$CONFIG\"", "drill",
                      ".attributes.run == null and .attributes.\"last run\" == \"1\"")},
    },
    {
        .name = "restore drill, old snapshots",
        .scenario = "provider:late-snapshots",
        .document = "restore-drill",
        .answers = {{"The newest one is young enough: ", "continue the schedule is being mended"}},
        .told = {"too old: 31 h", "[ok] Restore it onto a scratch volume", "ended: "},
    },
    {
        .name = "post-incident",
        .scenario = "shard",
        .before = K "create job restore-docs-shard-5-r7 --image=x -- ctl snapshot restore "
                    "s3://rag-snapshots/docs/shard-5/x.snapshot",
        .document = "post-incident",
        .answers = {{"Is the root cause known?", "known a disk that lied"},
                    {"How was it noticed?", "alert it fired"},
                    {"Would a golden query", "yes about invoices"},
                    {"Is everything written down", "yes all of it"},
                    {"Were users affected?", "yes for nine minutes"}},
        .told = {"[ok] Write the root cause down", "[skipped] Somebody goes on looking",
                 "[ok] Delete the jobs", "[ok] Delete the damaged pods", "[ok] Tell the users", "ended: "},
        .after = {"test -z \"$(kubectl -n rag get jobs -o name | grep r7)\""},
    },
    {
        .name = "storm: components",
        .scenario = "storm",
        .before = LOOPING,
        .opens = "Components do not start",
        .document = "bootstrap-deadlock",
        .variables = {"PATIENCE=3s"},
        .answers = {{"Golden queries pass for users: ", "continue the provider fails, and a shard is down"}},
        .told = {"[ok] Hold back what needs the controller", "[ok] Is everything up?",
                 "[no] Golden queries pass for users"},
    },
    {
        .name = "storm: shard",
        .goes_on = true,
        .before = SHARD_DOWN,
        .opens = "A shard is down",
        .document = "vector-store-shard-down",
        .variables = {"COLLECTION=docs", "SHARD=shard-5"},
        .told = {"[ok] Restore the newest snapshot", "[ok] Reintroduce the shard", "[ok] Re-index"},
    },
    {
        .name = "storm: provider",
        .goes_on = true,
        .before = FAILING,
        .opens = "The provider fails",
        .document = "generator-provider-outage",
        .variables = {"STEADY=1s", "HOLD=1s"},
        .answers = {{"stepped back to rung 25", "retry"}},
        .told = {"stepped back to rung 25: worse than the baseline", "[ok] Give it its answers back",
                 "[ok] Send the answers to the backup", "[ok] Make it the primary again",
                 "[ok] Let all questions in again"},
        .after = {"test \"$(\"$BELAY\" incident list --config \"$CONFIG\" | grep -c INC-)\" = 3",
                  "for n in $(seq 200); do \"$BELAY\" status --config \"$CONFIG\" > seen 2>&1; grep -q "
                  "'^rag-demo: ok' seen "
                  "&& exit 0; sleep .2; done; cat seen; exit 1"},
    },
    {.name = NULL},
};
