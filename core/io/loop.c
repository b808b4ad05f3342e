/* The event loop: libuv's handles behind names of our own. */
#include "io/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    uv_async_t keeper; /* never sent: it keeps uv_run from returning while nothing is due */
    bool is_running;
};

/* In every struct below the handle comes first, so that a closed handle can be freed as what it is part of.
 */
struct loop_timer {
    uv_timer_t uv;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_post {
    uv_async_t uv;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_watch {
    uv_poll_t uv;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_signal {
    uv_signal_t uv;
    void (*fn)(void *ctx, int signum);
    void *ctx;
};

struct loop_turn {
    uv_prepare_t uv;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_job {
    uv_work_t uv;
    void (*work)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

_Static_assert(offsetof(struct loop_timer, uv) == 0, "free_closed frees the handle's address");
_Static_assert(offsetof(struct loop_post, uv) == 0, "free_closed frees the handle's address");
_Static_assert(offsetof(struct loop_watch, uv) == 0, "free_closed frees the handle's address");
_Static_assert(offsetof(struct loop_signal, uv) == 0, "free_closed frees the handle's address");
_Static_assert(offsetof(struct loop_turn, uv) == 0, "free_closed frees the handle's address");

static void free_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, free_closed);
}

/* ---- the loop ---- */

static void ignore_async(uv_async_t *async)
{
    (void)async;
}

struct loop *loop_new(struct sb_error *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop) {
        sb_fail(err, SB_ENOMEM, "cannot make the event loop: out of memory");
        return NULL;
    }
    int rc = uv_loop_init(&loop->uv);
    if (rc < 0) {
        sb_fail(err, SB_EBUSY, "cannot make the event loop: %s", uv_strerror(rc));
        free(loop);
        return NULL;
    }
    rc = uv_async_init(&loop->uv, &loop->keeper, ignore_async);
    if (rc < 0) {
        sb_fail(err, SB_EBUSY, "cannot make the event loop: %s", uv_strerror(rc));
        (void)uv_loop_close(&loop->uv); /* nothing was opened on it */
        free(loop);
        return NULL;
    }
    return loop;
}

static void close_left(uv_handle_t *handle, void *ctx)
{
    struct loop *loop = ctx;

    if (uv_is_closing(handle))
        return;
    uv_close(handle, handle == (uv_handle_t *)&loop->keeper ? NULL : free_closed);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->is_running);

    uv_walk(&loop->uv, close_left, loop);
    /* Returns when all close callbacks have run and all offloaded work has ended. Such an end may open new
     * handles; the second round takes those. */
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_walk(&loop->uv, close_left, loop);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    free(loop);
}

int loop_run(struct loop *loop, struct sb_error *err)
{
    if (loop->is_running)
        return sb_fail(err, SB_EINTERNAL, "cannot run the event loop: it is running already");
    loop->is_running = true;
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* the keeper is left, so the result says nothing */
    loop->is_running = false;
    return 0;
}

void loop_turn(struct loop *loop)
{
    assert(!loop->is_running);
    loop->is_running = true;
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT); /* the keeper is left, so the result says nothing */
    loop->is_running = false;
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

uint64_t loop_now_ms(struct loop *loop)
{
    uv_update_time(&loop->uv);
    return uv_now(&loop->uv);
}

/* ---- timers ---- */

static void run_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = (struct loop_timer *)uv;

    timer->fn(timer->ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct loop_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return NULL;
    timer->fn = fn;
    timer->ctx = ctx;
    int rc = uv_timer_init(&loop->uv, &timer->uv);
    assert(rc == 0); /* it only fills the struct */
    (void)rc;
    return timer;
}

void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ms)
{
    /* libuv counts from the start of this turn, which may be long past: a long callback would fire the timer
     * early. */
    uv_update_time(timer->uv.loop);
    int rc = uv_timer_start(&timer->uv, run_timer, delay_ms, /* repeat= */ 0);
    assert(rc == 0); /* only a closing timer is refused */
    (void)rc;
}

void loop_timer_disarm(struct loop_timer *timer)
{
    (void)uv_timer_stop(&timer->uv); /* never fails */
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer)
        close_handle((uv_handle_t *)&timer->uv);
}

/* ---- doors for other threads ---- */

static void run_post(uv_async_t *uv)
{
    struct loop_post *post = (struct loop_post *)uv;

    post->fn(post->ctx);
}

struct loop_post *loop_post_new(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct loop_post *post = calloc(1, sizeof(*post));
    if (!post)
        return NULL;
    post->fn = fn;
    post->ctx = ctx;
    if (uv_async_init(&loop->uv, &post->uv, run_post) < 0) {
        free(post);
        return NULL;
    }
    return post;
}

void loop_post_send(struct loop_post *post)
{
    (void)uv_async_send(&post->uv); /* fails only while closing, when nobody may send */
}

void loop_post_free(struct loop_post *post)
{
    if (post)
        close_handle((uv_handle_t *)&post->uv);
}

/* ---- signals ---- */

static void run_signal(uv_signal_t *uv, int signum)
{
    struct loop_signal *signal = (struct loop_signal *)uv;

    signal->fn(signal->ctx, signum);
}

int loop_on_signal(struct loop *loop, int signum, void (*fn)(void *ctx, int signum), void *ctx,
                   struct sb_error *err)
{
    struct loop_signal *signal = calloc(1, sizeof(*signal));
    if (!signal)
        return sb_fail(err, SB_ENOMEM, "cannot watch signal %d: out of memory", signum);
    signal->fn = fn;
    signal->ctx = ctx;
    int rc = uv_signal_init(&loop->uv, &signal->uv);
    if (rc < 0) {
        free(signal);
        return sb_fail(err, SB_EBUSY, "cannot watch signal %d: %s", signum, uv_strerror(rc));
    }
    rc = uv_signal_start(&signal->uv, run_signal, signum);
    if (rc < 0) {
        close_handle((uv_handle_t *)&signal->uv);
        return sb_fail(err, SB_EINPUT, "cannot watch signal %d: %s", signum, uv_strerror(rc));
    }
    return 0;
}

/* ---- turns ---- */

static void end_turn(uv_prepare_t *uv)
{
    struct loop_turn *turn = (struct loop_turn *)uv;

    turn->fn(turn->ctx);
}

int loop_before_wait(struct loop *loop, void (*fn)(void *ctx), void *ctx, struct sb_error *err)
{
    struct loop_turn *turn = calloc(1, sizeof(*turn));
    if (!turn)
        return sb_fail(err, SB_ENOMEM, "cannot watch the turns of the loop: out of memory");
    turn->fn = fn;
    turn->ctx = ctx;
    int rc = uv_prepare_init(&loop->uv, &turn->uv);
    if (rc == 0)
        rc = uv_prepare_start(&turn->uv, end_turn);
    assert(rc == 0); /* both only fill the struct */
    (void)rc;
    return 0;
}

/* ---- descriptors ---- */

static void run_watch(uv_poll_t *uv, int status, int events)
{
    struct loop_watch *watch = (struct loop_watch *)uv;

    (void)status; /* an error on the descriptor is best seen by who reads it */
    (void)events;
    watch->fn(watch->ctx);
}

struct loop_watch *loop_watch(struct loop *loop, int fd, void (*fn)(void *ctx), void *ctx,
                              struct sb_error *err)
{
    struct loop_watch *watch = calloc(1, sizeof(*watch));
    if (!watch) {
        sb_fail(err, SB_ENOMEM, "cannot watch a descriptor: out of memory");
        return NULL;
    }
    watch->fn = fn;
    watch->ctx = ctx;
    int rc = uv_poll_init(&loop->uv, &watch->uv, fd);
    if (rc < 0) {
        free(watch);
        sb_fail(err, SB_EINTERNAL, "cannot watch descriptor %d: %s", fd, uv_strerror(rc));
        return NULL;
    }
    rc = uv_poll_start(&watch->uv, UV_READABLE, run_watch);
    if (rc < 0) {
        close_handle((uv_handle_t *)&watch->uv);
        sb_fail(err, SB_EINTERNAL, "cannot watch descriptor %d: %s", fd, uv_strerror(rc));
        return NULL;
    }
    return watch;
}

void loop_unwatch(struct loop_watch *watch)
{
    if (watch)
        close_handle((uv_handle_t *)&watch->uv);
}

/* ---- blocking calls ---- */

static void run_job(uv_work_t *uv)
{
    struct loop_job *job = (struct loop_job *)uv;

    job->work(job->ctx);
}

static void end_job(uv_work_t *uv, int status)
{
    struct loop_job *job = (struct loop_job *)uv;

    (void)status; /* jobs are never cancelled */
    job->done(job->ctx);
    free(job);
}

int loop_offload(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx,
                 struct sb_error *err)
{
    struct loop_job *job = calloc(1, sizeof(*job));
    if (!job)
        return sb_fail(err, SB_ENOMEM, "cannot start background work: out of memory");
    job->work = work;
    job->done = done;
    job->ctx = ctx;
    int rc = uv_queue_work(&loop->uv, &job->uv, run_job, end_job);
    if (rc < 0) {
        free(job);
        return sb_fail(err, SB_EBUSY, "cannot start background work: %s", uv_strerror(rc));
    }
    return 0;
}
