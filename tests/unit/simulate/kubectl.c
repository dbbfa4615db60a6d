/* The stand-in takes what kubectl takes, and refuses what it refuses in its words. */
#include "tests/unit/simulate/rig.h"

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int exit;
        const char *err;
    } refusals[] = {
        {"kubectl frob", 1, "error: unknown command \"frob\" for \"kubectl\"\n"},
        {"kubectl -n rag get", 1,
         "error: You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete "
         "list of supported "
         "resources.\n"},
        {"kubectl -n rag get frobs", 1, "error: the server doesn't have a resource type \"frobs\"\n"},
        {"kubectl -n rag get frob/x", 1, "error: the server doesn't have a resource type \"frob\"\n"},
        {"kubectl -n rag get pods --colour", 1,
         "error: unknown flag: --colour\nSee 'kubectl get --help' for usage.\n"},
        {"kubectl -n rag get pods -z", 1,
         "error: unknown shorthand flag: 'z' in -z\nSee 'kubectl get --help' for usage.\n"},
        {"kubectl -n rag get pods -o", 1,
         "error: flag needs an argument: 'o' in -o\nSee 'kubectl get --help' for usage.\n"},
        {"kubectl -n rag get pods --selector", 1,
         "error: flag needs an argument: --selector\nSee 'kubectl get --help' for usage.\n"},
        {"kubectl -n rag get pods nobody", 1, "Error from server (NotFound): pods \"nobody\" not found\n"},
        {"kubectl -n rag get deploy/nobody", 1,
         "Error from server (NotFound): deployments.apps \"nobody\" not found\n"},
        {"kubectl get pods docs-shard-5-0", 1,
         "Error from server (NotFound): pods \"docs-shard-5-0\" not found\n"},
        {"kubectl -n rag get pods docs-shard-5-0 -l app=vectorstore", 1,
         "error: name cannot be provided when a selector is specified\n"},
        {"kubectl -n rag get pods -o yodl", 1,
         "error: unable to match a printer suitable for the output format \"yodl\", allowed formats are: "
         "json,jsonpath,name,wide\n"},
        {"kubectl -n rag label pod docs-shard-5-0 serving=false", 1,
         "error: 'serving' already has a value (true), and --overwrite is false\n"},
        {"kubectl -n rag label pod docs-shard-5-0", 1, "error: at least one label update is required\n"},
        {"kubectl -n rag label pods serving=false", 1,
         "error: resource(s) were provided, but no name was specified\n"},
        {"kubectl -n rag scale deploy --replicas=0", 1,
         "error: resource(s) were provided, but no name was specified\n"},
        {"kubectl -n rag set env deploy PROVIDER=backup", 1,
         "error: resource(s) were provided, but no name was specified\n"},
        {"kubectl -n rag wait --for=condition=ready pods", 1,
         "error: resource(s) were provided, but no name was specified\n"},
        {"kubectl -n rag scale frobs --replicas=0", 1,
         "error: the server doesn't have a resource type \"frobs\"\n"},
        {"kubectl -n rag delete pod/docs-shard-5-0 -l app=vectorstore", 1,
         "error: selectors and the all flag cannot be used when passing resource/name arguments\n"},
        {"kubectl -n rag scale deploy/rag-api --all --replicas=0", 1,
         "error: selectors and the all flag cannot be used when passing resource/name arguments\n"},
        {"kubectl -n rag label pods -l app=vectorstore --all serving=false --overwrite", 1,
         "error: cannot set --all and --selector at the same time\n"},
        {"kubectl -n rag label pod docs-shard-5-0 serving='no more' --overwrite", 1,
         "error: invalid label value: \"serving=no more\": a valid label must be an empty string or consist "
         "of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
         "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
         "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')\n"},
        {"kubectl -n rag scale deploy/rag-api --replicas=0 --dry-run=maybe", 1,
         "error: Invalid dry-run value (maybe). Must be \"none\", \"server\", or \"client\".\n"},
        {"kubectl -n rag rollout status deploy/rag-api --timeout=5", 1,
         "error: invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"\n"},
        {"kubectl -n rag rollout status deploy/rag-api --timeout=2d", 1,
         "error: invalid argument \"2d\" for \"--timeout\" flag: time: unknown unit \"d\" in duration "
         "\"2d\"\n"},
        {"kubectl -n rag create job Restore_5 --image=y", 1, NULL},
        {"kubectl -n rag create", 1, "error: must specify one of -f and -k\n"},
        {"kubectl -n rag create job x", 1, "error: either --image or --from must be specified\n"},
        {"kubectl -n rag create job x --from=cronjob/y", 1,
         "Error from server (NotFound): cronjobs.batch \"y\" not found\n"},
        {"kubectl -n rag delete pods", 1, "error: resource(s) were provided, but no name was specified\n"},
        {"kubectl -n rag delete deploy/x", 1,
         "Error from server (NotFound): deployments.apps \"x\" not found\n"},
        {"kubectl -n rag scale deploy/rag-api", 1, "error: required flag(s) \"replicas\" not set\n"},
        {"kubectl -n rag scale deploy/rag-api --replicas=many", 1,
         "error: invalid argument \"many\" for \"--replicas\" flag\n"},
        {"kubectl -n rag set env deploy/rag-api", 1,
         "error: at least one environment variable must be provided\n"},
        {"kubectl -n rag wait pod/docs-shard-5-0", 1, "error: unrecognized condition: \"\"\n"},
        {"kubectl -n rag wait --for=condition=ready pods -l app=nobody", 1,
         "error: no matching resources found\n"},
        {"kubectl -n rag wait --for=condition=ready --timeout=soon pod/x", 1,
         "error: invalid argument \"soon\" for \"--timeout\" flag: time: invalid duration \"soon\"\n"},
        {"kubectl -n rag exec docs-shard-5-0", 1,
         "error: you must specify at least one command for the container\n"},
        {"kubectl -n rag exec docs-shard-5-0 ls", 1,
         "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"},
        {"kubectl -n rag exec nobody -- true", 1,
         "Error from server (NotFound): pods \"nobody\" not found\n"},
        {"kubectl -n rag logs", 1,
         "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required "
         "argument for the logs "
         "command\n"},
        {"kubectl -n rag label pod docs-shard-5-0 serving", 1,
         "error: at least one label update is required\n"},
        {"kubectl -n rag create job x --from=cronjob/reindex-docs --image=y", 1,
         "error: either --image or --from must be specified\n"},
        {"kubectl -n rag create job x --from=cronjob/reindex-docs -- true", 1,
         "error: cannot specify --from and command\n"},
        {"kubectl -n rag create job x --from=reindex-docs", 1, "error: from must be an existing cronjob\n"},
        {"kubectl -n rag create job x --from=deploy/rag-api", 1,
         "error: unknown object type *v1.Deployment\n"},
        {"kubectl -n rag create job migrations --image=y", 1,
         "error: failed to create job: jobs.batch \"migrations\" already exists\n"},
        {"kubectl -n rag create job", 1, "error: exactly one NAME is required, got 0\n"},
        {"kubectl -n rag scale deploy/rag-api --replicas=-1", 1,
         "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n"},
        {"kubectl -n rag scale deploy/rag-api --replicas=2 --current-replicas=7", 1,
         "error: Expected replicas to be 7, was 3\n"},
        {"kubectl -n rag scale deploy -l app=nobody --replicas=2", 1, "error: no objects passed to scale\n"},
        {"kubectl -n rag set env A=B", 1,
         "error: one or more resources must be specified as <resource> <name> or <resource>/<name>\n"},
        {"kubectl -n rag set env deploy/rag-api A=B retriever", 1,
         "error: all resources must be specified before environment changes: retriever\n"},
        {"kubectl -n rag set env deploy/rag-api 1A=B", 1,
         "error: \"1A\" is not a valid key name: a valid environment variable name must consist of "
         "alphabetic "
         "characters, digits, '_', '-', or '.', and must not start with a digit\n"},
        {"kubectl -n rag rollout status", 1, "error: required resource not specified\n"},
        {"kubectl -n rag rollout undo", 1, "error: required resource not specified\n"},
        {"kubectl -n rag rollout status deploy/nobody", 1,
         "Error from server (NotFound): deployments.apps \"nobody\" not found\n"},
        {"kubectl -n rag logs docs-shard-5-0 -c sidecar", 1,
         "error: container sidecar is not valid for pod docs-shard-5-0 out of: vectorstore\n"},
        {"kubectl -n rag logs docs-shard-5-0 --previous", 1,
         "Error from server (BadRequest): previous terminated container \"vectorstore\" in pod "
         "\"docs-shard-5-0\" not found\n"},
        {"kubectl -n rag logs docs-shard-5-0 --tail=-5", 1,
         "error: --tail must be greater than or equal to -1\n"},
        {"kubectl -n rag logs docs-shard-5-0 --tail=all", 1,
         "error: invalid argument \"all\" for \"--tail\" flag: strconv.ParseInt: parsing \"all\": invalid "
         "syntax\n"},
        {"kubectl -n rag logs docs-shard-5-0 --all-containers -c vectorstore", 1,
         "error: --all-containers=true should not be specified with container name vectorstore\n"},
        {"kubectl -n rag logs job/nobody", 1,
         "Error from server (NotFound): jobs.batch \"nobody\" not found\n"},
        {"kubectl -n rag exec job/migrations -- true", 1,
         "error: cannot exec into a container in a completed pod; current phase is Succeeded\n"},
        {"kubectl -n rag describe pod docs-shard-5-0", 1,
         "error: the simulated cluster does not do \"kubectl describe\"\n"},
        {"kubectl -n rag rollout undo deploy/rag-api", 1,
         "error: no rollout history found for deployment \"rag-api\"\n"},
        {"kubectl -n rag exec docs-shard-5-0 -- rm -rf /", 126, NULL},
        {"kubectl -n rag exec docs-shard-5-0 -- sh -c 'rm x; rm y'", 2, NULL},
        {"kubectl -n rag exec docs-shard-5-0 -- ctl index shrink shard-5", 2, NULL},
        {"kubectl -n rag exec docs-shard-5-0 -- ctl index check shard-77", 1, NULL},
        {"kubectl -n rag exec deploy/rag-api -- ctl index check shard-5", 126, NULL},
        {"kubectl -n rag exec deploy/rag-api -- curl -fsS http://localhost:8080/nowhere", 22, NULL},
        {"kubectl -n rag exec deploy/rag-api -- curl http://nowhere:1/", 6, NULL},
        {"kubectl -n rag exec deploy/rag-api -- curl --frob http://localhost:8080/ask", 2, NULL},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct world *w = rig_world(1);
        struct str before = {0}, after = {0};
        exposition_write(w, &before);
        rig_expect(w, refusals[i].line, refusals[i].exit, NULL, refusals[i].err);
        exposition_write(w, &after);
        assert_string_equal(str_text(&before), str_text(&after)); /* a refusal changes nothing */
        str_fini(&before);
        str_fini(&after);
        world_free(w);
    }
}

static void test_manifests(void **state)
{
    (void)state;
    static const struct {
        const char *manifest, *out, *err;
    } manifests[] = {
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "configmap/a created\n", ""},
        {"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\n---\napiVersion: v1\nkind: "
         "Service\nmetadata: {name: b}\n",
         "configmap/a created\nservice/b created\n", ""},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: golden-docs}\n", "",
         "Error from server (AlreadyExists): error when creating \"STDIN\": configmaps \"golden-docs\" "
         "already exists\n"},
        {"", "", "error: no objects passed to create\n"},
        {"kind: ConfigMap\nmetadata: {name: a}\n", "",
         "error: error validating \"STDIN\": error validating data: [apiVersion not set, kind not set]; if "
         "you choose to ignore these "
         "errors, turn validation off with --validate=false\n"},
        {"apiVersion: v1\nkind: Frob\nmetadata: {name: a}\n", "",
         "error: resource mapping not found for name: \"a\" namespace: \"\" from \"STDIN\": no matches for "
         "kind \"Frob\" in version "
         "\"v1\"\nensure CRDs are installed first\n"},
        {"apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n", "",
         "error: resource mapping not found for name: \"a\" namespace: \"\" from \"STDIN\": no matches for "
         "kind \"Deployment\" in version \"apps/v1beta1\"\nensure CRDs are installed first\n"},
        {"apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: "
         "x, image: y}]}}}\n",
         "",
         "The Job \"a\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: "
         "\"OnFailure\", \"Never\"\n"},
        {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {selector: {matchLabels: {app: "
         "a}}, "
         "template: {metadata: {labels: {app: b}}, spec: {containers: [{name: x, image: y}]}}}\n",
         "",
         "The Deployment \"a\" is invalid: spec.template.metadata.labels: Invalid value: `selector` does not "
         "match template `labels`\n"},
        {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: "
         "[ReadWriteOnce]}\n",
         "", "The PersistentVolumeClaim \"a\" is invalid: spec.resources[storage]: Required value\n"},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {app: a b}}\n", "",
         "The ConfigMap \"a\" is invalid: metadata.labels: Invalid value: \"a b\": a valid label must be an "
         "empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
         "an "
         "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
         "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')\n"},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n", "",
         "error: the namespace from the provided object \"other\" does not match the namespace \"rag\". You "
         "must pass "
         "'--namespace=other' to perform this operation.\n"},
    };
    for (size_t i = 0; i < sizeof manifests / sizeof *manifests; i++) {
        struct world *w = rig_world(1);
        struct kubectl_result r = rig_run(w, "kubectl -n rag create -f -", manifests[i].manifest);
        if (strcmp(str_text(&r.out), manifests[i].out) != 0 ||
            strcmp(str_text(&r.err), manifests[i].err) != 0)
            fail_msg("manifest %zu: out %s err %s", i, str_text(&r.out), str_text(&r.err));
        assert_int_equal(r.exit, *manifests[i].err != 0);
        kubectl_result_fini(&r);
        world_free(w);
    }
    struct world *w = rig_world(1);
    struct kubectl_result r = rig_run(w, "kubectl -n rag apply -f -", "kind: [unclosed\n");
    assert_int_equal(r.exit, 1);
    assert_true(str_starts(str_text(&r.err), "error: error parsing STDIN:"));
    kubectl_result_fini(&r);
    world_free(w);
}

static void test_reading(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    rig_expect(w, "kubectl -n rag get pods -l collection=docs,shard=shard-5 -o name", 0,
               "pod/docs-shard-5-0\npod/docs-shard-5-1\n", "");
    rig_expect(w, "kubectl -nrag get po -lcollection=docs,shard=shard-5,role!=replica -oname", 0,
               "pod/docs-shard-5-0\n", "");
    rig_expect(w,
               "kubectl get pods --namespace=rag -l 'role in (replica,failed),collection=docs,shard=shard-5' "
               "-o name",
               0, "pod/docs-shard-5-1\n", "");
    rig_expect(w, "kubectl -n rag get pods -l collection=docs,shard=shard-5,!role -o name", 0, "", NULL);
    rig_expect(
        w, "kubectl -n rag get endpoints docs-shard-5 -o jsonpath={.subsets[*].addresses[*].targetRef.name}",
        0, "docs-shard-5-0", "");
    rig_expect(w, "kubectl -n rag get pods -l app=nobody", 0, "", "No resources found in rag namespace.\n");
    rig_expect(w, "kubectl get pods", 0, "", "No resources found in default namespace.\n");
    rig_expect(w, "kubectl -n rag get job/nobody --ignore-not-found -o name", 0, "", "");
    rig_expect(w, "kubectl -n rag get pod docs-shard-5-0 --no-headers", 0,
               "docs-shard-5-0   1/1   Running   0   19d\n", "");
    rig_expect(w, "kubectl -n rag get cm golden-docs --show-labels --no-headers", 0,
               "golden-docs   40d   <none>\n", "");
    rig_expect(w, "kubectl -n rag get svc docs-shard-5 --show-labels --no-headers", 0,
               "docs-shard-5   90d   app=vectorstore,collection=docs,shard=shard-5\n", "");
    rig_expect(w, "kubectl config current-context", 0, "demo\n", "");
    rig_expect(w, "kubectl auth can-i delete pods", 0, "yes\n", "");
    rig_expect(w, "kubectl -n rag exec deploy/vectorstore -- /bin/sh -c 'ctl index check shard-5'", 0,
               "docs/shard-5: ok, 8 of 8 segments readable\n", "");
    rig_expect(w,
               "kubectl -n rag exec deploy/rag-api -- curl -s -o /dev/null -w '%{http_code}' "
               "http://localhost:8080/healthz",
               0, "200", "");
    struct kubectl_result r = rig_run(w, "kubectl -n rag get pods -o json", NULL);
    assert_null(strstr(str_text(&r.out), "x-simulation")); /* what only the simulation knows is not shown */
    cJSON *tree = json_parse(str_text(&r.out), r.out.len, NULL);
    assert_non_null(tree);
    assert_string_equal(json_string(json_at(tree, "/items/0"), "kind", ""), "Pod");
    cJSON_Delete(tree);
    kubectl_result_fini(&r);
    world_free(w);
}

static void test_changing(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 serving=false --overwrite --dry-run=server", 0,
               "pod/docs-shard-5-0 labeled (server dry run)\n", "");
    rig_expect(
        w, "kubectl -n rag get endpoints docs-shard-5 -o jsonpath={.subsets[*].addresses[*].targetRef.name}",
        0, "docs-shard-5-0", "");
    rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 serving=true", 0,
               "pod/docs-shard-5-0 not labeled\n", "");
    rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 serving-", 0, "pod/docs-shard-5-0 unlabeled\n",
               "");
    rig_expect(
        w, "kubectl -n rag get endpoints docs-shard-5 -o jsonpath={.subsets[*].addresses[*].targetRef.name}",
        0, "", "");
    rig_expect(w, "kubectl -n rag annotate deploy rag-api owner=alice", 0,
               "deployment.apps/rag-api annotated\n", "");
    rig_expect(w, "kubectl -n rag get deploy rag-api -o jsonpath={.metadata.annotations.owner}", 0, "alice",
               "");
    rig_expect(w, "kubectl -n rag scale deploy/rag-api --replicas=5", 0, "deployment.apps/rag-api scaled\n",
               "");
    rig_expect(w, "kubectl -n rag rollout status deploy rag-api", 0,
               "deployment \"rag-api\" successfully rolled out\n", "");
    rig_expect(w, "kubectl -n rag get deploy rag-api -o jsonpath={.status.readyReplicas}", 0, "5", "");
    rig_expect(w, "kubectl -n rag scale deploy/rag-api --replicas=1", 0, NULL, "");
    rig_pass(w, 1);
    rig_expect(w, "kubectl -n rag get deploy rag-api -o jsonpath={.status.readyReplicas}", 0, "1", "");
    rig_expect(w, "kubectl -n rag set env deploy/rag-api PROVIDER=backup", 0,
               "deployment.apps/rag-api env updated\n", "");
    rig_expect(w, "kubectl -n rag set env deploy/rag-api --list", 0,
               "# Deployment rag-api, container rag-api\nPROVIDER=backup\n", "");
    rig_expect(w, "kubectl -n rag create job reindex-x --from=cronjob/reindex-docs", 0,
               "job.batch/reindex-x created\n", "");
    rig_expect(w, "kubectl -n rag wait --for=condition=complete job/reindex-x", 0,
               "job.batch/reindex-x condition met\n", "");
    rig_expect(w, "kubectl -n rag delete job/reindex-x", 0, "job.batch \"reindex-x\" deleted\n", "");
    rig_expect(w, "kubectl -n rag wait --for=delete job/reindex-x", 0, "", "");
    rig_expect(w, "kubectl -n rag rollout restart deploy/retriever", 0,
               "deployment.apps/retriever restarted\n", "");
    rig_expect(w, "kubectl -n rag wait --for=condition=available --timeout=30s deploy/retriever", 0,
               "deployment.apps/retriever condition met\n", "");
    world_free(w);
}

/* A change of the template is rolled out, nothing else is; and there is a way back. */
static void test_rolling_out(void **state)
{
    (void)state;
    struct world *w = rig_world(1);
    rig_expect(w, "kubectl -n rag set env deploy/rag-api A=1 B=2", 0, "deployment.apps/rag-api env updated\n",
               "");
    rig_expect(
        w, "kubectl -n rag rollout status deploy/rag-api --watch=false", 0,
        "Waiting for deployment \"rag-api\" rollout to finish: 3 old replicas are pending termination...\n",
        "");
    rig_expect(w, "kubectl -n rag rollout status deploy/rag-api", 0,
               "deployment \"rag-api\" successfully rolled out\n", "");
    rig_expect(w, "kubectl -n rag set env deploy/rag-api A=1", 0, "", ""); /* nothing to change */
    rig_expect(w, "kubectl -n rag set env deploy/rag-api B- C-", 0, "deployment.apps/rag-api env updated\n",
               "");
    rig_expect(w, "kubectl -n rag set env deploy/rag-api --list", 0,
               "# Deployment rag-api, container rag-api\nA=1\n", "");
    rig_expect(
        w, "kubectl -n rag rollout history deploy/rag-api", 0,
        "deployment.apps/rag-api \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n3         "
        "<none>\n\n",
        "");
    rig_expect(w, "kubectl -n rag rollout undo deploy/rag-api", 0, "deployment.apps/rag-api rolled back\n",
               "");
    rig_expect(w, "kubectl -n rag set env deploy/rag-api --list", 0,
               "# Deployment rag-api, container rag-api\nA=1\nB=2\n", "");
    rig_expect(w, "kubectl -n rag rollout status deploy/rag-api", 0, NULL, "");
    rig_expect(
        w, "kubectl -n rag get deploy rag-api -o jsonpath={.status.readyReplicas}/{.status.updatedReplicas}",
        0, "3/3", "");
    rig_expect(w, "kubectl -n rag scale deploy/retriever deploy/generator --replicas=0", 0,
               "deployment.apps/retriever scaled\ndeployment.apps/generator scaled\n", "");
    rig_expect(w, "kubectl -n rag get pods -l app=retriever", 0, "",
               "No resources found in rag namespace.\n");
    rig_expect(w, "kubectl -n rag set env deploy/rag-api A=2 --dry-run=server", 0,
               "deployment.apps/rag-api env updated (server dry run)\n", "");
    rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 role=x a=b --overwrite", 0,
               "pod/docs-shard-5-0 labeled\n", "");
    rig_expect(w, "kubectl -n rag label pod docs-shard-5-0 a- c=d", 0, "pod/docs-shard-5-0 modified\n", "");
    world_free(w);
}

/* Words out of kubectl's own vocabulary in random order: always an answer, never an end without one. */
static void test_noise(void **state)
{
    (void)state;
    static const char *const words[] = {"-n",
                                        "rag",
                                        "get",
                                        "pods",
                                        "pod",
                                        "deploy",
                                        "label",
                                        "annotate",
                                        "delete",
                                        "exec",
                                        "logs",
                                        "scale",
                                        "set",
                                        "env",
                                        "wait",
                                        "rollout",
                                        "status",
                                        "create",
                                        "apply",
                                        "-f",
                                        "-",
                                        "--",
                                        "-l",
                                        "app=vectorstore",
                                        "role=",
                                        "=",
                                        "!",
                                        "x-",
                                        "-o",
                                        "name",
                                        "jsonpath={.items[*]",
                                        "jsonpath={range .items[*]}{.metadata.name}{end}",
                                        "jsonpath={.a[?(@.b==\"c\")]}",
                                        "json",
                                        "--for",
                                        "delete",
                                        "condition=",
                                        "jsonpath={.a}=b",
                                        "--timeout=1s",
                                        "docs-shard-5-0",
                                        "pod/docs-shard-5-0",
                                        "deploy/rag-api",
                                        "--replicas=3",
                                        "sh",
                                        "-c",
                                        "curl",
                                        "ctl",
                                        "index",
                                        "check",
                                        "shard-5",
                                        "--collection",
                                        "docs",
                                        "http://localhost:6333/collections",
                                        "--overwrite",
                                        "--all",
                                        "serving=true",
                                        "serving-",
                                        "--tail",
                                        "5",
                                        "-it",
                                        "é",
                                        "",
                                        "-w",
                                        "%{http_code}",
                                        "--data-urlencode"};
    struct rng rng;
    rng_seed(&rng, 99);
    struct world *w = rig_world(1);
    for (int round = 0; round < 6000; round++) {
        char **argv = NULL;
        strv_add(&argv, "kubectl");
        if (rng_below(&rng, 2)) {
            strv_add(&argv, "-n");
            strv_add(&argv, "rag");
        }
        for (size_t i = rng_below(&rng, 8); i > 0; i--)
            strv_add(&argv, words[rng_below(&rng, sizeof words / sizeof *words)]);
        struct kubectl_call call = {
            .argv = argv, .argc = (int)strv_count(argv), .input = "kind: x\n", .token_us = -1};
        struct kubectl_result r = {0};
        kubectl_run(w, &call, &r);
        assert_true(r.exit >= 0 && r.exit < 256);
        if (r.exit != 0 && r.again_ms == 0)
            assert_true(r.err.len > 0 && r.err.data[r.err.len - 1] == '\n');
        kubectl_result_fini(&r);
        strv_free(argv);
        if (round % 50 == 0)
            rig_pass(w, 1);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_manifests),   cmocka_unit_test(test_reading),
        cmocka_unit_test(test_changing), cmocka_unit_test(test_rolling_out), cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
