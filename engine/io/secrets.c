#include "engine/io/secrets.h"

#include <stdlib.h>
#include <string.h>

#define FRESH_US (60 * US_PER_S)

struct header {
    char *name, *text; /* text NULL: the value is a secret */
    char *prefix;
    char *reference;
};

/* What the pool works on: copies only, so that nothing else has to live meanwhile. */
struct job {
    struct secrets *owner; /* NULL: nobody waits */
    char **references, **values;
    struct err error;
    void (*done)(void *data, const struct err *error);
    void *data;
    struct loop *loop;
};

struct secrets {
    VEC(struct header) headers;
    char *user, *password_reference;
    char **lines;  /* of headers, resolved */
    char **values; /* of the references among them */
    char *password;
    bool resolved;
    int64_t resolved_us;
    struct job *job;
};

static void wipe(char **texts)
{
    for (char **text = texts; text && *text; text++)
        explicit_bzero(*text, strlen(*text));
    strv_free(texts);
}

static void forget_values(struct secrets *s)
{
    wipe(s->lines);
    wipe(s->values);
    s->lines = s->values = NULL;
    if (s->password)
        explicit_bzero(s->password, strlen(s->password));
    free(s->password);
    s->password = NULL;
    s->resolved = false;
}

/* RFC 4648 */
static void base64_add(struct str *out, const char *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned group = (unsigned)(unsigned char)bytes[i] << 16;
        group |= left > 1 ? (unsigned)(unsigned char)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? (unsigned char)bytes[i + 2] : 0;
        str_add_char(out, digits[group >> 18]);
        str_add_char(out, digits[group >> 12 & 63]);
        str_add_char(out, left > 1 ? digits[group >> 6 & 63] : '=');
        str_add_char(out, left > 2 ? digits[group & 63] : '=');
    }
}

static void authorization_add(struct secrets *s)
{
    struct str login = {0}, line = {0};
    str_addf(&login, "%s:%s", s->user, s->password ? s->password : "");
    str_add(&line, "Authorization: Basic ");
    base64_add(&line, login.data, login.len);
    strv_add(&s->lines, line.data);
    explicit_bzero(login.data, login.len);
    explicit_bzero(line.data, line.len);
    str_fini(&login);
    str_fini(&line);
}

/* values: of the references, in order; NULL when there are none. */
static void use_values(struct secrets *s, char *const *values)
{
    size_t next = 0;
    forget_values(s);
    s->values = strv_copy(values);
    for (size_t i = 0; i < s->headers.len; i++) {
        const struct header *h = &s->headers.data[i];
        const char *value = h->reference ? values[next++] : h->text;
        char *line = xasprintf("%s: %s%s", h->name, h->prefix ? h->prefix : "", value);
        strv_add(&s->lines, line);
        explicit_bzero(line, strlen(line));
        free(line);
    }
    if (s->password_reference)
        s->password = xstrdup(values[next]);
    if (s->user)
        authorization_add(s);
    s->resolved = true;
}

struct secrets *secrets_new(const struct config_header *headers, size_t count, const char *user,
                            const char *password)
{
    struct secrets *s = xcalloc(1, sizeof *s);
    bool references = password != NULL;
    for (size_t i = 0; i < count; i++) {
        const struct config_header *h = &headers[i];
        *vec_push(&s->headers) = (struct header){xstrdup(h->name), xstrdup(h->secret ? NULL : h->value),
                                                 xstrdup(h->prefix), xstrdup(h->secret)};
        references |= h->secret != NULL;
    }
    s->user = xstrdup(user);
    s->password_reference = xstrdup(password);
    if (!references) {
        use_values(s, NULL);
        s->resolved_us = INT64_MAX / 2;
    }
    return s;
}

void secrets_free(struct secrets *s)
{
    if (!s)
        return;
    if (s->job)
        s->job->owner = NULL;
    forget_values(s);
    for (size_t i = 0; i < s->headers.len; i++) {
        struct header *h = &s->headers.data[i];
        free(h->name);
        free(h->text);
        free(h->prefix);
        free(h->reference);
    }
    vec_fini(&s->headers);
    free(s->user);
    free(s->password_reference);
    free(s);
}

bool secrets_ready(const struct secrets *s, int64_t now_us)
{
    return s->resolved && now_us - s->resolved_us < FRESH_US;
}

void secrets_forget(struct secrets *s)
{
    if (s->resolved_us != INT64_MAX / 2)
        s->resolved = false;
}

/* In the pool. */
static void resolve_work(void *data)
{
    struct job *j = data;
    for (char **reference = j->references; *reference && !j->error.code; reference++) {
        struct str value = {0};
        if (config_secret_resolve(*reference, &value, &j->error) == 0)
            strv_add(&j->values, str_text(&value));
        if (value.data)
            explicit_bzero(value.data, value.len);
        str_fini(&value);
    }
}

static void resolve_done(void *data)
{
    struct job *j = data;
    struct secrets *s = j->owner;
    if (s) {
        s->job = NULL;
        if (!j->error.code) {
            use_values(s, j->values);
            s->resolved_us = loop_now_us(j->loop);
        }
        j->done(j->data, j->error.code ? &j->error : NULL);
    }
    wipe(j->values);
    strv_free(j->references);
    free(j);
}

void secrets_resolve(struct secrets *s, struct loop *l, void (*done)(void *data, const struct err *error),
                     void *data)
{
    struct job *j = xcalloc(1, sizeof *j);
    *j = (struct job){.owner = s, .done = done, .data = data, .loop = l};
    for (size_t i = 0; i < s->headers.len; i++)
        if (s->headers.data[i].reference)
            strv_add(&j->references, s->headers.data[i].reference);
    if (s->password_reference)
        strv_add(&j->references, s->password_reference);
    s->job = j;
    loop_work(l, resolve_work, resolve_done, j);
}

const char *const *secrets_headers(const struct secrets *s)
{
    return (const char *const *)s->lines;
}

const char *secrets_password(const struct secrets *s)
{
    return s->password;
}

#define MASK "***"

void secrets_mask(const struct secrets *s, char *text)
{
    for (char *const *value = s->values; value && *value; value++) {
        size_t length = strlen(*value);
        char *at = length >= sizeof MASK - 1 ? strstr(text, *value) : NULL; /* a shorter one is in any text */
        for (; at; at = strstr(at, *value)) {
            memcpy(at, MASK, sizeof MASK - 1);
            at += sizeof MASK - 1;
            memmove(at, at + length - (sizeof MASK - 1), strlen(at + length - (sizeof MASK - 1)) + 1);
        }
    }
}
