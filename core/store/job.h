/* One piece of work in the queue of the store's thread. It lies behind its change in one allocation, so that
 * handing in a change can never fail for want of memory. */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include "store/store_thread.h"

struct store_job {
    struct store_job *next;
    struct store_change *change; /* owned; NULL: a run or a read */
    store_committed_fn committed;
    void (*work)(void *ctx, struct store *store);
    void (*done)(void *ctx);
    void *ctx;
    bool is_read; /* may come after changes that were handed in later */
    bool has_failed;
};

struct store_change_box {
    struct store_change change; /* first: store_change_new gives its address */
    struct store_job job;
};

#endif
