/* Whether steps outlive a login: judged from facts, so that every kind of system can be tried here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/execute/lifetime.h"

static void each_kind_of_system(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct lifetime_facts facts;
        bool outlives, use_scope;
        const char *text;
    } rows[] = {
        {"no systemd", {0}, true, false, ""},
        {"a service or cron", {.logind = true, .kills = true}, true, false, ""},
        {"Debian over SSH", {.logind = true, .session_scope = true}, true, false, ""},
        {"Debian over SSH, lingering",
         {.logind = true, .session_scope = true, .lingers = true},
         true,
         false,
         ""},
        {"kills, with a manager, lingering",
         {.logind = true, .session_scope = true, .kills = true, .scope_possible = true, .lingers = true},
         true,
         true,
         ""},
        {"kills, with a manager",
         {.logind = true, .session_scope = true, .kills = true, .scope_possible = true},
         false,
         true,
         "enable-linger ann"},
        {"kills, without a manager",
         {.logind = true, .session_scope = true, .kills = true},
         false,
         false,
         "KillUserProcesses"},
        {"a terminal below the user's manager",
         {.logind = true, .user_service = true},
         false,
         false,
         "enable-linger ann"},
        {"the same, lingering", {.logind = true, .user_service = true, .lingers = true}, true, false, ""},
        {"docker run -it", {.container_main = true}, false, false, "container"},
        {"a container with systemd", {.container_main = true, .logind = true}, false, false, "container"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lifetime_facts facts = rows[i].facts;
        struct execute_lifetime l;
        strcpy(facts.user, "ann");
        lifetime_judge(&facts, &l);
        if (l.outlives != rows[i].outlives || l.use_scope != rows[i].use_scope ||
            !strstr(l.text, rows[i].text) || (rows[i].text[0] == '\0') != (l.text[0] == '\0'))
            fail_msg("%s: outlives %d, scope %d, \"%s\"", rows[i].name, l.outlives, l.use_scope, l.text);
        assert_true(strlen(l.text) < sizeof l.text - 1);
    }
}

static bool kills(const char *text, const char *more, const char *user)
{
    struct logind_setting s = {.kills = true, .only = true, .excluded = strcmp(user, "root") == 0};
    logind_read(text, user, &s);
    logind_read(more, user, &s);
    return s.kills && s.only && !s.excluded;
}

static void logind_conf_is_read(void **state)
{
    (void)state;
    assert_true(kills("", "", "ann")); /* what upstream compiles in */
    assert_false(kills("", "", "root"));
    assert_false(kills("[Login]\n#KillUserProcesses=no\n", "", "ann")); /* what Debian does, and shows */
    assert_true(kills("#KillUserProcesses=no\n", "[Login]\nKillUserProcesses=yes\n", "ann"));
    assert_true(kills("KillUserProcesses=yes\n", "#KillUserProcesses=no\n", "ann"));
    assert_false(kills("KillUserProcesses=yes\n", "KillUserProcesses = off \r\n", "ann"));
    assert_false(kills("KillUserProcesses=yes\nKillOnlyUsers=bob eve\n", "", "ann"));
    assert_true(kills("KillUserProcesses=yes\nKillOnlyUsers=bob ann\n", "", "ann"));
    assert_true(kills("KillUserProcesses=yes\nKillOnlyUsers=bob\n", "KillOnlyUsers=\n", "ann"));
    assert_false(kills("KillUserProcesses=yes\nKillExcludeUsers=root\tann\n", "", "ann"));
    assert_true(kills("KillUserProcesses=yes\nKillExcludeUsers=anna\n", "", "ann"));
    assert_true(kills("KillUserProcesses=1\nKillExcludeUsers=\n", "", "root"));
}

static void this_system_is_judged(void **state)
{
    (void)state;
    struct execute_lifetime l;
    execute_lifetime(&l);
    assert_true(l.outlives ? l.text[0] == '\0' : l.text[0] != '\0');
    print_message("outlives %d, scope %d, \"%s\"\n", l.outlives, l.use_scope, l.text);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(each_kind_of_system),
        cmocka_unit_test(logind_conf_is_read),
        cmocka_unit_test(this_system_is_judged),
    };
    return cmocka_run_group_tests_name("execute.lifetime", all, NULL, NULL);
}
