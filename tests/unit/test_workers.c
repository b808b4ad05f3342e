/* The worker pool: results, order, limits, stopping. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/loop.h"
#include "io/workers.h"

enum { JOBS = 200, GIVE_UP_S = 60 };

struct world {
    struct loop *loop;
    struct workers *workers;
    pthread_t loop_thread;
    unsigned wanted, done;
};

struct sum {
    struct world *world;
    uint64_t upto, result;
    bool was_elsewhere;
};

static void add_up(void *ctx)
{
    struct sum *sum = ctx;

    for (uint64_t i = 1; i <= sum->upto; i++)
        sum->result += i;
    sum->was_elsewhere = !pthread_equal(sum->world->loop_thread, pthread_self());
}

static void note_sum(void *ctx)
{
    struct sum *sum = ctx;

    assert_true(pthread_equal(sum->world->loop_thread, pthread_self()));
    if (++sum->world->done == sum->world->wanted)
        loop_stop(sum->world->loop);
}

static void open_world(struct world *world, uint32_t threads, uint32_t queue_max)
{
    struct sb_error err = SB_ERROR_INIT;

    *world = (struct world){ .loop_thread = pthread_self() };
    world->loop = loop_new(&err);
    assert_non_null(world->loop);
    world->workers = workers_new(world->loop, threads, queue_max, &err);
    assert_non_null(world->workers);
}

static void close_world(struct world *world)
{
    workers_free(world->workers);
    loop_free(world->loop);
}

static void every_job_runs_elsewhere_and_ends_on_the_loop(void **state)
{
    static const uint32_t thread_counts[] = { 0, 1, 3, 8 };

    (void)state;
    for (size_t i = 0; i < sizeof(thread_counts) / sizeof(thread_counts[0]); i++) {
        struct sb_error err = SB_ERROR_INIT;
        struct world world;
        struct sum sums[JOBS];
        open_world(&world, thread_counts[i], JOBS);
        world.wanted = JOBS;
        for (unsigned job = 0; job < JOBS; job++) {
            sums[job] = (struct sum){ .world = &world, .upto = job };
            assert_int_equal(0, workers_submit(world.workers, add_up, note_sum, &sums[job], &err));
        }
        assert_int_equal(0, loop_run(world.loop, &err));
        for (unsigned job = 0; job < JOBS; job++) {
            assert_int_equal(job * (job + 1) / 2, sums[job].result);
            assert_true(sums[job].was_elsewhere);
        }
        assert_int_equal(0, workers_waiting(world.workers));
        close_world(&world);
    }
}

/* A job that holds its thread until it is let go. */
struct gate {
    struct world *world;
    sem_t entered, leave;
};

static void wait_at_gate(void *ctx)
{
    struct gate *gate = ctx;

    sem_post(&gate->entered);
    sem_wait(&gate->leave);
}

static void note_gate(void *ctx)
{
    struct gate *gate = ctx;

    if (++gate->world->done == gate->world->wanted)
        loop_stop(gate->world->loop);
}

static void open_gate(struct gate *gate, struct world *world)
{
    gate->world = world;
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->leave, 0, 0);
}

static void close_gate(struct gate *gate)
{
    sem_destroy(&gate->entered);
    sem_destroy(&gate->leave);
}

static void a_full_queue_refuses_and_takes_again_when_there_is_room(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct world world;
    struct gate gate;
    struct sum sums[2];

    (void)state;
    open_world(&world, 1, 2);
    open_gate(&gate, &world);
    assert_int_equal(0, workers_submit(world.workers, wait_at_gate, note_gate, &gate, &err));
    sem_wait(&gate.entered); /* the one thread is taken, the queue is empty */
    for (unsigned i = 0; i < 2; i++) {
        sums[i] = (struct sum){ .world = &world, .upto = 10 };
        assert_int_equal(0, workers_submit(world.workers, add_up, note_sum, &sums[i], &err));
    }
    assert_int_equal(2, workers_waiting(world.workers));
    assert_int_equal(SB_EBUSY, workers_submit(world.workers, add_up, note_sum, &sums[0], &err));
    assert_string_equal("the work queue is full: 2 jobs wait already", err.text);

    world.wanted = 3;
    sem_post(&gate.leave);
    assert_int_equal(0, loop_run(world.loop, &err));
    assert_int_equal(0, workers_waiting(world.workers));
    world.wanted = 4;
    assert_int_equal(0, workers_submit(world.workers, add_up, note_sum, &sums[0], &err));
    assert_int_equal(0, loop_run(world.loop, &err));
    close_world(&world);
    close_gate(&gate);
}

static void jobs_run_at_the_same_time_on_different_threads(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct world world;
    struct gate gates[3];

    (void)state;
    open_world(&world, 3, 3);
    world.wanted = 3;
    for (unsigned i = 0; i < 3; i++) {
        open_gate(&gates[i], &world);
        assert_int_equal(0, workers_submit(world.workers, wait_at_gate, note_gate, &gates[i], &err));
    }
    for (unsigned i = 0; i < 3; i++)
        sem_wait(&gates[i].entered); /* would wait for ever with fewer threads */
    for (unsigned i = 0; i < 3; i++)
        sem_post(&gates[i].leave);
    assert_int_equal(0, loop_run(world.loop, &err));
    close_world(&world);
    for (unsigned i = 0; i < 3; i++)
        close_gate(&gates[i]);
}

struct tally {
    pthread_mutex_t lock;
    unsigned started, finished;
};

static void spend_a_millisecond(void *ctx)
{
    struct tally *tally = ctx;
    struct timespec start;
    struct timespec now;

    pthread_mutex_lock(&tally->lock);
    tally->started++;
    pthread_mutex_unlock(&tally->lock);
    assert_int_equal(0, clock_gettime(CLOCK_MONOTONIC, &start));
    do
        assert_int_equal(0, clock_gettime(CLOCK_MONOTONIC, &now));
    while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < 1000000);
    pthread_mutex_lock(&tally->lock);
    tally->finished++;
    pthread_mutex_unlock(&tally->lock);
}

static void never(void *ctx)
{
    (void)ctx;
    fail_msg("the end of a job was told to a pool that was freed");
}

static void freeing_waits_for_the_running_job_and_drops_the_others(void **state)
{
    enum { MANY = 3000 };
    struct sb_error err = SB_ERROR_INIT;
    struct world world;
    struct tally tally = { .started = 0 };

    (void)state;
    open_world(&world, 2, MANY);
    pthread_mutex_init(&tally.lock, NULL);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(0, workers_submit(world.workers, spend_a_millisecond, never, &tally, &err));
    workers_free(world.workers);
    assert_int_equal(tally.started, tally.finished);
    assert_true(tally.started < MANY); /* all of them would have taken seconds */
    loop_free(world.loop);
    pthread_mutex_destroy(&tally.lock);
}

static void an_unused_pool_costs_no_thread(void **state)
{
    struct world world;

    (void)state;
    open_world(&world, 4, 4);
    close_world(&world);
    workers_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_elsewhere_and_ends_on_the_loop),
        cmocka_unit_test(a_full_queue_refuses_and_takes_again_when_there_is_room),
        cmocka_unit_test(jobs_run_at_the_same_time_on_different_threads),
        cmocka_unit_test(freeing_waits_for_the_running_job_and_drops_the_others),
        cmocka_unit_test(an_unused_pool_costs_no_thread),
    };

    (void)alarm(GIVE_UP_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
