/* The event loop: timers, doors, signals, descriptors, background jobs. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/scope.h"
#include "io/loop.h"

enum { TIMERS = 5, SENDS = 1000, GIVE_UP_MS = 20000 };

static struct loop *make_loop(void)
{
    struct sb_error err = SB_ERROR_INIT;
    struct loop *loop = loop_new(&err);

    assert_non_null(loop);
    return loop;
}

static void run(struct loop *loop)
{
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(0, loop_run(loop, &err));
}

static uint64_t now_us(void)
{
    struct timespec now;

    assert_int_equal(0, clock_gettime(CLOCK_MONOTONIC, &now));
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- timers ---- */

struct order {
    struct loop *loop;
    unsigned seen[TIMERS];
    unsigned count;
};

struct tick {
    struct order *order;
    struct loop_timer *timer;
    unsigned number;
    uint64_t fired_us;
};

static void note_tick(void *ctx)
{
    struct tick *tick = ctx;

    tick->fired_us = now_us();
    tick->order->seen[tick->order->count++] = tick->number;
    if (tick->order->count == TIMERS)
        loop_stop(tick->order->loop);
}

static void timers_fire_in_order_and_never_early(void **state)
{
    static const uint64_t delays_ms[TIMERS] = { 40, 10, 30, 0, 20 };
    static const unsigned want[TIMERS] = { 3, 1, 4, 2, 0 };
    struct order order = { .loop = make_loop() };
    struct tick ticks[TIMERS];
    uint64_t armed_us = now_us();

    (void)state;
    for (unsigned i = 0; i < TIMERS; i++) {
        ticks[i] = (struct tick){ .order = &order, .number = i };
        ticks[i].timer = loop_timer_new(order.loop, note_tick, &ticks[i]);
        assert_non_null(ticks[i].timer);
        loop_timer_arm(ticks[i].timer, delays_ms[i]);
    }
    run(order.loop);
    for (unsigned i = 0; i < TIMERS; i++) {
        assert_int_equal(want[i], order.seen[i]);
        /* The loop counts whole milliseconds, so a timer may come up to one of them early. */
        assert_true(ticks[i].fired_us + 1000 >= armed_us + delays_ms[i] * 1000);
        loop_timer_free(ticks[i].timer);
    }
    loop_free(order.loop);
}

static void arm_late(void *ctx)
{
    struct tick *tick = ctx;
    uint64_t until_us = now_us() + 30000;

    while (now_us() < until_us)
        continue; /* a callback that takes long: the loop's own idea of the time falls behind */
    tick->fired_us = now_us();
    loop_timer_arm(tick->timer, 20);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

struct late {
    struct tick tick;
    struct loop *loop;
    uint64_t end_us;
};

static void note_end(void *ctx)
{
    struct late *late = ctx;

    late->end_us = now_us();
    loop_stop(late->loop);
}

static void a_timer_armed_after_a_long_callback_waits_its_full_time(void **state)
{
    struct late late = { .loop = make_loop() };
    struct loop_timer *first = loop_timer_new(late.loop, arm_late, &late.tick);

    (void)state;
    late.tick.timer = loop_timer_new(late.loop, note_end, &late);
    loop_timer_arm(first, 1);
    run(late.loop);
    assert_true(late.end_us + 1000 >= late.tick.fired_us + 20000);
    loop_timer_free(first);
    loop_timer_free(late.tick.timer);
    loop_free(late.loop);
}

static void count_up(void *ctx)
{
    (*(unsigned *)ctx)++;
}

static void arming_again_moves_and_disarming_cancels(void **state)
{
    struct loop *loop = make_loop();
    unsigned moved = 0;
    unsigned cancelled = 0;
    struct loop_timer *mover = loop_timer_new(loop, count_up, &moved);
    struct loop_timer *loser = loop_timer_new(loop, count_up, &cancelled);
    struct loop_timer *end = loop_timer_new(loop, stop_loop, loop);

    (void)state;
    loop_timer_arm(mover, 5);
    loop_timer_arm(mover, 20);
    loop_timer_arm(loser, 10);
    loop_timer_disarm(loser);
    loop_timer_arm(end, 40);
    run(loop);
    assert_int_equal(1, moved);
    assert_int_equal(0, cancelled);
    loop_timer_free(mover);
    loop_timer_free(loser);
    loop_timer_free(end);
    loop_timer_free(NULL);
    loop_free(loop);
}

struct self_free {
    struct loop *loop;
    struct loop_timer *timer;
};

static void free_own_timer(void *ctx)
{
    struct self_free *self = ctx;

    loop_timer_free(self->timer);
    loop_stop(self->loop);
}

static void a_timer_may_free_itself(void **state)
{
    struct self_free self = { .loop = make_loop() };

    (void)state;
    self.timer = loop_timer_new(self.loop, free_own_timer, &self);
    loop_timer_arm(self.timer, 0);
    run(self.loop);
    loop_free(self.loop);
}

static void loop_free_closes_what_is_left(void **state)
{
    struct loop *loop = make_loop();
    struct sb_error err = SB_ERROR_INIT;
    unsigned never = 0;
    int fd = eventfd(0, EFD_CLOEXEC);

    (void)state;
    loop_timer_arm(loop_timer_new(loop, count_up, &never), 0);
    assert_non_null(loop_post_new(loop, count_up, &never));
    assert_non_null(loop_watch(loop, fd, count_up, &never, &err));
    loop_free(loop); /* the leak checker looks */
    assert_int_equal(0, never);
    assert_int_equal(0, close(fd));
    loop_free(NULL);
}

static void run_again_inside(void *ctx)
{
    struct loop *loop = ctx;
    struct sb_error err = SB_ERROR_INIT;

    assert_int_equal(SB_EINTERNAL, loop_run(loop, &err));
    loop_stop(loop);
}

static void a_running_loop_refuses_to_run_again(void **state)
{
    struct loop *loop = make_loop();
    struct loop_timer *timer = loop_timer_new(loop, run_again_inside, loop);

    (void)state;
    loop_timer_arm(timer, 0);
    run(loop);
    loop_timer_free(timer);
    loop_free(loop);
}

/* ---- doors ---- */

struct door {
    struct loop *loop;
    struct loop_post *post;
    pthread_mutex_t lock;
    unsigned sent, calls; /* sent: under the lock */
    pthread_t loop_thread;
};

static void open_door(void *ctx)
{
    struct door *door = ctx;

    assert_true(pthread_equal(door->loop_thread, pthread_self()));
    door->calls++;
    pthread_mutex_lock(&door->lock);
    if (door->sent == SENDS)
        loop_stop(door->loop);
    pthread_mutex_unlock(&door->lock);
}

static void *knock(void *ctx)
{
    struct door *door = ctx;

    for (unsigned i = 0; i < SENDS; i++) {
        pthread_mutex_lock(&door->lock);
        door->sent++;
        pthread_mutex_unlock(&door->lock);
        loop_post_send(door->post);
    }
    return NULL;
}

static void posts_from_another_thread_arrive_merged_and_none_is_lost(void **state)
{
    struct door door = { .loop = make_loop(), .loop_thread = pthread_self() };
    pthread_t thread;

    (void)state;
    pthread_mutex_init(&door.lock, NULL);
    door.post = loop_post_new(door.loop, open_door, &door);
    assert_int_equal(0, pthread_create(&thread, NULL, knock, &door));
    run(door.loop); /* ends only because the last send is seen */
    assert_int_equal(0, pthread_join(thread, NULL));
    assert_in_range(door.calls, 1, SENDS);
    loop_post_free(door.post);
    loop_free(door.loop);
    pthread_mutex_destroy(&door.lock);
}

static void sends_before_the_loop_runs_are_one_call(void **state)
{
    struct loop *loop = make_loop();
    unsigned calls = 0;
    struct loop_post *post = loop_post_new(loop, count_up, &calls);
    struct loop_timer *end = loop_timer_new(loop, stop_loop, loop);

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        loop_post_send(post);
    loop_timer_arm(end, 10);
    run(loop);
    assert_int_equal(1, calls);
    loop_post_free(post);
    loop_timer_free(end);
    loop_free(loop);
}

/* ---- signals and descriptors ---- */

struct caught {
    struct loop *loop;
    int signum;
};

static void note_signal(void *ctx, int signum)
{
    struct caught *caught = ctx;

    caught->signum = signum;
    loop_stop(caught->loop);
}

static void a_signal_arrives_on_the_loop(void **state)
{
    struct caught caught = { .loop = make_loop() };
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    assert_int_equal(0, loop_on_signal(caught.loop, SIGUSR1, note_signal, &caught, &err));
    assert_int_equal(0, loop_on_signal(caught.loop, SIGUSR2, note_signal, &caught, &err));
    assert_int_equal(0, raise(SIGUSR2));
    run(caught.loop);
    assert_int_equal(SIGUSR2, caught.signum);
    assert_int_equal(SB_EINPUT, loop_on_signal(caught.loop, SIGKILL, note_signal, &caught, &err));
    assert_string_equal("cannot watch signal 9: invalid argument", err.text);
    loop_free(caught.loop);
}

static void a_turn_tells_what_has_happened_and_waits_for_nothing(void **state)
{
    struct caught caught = { .loop = make_loop() };
    struct sb_error err = SB_ERROR_INIT;

    (void)state;
    assert_int_equal(0, loop_on_signal(caught.loop, SIGUSR1, note_signal, &caught, &err));
    loop_turn(caught.loop);
    assert_int_equal(0, caught.signum);
    assert_int_equal(0, raise(SIGUSR1)); /* behind the end of a run */
    loop_turn(caught.loop);
    assert_int_equal(SIGUSR1, caught.signum);
    caught.signum = 0;
    assert_int_equal(0, raise(SIGUSR1));
    run(caught.loop); /* and it runs again */
    assert_int_equal(SIGUSR1, caught.signum);
    loop_free(caught.loop);
}

struct readable {
    struct loop *loop;
    int fd;
    unsigned calls;
};

static void read_event(void *ctx)
{
    struct readable *readable = ctx;
    uint64_t value = 0;

    if (++readable->calls < 3)
        return; /* left unread: it must come again */
    assert_int_equal(sizeof(value), read(readable->fd, &value, sizeof(value)));
    loop_stop(readable->loop);
}

static void a_watch_is_called_while_there_is_something_to_read(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct readable readable = { .loop = make_loop(), .fd = eventfd(1, EFD_CLOEXEC) };
    struct loop_watch *watch = loop_watch(readable.loop, readable.fd, read_event, &readable, &err);

    (void)state;
    assert_non_null(watch);
    run(readable.loop);
    assert_int_equal(3, readable.calls);
    loop_unwatch(watch);
    loop_unwatch(NULL);
    assert_null(loop_watch(readable.loop, -1, read_event, &readable, &err));
    loop_free(readable.loop);
    assert_int_equal(0, close(readable.fd));
}

/* ---- background jobs ---- */

struct errand {
    struct loop *loop;
    pthread_t loop_thread;
    int result;
    bool is_done;
};

static void compute(void *ctx)
{
    struct errand *errand = ctx;

    if (!pthread_equal(errand->loop_thread, pthread_self()))
        errand->result = 42;
}

static void note_done(void *ctx)
{
    struct errand *errand = ctx;

    assert_true(pthread_equal(errand->loop_thread, pthread_self()));
    errand->is_done = true;
    loop_stop(errand->loop);
}

static void offloaded_work_runs_elsewhere_and_ends_on_the_loop(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct errand errand = { .loop = make_loop(), .loop_thread = pthread_self() };

    (void)state;
    assert_int_equal(0, loop_offload(errand.loop, compute, note_done, &errand, &err));
    run(errand.loop);
    assert_true(errand.is_done);
    assert_int_equal(42, errand.result);
    loop_free(errand.loop);
}

static void loop_free_waits_for_offloaded_work(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct errand errand = { .loop = make_loop(), .loop_thread = pthread_self() };

    (void)state;
    assert_int_equal(0, loop_offload(errand.loop, compute, note_done, &errand, &err));
    loop_free(errand.loop);
    assert_true(errand.is_done);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_never_early),
        cmocka_unit_test(a_timer_armed_after_a_long_callback_waits_its_full_time),
        cmocka_unit_test(arming_again_moves_and_disarming_cancels),
        cmocka_unit_test(a_timer_may_free_itself),
        cmocka_unit_test(loop_free_closes_what_is_left),
        cmocka_unit_test(a_running_loop_refuses_to_run_again),
        cmocka_unit_test(posts_from_another_thread_arrive_merged_and_none_is_lost),
        cmocka_unit_test(sends_before_the_loop_runs_are_one_call),
        cmocka_unit_test(a_signal_arrives_on_the_loop),
        cmocka_unit_test(a_turn_tells_what_has_happened_and_waits_for_nothing),
        cmocka_unit_test(a_watch_is_called_while_there_is_something_to_read),
        cmocka_unit_test(offloaded_work_runs_elsewhere_and_ends_on_the_loop),
        cmocka_unit_test(loop_free_waits_for_offloaded_work),
    };

    (void)alarm(GIVE_UP_MS / 1000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
