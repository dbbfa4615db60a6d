/* A state database of its own in a folder of /tmp, and one breaker in it. */
#ifndef BELAY_TESTS_STATE_RIG_H
#define BELAY_TESTS_STATE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/targets/database.h"

#define NAME "pay-api"

static inline char *scratch(void)
{
    char *folder = xstrdup("/tmp/belay-targets-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static inline void done(char *folder)
{
    assert_int_equal(folder_remove(folder, NULL), 0);
    free(folder);
}

static inline struct targets *open_in(const char *folder)
{
    struct targets *t = NULL;
    struct err e = {0};
    if (targets_open(folder, false, false, &t, &e) < 0)
        fail_msg("%s", e.msg);
    return t;
}

static inline int admit(struct targets *t, struct target_admission *a, struct breaker_refusal *refusal)
{
    struct breaker_rules rules = breaker_rules_default();
    struct err e = {0};
    int code = target_admit(t, NAME, &rules, a, refusal, NULL, &e);
    if (code < 0)
        fail_msg("%s", e.msg);
    return code;
}

static inline void resolve(struct targets *t, struct target_admission *a, enum breaker_result result)
{
    struct breaker_rules rules = breaker_rules_default();
    struct err e = {0};
    if (target_resolve(t, NAME, &rules, a, result, 5, 0, 0, &e) < 0)
        fail_msg("%s", e.msg);
}

static inline void call(struct targets *t, enum breaker_result result)
{
    struct target_admission a;
    assert_int_equal(admit(t, &a, NULL), 1);
    assert_int_equal(a.lease, -1);
    resolve(t, &a, result);
}

static inline void trip(struct targets *t)
{
    for (int i = 0; i < 5; i++)
        call(t, BREAKER_FAILURE);
}

static inline struct target_view view_of(struct targets *t, const char *name)
{
    struct target_view *views, found = {.name = ""};
    size_t count;
    struct err e = {0};
    if (targets_read(t, &views, &count, &e) < 0)
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < count; i++)
        if (str_eq(views[i].name, name))
            found = views[i];
    free(views);
    assert_string_equal(found.name, name);
    return found;
}

#endif
