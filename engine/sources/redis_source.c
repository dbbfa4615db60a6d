/* Sources of kind redis: keys found by SCAN, their type asked before anything is read, values read within
 * bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sources/redis_reading.h"
#include "engine/sources/redis_scan.h"
#include "engine/sources/source.h"

#define SCAN_STEPS  50           /* SCANs of one poll, of 1,000 keys each */
#define BATCH       100          /* keys asked for at a time */
#define SMALL_BYTES (256u << 10) /* a larger value is read only when its ends have changed */
#define END_BYTES   4096
#define POLL_BYTES  (32u << 20)  /* read in one poll */
#define POOL_BYTES  (256u << 10) /* more is parsed in the pool */

struct parse_job {
    struct redis_state *state; /* NULL: the source has gone */
    struct reading *readings;
    size_t count;
};

enum stage { STAGE_TYPES, STAGE_ENDS, STAGE_VALUES };

struct redis_state {
    struct source *source;
    struct redis *client;
    char *password; /* the client's */
    struct key_set keys;
    int64_t started_us;
    int steps;
    bool whole_pass, cut; /* this poll ended a pass; it left keys unread */
    char **due;
    size_t next_due;
    uint64_t read_bytes;
    struct reading *readings;
    size_t reading_count, waiting;
    enum stage stage;
    struct parse_job *job;
};

static void poll_clear(struct redis_state *t)
{
    strv_free(t->due);
    t->due = NULL;
    readings_free(t->readings, t->reading_count);
    t->readings = NULL;
    t->reading_count = t->waiting = 0;
}

/* The poll has failed. Answers still under way are dropped with their connection. */
static void poll_fail(struct redis_state *t, int code, const char *what, const char *why)
{
    redis_free(t->client);
    t->client = NULL;
    poll_clear(t);
    source_failed(t->source, code, "%s%s%.250s", what, *what ? ": " : "", why);
}

static void poll_finish(struct redis_state *t)
{
    char note[160] = "";
    size_t unread;
    struct answer a = {.root = key_set_rows(&t->keys, &unread),
                       .latency_us = loop_now_us(source_loop(t->source)) - t->started_us,
                       .bytes = t->read_bytes};
    if (t->keys.overflow)
        snprintf(note, sizeof note, "more than %d keys match %.60s: the rest is not looked at", KEY_LIMIT,
                 t->keys.pattern.glob);
    else if (!t->keys.complete)
        snprintf(note, sizeof note, "still looking through the database");
    else if (unread)
        snprintf(note, sizeof note, "%zu keys are not read yet", unread);
    a.incomplete = note[0];
    bool partial = !t->keys.complete || unread || t->cut;
    poll_clear(t);
    source_answered(t->source, &a, note, partial);
}

static bool time_is_up(const struct redis_state *t)
{
    return loop_now_us(source_loop(t->source)) - t->started_us > source_timeout_us(t->source) * 3 / 4;
}

/* ---- Reading keys ---- */

static void stage_next(struct redis_state *t);
static void batch_next(struct redis_state *t);

/* True when the answer can be looked at; *reading waits for one less. */
static bool answer_good(struct reading *r, const struct redis_reply *reply, const struct err *error)
{
    struct redis_state *t = r->state;
    if (!reply) {
        poll_fail(t, error->code, "", error->msg);
        return false;
    }
    t->waiting--;
    return true;
}

static void note_problem(struct reading *r, const struct redis_reply *reply, const char *what)
{
    if (reply->type == REDIS_ERROR)
        err_set(&r->problem, ERR_IO, "%s: %.120s", what, reply->text);
    else
        err_set(&r->problem, ERR_SYNTAX, "%s: an answer of the wrong shape", what);
}

static void on_type(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct reading *r = data;
    if (!answer_good(r, reply, error))
        return;
    if (reply->type == REDIS_STATUS)
        snprintf(r->type, sizeof r->type, "%s", reply->text);
    else
        note_problem(r, reply, "TYPE");
}

static void on_length(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct reading *r = data;
    struct redis_state *t = r->state;
    if (!answer_good(r, reply, error))
        return;
    if (reply->type == REDIS_INTEGER &&
        reply->integer >= 0) /* of another type it is an error, and TYPE says which */
        r->bytes = (uint64_t)reply->integer;
    if (!t->waiting)
        stage_next(t);
}

static void on_ends(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct reading *r = data;
    struct redis_state *t = r->state;
    if (!answer_good(r, reply, error))
        return;
    if (reply->type == REDIS_STRING)
        str_add_bytes(&r->ends, reply->text, reply->length);
    t->read_bytes += reply->length;
    if (!t->waiting)
        stage_next(t);
}

static void on_value(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct reading *r = data;
    struct redis_state *t = r->state;
    if (!answer_good(r, reply, error))
        return;
    t->read_bytes += reply->length;
    if (reply->type == REDIS_STRING)
        str_add_bytes(&r->raw, reply->text, reply->length);
    else if (reply->type == REDIS_NIL)
        r->gone = true;
    else
        note_problem(r, reply, "GET");
    if (!t->waiting)
        stage_next(t);
}

static void on_hash(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct reading *r = data;
    struct redis_state *t = r->state;
    if (!answer_good(r, reply, error))
        return;
    if (reply->type == REDIS_ARRAY && reply->item_count == 2 && reply->items[1].type == REDIS_ARRAY)
        reading_hash(r, &reply->items[1]);
    else
        note_problem(r, reply, "HSCAN");
    if (!t->waiting)
        stage_next(t);
}

/* words: a NULL-terminated command. */
static void ask(struct reading *r, redis_fn *fn, const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    r->state->waiting++;
    redis_command(r->state->client, count, words, NULL, source_timeout_us(r->state->source), fn, r);
}

static void ask_types(struct redis_state *t)
{
    for (size_t i = 0; i < t->reading_count; i++) {
        struct reading *r = &t->readings[i];
        ask(r, on_type, (const char *const[]){"TYPE", r->key, NULL});
        ask(r, on_length, (const char *const[]){"STRLEN", r->key, NULL});
    }
}

static void ask_ends(struct redis_state *t)
{
    for (size_t i = 0; i < t->reading_count; i++) {
        struct reading *r = &t->readings[i];
        r->ask_ends = !r->problem.code && str_eq(r->type, "string") && r->bytes > SMALL_BYTES;
        if (!r->ask_ends)
            continue;
        ask(r, on_ends, (const char *const[]){"GETRANGE", r->key, "0", "4095", NULL});
        ask(r, on_ends, (const char *const[]){"GETRANGE", r->key, "-4096", "-1", NULL});
    }
}

static void ask_string(struct redis_state *t, struct reading *r)
{
    const struct key_entry *entry = map_get(t->keys.entries, r->key);
    if (r->ask_ends) {
        r->print = checksum64(str_text(&r->ends), r->ends.len);
        r->unchanged = entry && entry->row && entry->bytes == r->bytes && entry->print == r->print;
    }
    uint64_t wanted = r->bytes > VALUE_LIMIT ? VALUE_PART_BYTES : r->bytes;
    r->skip = !r->unchanged && t->read_bytes + wanted > POLL_BYTES;
    t->cut |= r->skip;
    if (r->unchanged || r->skip)
        return;
    r->whole = r->bytes <= VALUE_LIMIT;
    /* The value may have grown since: the range bounds what comes. */
    char last[24];
    snprintf(last, sizeof last, "%u", r->whole ? VALUE_LIMIT - 1 : VALUE_PART_BYTES - 1);
    ask(r, on_value, (const char *const[]){"GETRANGE", r->key, "0", last, NULL});
}

static void ask_values(struct redis_state *t)
{
    for (size_t i = 0; i < t->reading_count; i++) {
        struct reading *r = &t->readings[i];
        if (r->problem.code)
            continue;
        if (str_eq(r->type, "none"))
            r->gone = true;
        else if (str_eq(r->type, "string"))
            ask_string(t, r);
        else if (str_eq(r->type, "hash"))
            ask(r, on_hash, (const char *const[]){"HSCAN", r->key, "0", "COUNT", "100", NULL});
        else
            err_set(&r->problem, ERR_UNSUPPORTED, "its type is %s: only strings and hashes are read",
                    r->type);
    }
}

/* ---- Parsing ---- */

/* What was read goes into the entries. */
static void keep(struct redis_state *t, struct reading *r)
{
    struct key_entry *entry = map_get(t->keys.entries, r->key);
    if (!entry || r->unchanged || r->skip)
        return;
    if (r->gone) {
        key_set_remove(&t->keys, r->key);
        return;
    }
    char part[96] = "";
    if (r->value && str_eq(r->type, "string") && !r->whole)
        snprintf(part, sizeof part, "of its %llu bytes only the first %u were read",
                 (unsigned long long)r->bytes, VALUE_PART_BYTES);
    const char *problem = r->problem.code ? r->problem.msg : *part ? part : NULL;
    cJSON_Delete(entry->row);
    entry->row = key_row(&t->keys.pattern, r->key, r->type, r->bytes, r->value, problem);
    entry->bytes = r->bytes;
    entry->print = r->print;
    r->value = NULL;
}

static void keep_all(struct redis_state *t)
{
    for (size_t i = 0; i < t->reading_count; i++)
        keep(t, &t->readings[i]);
    readings_free(t->readings, t->reading_count);
    t->readings = NULL;
    t->reading_count = 0;
    batch_next(t);
}

static void parse_work(void *data)
{
    struct parse_job *j = data;
    readings_parse(j->readings, j->count);
}

static void parse_done(void *data)
{
    struct parse_job *j = data;
    struct redis_state *t = j->state;
    if (t) {
        t->job = NULL;
        t->readings = j->readings;
        t->reading_count = j->count;
        keep_all(t);
    } else {
        readings_free(j->readings, j->count);
    }
    free(j);
}

static void parse_all(struct redis_state *t)
{
    size_t total = 0;
    for (size_t i = 0; i < t->reading_count; i++)
        total += t->readings[i].raw.len;
    if (total <= POOL_BYTES) {
        readings_parse(t->readings, t->reading_count);
        keep_all(t);
        return;
    }
    struct parse_job *j = xcalloc(1, sizeof *j);
    *j = (struct parse_job){t, t->readings, t->reading_count};
    t->readings = NULL;
    t->reading_count = 0;
    t->job = j;
    loop_work(source_loop(t->source), parse_work, parse_done, j);
}

/* Every answer of a stage is there. */
static void stage_next(struct redis_state *t)
{
    while (!t->waiting) {
        if (t->stage == STAGE_TYPES) {
            t->stage = STAGE_ENDS;
            ask_ends(t);
        } else if (t->stage == STAGE_ENDS) {
            t->stage = STAGE_VALUES;
            ask_values(t);
        } else {
            parse_all(t);
            return;
        }
    }
}

static void batch_next(struct redis_state *t)
{
    char **first = t->due ? t->due + t->next_due : NULL;
    if (!first || !*first || time_is_up(t)) {
        t->cut |= first && *first;
        poll_finish(t);
        return;
    }
    t->readings = xcalloc(BATCH, sizeof *t->readings);
    for (size_t i = 0; i < BATCH && first[i]; i++, t->next_due++) {
        t->readings[i] = (struct reading){.state = t, .key = xstrdup(first[i])};
        t->reading_count++;
    }
    t->stage = STAGE_TYPES;
    ask_types(t);
}

/* ---- Finding keys ---- */

static void scan_next(struct redis_state *t);

static void on_scan(void *data, const struct redis_reply *reply, const struct err *error)
{
    struct redis_state *t = data;
    if (!reply) {
        poll_fail(t, error->code, "", error->msg);
        return;
    }
    const struct redis_reply *cursor = reply->items;
    bool shaped = reply->type == REDIS_ARRAY && reply->item_count == 2 && cursor->type == REDIS_STRING &&
                  cursor->length < sizeof t->keys.cursor && reply->items[1].type == REDIS_ARRAY;
    if (!shaped) {
        poll_fail(t, ERR_IO, "SCAN",
                  reply->type == REDIS_ERROR ? reply->text : "an answer of the wrong shape");
        return;
    }
    for (size_t i = 0; i < reply->items[1].item_count; i++) {
        const struct redis_reply *key = &reply->items[1].items[i];
        if (key->type == REDIS_STRING)
            key_set_add(&t->keys, key->text, key->length);
    }
    snprintf(t->keys.cursor, sizeof t->keys.cursor, "%s", cursor->text);
    t->whole_pass = str_eq(t->keys.cursor, "0");
    if (t->whole_pass)
        key_set_end_pass(&t->keys);
    if (!t->whole_pass && ++t->steps < SCAN_STEPS && !time_is_up(t)) {
        scan_next(t);
        return;
    }
    t->due = key_set_due(&t->keys);
    batch_next(t);
}

static void scan_next(struct redis_state *t)
{
    const char *words[] = {"SCAN", t->keys.cursor, "MATCH", t->keys.pattern.glob, "COUNT", "1000"};
    redis_command(t->client, 6, words, NULL, source_timeout_us(t->source), on_scan, t);
}

/* ---- The kind ---- */

static void *state_open(struct source *s)
{
    struct redis_state *t = xcalloc(1, sizeof *t);
    t->source = s;
    return t;
}

static int client_open(struct redis_state *t, struct err *e)
{
    const char *password = secrets_password(source_secrets(t->source));
    if (t->client && str_eq(password, t->password))
        return 0;
    redis_free(t->client);
    free(t->password);
    t->password = xstrdup(password);
    t->client = redis_new(source_loop(t->source),
                          &(struct redis_options){.url = source_url(t->source),
                                                  .user = source_config(t->source)->user,
                                                  .password = password,
                                                  .timeout_us = source_timeout_us(t->source)},
                          e);
    return t->client ? 0 : e->code;
}

static void state_poll(void *data)
{
    struct redis_state *t = data;
    struct err e = {0};
    if ((!t->keys.entries && key_set_init(&t->keys, mapping_keys(source_mapping(t->source)), &e)) ||
        client_open(t, &e)) {
        source_failed(t->source, e.code, "%s", e.msg);
        return;
    }
    t->started_us = loop_now_us(source_loop(t->source));
    t->steps = 0;
    t->next_due = 0;
    t->read_bytes = 0;
    t->cut = false;
    scan_next(t);
}

static void state_cancel(void *data)
{
    struct redis_state *t = data;
    redis_free(t->client);
    t->client = NULL;
    if (t->job)
        t->job->state = NULL;
    t->job = NULL;
    poll_clear(t);
}

static void state_close(void *data)
{
    struct redis_state *t = data;
    key_set_fini(&t->keys);
    if (t->password)
        explicit_bzero(t->password, strlen(t->password));
    free(t->password);
    free(t);
}

const struct source_kind kind_redis = {
    .name = "redis",
    .form = FORM_JSON,
    .keys = true,
    .check_url = redis_url_check,
    .open = state_open,
    .poll = state_poll,
    .cancel = state_cancel,
    .close = state_close,
};
