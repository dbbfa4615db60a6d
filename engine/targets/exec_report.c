/* What is said of an operation: lines for a log, JSON for a script. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/targets/exec_drive.h"

void exec_time_text(int64_t ms, char text[static EXEC_TIME_SIZE])
{
    if (ms < 1000)
        snprintf(text, EXEC_TIME_SIZE, "%lldms", (long long)ms);
    else if (ms < 60000 && ms % 1000 >= 50)
        snprintf(text, EXEC_TIME_SIZE, "%lld.%llds", (long long)((ms + 50) / 1000),
                 (long long)((ms + 50) % 1000 / 100));
    else
        duration_format(ms * US_PER_MS, text);
}

void exec_say(const struct exec_plan *plan, const char *format, ...)
{
    struct str text = {0}, line = {0};
    va_list args;
    va_start(args, format);
    str_addv(&text, format, args);
    va_end(args);
    str_add(&line, "belay exec: ");
    if (plan && plan->name[0]) {
        utf8_clean(&line, plan->name, strlen(plan->name), false);
        str_add(&line, ": ");
    }
    utf8_clean(&line, str_text(&text), text.len, false);
    str_add_char(&line, '\n');
    file_write_all(STDERR_FILENO, line.data, line.len, NULL);
    str_fini(&text);
    str_fini(&line);
}

static void add_number(struct str *out, const char *key, double value)
{
    char text[NUMBER_TEXT_SIZE];
    number_format(value, text);
    str_addf(out, ",\"%s\":%s", key, isfinite(value) ? text : "null");
}

static void add_text(struct str *out, const char *key, const char *text)
{
    struct str clean = {0};
    utf8_clean(&clean, text, strlen(text), false);
    str_addf(out, ",\"%s\":", key);
    json_quote(out, str_text(&clean));
    str_fini(&clean);
}

static void add_durations(struct str *out, const struct exec_record *r)
{
    str_add(out, ",\"durations\":[");
    for (size_t i = 0; i < r->made.len; i++)
        str_addf(out, "%s%lld", i ? "," : "", (long long)r->made.data[i].took_ms);
    str_add(out, "]");
}

static void add_refusals(struct str *out, const struct exec_record *r, const struct exec_plan *plan)
{
    str_add(out, ",\"refusals\":[");
    for (size_t i = 0; i < r->refused.len; i++) {
        const struct exec_refused *refused = &r->refused.data[i];
        str_add(out, i ? ",{\"tier\":" : "{\"tier\":");
        json_quote(out, plan->tiers[refused->tier].name);
        add_text(out, "target", plan->tiers[refused->tier].target);
        add_text(out, "state", breaker_state_text(refused->state));
        add_text(out, "reason", chain_skip_text(refused->why));
        add_number(out, "retry_after_ms",
                   refused->retry_after_ms < 0 ? NAN : (double)refused->retry_after_ms);
        add_text(out, "last_error", refused->last_error);
        str_add(out, "}");
    }
    str_add(out, "]");
}

static void add_failures(struct str *out, const struct exec_record *r, const struct exec_plan *plan)
{
    bool first = true;
    str_add(out, ",\"failures\":[");
    for (size_t i = 0; i < r->made.len; i++) {
        const struct exec_made *made = &r->made.data[i];
        if (made->failure.class == FAILURE_NONE)
            continue;
        str_addf(out, "%s{\"attempt\":%zu", first ? "" : ",", i + 1);
        add_text(out, "tier", plan->tiers[made->tier].name);
        add_text(out, "class", failure_class_text(made->failure.class));
        add_text(out, "text", made->failure.text);
        str_add(out, "}");
        first = false;
    }
    str_add(out, "]");
}

void exec_record_json(const struct exec_record *r, const struct exec_plan *plan, int exit_status,
                      struct str *out)
{
    bool served = r->outcome == CHAIN_SERVED;
    str_addf(out, "{\"outcome\":\"%s\"", chain_outcome_text(r->outcome));
    add_text(out, "name", plan->name);
    str_addf(out, ",\"exit\":%d,\"attempts\":%zu,\"tier\":", exit_status, r->made.len);
    if (served)
        json_quote(out, plan->tiers[r->tier].name);
    else
        str_add(out, "null");
    add_number(out, "accuracy", served ? plan->tiers[r->tier].accuracy : NAN);
    add_number(out, "cost", r->cost);
    add_number(out, "duration_ms", (double)r->took_ms);
    add_durations(out, r);
    add_refusals(out, r, plan);
    add_failures(out, r, plan);
    add_text(out, "message", str_text(&r->message));
    str_add(out, "}\n");
}
