/* Locks, approvals, breaking the glass, rehearsals. */
#include "tests/unit/runbook/walker.h"

/* ---- Locks ---- */

static const struct run_effect *effect_of(const struct walker *w, enum run_effect_kind kind)
{
    for (size_t i = 0; i < w->effects.len; i++)
        if (w->effects.data[i].kind == kind)
            return &w->effects.data[i];
    return NULL;
}

static uint64_t asks_for(struct walker *w, const char *id, const char *text)
{
    assert_int_equal(open_page(w, id), 0);
    assert_int_equal(confirm(w, id, "yes"), 0);
    const struct run_effect *e = effect_of(w, EFFECT_LOCK);
    assert_non_null(e);
    assert_string_equal(e->text, text);
    assert_int_equal(see(w, id).phase, PHASE_LOCKING);
    assert_int_equal(run_tickets(w->run, NULL, 0), 0);
    return e->ticket;
}

static int answered(struct walker *w, uint64_t ticket, const char *holder)
{
    return give(w, (struct run_input){
                       .kind = holder ? INPUT_REFUSED : INPUT_LOCKED, .ticket = ticket, .value = holder});
}

#define WITH_VAR "---\nrunbook:\n  id: x\n  vars:\n    SHARD: {default: s-5}\n---\n"

static void test_a_lock_is_held_while_it_acts(void **state)
{
    (void)state;
    struct walker w = walk(WITH_VAR BLOCK("name=a lock=shard/$SHARD verify=v") BLOCK("name=v kind=verify"));
    struct run_page page;
    run_page(w.run, 0, NULL, &page, NULL);
    assert_string_equal(page.lock, "shard/s-5");
    run_page_fini(&page);
    uint64_t ticket = asks_for(&w, "a", "shard/s-5");
    assert_refused(answered(&w, ticket + 1, NULL), &w, "waits for no lock");
    assert_int_equal(answered(&w, ticket, NULL), 0);
    assert_refused(answered(&w, ticket, NULL), &w, "waits for no lock");
    exits(&w, "a", 0);
    assert_null(effect_of(&w, EFFECT_UNLOCK)); /* not before its verification */
    exits(&w, "v", 0);
    assert_string_equal(effect_of(&w, EFFECT_UNLOCK)->text, "shard/s-5");
    assert_outcome(&w, "a", OK);
    walked(&w);
}

static void test_a_lock_that_somebody_has(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a lock=x"));
    uint64_t ticket = asks_for(&w, "a", "x");
    assert_int_equal(answered(&w, ticket, "bob, run 13"), 0);
    assert_outcome(&w, "a", PENDING);
    assert_ask(&w, "a", OPEN);
    assert_string_equal(see(&w, "a").reason, "the lock \"x\" is held by bob, run 13");
    assert_null(effect_of(&w, EFFECT_UNLOCK)); /* it was never ours */
    ticket = asks_for(&w, "a", "x");
    assert_int_equal(answered(&w, ticket, NULL), 0);
    exits(&w, "a", 1);
    assert_non_null(effect_of(&w, EFFECT_UNLOCK));
    walked(&w);
}

static void test_an_unknown_outcome_keeps_its_lock(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a lock=x rollback=r") BLOCK("name=r kind=rollback lock=x"));
    struct run_lock lock;
    answered(&w, asks_for(&w, "a", "x"), NULL);
    ends(&w, "a", END_LOST);
    assert_int_equal(run_locks(w.run, &lock, 1), 1);
    assert_true(lock.held);
    /* Its rollback needs the same one: it is there. */
    assert_int_equal(choose(&w, "a", CHOICE_ROLLBACK, "back"), 0);
    assert_int_equal(open_page(&w, "r"), 0);
    assert_int_equal(confirm(&w, "r", "yes"), 0);
    assert_null(effect_of(&w, EFFECT_LOCK));
    exits(&w, "r", 0);
    assert_null(effect_of(&w, EFFECT_UNLOCK));
    assert_int_equal(run_locks(w.run, &lock, 1), 1);
    assert_int_equal(resolve(&w, "a", OUTCOME_FAILED, "taken back"), 0);
    assert_non_null(effect_of(&w, EFFECT_UNLOCK));
    assert_int_equal(run_locks(w.run, &lock, 1), 0);
    walked(&w);
}

static void test_nobody_waits_for_a_lock_any_more(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a lock=x"));
    uint64_t ticket = asks_for(&w, "a", "x");
    assert_int_equal(cancel(&w, "a"), 0);
    assert_non_null(effect_of(&w, EFFECT_UNLOCK));
    assert_refused(answered(&w, ticket, NULL), &w, "waits for no lock");
    ticket = asks_for(&w, "a", "x");
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_STOP, .reason = "enough"}), 0);
    assert_non_null(effect_of(&w, EFFECT_UNLOCK));
    assert_int_equal(w.effects.data[w.effects.len - 1].kind,
                     EFFECT_ENDED); /* after the lock was given back */
    ended(&w);
    walked(&w);
}

static void test_a_lock_without_a_name_is_refused(void **state)
{
    (void)state;
    struct walker w = walk("```sh {name=n kind=check}\nexport L=\n```\n" BLOCK("name=a lock=$L"));
    assert_int_equal(finish(&w, "n", (struct run_result){.exports = (char *[]){(char[]){"L="}, NULL}}), 0);
    assert_int_equal(open_page(&w, "a"), 0);
    assert_refused(confirm(&w, "a", "yes"), &w, "its lock is one line");
    walked(&w);
}

/* ---- Approvals ---- */

#define TWO  WITH_VAR BLOCK("name=a approvals=2")
#define HERE "prod: context eu"

static int by(struct walker *w, struct run_input in, const char *actor, const char *where)
{
    in.actor = actor;
    in.where = where;
    return give(w, in);
}

static void digest_now(const struct walker *w, const char *where, char hex[static SHA256_HEX_SIZE])
{
    assert_int_equal(run_command_digest(w->run, number(w, "a"), where, hex, NULL), 0);
}

static int approve(struct walker *w, const char *actor, const char *digest)
{
    return by(w, (struct run_input){.kind = INPUT_APPROVE, .step = number(w, "a"), .value = digest}, actor,
              HERE);
}

static int opened(struct walker *w, const char *actor)
{
    return by(w, (struct run_input){.kind = INPUT_OPEN, .step = number(w, "a")}, actor, HERE);
}

static int confirmed(struct walker *w, const char *actor, const char *where)
{
    w->now_ms += 1000;
    return by(w, (struct run_input){.kind = INPUT_CONFIRM, .step = number(w, "a"), .value = "yes"}, actor,
              where);
}

static void test_so_many_others_must_approve(void **state)
{
    (void)state;
    struct walker w = walk(TWO);
    char digest[SHA256_HEX_SIZE];
    digest_now(&w, HERE, digest);
    assert_refused(approve(&w, "bob", digest), &w, "nobody asks for its approval");
    assert_int_equal(opened(&w, "alice"), 0);
    assert_string_equal(effect_of(&w, EFFECT_REQUEST)->text, digest);
    assert_refused(confirmed(&w, "alice", HERE), &w, "needs the approval of 2 other people");
    assert_refused(approve(&w, "alice", digest), &w, "who opened its page");
    assert_int_equal(approve(&w, "bob", digest), 0);
    assert_refused(approve(&w, "bob", digest), &w, "has approved it already");
    assert_refused(confirmed(&w, "alice", HERE), &w, "of 1 other person");
    assert_int_equal(approve(&w, "carol", digest), 0);
    assert_refused(confirmed(&w, "alice", "prod: context us"), &w, "2 other people");
    assert_refused(confirmed(&w, "bob", HERE), &w, "1 other person"); /* nor who confirms it */
    assert_int_equal(run_approvals_missing(w.run, 0, "alice", HERE), 0);
    assert_int_equal(confirmed(&w, "alice", HERE), 0);
    assert_int_equal(run_approvals(w.run, NULL, 0), 0); /* used up */
    exits(&w, "a", 1);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    assert_int_equal(opened(&w, "alice"), 0);
    assert_refused(confirmed(&w, "alice", HERE), &w, "2 other people");
    walked(&w);
}

#define TEN_MINUTES_MS 600000 /* as it is promised */

static void test_an_approval_expires(void **state)
{
    (void)state;
    struct walker w = walk(WITH_VAR BLOCK("name=a approvals=1"));
    char digest[SHA256_HEX_SIZE];
    digest_now(&w, HERE, digest);
    opened(&w, "alice");
    assert_int_equal(approve(&w, "bob", digest), 0);
    int64_t given = w.now_ms;
    give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = 0});
    assert_int_equal(run_wake_ms(w.run), given + TEN_MINUTES_MS);
    w.now_ms = given + TEN_MINUTES_MS - 2000;
    opened(&w, "alice");
    w.now_ms = given + TEN_MINUTES_MS - 1001;
    assert_refused(confirmed(&w, "alice", HERE), &w, "1 other person"); /* at the very millisecond */
    tick(&w, 1);
    assert_true(noted(&w, "the approval of bob has expired"));
    assert_int_equal(approve(&w, "bob", digest), 0);
    assert_int_equal(confirmed(&w, "alice", HERE), 0);
    walked(&w);
}

static void test_a_change_makes_it_void(void **state)
{
    (void)state;
    struct walker w = walk(WITH_VAR BLOCK("name=a approvals=1"));
    char digest[SHA256_HEX_SIZE], changed[SHA256_HEX_SIZE], there[SHA256_HEX_SIZE];
    digest_now(&w, HERE, digest);
    digest_now(&w, "elsewhere", there);
    assert_string_not_equal(digest, there);
    opened(&w, "alice");
    assert_int_equal(approve(&w, "bob", digest), 0);
    give(&w, (struct run_input){.kind = INPUT_LEAVE, .step = 0});
    assert_int_equal(run_approvals(w.run, NULL, 0), 1);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_SET, .name = "SHARD", .value = "s-6"}), 0);
    assert_true(noted(&w, "the approval of bob is void"));
    digest_now(&w, HERE, changed);
    assert_string_not_equal(digest, changed);
    assert_int_equal(give(&w, (struct run_input){.kind = INPUT_SET, .name = "SHARD", .value = "s-5"}), 0);
    opened(&w, "alice"); /* as it was: void stays void */
    assert_refused(confirmed(&w, "alice", HERE), &w, "1 other person");
    assert_refused(approve(&w, "bob", changed), &w, "not what it would run now");
    walked(&w);
}

static void test_who_runs_it_is_not_what_is_approved(void **state)
{
    (void)state;
    struct walker w = walk(WITH_VAR BLOCK("name=c kind=check") BLOCK("name=a approvals=1 pre=c"));
    char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
    exits(&w, "c", 0);
    digest_now(&w, HERE, before);
    w.now_ms += 20000;
    opened(&w, "alice"); /* its precheck runs again */
    assert_int_equal(approve(&w, "bob", before), 0);
    exits(&w, "c", 0);
    digest_now(&w, HERE, after);
    assert_string_equal(before, after);
    assert_int_equal(confirmed(&w, "alice", HERE), 0);
    walked(&w);
}

static void version_is(struct walker *w, const char *version)
{
    assert_int_equal(finish(w, "VERSION", (struct run_result){.end = END_EXITED, .output = version}), 0);
}

/* Its precheck runs once more after the confirmation, and exports another value: what would run now was
 * neither shown nor approved. */
static void test_what_changes_after_the_confirmation_is_not_run(void **state)
{
    (void)state;
    struct walker w = walk(
        "```sh {name=VERSION kind=check}\ncat v\n```\n" BLOCK("name=a approvals=1 pre=VERSION fresh=0s"));
    char digest[SHA256_HEX_SIZE];
    version_is(&w, "1");
    opened(&w, "alice");
    version_is(&w, "1");
    digest_now(&w, HERE, digest);
    assert_int_equal(approve(&w, "bob", digest), 0);
    assert_int_equal(confirmed(&w, "alice", HERE), 0);
    version_is(&w, "2");
    assert_int_equal(execs(&w), 0);
    assert_ask(&w, "a", OPEN);
    assert_string_equal(see(&w, "a").reason,
                        "nothing was run: what would run has changed since it was confirmed");
    opened(&w, "alice");
    version_is(&w, "2");
    assert_refused(confirmed(&w, "alice", HERE), &w, "1 other person");
    digest_now(&w, HERE, digest);
    assert_int_equal(approve(&w, "bob", digest), 0);
    assert_int_equal(confirmed(&w, "alice", HERE), 0);
    version_is(&w, "2");
    assert_int_equal(execs(&w), 1);
    walked(&w);
}

static void test_breaking_the_glass(void **state)
{
    (void)state;
    struct walker w = walk(TWO);
    struct run_input glass = {.kind = INPUT_BREAK_GLASS, .step = 0, .reason = "nobody answers"};
    assert_refused(by(&w, glass, "alice", HERE), &w, "nobody asks");
    opened(&w, "alice");
    glass.reason = " ";
    assert_refused(by(&w, glass, "alice", HERE), &w, "needs a reason");
    glass.reason = "nobody answers";
    assert_int_equal(by(&w, glass, "alice", HERE), 0);
    assert_true(noted(&w, "alice breaks the glass: nobody answers"));
    assert_refused(confirmed(&w, "alice", "elsewhere"), &w, "2 other people");
    assert_int_equal(confirmed(&w, "alice", HERE), 0);
    exits(&w, "a", 1);
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    opened(&w, "alice");
    assert_refused(confirmed(&w, "alice", HERE), &w, "2 other people"); /* once only */
    walked(&w);
}

static void test_the_page_says_what_is_missing(void **state)
{
    (void)state;
    struct walker w = walk(TWO);
    char digest[SHA256_HEX_SIZE];
    struct run_page page;
    struct run_context context = {.where = HERE, .person = "alice"};
    opened(&w, "alice");
    digest_now(&w, HERE, digest);
    by(&w, (struct run_input){.kind = INPUT_APPROVE, .value = digest, .has_signature = true}, "bob", HERE);
    assert_int_equal(run_page(w.run, 0, &context, &page, NULL), 0);
    assert_int_equal(page.approvals, 2);
    assert_int_equal(page.approvals_missing, 1);
    assert_string_equal(page.digest, digest);
    struct run_approval given;
    assert_int_equal(run_approvals(w.run, &given, 1), 1);
    assert_string_equal(given.actor, "bob");
    assert_true(given.has_signature);
    assert_int_equal(given.expires_ms, given.given_ms + RUN_APPROVAL_MS);
    run_page_fini(&page);
    walked(&w);
}

/* ---- After the console ---- */

static int adopted(struct walker *w)
{
    return give(w, (struct run_input){.kind = INPUT_ADOPT, .actor = "bob"});
}

static void test_nothing_acts_by_itself_after_an_adoption(void **state)
{
    (void)state;
    /* Confirmed, and its precheck was running: void. */
    struct walker w = walk(BLOCK("name=c kind=check") BLOCK("name=a pre=c fresh=0s evidence=e")
                               BLOCK("name=e kind=evidence"));
    exits(&w, "c", 0);
    assert_int_equal(open_page(&w, "a"), 0);
    exits(&w, "c", 0);
    assert_int_equal(confirm(&w, "a", "yes"), 0);
    assert_int_equal(adopted(&w), 0);
    exits(&w, "c", 0);
    assert_int_equal(execs(&w), 0);
    assert_outcome(&w, "a", PENDING);
    assert_string_equal(see(&w, "a").reason, "the console was gone");
    walked(&w);
    /* Waiting for its lock: given up. */
    w = walk(BLOCK("name=a lock=x"));
    uint64_t ticket = asks_for(&w, "a", "x");
    assert_int_equal(adopted(&w), 0);
    assert_non_null(effect_of(&w, EFFECT_UNLOCK));
    assert_refused(answered(&w, ticket, NULL), &w, "waits for no lock");
    /* An open page is closed. */
    assert_int_equal(open_page(&w, "a"), 0);
    assert_int_equal(adopted(&w), 0);
    assert_ask(&w, "a", OPEN);
    walked(&w);
    /* What runs is followed, the rest is asked. */
    w = walk_with(BLOCK("name=a items=i.jsonl parallel=2"), NULL, "{\"i\":1}\n{\"i\":2}\n{\"i\":3}\n");
    act(&w, "a");
    assert_int_equal(adopted(&w), 0);
    part_exits(&w, "a", 0, 0);
    part_exits(&w, "a", 1, 0);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "2 of 3 ok, 1 not run: the console was gone");
    assert_int_equal(choose(&w, "a", CHOICE_RETRY, NULL), 0);
    act(&w, "a");
    part_exits(&w, "a", 2, 0);
    assert_outcome(&w, "a", WARN);
    walked(&w);
}

static void test_late_is_as_if_the_console_had_gone(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a rungs=1,2 rung-hold=10s"));
    act(&w, "a");
    part_exits(&w, "a", 0, 0);
    tick(&w, 10000 + RUN_DISARM_MS);
    assert_outcome(&w, "a", FAILED);
    assert_string_equal(see(&w, "a").reason, "nobody was there when it was time to go on at rung 1");
    walked(&w);
    w = walk_with(BLOCK("name=a policy=default idempotent=true"), NULL, NULL);
    act(&w, "a");
    exits(&w, "a", 1);
    tick(&w, 1000 + RUN_DISARM_MS);
    assert_int_equal(execs(&w), 0);
    assert_outcome(&w, "a", FAILED);
    walked(&w);
}

static void test_a_rehearsal_needs_nobody(void **state)
{
    (void)state;
    struct walker w = walk_document(BLOCK("name=a lock=x approvals=2"));
    assert_int_equal(begin(&w, NULL, NULL, (struct run_input){.rehearsed = true}), 0);
    assert_true(run_rehearsed(w.run));
    act(&w, "a");
    assert_null(effect_of(&w, EFFECT_LOCK));
    exits(&w, "a", 0);
    walked(&w);
}

static void test_interactive_is_said(void **state)
{
    (void)state;
    struct walker w = walk(BLOCK("name=a interactive=true"));
    act(&w, "a");
    assert_true(effect_of(&w, EFFECT_EXEC)->interactive);
    assert_int_equal(effect_of(&w, EFFECT_EXEC)->part, PART_NONE);
    struct run_command command;
    assert_int_equal(run_ticket_command(w.run, ticket_of(&w, "a"), NULL, &command, NULL), 0);
    assert_true(command.interactive);
    run_command_fini(&command);
    walked(&w);
}

static void test_the_job_that_is_followed(void **state)
{
    (void)state;
    struct walker w = walk(WITH_VAR BLOCK("name=a follow=job:restore-$SHARD-r$BELAY_RUN") BLOCK("name=b"));
    struct run_context context = {.run = "12"};
    char *job = run_follow(w.run, 0, &context);
    assert_string_equal(job, "restore-s-5-r12");
    assert_null(run_follow(w.run, 1, &context));
    free(job);
    walked(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lock_is_held_while_it_acts),
        cmocka_unit_test(test_a_lock_that_somebody_has),
        cmocka_unit_test(test_an_unknown_outcome_keeps_its_lock),
        cmocka_unit_test(test_nobody_waits_for_a_lock_any_more),
        cmocka_unit_test(test_a_lock_without_a_name_is_refused),
        cmocka_unit_test(test_so_many_others_must_approve),
        cmocka_unit_test(test_an_approval_expires),
        cmocka_unit_test(test_a_change_makes_it_void),
        cmocka_unit_test(test_who_runs_it_is_not_what_is_approved),
        cmocka_unit_test(test_what_changes_after_the_confirmation_is_not_run),
        cmocka_unit_test(test_breaking_the_glass),
        cmocka_unit_test(test_the_page_says_what_is_missing),
        cmocka_unit_test(test_nothing_acts_by_itself_after_an_adoption),
        cmocka_unit_test(test_late_is_as_if_the_console_had_gone),
        cmocka_unit_test(test_a_rehearsal_needs_nobody),
        cmocka_unit_test(test_interactive_is_said),
        cmocka_unit_test(test_the_job_that_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
