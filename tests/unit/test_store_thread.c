/* The thread around the store: groups, order, runs between transactions, and what happens after a failure. */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "store/store_thread.h"
#include "unit/store_fixture.h"

enum { SEEN_MAX = 4096, WAIT_SECONDS = 60 };

/* The loop of a test: counts wakes, and notes what comes back in which order. */
struct loop {
    sem_t woken;
    struct store_thread *thread;
    struct fixture *fixture;
    int seen[SEEN_MAX];
    size_t seen_count, failures;
    char first_error[SB_ERROR_TEXT_MAX];
    pthread_t owner;
};

struct tag {
    struct loop *loop;
    int number;
};

static void wake(void *ctx)
{
    struct loop *loop = ctx;

    (void)sem_post(&loop->woken);
}

static void note(struct loop *loop, int number)
{
    assert_true(pthread_equal(loop->owner, pthread_self()));
    assert_true(loop->seen_count < SEEN_MAX);
    loop->seen[loop->seen_count++] = number;
}

static void note_committed(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct tag *tag = ctx;

    assert_non_null(change);
    note(tag->loop, tag->number);
    if (err) {
        assert_true(err->status < 0);
        if (tag->loop->failures++ == 0)
            (void)snprintf(tag->loop->first_error, SB_ERROR_TEXT_MAX, "%s", err->text);
        assert_string_equal(tag->loop->first_error, err->text);
    }
}

static void note_done(void *ctx)
{
    struct tag *tag = ctx;

    note(tag->loop, tag->number);
}

/* Waits for the thread's wake and delivers, until `count` have been seen. */
static void deliver_until(struct loop *loop, size_t count)
{
    struct timespec until;

    assert_int_equal(0, clock_gettime(CLOCK_REALTIME, &until));
    until.tv_sec += WAIT_SECONDS;
    while (loop->seen_count < count) {
        if (sem_timedwait(&loop->woken, &until) < 0)
            fail_msg("only %zu of %zu came back", loop->seen_count, count);
        store_thread_deliver(loop->thread);
    }
}

static int setup_loop(void **state)
{
    struct sb_error err = SB_ERROR_INIT;
    struct loop *loop = calloc(1, sizeof(*loop));

    assert_non_null(loop);
    (void)setup_store((void **)&loop->fixture);
    assert_int_equal(0, sem_init(&loop->woken, 0, 0));
    loop->owner = pthread_self();
    assert_int_equal(0, store_thread_new(loop->fixture->store, wake, loop, &loop->thread, &err));
    loop->fixture->store = NULL;
    *state = loop;
    return 0;
}

static int teardown_loop(void **state)
{
    struct loop *loop = *state;

    store_thread_free(loop->thread);
    (void)teardown((void **)&loop->fixture);
    (void)sem_destroy(&loop->woken);
    free(loop);
    return 0;
}

static struct store_change *numbered_change(int number)
{
    char name[32];
    struct store_change *change = new_change(0);

    (void)snprintf(name, sizeof(name), "call%d", number);
    (void)add_emit(change, name);
    return change;
}

/* Holds the thread in a run, so that what is handed in meanwhile waits. */
struct gate {
    sem_t entered, open;
};

static void wait_at_gate(void *ctx, struct store *store)
{
    struct gate *gate = ctx;

    (void)store;
    (void)sem_post(&gate->entered);
    (void)sem_wait(&gate->open);
}

static void close_gate(struct loop *loop, struct gate *gate)
{
    assert_int_equal(0, sem_init(&gate->entered, 0, 0));
    assert_int_equal(0, sem_init(&gate->open, 0, 0));
    store_thread_run(loop->thread, wait_at_gate, NULL, gate);
    assert_int_equal(0, sem_wait(&gate->entered));
}

static struct store_thread_stats stats_of(struct loop *loop)
{
    struct store_thread_stats stats;

    store_thread_stats(loop->thread, &stats);
    return stats;
}

/* ---- order and groups ---------------------------------------------------------------------------------- */

static void what_waits_shares_commits_of_at_most_256_and_comes_back_in_order(void **state)
{
    enum { MANY = 600 };
    struct loop *loop = *state;
    struct gate gate;
    struct tag *tags = calloc(MANY, sizeof(*tags));
    struct metrics *metrics = metrics_new();
    AUTO_BUF text;

    assert_non_null(metrics);
    store_thread_measure(loop->thread, metrics_get(metrics, METRIC_HISTOGRAM, "commit_seconds", "", NULL));
    close_gate(loop, &gate);
    for (int i = 0; i < MANY; i++) {
        tags[i] = (struct tag){ loop, i };
        store_thread_commit(loop->thread, numbered_change(i), note_committed, &tags[i]);
    }
    assert_int_equal(MANY + 1, stats_of(loop).waiting);
    assert_int_equal(0, stats_of(loop).commits);
    (void)sem_post(&gate.open);
    deliver_until(loop, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(i, loop->seen[i]);
    struct store_thread_stats stats = stats_of(loop);
    assert_int_equal(3, stats.commits); /* 256 + 256 + 88 */
    assert_int_equal(MANY, stats.changes);
    assert_int_equal(0, stats.waiting);
    assert_true(stats.commit_seconds_total >= stats.commit_seconds_last && stats.commit_seconds_last > 0);
    assert_int_equal(0, loop->failures);
    buf_init(&text, 65536);
    metrics_write(metrics, &text);
    assert_non_null(strstr(text.data, "commit_seconds_count 3\n"));
    store_thread_measure(loop->thread, NULL);
    metrics_free(metrics);
    free(tags);
}

static void count_active(void *ctx, struct store *store)
{
    *(int64_t *)ctx = total(store, "records.active");
}

static void a_run_sees_every_change_before_it_and_none_after(void **state)
{
    struct loop *loop = *state;
    struct gate gate;
    struct tag tags[4];
    int64_t seen[2] = { -1, -1 };

    close_gate(loop, &gate);
    for (int i = 0; i < 4; i++)
        tags[i] = (struct tag){ loop, i };
    store_thread_commit(loop->thread, numbered_change(0), note_committed, &tags[0]);
    store_thread_commit(loop->thread, numbered_change(1), note_committed, &tags[1]);
    store_thread_run(loop->thread, count_active, NULL, &seen[0]);
    store_thread_commit(loop->thread, numbered_change(2), note_committed, &tags[2]);
    store_thread_run(loop->thread, count_active, NULL, &seen[1]);
    store_thread_commit(loop->thread, numbered_change(3), note_committed, &tags[3]);
    (void)sem_post(&gate.open);
    store_thread_drain(loop->thread);
    assert_int_equal(2, seen[0]);
    assert_int_equal(3, seen[1]);
    assert_int_equal(4, loop->seen_count);
    assert_int_equal(3, stats_of(loop).commits); /* the runs part the groups */
}

static void a_read_sees_every_change_before_it_and_parts_no_group(void **state)
{
    struct loop *loop = *state;
    struct gate gate;
    struct tag tags[5];
    int64_t seen[3] = { -1, -1, -1 };

    close_gate(loop, &gate);
    for (int i = 0; i < 5; i++)
        tags[i] = (struct tag){ loop, i };
    store_thread_commit(loop->thread, numbered_change(0), note_committed, &tags[0]);
    store_thread_read(loop->thread, count_active, NULL, &seen[0]);
    store_thread_commit(loop->thread, numbered_change(1), note_committed, &tags[1]);
    store_thread_run(loop->thread, count_active, NULL, &seen[1]);
    store_thread_commit(loop->thread, numbered_change(2), note_committed, &tags[2]);
    store_thread_read(loop->thread, count_active, NULL, &seen[2]);
    store_thread_commit(loop->thread, numbered_change(3), note_committed, &tags[3]);
    (void)sem_post(&gate.open);
    store_thread_drain(loop->thread);
    assert_int_equal(2, seen[0]);
    assert_int_equal(2, seen[1]); /* a run still parts them */
    assert_int_equal(4, seen[2]);
    assert_int_equal(4, loop->seen_count);
    for (int i = 0; i < 4; i++)
        assert_int_equal(i, loop->seen[i]);
    assert_int_equal(2, stats_of(loop).commits);
}

static void what_is_gathered_waits_for_the_flush_and_shares_a_commit(void **state)
{
    struct loop *loop = *state;
    struct tag tags[3];

    store_thread_gather(loop->thread);
    for (int i = 0; i < 3; i++) {
        tags[i] = (struct tag){ loop, i };
        store_thread_commit(loop->thread, numbered_change(i), note_committed, &tags[i]);
    }
    assert_int_equal(3, stats_of(loop).waiting);
    store_thread_flush(loop->thread);
    store_thread_flush(loop->thread); /* nothing is left to hand over */
    deliver_until(loop, 3);
    assert_int_equal(1, stats_of(loop).commits);
    assert_int_equal(0, stats_of(loop).waiting);
    store_thread_commit(loop->thread, numbered_change(3), note_committed, &tags[0]);
    store_thread_drain(loop->thread); /* hands over by itself */
    assert_int_equal(4, loop->seen_count);
}

static void many_that_are_gathered_do_not_wait_for_the_flush(void **state)
{
    struct loop *loop = *state;
    struct tag tags[STORE_THREAD_GATHERED_MAX + 1];

    store_thread_gather(loop->thread);
    for (int i = 0; i <= STORE_THREAD_GATHERED_MAX; i++) {
        tags[i] = (struct tag){ loop, i };
        store_thread_commit(loop->thread, numbered_change(i), note_committed, &tags[i]);
    }
    deliver_until(loop, STORE_THREAD_GATHERED_MAX);
    assert_int_equal(1, stats_of(loop).commits);
    assert_int_equal(1, stats_of(loop).waiting); /* the last one is not enough for itself */
    store_thread_flush(loop->thread);
    deliver_until(loop, STORE_THREAD_GATHERED_MAX + 1);
    for (int i = 0; i <= STORE_THREAD_GATHERED_MAX; i++)
        assert_int_equal(i, loop->seen[i]);
}

static void emit_from_run(void *ctx, struct store *store)
{
    struct tag *tag = ctx;

    tag->number = (int)emit_one(store, "from a run");
}

static void a_run_may_write_and_its_end_is_told_on_the_loop(void **state)
{
    struct loop *loop = *state;
    struct tag tag = { loop, -1 };

    store_thread_run(loop->thread, emit_from_run, note_done, &tag);
    deliver_until(loop, 1);
    assert_true(loop->seen[0] > 0);
}

/* ---- callbacks ----------------------------------------------------------------------------------------- */

struct chain {
    struct tag tag;
    int left;
};

static void continue_chain(void *ctx, struct store_change *change, const struct sb_error *err)
{
    struct chain *chain = ctx;

    assert_null(err);
    assert_true(change->emits[0].ret_id > 0);
    note(chain->tag.loop, chain->left);
    if (--chain->left > 0)
        store_thread_commit(chain->tag.loop->thread, numbered_change(chain->left), continue_chain, chain);
}

static void a_callback_may_hand_in_more(void **state)
{
    struct loop *loop = *state;
    struct chain chain = { { loop, 0 }, 20 };

    store_thread_commit(loop->thread, numbered_change(20), continue_chain, &chain);
    deliver_until(loop, 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(20 - i, loop->seen[i]);
}

static void drain_within(void *ctx, struct store_change *change, const struct sb_error *err)
{
    note_committed(ctx, change, err);
    store_thread_drain(((struct tag *)ctx)->loop->thread);
}

static void a_callback_may_drain_and_order_is_kept(void **state)
{
    struct loop *loop = *state;
    struct gate gate;
    struct tag tags[5];

    close_gate(loop, &gate);
    for (int i = 0; i < 5; i++) {
        tags[i] = (struct tag){ loop, i };
        store_thread_commit(loop->thread, numbered_change(i), i == 1 ? drain_within : note_committed,
                            &tags[i]);
    }
    (void)sem_post(&gate.open);
    store_thread_drain(loop->thread);
    assert_int_equal(5, loop->seen_count);
    for (int i = 0; i < 5; i++)
        assert_int_equal(i, loop->seen[i]);
}

static void a_drain_with_nothing_to_do_returns(void **state)
{
    struct loop *loop = *state;

    store_thread_drain(loop->thread);
    store_thread_deliver(loop->thread);
    assert_int_equal(0, loop->seen_count);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void freeing_commits_what_was_handed_in_and_calls_nobody(void **state)
{
    enum { MANY = 300 };
    struct loop *loop = *state;
    struct tag tag = { loop, 0 };

    for (int i = 0; i < MANY; i++)
        store_thread_commit(loop->thread, numbered_change(i), note_committed, &tag);
    store_thread_gather(loop->thread);
    store_thread_run(loop->thread, emit_from_run, note_done, &tag);
    store_thread_free(loop->thread);
    loop->thread = NULL;
    assert_int_equal(0, loop->seen_count);
    loop->fixture->store = open_store(loop->fixture->dir);
    assert_int_equal(MANY + 1, total(loop->fixture->store, "records.active"));
}

static void write_what_cannot_be(void *ctx, struct store *store)
{
    struct store_change *change = move_change(999, STORE_DONE, NULL);
    struct sb_error err = SB_ERROR_INIT;

    (void)ctx;
    assert_true(store_apply(store, &change, 1, &err) < 0);
    store_change_free(change);
}

/* Whoever commits nothing must hear of it too. */
static void a_write_that_fails_in_a_run_is_a_failure_of_the_thread(void **state)
{
    struct loop *loop = *state;
    int64_t count = -1;

    store_thread_run(loop->thread, count_active, NULL, &count);
    store_thread_drain(loop->thread);
    assert_null(store_thread_failure(loop->thread));
    store_thread_run(loop->thread, write_what_cannot_be, NULL, NULL);
    store_thread_drain(loop->thread);
    const struct sb_error *why = store_thread_failure(loop->thread);
    assert_non_null(why);
    assert_non_null(strstr(why->text, "record 999 is not in the journal"));
}

static void after_a_failure_everything_fails_with_the_same_words(void **state)
{
    struct loop *loop = *state;
    struct tag tags[6];
    int64_t count = -1;

    for (int i = 0; i < 6; i++)
        tags[i] = (struct tag){ loop, i };
    store_thread_commit(loop->thread, numbered_change(0), note_committed, &tags[0]);
    store_thread_drain(loop->thread);
    assert_int_equal(0, loop->failures);

    struct gate gate;
    close_gate(loop, &gate);
    store_thread_commit(loop->thread, numbered_change(1), note_committed, &tags[1]);
    store_thread_commit(loop->thread, move_change(999, STORE_DONE, NULL), note_committed, &tags[2]);
    store_thread_commit(loop->thread, numbered_change(3), note_committed, &tags[3]);
    store_thread_run(loop->thread, count_active, NULL, &count);
    store_thread_commit(loop->thread, numbered_change(4), note_committed, &tags[4]);
    (void)sem_post(&gate.open);
    store_thread_drain(loop->thread);
    store_thread_commit(loop->thread, numbered_change(5), note_committed, &tags[5]);
    store_thread_drain(loop->thread);
    assert_int_equal(6, loop->seen_count);
    for (int i = 0; i < 6; i++)
        assert_int_equal(i, loop->seen[i]);
    assert_int_equal(5, loop->failures); /* the whole group, and all after it */
    assert_non_null(strstr(loop->first_error, "record 999 is not in the journal"));
    assert_int_equal(1, count); /* reading goes on */
    assert_int_equal(1, stats_of(loop).commits);
    assert_int_equal(1, stats_of(loop).changes);
}

/* ---- much at once -------------------------------------------------------------------------------------- */

static void much_work_in_many_turns_is_all_done_in_order(void **state)
{
    enum { TURNS = 100, A_TURN = 20, ALL = TURNS * A_TURN };
    struct loop *loop = *state;
    struct tag *tags = calloc(ALL, sizeof(*tags));

    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < A_TURN; i++) {
            int number = turn * A_TURN + i;
            tags[number] = (struct tag){ loop, number };
            store_thread_commit(loop->thread, numbered_change(number), note_committed, &tags[number]);
        }
        store_thread_deliver(loop->thread);
        (void)stats_of(loop);
    }
    deliver_until(loop, ALL);
    for (int i = 0; i < ALL; i++)
        assert_int_equal(i, loop->seen[i]);
    assert_int_equal(ALL, stats_of(loop).changes);
    free(tags);
    int64_t count = -1;
    store_thread_run(loop->thread, count_active, NULL, &count);
    store_thread_drain(loop->thread);
    assert_int_equal(ALL, count);
}

static void null_is_freed_as_nothing(void **state)
{
    (void)state;
    store_thread_free(NULL);
}

int main(void)
{
#define IN_LOOP(test) cmocka_unit_test_setup_teardown(test, setup_loop, teardown_loop)
    const struct CMUnitTest tests[] = {
        IN_LOOP(what_waits_shares_commits_of_at_most_256_and_comes_back_in_order),
        IN_LOOP(a_run_sees_every_change_before_it_and_none_after),
        IN_LOOP(a_read_sees_every_change_before_it_and_parts_no_group),
        IN_LOOP(what_is_gathered_waits_for_the_flush_and_shares_a_commit),
        IN_LOOP(many_that_are_gathered_do_not_wait_for_the_flush),
        IN_LOOP(a_run_may_write_and_its_end_is_told_on_the_loop),
        IN_LOOP(a_callback_may_hand_in_more),
        IN_LOOP(a_callback_may_drain_and_order_is_kept),
        IN_LOOP(a_drain_with_nothing_to_do_returns),
        IN_LOOP(freeing_commits_what_was_handed_in_and_calls_nobody),
        IN_LOOP(a_write_that_fails_in_a_run_is_a_failure_of_the_thread),
        IN_LOOP(after_a_failure_everything_fails_with_the_same_words),
        IN_LOOP(much_work_in_many_turns_is_all_done_in_order),
        cmocka_unit_test(null_is_freed_as_nothing),
    };
#undef IN_LOOP
    return cmocka_run_group_tests(tests, NULL, NULL);
}
