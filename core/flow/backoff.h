/* How long to wait before trying again, and when an unknown outcome is asked for. Pure. */
#ifndef FLOW_BACKOFF_H
#define FLOW_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_MS_FIRST = 1000, BACKOFF_MS_MAX = 5 * 60 * 1000 };

/* The ceiling of the wait before try `attempt` + 1 (attempt 1, 2, ...): doubles up to BACKOFF_MS_MAX. The
 * wait itself is uniform in 0 .. ceiling (full jitter), so that many records do not come back at once. */
int64_t backoff_ceiling_ms(uint32_t attempt);

/* When the `ask`th look (0, 1, ...) for an unknown outcome is due, in ms after it became unknown: early
 * first, for most outcomes show at once, the last at `wait_ms`, when "not there" may be believed; beyond,
 * every third of it. */
int64_t reconcile_ask_ms(uint32_t ask, int64_t wait_ms);

#endif
