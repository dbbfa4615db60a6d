#include "engine/io/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base.h"

#define PATIENCE_US (20 * US_PER_S)

static void turn_until(struct loop *l, const int *counter, int wanted)
{
    int64_t end = clock_monotonic_us() + PATIENCE_US;
    while (*counter < wanted) {
        assert_true(clock_monotonic_us() < end);
        loop_run_once(l, 100 * US_PER_MS);
    }
}

static void count(void *data)
{
    ++*(int *)data;
}

static void timers_fire_in_order_and_never_early(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    int fired = 0;
    struct loop_timer *t = loop_timer_new(l, count, &fired);
    assert_false(loop_timer_active(t));
    for (int64_t after = 1; after <= 20000; after = after * 3 + 500) {
        int before = fired;
        int64_t start = clock_monotonic_us();
        loop_timer_start(t, after, 0);
        assert_true(loop_timer_active(t));
        turn_until(l, &fired, before + 1);
        assert_true(clock_monotonic_us() - start >= after);
        assert_false(loop_timer_active(t));
    }
    fired = 0;
    loop_timer_start(t, 0, 2000);
    turn_until(l, &fired, 5);
    loop_timer_stop(t);
    int stopped = fired;
    loop_run_once(l, 10000);
    assert_int_equal(fired, stopped);
    loop_timer_free(t);
    loop_timer_free(NULL);
    loop_free(l);
}

struct suicide {
    struct loop_timer *timer;
    int fired;
};

static void free_itself(void *data)
{
    struct suicide *s = data;
    s->fired++;
    loop_timer_free(s->timer);
}

static void a_timer_may_free_itself(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    struct suicide s = {0};
    s.timer = loop_timer_new(l, free_itself, &s);
    loop_timer_start(s.timer, 0, 1000);
    turn_until(l, &s.fired, 1);
    loop_run_once(l, 5000);
    assert_int_equal(s.fired, 1);
    loop_free(l);
}

struct reader {
    struct loop_watch *watch;
    int fd, bytes, ends;
};

static void read_some(void *data, int events)
{
    struct reader *r = data;
    char byte;
    assert_int_equal(events, LOOP_READ);
    ssize_t got = read(r->fd, &byte, 1);
    if (got == 1)
        r->bytes++;
    if (got == 0) {
        r->ends++;
        loop_watch_free(r->watch);
    }
}

static void descriptors_are_watched_until_freed(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct reader r = {.fd = fds[0]};
    struct err e;
    r.watch = loop_watch_new(l, fds[0], LOOP_READ, read_some, &r, &e);
    assert_non_null(r.watch);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    turn_until(l, &r.bytes, 3);
    loop_watch_set(r.watch, 0);
    assert_int_equal(write(fds[1], "d", 1), 1);
    loop_run_once(l, 5000);
    assert_int_equal(r.bytes, 3);
    loop_watch_set(r.watch, LOOP_READ);
    turn_until(l, &r.bytes, 4);
    close(fds[1]);
    turn_until(l, &r.ends, 1);
    close(fds[0]);

    FILE *file = tmpfile();
    assert_null(loop_watch_new(l, fileno(file), LOOP_READ, read_some, &r, &e));
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    fclose(file);
    loop_free(l);
}

static void count_signal(void *data, int number)
{
    assert_int_equal(number, SIGUSR1);
    ++*(int *)data;
}

static void every_watch_of_a_signal_runs(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    int one = 0, two = 0;
    struct loop_signal *a = loop_signal_new(l, SIGUSR1, count_signal, &one);
    struct loop_signal *b = loop_signal_new(l, SIGUSR1, count_signal, &two);
    raise(SIGUSR1);
    turn_until(l, &one, 1);
    turn_until(l, &two, 1);
    loop_signal_free(a);
    loop_signal_free(b);
    loop_free(l);
}

#define POSTS   2000
#define POSTERS 4

struct posting {
    struct loop *loop;
    int next[POSTERS];
    int total;
};

struct post_item {
    struct posting *posting;
    int thread, number;
};

static void posted(void *data)
{
    struct post_item *i = data;
    assert_int_equal(i->posting->next[i->thread], i->number); /* each thread's posts stay in order */
    i->posting->next[i->thread]++;
    i->posting->total++;
    free(i);
}

struct post_thread {
    struct posting *posting;
    int thread;
};

static void *post_many(void *data)
{
    struct post_thread *t = data;
    for (int i = 0; i < POSTS; i++) {
        struct post_item *item = malloc(sizeof *item);
        *item = (struct post_item){t->posting, t->thread, i};
        loop_poster(t->posting->loop, posted, item);
    }
    return NULL;
}

static void posts_from_threads_arrive_once_and_in_order(void **state)
{
    (void)state;
    struct posting p = {.loop = loop_new(NULL)};
    pthread_t threads[POSTERS];
    struct post_thread data[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        data[i] = (struct post_thread){&p, i};
        pthread_create(&threads[i], NULL, post_many, &data[i]);
    }
    turn_until(p.loop, &p.total, POSTS * POSTERS);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    loop_free(p.loop);
}

struct job {
    pthread_t worked_on;
    int worked, done;
};

static void job_work(void *data)
{
    struct job *j = data;
    j->worked_on = pthread_self();
    j->worked = 1;
}

static void job_done(void *data)
{
    struct job *j = data;
    assert_int_equal(j->worked, 1);
    assert_false(pthread_equal(j->worked_on, pthread_self()));
    j->done = 1;
}

static void work_runs_elsewhere_and_is_awaited_by_free(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    struct job a = {0}, b = {0};
    loop_work(l, job_work, job_done, &a);
    turn_until(l, &a.done, 1);
    loop_work(l, job_work, job_done, &b);
    loop_free(l);
    assert_int_equal(b.done, 1);
}

static void look_at_mask(void *data)
{
    pthread_sigmask(SIG_BLOCK, NULL, data);
}

/* Whoever goes on after a stop learns it in the loop's own thread, before anything that was typed. */
static void the_pool_takes_no_sigcont(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    sigset_t pool, own;
    loop_work(l, look_at_mask, NULL, &pool);
    loop_free(l);
    look_at_mask(&own);
    assert_int_equal(sigismember(&pool, SIGCONT), 1);
    assert_int_equal(sigismember(&pool, SIGTERM), 0);
    assert_int_equal(sigismember(&own, SIGCONT), 0);
}

static void stop_the_loop(void *data)
{
    loop_stop(data);
}

static void run_ends_by_stop_even_when_it_came_first(void **state)
{
    (void)state;
    struct loop *l = loop_new(NULL);
    loop_stop(l);
    loop_run(l);
    loop_post(l, stop_the_loop, l);
    loop_run(l);
    int64_t before = loop_now_us(l), wall = clock_monotonic_us();
    assert_true(before <= wall);
    loop_run_once(l, 3000);
    assert_true(loop_now_us(l) >= before);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_never_early),
        cmocka_unit_test(a_timer_may_free_itself),
        cmocka_unit_test(descriptors_are_watched_until_freed),
        cmocka_unit_test(every_watch_of_a_signal_runs),
        cmocka_unit_test(posts_from_threads_arrive_once_and_in_order),
        cmocka_unit_test(work_runs_elsewhere_and_is_awaited_by_free),
        cmocka_unit_test(the_pool_takes_no_sigcont),
        cmocka_unit_test(run_ends_by_stop_even_when_it_came_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
