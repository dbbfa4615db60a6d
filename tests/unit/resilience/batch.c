#include <math.h>

#include "engine/resilience/resilience.h"
#include "tests/unit/resilience/wrongs.h"

static void test_an_empty_batch_has_no_rate(void **state)
{
    (void)state;
    struct batch_work b;
    batch_init(&b, 0);
    assert_true(isnan(batch_success_rate(&b)));
    assert_false(batch_passes(&b, 0, 0));
    assert_int_equal(batch_failed(&b, NULL, 0), 0);
    batch_fini(&b);
}

static void test_partial_success(void **state)
{
    (void)state;
    struct batch_work b;
    size_t failed[2] = {99, 99};
    batch_init(&b, 5);
    assert_true(batch_end(&b, 0, BATCH_OK, FAILURE_NONE, 1));
    assert_true(batch_end(&b, 3, BATCH_FAILED, FAILURE_TIMEOUT, 4));
    assert_true(batch_end(&b, 1, BATCH_FAILED, FAILURE_SERVER, 2));
    assert_true(batch_end(&b, 2, BATCH_SKIPPED, FAILURE_NONE, 0));
    assert_false(batch_passes(&b, 0, 0)); /* one is still under way */
    assert_true(batch_end(&b, 4, BATCH_OK, FAILURE_SERVER, 2));
    assert_true(batch_success_rate(&b) == 0.5);
    assert_true(batch_passes(&b, 0.5, 4));
    assert_false(batch_passes(&b, 0.5, 5));
    assert_false(batch_passes(&b, 0.51, 0));
    assert_int_equal(batch_failed(&b, failed, 1), 2); /* in order, as many as fit */
    assert_int_equal(failed[0], 1);
    assert_int_equal(failed[1], 99);
    assert_int_equal(b.items[3].class, FAILURE_TIMEOUT);
    assert_int_equal(b.items[3].attempts, 4);
    assert_int_equal(b.items[4].class, FAILURE_NONE); /* what is ok failed in no way */
    batch_fini(&b);
}

static void test_an_end_is_the_end(void **state)
{
    (void)state;
    struct batch_work b;
    batch_init(&b, 1);
    assert_false(batch_end(&b, 0, BATCH_PENDING, FAILURE_NONE, 0));
    assert_false(batch_end(&b, 1, BATCH_OK, FAILURE_NONE, 0));
    assert_false(batch_end(&b, 0, BATCH_END_COUNT, FAILURE_NONE, 0));
    assert_true(batch_end(&b, 0, BATCH_FAILED, FAILURE_CUT, 3));
    assert_false(batch_end(&b, 0, BATCH_OK, FAILURE_NONE, 4));
    assert_int_equal(b.items[0].end, BATCH_FAILED);
    assert_int_equal(b.items[0].attempts, 3);
    assert_int_equal(b.ends[BATCH_OK], 0);
    batch_fini(&b);
}

/* ---- Simulation ---- */

/* name, text */
#define WRONGS(X)                                                                                            \
    X(RIGHT, "right")                                                                                        \
    X(ENDS_TWICE, "ends an item a second time")                                                              \
    X(LOSES_ONE, "loses an item")                                                                            \
    X(COUNTS_SKIPPED, "counts what was skipped as ok")                                                       \
    X(DIVIDES_BY_ALL, "takes the rate of all items, executed or not")                                        \
    X(TURNS_ORDER, "gives out the failed ones in the order in which they failed")                            \
    X(RERUNS_ALL, "runs what was ok again")
enum wrong {
#define X(name, text) WRONG_##name,
    WRONGS(X)
#undef X
        WRONG_COUNT
};
static const char *const wrong_texts[] = {
#define X(name, text) [WRONG_##name] = (text),
    WRONGS(X)
#undef X
};

#define ITEMS_MOST 60

/* What came of each item, by the books of whoever ran them. */
struct books {
    enum batch_end ends[ITEMS_MOST];
    unsigned attempts[ITEMS_MOST];
    size_t count, order[ITEMS_MOST], ended;
};

static void tell(struct batch_work *b, struct books *books, size_t item, struct rng *r, enum wrong wrong)
{
    enum batch_end end = (enum batch_end)(1 + rng_below(r, BATCH_END_COUNT - 1));
    unsigned attempts = end == BATCH_OK || end == BATCH_FAILED ? 1 + (unsigned)rng_below(r, 4) : 0;
    bool first = books->ends[item] == BATCH_PENDING;
    if (first) {
        books->ends[item] = end;
        books->attempts[item] = attempts;
        if (end == BATCH_FAILED)
            books->order[books->ended++] = item;
    } else if (wrong == WRONG_ENDS_TWICE) {
        b->ends[b->items[item].end]--;
        b->ends[BATCH_PENDING]++;
        b->items[item].end = BATCH_PENDING;
    }
    if (first && wrong == WRONG_COUNTS_SKIPPED && end == BATCH_SKIPPED)
        end = BATCH_OK;
    if (first && wrong == WRONG_LOSES_ONE && item == 3)
        return;
    batch_end(b, item, end, FAILURE_SERVER, attempts);
}

static const char *check(const struct batch_work *b, const struct books *books, enum wrong wrong)
{
    size_t ends[BATCH_END_COUNT] = {0}, sum = 0, failed[ITEMS_MOST], k = 0;
    for (size_t i = 0; i < books->count; i++) {
        ends[books->ends[i]]++;
        if (b->items[i].end != books->ends[i] || b->items[i].attempts != books->attempts[i])
            return "an item's end is not what it was told";
        if (b->items[i].end == BATCH_FAILED && b->items[i].class == FAILURE_NONE)
            return "a failure without a class";
    }
    for (int i = 0; i < BATCH_END_COUNT; i++) {
        sum += b->ends[i];
        if (b->ends[i] != ends[i])
            return "the counts are not those of the items";
    }
    if (sum != b->count)
        return "the ends don't partition the items";
    size_t executed = ends[BATCH_OK] + ends[BATCH_FAILED];
    double rate = batch_success_rate(b);
    if (wrong == WRONG_DIVIDES_BY_ALL)
        rate = (double)ends[BATCH_OK] / (double)b->count;
    if (executed == 0 ? !isnan(rate) : rate != (double)ends[BATCH_OK] / (double)executed)
        return "the success rate is not ok / (ok + failed)";
    size_t found = batch_failed(b, failed, ITEMS_MOST);
    for (size_t i = 0; wrong == WRONG_TURNS_ORDER && i < found; i++)
        failed[i] = books->order[i];
    for (size_t i = 0; wrong == WRONG_RERUNS_ALL && i < books->count; i++)
        if (b->items[i].end == BATCH_OK)
            failed[found++] = i;
    if (found != ends[BATCH_FAILED])
        return "what is to be run again is not what failed";
    for (size_t i = 0; i < books->count; i++)
        if (books->ends[i] == BATCH_FAILED && failed[k++] != i)
            return "the failed ones are out of order";
    return NULL;
}

static const char *simulate(uint64_t seed, unsigned wrong)
{
    struct rng r;
    struct batch_work b;
    struct books books = {0};
    const char *broken = NULL;
    rng_seed(&r, seed);
    books.count = rng_below(&r, ITEMS_MOST + 1);
    batch_init(&b, books.count);
    for (size_t i = 0; books.count > 0 && !broken && i < books.count * 3; i++) {
        tell(&b, &books, rng_below(&r, books.count), &r, wrong);
        if (i % 16 == 0)
            broken = check(&b, &books, wrong);
    }
    broken = broken ? broken : check(&b, &books, wrong);
    batch_fini(&b);
    return broken;
}

static void test_the_ends_partition_the_items(void **state)
{
    (void)state;
    right_holds(simulate, getenv("BELAY_PROOF") ? 100000 : 2000);
}

static void test_wrong_batches_are_caught(void **state)
{
    (void)state;
    wrongs_are_caught(simulate, wrong_texts, WRONG_COUNT, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_batch_has_no_rate),
        cmocka_unit_test(test_partial_success),
        cmocka_unit_test(test_an_end_is_the_end),
        cmocka_unit_test(test_the_ends_partition_the_items),
        cmocka_unit_test(test_wrong_batches_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
