/* The event loop (libuv) that everything of a running engine hangs on. One thread, but for loop_post. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "switchboard/error.h"

struct loop;
struct loop_timer;
struct loop_post; /* a door for other threads */

struct loop *loop_new(struct sb_error *err);
/* Closes and frees what is left (timers, doors, watches: their owners must not free them afterwards), and waits for
 * what loop_offload has started. The loop must not be running. NULL allowed. */
void loop_free(struct loop *loop);
/* Runs until loop_stop. SB_EINTERNAL when it runs already. */
int loop_run(struct loop *loop, struct sb_error *err) SB_MUST_CHECK;
void loop_stop(struct loop *loop);
/* One turn that waits for nothing: what has happened already is told, signals first of all. Not while it runs. */
void loop_turn(struct loop *loop);
/* Milliseconds on the monotonic clock, as of now and not as of the start of this turn. */
uint64_t loop_now_ms(struct loop *loop);

/* One-shot timer. `fn` runs on the loop. Arming again moves it. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *ctx), void *ctx);
void loop_timer_arm(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_disarm(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL allowed */

/* `fn` runs once on the loop, soon after any thread has called loop_post_send (calls may be merged). */
struct loop_post *loop_post_new(struct loop *loop, void (*fn)(void *ctx), void *ctx);
void loop_post_send(struct loop_post *post); /* any thread, also a signal handler's */
void loop_post_free(struct loop_post *post); /* NULL allowed; no sender may be left */

/* `fn` runs on the loop when the process gets `signum`. Kept until loop_free. */
int loop_on_signal(struct loop *loop, int signum, void (*fn)(void *ctx, int signum), void *ctx,
                   struct sb_error *err) SB_MUST_CHECK;
/* `fn` runs at the end of each turn, before the loop waits. Kept until loop_free. */
int loop_before_wait(struct loop *loop, void (*fn)(void *ctx), void *ctx, struct sb_error *err) SB_MUST_CHECK;
/* `fn` runs on the loop while `fd` is readable. Gives a handle for loop_unwatch. */
struct loop_watch;
struct loop_watch *loop_watch(struct loop *loop, int fd, void (*fn)(void *ctx), void *ctx,
                              struct sb_error *err);
void loop_unwatch(struct loop_watch *watch); /* NULL allowed */
/* Runs `work` on a thread of libuv's small pool, then `done` on the loop: for calls that wait for the disk, such as
 * fsync. Long computations belong to workers.h. */
int loop_offload(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx,
                 struct sb_error *err) SB_MUST_CHECK;

#endif
