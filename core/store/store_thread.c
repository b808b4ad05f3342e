/* The store's thread: takes what the loop has handed in, commits it in groups, hands back what is finished.
 *
 * Four lists: `waiting` and `finished` are shared and only ever spliced under the mutex, so that neither
 * side holds it for longer than a few pointers; `gathered` and `ready` belong to the loop. The store itself belongs
 * to the thread. */
#include "store/store_thread.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/job.h"

enum { GROUP_MAX = 256 };

struct job_list {
    struct store_job *first, **end; /* end: where the next one is linked */
};

struct store_thread {
    struct store *store; /* owned */
    store_thread_wake_fn wake;
    void *ctx;
    pthread_t thread;
    struct job_list ready;    /* loop thread only: taken over, not called back yet */
    struct job_list gathered; /* loop thread only: not handed over yet */
    size_t gathered_count;
    bool gathers;

    pthread_mutex_t mutex; /* everything below */
    pthread_cond_t work_came, work_done;
    struct job_list waiting, finished;
    uint64_t submitted, completed; /* jobs, since the beginning */
    bool is_stopping;
    struct sb_error failure; /* written once, before the first job that failed is handed back */
    struct store_thread_stats stats;
    struct metric *commit_seconds; /* borrowed; NULL: nobody measures */
};

/* ---- lists --------------------------------------------------------------------------------------------- */

static void list_init(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct job_list *list, struct store_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

/* Moves everything of `from` behind `to`. */
static void list_splice(struct job_list *to, struct job_list *from)
{
    if (!from->first)
        return;
    *to->end = from->first;
    to->end = from->end;
    list_init(from);
}

static struct store_job *list_pop(struct job_list *list)
{
    struct store_job *job = list->first;

    if (job && !(list->first = job->next))
        list->end = &list->first;
    return job;
}

/* Puts the reads of each stretch between two runs behind its changes; else the order stays. */
static void put_reads_last(struct job_list *list)
{
    struct job_list from = *list, reads;

    if (!list->first)
        return;
    list_init(list);
    list_init(&reads);
    for (struct store_job *job; (job = list_pop(&from));) {
        if (!job->change && !job->is_read)
            list_splice(list, &reads);
        list_add(job->is_read ? &reads : list, job);
    }
    list_splice(list, &reads);
}

/* A change's job lies in the same allocation. */
static void job_free(struct store_job *job)
{
    if (job->change)
        store_change_free(job->change);
    else
        free(job);
}

static void list_free(struct job_list *list)
{
    for (struct store_job *job; (job = list_pop(list));)
        job_free(job);
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What the thread did with one group. */
struct group {
    struct job_list jobs;
    size_t count; /* jobs */
    size_t changes;
    double seconds;
    struct sb_error why;
};

/* The next transaction's worth: changes in a row, or one run. */
static void take_group(struct job_list *todo, struct group *group)
{
    list_init(&group->jobs);
    while (todo->first && group->count < GROUP_MAX) {
        bool is_run = !todo->first->change;
        if (is_run && group->count > 0)
            return;
        list_add(&group->jobs, list_pop(todo));
        group->count++;
        if (is_run)
            return;
        group->changes++;
    }
}

static void commit_group(struct store_thread *thread, struct group *group)
{
    struct store_change *changes[GROUP_MAX];
    size_t count = 0;
    double started = seconds_now();

    for (struct store_job *job = group->jobs.first; job; job = job->next)
        changes[count++] = job->change;
    assert(count == group->changes);
    bool has_failed = store_apply(thread->store, changes, count, &group->why) < 0;
    for (struct store_job *job = group->jobs.first; job; job = job->next)
        job->has_failed = has_failed;
    group->seconds = seconds_now() - started;
}

static void do_group(struct store_thread *thread, struct group *group)
{
    struct store_job *first = group->jobs.first;

    assert(first); /* there was something to do */
    if (first->change)
        commit_group(thread, group);
    else
        first->work(first->ctx, thread->store);
    if (group->why.status == 0 && store_failure(thread->store))
        group->why = *store_failure(thread->store);
}

/* Under the mutex. */
static void count_group(struct store_thread *thread, const struct group *group)
{
    thread->completed += group->count;
    if (group->why.status != 0 && thread->failure.status == 0)
        thread->failure = group->why;
    if (group->changes == 0 || group->why.status != 0)
        return;
    thread->stats.commits++;
    thread->stats.changes += group->changes;
    thread->stats.commit_seconds_total += group->seconds;
    thread->stats.commit_seconds_last = group->seconds;
    if (thread->commit_seconds)
        metric_observe(thread->commit_seconds, group->seconds);
}

static void hand_back(struct store_thread *thread, struct group *group)
{
    (void)pthread_mutex_lock(&thread->mutex);
    bool is_first = !thread->finished.first;
    count_group(thread, group);
    list_splice(&thread->finished, &group->jobs);
    (void)pthread_cond_broadcast(&thread->work_done);
    (void)pthread_mutex_unlock(&thread->mutex);
    if (is_first) /* otherwise the loop has been woken and has not looked yet */
        thread->wake(thread->ctx);
}

/* Waits for work. False: there is none and there will be none. */
static bool fetch(struct store_thread *thread, struct job_list *todo)
{
    struct job_list come;

    list_init(&come);
    (void)pthread_mutex_lock(&thread->mutex);
    while (!todo->first && !thread->waiting.first && !thread->is_stopping)
        (void)pthread_cond_wait(&thread->work_came, &thread->mutex);
    list_splice(&come, &thread->waiting);
    (void)pthread_mutex_unlock(&thread->mutex);
    put_reads_last(&come);
    list_splice(todo, &come);
    return todo->first != NULL;
}

static void *run_thread(void *argument)
{
    struct store_thread *thread = argument;
    struct job_list todo;

    list_init(&todo);
    while (fetch(thread, &todo)) {
        struct group group = { .why = SB_ERROR_INIT };
        take_group(&todo, &group);
        do_group(thread, &group);
        hand_back(thread, &group);
    }
    return NULL;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

/* Signals are the loop's: none may end up on this thread. */
static int start(struct store_thread *thread)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread->thread, NULL, run_thread, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        (void)pthread_setname_np(thread->thread, "store");
    return rc;
}

int store_thread_new(struct store *store, store_thread_wake_fn wake, void *ctx,
                     struct store_thread **ret_thread, struct sb_error *err)
{
    struct store_thread *thread = calloc(1, sizeof(*thread));
    if (!thread) {
        store_close(store);
        return sb_fail(err, SB_ENOMEM, "cannot start the journal's thread: out of memory");
    }
    thread->store = store;
    thread->wake = wake;
    thread->ctx = ctx;
    list_init(&thread->ready);
    list_init(&thread->gathered);
    list_init(&thread->waiting);
    list_init(&thread->finished);
    (void)pthread_mutex_init(&thread->mutex, NULL); /* none of the three fails on Linux */
    (void)pthread_cond_init(&thread->work_came, NULL);
    (void)pthread_cond_init(&thread->work_done, NULL);

    int rc = start(thread);
    if (rc != 0) {
        store_close(store);
        free(thread);
        return sb_fail(err, SB_EBUSY, "cannot start the journal's thread: %s", strerror(rc));
    }
    *ret_thread = thread;
    return 0;
}

void store_thread_free(struct store_thread *thread)
{
    if (!thread)
        return;
    store_thread_flush(thread);
    (void)pthread_mutex_lock(&thread->mutex);
    thread->is_stopping = true;
    (void)pthread_cond_signal(&thread->work_came);
    (void)pthread_mutex_unlock(&thread->mutex);
    (void)pthread_join(thread->thread, NULL);

    list_free(&thread->ready);
    list_free(&thread->finished);
    store_close(thread->store);
    (void)pthread_cond_destroy(&thread->work_came);
    (void)pthread_cond_destroy(&thread->work_done);
    (void)pthread_mutex_destroy(&thread->mutex);
    free(thread);
}

/* ---- the loop's side ----------------------------------------------------------------------------------- */

void store_thread_flush(struct store_thread *thread)
{
    if (thread->gathered_count == 0)
        return;
    (void)pthread_mutex_lock(&thread->mutex);
    bool is_first = !thread->waiting.first; /* otherwise the thread has been woken and has not looked yet */
    list_splice(&thread->waiting, &thread->gathered);
    thread->submitted += thread->gathered_count;
    (void)pthread_mutex_unlock(&thread->mutex);
    thread->gathered_count = 0;
    /* After the unlock: who wakes into a locked mutex goes to sleep again. */
    if (is_first)
        (void)pthread_cond_signal(&thread->work_came);
}

void store_thread_gather(struct store_thread *thread)
{
    thread->gathers = true;
}

static void submit(struct store_thread *thread, struct store_job *job)
{
    list_add(&thread->gathered, job);
    thread->gathered_count++;
    if (!thread->gathers || thread->gathered_count == STORE_THREAD_GATHERED_MAX)
        store_thread_flush(thread);
}

void store_thread_commit(struct store_thread *thread, struct store_change *change, store_committed_fn done,
                         void *ctx)
{
    struct store_job *job = &((struct store_change_box *)change)->job;

    *job = (struct store_job){ .change = change, .committed = done, .ctx = ctx };
    submit(thread, job);
}

static void submit_work(struct store_thread *thread, struct store_job what)
{
    struct store_job *job = malloc(sizeof(*job));

    if (!job) {
        /* There is nobody to tell: `done` must come, and only after `work`. */
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    *job = what;
    submit(thread, job);
}

void store_thread_run(struct store_thread *thread, void (*work)(void *ctx, struct store *store),
                      void (*done)(void *ctx), void *ctx)
{
    submit_work(thread, (struct store_job){ .work = work, .done = done, .ctx = ctx });
}

void store_thread_read(struct store_thread *thread, void (*work)(void *ctx, struct store *store),
                       void (*done)(void *ctx), void *ctx)
{
    submit_work(thread, (struct store_job){ .work = work, .done = done, .ctx = ctx, .is_read = true });
}

static void call_back(struct store_thread *thread, struct store_job *job)
{
    if (job->change)
        job->committed(job->ctx, job->change, job->has_failed ? &thread->failure : NULL);
    else if (job->done)
        job->done(job->ctx);
}

/* A callback may hand in more, and may even deliver: the list is popped before each call. */
void store_thread_deliver(struct store_thread *thread)
{
    (void)pthread_mutex_lock(&thread->mutex);
    list_splice(&thread->ready, &thread->finished);
    (void)pthread_mutex_unlock(&thread->mutex);

    for (struct store_job *job; (job = list_pop(&thread->ready));) {
        call_back(thread, job);
        job_free(job);
    }
}

const struct sb_error *store_thread_failure(struct store_thread *thread)
{
    (void)pthread_mutex_lock(&thread->mutex);
    bool has_failed = thread->failure.status != 0;
    (void)pthread_mutex_unlock(&thread->mutex);
    return has_failed ? &thread->failure : NULL;
}

void store_thread_drain(struct store_thread *thread)
{
    store_thread_flush(thread);
    (void)pthread_mutex_lock(&thread->mutex);
    uint64_t until = thread->submitted;
    while (thread->completed < until)
        (void)pthread_cond_wait(&thread->work_done, &thread->mutex);
    (void)pthread_mutex_unlock(&thread->mutex);
    store_thread_deliver(thread);
}

void store_thread_measure(struct store_thread *thread, struct metric *seconds)
{
    (void)pthread_mutex_lock(&thread->mutex);
    thread->commit_seconds = seconds;
    (void)pthread_mutex_unlock(&thread->mutex);
}

void store_thread_stats(struct store_thread *thread, struct store_thread_stats *ret_stats)
{
    (void)pthread_mutex_lock(&thread->mutex);
    *ret_stats = thread->stats;
    ret_stats->waiting = (size_t)(thread->submitted - thread->completed) + thread->gathered_count;
    (void)pthread_mutex_unlock(&thread->mutex);
}
