/* What runs inside the simulated pods: curl, the vector store's `ctl`, a plain `sh -c`. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/route.h"
#include "engine/simulate/verbs.h"

#define REOPEN_US (2 * US_PER_S)

struct program {
    struct world *w;
    const cJSON *pod;
    char *const *argv;
    const struct kubectl_call *call;
    struct kubectl_result *result;
};

static void fail(struct program *p, int exit, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void fail(struct program *p, int exit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_addv(&p->result->err, format, args);
    va_end(args);
    str_add_char(&p->result->err, '\n');
    p->result->exit = exit;
}

/* ---- ctl ---- */

struct ctl {
    const char *words[4];
    size_t count;
    const char *collection, *shard;
};

static bool ctl_read(struct program *p, struct ctl *c)
{
    *c = (struct ctl){.collection = "docs"};
    for (char *const *word = p->argv + 1; *word; word++) {
        bool collection = strcmp(*word, "--collection") == 0, shard = strcmp(*word, "--shard") == 0;
        if (collection || shard) {
            if (!word[1]) {
                fail(p, 2, "ctl: %s needs a value", *word);
                return false;
            }
            *(collection ? &c->collection : &c->shard) = word[1];
            word++;
        } else if (**word == '-' || c->count == 4) {
            fail(p, 2, "ctl: unexpected argument: %s", *word);
            return false;
        } else {
            c->words[c->count++] = *word;
        }
    }
    return true;
}

/* The shard's data as this pod sees it: a shard's own pod looks at its volume, any other asks the store. */
static bool data_good(const struct program *p, const struct collection *c, int shard)
{
    const char *own = object_label(p->pod, "shard");
    if (own && world_shard(c, own) == shard && str_eq(object_label(p->pod, "collection"), c->name))
        return pod_has_data(p->w, p->pod);
    return c->primary[shard] == REPLICA_ACTIVE || (p->w->reopened && shard == p->w->fault_shard);
}

static double documents_missing(const struct program *p, const struct collection *c, int shard)
{
    if (!data_good(p, c, shard))
        return c->points[shard];
    return c == &p->w->collections[0] && shard == p->w->fault_shard ? p->w->missing : 0;
}

static void ctl_reopen(struct program *p, const struct collection *c, int shard)
{
    if (p->w->now_us - p->result->token_us < REOPEN_US) {
        p->result->again_ms = 200;
        return;
    }
    str_addf(&p->result->out, "%s/shard-%d: closing, 8 segments\n", c->name, shard);
    if (p->w->broken && p->w->script.transient && c == &p->w->collections[0] && shard == p->w->fault_shard)
        p->w->reopened = true; /* it was but a stuck file handle */
    if (data_good(p, c, shard))
        str_addf(&p->result->out, "%s/shard-%d: open, %.0f points\n", c->name, shard, c->points[shard]);
    else
        fail(p, 1, "ctl: %s/shard-%d: segment 00017: read at offset %llu: Input/output error (os error 5)",
             c->name, shard, 73728 + 4096 * (unsigned long long)(p->w->seed % 64));
}

static void ctl_check(struct program *p, const struct collection *c, int shard)
{
    if (data_good(p, c, shard))
        str_addf(&p->result->out, "%s/shard-%d: ok, 8 of 8 segments readable\n", c->name, shard);
    else
        fail(p, 1, "ctl: %s/shard-%d: 1 of 8 segments unreadable: 00017: Input/output error", c->name, shard);
}

static void snapshots_write(struct program *p, const struct collection *c, int shard, int days)
{
    for (int day = 0; day < days; day++) {
        char text[CLOCK_TEXT_SIZE];
        clock_format(world_wall_us(p->w, c->snapshot_us) - day * WORLD_SNAPSHOT_S * US_PER_S, text);
        str_addf(&p->result->out, "s3://rag-snapshots/%s/shard-%d/%.16sZ.snapshot\n", c->name, shard, text);
    }
}

static void ctl_run(struct program *p)
{
    struct ctl c;
    if (!ctl_read(p, &c))
        return;
    const char *group = c.count > 0 ? c.words[0] : "", *verb = c.count > 1 ? c.words[1] : "";
    const struct collection *collection = world_collection(p->w, c.collection);
    const char *name = c.count > 2 ? c.words[2] : c.shard;
    int shard = collection && name ? world_shard(collection, name) : -1;
    bool index = strcmp(group, "index") == 0, snapshot = strcmp(group, "snapshot") == 0;
    if (!index && !snapshot) {
        fail(p, 2,
             "usage: ctl index reopen|check|count|missing SHARD [--collection NAME]\n"
             "       ctl snapshot latest|list --shard SHARD [--collection NAME]");
    } else if (!collection) {
        fail(p, 1, "ctl: no such collection: %s", c.collection);
    } else if (shard < 0) {
        fail(p, 1, "ctl: no such shard in %s: %s", c.collection, name ? name : "(none given)");
    } else if (index && strcmp(verb, "reopen") == 0) {
        ctl_reopen(p, collection, shard);
    } else if (index && strcmp(verb, "check") == 0) {
        ctl_check(p, collection, shard);
    } else if (index && strcmp(verb, "missing") == 0) {
        str_addf(&p->result->out, "%.0f\n", documents_missing(p, collection, shard));
    } else if (index && strcmp(verb, "count") == 0) {
        str_addf(&p->result->out, "%.0f\n", data_good(p, collection, shard) ? collection->points[shard] : 0);
    } else if (snapshot && (strcmp(verb, "latest") == 0 || strcmp(verb, "list") == 0)) {
        snapshots_write(p, collection, shard, strcmp(verb, "list") == 0 ? world_snapshots(p->w) : 1);
    } else {
        fail(p, 2, "ctl: unknown command: %s %s", group, verb);
    }
}

/* ---- curl ---- */

struct curl {
    const char *url, *method, *format;
    struct str body;
    bool fail_on_error, get, discard, headers;
};

static void body_add(struct curl *c, const char *text, bool encode)
{
    const char *equal = strchr(text, '=');
    if (c->body.len > 0)
        str_add_char(&c->body, '&');
    if (!encode) {
        str_add(&c->body, text);
        return;
    }
    size_t name = equal ? (size_t)(equal - text) + 1 : 0;
    str_add_bytes(&c->body, text, name);
    for (const char *p = text + name; *p; p++) {
        if (isalnum((unsigned char)*p) || strchr("-._~", *p))
            str_add_char(&c->body, *p);
        else
            str_addf(&c->body, "%%%02X", (unsigned char)*p);
    }
}

/* Takes one option, which begins at *word; moves *word over its value. */
static bool curl_option(struct program *p, struct curl *c, char *const **word)
{
    static const char *const with_value[] = {
        "-X", "--request",  "-H", "--header", "-d", "--data",      "--data-raw",        "--data-urlencode",
        "-m", "--max-time", "-o", "--output", "-w", "--write-out", "--connect-timeout", "--retry"};
    const char *option = **word, *value = NULL;
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++) {
        if (strcmp(option, with_value[i]) != 0)
            continue;
        value = (*word)[1];
        if (!value) {
            fail(p, 2, "curl: option %s: requires parameter", option);
            return false;
        }
        ++*word;
    }
    if (strcmp(option, "-X") == 0 || strcmp(option, "--request") == 0)
        c->method = value;
    else if (strcmp(option, "-d") == 0 || str_starts(option, "--data"))
        body_add(c, value, strcmp(option, "--data-urlencode") == 0);
    else if (strcmp(option, "-o") == 0 || strcmp(option, "--output") == 0)
        c->discard = strcmp(value, "/dev/null") == 0;
    else if (strcmp(option, "-w") == 0 || strcmp(option, "--write-out") == 0)
        c->format = value;
    else if (strcmp(option, "--get") == 0)
        c->get = true;
    else if (strcmp(option, "--fail") == 0)
        c->fail_on_error = true;
    else if (!value && option[1] != '-' && strspn(option + 1, "fsSGkLgi") == strlen(option + 1)) {
        c->fail_on_error |= strchr(option, 'f') != NULL;
        c->get |= strchr(option, 'G') != NULL;
        c->headers |= strchr(option, 'i') != NULL;
    } else if (!value && strcmp(option, "--silent") != 0 && strcmp(option, "--show-error") != 0) {
        fail(p, 2, "curl: option %s: is unknown", option);
        return false;
    }
    return true;
}

/* Does a service of this name, or the pod itself for localhost, serve that path? */
static bool served(const struct program *p, const char *host, const char *path)
{
    static const char *const of_service[] = {"/ask", "/mode", "/documents"};
    bool local = strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0;
    const char *app = local ? object_label(p->pod, "app") : host;
    if (!app)
        return false;
    if (strcmp(path, "/metrics") == 0 || str_ends(path, "z"))
        return true;
    if (str_starts(app, "vectorstore") || strstr(app, "-shard-"))
        return str_starts(path, "/collections") || strcmp(path, "/") == 0 || strcmp(path, "/cluster") == 0;
    for (size_t i = 0; i < sizeof of_service / sizeof *of_service; i++)
        if (strcmp(path, of_service[i]) == 0)
            return str_starts(app, "rag-api");
    return str_starts(app, "rag-api") && str_starts(path, "/providers/");
}

static void headers_write(struct program *p, const struct answer *a)
{
    str_addf(&p->result->out, "HTTP/1.1 %d\r\nContent-Type: %s\r\n", a->status, a->type);
    if (a->retry_after_s > 0)
        str_addf(&p->result->out, "Retry-After: %d\r\n", a->retry_after_s);
    str_add(&p->result->out, "\r\n");
}

static void curl_answer(struct program *p, const struct curl *c, const char *path, const char *query)
{
    struct request r = {.method = c->method                    ? c->method
                                  : c->body.len > 0 && !c->get ? "POST"
                                                               : "GET",
                        .path = path,
                        .query = c->get && c->body.len > 0 ? str_text(&c->body) : query,
                        .body = c->get ? "" : str_text(&c->body),
                        .body_length = c->get ? 0 : c->body.len,
                        .pod = str_eq(object_label(p->pod, "app"), "rag-api") ? p->pod : NULL};
    struct answer a = {0};
    route(p->w, &r, &a);
    if (a.status >= 400 && c->fail_on_error)
        fail(p, 22, "curl: (22) The requested URL returned error: %d", a.status);
    else if (!c->discard) {
        if (c->headers)
            headers_write(p, &a);
        str_add(&p->result->out, str_text(&a.body));
    }
    if (c->format) { /* %{http_code} alone is what runbooks ask for */
        const char *code = strstr(c->format, "%{http_code}");
        str_add_bytes(&p->result->out, c->format, code ? (size_t)(code - c->format) : strlen(c->format));
        if (code)
            str_addf(&p->result->out, "%d%s", a.status, code + strlen("%{http_code}"));
    }
    str_fini(&a.body);
}

static void curl_run(struct program *p)
{
    struct curl c = {0};
    for (char *const *word = p->argv + 1; *word; word++) {
        if (**word != '-')
            c.url = *word;
        else if (!curl_option(p, &c, &word))
            goto out;
    }
    char host[128], path[256] = "/";
    const char *rest = c.url && str_starts(c.url, "http://") ? c.url + strlen("http://") : c.url;
    if (!rest || !*rest) {
        fail(p, 2, "curl: (2) no URL specified");
        goto out;
    }
    size_t length = strcspn(rest, ":/");
    snprintf(host, sizeof host, "%.*s", (int)length, rest);
    const char *slash = strchr(rest, '/'), *query = strchr(rest, '?');
    if (slash)
        snprintf(path, sizeof path, "%.*s", (int)strcspn(slash, "?"), slash);
    bool local = strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0;
    if (!local && !cluster_find(p->w->cluster, "Service", host) &&
        !cluster_find(p->w->cluster, "Deployment", host))
        fail(p, 6, "curl: (6) Could not resolve host: %s", host);
    else if (!served(p, host, path))
        fail(p, 22, "curl: (22) The requested URL returned error: 404");
    else
        curl_answer(p, &c, path, query ? query + 1 : "");
out:
    str_fini(&c.body);
}

/* ---- sh -c, and the rest ---- */

/* Splits a plain command into words; NULL when it is more than that. */
static char **words_split(const char *text)
{
    char **words = NULL;
    struct str word = {0};
    bool open = false;
    for (const char *c = text; *c; c++) {
        if (*c == '\'' || *c == '"') {
            const char *end = strchr(c + 1, *c);
            if (!end)
                goto more;
            str_add_bytes(&word, c + 1, (size_t)(end - c - 1));
            open = true;
            c = end;
        } else if (*c == ' ') {
            if (open)
                strv_add(&words, str_text(&word));
            str_clear(&word);
            open = false;
        } else if (strchr("|&;<>()$`\\*?[#~\n", *c)) {
            goto more;
        } else {
            str_add_char(&word, *c);
            open = true;
        }
    }
    if (open)
        strv_add(&words, str_text(&word));
    str_fini(&word);
    return words;
more:
    str_fini(&word);
    strv_free(words);
    return NULL;
}

static bool program_run(struct program *p, int depth);

static void shell_run(struct program *p, int depth)
{
    char *const *argv = p->argv;
    char **words =
        argv[1] && strcmp(argv[1], "-c") == 0 && argv[2] && depth == 0 ? words_split(argv[2]) : NULL;
    if (!words) {
        fail(p, 2, "sh: the simulated shell runs one plain command: sh -c 'COMMAND ARGUMENT...'");
        return;
    }
    p->argv = words;
    if (!program_run(p, depth + 1))
        fail(p, 127, "sh: 1: %s: not found", words[0]);
    p->argv = argv;
    strv_free(words);
}

static bool program_run(struct program *p, int depth)
{
    const char *name = strrchr(p->argv[0], '/') ? strrchr(p->argv[0], '/') + 1 : p->argv[0];
    const char *app = object_label(p->pod, "app");
    if (strcmp(name, "sh") == 0 || strcmp(name, "bash") == 0)
        shell_run(p, depth);
    else if (strcmp(name, "curl") == 0)
        curl_run(p);
    else if (strcmp(name, "ctl") == 0 && app && strcmp(app, "vectorstore") == 0)
        ctl_run(p);
    else if (strcmp(name, "hostname") == 0)
        str_addf(&p->result->out, "%s\n", object_name(p->pod));
    else if (strcmp(name, "df") == 0)
        str_add(&p->result->out, "Filesystem      Size  Used Avail Use% Mounted on\n"
                                 "/dev/nvme1n1     98G   41G   57G  42% /qdrant/storage\n");
    else if (strcmp(name, "true") != 0)
        return false;
    return true;
}

bool pod_program(struct world *w, const cJSON *pod, char *const *argv, struct kubectl_call const *call,
                 struct kubectl_result *result)
{
    struct program p = {.w = w, .pod = pod, .argv = argv, .call = call, .result = result};
    return program_run(&p, 0);
}
