#include "engine/targets/ask.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COMMAND_TIMEOUT_US (24 * 3600 * US_PER_S) /* of a command for which nobody says one */

struct ask {
    struct loop *loop;
    struct http *http;
    const struct config_tier *tier;
    const struct ask_question *question;
    const struct policy *policy;
    int64_t timeout_us, begun_us;
    struct secrets *secrets;
    struct http_call *call;
    struct process *process;
    struct loop_timer *timer; /* for what is known at once, and for secrets that don't come */
    struct ask_result result;
    void (*done)(void *data, struct ask_result *result);
    void *data;
};

static void ask_free(struct ask *a)
{
    loop_timer_free(a->timer);
    secrets_free(a->secrets);
    str_fini(&a->result.answer);
    free(a);
}

void ask_cancel(struct ask *a)
{
    if (!a)
        return;
    http_cancel(a->call);
    process_cancel(a->process);
    ask_free(a);
}

static void ask_end(struct ask *a)
{
    struct failure *f = &a->result.failure;
    if (a->timer)
        loop_timer_stop(a->timer);
    if (a->secrets)
        secrets_mask(a->secrets, f->text);
    if (a->policy && f->class != FAILURE_NONE && f->class != FAILURE_CANCELLED) {
        if (exit_list_has_class(&a->policy->permanent, f->class))
            f->class = FAILURE_PERMANENT;
        else if (exit_list_has_class(&a->policy->retry_on, f->class) && !failure_is_retried(f->class))
            f->class = FAILURE_TRANSIENT;
    }
    a->done(a->data, &a->result);
    ask_free(a);
}

/* ---- Over HTTP ---- */

static void on_answer(void *data, struct http_result *r)
{
    struct ask *a = data;
    struct failure *f = &a->result.failure;
    a->call = NULL;
    bool answered = !r->error && r->status >= 200 && r->status < 300;
    if (answered)
        ask_take(a->tier, str_text(&r->body), r->body.len, &a->result.answer, &a->result.cost, f);
    else if (r->status >= 300) /* whatever became of the rest */
        failure_of_http(r->status, r->retry_after, clock_wall_us(), str_text(&r->body), r->body.len, f);
    else
        failure_of_error(r->error, r->sent, r->reason, f);
    /* A 100 that is the last word, a 304 to who asked for no such thing: no failures, and no answers. */
    if (!answered && f->class == FAILURE_NONE)
        failure_of_error(ERR_SYNTAX, true, "it says that there is no answer", f);
    ask_end(a);
}

static bool has_header(const char *const *lines, const char *name)
{
    for (; lines && *lines; lines++)
        if (strncasecmp(*lines, name, strlen(name)) == 0 && (*lines)[strlen(name)] == ':')
            return true;
    return false;
}

/* What the secrets hold, and what a body needs besides. */
static char **headers_of(const struct ask *a, const struct str *body)
{
    const char *const *own = secrets_headers(a->secrets);
    const char *first = str_text(body) + strspn(str_text(body), " \t\r\n");
    char **lines = NULL;
    for (const char *const *line = own; line && *line; line++)
        strv_add(&lines, *line);
    if (body->len > 0 && !has_header(own, "Content-Type"))
        strv_add(&lines, *first == '{' || *first == '[' ? "Content-Type: application/json"
                                                        : "Content-Type: text/plain; charset=utf-8");
    strv_add(&lines, "Expect:"); /* no second of waiting before a large body */
    return lines;
}

static char *url_of(const struct ask *a)
{
    struct str url = {0};
    if (a->tier->asking == CONFIG_ASK_HTTP) {
        ask_expand(a->tier->url, a->question, true, &url);
    } else {
        str_add(&url, a->tier->url);
        while (url.len > 0 && url.data[url.len - 1] == '/')
            url.data[--url.len] = '\0';
        str_add(&url, "/chat/completions");
    }
    return str_take(&url);
}

static void send_request(struct ask *a)
{
    const struct config_tier *t = a->tier;
    struct err e = {0};
    struct str body = {0};
    bool bodyless = t->asking == CONFIG_ASK_HTTP && (str_eq(t->method, "GET") || str_eq(t->method, "HEAD"));
    int status = bodyless ? 0 : ask_body(t, a->question, &body, &e);
    char **headers = headers_of(a, &body), *url = url_of(a);
    int64_t left_us = a->timeout_us - (loop_now_us(a->loop) - a->begun_us);
    if (status == 0)
        a->call = http_start(a->http,
                             &(struct http_request){.method = bodyless || t->method ? t->method : "POST",
                                                    .url = url,
                                                    .headers = (const char *const *)headers,
                                                    .body = bodyless ? NULL : str_text(&body),
                                                    .body_length = body.len,
                                                    .timeout_us = left_us > US_PER_MS ? left_us : US_PER_MS,
                                                    .max_bytes = ASK_ANSWER_LIMIT,
                                                    .fresh = true,
                                                    .ca_file = t->ca,
                                                    .done = on_answer,
                                                    .data = a},
                             &e);
    for (char **line = headers; *line; line++)
        explicit_bzero(*line, strlen(*line));
    strv_free(headers);
    free(url);
    str_fini(&body);
    if (!a->call) {
        failure_of_error(e.code, false, e.msg, &a->result.failure);
        ask_end(a);
    }
}

static void on_secrets(void *data, const struct err *error)
{
    struct ask *a = data;
    loop_timer_stop(a->timer);
    if (!error) {
        send_request(a);
        return;
    }
    failure_of_error(ERR_USAGE, false, error->msg, &a->result.failure);
    ask_end(a);
}

/* ---- A command ---- */

static char **environment_of(const struct config_tier *t, const char *id)
{
    extern char **environ;
    char **env = NULL, *line = xasprintf("BELAY_ID=%s", id ? id : "");
    for (char **entry = environ; entry && *entry; entry++) {
        bool replaced = false;
        for (char *const *added = t->env; added && *added && !replaced; added++)
            replaced = strncmp(*added, *entry, strcspn(*entry, "=") + 1) == 0;
        if (!replaced && !str_starts(*entry, "BELAY_ID="))
            strv_add(&env, *entry);
    }
    for (char *const *added = t->env; added && *added; added++)
        strv_add(&env, *added);
    if (id)
        strv_add(&env, line);
    free(line);
    return env;
}

void failure_of_process(char *const *argv, const struct process_result *r, const struct policy *policy,
                        struct failure *f)
{
    bool started = r->error == ERR_TIMED_OUT || r->error == ERR_RANGE || r->exit_status >= 0 || r->signal > 0;
    if (r->error)
        failure_of_error(started ? r->error : ERR_USAGE, started, r->reason, f);
    else
        failure_of_exit(exit_table_for(argv), r->exit_status, r->signal, policy ? &policy->retry_on : NULL,
                        policy ? &policy->permanent : NULL, f);
}

static void on_ended(void *data, struct process_result *r)
{
    struct ask *a = data;
    struct failure *f = &a->result.failure;
    a->process = NULL;
    a->result.exit_status = r->exit_status;
    failure_of_process(a->tier->command, r, a->policy, f);
    if (f->class == FAILURE_NONE) {
        a->result.answer = r->out;
        r->out = (struct str){0};
    }
    ask_end(a);
}

static void run_command(struct ask *a)
{
    char **env = environment_of(a->tier, a->question->id);
    a->process = process_start(
        a->loop, &(struct process_request){.argv = a->tier->command,
                                           .env = env,
                                           .input = a->question->input ? a->question->input : "",
                                           .input_length = a->question->length,
                                           .timeout_us = a->timeout_us,
                                           .max_out = ASK_ANSWER_LIMIT,
                                           .done = on_ended,
                                           .data = a});
    strv_free(env);
}

/* ---- Both ---- */

static void on_timer(void *data)
{
    struct ask *a = data;
    failure_of_error(ERR_TIMED_OUT, false, "its secrets did not come in time", &a->result.failure);
    ask_end(a);
}

static void on_ready(void *data)
{
    send_request(data);
}

/* The tier's headers, a chat's key among them. */
static struct secrets *secrets_of(const struct config_tier *t)
{
    struct config_header *all = xcalloc(t->header_count + 1, sizeof *all);
    static char authorization[] = "Authorization", bearer[] = "Bearer ";
    size_t count = t->header_count;
    if (count > 0)
        memcpy(all, t->headers, count * sizeof *all);
    if (t->key)
        all[count++] = (struct config_header){.name = authorization, .secret = t->key, .prefix = bearer};
    struct secrets *s = secrets_new(all, count, NULL, NULL);
    free(all);
    return s;
}

struct ask *ask_start(struct loop *l, struct http *http, const struct config_tier *tier,
                      const struct ask_question *question, const struct policy *policy, int64_t timeout_ms,
                      void (*done)(void *data, struct ask_result *result), void *data)
{
    struct ask *a = xcalloc(1, sizeof *a);
    bool command = tier->asking == CONFIG_ASK_COMMAND;
    int64_t asked_us = timeout_ms * US_PER_MS, own_us = tier->timeout_us;
    *a = (struct ask){.loop = l,
                      .http = http,
                      .tier = tier,
                      .question = question,
                      .policy = policy,
                      .timeout_us = asked_us,
                      .begun_us = loop_now_us(l),
                      .result = {.exit_status = -1, .cost = NAN},
                      .done = done,
                      .data = data};
    if (own_us > 0 && (asked_us <= 0 || own_us < asked_us))
        a->timeout_us = own_us;
    if (a->timeout_us <= 0)
        a->timeout_us = command ? COMMAND_TIMEOUT_US : ASK_TIMEOUT_US;
    if (command) {
        run_command(a);
        return a;
    }
    a->secrets = secrets_of(tier);
    if (secrets_ready(a->secrets, loop_now_us(l))) {
        a->timer = loop_timer_new(l, on_ready, a);
        loop_timer_start(a->timer, 0, 0);
    } else {
        a->timer = loop_timer_new(l, on_timer, a);
        loop_timer_start(a->timer, a->timeout_us, 0);
        secrets_resolve(a->secrets, l, on_secrets, a);
    }
    return a;
}
