/* room: config */
/* The configuration: any bytes are read, or refused with at least one finding that has a place. What is read
 * can be read again to the same, and no message carries what a terminal would act on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_finding(const struct config_finding *f)
{
    must(f->line >= 1 && f->column >= 1);
    must(utf8_valid(f->message, strlen(f->message), NULL));
    for (const char *p = f->message; *p; p++)
        must((unsigned char)*p >= 0x20 && *p != 0x7F);
}

static void check_config(const struct config *c)
{
    must(c->platform && *c->platform && !strchr(c->platform, '/') && c->platform[0] != '.');
    must(c->journal != CONFIG_JOURNAL_SHARED || c->journal_folder[0] == '/');
    for (size_t i = 0; i < c->source_count; i++) {
        const struct config_source *s = &c->sources[i];
        must(s->name && s->kind && !(s->url && s->command)); /* the kind says which of them it needs */
        must(s->every_us >= 100 * US_PER_MS && s->timeout_us >= 10 * US_PER_MS);
        must(!s->password || config_secret_is_reference(s->password));
        for (size_t j = 0; j < s->header_count; j++)
            must((s->headers[j].value == NULL) != (s->headers[j].secret == NULL));
        for (size_t j = 0; j < i; j++)
            must(strcmp(s->name, c->sources[j].name) != 0);
    }
    for (size_t i = 0; i < c->chain_count; i++) {
        struct config_tier_at tiers[CONFIG_CHAIN_TIERS];
        size_t count = config_chain_tiers(c, &c->chains[i], tiers);
        must(count >= 1 && count <= CONFIG_CHAIN_TIERS);
        for (size_t j = 0; j < count; j++) {
            const struct config_tier *t = tiers[j].tier;
            must(t->name && tiers[j].own && tiers[j].chain->name && t->asking != CONFIG_ASK_CHAIN);
            must((t->asking == CONFIG_ASK_COMMAND) == (t->command != NULL));
            must((t->asking == CONFIG_ASK_CHAT) == (t->model != NULL));
            must(!t->key || config_secret_is_reference(t->key));
        }
        must(config_policy_find(c, c->chains[i].policy ? c->chains[i].policy : "default") != NULL);
    }
    char *folder = config_state_folder(c);
    must(folder[0] == '/');
    free(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_findings findings = {0};
    struct err e = {0};
    struct config *c = config_parse((const char *)data, size, "f", "/conf", &findings, &e);
    must((c == NULL) == (findings.errors > 0));
    must(c || (e.code < 0 && e.msg[0]));
    for (size_t i = 0; i < findings.len; i++)
        check_finding(&findings.data[i]);
    if (c)
        check_config(c);
    config_free(c);
    config_findings_fini(&findings);
    return 0;
}
