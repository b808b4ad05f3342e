/* How far long work is, on a terminal; nothing elsewhere. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* Rewrites the line "WHAT: 40000 of 100000" on stderr, "WHAT" alone when `whole` is 0. `what` is a constant. */
void progress_show(const char *what, size_t done, size_t whole);
/* Rewrites the line "WHAT: 40 % of 1.2 GiB" on stderr. */
void progress_bytes(const char *what, int64_t done, int64_t whole);
/* A store_progress_fn that shows what the store tells; `ctx` is not used. */
void progress_of_store(void *ctx, enum store_work work, int64_t done, int64_t whole);
/* Removes the line again. */
void progress_clear(void);

#endif
