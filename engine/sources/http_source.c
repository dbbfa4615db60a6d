/* Sources of kind http and prometheus: one GET a poll. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/source.h"

struct http_state {
    struct source *source;
    struct http_call *call;
};

static void *state_open(struct source *s)
{
    struct http_state *state = xcalloc(1, sizeof *state);
    state->source = s;
    return state;
}

static void refuse_status(struct source *s, const struct http_result *r)
{
    struct failure f;
    failure_of_status(r->status, r->retry_after, clock_wall_us(), &f);
    if (r->status >= 300 && r->status < 400)
        source_refused(s, &f, "HTTP %d: it redirects to %.200s", r->status, r->location);
    else
        source_refused(s, &f, "HTTP %d%s", r->status,
                       f.class == FAILURE_AUTH ? ": check the credentials" : "");
}

static void on_done(void *data, struct http_result *r)
{
    struct http_state *state = data;
    struct source *s = state->source;
    state->call = NULL;
    if (r->error) {
        struct failure f;
        failure_of_error(r->error, r->connect_us > 0, r->reason, &f);
        source_refused(s, &f, "%s", r->reason);
        return;
    }
    if ((r->status < 200 || r->status >= 300) && !mapping_uses_status(source_mapping(s))) {
        refuse_status(s, r);
        return;
    }
    struct answer a = {.body = r->body,
                       .format = exposition_format_of(r->content_type),
                       .status = r->status,
                       .latency_us = r->total_us,
                       .bytes = r->received_bytes};
    r->body = (struct str){0};
    source_answered(s, &a, NULL, false);
}

static void state_poll(void *data)
{
    struct http_state *state = data;
    struct source *s = state->source;
    static const char *const accept[] = {
        [FORM_JSON] = "Accept: application/json",
        [FORM_EXPOSITION] =
            "Accept: text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
        [FORM_CSV] = "Accept: text/csv,text/plain;q=0.5,*/*;q=0.1",
        [FORM_NONE] = "Accept: */*",
    };
    const char *const *own = secrets_headers(source_secrets(s));
    size_t count = strv_count((char *const *)(uintptr_t)own);
    const char **headers = xcalloc(count + 2, sizeof *headers);
    headers[0] = accept[source_form(s)];
    for (size_t i = 0; i < count; i++)
        headers[i + 1] = own[i];
    struct http_request request = {.url = source_url(s),
                                   .headers = headers,
                                   .timeout_us = source_timeout_us(s),
                                   .ca_file = source_config(s)->ca,
                                   .done = on_done,
                                   .data = state};
    struct err e = {0};
    struct http *http = source_http(s);
    state->call = http ? http_start(http, &request, &e) : NULL;
    free(headers);
    if (!state->call) /* checked with the configuration: only a lack of memory or descriptors is left */
        source_failed(s, e.code, "%s", e.msg[0] ? e.msg : "cannot set up the HTTP client");
}

static void state_cancel(void *data)
{
    struct http_state *state = data;
    http_cancel(state->call);
    state->call = NULL;
}

static void state_close(void *data)
{
    free(data);
}

const struct source_kind kind_http = {
    .name = "http",
    .form = FORM_JSON,
    .check_url = http_url_check,
    .open = state_open,
    .poll = state_poll,
    .cancel = state_cancel,
    .close = state_close,
};

const struct source_kind kind_prometheus = {
    .name = "prometheus",
    .form = FORM_EXPOSITION,
    .check_url = http_url_check,
    .open = state_open,
    .poll = state_poll,
    .cancel = state_cancel,
    .close = state_close,
};
