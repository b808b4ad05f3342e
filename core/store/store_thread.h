/* A thread around the store: changes are committed in groups, the loop never waits for the disk. */
#ifndef STORE_STORE_THREAD_H
#define STORE_STORE_THREAD_H

#include "base/metrics.h"
#include "store/store.h"

struct store_thread;

/* Called from the store's thread when finished work waits: must only wake the loop, which then calls
 * store_thread_deliver. */
typedef void (*store_thread_wake_fn)(void *ctx);

/* Takes `store`: it is closed by store_thread_free. `wake` runs on the store's thread, never under a lock. */
int store_thread_new(struct store *store, store_thread_wake_fn wake, void *ctx,
                     struct store_thread **ret_thread, struct sb_error *err) SB_MUST_CHECK;
/* Commits what was submitted, then ends; undelivered callbacks are not called. NULL allowed. */
void store_thread_free(struct store_thread *thread);

/* `err` is NULL on success. Runs on the loop, changes in the order of submission, from store_thread_deliver. `change`
 * is freed after it returns. */
typedef void (*store_committed_fn)(void *ctx, struct store_change *change, const struct sb_error *err);
/* Takes `change`. All changes that wait when the thread is free share one transaction (at most 256). After a
 * failed commit every later one fails with the same message. */
void store_thread_commit(struct store_thread *thread, struct store_change *change, store_committed_fn done,
                         void *ctx);

/* Runs `work` with the store on its thread, between transactions and after every change submitted before,
 * then `done` on the loop. */
void store_thread_run(struct store_thread *thread, void (*work)(void *ctx, struct store *store),
                      void (*done)(void *ctx), void *ctx);
/* As store_thread_run for `work` that only reads, and may see changes that were submitted a little later: they are
 * committed together with those before it, so that reading does not part their transaction. */
void store_thread_read(struct store_thread *thread, void (*work)(void *ctx, struct store *store),
                       void (*done)(void *ctx), void *ctx);

/* So many wake the thread for little, and let it work while the loop makes the next ones: of a turn that brings many, all
 * would else wait for the last. */
enum { STORE_THREAD_GATHERED_MAX = 16 };
/* Loop thread: from now on what is submitted stays with the loop until there is as much of it, or store_thread_flush,
 * _drain or _free hands it over, so that what one turn of the loop brings shares a transaction and wakes the thread once. */
void store_thread_gather(struct store_thread *thread);
void store_thread_flush(struct store_thread *thread);

/* Loop thread: calls back for what has finished. A callback may hand in more work, deliver, and drain. */
void store_thread_deliver(struct store_thread *thread);
/* Loop thread: waits until everything submitted so far was committed and delivers it. */
void store_thread_drain(struct store_thread *thread);

/* Loop thread: why every commit fails from now on, after one or a write of store_thread_run's `work` has failed; NULL: none
 * has. The owner is to end: nothing can be remembered any more. Lives as long as the thread. */
const struct sb_error *store_thread_failure(struct store_thread *thread);

/* For metrics. */
struct store_thread_stats {
    uint64_t commits, changes; /* that succeeded */
    double commit_seconds_total, commit_seconds_last;
    size_t waiting; /* changes and runs handed in and not finished */
};
/* From now on each successful commit's time is observed in `seconds`, a histogram that outlives the thread. */
void store_thread_measure(struct store_thread *thread, struct metric *seconds);
void store_thread_stats(struct store_thread *thread, struct store_thread_stats *ret_stats);

#endif
