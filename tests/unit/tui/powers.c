/* What the pages show of a step's powers while it runs: items, rungs, attempts, locks, the job it follows. */
#include "tests/unit/tui/theatre.h"

static const char head[] = "---\n"
                           "runbook:\n"
                           "  id: powers\n"
                           "  title: Powers\n"
                           "---\n"
                           "# Powers\n\n";
static const char lines[] =
    "{\"id\":\"doc-1\"}\n{\"id\":\"doc-2\"}\n{\"id\":\"doc-3\"}\n{\"id\":\"doc-4\"}\n"
    "{\"id\":\"doc-5\"}\n{\"id\":\"doc-6\"}\n{\"id\":\"doc-7\"}\n{\"id\":\"doc-8\"}\n";

struct act {
    struct engine *engine;
    struct items *items;
    struct run_effects effects;
    struct console *console;
};

/* A run of one action, `act`, that waits for its page; the document's text behind the heading is `body`. */
static void open_act(struct act *a, const char *body, bool with_items)
{
    struct err e = {0};
    struct str text = {0};
    *a = (struct act){.engine = stage_new(true)};
    str_addf(&text, "%s%s", head, body);
    runbook_free(a->engine->book);
    a->engine->book = runbook_parse("/srv/runbooks/powers.md", str_text(&text), text.len, &e);
    str_fini(&text);
    if (a->engine->book == NULL || runbook_runnable(a->engine->book, &e) < 0) {
        fail_msg("%s", e.msg);
    }
    int act = runbook_find(a->engine->book, "act");
    struct run_policy policies[] = {{.name = "gentle", .rules = policy_default()}, {.name = "leaving"}};
    policies[0].rules.backoff.attempts = 4;
    policies[0].rules.backoff.base_ms = 3000;
    policies[0].rules.backoff.jitter = BACKOFF_NONE;
    policies[1].rules = policies[0].rules;
    policies[1].rules.end = POLICY_SKIP;
    struct run_pin pin = {.step = act};
    struct run_input start = {.kind = INPUT_START, .actor = "alice", .policies = policies, .policy_count = 2};
    a->engine->run = run_new(a->engine->book);
    if (with_items) {
        a->items = items_parse("docs.jsonl", lines, sizeof lines - 1, &e);
        pin.digest = items_digest(a->items);
        pin.count = (int64_t)items_count(a->items);
        start.pins = &pin;
        start.pin_count = 1;
        run_set_items(a->engine->run, act, a->items);
    }
    stage_input(a->engine, start, &a->effects);
    a->console = theatre_open(a->engine, 120, 36, false);
    theatre_draw(a->console);
    theatre_keys(a->console, "r Enter Enter");
}

static void close_act(struct act *a)
{
    theatre_close(a->console);
    stage_free(a->engine);
    items_free(a->items);
    vec_fini(&a->effects);
}

static void later(struct act *a, int64_t ms)
{
    a->engine->clock_ms += ms;
    theatre_now += ms * US_PER_MS;
}

static void confirm(struct act *a)
{
    later(a, 700);
    int act = runbook_find(a->engine->book, "act");
    stage_input(a->engine,
                (struct run_input){.kind = INPUT_CONFIRM, .step = act, .actor = "alice", .value = "yes"},
                &a->effects);
}

/* The oldest execution that was asked for ends with this exit status, having printed that. */
static void finish(struct act *a, int exit, const char *output)
{
    size_t i = 0;
    while (i < a->effects.len && a->effects.data[i].kind != EFFECT_EXEC) {
        i++;
    }
    assert_true(i < a->effects.len);
    struct run_effect effect = a->effects.data[i];
    vec_remove(&a->effects, i);
    struct run_result result = {.end = END_EXITED, .exit = exit};
    struct run_digest hold = {0};
    stage_input(a->engine,
                (struct run_input){.kind = INPUT_STARTED, .ticket = effect.ticket, .step = effect.step},
                &a->effects);
    later(a, 400);
    run_digest(a->engine->run, effect.ticket, output, strlen(output), false, NULL, &hold, &result);
    struct run_input input = {
        .kind = INPUT_FINISHED, .ticket = effect.ticket, .step = effect.step, .result = result};
    stage_input(a->engine, input, &a->effects);
    run_digest_fini(&hold);
}

static void tick(struct act *a)
{
    stage_input(a->engine, (struct run_input){.kind = INPUT_TICK, .step = STEP_NONE}, &a->effects);
}

static void golden(struct act *a, const char *name)
{
    theatre_draw(a->console);
    stage_golden(a->console->canvas, "tui", name, false);
}

static void test_items(void **state)
{
    (void)state;
    struct act a;
    open_act(
        &a,
        "## Index again\n\n```sh {name=act kind=action items=docs.jsonl parallel=2 threshold=0.9 minimum=5 "
        "policy=gentle idempotent=true timeout=1m}\nreindex \"$ITEM_ID\"\n```\n",
        true);
    golden(&a, "powers-items-page");
    confirm(&a);
    finish(&a, 0, "");
    finish(&a, 0, "");
    for (int i = 0; i < 3; i++) { /* two that fail wait for their next attempt */
        finish(&a, i == 0 || i == 2 ? 1 : 0, "");
    }
    golden(&a, "powers-items");
    theatre_shows(a.console, "of 8 ok");
    theatre_keys(a.console, "b");
    theatre_shows(a.console, "/8 ok");
    close_act(&a);
}

static void test_items_that_failed(void **state)
{
    (void)state;
    struct act a;
    open_act(&a,
             "## Index again\n\n```sh {name=act kind=action items=docs.jsonl parallel=4 threshold=0.9 "
             "timeout=1m}\nreindex \"$ITEM_ID\"\n```\n",
             true);
    confirm(&a);
    for (int i = 0; i < 8; i++) {
        finish(&a, i % 3 == 0 ? 3 : 0, "");
    }
    golden(&a, "powers-items-failed");
    theatre_shows(a.console, "item 4 of 8: doc-4");
    close_act(&a);
}

static void test_rungs(void **state)
{
    (void)state;
    struct act a;
    open_act(&a,
             "## Ramp up\n\n```sh {name=act kind=action rungs=10,25,50,100 rung-hold=60s guard=hits:5% "
             "timeout=1m}\nset-traffic \"$RUNG\"\n```\n\n```sh {name=hits kind=check}\nmeasure\n```\n",
             false);
    golden(&a, "powers-rungs-page");
    confirm(&a);
    finish(&a, 0, "0.88\n");
    finish(&a, 0, "");
    golden(&a, "powers-rungs-held");
    theatre_shows(a.console, "10 is in effect, held for 1m more");
    later(&a, 60000);
    tick(&a);
    finish(&a, 0, "0.87\n");
    finish(&a, 0, "");
    later(&a, 60000);
    tick(&a);
    finish(&a, 0, "0.71\n");
    theatre_draw(a.console);
    theatre_shows(a.console, "steps back to 10");
    theatre_shows(a.console, "0.71 against the baseline 0.88: worse (5% less is no worse)");
    golden(&a, "powers-rungs-back");
    close_act(&a);
}

static void test_what_a_verification_says_is_not_cut_off_by_its_name(void **state)
{
    (void)state;
    struct act a;
    open_act(&a,
             "## Try it\n\n```sh {name=act kind=action verify=looked timeout=1m}\ntry\n```\n\n"
             "## All the questions of all the users are let in again by everything, and what waits in the "
             "queue is short\n\n"
             "```sh {name=looked kind=verify expect=^open}\nlook\n```\n",
             false);
    confirm(&a);
    finish(&a, 0, "");
    finish(&a, 0, "closed");
    theatre_draw(a.console);
    theatre_shows(a.console, "what waits in the queue is short");
    theatre_shows(a.console, "           not what was expected");
    close_act(&a);
}

static void test_attempts(void **state)
{
    (void)state;
    struct act a;
    open_act(&a,
             "## Try it\n\n```sh {name=act kind=action policy=gentle idempotent=true timeout=1m}\ntry\n```\n",
             false);
    golden(&a, "powers-policy-page");
    confirm(&a);
    finish(&a, 1, "");
    theatre_draw(a.console);
    theatre_shows(a.console, "1 of 4 by the policy gentle; the next in 3s; before: exit 1");
    golden(&a, "powers-policy");
    close_act(&a);
}

static void test_what_follows_when_no_attempt_is_left(void **state)
{
    (void)state;
    struct act a;
    open_act(
        &a, "## Try it\n\n```sh {name=act kind=action policy=leaving idempotent=true timeout=1m}\ntry\n```\n",
        false);
    theatre_shows(a.console, "If no attempt is left: it stays failed and the run goes on");
    close_act(&a);
    open_act(&a,
             "## Try it\n\n```sh {name=act kind=action policy=leaving onfail=stop idempotent=true "
             "timeout=1m}\ntry\n```\n",
             false);
    theatre_shows(a.console, "If it fails: the run stops");
    close_act(&a);
}

static void test_lock(void **state)
{
    (void)state;
    struct act a;
    open_act(&a, "## Alone\n\n```sh {name=act kind=action lock=shard-5 timeout=1m}\nalone\n```\n", false);
    theatre_shows(a.console, "\"shard-5\", one run at a time");
    confirm(&a);
    theatre_draw(a.console);
    theatre_shows(a.console, "\"shard-5\" is asked for");
    close_act(&a);
}

/* The job on the dashboard is the step's progress; a job that nobody sees is said to be none. */
static void test_job(void **state)
{
    (void)state;
    static const char *const jobs[] = {"run_sc05", "nobody"}, *const shows[] = {
                                                                  "60% 30,000/50,000",
                                                                  "nobody: no source has seen it"};
    for (size_t i = 0; i < 2; i++) {
        struct act a;
        char body[200];
        snprintf(body, sizeof body,
                 "## Follow it\n\n```sh {name=act kind=action follow=job:%s timeout=1m}\nfollow\n```\n",
                 jobs[i]);
        open_act(&a, body, false);
        confirm(&a);
        theatre_draw(a.console);
        theatre_shows(a.console, shows[i]);
        close_act(&a);
    }
}

/* F3: what reaches further than something untried says which, asks for its own word, and takes no other. */
static void test_wider_than_something_untried(void **state)
{
    (void)state;
    struct act a;
    open_act(&a,
             "## All of it\n\n```sh {name=act kind=action scope=cluster}\nrestart --all\n```\n\n"
             "## One process\n\n```sh {name=narrow kind=action scope=process}\nrestart one\n```\n",
             false);
    theatre_draw(a.console);
    theatre_shows(a.console, "a narrower step is untried: process One process");
    theatre_shows(a.console, "Type  cluster  to run it");
    later(&a, 700);
    theatre_type(a.console, "yes");
    theatre_keys(a.console, "Enter");
    assert_int_not_equal(a.engine->last_input.kind, INPUT_CONFIRM);
    theatre_keys(a.console, "Backspace Backspace Backspace");
    theatre_type(a.console, "cluster");
    theatre_keys(a.console, "Enter");
    assert_int_equal(a.engine->last_input.kind, INPUT_CONFIRM);
    assert_string_equal(a.engine->typed, "cluster");
    close_act(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_items_that_failed),
        cmocka_unit_test(test_rungs),
        cmocka_unit_test(test_what_a_verification_says_is_not_cut_off_by_its_name),
        cmocka_unit_test(test_attempts),
        cmocka_unit_test(test_what_follows_when_no_attempt_is_left),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_job),
        cmocka_unit_test(test_wider_than_something_untried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
