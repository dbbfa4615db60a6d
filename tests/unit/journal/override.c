/* Breakers overridden by hand, as the journal remembers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/journal/journal.h"

#define NOW_US (1000000 * US_PER_S)

static void take(struct overrides *all, const char *name, const char *state, int64_t until_us,
                 const char *reason)
{
    struct event_draft draft;
    struct draft_texts texts;
    struct err e = {0};
    if (override_draft(name, state, NOW_US, until_us, reason, 7, &draft, &texts, &e) < 0)
        fail_msg("%s", e.msg);
    struct event event = {.kind = draft.kind,
                          .at_us = NOW_US,
                          .actor = (char *)(uintptr_t) "alice",
                          .subject = (char *)(uintptr_t)draft.subject,
                          .data = (char *)(uintptr_t)draft.data,
                          .incident = draft.incident};
    overrides_take(all, &event);
    draft_texts_fini(&texts);
}

static const struct override *found(const struct overrides *all, const char *name)
{
    for (size_t i = 0; i < all->len; i++)
        if (strcmp(all->data[i].name, name) == 0)
            return &all->data[i];
    return NULL;
}

static void the_last_word_counts(void **state)
{
    (void)state;
    struct overrides all = {0};
    take(&all, "pay-api", "FORCED_OPEN", NOW_US + 60 * US_PER_S, "drill");
    take(&all, "source/api", "DISABLED", 0, "noisy");
    assert_int_equal(all.len, 2);
    const struct override *o = found(&all, "pay-api");
    assert_string_equal(o->state, "FORCED_OPEN");
    assert_string_equal(o->who, "alice");
    assert_string_equal(o->reason, "drill");
    assert_int_equal(o->until_us, NOW_US + 60 * US_PER_S);
    assert_int_equal(o->incident, 7);
    take(&all, "pay-api", "METRICS_ONLY", 0, "looking");
    assert_int_equal(all.len, 2);
    assert_string_equal(found(&all, "pay-api")->state, "METRICS_ONLY");
    assert_int_equal(found(&all, "pay-api")->until_us, 0);
    take(&all, "pay-api", NULL, 0, NULL);
    assert_null(found(&all, "pay-api"));
    assert_non_null(found(&all, "source/api"));
    overrides_fini(&all);
}

static void a_reason_and_a_sensible_end_are_asked_for(void **state)
{
    (void)state;
    struct event_draft draft;
    struct draft_texts texts;
    struct err e;
    assert_int_equal(override_draft("x", "DISABLED", NOW_US, 0, NULL, 0, &draft, &texts, &e), ERR_USAGE);
    draft_texts_fini(&texts);
    assert_int_equal(override_draft("x", "DISABLED", NOW_US, 0, "  ", 0, &draft, &texts, &e), ERR_USAGE);
    draft_texts_fini(&texts);
    assert_int_equal(override_draft("x", "DISABLED", NOW_US, NOW_US, "y", 0, &draft, &texts, &e), ERR_USAGE);
    draft_texts_fini(&texts);
    assert_int_equal(
        override_draft("x", "DISABLED", NOW_US, NOW_US + 2 * OVERRIDE_LONGEST_US, "y", 0, &draft, &texts, &e),
        ERR_USAGE);
    draft_texts_fini(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(a_reason_and_a_sensible_end_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
