/* Incidents in the console: the words behind `:`, closing with leftovers, mutes, the hand-over, status update
 * and copy view, and the text for the editor. */
#include "tests/unit/tui/theatre.h"
#include "tui/incident_verbs.h"
#include "tui/mute_words.h"

#define NOW STAGE_WALL

static char **split_words(const char *text)
{
    char **words = xcalloc(1, sizeof *words), *copy = xstrdup(text), *rest = copy;
    for (char *word; (word = strsep(&rest, "|"));) {
        if (*word != '\0') {
            strv_add(&words, word);
        }
    }
    free(copy);
    return words;
}

static int build(const char *verb, const char *text, struct incident_call *call, char ***kept, struct err *e)
{
    struct words w;
    *kept = split_words(text);
    *call = (struct incident_call){0};
    int code = words_parse(&w, *kept, incident_options, e);
    return code < 0 ? code : incident_call_build(call, incident_verb_find(verb), &w, NOW, e);
}

static void test_words_of_verbs(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *words;
        int64_t incident;
        const char *text, *second; /* role, severity, field, owner */
        int64_t action;
    } good[] = {
        {"note", "customers|called", 0, "customers called", NULL, 0},
        {"note", "INC-7|called", 7, "called", NULL, 0},
        {"note", "7|of|them", 0, "7 of them", NULL, 0},
        {"note", "--incident|7|--|--at|is an option", 7, "--at is an option", NULL, 0},
        {"role", "commander|alice|of|ops", 0, NULL, "commander", 0},
        {"role", "inc-3|scribe|nobody", 3, NULL, "scribe", 0},
        {"severity", "SEV1|it|spreads", 0, "it spreads", "SEV1", 0},
        {"severity", "INC-4|2|--reason|worse", 4, "worse", "2", 0},
        {"action", "fix|it|--owner|bob", 0, "fix it", "bob", 0},
        {"action", "INC-2|3|--done", 2, NULL, NULL, 3},
        {"action", "3|--dropped|not worth it", 0, "not worth it", NULL, 3},
        {"action", "12|another|text", 0, "another text", NULL, 12},
        {"mitigate", "replica|serves", 0, "replica serves", NULL, 0},
        {"resolve", "7|restored", 7, "restored", NULL, 0},
        {"review", "INC-7", 7, NULL, NULL, 0},
        {"close", "7|--yes-with|the day shift knows", 7, "the day shift knows", NULL, 0},
        {"write", "root-cause|the|disk", 0, "the disk", "root-cause", 0},
        {"write", "INC-9|--field|summary=a=b", 9, "a=b", "summary", 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct incident_call call;
        struct err e = {0};
        char **kept;
        if (build(good[i].verb, good[i].words, &call, &kept, &e) < 0) {
            fail_msg("%s %s: %s", good[i].verb, good[i].words, e.msg);
        }
        const struct incident_change *c = &call.changes[0];
        const char *second = c->role ? c->role : c->severity ? c->severity : c->field ? c->field : c->owner;
        if (call.count != 1 || call.incident != good[i].incident || !str_eq(c->text, good[i].text) ||
            !str_eq(second, good[i].second) || c->action != good[i].action) {
            fail_msg("%s %s: INC-%lld \"%s\" \"%s\" %lld", good[i].verb, good[i].words,
                     (long long)call.incident, c->text ? c->text : "(none)", second ? second : "(none)",
                     (long long)c->action);
        }
        incident_call_fini(&call);
        strv_free(kept);
    }
}

static void test_words_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *words, *message;
    } bad[] = {
        {"role", "--at|03:12|commander|x", "incident role takes no --at"},
        {"note", "--at|tomorrow|x", "is not a time"},
        {"note", "--at|2027-01-01 00:00|x", "has not been yet"},
        {"note", "--nonsense|x", "no such option: --nonsense"},
        {"note", "--at", "--at needs a value"},
        {"action", "--done", "which action item?"},
        {"action", "2|--done|--reopen", "one of them"},
        {"action", "0|--done", "numbered from 1"},
        {"action", "2|text|--dropped|no", "one of them"},
        {"write", "--field|summary", "NAME=TEXT"},
        {"write", "--file|summary=/nonexistent/file", "/nonexistent/file"},
        {"write", "summary", "what is to be written?"},
        {"close", "--yes-with| ", "needs a reason"},
        {"close", "INC-7|--incident|7", "named twice"},
        {"mitigate", "--reason|a|--reason|b", "given twice"},
        {"mitigate", "--incident|x", "names no incident"},
        {"action", "3|--done=yes", "takes no value"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct incident_call call;
        struct err e = {0};
        char **kept;
        if (build(bad[i].verb, bad[i].words, &call, &kept, &e) == 0 ||
            strstr(e.msg, bad[i].message) == NULL) {
            fail_msg("%s %s: %s", bad[i].verb, bad[i].words, e.msg);
        }
        incident_call_fini(&call);
        strv_free(kept);
    }
}

/* What the editor is given comes back as it was: no change; what is changed alone becomes one. */
static void test_text_for_the_editor(void **state)
{
    (void)state;
    struct incident_file file = {.incident = {.number = 7, .title = "empty \x1b answers"}};
    struct incident_call call = {0};
    struct str text = {0};
    struct err e = {0};
    file.fields[INCIDENT_FIELD_SUMMARY].text = xstrdup("short\n\n## no field\n- a list");
    file.fields[INCIDENT_FIELD_LUCKY].text = xstrdup("at night");
    incident_text_write(&file, &text);
    assert_null(strchr(str_text(&text), '\x1b'));
    for (int i = 0; i < INCIDENT_FIELD_COUNT; i++) {
        assert_non_null(strstr(str_text(&text), incident_field_name((enum incident_field)i)));
    }
    assert_int_equal(incident_text_read(&file, str_text(&text), text.len, &call, &e), 0);
    assert_int_equal(call.count, 0);
    str_clear(&text);
    str_add(
        &text,
        "whatever stands first\n## root-cause (why)\n\nthe disk\r\n\n## summary\n## lucky\n\nat night\n\n");
    assert_int_equal(incident_text_read(&file, str_text(&text), text.len, &call, &e), 0);
    assert_int_equal(call.count, 2); /* lucky stays, summary is taken back, what isn't there stays */
    assert_string_equal(call.changes[0].field, "summary");
    assert_string_equal(call.changes[0].text, "");
    assert_string_equal(call.changes[1].field, "root-cause");
    assert_string_equal(call.changes[1].text, "the disk");
    incident_call_fini(&call);
    assert_int_equal(incident_text_read(&file, "a\0b", 3, &call, &e), ERR_SYNTAX);
    incident_call_fini(&call);
    str_fini(&text);
    incident_file_fini(&file);
}

static void test_words_of_a_mute(void **state)
{
    (void)state;
    struct mute_words mute;
    struct err e = {0};
    assert_int_equal(mute_words_parse(&mute, "shard docs/shard-5 for 2h being restored", NOW, &e), 0);
    assert_string_equal(mute.entity, "shard docs/shard-5");
    assert_string_equal(mute.reason, "being restored");
    assert_int_equal(mute.until_us, NOW + 7200 * US_PER_S);
    mute_words_fini(&mute);
    static const char *const bad[] = {"",
                                      "shard x",
                                      "shard x for",
                                      "shard x for ever why",
                                      "shards x for 2h why",
                                      "shard for 2h why",
                                      "shard x for 2h3q why",
                                      NULL};
    for (size_t i = 0; bad[i] != NULL; i++) {
        if (mute_words_parse(&mute, bad[i], NOW, &e) == 0) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
        mute_words_fini(&mute);
    }
}

static void command(struct console *console, const char *text)
{
    theatre_type(console, ":");
    theatre_type(console, text);
    theatre_keys(console, "Enter");
}

static void test_commands_reach_the_engine(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        enum engine_request_kind kind;
        const char *asked;
    } commands[] = {
        {"note don't panic", REQUEST_INCIDENT, "don't panic"},
        {"note --at 03:12 called", REQUEST_INCIDENT, "called"},
        {"incident role commander bob", REQUEST_INCIDENT, "commander bob"},
        {"incident severity SEV1 spreads", REQUEST_INCIDENT, "spreads"},
        {"incident action \"fix it\" --owner bob", REQUEST_INCIDENT, "fix it"},
        {"incident write root-cause the disk", REQUEST_INCIDENT, "the disk"},
        {"incident mitigate replica serves", REQUEST_INCIDENT_MOVE, "replica serves"},
        {"incident resolve", REQUEST_INCIDENT_MOVE, ""},
        {"incident review INC-7", REQUEST_INCIDENT_MOVE, ""},
        {"incident close done", REQUEST_INCIDENT_MOVE, "done"},
        {"incident open --entity \"shard a\" empty answers", REQUEST_INCIDENT_OPEN,
         "empty answers @ shard a"},
        {"mute shard docs/shard-5 for 2h being restored", REQUEST_MUTE,
         "being restored @ shard docs/shard-5"},
        {"handover give --to bob the disk", REQUEST_HANDOVER_GIVE, "the disk"},
        {"handover accept", REQUEST_HANDOVER_ACCEPT, ""},
    };
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 120, 36, false);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        unsigned before = engine->requests;
        command(console, commands[i].command);
        if (engine->requests != before + 1 || engine->asked_kind != commands[i].kind ||
            !str_eq(engine->said, commands[i].asked)) {
            fail_msg(":%s asked %d for \"%s\": %s", commands[i].command, (int)engine->asked_kind,
                     engine->said, console->message ? console->message : "");
        }
    }
    theatre_close(console);
    stage_free(engine);
}

/* What changes the state, or hides something, is refused to observers; what is only written down is not. */
static void test_observers(void **state)
{
    (void)state;
    static const char *const refused[] = {"incident mitigate x",
                                          "incident resolve x",
                                          "incident review x",
                                          "incident close x",
                                          "mute shard docs/shard-5 for 1h x",
                                          NULL};
    static const char *const open[] = {"note x", "incident role scribe bob", "incident action x",
                                       "handover accept", NULL};
    struct engine *engine = stage_new(true);
    engine->observer = true;
    struct console *console = theatre_open(engine, 120, 36, false);
    for (size_t i = 0; refused[i] != NULL; i++) {
        command(console, refused[i]);
        assert_int_equal(engine->requests, 0);
        theatre_shows(console, "you are an observer here");
    }
    for (size_t i = 0; open[i] != NULL; i++) {
        command(console, open[i]);
        assert_int_equal(engine->requests, i + 1);
    }
    theatre_close(console);
    stage_free(engine);
}

static void test_closing_with_leftovers(void **state)
{
    (void)state;
    char unknown[] = "unknown: run 12, Drain the queue: what came of it is unknown",
         *left[] = {unknown, NULL};
    struct engine *engine = stage_new(true);
    engine->left = left;
    struct console *console = theatre_open(engine, 80, 24, false);
    static const char *const answers[] = {"yes", "INC-7", "INC-8 why", "INC-77 why", ""};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        command(console, "incident close");
        theatre_shows(console, "Closing INC-7 leaves behind");
        theatre_shows(console, "Drain the queue");
        theatre_type(console, answers[i]);
        theatre_keys(console, "Enter");
        assert_int_equal(engine->requests, 0);
        theatre_shows(console, "INC-7 is not closed");
        assert_string_equal(console_top(console)->type->name, "dashboard");
    }
    command(console, "incident close");
    theatre_keys(console, "Esc");
    assert_int_equal(engine->requests, 0);
    command(console, "incident close");
    theatre_type(console, "INC-7 the day shift knows");
    theatre_keys(console, "Enter");
    assert_int_equal(engine->requests, 1);
    assert_string_equal(engine->said, "the day shift knows");
    theatre_close(console);
    stage_free(engine);
}

static void mute(struct engine *engine, const char *entity)
{
    *vec_push(&engine->mutes) = (struct mute){.entity = xstrdup(entity),
                                              .who = xstrdup("bob"),
                                              .reason = xstrdup("being restored"),
                                              .from_us = STAGE_WALL,
                                              .until_us = STAGE_WALL + 3600 * US_PER_S};
}

static void test_muted_problems(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    mute(engine, "shard docs/shard-5");
    mute(engine, "shard nobody/knows");
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    char *text = theatre_text(console);
    const char *problems = strstr(text, "PROBLEMS"), *panels = strstr(text, "1 Breakers");
    assert_true(problems != NULL && panels != NULL);
    const char *shard = strstr(problems, "shard docs/shard-5");
    if (shard != NULL && shard < panels) {
        fail_msg("it is muted:\n%s", text);
    }
    free(text);
    theatre_shows(console, "1 muted");
    theatre_keys(console, "3 Enter");
    theatre_shows(console, "muted until 04:14 by bob: being restored");
    theatre_keys(console, "Esc Esc");
    command(console, "mute");
    theatre_shows(console, "shard docs/shard-5 until 2026-11-22T04:14Z, by bob: being restored");
    theatre_keys(console, "Esc");
    command(console, "unmute shard docs/shard-4");
    theatre_shows(console, "is not muted");
    assert_int_equal(engine->requests, 0);
    command(console, "unmute shard docs/shard-5");
    assert_int_equal(engine->asked_kind, REQUEST_MUTE);
    theatre_close(console);
    stage_free(engine);
}

/* Nothing is "none" because nobody wants to see it: with everything muted the strip counts. */
static void test_all_muted(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    const struct entity *worst[64];
    size_t total, count = platform_problems(engine->platform, worst, 64, &total);
    assert_int_equal(count, total);
    for (size_t i = 0; i < count; i++) {
        struct str title = {0};
        entity_title(worst[i], &title);
        mute(engine, str_text(&title));
        str_fini(&title);
    }
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    char wanted[40];
    snprintf(wanted, sizeof wanted, "%zu muted, no other", total);
    theatre_shows(console, wanted);
    theatre_close(console);
    stage_free(engine);
}

static void test_status_update(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    stage_walk(engine, "restore");
    struct console *console = theatre_open(engine, 80, 24, false);
    theatre_keys(console, "u");
    assert_string_equal(console_top(console)->type->name, "copy");
    char *text = theatre_text(console);
    assert_true(str_starts(text, "INC-7 SEV2 active: customers see empty answers"));
    free(text);
    theatre_shows(console, "What users feel: ");
    theatre_shows(console, "shard docs/shard-5 Dead since");
    theatre_shows(console, "alice, run 12, Vector store shard down");
    theatre_shows(console, "Next update: by 03:44Z");
    theatre_keys(console, "Esc");
    command(console, "incident update --next 1h");
    theatre_shows(console, "Next update: by 04:14Z");
    theatre_keys(console, "Esc");
    command(console, "incident update INC-99");
    theatre_shows(console, "no such incident");
    engine->has_incident = false;
    theatre_keys(console, "u");
    theatre_shows(console, "no incident is open");
    theatre_close(console);
    stage_free(engine);
}

/* What is over is so old as it is over, and lasted so long as it lasted. */
static void test_ages_of_what_is_resolved(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    engine->resolved_us = STAGE_WALL - 5 * 60 * US_PER_S;
    struct console *console = theatre_open(engine, 80, 24, false);
    theatre_draw(console);
    theatre_shows(console, "INC-7 SEV2 resolved 5m");
    theatre_keys(console, "u");
    theatre_shows(console, "INC-7 SEV2 resolved: customers see empty answers");
    theatre_shows(console, "From: 03:00Z to 03:09Z (9m)");
    theatre_close(console);
    stage_free(engine);
}

static void test_copy_view(void **state)
{
    (void)state;
    static const char *const ways[] = {"", "3", "3 Enter", "r", "i", "?", "6", NULL};
    struct engine *engine = stage_new(true);
    for (size_t i = 0; ways[i] != NULL; i++) {
        struct console *console = theatre_open(engine, 120, 36, false);
        theatre_draw(console);
        theatre_keys(console, ways[i]);
        size_t pages = console->page_count;
        theatre_keys(console, "v");
        assert_string_equal(console_top(console)->type->name, "copy");
        theatre_shows(console, "rag-prod");
        char *text = theatre_text(console);
        for (const char *frame = "\xe2\x94", *at = text; (at = strstr(at, frame)) != NULL;) {
            fail_msg("a frame is left after %s:\n%s", ways[i], text);
        }
        free(text);
        theatre_keys(console, "v");
        assert_int_equal(console->page_count, pages);
        theatre_close(console);
    }
    /* On the dashboard one panel stands below the other. */
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_keys(console, "v");
    char *text = theatre_text(console);
    const char *breakers = strstr(text, "Breakers"), *end = breakers != NULL ? strchr(breakers, '\n') : NULL;
    assert_non_null(end);
    assert_true(strstr(breakers, "Fallback") == NULL || strstr(breakers, "Fallback") > end);
    free(text);
    theatre_close(console);
    stage_free(engine);
}

static void test_handover_page(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    struct console *console = theatre_open(engine, 80, 24, false);
    command(console, "handover");
    theatre_shows(console, "Hand-over of rag-prod");
    theatre_shows(console, ":handover give");
    theatre_keys(console, "Esc");
    command(console, "handover nonsense");
    theatre_shows(console, ":handover shows the sheet");
    theatre_close(console);
    stage_free(engine);
}

static void test_on_call(void **state)
{
    (void)state;
    struct engine *engine = stage_new(true);
    engine->oncall = "bob";
    struct console *console = theatre_open(engine, 120, 36, false);
    theatre_draw(console);
    theatre_shows(console, "on call: bob");
    theatre_close(console);
    stage_free(engine);
}

/* Every row of the table of verbs is a command of the console, with the same words. */
static void test_one_table(void **state)
{
    (void)state;
    for (const struct incident_verb_row *verb = incident_verbs; verb->name != NULL; verb++) {
        char *full = xasprintf("incident %s", verb->name);
        const char *name, *usage, *help;
        bool found = false;
        for (size_t i = 0; console_command_at(i, &name, &usage, &help); i++) {
            found = found || str_eq(name, full);
        }
        if (!found) {
            fail_msg("there is no :%s", full);
        }
        for (const char *at = verb->options; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
            size_t length = strcspn(at, " ");
            bool known = false;
            for (const struct command_option *o = incident_options; o->name != NULL; o++) {
                known = known || (strlen(o->name) == length && memcmp(o->name, at, length) == 0);
            }
            assert_true(known);
        }
        free(full);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_verbs),
        cmocka_unit_test(test_words_that_are_refused),
        cmocka_unit_test(test_text_for_the_editor),
        cmocka_unit_test(test_words_of_a_mute),
        cmocka_unit_test(test_commands_reach_the_engine),
        cmocka_unit_test(test_observers),
        cmocka_unit_test(test_closing_with_leftovers),
        cmocka_unit_test(test_muted_problems),
        cmocka_unit_test(test_all_muted),
        cmocka_unit_test(test_status_update),
        cmocka_unit_test(test_ages_of_what_is_resolved),
        cmocka_unit_test(test_copy_view),
        cmocka_unit_test(test_handover_page),
        cmocka_unit_test(test_on_call),
        cmocka_unit_test(test_one_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
