/* A pool of threads over one bounded queue. Threads start when there is work for them, so an engine that
 * never decodes anything never pays for them. */
#include "io/workers.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The loop's thread goes first when both want a core. */
enum { THREADS_MAX = 64, THREAD_NICENESS = 5 };

struct job {
    struct job *next;
    void (*work)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

struct job_queue {
    struct job *head, **tail;
    size_t count;
};

struct workers {
    struct loop_post *post; /* "there is something in `finished`" */
    pthread_t *threads;     /* loop thread only */
    uint32_t threads_max, thread_count, queue_max;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct job_queue waiting, finished;
    uint32_t idle; /* threads that wait for a job */
    bool is_stopping;
};

static void queue_init(struct job_queue *queue)
{
    queue->head = NULL;
    queue->tail = &queue->head;
    queue->count = 0;
}

static void queue_push(struct job_queue *queue, struct job *job)
{
    job->next = NULL;
    *queue->tail = job;
    queue->tail = &job->next;
    queue->count++;
}

static struct job *queue_pop(struct job_queue *queue)
{
    struct job *job = queue->head;

    if (!job)
        return NULL;
    queue->head = job->next;
    if (!queue->head)
        queue->tail = &queue->head;
    queue->count--;
    return job;
}

static void queue_drop(struct job_queue *queue)
{
    for (struct job *job = queue_pop(queue); job; job = queue_pop(queue))
        free(job);
}

/* ---- on the threads ---- */

/* Gives the next job, or NULL when the pool stops. Called and left with the lock held. */
static struct job *wait_for_job(struct workers *workers)
{
    while (!workers->is_stopping) {
        struct job *job = queue_pop(&workers->waiting);
        if (job)
            return job;
        workers->idle++;
        pthread_cond_wait(&workers->wake, &workers->lock);
        workers->idle--;
    }
    return NULL;
}

static void *run_thread(void *ctx)
{
    struct workers *workers = ctx;

    (void)setpriority(PRIO_PROCESS, 0, THREAD_NICENESS); /* a wish: without it all still works */
    pthread_mutex_lock(&workers->lock);
    for (struct job *job = wait_for_job(workers); job; job = wait_for_job(workers)) {
        pthread_mutex_unlock(&workers->lock);
        job->work(job->ctx);
        pthread_mutex_lock(&workers->lock);
        bool was_empty = workers->finished.count == 0;
        queue_push(&workers->finished, job);
        if (was_empty && !workers->is_stopping)
            loop_post_send(workers->post);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* ---- on the loop ---- */

static struct job *take_finished(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct job *list = workers->finished.head;
    queue_init(&workers->finished);
    pthread_mutex_unlock(&workers->lock);
    return list;
}

static void deliver_finished(void *ctx)
{
    struct job *next;

    for (struct job *job = take_finished(ctx); job; job = next) {
        next = job->next;
        job->done(job->ctx);
        free(job);
    }
}

/* Signals are for the loop's thread: a thread of the pool is born with all of them blocked. */
static int start_thread(struct workers *workers)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&workers->threads[workers->thread_count], NULL, run_thread, workers);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        workers->thread_count++;
    return rc;
}

static uint32_t count_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (cores < 1)
        return 1;
    return cores > THREADS_MAX ? THREADS_MAX : (uint32_t)cores;
}

struct workers *workers_new(struct loop *loop, uint32_t threads, uint32_t queue_max, struct sb_error *err)
{
    assert(queue_max > 0);

    struct workers *workers = calloc(1, sizeof(*workers));
    if (!workers) {
        sb_fail(err, SB_ENOMEM, "cannot make the worker pool: out of memory");
        return NULL;
    }
    workers->threads_max = threads ? threads : count_cores();
    workers->queue_max = queue_max;
    queue_init(&workers->waiting);
    queue_init(&workers->finished);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    workers->threads = calloc(workers->threads_max, sizeof(*workers->threads));
    workers->post = loop_post_new(loop, deliver_finished, workers);
    if (!workers->threads || !workers->post) {
        sb_fail(err, SB_ENOMEM, "cannot make the worker pool: out of memory");
        workers_free(workers);
        return NULL;
    }
    return workers;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->is_stopping = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);

    queue_drop(&workers->waiting);
    queue_drop(&workers->finished);
    loop_post_free(workers->post);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}

/* Puts the job into the queue. Returns false when there is no room; *ret_wants_thread says whether nobody is
 * free to take it. */
static bool enqueue(struct workers *workers, struct job *job, bool *ret_wants_thread)
{
    pthread_mutex_lock(&workers->lock);
    bool has_room = workers->waiting.count < workers->queue_max;
    if (has_room) {
        queue_push(&workers->waiting, job);
        *ret_wants_thread = workers->waiting.count > workers->idle;
        pthread_cond_signal(&workers->wake);
    }
    pthread_mutex_unlock(&workers->lock);
    return has_room;
}

int workers_submit(struct workers *workers, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx,
                   struct sb_error *err)
{
    bool wants_thread = false;

    /* The first thread comes before the first job, so that a job in the queue is always a job that will run.
     */
    if (workers->thread_count == 0) {
        int rc = start_thread(workers);
        if (rc != 0)
            return sb_fail(err, SB_EBUSY, "cannot start a worker thread: %s", strerror(rc));
    }
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return sb_fail(err, SB_ENOMEM, "cannot submit work: out of memory");
    *job = (struct job){ .work = work, .done = done, .ctx = ctx };
    if (!enqueue(workers, job, &wants_thread)) {
        free(job);
        return sb_fail(err, SB_EBUSY, "the work queue is full: %u jobs wait already", workers->queue_max);
    }
    if (wants_thread && workers->thread_count < workers->threads_max)
        (void)start_thread(workers); /* without it the threads that there are take the job later */
    return 0;
}

size_t workers_waiting(const struct workers *workers)
{
    /* The lock is the one part of a const pool that is written. */
    pthread_mutex_t *lock = (pthread_mutex_t *)&workers->lock;

    pthread_mutex_lock(lock);
    size_t count = workers->waiting.count;
    pthread_mutex_unlock(lock);
    return count;
}
