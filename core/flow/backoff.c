/* Waiting times. */
#include "flow/backoff.h"

enum { ASK_AFTER_MS_MIN = 10, ASK_EVERY_MS_MIN = 1000, ASK_EVERY_MS_MAX = 10 * 60 * 1000 };

int64_t backoff_ceiling_ms(uint32_t attempt)
{
    int64_t ms = BACKOFF_MS_FIRST;

    for (uint32_t i = 1; i < attempt && ms < BACKOFF_MS_MAX; i++)
        ms *= 2;
    return ms > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : ms;
}

int64_t reconcile_ask_ms(uint32_t ask, int64_t wait_ms)
{
    static const int divisors[] = { 30, 8, 3 };
    enum { EARLY = sizeof(divisors) / sizeof(divisors[0]) };

    if (ask < EARLY)
        return wait_ms / divisors[ask] + ASK_AFTER_MS_MIN;
    if (ask == EARLY)
        return wait_ms / 3 * 2 + ASK_AFTER_MS_MIN;
    int64_t every_ms = wait_ms / 3;
    if (every_ms < ASK_EVERY_MS_MIN)
        every_ms = ASK_EVERY_MS_MIN;
    if (every_ms > ASK_EVERY_MS_MAX)
        every_ms = ASK_EVERY_MS_MAX;
    return wait_ms + ASK_AFTER_MS_MIN + (int64_t)(ask - EARLY - 1) * every_ms;
}
