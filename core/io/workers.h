/* A pool of threads for work that takes long: decoding, recognition, hashing. */
#ifndef IO_WORKERS_H
#define IO_WORKERS_H

#include <stddef.h>
#include <stdint.h>

#include "io/loop.h"

struct workers;

/* `threads` 0: one a core. At most `queue_max` jobs wait. */
struct workers *workers_new(struct loop *loop, uint32_t threads, uint32_t queue_max, struct sb_error *err);
/* Waits for running jobs; jobs not started are dropped. No `done` is called any more. NULL allowed. */
void workers_free(struct workers *workers);
/* `work` runs on a pool thread, then `done` on the loop. SB_EBUSY when the queue is full. Loop thread only. */
int workers_submit(struct workers *workers, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx,
                   struct sb_error *err) SB_MUST_CHECK;
size_t workers_waiting(const struct workers *workers);

#endif
