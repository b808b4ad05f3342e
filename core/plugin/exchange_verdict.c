/* Verdicts with their reasons, notes on the record, and meters. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "plugin/exchange_inner.h"

/* A month: a longer wait is a mistake in arithmetic. */
static const int64_t DELAY_MS_MAX = INT64_C(31) * 24 * 3600 * 1000;

static int64_t bound_delay(int64_t delay_ms)
{
    if (delay_ms < 0)
        return 0;
    return delay_ms < DELAY_MS_MAX ? delay_ms : DELAY_MS_MAX;
}

enum sb_verdict sb_skip(struct sb_exchange *x, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    return SB_SKIP;
}

enum sb_verdict sb_retry(struct sb_exchange *x, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    return SB_RETRY;
}

enum sb_verdict sb_reject(struct sb_exchange *x, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    return SB_REJECT;
}

enum sb_verdict sb_drop(struct sb_exchange *x, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    return SB_DROP;
}

enum sb_verdict sb_again(struct sb_exchange *x, int64_t delay_ms)
{
    x->delay_ms = bound_delay(delay_ms);
    return SB_AGAIN;
}

enum sb_verdict sb_retry_in(struct sb_exchange *x, int64_t delay_ms, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    x->delay_ms = bound_delay(delay_ms);
    return SB_RETRY;
}

enum sb_verdict sb_suspend(struct sb_exchange *x, int64_t pause_ms, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    x->suspend_ms = pause_ms > 0 ? bound_delay(pause_ms) : 1; /* 0 would mean "not suspended" */
    return SB_RETRY;
}

enum sb_verdict sb_default_verdict(struct sb_exchange *x)
{
    int status = sb_http_status(x);

    if (status >= 200 && status < 300)
        return SB_OK;
    exchange_say(x, "HTTP %d", status);
    bool is_passing = status == 408 || status == 425 || status == 429 || status >= 500;
    return is_passing ? SB_RETRY : SB_REJECT;
}

void sb_note(struct sb_exchange *x, const char *fmt, ...)
{
    char reason[EXCHANGE_REASON_MAX];
    va_list args;

    /* The reason has the masking and the cutting; it is lent for the note and put back. */
    memcpy(reason, x->reason, sizeof(reason));
    va_start(args, fmt);
    exchange_set_reason(x, fmt, args);
    va_end(args);
    if (!x->notes)
        x->notes = json_array();
    if (json_array_size(x->notes) < EXCHANGE_NOTES_MAX)
        (void)json_array_append_new(x->notes, json_string(x->reason)); /* a lost note harms nobody */
    memcpy(x->reason, reason, sizeof(reason));
}

void sb_meter(struct sb_exchange *x, const char *name, double amount)
{
    if (!name || !*name || !isfinite(amount) || amount < 0) {
        exchange_defect(x, "sb_meter needs a name and an amount that is not negative");
        return;
    }
    for (size_t i = 0; i < x->meter_count; i++) {
        if (strcmp(x->meters[i].name, name) == 0) {
            x->meters[i].amount += amount;
            return;
        }
    }
    if (x->meter_count == COUNT_OF(x->meters)) {
        exchange_defect(x, "a step may use at most %zu meters", COUNT_OF(x->meters));
        return;
    }
    x->meters[x->meter_count++] = (struct exchange_meter){ .name = sb_strdup(x, name), .amount = amount };
}
