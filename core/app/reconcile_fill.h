/* Emitting what a comparison has found missing. */
#ifndef APP_RECONCILE_FILL_H
#define APP_RECONCILE_FILL_H

#include "store/store.h"

/* The next few missing ones of `entries` from *index on (moved behind them) as doubtful records; without any, an empty
 * change. NULL: out of memory. */
struct store_change *reconcile_fill(const json_t *entries, size_t *index, int64_t now_ms);

#endif
